//! The port to incidents and their timelines.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::commit::Commit;
use crate::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::incident::{Incident, Outline, Severity, Status};
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Name, PublicId, ServiceId, TenantId, Timestamp, ValidationError, Window};

/// A filter for incidents. An empty set or an absent bound excludes nothing.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Only incidents in these statuses.
    pub statuses: BTreeSet<Status>,
    /// Only incidents of this severity.
    pub severity: Option<Severity>,
    /// Only incidents that affect this tenant.
    pub tenant: Option<String>,
    /// Only incidents that affect this service.
    pub service: Option<String>,
    /// Only incidents whose title or summary contains this text, ignoring case.
    pub text: Option<String>,
    /// Only incidents that were declared for this alert or stand for it ([`Incident::alerts`]).
    pub alert: Option<Name>,
    /// Only incidents declared at or after this time.
    pub from: Option<Timestamp>,
    /// Only incidents declared before this time.
    pub to: Option<Timestamp>,
    /// If `true`, only incidents on the public status page.
    pub public_only: bool,
    /// Only the incident with this id on the public page, whether it is shown there or not.
    pub public_id: Option<PublicId>,
    /// Only incidents that ended (resolved or cancelled, [`Incident::over_at`]) after this
    /// time, or have not ended.
    pub unresolved_at: Option<Timestamp>,
    /// Only incidents whose impact began before the end of this window and had not ended at its
    /// start.
    pub touching: Option<Window>,
    /// Only incidents of which a rule is due at or before this time
    /// ([`Clocks::due_at`](crate::incident::Clocks)), the one that is due longest first.
    pub due_by: Option<Timestamp>,
    /// If `true`, only incidents that are active, or of which a rule is due at some time.
    pub with_clocks: bool,
    /// Only incidents after this [place](Self::place), in the order of the list.
    pub after: Option<(Timestamp, IncidentId)>,
    /// Maximum number of incidents.
    pub limit: usize,
    /// If `true`, unreadable incidents are left out instead of failing the list. Only for
    /// callers that treat each incident by itself: a caller that adds incidents up must not
    /// miss one.
    pub skip_unreadable: bool,
}

/// Maximum length of a search text, in characters: as long as a title.
pub const SEARCH_CHARS: usize = 500;

impl IncidentFilter {
    /// Checks that the filter can match anything. A store may fail at a text that no stored
    /// value can have.
    ///
    /// # Errors
    /// Fails if a text is too long or contains characters that no incident can have; the error
    /// names the field.
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

    /// Returns `true` if an incident matches. Every store agrees with this reference.
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
            public_id,
            unresolved_at,
            touching,
            due_by,
            with_clocks,
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
            && public_id.is_none_or(|id| id == incident.status_page.id)
            && unresolved_at.is_none_or(|at| incident.over_at().is_none_or(|over| at < over))
            && touching.is_none_or(|window| {
                let ended = incident.impact_ended_at.or(incident.resolved_at);
                incident.started_at < window.end() && ended.is_none_or(|end| window.start() < end)
            })
            && (!with_clocks || incident.status.is_live() || incident.clocks.due_at.is_some())
            && due_by.is_none_or(|by| incident.clocks.due_at.is_some_and(|at| at <= by))
            && after.is_none_or(|after| self.is_after(after, self.place(incident)))
    }

    /// Returns the place of an incident in the list, for [`after`](Self::after): its time and id.
    /// The time is that of the declaration, or with [`due_by`](Self::due_by) the one at which its
    /// next rule is due.
    #[must_use]
    pub fn place(&self, incident: &Incident) -> (Timestamp, IncidentId) {
        let due_at = incident.clocks.due_at.filter(|_| self.due_by.is_some());
        (due_at.unwrap_or(incident.declared_at), incident.id)
    }

    /// Compares two incidents in the order of the list: by (`declared_at`, `id`) descending, or with
    /// [`due_by`](Self::due_by) by (`due_at`, `id`) ascending.
    #[must_use]
    pub fn compare(&self, one: &Incident, other: &Incident) -> Ordering {
        let order = self.place(one).cmp(&self.place(other));
        match self.due_by {
            Some(_) => order,
            None => order.reverse(),
        }
    }

    fn is_after(&self, one: (Timestamp, IncidentId), other: (Timestamp, IncidentId)) -> bool {
        match self.due_by {
            Some(_) => one < other,
            None => other < one,
        }
    }
}

/// A store of incidents and of everything that a decision changes with them.
///
/// # Contract
/// **Atomic:** a commit is stored whole or not at all: incident, timeline, audit, outbox,
/// ledger, suggestion, stored response and lease completion together.
/// **Isolated:** a write whose `expected` revision is not the stored one is
/// [`StoreError::Conflict`]; of two writers that decided on the same revision exactly one wins.
/// Reads see whole commits only. In one environment no two incidents stand for one alert
/// ([`Incident::alerts`]), and a commit that claims an alert has seen every live incident of it
/// ([`AlertClaim`](crate::commit::AlertClaim)); an alert that one write of a commit releases
/// may be taken by another write of it. A response about an incident that the commit does not
/// write is stored only if the incident is at the revision in the response, and one about a
/// suggestion that it does not open only if the stored suggestion has the same request, else
/// [`StoreError::Conflict`]: text that was redacted meanwhile does not come back.
/// **Erased:** a commit with a [`Redaction`](crate::redaction::Redaction) erases the text of
/// the entry in every [`TextPlace`](crate::redaction::TextPlace). It is [`StoreError::Refused`]
/// unless an audit entry, of this commit or stored before,
/// [records](crate::redaction::recorded) it; no text is erased in any other way.
/// **Durable:** a commit that returned success survives a crash.
/// **Ordered:** entries are sealed with [`SysIncidentUpdateEntry::linked`] under the incident's
/// lock; `seq` is 1, 2, 3, ... without gaps. Lists are in the order of [`IncidentFilter::compare`];
/// outlines are those of the incidents that [`list`](IncidentStore::list) returns, in its
/// order.
/// **Idempotent:** a stored key that has not expired refuses a second commit under it with
/// [`StoreError::IdempotencyKeyInUse`].
/// **Bounded:** answers within `timeout`; an outline takes a few kilobytes, however large its
/// incident is.
/// **Cancellation:** dropping the future leaves the commit stored whole or not at all.
/// **Errors:** every variant but [`StoreError::Unknown`] means that certainly nothing was
/// written.
#[async_trait]
pub trait IncidentStore: Send + Sync {
    /// Stores a commit. Returns the sealed entries, in the order of the writes.
    async fn commit(
        &self,
        commit: Commit,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError>;

    /// Returns a number for a new incident: unique and rising, with gaps allowed.
    async fn next_number(&self, timeout: Duration) -> Result<u64, StoreError>;

    /// Loads an incident; none if there is no such incident.
    async fn load(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<Arc<Incident>>, StoreError>;

    /// Lists the incidents that match, whole: each may take megabytes. For display, use
    /// [`outlines`](Self::outlines).
    async fn list(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Incident>>, StoreError>;

    /// Lists outlines of the incidents that match ([`Outline::of`]).
    async fn outlines(
        &self,
        filter: &IncidentFilter,
        timeout: Duration,
    ) -> Result<Vec<Outline>, StoreError>;

    /// Reads the entries of an incident after `after_seq`, ascending.
    async fn timeline(
        &self,
        id: IncidentId,
        after_seq: u64,
        limit: usize,
        timeout: Duration,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError>;

    /// Finds the response stored under a key, unless it had expired at `now`.
    async fn find_response(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Compares the values stored beside an incident's state, by which it is found, with the
    /// state.
    ///
    /// Returns a sentence about the first value that differs. Returns `None` if all agree, if
    /// nothing is stored beside the state, and if there is no such incident.
    async fn mismatch(
        &self,
        id: IncidentId,
        timeout: Duration,
    ) -> Result<Option<&'static str>, StoreError>;

    /// Checks that the store can work, as far as this is known without a write:
    /// [`StoreError::ReadOnly`] if it takes none. The default implementation checks that
    /// incidents can be read.
    async fn ready(&self, timeout: Duration) -> Result<(), StoreError> {
        let nothing = IncidentFilter {
            limit: 1,
            // One unreadable incident must not take every replica out of service.
            skip_unreadable: true,
            ..IncidentFilter::default()
        };
        self.list(&nothing, timeout).await.map(|_| ())
    }
}
