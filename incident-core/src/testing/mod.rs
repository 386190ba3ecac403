//! Test doubles: a clock that is set by hand, ids from a counter, a pager that records its
//! requests, and sample values.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::actor::{Actor, Caller, Role};
use crate::incident::declare::{NewIds, declare};
use crate::incident::{Command, Declare, Incident, Severity, Status, Update};
use crate::paging::{DeliveryResult, PageAction, PageEvent, Receipt, TargetId, Urgency, dedup_key};
use crate::policy::Policy;
use crate::port::{Clock, IdGen, Pager};
use crate::{
    IncidentId, PersonName, PublicId, Salt, ServiceId, Statement, Text, Timestamp, Title,
    ValidationError,
};

/// A clock that only moves when it is set.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Creates a clock that stands at a time.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.micros()))
    }

    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MIN)
    }
}

/// Ids from a counter: the same run gives the same ids.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    /// Creates a generator that starts after `first`, so that two of them do not collide.
    #[must_use]
    pub const fn from(first: u64) -> Self {
        Self(AtomicU64::new(first))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl IdGen for CountingIds {
    fn sortable(&self, now: Timestamp) -> Uuid {
        let millis = now.micros().unsigned_abs() / 1_000;
        let count = self.next();
        // The layout of RFC 9562, version 7, with a counter for the random part.
        Uuid::from_u64_pair((millis << 16) | 0x7000, 0x8000_0000_0000_0000 | count)
    }

    fn random(&self) -> Uuid {
        Uuid::from_u64_pair(0x4000, 0x8000_0000_0000_0000 | self.next())
    }

    fn salt(&self) -> Salt {
        Salt(self.random().into_bytes())
    }
}

/// A pager that records its requests, answers as scripted, and counts wake-ups as a vendor
/// would: one when an alert opens.
#[derive(Debug)]
pub struct RecordingPager {
    target: TargetId,
    state: Mutex<Recorded>,
}

#[derive(Debug, Default)]
struct Recorded {
    sent: Vec<PageEvent>,
    open: Vec<String>,
    wakes: u64,
    script: Vec<DeliveryResult>,
}

impl RecordingPager {
    /// Creates a pager that accepts everything.
    ///
    /// # Errors
    /// Fails if the name is not valid for a [`TargetId`].
    pub fn named(name: &str) -> Result<Self, ValidationError> {
        Ok(Self::of(TargetId::new(name)?))
    }

    /// Creates a pager of a target that accepts everything.
    #[must_use]
    pub fn of(target: TargetId) -> Self {
        Self {
            target,
            state: Mutex::default(),
        }
    }

    /// Sets the answers to the next requests, in order; later ones are accepted.
    pub fn script(&self, answers: impl IntoIterator<Item = DeliveryResult>) {
        self.lock().script.extend(answers);
    }

    /// Removes the remaining scripted answers, so that everything is accepted.
    pub fn forget_script(&self) {
        self.lock().script.clear();
    }

    /// Returns the requests so far.
    #[must_use]
    pub fn sent(&self) -> Vec<PageEvent> {
        self.lock().sent.clone()
    }

    /// Returns the number of wake-ups so far.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.lock().wakes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Pager for RecordingPager {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    fn follows_severity(&self) -> bool {
        true
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        let mut state = self.lock();
        state.sent.push(page.clone());
        let answer = if state.script.is_empty() {
            DeliveryResult::Accepted(Receipt::default())
        } else {
            state.script.remove(0)
        };
        // After an unknown result the target may have taken the event.
        if !matches!(answer, DeliveryResult::NotSent(_)) {
            match page.action {
                PageAction::Trigger if !state.open.contains(&page.dedup_key) => {
                    state.open.push(page.dedup_key.clone());
                    state.wakes += 1;
                }
                PageAction::Trigger | PageAction::Acknowledge | PageAction::Reprioritise => {}
                PageAction::Resolve => state.open.retain(|key| *key != page.dedup_key),
            }
        }
        answer
    }
}

/// Creates a caller: a person in a role.
///
/// # Errors
/// Fails if the name is not valid for a person.
pub fn caller(name: &str, role: Role) -> Result<Caller, ValidationError> {
    Ok(Caller {
        actor: Actor::person(PersonName::new(name)?),
        role,
    })
}

/// Creates a command that changes the status.
///
/// # Errors
/// Fails if the message is not a valid [`Statement`].
pub fn update_to(status: Status, message: &str) -> Result<Command, ValidationError> {
    Ok(Command::Update(Box::new(Update::to_status(
        Statement::new(message)?,
        status,
    ))))
}

/// Creates a new SEV2, and returns it with its declarer and the time of its declaration.
///
/// # Panics
/// Never: its values are constants.
#[must_use]
#[expect(clippy::expect_used, reason = "constants, for tests only")]
pub fn an_incident() -> (Incident, Actor, Timestamp) {
    let now: Timestamp = "2026-11-20T22:15:00Z".parse().expect("a constant");
    let anna = Actor::person(PersonName::new("anna").expect("a constant"));
    let ids = CountingIds::default();
    let new = NewIds {
        id: IncidentId::from_uuid(ids.sortable(now)),
        public_id: PublicId::from_uuid(ids.random()),
        number: 1,
    };
    let asked = Declare::new(Title::new("API down").expect("a constant"), Severity::Sev2);
    let incident =
        declare(&asked, &anna, new, Vec::new(), now, &Policy::default()).expect("a constant");
    (incident, anna, now)
}

/// Creates the page of [`an_incident`], of high urgency.
///
/// # Panics
/// Never: its values are constants.
#[must_use]
#[expect(clippy::expect_used, reason = "constants, for tests only")]
pub fn a_page(action: PageAction) -> PageEvent {
    let (incident, _, now) = an_incident();
    PageEvent {
        action,
        dedup_key: dedup_key(incident.id, None),
        rule: None,
        incident_id: incident.id,
        number: incident.number,
        epoch: 1,
        title: incident.title.clone(),
        summary: Text::new("5xx on every call").expect("a constant"),
        severity: incident.severity,
        urgency: Urgency::High,
        mode: incident.mode,
        environment: incident.environment.clone(),
        services: vec![ServiceId::new("api").expect("a constant")],
        tenants: Some(3),
        started_at: incident.started_at,
        occurred_at: now,
        is_resend: false,
    }
}

/// Creates the claim of a message with a page, committed when [`an_incident`] was declared and
/// never tried.
#[cfg(test)]
pub(crate) fn a_claim(page: PageEvent) -> crate::outbox::Claim {
    let (incident, _, now) = an_incident();
    crate::outbox::Claim {
        message: crate::outbox::Message {
            id: crate::MessageId::from_uuid(Uuid::from_u64_pair(7 << 12, 1)),
            incident_id: Some(incident.id),
            priority: page.severity,
            body: crate::outbox::MessageBody::Page(page),
            committed_at: now,
            due_at: now,
            log: Vec::new(),
        },
        lease: crate::outbox::Lease {
            owner: Uuid::nil(),
            token: 1,
        },
    }
}
