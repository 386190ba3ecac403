//! The port to incidents and their timelines.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::commit::Commit;
use crate::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::incident::{Incident, Outline, Severity, Status};
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Name, ServiceId, TenantId, Timestamp, ValidationError, Window};

/// Which incidents. An empty set or an absent bound leaves nothing out.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Only in these statuses.
    pub statuses: BTreeSet<Status>,
    /// Only of this severity.
    pub severity: Option<Severity>,
    /// Only those that hit this tenant.
    pub tenant: Option<String>,
    /// Only those that hit this service.
    pub service: Option<String>,
    /// Only those whose title or summary holds this, whatever the case.
    pub text: Option<String>,
    /// Only those that were declared for this alert or stand for it
    /// ([`Incident::alerts`]).
    pub alert: Option<Name>,
    /// Only those declared from here on.
    pub from: Option<Timestamp>,
    /// Only those declared before this.
    pub to: Option<Timestamp>,
    /// Only those that are public.
    pub public_only: bool,
    /// Only those that were over (resolved or cancelled,
    /// [`Incident::over_at`]) after this, or are not over.
    pub unresolved_at: Option<Timestamp>,
    /// Only those that began before the end of this window and had not ended at its
    /// start, or did not end.
    pub touching: Option<Window>,
    /// Only after this one, in the order of the answer.
    pub after: Option<(Timestamp, IncidentId)>,
    /// At most so many.
    pub limit: usize,
    /// What cannot be read is left out, instead of failing the list. For those who look
    /// at each incident by itself; whoever adds incidents up must not miss one.
    pub skip_unreadable: bool,
}

/// Most characters that a text to be searched for may have: as many as a title.
pub const SEARCH_CHARS: usize = 500;

impl IncidentFilter {
    /// Whether anything can match: a store may fail at a text that nothing it holds can
    /// have.
    ///
    /// # Errors
    /// A text is too long or holds what no incident can; the error names it.
    pub fn check(&self) -> Result<(), ValidationError> {
        if let Some(tenant) = &self.tenant {
            TenantId::stored(tenant).map_err(|wrong| wrong.at("tenant"))?;
        }
        if let Some(service) = &self.service {
            ServiceId::stored(service).map_err(|wrong| wrong.at("service"))?;
        }
        let fits = |text: &String| !text.contains('\0') && text.chars().count() <= SEARCH_CHARS;
        if self.text.as_ref().is_some_and(|text| !fits(text)) {
            return Err(ValidationError::new(
                "text",
                "at most 500 characters without NUL",
            ));
        }
        Ok(())
    }

    /// Whether an incident is among those asked for: the reference that every
    /// store agrees with.
    #[must_use]
    pub fn matches(&self, incident: &Incident) -> bool {
        let Self {
            statuses,
            severity,
            tenant,
            service,
            text,
            alert,
            from,
            to,
            public_only,
            unresolved_at,
            touching,
            after,
            limit: _,
            skip_unreadable: _,
        } = self;
        let holds = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            incident.title.as_str().to_lowercase().contains(&wanted)
                || incident.summary.as_str().to_lowercase().contains(&wanted)
        };
        (statuses.is_empty() || statuses.contains(&incident.status))
            && severity.is_none_or(|severity| severity == incident.severity)
            && tenant
                .as_ref()
                .is_none_or(|tenant| incident.affected_tenants.includes(tenant))
            && service.as_ref().is_none_or(|service| {
                incident
                    .affected_services
                    .iter()
                    .any(|one| one.as_str() == service)
            })
            && text.as_ref().is_none_or(holds)
            && alert.as_ref().is_none_or(|alert| {
                incident.alert_key.as_ref() == Some(alert)
                    || incident.alerts().any(|held| held == alert)
            })
            && from.is_none_or(|from| from <= incident.declared_at)
            && to.is_none_or(|to| incident.declared_at < to)
            && (!public_only || incident.status_page.public)
            && unresolved_at.is_none_or(|at| incident.over_at().is_none_or(|over| at < over))
            && touching.is_none_or(|window| {
                let ended = incident.impact_ended_at.or(incident.resolved_at);
                incident.started_at < window.end() && ended.is_none_or(|end| window.start() < end)
            })
            && after.is_none_or(|after| (incident.declared_at, incident.id) < after)
    }
}

/// Keeps incidents and everything a decision changes with them.
///
/// # Contract
/// **Atomic:** a commit is kept whole or not at all: incident, timeline, audit,
/// outbox, ledger, suggestion, remembered reply and settlement together.
/// **Isolated:** a write whose `expected` revision is not the stored one is
/// [`StoreError::Conflict`]; of two writers that decided on the same revision
/// exactly one wins. Reads see whole commits only. In one environment no two incidents
/// stand for one alert ([`Incident::alerts`]), and a commit that claims an alert has seen
/// every live incident of it ([`AlertClaim`](crate::commit::AlertClaim)); the alerts that
/// one write of a commit gives up may be those of another write of it. A reply about an
/// incident that the commit does not write is remembered only if the incident is at the
/// revision that the reply tells, and one about a suggestion that it does not open only if
/// that says the same, else [`StoreError::Conflict`]: what was redacted meanwhile does not
/// come back.
/// **Erased:** a commit with a [`Redaction`](crate::redaction::Redaction) erases the words of the
/// entry in every [`TextPlace`](crate::redaction::TextPlace). It is
/// [`StoreError::Refused`] unless an audit entry, of this commit or kept before,
/// [records](crate::redaction::recorded) it; texts leave in no other way.
/// **Durable:** what `commit` answered with success is there after a crash.
/// **Ordered:** entries are sealed with [`SysIncidentUpdateEntry::linked`]
/// under the incident's lock; `seq` is 1, 2, 3, ... without gaps. Lists are by
/// (`declared_at`, `id`) descending; outlines are those of the incidents that
/// [`list`](IncidentStore::list) answers, in its order.
/// **Idempotent:** a key that is remembered and not expired refuses a second
/// commit under it with [`StoreError::IdempotencyKeyInUse`].
/// **Bounded:** answers within `timeout`; an outline takes a few kilobytes however large
/// its incident is.
/// **Cancellation:** dropping the future leaves the commit kept whole or not at all.
/// **Errors:** every variant but [`StoreError::Unknown`] means that certainly
/// nothing was written.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// Keeps a commit, and returns the entries as they were sealed, in order of the writes.
    async fn commit(
        &self,
        commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError>;

    /// A number for a new incident: unique and rising; gaps are fine.
    async fn next_number(&self, timeout: Duration) -> Result<u64, StoreError>;

    /// One incident.
    async fn load(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError>;

    /// Incidents that match, whole: each may take megabytes. For work that needs all of
    /// them; what is shown is outlines.
    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError>;

    /// Outlines of incidents that match ([`Outline::of`]).
    async fn outlines(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError>;

    /// The entries of an incident after `after_seq`, ascending.
    async fn timeline(
        &self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError>;

    /// What was answered under a key, unless that expired before `now`.
    async fn find_response(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Compares what is kept beside an incident's state, to find the incident by, with the
    /// state. Answers a sentence about the first value that does not fit; none where all
    /// do, where nothing is kept beside it, and where there is no such incident.
    async fn mismatch(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError>;

    /// Whether the store can do its work, as far as can be told without a write:
    /// [`StoreError::ReadOnly`] where it takes none. If not given, whether incidents
    /// can be read.
    async fn ready(&self, timeout: Duration) -> Result<(), StoreError> {
        let nothing = IncidentFilter {
            limit: 1,
            // One odd incident must not take every replica out of service.
            skip_unreadable: true,
            ..IncidentFilter::default()
        };
        self.list(&nothing, timeout).await.map(|_| ())
    }
}
