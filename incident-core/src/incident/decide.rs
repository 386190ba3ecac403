//! Where a command becomes events or a refusal.

use std::time::Duration;

use super::declare::long_outage;
use super::limits::{is_bound, span_of};
use super::{
    CancelReason, Change, Command, Ending, Event, Incident, Mode, Publish, Severity, SlaFacts,
    Status, Transition, TransitionKind, Update, Updated,
};
use super::{alert, limits, merge, page, vendor, visible};
use crate::actor::{Action, Actor};
use crate::policy::Policy;
use crate::timeline::EntryKind;
use crate::{Statement, Timestamp, ValidationError};

/// How far a stated time may lie ahead of our clock: clocks differ.
pub(crate) const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Why a command was not accepted. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A value does not fit. **Handling:** show it; the input must change.
    #[error("not acceptable")]
    Invalid(#[from] ValidationError),
    /// The incident is in a state that does not allow this. **Handling:** show
    /// it; load the incident again before asking something else.
    #[error("{detail}")]
    WrongState {
        /// A stable name for programs.
        code: &'static str,
        /// The sentence for people.
        detail: String,
    },
}

pub(super) fn wrong_state(code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::WrongState {
        code,
        detail: detail.into(),
    }
}

/// A stated time must not lie in the future.
pub(crate) fn not_future(
    field: &'static str,
    time: Timestamp,
    now: Timestamp,
) -> Result<(), ValidationError> {
    if time > now.saturating_add(CLOCK_TOLERANCE) {
        return Err(ValidationError::new(
            field,
            "a time that is not in the future",
        ));
    }
    Ok(())
}

/// A newly set ETA must not lie in the past.
pub(crate) fn eta_ahead(eta: Timestamp, now: Timestamp) -> Result<(), ValidationError> {
    if eta < now {
        return Err(ValidationError::new(
            "eta",
            "a time that is not in the past",
        ));
    }
    Ok(())
}

/// The rights that a command on this incident needs; all of them.
#[must_use]
pub fn rights_for(incident: &Incident, command: &Command) -> Vec<Action> {
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
        Command::Publish(_) => rights.push(Action::Publish),
        Command::LinkPostMortem { .. } => rights.push(Action::LinkPostMortem),
        Command::Page { .. } | Command::Escalate { .. } | Command::RetryPage { .. } => {
            rights.push(Action::Page);
        }
        Command::Redact { .. } => rights.push(Action::Redact),
        Command::TakeIn { .. } => rights.push(Action::Merge),
        Command::RepeatAlert(_) | Command::Relate { .. } => rights.push(Action::Declare),
    }
    let corrects = matches!(command, Command::Change(_) | Command::ChangeLong { .. })
        || matches!(command, Command::Update(update) if update.kind == Some(EntryKind::Correction));
    if incident.status.is_final() && corrects {
        rights.push(Action::CorrectEnded);
    }
    rights
}

/// What follows from a command, or why nothing does.
///
/// # Errors
/// A [`Refusal`] that says which value or which state stands against it.
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
        Command::Report(report) => vendor::report(incident, report, by, now, policy),
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
        Command::Page { reason } => page::page(incident, reason),
        Command::Escalate { rule, reason } => page::escalate(incident, rule, reason, by),
        Command::RetryPage { given_up } => page::retry(incident, given_up),
        Command::Redact { seq, .. } => {
            if *seq == 0 || *seq > incident.last_seq {
                return Err(
                    ValidationError::new("seq", "the number of an entry of this incident").into(),
                );
            }
            Ok(vec![Event::Redacted { seq: *seq }])
        }
        Command::TakeIn { source } => merge::take_in(incident, source),
        Command::RepeatAlert(repeat) => Ok(vec![alert::repeated(incident, repeat, now)]),
        Command::Relate {
            to,
            number,
            takes_over,
        } => Ok(vec![Event::Related {
            to: *to,
            number: *number,
            takes_over: takes_over.clone(),
        }]),
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
        // Two people press the button at the same time: the first one has it.
        return Ok(Vec::new());
    }
    if taken {
        return Err(wrong_state(
            "already_acknowledged",
            "the incident was acknowledged before",
        ));
    }
    if !incident.status.is_live() {
        return Err(wrong_state(
            "not_live",
            "only a live incident can be acknowledged",
        ));
    }
    let at = at.unwrap_or(now);
    not_future("at", at, now)?;
    Ok(vec![Event::Acknowledged { at, by: by.clone() }])
}

pub(super) fn update_of(
    incident: &Incident,
    update: &Update,
    now: Timestamp,
    policy: &Policy,
) -> Result<Updated, Refusal> {
    let occurred_at = update.occurred_at.unwrap_or(now);
    not_future("occurred_at", occurred_at, now)?;
    let kind = kind_of(incident, update)?;
    let to = update.status.unwrap_or(incident.status);
    let transition = transition(incident, update, to, occurred_at, policy)?;
    if incident.status.is_final() && !matches!(kind, EntryKind::Correction | EntryKind::Action) {
        return Err(ended(incident));
    }
    if transition.is_none() && update.severity.is_none() {
        limits::room_for_notes(incident)?;
    }
    let mut changes = Vec::new();
    changes.extend(update.severity.map(Change::Severity));
    changes.extend(update.eta.map(|eta| Change::Eta(Some(eta))));
    changes.extend(
        update
            .impact_ended_at
            .map(|end| Change::ImpactEndedAt(Some(end))),
    );
    changes.retain(|change| !change.is_idle(incident));
    for change in &changes {
        check_change(incident, change, now)?;
    }
    Ok(Updated {
        kind,
        message: update.message.clone(),
        reason: update.reason.clone(),
        occurred_at,
        transition,
        changes,
        comms_sent: update.comms_sent.clone(),
        public_message: update.public_message.clone(),
        corrects: update.corrects,
    })
}

pub(super) fn ended(incident: &Incident) -> Refusal {
    let status = incident.status;
    let detail = format!("the incident is {status}; it takes corrections and actions only");
    wrong_state("incident_ended", detail)
}

fn kind_of(incident: &Incident, update: &Update) -> Result<EntryKind, Refusal> {
    if let Some(seq) = update.corrects
        && (seq == 0 || seq > incident.last_seq)
    {
        return Err(
            ValidationError::new("corrects", "the number of an entry of this incident").into(),
        );
    }
    let natural = match (&update.corrects, &update.comms_sent) {
        (Some(_), _) => EntryKind::Correction,
        (None, Some(_)) => EntryKind::Comms,
        (None, None) => EntryKind::Update,
    };
    let kind = update.kind.unwrap_or(natural);
    if !kind.is_written_by_people() {
        return Err(ValidationError::new(
            "kind",
            "one of update, decision, action, observation, hypothesis, comms, correction",
        )
        .into());
    }
    match (kind, update.corrects) {
        (EntryKind::Correction, None) => Err(ValidationError::new(
            "corrects",
            "the number of the entry that is corrected",
        )
        .into()),
        (EntryKind::Correction, Some(_)) => Ok(kind),
        (_, Some(_)) => {
            Err(ValidationError::new("kind", "`correction`, as `corrects` is given").into())
        }
        (_, None) => Ok(kind),
    }
}

fn transition(
    incident: &Incident,
    update: &Update,
    to: Status,
    at: Timestamp,
    policy: &Policy,
) -> Result<Option<Transition>, Refusal> {
    let from = incident.status;
    let Some(step) = from.step_to(to) else {
        if update.status.is_none() {
            return Ok(None);
        }
        return Err(wrong_state(
            "status_not_reachable",
            format!("a {from} incident cannot become {to}"),
        ));
    };
    let ending = match step {
        TransitionKind::Stay => return Ok(None),
        TransitionKind::Move => {
            if to == Status::Mitigated {
                after_start(incident, "occurred_at", at)?;
            }
            None
        }
        TransitionKind::Resolve => {
            after_start(
                incident,
                "occurred_at",
                update.impact_ended_at.map_or(at, |end| end.max(at)),
            )?;
            None
        }
        TransitionKind::Reopen => {
            reason(update)?;
            if incident.earlier.len() >= limits::MAX_REOPENINGS {
                let expected = "no reopening: one incident is reopened at most 100 times";
                return Err(ValidationError::new("status", expected).into());
            }
            after_start(incident, "occurred_at", at)?;
            None
        }
        TransitionKind::Close => {
            close(incident, at, policy)?;
            None
        }
        TransitionKind::Cancel => Some(Ending::Cancelled(cancel_reason(reason(update)?)?)),
        TransitionKind::Merge => Some(merged_into(incident, update)?),
    };
    Ok(Some(Transition { from, to, ending }))
}

fn reason(update: &Update) -> Result<&Statement, ValidationError> {
    update.reason.as_ref().ok_or_else(|| {
        ValidationError::new("reason", "why; it is needed for this change of status")
    })
}

fn cancel_reason(reason: &Statement) -> Result<CancelReason, ValidationError> {
    CancelReason::parse(reason.as_str())
}

fn merged_into(incident: &Incident, update: &Update) -> Result<Ending, Refusal> {
    let into = update.merged_into.ok_or_else(|| {
        ValidationError::new(
            "merged_into",
            "the id of the incident that takes this one in",
        )
    })?;
    if into == incident.id {
        return Err(ValidationError::new("merged_into", "another incident than this one").into());
    }
    Ok(Ending::MergedInto(into))
}

fn close(incident: &Incident, at: Timestamp, policy: &Policy) -> Result<(), Refusal> {
    if incident.resolved_at.is_some_and(|resolved| at < resolved) {
        return Err(ValidationError::new(
            "occurred_at",
            "a time that is not before the resolution",
        )
        .into());
    }
    if policy.of(incident.severity).post_mortem_required && incident.post_mortem.is_none() {
        return Err(wrong_state(
            "post_mortem_missing",
            format!(
                "a {} incident needs a post-mortem link before it is closed",
                incident.severity
            ),
        ));
    }
    Ok(())
}

/// The start of the interval that is open now, or was last.
fn interval_start(incident: &Incident) -> Timestamp {
    incident.reopened_at.unwrap_or(incident.started_at)
}

fn after_start(
    incident: &Incident,
    field: &'static str,
    time: Timestamp,
) -> Result<(), ValidationError> {
    if time < interval_start(incident) {
        return Err(ValidationError::new(
            field,
            "a time that is not before the start of the impact",
        ));
    }
    Ok(())
}

fn start_before_ends(incident: &Incident, start: Timestamp) -> Result<(), ValidationError> {
    let ends = [
        incident.mitigated_at,
        incident.impact_ended_at,
        incident.resolved_at,
    ];
    if ends.into_iter().flatten().any(|end| end < start) {
        let expected = "a time that is not after the mitigation, end of impact or resolution";
        return Err(ValidationError::new("started_at", expected));
    }
    Ok(())
}

/// Refuses a new start of an incident that was reopened where nothing would be left of its
/// first outage: one start would be shown, and the outage counted from another.
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
        Some(_) => "a time before the end of the first outage, as it was reopened since",
        None => "no value, as it was reopened and its first outage had no length",
    };
    Err(ValidationError::new("started_at", expected))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only times have an order; every other field takes any value of its type"
)]
fn check_change(incident: &Incident, change: &Change, now: Timestamp) -> Result<(), Refusal> {
    match change {
        Change::Eta(Some(eta)) => eta_ahead(*eta, now)?,
        Change::DetectedAt(Some(at)) => not_future("detected_at", *at, now)?,
        Change::ImpactEndedAt(Some(end)) => {
            not_future("impact_ended_at", *end, now)?;
            after_start(incident, "impact_ended_at", *end)?;
        }
        Change::StartedAt(start) => {
            not_future("started_at", *start, now)?;
            if incident.reopened_at.is_none() {
                start_before_ends(incident, *start)?;
            }
        }
        Change::AffectedTenants(tenants) => {
            let hull = (incident.started_at, SlaFacts::of(incident).end_of_outage());
            tenants.check_times(&incident.affected_tenants, hull, now)?;
        }
        _ => {}
    }
    Ok(())
}

fn change(
    incident: &Incident,
    changes: &[Change],
    long_because: Option<&Statement>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    if long_because.is_some() && !changes.iter().any(is_bound) {
        let expected = "no value, as neither `started_at` nor `impact_ended_at` changes";
        return Err(ValidationError::new("reason", expected).into());
    }
    let fresh: Vec<&Change> = changes
        .iter()
        .filter(|change| !change.is_idle(incident))
        .collect();
    // Times that arrive together are judged together, and so is the size of all fields.
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
        events.push(long_outage(span_of(&whole, now), reason, now));
    }
    events.extend(fresh.into_iter().cloned().map(Event::Changed));
    Ok(events)
}

fn publish_of(incident: &Incident, publish: &Publish) -> Result<Vec<Event>, Refusal> {
    if publish.public && incident.mode == Mode::Drill {
        return Err(wrong_state(
            "drill_not_public",
            "a drill is never published",
        ));
    }
    let same_title = publish.title.is_none() || publish.title == incident.status_page.title;
    if publish.public == incident.status_page.public && same_title && publish.message.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::Published(publish.clone())])
}
