//! The content of the store, and its queries.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use incident_core::audit::{AuditEntry, Chain};
use incident_core::billing::{CreditSubject, LedgerRow};
use incident_core::incident::Incident;
use incident_core::policy::PolicyRecord;
use incident_core::port::{AuditQuery, IncidentFilter};
use incident_core::suggestion::Suggestion;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{
    CreditId, IncidentId, Name, PublicId, ServiceId, SuggestionId, TenantId, Timestamp,
};

use super::keys::Keys;
use super::messages::OutboxMessages;

/// Maximum number of stored suggestions, open or not: twice as many as may be open.
pub(super) const MAX_SUGGESTIONS: usize = 20_000;

/// An incident with its timeline.
#[derive(Debug)]
pub(super) struct StoredIncident {
    pub(super) incident: Arc<Incident>,
    pub(super) timeline: Vec<SysIncidentUpdateEntry>,
}

#[derive(Debug, Default)]
pub(super) struct StoreState {
    pub(super) last_number: u64,
    pub(super) incidents: BTreeMap<IncidentId, StoredIncident>,
    /// All incidents by (declared at, id), descending.
    pub(super) by_age: BTreeSet<Reverse<(Timestamp, IncidentId)>>,
    /// Live incidents, in the same order, for the list that people open most.
    pub(super) live: BTreeSet<Reverse<(Timestamp, IncidentId)>>,
    /// Incidents by the time at which their next rule fires.
    pub(super) due: BTreeSet<(Timestamp, IncidentId)>,
    /// All incidents by their id on the public page, which never changes.
    pub(super) by_public_id: BTreeMap<PublicId, BTreeSet<IncidentId>>,
    /// The incident that stands for an alert, by key and environment.
    pub(super) alerts: BTreeMap<Name, BTreeMap<Name, IncidentId>>,
    /// Live incidents by the alert that they were declared for.
    pub(super) declared_for: BTreeMap<Name, BTreeSet<IncidentId>>,
    pub(super) audit: BTreeMap<Chain, Vec<AuditEntry>>,
    /// Audit entries in order of time, so that a page of the trail is found without sorting all of
    /// it.
    pub(super) audit_by_time: Vec<(Timestamp, Chain, u64)>,
    pub(super) outbox: OutboxMessages,
    /// Ledger rows. Rows are only appended, so that their positions stay valid.
    pub(super) ledger: Vec<LedgerRow>,
    pub(super) credit_at: BTreeMap<CreditId, usize>,
    pub(super) credits_of: BTreeMap<CreditSubject, Vec<usize>>,
    pub(super) suggestions: Vec<Suggestion>,
    /// The policies, oldest first.
    pub(super) policies: Vec<PolicyRecord>,
    pub(super) keys: Keys,
}

impl StoreState {
    /// Returns every live incident that was declared for an alert or stands for it.
    pub(super) fn live_of_alert(&self, alert: &Name) -> BTreeSet<IncidentId> {
        let declared = self.declared_for.get(alert).into_iter().flatten();
        let stands = self
            .alerts
            .get(alert)
            .into_iter()
            .flat_map(BTreeMap::values);
        declared.chain(stands).copied().collect()
    }

    pub(super) fn list(&self, filter: &IncidentFilter) -> Vec<Arc<Incident>> {
        let live_only =
            !filter.statuses.is_empty() && filter.statuses.iter().all(|status| status.is_live());
        if let (true, Some(alert)) = (live_only, &filter.alert) {
            return self.list_of(filter, self.live_of_alert(alert));
        }
        if let Some(public) = filter.public_id {
            let found = self.by_public_id.get(&public).into_iter().flatten();
            return self.list_of(filter, found.copied());
        }
        if let Some(by) = filter.due_by {
            let start = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
            let due = self.due.range((start, Bound::Unbounded));
            return due
                .take_while(|(at, _)| *at <= by)
                .filter_map(|(_, id)| self.incidents.get(id))
                .filter(|kept| filter.matches(&kept.incident))
                .take(filter.limit)
                .map(|kept| Arc::clone(&kept.incident))
                .collect();
        }
        let order = if live_only { &self.live } else { &self.by_age };
        let start = match filter.after {
            Some(after) => Bound::Excluded(Reverse(after)),
            None => Bound::Unbounded,
        };
        order
            .range((start, Bound::Unbounded))
            .filter_map(|Reverse((_, id))| self.incidents.get(id))
            .filter(|kept| filter.matches(&kept.incident))
            .take(filter.limit)
            .map(|kept| Arc::clone(&kept.incident))
            .collect()
    }

    /// Lists those of a few incidents that match, without reading the others.
    fn list_of(
        &self,
        filter: &IncidentFilter,
        ids: impl IntoIterator<Item = IncidentId>,
    ) -> Vec<Arc<Incident>> {
        let mut found: Vec<_> = ids
            .into_iter()
            .filter_map(|id| self.incidents.get(&id))
            .filter(|kept| filter.matches(&kept.incident))
            .map(|kept| Arc::clone(&kept.incident))
            .collect();
        found.sort_by(|one, other| filter.compare(one, other));
        found.truncate(filter.limit);
        found
    }

    pub(super) fn audit(&self, query: &AuditQuery) -> Vec<AuditEntry> {
        let place = |entry: &AuditEntry| (entry.payload.at, entry.chain, entry.seq);
        let wanted = |entry: &&AuditEntry| query.matches(entry);
        if let Some(chain) = &query.chain {
            let entries = self.audit.get(chain).into_iter().flatten();
            let mut found: Vec<&AuditEntry> = entries.filter(wanted).collect();
            found.sort_by_key(|entry| place(entry));
            if query.newest_first {
                found.reverse();
            }
            return found.into_iter().take(query.limit).cloned().collect();
        }
        let entry = |(_, chain, seq): &(Timestamp, Chain, u64)| {
            let at = usize::try_from(seq.checked_sub(1)?).ok()?;
            self.audit.get(chain)?.get(at)
        };
        let at = |time: Timestamp| (time, Chain::System, 0);
        let count_before = |edge: Option<(Timestamp, Chain, u64)>| {
            let edge = edge?;
            Some(self.audit_by_time.partition_point(|place| *place < edge))
        };
        if query.newest_first {
            let ends = [query.after, query.to.map(at)].into_iter().flatten().min();
            let number = count_before(ends).unwrap_or(self.audit_by_time.len());
            let places = self.audit_by_time.iter().take(number).rev();
            let found = places.filter_map(entry).filter(wanted);
            return found.take(query.limit).cloned().collect();
        }
        let start = query.after.max(query.from.map(at));
        let first = count_before(start).unwrap_or_default();
        let places = self.audit_by_time.iter().skip(first);
        let found = places.filter_map(entry).filter(wanted);
        found.take(query.limit).cloned().collect()
    }

    /// Records the position of an audit entry. Most arrive in order of time.
    pub(super) fn note_time(&mut self, place: (Timestamp, Chain, u64)) {
        let at = match self.audit_by_time.last() {
            Some(last) if place < *last => self.audit_by_time.partition_point(|one| *one < place),
            Some(_) | None => self.audit_by_time.len(),
        };
        self.audit_by_time.insert(at, place);
    }

    /// Stores a suggestion. If there are too many, it replaces the oldest one that is no longer
    /// open.
    pub(super) fn store_suggestion(&mut self, suggestion: Suggestion) {
        let now = suggestion.received_at;
        self.suggestions.push(suggestion);
        let closed = |one: &Suggestion| !one.stands_for_its_pair(now);
        if self.suggestions.len() > MAX_SUGGESTIONS
            && let Some(oldest) = self.suggestions.iter().position(closed)
        {
            self.suggestions.remove(oldest);
        }
    }

    pub(super) fn close(&mut self, id: SuggestionId, close: impl FnOnce(&mut Suggestion)) {
        let mut found = self.suggestions.iter_mut();
        if let Some(suggestion) = found.find(|one| one.id == id) {
            close(suggestion);
        }
    }

    /// Returns the newest suggestion of a pair that was not used.
    pub(super) fn unused(&self, service: &ServiceId, tenant: &TenantId) -> Option<&Suggestion> {
        self.suggestions.iter().rev().find(|one| {
            !one.used && one.request.service == *service && one.request.tenant == *tenant
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use incident_core::suggestion::{SUGGESTION_TTL, Suggest};

    use super::*;

    /// S11: closed suggestions are dropped, open ones stay.
    #[test]
    fn so_many_suggestions_are_kept() {
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let suggestion = |n: usize, received_at: Timestamp| Suggestion {
            id: format!("00000000-0000-7000-8000-{n:012}").parse().unwrap(),
            request: Suggest {
                service: "api".parse().unwrap(),
                tenant: format!("t{n}").parse().unwrap(),
                signal: "x".parse().unwrap(),
                observed_at: received_at,
                evidence: None,
            },
            received_at,
            used: false,
            dismissed_at: None,
        };
        let mut state = StoreState::default();
        for n in 0..MAX_SUGGESTIONS {
            state.store_suggestion(suggestion(n, start));
        }
        let later = start.saturating_add(SUGGESTION_TTL + Duration::from_secs(1));
        for n in 0..3 {
            state.store_suggestion(suggestion(MAX_SUGGESTIONS + n, later));
        }
        assert_eq!(state.suggestions.len(), MAX_SUGGESTIONS);
        assert!(state.suggestions.iter().any(|one| one.received_at == later));
        let tenant =
            |state: &StoreState, nth: usize| state.suggestions[nth].request.tenant.to_string();
        assert_eq!(tenant(&state, 0), "t3");
        // One that was dismissed stands for its pair, and stays too.
        state.suggestions[0].dismissed_at = Some(later);
        state.store_suggestion(suggestion(MAX_SUGGESTIONS + 3, later));
        assert_eq!(
            (tenant(&state, 0), tenant(&state, 1)),
            ("t3".to_owned(), "t5".to_owned())
        );
    }
}
