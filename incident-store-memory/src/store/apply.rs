//! The application of a commit: first every check, then every change.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::Arc;

use incident_core::audit::{self, AuditDraft, AuditEntry, Chain};
use incident_core::billing::{
    CreditState, CreditSubject, CreditTransition, LedgerRow, LedgerWrite, outstanding,
};
use incident_core::chain::Head;
use incident_core::commit::{Commit, IncidentWrite, OutboxWrite, SuggestionWrite};
use incident_core::idempotency::IdempotencyRecord;
use incident_core::incident::Incident;
use incident_core::outbox::page_ordering_key;
use incident_core::port::StoreError;
use incident_core::timeline::SysIncidentUpdateEntry;
use incident_core::{CreditId, IncidentId, Name};

use super::state::{StoreState, StoredIncident};

impl StoreState {
    pub(super) fn commit(
        &mut self,
        commit: Commit,
    ) -> Result<Vec<SysIncidentUpdateEntry>, StoreError> {
        // Nothing is changed until the last check has passed.
        self.check(&commit)?;
        let mut commit = commit;
        self.link_entries(&mut commit.writes)?;
        let audit = self.seal_audit(commit.audit)?;

        // Changes. None of them can fail.
        let Commit {
            writes,
            audit: _,
            outbox,
            ledger,
            credits,
            suggestion,
            remember,
            completes,
            redacts,
            policy,
            alert: _,
        } = Commit {
            audit: Vec::new(),
            ..commit
        };
        let entries = writes.iter().flat_map(|write| write.entries.clone());
        let entries = entries.collect();
        for write in &writes {
            self.give_up_alerts(&write.after);
        }
        for write in writes {
            self.put(write);
        }
        for entry in audit {
            let place = (entry.payload.at, entry.chain, entry.seq);
            self.note_time(place);
            self.audit.entry(entry.chain).or_default().push(entry);
        }
        if let Some(completion) = completes {
            self.outbox.complete(completion);
        }
        self.put_messages(outbox);
        for moved in credits {
            self.move_credit(moved);
        }
        for write in ledger {
            self.put_credits(write);
        }
        match suggestion {
            Some(SuggestionWrite::Open(suggestion)) => self.store_suggestion(suggestion),
            Some(SuggestionWrite::Use(id)) => self.close(id, |one| one.used = true),
            Some(SuggestionWrite::Dismiss(id, at)) => {
                self.close(id, |one| one.dismissed_at = Some(at));
            }
            None => {}
        }
        if let Some(redaction) = redacts {
            self.redact(&redaction);
        }
        if let Some(policy) = policy
            && self
                .policies
                .last()
                .is_none_or(|newest| newest.hash != policy.hash)
        {
            self.policies.push(policy);
        }
        if let Some(remember) = remember {
            self.keys.insert(remember);
        }
        Ok(entries)
    }

    /// Checks that a commit can be applied whole.
    fn check(&self, commit: &Commit) -> Result<(), StoreError> {
        if let Some(remember) = &commit.remember {
            self.check_key(remember)?;
            self.check_reply(remember, commit)?;
        }
        if let Some(completion) = &commit.completes {
            self.outbox.check(completion)?;
        }
        for write in &commit.writes {
            self.check_write(write)?;
        }
        self.check_alerts(commit)?;
        if let Some(suggestion) = &commit.suggestion {
            self.check_suggestion(suggestion)?;
        }
        self.check_outbox(&commit.outbox)?;
        self.check_ledger(&commit.ledger)?;
        self.check_credits(&commit.credits)?;
        if let Some(redaction) = &commit.redacts {
            self.check_redaction(redaction, &commit.audit)?;
        }
        Ok(())
    }

    fn put_messages(&mut self, outbox: Vec<OutboxWrite>) {
        for write in outbox {
            match write {
                OutboxWrite::Add(message) => self.outbox.add(*message),
                OutboxWrite::Supersede { incident, rule } => {
                    let key = page_ordering_key(rule.as_ref()).to_owned();
                    self.outbox.supersede(&(Some(incident), key));
                }
                OutboxWrite::Hasten { messages, due_at } => {
                    for message in messages {
                        self.outbox.hasten(message, due_at);
                    }
                }
                OutboxWrite::Replay { message, due_at } => self.outbox.replay(message, due_at),
            }
        }
    }

    fn check_key(&self, remember: &IdempotencyRecord) -> Result<(), StoreError> {
        match self.keys.get(&remember.key) {
            Some(kept) if remember.made_at < kept.expires_at => {
                Err(StoreError::IdempotencyKeyInUse)
            }
            _ => Ok(()),
        }
    }

    fn check_write(&self, write: &IncidentWrite) -> Result<(), StoreError> {
        let after = &write.after;
        let stored = self
            .incidents
            .get(&after.id)
            .map(|kept| kept.incident.revision);
        if stored != write.expected {
            return Err(StoreError::Conflict);
        }
        Ok(())
    }

    /// Checks that at most one incident per environment stands for an alert, and that a commit that
    /// claims an alert has seen every live incident of it.
    fn check_alerts(&self, commit: &Commit) -> Result<(), StoreError> {
        let writes = || commit.writes.iter().map(|write| &*write.after);
        if let Some(claim) = &commit.alert {
            let known = self.live_of_alert(&claim.key).into_iter();
            if let Some(unseen) = known.into_iter().find(|id| !claim.seen.contains(id)) {
                return Err(StoreError::AlertKeyTaken(unseen));
            }
        }
        let written = |id: IncidentId| writes().find(|one| one.id == id);
        let mut taken: BTreeMap<(&Name, &Name), IncidentId> = BTreeMap::new();
        for after in writes() {
            for key in after.alerts() {
                let place = (key, &after.environment);
                let stored = self.alerts.get(key);
                let stored = stored.and_then(|holders| holders.get(&after.environment));
                // An incident that the commit writes too may give up the alert with that write.
                let keeps = |holder: &IncidentId| match written(*holder) {
                    Some(other) => other.alerts().any(|held| held == key),
                    None => true,
                };
                let holder = stored.copied().filter(|holder| keeps(holder));
                let holder = taken.insert(place, after.id).or(holder);
                if let Some(holder) = holder.filter(|holder| *holder != after.id) {
                    return Err(StoreError::AlertKeyTaken(holder));
                }
            }
        }
        Ok(())
    }

    /// Removes the alerts that an incident stood for and no longer stands for.
    fn give_up_alerts(&mut self, after: &Incident) {
        let Some(kept) = self.incidents.get(&after.id) else {
            return;
        };
        let before = Arc::clone(&kept.incident);
        for key in before
            .alerts()
            .filter(|key| !after.alerts().any(|held| held == *key))
        {
            if let Some(holders) = self.alerts.get_mut(key) {
                holders.retain(|_, holder| *holder != after.id);
                if holders.is_empty() {
                    self.alerts.remove(key);
                }
            }
        }
    }

    fn check_suggestion(&self, write: &SuggestionWrite) -> Result<(), StoreError> {
        match write {
            SuggestionWrite::Open(new) => {
                match self.unused(&new.request.service, &new.request.tenant) {
                    Some(other) if other.stands_for_its_pair(new.received_at) => {
                        Err(StoreError::SuggestionOpen(other.id))
                    }
                    _ => Ok(()),
                }
            }
            SuggestionWrite::Use(id) | SuggestionWrite::Dismiss(id, _) => {
                let found = self.suggestions.iter().find(|one| one.id == *id);
                match found {
                    Some(one) if !one.used && one.dismissed_at.is_none() => Ok(()),
                    _ => Err(StoreError::SuggestionClosed),
                }
            }
        }
    }

    fn check_outbox(&self, writes: &[OutboxWrite]) -> Result<(), StoreError> {
        for write in writes {
            match write {
                OutboxWrite::Add(message) if self.outbox.has(message.id) => {
                    return Err(StoreError::Refused("a message id is used twice"));
                }
                OutboxWrite::Replay { message, .. } if !self.outbox.is_given_up(*message) => {
                    return Err(StoreError::NotGivenUp(*message));
                }
                OutboxWrite::Add(_)
                | OutboxWrite::Supersede { .. }
                | OutboxWrite::Hasten { .. }
                | OutboxWrite::Replay { .. } => {}
            }
        }
        Ok(())
    }

    fn check_ledger(&self, writes: &[LedgerWrite]) -> Result<(), StoreError> {
        let key = |row: &LedgerRow| (row.tenant_id.clone(), row.reverses.is_some());
        for write in writes {
            let mut fresh = BTreeSet::new();
            let fits =
                |row: &LedgerRow| row.subject() == write.subject && row.revision == write.revision;
            if !write
                .rows
                .iter()
                .all(|row| fits(row) && fresh.insert(key(row)))
            {
                return Err(StoreError::Refused("two credits have the same key"));
            }
            let kept: Vec<&LedgerRow> = self.of_subject(&write.subject).collect();
            if let Some(newer) = kept.iter().find(|row| row.revision >= write.revision) {
                return Err(StoreError::CreditMoved(newer.id));
            }
            let issued: BTreeSet<CreditId> = outstanding(kept.iter().copied())
                .map(|row| row.id)
                .collect();
            let reversed = write.rows.iter().filter_map(|row| row.reverses);
            let reversed: BTreeSet<CreditId> = reversed.collect();
            let keeps: BTreeSet<CreditId> = write.keeps.iter().copied().collect();
            if keeps.len() != write.keeps.len() || !keeps.is_disjoint(&reversed) {
                return Err(StoreError::Refused(
                    "a credit is both in effect and reversed",
                ));
            }
            let open = kept.iter().filter(|row| {
                matches!(
                    row.state,
                    CreditState::Estimated | CreditState::Approved | CreditState::Waived
                )
            });
            let may_stand: BTreeSet<CreditId> = open
                .map(|row| row.id)
                .chain(issued.iter().copied())
                .collect();
            let forgotten = issued
                .iter()
                .find(|id| !keeps.contains(id) && !reversed.contains(id));
            let unknown = keeps.difference(&may_stand).next();
            let not_issued = reversed.difference(&issued).next();
            if let Some(id) = forgotten.or(unknown).or(not_issued) {
                return Err(StoreError::CreditMoved(*id));
            }
        }
        Ok(())
    }

    pub(super) fn of_subject<'a>(
        &'a self,
        subject: &CreditSubject,
    ) -> impl Iterator<Item = &'a LedgerRow> + Clone {
        let places = self.credits_of.get(subject).into_iter().flatten();
        places.filter_map(|at| self.ledger.get(*at))
    }

    fn credit(&mut self, id: CreditId) -> Option<&mut LedgerRow> {
        let at = self.credit_at.get(&id)?;
        self.ledger.get_mut(*at)
    }

    fn check_credits(&self, moves: &[CreditTransition]) -> Result<(), StoreError> {
        for moved in moves {
            let at = self.credit_at.get(&moved.id);
            let seen = at.and_then(|at| self.ledger.get(*at));
            if seen.is_none_or(|row| row.state != moved.from) {
                return Err(StoreError::CreditMoved(moved.id));
            }
        }
        Ok(())
    }

    /// Links the entries onto the ends of their chains.
    fn link_entries(&self, writes: &mut [IncidentWrite]) -> Result<(), StoreError> {
        for write in writes {
            let stored = self.incidents.get(&write.after.id);
            let last = stored.and_then(|stored| stored.timeline.last());
            let mut head = last.map_or(Head::EMPTY, |entry| Head {
                seq: entry.seq,
                hash: entry.hash,
            });
            let link = |entry: SysIncidentUpdateEntry| {
                let entry = entry.linked(head.seq + 1, head.hash);
                head = Head {
                    seq: entry.seq,
                    hash: entry.hash,
                };
                entry
            };
            write.entries = take(&mut write.entries).into_iter().map(link).collect();
            if head.seq != write.after.last_seq {
                return Err(StoreError::Refused(
                    "the incident's entry count differs from the number of its timeline entries",
                ));
            }
        }
        Ok(())
    }

    fn seal_audit(&self, drafts: Vec<AuditDraft>) -> Result<Vec<AuditEntry>, StoreError> {
        let mut heads: BTreeMap<Chain, Head> = BTreeMap::new();
        drafts
            .into_iter()
            .map(|draft| {
                let chain = Chain::of(draft.incident_id);
                let stored = || self.audit.get(&chain).and_then(|entries| entries.last());
                let head = heads.entry(chain).or_insert_with(|| {
                    stored().map_or(Head::EMPTY, |entry| Head {
                        seq: entry.seq,
                        hash: entry.hash,
                    })
                });
                let entry = audit::seal(*head, draft)
                    .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
                *head = Head {
                    seq: entry.seq,
                    hash: entry.hash,
                };
                Ok(entry)
            })
            .collect()
    }

    fn put(&mut self, write: IncidentWrite) {
        let (after, entries) = (write.after, write.entries);
        let place = Reverse((after.declared_at, after.id));
        let stored = self.incidents.get(&after.id);
        if let Some(at) = stored.and_then(|stored| stored.incident.clocks.due_at) {
            self.due.remove(&(at, after.id));
        }
        self.due
            .extend(after.clocks.due_at.map(|at| (at, after.id)));
        self.by_age.insert(place);
        let public = self.by_public_id.entry(after.status_page.id);
        public.or_default().insert(after.id);
        if after.status.is_live() {
            self.live.insert(place);
            if let Some(key) = &after.alert_key {
                let declared = self.declared_for.entry(key.clone());
                declared.or_default().insert(after.id);
            }
            for key in after.alerts() {
                let holders = self.alerts.entry(key.clone()).or_default();
                holders.insert(after.environment.clone(), after.id);
            }
        } else {
            self.live.remove(&place);
            if let Some(key) = &after.alert_key
                && let Some(declared) = self.declared_for.get_mut(key)
            {
                declared.remove(&after.id);
                if declared.is_empty() {
                    self.declared_for.remove(key);
                }
            }
        }
        let kept = self
            .incidents
            .entry(after.id)
            .or_insert_with(|| StoredIncident {
                incident: Arc::clone(&after),
                timeline: Vec::new(),
            });
        kept.incident = after;
        kept.timeline.extend(entries);
    }

    fn move_credit(&mut self, moved: CreditTransition) {
        if let Some(row) = self.credit(moved.id) {
            row.state = moved.to;
            row.granted = moved.granted;
            row.issued = moved.issued;
        }
    }

    fn put_credits(&mut self, write: LedgerWrite) {
        let places = self.credits_of.entry(write.subject).or_default();
        for at in places.iter() {
            if let Some(row) = self.ledger.get_mut(*at)
                && matches!(row.state, CreditState::Estimated | CreditState::Approved)
                && !write.keeps.contains(&row.id)
            {
                row.state = CreditState::Superseded;
            }
        }
        for row in write.rows {
            places.push(self.ledger.len());
            self.credit_at.insert(row.id, self.ledger.len());
            self.ledger.push(row);
        }
    }
}
