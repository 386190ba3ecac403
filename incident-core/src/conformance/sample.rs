//! Sample commits for the contracts of a store.

use std::sync::Arc;

use uuid::Uuid;

use super::WITHIN;
use crate::actor::Actor;
use crate::commit::{Commit, IncidentWrite, OutboxWrite};
use crate::idempotency::{IdempotencyKey, IdempotencyRecord, StoredResponse};
use crate::incident::declare::{NewIds, declare};
use crate::incident::{
    Affected, AffectedTenant, Command, Declare, Event, Incident, Publish, Severity, Status, Update,
    decide,
};
use crate::outbox::{Message, MessageBody};
use crate::paging::{PageAction, PageEvent, Urgency};
use crate::policy::Policy;
use crate::port::{IncidentFilter, Store};
use crate::timeline::EntryDraft;
use crate::{
    IncidentId, MessageId, Name, PersonName, PublicId, Salt, Statement, Text, Timestamp, Title,
};

pub(super) const OWNER: Uuid = Uuid::from_u128(1);

pub(super) fn at(second: u64) -> Timestamp {
    let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
    start.saturating_add(std::time::Duration::from_secs(second))
}

pub(super) fn anna() -> Actor {
    Actor::person(PersonName::new("anna").unwrap())
}

pub(super) fn id(n: u64) -> IncidentId {
    IncidentId::from_uuid(Uuid::from_u64_pair(7 << 12, n))
}

pub(super) fn public_id(n: u64) -> PublicId {
    PublicId::from_uuid(Uuid::from_u64_pair(8 << 12, n))
}

pub(super) fn message_id(n: u64) -> MessageId {
    MessageId::from_uuid(Uuid::from_u64_pair(9 << 12, n))
}

pub(super) struct Sample {
    pub(super) n: u64,
    pub(super) severity: Severity,
    pub(super) alert: Option<&'static str>,
}

pub(super) const fn plain(n: u64) -> Sample {
    Sample {
        n,
        severity: Severity::Sev2,
        alert: None,
    }
}

/// Returns an incident `n` declared at second `n`, and its commit.
pub(super) fn declared(sample: &Sample) -> (Arc<Incident>, Commit) {
    let (n, now) = (sample.n, at(sample.n));
    let asked = Declare {
        summary: Text::new("a summary").unwrap(),
        alert_key: sample.alert.map(|key| Name::new(key).unwrap()),
        affected_services: vec![if n % 2 == 0 { "api" } else { "login" }.parse().unwrap()],
        affected_tenants: Affected::These(
            [AffectedTenant::whole(
                format!("tenant-{}", n % 3).parse().unwrap(),
            )]
            .into(),
        ),
        ..Declare::new(
            Title::new(&format!("Incident {n}")).unwrap(),
            sample.severity,
        )
    };
    let ids = NewIds {
        id: id(n),
        public_id: public_id(n),
        number: n,
    };
    let mut incident = declare(&asked, &anna(), ids, Vec::new(), now, &Policy::default()).unwrap();
    let declared = Event::Declared { overridden: None };
    let draft = EntryDraft::of(&declared, &incident, &anna(), now).unwrap();
    incident.count_entry(&draft);
    let after = Arc::new(incident);
    let salt = || Salt([n as u8; 16]);
    let write = IncidentWrite::new(Arc::clone(&after), None, vec![draft], salt).unwrap();
    (
        after,
        Commit {
            writes: vec![write],
            ..Commit::default()
        },
    )
}

/// Declares an incident and commits it.
pub(super) async fn keep(store: &dyn Store, sample: &Sample) -> Arc<Incident> {
    let (incident, commit) = declared(sample);
    store.commit(commit, WITHIN).await.unwrap();
    incident
}

/// Returns a loaded incident after one more update, and its commit.
pub(super) fn updated(
    before: &Incident,
    status: Option<Status>,
    message: &str,
) -> (Arc<Incident>, Commit) {
    let mut update = Update::new(Statement::new(message).unwrap());
    update.status = status;
    if status == Some(Status::Cancelled) {
        update.reason = Some(Statement::new("duplicate").unwrap());
    }
    commanded(before, &Command::Update(Box::new(update)))
}

/// Returns the commit that puts an incident on the public page.
pub(super) fn published(before: &Incident) -> Commit {
    let publish = Publish {
        public: true,
        title: None,
        message: None,
    };
    commanded(before, &Command::Publish(publish)).1
}

/// Returns a loaded incident after a command, and its commit.
fn commanded(before: &Incident, command: &Command) -> (Arc<Incident>, Commit) {
    let now = at(1_000);
    let events = decide(before, command, &anna(), now, &Policy::default()).unwrap();
    let mut after = before.clone();
    let mut drafts = Vec::new();
    for event in &events {
        let draft = EntryDraft::of(event, &after, &anna(), now).unwrap();
        let seq = after.count_entry(&draft);
        after.apply(event, seq, now, &Policy::default());
        drafts.push(draft);
    }
    let state = after.state_mut();
    state.version = state.version.next();
    state.revision = state.revision.next();
    let after = Arc::new(after);
    let mut seq = before.last_seq as u8;
    let salt = || {
        seq += 1;
        Salt([seq; 16])
    };
    let expected = Some(before.revision);
    let write = IncidentWrite::new(Arc::clone(&after), expected, drafts, salt).unwrap();
    (
        after,
        Commit {
            writes: vec![write],
            ..Commit::default()
        },
    )
}

pub(super) fn page(incident: &Incident, action: PageAction, n: u64, due: u64) -> OutboxWrite {
    OutboxWrite::Add(Box::new(Message {
        id: message_id(n),
        incident_id: Some(incident.id),
        priority: incident.severity,
        body: MessageBody::Page(PageEvent {
            action,
            dedup_key: incident.dedup_key(),
            rule: None,
            incident_id: incident.id,
            number: incident.number,
            epoch: 1,
            title: incident.title.clone(),
            summary: incident.summary.clone(),
            severity: incident.severity,
            urgency: Urgency::High,
            mode: incident.mode,
            environment: incident.environment.clone(),
            services: incident.affected_services.clone(),
            tenants: Some(1),
            started_at: incident.started_at,
            occurred_at: at(due),
            is_resend: false,
        }),
        committed_at: at(0),
        due_at: at(due),
        log: Vec::new(),
    }))
}

pub(super) fn remember(
    key: &str,
    made: u64,
    expires: u64,
    reply: StoredResponse,
) -> IdempotencyRecord {
    IdempotencyRecord {
        key: IdempotencyKey {
            actor: anna().name,
            key: key.to_owned(),
            fingerprint: [7; 32],
        },
        made_at: at(made),
        expires_at: at(expires),
        reply,
    }
}

pub(super) fn everything() -> IncidentFilter {
    IncidentFilter {
        limit: 1_000,
        ..IncidentFilter::default()
    }
}
