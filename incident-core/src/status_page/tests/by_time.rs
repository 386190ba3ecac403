//! Updates compared with a naive reference, in random orders.

use proptest::prelude::*;

use super::super::*;
use crate::actor::Actor;
use crate::incident::MAX_PUBLIC_UPDATES;
use crate::incident::declare::{NewIds, declare};
use crate::incident::{Declare, Incident, Publish, Severity, Status, Transition, Updated};
use crate::policy::Policy;
use crate::timeline::EntryKind;
use crate::{IncidentId, PersonName, PublicId, PublicText, Statement, Timestamp, Title};

/// A step in the public history of an incident.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Plain {
        minute: u64,
    },
    Moved {
        minute: u64,
        to: Status,
        text: bool,
    },
    Published,
    /// A correction of the nth update so far.
    Corrected(usize),
    /// An erasure of the text of the nth update so far.
    Redacted(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(Status::ALL.to_vec());
    prop_oneof![
        4 => (0..90u64).prop_map(|minute| Step::Plain { minute }),
        3 => (0..90u64, status, any::<bool>())
            .prop_map(|(minute, to, text)| Step::Moved { minute, to, text }),
        1 => Just(Step::Published),
        1 => (0..200usize).prop_map(Step::Corrected),
        1 => (0..200usize).prop_map(Step::Redacted),
    ]
}

/// An update of the reference, which drops none.
#[derive(Clone, Debug)]
struct Known {
    at: Timestamp,
    seq: u64,
    to: Option<Status>,
    body: Option<String>,
    body_seq: u64,
}

pub(super) fn minute(minute: u64) -> Timestamp {
    let start: Timestamp = "2026-11-20T21:00:00Z".parse().unwrap();
    start.saturating_add(Duration::from_secs(60 * minute))
}

pub(super) fn text(text: &str) -> PublicText {
    PublicText::new(text).unwrap()
}

pub(super) fn updated(at: Timestamp, to: Option<Status>, public: Option<PublicText>) -> Updated {
    let transition = |to| Transition {
        from: Status::Triage,
        to,
        ending: None,
    };
    Updated {
        kind: EntryKind::Update,
        message: Statement::new("internal").unwrap(),
        reason: None,
        occurred_at: at,
        transition: to.map(transition),
        changes: Vec::new(),
        comms_sent: None,
        public_message: public,
        corrects: None,
    }
}

pub(super) fn anna() -> Actor {
    Actor::person(PersonName::new("anna").unwrap())
}

/// Declares a SEV2 at 21:00.
pub(super) fn declared(n: u128) -> Incident {
    let ids = NewIds {
        id: IncidentId::from_uuid(uuid::Uuid::from_u128(n)),
        public_id: PublicId::from_uuid(uuid::Uuid::from_u128(n)),
        number: 1,
    };
    let asked = Declare::new(Title::new("API down").unwrap(), Severity::Sev2);
    declare(
        &asked,
        &anna(),
        ids,
        Vec::new(),
        minute(0),
        &Policy::default(),
    )
    .unwrap()
}

/// Runs steps on the public side of a public incident, and returns it with the reference.
///
/// Its entries are numbered from 1.
fn played(n: u128, steps: &[Step]) -> (Incident, Vec<Known>) {
    let mut incident = declared(n);
    let mut entry = incident.status_page.clone();
    entry.public = true;
    let mut known: Vec<Known> = Vec::new();
    for (step, seq) in steps.iter().zip(1..) {
        let said = format!("{n}.{seq}");
        let now = minute(100);
        let nth = |known: &[Known], nth: usize| known.get(nth % known.len().max(1)).cloned();
        let mut line = |at, to, body: Option<&String>| {
            known.push(Known {
                at,
                seq,
                to,
                body: body.cloned(),
                body_seq: seq,
            });
        };
        match step {
            Step::Plain { minute: at } => {
                line(minute(*at), None, Some(&said));
                let one = updated(minute(*at), None, Some(text(&said)));
                entry.update(&one, seq, now, Status::Triage);
            }
            Step::Moved {
                minute: at,
                to,
                text: with,
            } => {
                line(minute(*at), Some(*to), with.then_some(&said));
                let one = updated(minute(*at), Some(*to), with.then(|| text(&said)));
                entry.update(&one, seq, now, *to);
            }
            Step::Published => {
                line(now, None, Some(&said));
                let publish = Publish {
                    public: true,
                    title: None,
                    message: Some(text(&said)),
                };
                entry.publish(&publish, seq, now, Status::Triage);
            }
            Step::Corrected(which) => {
                let Some(found) = nth(&known, *which) else {
                    continue;
                };
                let mut one = updated(now, None, Some(text(&said)));
                one.corrects = Some(found.seq);
                entry.update(&one, seq, now, Status::Triage);
                let line = known.iter_mut().find(|line| line.seq == found.seq).unwrap();
                (line.body, line.body_seq) = (Some(said), seq);
            }
            Step::Redacted(which) => {
                let Some(found) = nth(&known, *which) else {
                    continue;
                };
                entry.redact(found.body_seq, now);
                let line = known.iter_mut().find(|line| line.seq == found.seq).unwrap();
                line.body = None;
            }
        }
        entry.bound();
    }
    // The stored form must read back as the same entry.
    entry = serde_json::from_str(&serde_json::to_string(&entry).unwrap()).unwrap();
    incident.state_mut().status_page = entry;
    (incident, known)
}

fn public(status: Status) -> Option<(PublicStatus, &'static str)> {
    let word = match status {
        Status::Triage | Status::Investigating => PublicStatus::Investigating,
        Status::Identified => PublicStatus::Identified,
        Status::Mitigated => PublicStatus::Monitoring,
        Status::Resolved | Status::Closed | Status::Cancelled => PublicStatus::Resolved,
        Status::Merged => return None,
    };
    let sentence = match word {
        _ if status == Status::Cancelled => "This incident has been closed.",
        PublicStatus::Investigating => "We are investigating this incident.",
        PublicStatus::Identified => "The cause has been identified.",
        PublicStatus::Monitoring => "A fix is in place and we are monitoring the results.",
        PublicStatus::Resolved => "This incident has been resolved.",
    };
    Some((word, sentence))
}

type Shown = (Timestamp, PublicStatus, String);

/// Computes the newest updates of the reference, independently of the code under test: for each
/// update it searches all others for the change of status in force.
fn expected(known: &[Known]) -> Vec<((Timestamp, u64), Shown)> {
    let mut order: Vec<&Known> = known.iter().collect();
    order.sort_by_key(|line| (line.at, line.seq));
    order.reverse();
    order.truncate(MAX_PUBLIC_UPDATES);
    order
        .into_iter()
        .filter_map(|line| {
            let before = known
                .iter()
                .filter(|other| (other.at, other.seq) <= (line.at, line.seq))
                .filter(|other| other.to.and_then(public).is_some())
                .max_by_key(|other| (other.at, other.seq));
            let held = before
                .and_then(|other| public(other.to?))
                .map_or(PublicStatus::Investigating, |(word, _)| word);
            let neutral = || line.to.and_then(public).map(|(_, said)| said.to_owned());
            let body = line.body.clone().or_else(neutral)?;
            Some(((line.at, line.seq), (line.at, held, body)))
        })
        .collect()
}

fn shown(incident: &Incident, sources: &[std::sync::Arc<Incident>]) -> Vec<Shown> {
    let shown = public_incident(incident, sources, &PublicNames::default()).unwrap();
    let lines = shown.updates.into_iter();
    lines
        .map(|line| (line.at, line.status, line.body.to_string()))
        .collect()
}

proptest! {
    /// P6, L2: backdated and late updates, late changes of status, corrections and redactions, of
    /// stored updates and of dropped ones.
    #[test]
    fn lines_are_those_of_a_reference_that_forgets_nothing(
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let (incident, known) = played(1, &steps);
        let expected: Vec<Shown> = expected(&known).into_iter().map(|(_, shown)| shown).collect();
        prop_assert_eq!(shown(&incident, &[]), expected);
        let kept = u64::try_from(incident.status_page.updates.len()).unwrap();
        prop_assert_eq!(kept.min(64), kept);
        let all = u64::try_from(known.len()).unwrap();
        prop_assert!(kept + incident.status_page.dropped.lines <= all);
        let erased = steps.iter().any(|step| matches!(step, Step::Redacted(_)));
        let silent = known.iter().any(|line| line.to == Some(Status::Merged) && line.body.is_none());
        if !erased && !silent {
            prop_assert_eq!(kept + incident.status_page.dropped.lines, all);
        }
    }

    /// P5, P6: the updates of merged incidents are mixed in by time, each with the status in force
    /// in its own incident.
    #[test]
    fn lines_of_merged_incidents_are_mixed_in_by_time(
        own in prop::collection::vec(step(), 0..90),
        theirs in prop::collection::vec(prop::collection::vec(step(), 0..90), 0..3),
    ) {
        let (mut incident, known) = played(9, &own);
        let mut expected_all: Vec<(_, u128, Shown)> = Vec::new();
        let mut add = |n: u128, known: &[Known]| {
            let lines = expected(known).into_iter();
            expected_all.extend(lines.map(|((at, seq), shown)| ((at, n, seq), n, shown)));
        };
        add(9, &known);
        let mut sources = Vec::new();
        for (steps, n) in theirs.iter().zip(1..) {
            let (source, known) = played(n, steps);
            incident.state_mut().status_page.take_in(source.id, &source.status_page, minute(101));
            add(n, &known);
            sources.push(std::sync::Arc::new(source));
        }
        expected_all.sort_by_key(|one| std::cmp::Reverse(one.0));
        let expected: Vec<Shown> = expected_all.into_iter().map(|one| one.2).collect();
        prop_assert_eq!(shown(&incident, &sources), expected);
    }
}
