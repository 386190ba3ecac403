//! The decision: turns a command into events or a refusal.

use super::event::long_outage;
use super::limits::{is_bound, span_of};
use super::refusal::wrong_state;
use super::times::not_future;
use super::update::{check_change, update_of};
use super::{Change, Command, Event, Incident, LossState, Mode, Publish, Severity, TransitionKind};
use super::{Refusal, limits, merge, page, repeat, report, visible};
use super::{approve, change_role, tick};
use crate::actor::{Action, Actor};
use crate::policy::Policy;
use crate::timeline::EntryKind;
use crate::{Statement, Timestamp, ValidationError};

/// Returns all rights that a command on this incident needs, if `by` gives it.
#[must_use]
pub fn rights_for(incident: &Incident, command: &Command, by: &Actor) -> Vec<Action> {
    let mut rights = Vec::new();
    let lowers = |severity: Severity| incident.severity.is_worse_than(severity);
    match command {
        Command::Acknowledge { .. } => rights.push(Action::Acknowledge),
        Command::Report(report) => rights.extend(report.rights()),
        Command::Update(update) => {
            rights.push(Action::Update);
            match update.status.and_then(|to| incident.status.step_to(to)) {
                Some(TransitionKind::Close) => rights.push(Action::Close),
                Some(TransitionKind::Cancel) => rights.push(Action::Cancel),
                Some(TransitionKind::Merge) => rights.push(Action::Merge),
                Some(TransitionKind::Reopen) => rights.push(Action::Reopen),
                Some(TransitionKind::Stay | TransitionKind::Move | TransitionKind::Resolve)
                | None => {}
            }
            if update.severity.is_some_and(lowers) {
                rights.push(Action::LowerSeverity);
            }
        }
        Command::Change(changes) | Command::ChangeLong { changes, .. } => {
            rights.push(Action::Change);
            if matches!(command, Command::ChangeLong { .. }) {
                rights.push(Action::LongOutage);
            }
            if changes
                .iter()
                .any(|change| matches!(change, Change::Severity(to) if lowers(*to)))
            {
                rights.push(Action::LowerSeverity);
            }
        }
        Command::MarkUsersNotified { .. } | Command::MarkAuthorityNotified { .. } => {
            rights.push(Action::Change);
        }
        Command::Publish(_) => rights.push(Action::Publish),
        Command::LinkPostMortem { .. } => rights.push(Action::LinkPostMortem),
        Command::Page { .. } | Command::Escalate { .. } | Command::RetryPage { .. } => {
            rights.push(Action::Page);
        }
        Command::Redact { .. } => rights.push(Action::Redact),
        Command::TakeIn { .. } => rights.push(Action::Merge),
        Command::RepeatAlert(_) | Command::Relate { .. } => rights.push(Action::Declare),
        Command::ChangeRole(change) => {
            rights.push(Action::Change);
            if change_role::overrides_holder(incident, change, by) {
                rights.push(Action::OverrideRole);
            }
        }
        Command::Approve(_) | Command::Tick(_) => rights.push(Action::Update),
    }
    let corrects = matches!(command, Command::Change(_) | Command::ChangeLong { .. })
        || matches!(command, Command::Update(update) if update.kind == Some(EntryKind::Correction));
    if incident.status.is_final() && corrects {
        rights.push(Action::CorrectEnded);
    }
    rights
}

/// Decides a command: returns the events that follow, or the refusal.
///
/// # Errors
/// Returns a [`Refusal`] that names the value or the state that prevents it.
///
/// ```
/// use incident_core::incident::{Refusal, Status};
/// use incident_core::testing::{self, update_to};
/// use incident_core::{incident::decide, policy::Policy};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (incident, anna, now) = testing::an_incident();
/// let events = decide(&incident, &update_to(Status::Resolved, "fixed")?, &anna, now, &Policy::default())?;
/// assert_eq!(events.len(), 1);
/// // A new incident cannot be closed before it is resolved.
/// let refused = decide(&incident, &update_to(Status::Closed, "done")?, &anna, now, &Policy::default());
/// assert!(matches!(refused, Err(Refusal::WrongState { .. })));
/// # Ok(())
/// # }
/// ```
pub fn decide(
    incident: &Incident,
    command: &Command,
    by: &Actor,
    now: Timestamp,
    policy: &Policy,
) -> Result<Vec<Event>, Refusal> {
    visible::command(command)?;
    match command {
        Command::Acknowledge { at } => acknowledge(incident, *at, by, now),
        Command::Update(update) => Ok(vec![Event::Updated(Box::new(update_of(
            incident, update, now, policy,
        )?))]),
        Command::Report(report) => report::report(incident, report, by, now, policy),
        Command::Change(changes) => change(incident, changes, None, now),
        Command::ChangeLong { changes, reason } => change(incident, changes, Some(reason), now),
        Command::Publish(publish) => publish_of(incident, publish),
        Command::LinkPostMortem { url } => {
            if incident
                .post_mortem
                .as_ref()
                .is_some_and(|linked| linked.url == *url)
            {
                return Ok(Vec::new());
            }
            Ok(vec![Event::PostMortemLinked {
                url: url.clone(),
                by: by.clone(),
            }])
        }
        Command::MarkUsersNotified { note } => users_notified(incident, note, by),
        Command::MarkAuthorityNotified { note } => authority_notified(incident, note, by),
        Command::Page { reason } => page::page(incident, reason),
        Command::Escalate { rule, reason } => page::escalate(incident, rule, reason, by),
        Command::RetryPage { given_up } => page::retry(incident, given_up),
        Command::Redact { seq, .. } => {
            if *seq == 0 || *seq > incident.last_seq {
                return Err(ValidationError::new(
                    "seq",
                    "the number of a timeline entry of this incident",
                )
                .into());
            }
            Ok(vec![Event::Redacted { seq: *seq }])
        }
        Command::TakeIn { source } => merge::take_in(incident, source),
        Command::RepeatAlert(repeat) => Ok(vec![repeat::repeated(incident, repeat, now)]),
        Command::Relate {
            to,
            number,
            takes_over,
        } => Ok(vec![Event::Related {
            to: *to,
            number: *number,
            takes_over: takes_over.clone(),
        }]),
        Command::ChangeRole(change) => change_role::change_role(incident, change, by),
        Command::Approve(step) => approve::approve(incident, step, by),
        Command::Tick(item) => tick::tick(incident, item, by),
    }
}

fn acknowledge(
    incident: &Incident,
    at: Option<Timestamp>,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let taken = incident.is_acknowledged();
    if taken && at.is_none() {
        // Two people press the button at the same time: the first one is recorded.
        return Ok(Vec::new());
    }
    if taken {
        return Err(wrong_state(
            "already_acknowledged",
            "the incident is already acknowledged",
        ));
    }
    if !incident.status.is_live() {
        return Err(wrong_state(
            "not_live",
            "only an active incident can be acknowledged",
        ));
    }
    let at = at.unwrap_or(now);
    not_future("at", at, now)?;
    Ok(vec![Event::Acknowledged { at, by: by.clone() }])
}

/// Checks that a new start leaves a part of the first outage of a reopened incident. Otherwise one
/// start would be shown, and the outage counted from another.
fn start_of_first(incident: &Incident, changes: &[&Change]) -> Result<(), ValidationError> {
    let new = changes.iter().find_map(|change| {
        if let Change::StartedAt(start) = change {
            Some(*start)
        } else {
            None
        }
    });
    let (Some(start), Some(_)) = (new, incident.reopened_at) else {
        return Ok(());
    };
    let first = incident.earlier.first();
    let expected = match first.filter(|first| first.start() == incident.started_at) {
        Some(first) if start < first.end() => return Ok(()),
        Some(_) => {
            "a time before the end of the first outage, because the incident was reopened since"
        }
        None => "no value, because the incident was reopened and its first outage has no duration",
    };
    Err(ValidationError::new("started_at", expected))
}

fn change(
    incident: &Incident,
    changes: &[Change],
    long_because: Option<&Statement>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if long_because.is_some() && !changes.iter().any(is_bound) {
        let expected = "no value, because neither `started_at` nor `impact_ended_at` changes";
        return Err(ValidationError::new("reason", expected).into());
    }
    let changes = changes.iter().map(Change::normalized);
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let mut fresh: Vec<&Change> = changes
        .iter()
        .filter(|change| !change.is_idle(incident))
        .collect();
    // A change of severity restarts the clock of updates; a time that is given with it holds.
    fresh.sort_by_key(|change| matches!(change, Change::NextUpdateDueAt(_)));
    // Times that arrive together are checked together, and so is the size of all fields.
    let (mut trial, mut whole) = (incident.clone(), incident.clone());
    for change in &fresh {
        if is_bound(change) {
            change.set(trial.state_mut());
        }
        change.set(whole.state_mut());
    }
    start_of_first(incident, &fresh)?;
    for change in &fresh {
        check_change(&trial, change, now)?;
    }
    let fields: Vec<&str> = fresh.iter().map(|change| change.field()).collect();
    limits::size(Some(incident), &whole, &fields)?;
    if !fresh.is_empty() && !fresh.iter().any(|change| limits::is_pressing(change)) {
        limits::room_for_notes(incident)?;
    }
    let mut events = Vec::with_capacity(fresh.len() + 1);
    if let Some(reason) = long_because.filter(|_| fresh.iter().any(|change| is_bound(change))) {
        events.push(long_outage(
            limits::months_of(span_of(&whole, now)),
            reason,
            now,
        ));
    }
    events.extend(fresh.into_iter().cloned().map(Event::Changed));
    Ok(events)
}

/// Records a letter to the users whose data was lost. A further letter is another entry.
fn users_notified(
    incident: &Incident,
    note: &Statement,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    if incident.data_loss_state() != LossState::Confirmed {
        let detail = "users are notified of lost data, and no loss of data is confirmed";
        return Err(wrong_state("data_loss_not_confirmed", detail));
    }
    limits::room_for_notes(incident)?;
    Ok(vec![Event::UsersNotified {
        note: note.clone(),
        by: by.name.clone(),
    }])
}

/// Records a notification of the authority. A further one is another entry.
fn authority_notified(
    incident: &Incident,
    note: &Statement,
    by: &Actor,
) -> Result<Vec<Event>, Refusal> {
    if incident.data_leak_state() == LossState::None {
        let detail = "an authority is notified of leaked data, and no leak of data is suspected";
        return Err(wrong_state("data_leak_not_suspected", detail));
    }
    limits::room_for_notes(incident)?;
    Ok(vec![Event::AuthorityNotified {
        note: note.clone(),
        by: by.name.clone(),
    }])
}

fn publish_of(incident: &Incident, publish: &Publish) -> Result<Vec<Event>, Refusal> {
    if publish.public && incident.mode == Mode::Drill {
        return Err(wrong_state(
            "drill_not_public",
            "a drill cannot be published",
        ));
    }
    let same_title = publish.title.is_none() || publish.title == incident.status_page.title;
    if publish.public == incident.status_page.public && same_title && publish.message.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::Published(publish.clone())])
}
