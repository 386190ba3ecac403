//! Limits of one incident: of its lists, of all its fields together, of its months.
//!
//! Each is checked when a command brings something new. What was stored before a limit existed
//! stays as it is, and can be made smaller.

use std::collections::BTreeMap;

pub use super::approvals::MAX_APPROVALS;
pub use super::roles::MAX_ROLE_INTERVALS;
pub use super::ticks::MAX_TICKS;
use super::{Change, Command, Declare, Facts, Incident, Refusal, State};
use crate::{Month, Name, ServiceId, Text, Timestamp, ValidationError};

/// Maximum number of labels.
pub const MAX_LABELS: usize = 64;
/// Maximum length of a label's name, in bytes.
pub const LABEL_NAME_BYTES: usize = 128;
/// Maximum length of a label's value, in bytes.
pub const LABEL_VALUE_BYTES: usize = 1024;
/// Maximum number of services.
pub const MAX_SERVICES: usize = 200;
/// Maximum number of times that one incident is reopened. Each adds a window to every later
/// computation and a clock to every tenant; a service that flaps more is another incident.
pub const MAX_REOPENINGS: usize = 100;
/// Maximum length of all its texts, names and labels together, in bytes. Tenants and public lines
/// have limits of their own.
pub const INCIDENT_BYTES: usize = 128 * 1024;
/// Maximum number of calendar months (of UTC) that its outage touches, unless a caller with the
/// right [`LongOutage`](crate::actor::Action::LongOutage) makes it longer.
pub const MAX_MONTHS: u32 = 60;
/// Number of timeline entries from which on updates and changes are refused that set neither the
/// status nor the severity.
pub const MAX_ENTRIES: u64 = 100_000;
/// Maximum number of people who change what its credits are computed from. None of them may approve
/// these credits, so all of them are stored.
pub const MAX_SHAPERS: usize = 1_000;

/// Checks the labels of a command.
pub(super) fn labels(all: &BTreeMap<Name, Text>) -> Result<(), ValidationError> {
    if all.len() > MAX_LABELS {
        return Err(ValidationError::new("labels", "at most 64 labels"));
    }
    for (name, value) in all {
        if name.as_str().len() > LABEL_NAME_BYTES {
            return Err(ValidationError::new(
                "labels",
                "label names of at most 128 bytes",
            ));
        }
        if value.as_str().len() > LABEL_VALUE_BYTES {
            let field = format!("labels/{}", pointed(name.as_str()));
            return Err(ValidationError::new(field, "at most 1024 bytes"));
        }
    }
    Ok(())
}

/// Escapes a name for a JSON pointer (RFC 6901).
fn pointed(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Checks the services of a command.
pub(super) fn services(all: &[ServiceId]) -> Result<(), ValidationError> {
    if all.len() > MAX_SERVICES {
        return Err(ValidationError::new(
            "affected_services",
            "at most 200 services",
        ));
    }
    Ok(())
}

/// Counts the calendar months of UTC that an outage touches.
pub(super) fn months_of((start, end): (Timestamp, Timestamp)) -> u32 {
    let number = |month: Month| {
        let (year, month) = month.parts();
        u32::from(year) * 12 + u32::from(month)
    };
    let last = if start < end {
        Month::of_end(end)
    } else {
        Month::of(end)
    };
    (number(last) + 1).saturating_sub(number(Month::of(start)))
}

/// Returns `true` if a change moves a bound of the outage.
pub(super) const fn is_bound(change: &Change) -> bool {
    matches!(change, Change::StartedAt(_) | Change::ImpactEndedAt(_))
}

/// Returns the outage from its first start to its end, or to `now`.
pub(super) fn span_of(incident: &State, now: Timestamp) -> (Timestamp, Timestamp) {
    let end = incident.impact_ended_at.or(incident.resolved_at);
    (incident.started_at, end.unwrap_or(now))
}

/// Checks that a declared outage touches at most [`MAX_MONTHS`] months; for callers without the
/// right to enter a longer one.
pub(crate) fn declared_span(asked: &Declare, now: Timestamp) -> Result<(), ValidationError> {
    span("started_at", asked.span(now), 0)
}

/// Checks that a command does not make an outage touch more than [`MAX_MONTHS`] months. One that is
/// longer already may end.
pub(crate) fn changed_span(
    incident: &Incident,
    command: &Command,
    now: Timestamp,
) -> Result<(), ValidationError> {
    let mut after = None;
    let field = match command {
        Command::Change(changes) | Command::ChangeLong { changes, .. } => {
            let bounds = changes.iter().filter(|change| is_bound(change));
            bounds.fold("", |_, bound| {
                bound.set(after.get_or_insert_with(|| State::clone(incident)));
                bound.field()
            })
        }
        Command::Update(update) if update.impact_ended_at.is_some() => {
            let after = after.insert(State::clone(incident));
            after.impact_ended_at = update.impact_ended_at;
            "impact_ended_at"
        }
        Command::Acknowledge { .. }
        | Command::Update(_)
        | Command::Report(_)
        | Command::Publish(_)
        | Command::LinkPostMortem { .. }
        | Command::Page { .. }
        | Command::Escalate { .. }
        | Command::RetryPage { .. }
        | Command::Redact { .. }
        | Command::TakeIn { .. }
        | Command::RepeatAlert(_)
        | Command::MarkUsersNotified { .. }
        | Command::MarkAuthorityNotified { .. }
        | Command::Relate { .. }
        | Command::ChangeRole(_)
        | Command::Approve(_)
        | Command::Tick(_) => "",
    };
    let Some(after) = after else {
        return Ok(());
    };
    let before = months_of(span_of(incident, now));
    span(field, span_of(&after, now), before)
}

fn span(
    field: &'static str,
    (start, end): (Timestamp, Timestamp),
    before: u32,
) -> Result<(), ValidationError> {
    let touched = months_of((start, end));
    if touched > MAX_MONTHS && touched > before {
        let expected = format!(
            "an outage of at most {MAX_MONTHS} calendar months; this one spans {touched} and must \
             be entered by a commander"
        );
        return Err(ValidationError::new(field, expected));
    }
    Ok(())
}

/// Checks the size of an incident after a command; one that is too large may become smaller. The
/// error names the largest of `fields`, which are those that the command sets.
pub(super) fn size(
    before: Option<&State>,
    after: &State,
    fields: &[&'static str],
) -> Result<(), ValidationError> {
    let sizes = sizes(after);
    let all: usize = sizes.iter().map(|(_, bytes)| bytes).sum();
    let was = before.map_or(0, bytes);
    if all <= INCIDENT_BYTES || all <= was {
        return Ok(());
    }
    let set = sizes.iter().filter(|(field, _)| fields.contains(field));
    let largest = set.max_by_key(|(_, bytes)| *bytes);
    let field = largest.map_or("", |(field, _)| field);
    let expected = format!(
        "at most {INCIDENT_BYTES} bytes in all fields of the incident together; there would be {all}"
    );
    Err(ValidationError::new(field, expected))
}

/// Computes the bytes of all texts, names and labels.
fn bytes(state: &State) -> usize {
    sizes(state).iter().map(|(_, bytes)| bytes).sum()
}

/// Computes the bytes of each field that has a text, a name or a list of them. The pattern is
/// exhaustive, so that a new field of the state has to be placed here.
fn sizes(state: &State) -> Vec<(&'static str, usize)> {
    let State {
        id: _,
        number: _,
        version: _,
        revision: _,
        last_seq: _,
        last_recorded_at: _,
        title,
        summary,
        severity: _,
        status: _,
        mode: _,
        environment,
        source: _,
        affected_services,
        // At most `MAX_TENANTS` and `TENANTS_BYTES`.
        affected_tenants: _,
        responder,
        roles,
        started_at: _,
        started_at_assumed: _,
        detected_at: _,
        declared_at: _,
        acknowledged_at: _,
        acknowledged_by: _,
        mitigated_at: _,
        impact_ended_at: _,
        resolved_at: _,
        closed_at: _,
        cancelled_at: _,
        eta: _,
        next_update_due_at: _,
        reopened_at: _,
        earlier: _,
        post_mortem,
        ending: _,
        recurrence_of: _,
        suggestion_id: _,
        alert_key,
        alert_moved: _,
        merged_alerts,
        repeats: _,
        related: _,
        tracker_url,
        facts,
        priority_override: _,
        data_leak_suspected_at: _,
        data_loss_confirmed_at: _,
        affected_users_notified_at: _,
        affected_users_notified_by: _,
        authority_notified_at: _,
        authority_notified_by: _,
        // At most `incident::MAX_PUBLIC_BYTES`.
        status_page: _,
        paging: _,
        escalations: _,
        credit_revision: _,
        // One number for each field with a text.
        text_from: _,
        redacted_at: _,
        // One mark and one firing for each rule of the policy.
        clocks: _,
        // At most `MAX_SHAPERS`.
        shaped_by: _,
        approvals,
        // At most `MAX_TICKS`.
        ticks: _,
    } = state;
    let people = roles.iter().map(|one| one.person.as_str().len());
    let actions = approvals.iter().map(|one| size_of(one.text.as_ref()));
    let post_mortem = post_mortem.as_ref().map(|one| one.url.as_str());
    let mut sizes = vec![
        ("title", title.as_str().len()),
        ("summary", summary.as_str().len()),
        ("environment", environment.as_str().len()),
        ("affected_services", total(affected_services)),
        ("responder", size_of(responder.as_ref())),
        ("person", people.sum()),
        ("text", actions.sum()),
        ("post_mortem", size_of(post_mortem)),
        (
            "alert_key",
            size_of(alert_key.as_ref()) + total(merged_alerts),
        ),
        ("tracker_url", size_of(tracker_url.as_ref())),
    ];
    sizes.extend(facts_sizes(facts));
    sizes
}

fn facts_sizes(facts: &Facts) -> [(&'static str, usize); 12] {
    let Facts {
        symptom,
        impact_text,
        scope: _,
        cause,
        resolution,
        next_steps,
        data_loss,
        data_leak,
        customer_event_day: _,
        users_hit_percent: _,
        revenue_per_hour: _,
        impact: _,
        urgency: _,
        failure_class,
        channel,
        bridge_url,
        post_mortem_at: _,
        vendor_reference,
        labels,
    } = facts;
    let lost = data_loss.as_ref().and_then(|one| one.note.as_ref());
    let leaked = data_leak.as_ref().and_then(|one| one.note.as_ref());
    let label = |(name, value): (&Name, &Text)| name.as_str().len() + value.as_str().len();
    [
        ("symptom", size_of(symptom.as_ref())),
        ("impact_text", size_of(impact_text.as_ref())),
        ("cause", size_of(cause.as_ref())),
        ("resolution", size_of(resolution.as_ref())),
        ("next_steps", size_of(next_steps.as_ref())),
        ("data_loss", size_of(lost)),
        ("data_leak", size_of(leaked)),
        ("failure_class", size_of(failure_class.as_ref())),
        ("channel", size_of(channel.as_ref())),
        ("bridge_url", size_of(bridge_url.as_ref())),
        ("vendor_reference", size_of(vendor_reference.as_ref())),
        ("labels", labels.iter().map(label).sum()),
    ]
}

fn size_of(text: Option<impl AsRef<str>>) -> usize {
    text.map_or(0, |text| text.as_ref().len())
}

fn total<T: AsRef<str>>(names: &[T]) -> usize {
    names.iter().map(|name| name.as_ref().len()).sum()
}

/// Checks that the timeline has room for an entry that is not pressing.
pub(super) fn room_for_notes(state: &State) -> Result<(), Refusal> {
    if state.last_seq < MAX_ENTRIES {
        return Ok(());
    }
    let detail = format!(
        "the timeline is full ({MAX_ENTRIES} entries): only changes of status and severity are accepted"
    );
    Err(super::refusal::wrong_state("timeline_full", detail))
}

/// Checks the number of people who have changed what the credits are computed from.
pub(crate) fn shapers(before: &State, after: &State) -> Result<(), Refusal> {
    let (was, is) = (before.shaped_by.len(), after.shaped_by.len());
    if is <= MAX_SHAPERS.max(was) {
        return Ok(());
    }
    let detail = format!(
        "{MAX_SHAPERS} people, the maximum, have changed values that the incident's credits depend on; ask one of them to make this change"
    );
    Err(super::refusal::wrong_state("too_many_people", detail))
}

/// Returns `true` if a change is accepted even when the timeline is full.
pub(super) const fn is_pressing(change: &Change) -> bool {
    matches!(change, Change::Severity(_))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::actor::Actor;
    use crate::incident::declare::{NewIds, declare};
    use crate::incident::{Severity, Status, Update, decide};
    use crate::policy::Policy;
    use crate::{IncidentId, PersonName, PublicId, Statement, Title, Window};

    /// Creates an incident that was just declared.
    pub(in crate::incident) fn an_incident() -> (Incident, Actor, Timestamp) {
        let now: Timestamp = "2026-11-20T22:15:00Z".parse().unwrap();
        let anna = Actor::person(PersonName::new("anna").unwrap());
        let ids = NewIds {
            id: IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, 1)),
            public_id: PublicId::from_uuid(Uuid::from_u64_pair(8 << 12, 1)),
            number: 1,
        };
        let asked = Declare::new(Title::made("API down"), Severity::Sev2);
        let made = declare(&asked, &anna, ids, Vec::new(), now, &Policy::default());
        (made.unwrap(), anna, now)
    }

    #[test]
    fn months_are_those_that_are_touched() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        for (start, end, expected) in [
            ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", 1),
            ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", 1),
            ("2026-11-20T10:00:00Z", "2026-12-01T00:00:00Z", 1),
            ("2026-11-20T10:00:00Z", "2026-12-01T00:00:01Z", 2),
            ("2021-12-01T00:00:00Z", "2026-11-20T23:00:00Z", 60),
            ("2021-11-30T23:59:59Z", "2026-11-20T23:00:00Z", 61),
        ] {
            assert_eq!(
                months_of((at(start), at(end))),
                expected,
                "{start} to {end}"
            );
        }
    }

    #[test]
    fn an_outage_has_so_many_months_and_a_longer_one_may_end() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let end = at("2026-11-20T23:00:00Z");
        let most = (at("2021-12-01T00:00:00Z"), end);
        let longer = (at("2021-11-30T00:00:00Z"), end);
        assert!(span("started_at", most, 0).is_ok());
        assert_eq!(
            span("started_at", longer, 0).unwrap_err().field(),
            "started_at"
        );
        assert_eq!(
            span("started_at", longer, 60).unwrap_err().field(),
            "started_at"
        );
        assert!(span("started_at", longer, 61).is_ok());

        let (mut incident, _, now) = an_incident();
        incident.state_mut().started_at = at("2021-11-30T00:00:00Z");
        incident.state_mut().impact_ended_at = Some(at("2022-01-01T00:00:00Z"));
        let note = Update::new(Statement::made("a note"));
        let ends = Update {
            impact_ended_at: Some(now),
            ..note.clone()
        };
        for (update, taken) in [(note, true), (ends, false)] {
            let command = Command::Update(Box::new(update));
            assert_eq!(changed_span(&incident, &command, now).is_ok(), taken);
        }
    }

    #[test]
    fn a_label_is_pointed_to_as_rfc_6901_says() {
        assert_eq!(pointed("a/b~c"), "a~1b~0c");
        let too_long = Text::new(&"x".repeat(LABEL_VALUE_BYTES + 1)).unwrap();
        let all = BTreeMap::from([(Name::new("team/eu").unwrap(), too_long)]);
        assert_eq!(labels(&all).unwrap_err().field(), "labels/team~1eu");
    }

    #[test]
    fn all_texts_names_and_labels_count() {
        let (mut incident, _, _) = an_incident();
        let bare = bytes(&incident);
        assert!(bare >= "API down".len());
        let state = incident.state_mut();
        state.facts.labels =
            BTreeMap::from([(Name::new("team").unwrap(), Text::new("platform").unwrap())]);
        assert_eq!(bytes(&incident), bare + "team".len() + "platform".len());
        incident.state_mut().affected_services = ["api", "web"]
            .map(|id| ServiceId::new(id).unwrap())
            .to_vec();
        let named = sizes(&incident)
            .into_iter()
            .find(|(field, _)| *field == "affected_services");
        assert_eq!(named, Some(("affected_services", 6)));
    }

    fn refused(incident: &Incident, command: &Command) -> Result<(), Refusal> {
        let (_, anna, now) = an_incident();
        decide(incident, command, &anna, now, &Policy::default()).map(drop)
    }

    /// S10: a full timeline takes what ends the incident, and no more notes.
    #[test]
    fn a_full_timeline_takes_changes_of_status_and_severity() {
        let (mut incident, _, _) = an_incident();
        let note = Command::Update(Box::new(Update::new(Statement::made("a note"))));
        let title = Command::Change(vec![Change::Title(Title::made("another"))]);
        let severity = Command::Change(vec![Change::Severity(Severity::Sev1)]);
        let over = Update::to_status(Statement::made("over"), Status::Resolved);
        let resolved = Command::Update(Box::new(over));
        for (entries, is_full) in [(MAX_ENTRIES - 1, false), (MAX_ENTRIES, true)] {
            incident.state_mut().last_seq = entries;
            for command in [&note, &title] {
                let code = match refused(&incident, command) {
                    Err(Refusal::WrongState { code, .. }) => Some(code),
                    other => other.map(|()| None).unwrap(),
                };
                assert_eq!(code, is_full.then_some("timeline_full"));
            }
            for command in [&severity, &resolved] {
                assert_eq!(refused(&incident, command), Ok(()));
            }
        }
    }

    /// S10: a merge is bound by the same limits as the entries of a person.
    #[test]
    fn a_merge_takes_in_as_many_services_and_intervals_as_an_incident_has() {
        let (mut target, _, now) = an_incident();
        let services = |from: usize, count: usize| -> Vec<ServiceId> {
            let name = |n: usize| ServiceId::new(&format!("service-{n:03}")).unwrap();
            (from..from + count).map(name).collect()
        };
        let merged = |target: &Incident, source: &Incident| {
            let source = Arc::new(source.clone());
            match refused(target, &Command::TakeIn { source }) {
                Err(Refusal::Invalid(wrong)) => wrong.field() == "merged_into",
                other => other.map(|()| false).unwrap(),
            }
        };
        let (mut source, _, _) = an_incident();
        target.state_mut().affected_services = services(0, 150);
        source.state_mut().affected_services = services(150, 50);
        assert!(!merged(&target, &source));
        source.state_mut().affected_services = services(150, 51);
        assert!(merged(&target, &source));
        source.state_mut().affected_services = Vec::new();
        let hours = |count: u64| -> Vec<Window> {
            let hour = |n: u64| now.saturating_sub(Duration::from_secs((2 * n + 1) * 3_600));
            let one = |n: u64| {
                let start = hour(n + 1);
                Window::new(start, start.saturating_add(Duration::from_secs(60))).unwrap()
            };
            (0..count).rev().map(one).collect()
        };
        for (count, is_refused) in [(100, false), (101, true)] {
            let state = source.state_mut();
            state.earlier = hours(count);
            state.started_at = state.earlier[0].start();
            state.reopened_at = Some(now);
            target.state_mut().started_at = now;
            assert_eq!(merged(&target, &source), is_refused, "{count}");
        }
    }
}
