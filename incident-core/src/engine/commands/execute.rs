//! The run of a command: replay, load, decide, stage, commit.

use std::sync::Arc;

use super::prepare::PreparedCommand;
use crate::actor::Action;
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Alarm, CommandOutcome, Error, Incidents, RequestContext};
use crate::idempotency::StoredResponse;
use crate::incident::limits::{changed_span, shapers};
use crate::incident::{Command, Ending, Event, Incident, Refusal, decide, rights_for};
use crate::port::StoreError;
use crate::redaction::Redaction;
use crate::response::UnknownItem;
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Timestamp, ValidationError};

impl Incidents {
    /// Runs a command on an incident.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident. Fails if a right is missing, the
    /// command does not fit the incident, or the store did not commit.
    pub async fn act(
        &self,
        context: &RequestContext,
        id: IncidentId,
        command: &Command,
    ) -> Result<CommandOutcome, Error> {
        let this = self.begun_for(context);
        if let Some(done) = this.replay(context).await? {
            return Ok(done);
        }
        let _turn = this.turn(id).await?;
        for _ in 0..MAX_CONFLICT_RETRIES {
            match this.try_act(context, id, command).await {
                Err(Error::Store(StoreError::Conflict | StoreError::CreditMoved(_))) => {}
                Err(Error::Store(StoreError::IdempotencyKeyInUse)) => {
                    return this
                        .replay(context)
                        .await?
                        .ok_or(Error::Store(StoreError::IdempotencyKeyInUse));
                }
                Err(Error::Store(StoreError::AlertKeyTaken(_))) => {
                    let detail = "another active incident holds this alert key".to_owned();
                    return Err(Refusal::WrongState {
                        code: "alert_key_taken",
                        detail,
                    }
                    .into());
                }
                other => return other,
            }
        }
        Err(Error::Store(StoreError::Conflict))
    }

    async fn try_act(
        &self,
        context: &RequestContext,
        id: IncidentId,
        command: &Command,
    ) -> Result<CommandOutcome, Error> {
        let prepared = self.prepare_act(context, id, command).await?;
        self.commit(prepared).await
    }

    /// Decides a command on an incident, and commits nothing but the audit of a refusal.
    pub(in crate::engine) async fn prepare_act(
        &self,
        context: &RequestContext,
        id: IncidentId,
        command: &Command,
    ) -> Result<PreparedCommand, Error> {
        let mut before = self.get(id).await?;
        self.authorize_command(
            context,
            &rights_for(&before, command, &context.caller.actor),
            Some(id),
        )
        .await?;
        if let Command::Redact { seq, .. } = command {
            before = self.with_sources(before, *seq).await?;
        }
        context.check_version(before.version)?;
        self.check_escalation_rule(command)?;
        Self::check_approval(command, &before)?;
        let filled_in = self.filled_in(command, &before)?;
        let command = filled_in.as_ref().unwrap_or(command);
        let now = self.inner.now();
        if !self.may(&context.caller, Action::LongOutage) {
            changed_span(&before, command, now)?;
        }
        let mut prepared = PreparedCommand::new(Arc::clone(&before));
        if let Command::Redact { seq, .. } = command {
            prepared.commit.redacts = Some(Redaction::of(&before, *seq));
            prepared.event.public = true;
        }
        let events = self
            .stage_command(&mut prepared, context, &before, command, now)
            .await?;
        self.remember(&mut prepared, context, false, now);
        if let Some(into) = merged_into(&events) {
            let missing = || ValidationError::new("merged_into", "the id of an existing incident");
            let target = self.find(into).await?.ok_or_else(missing)?;
            let take_in = Command::TakeIn { source: before };
            self.stage_command(&mut prepared, context, &target, &take_in, now)
                .await?;
        }
        Ok(prepared)
    }

    /// Decides a command on one incident and adds the result to a prepared command: its audit
    /// entry, and with events the state, entries, messages and credits.
    async fn stage_command(
        &self,
        prepared: &mut PreparedCommand,
        context: &RequestContext,
        before: &Incident,
        command: &Command,
        now: Timestamp,
    ) -> Result<Vec<Event>, Error> {
        let by = &context.caller.actor;
        self.check_status_page(command)?;
        let events = decide(before, command, by, now, &self.inner.settings.policy)?;
        let (action, detail) = (command.name_of(&events), command.audit_detail(&events));
        let audit = context.allowed(now, Some(before.id), action, detail);
        prepared.commit.audit.push(audit);
        if events.is_empty() {
            return Ok(events);
        }
        let expected = Some(before.revision);
        let recompute = self
            .inner
            .stage(prepared, before, expected, &events, by, now)?;
        shapers(before, prepared.after(before))?;
        if recompute {
            self.add_credits(before, prepared, by, now).await?;
        }
        Ok(events)
    }

    /// Refuses to publish where there is no status page.
    fn check_status_page(&self, command: &Command) -> Result<(), Refusal> {
        let publishes = matches!(command, Command::Publish(publish) if publish.public);
        if publishes && !self.inner.settings.has_status_page {
            return Err(Refusal::WrongState {
                code: "no_status_page",
                detail: "there is no status page to publish to".to_owned(),
            });
        }
        Ok(())
    }

    /// Returns the incident, with the texts that an entry wrote attributed to it.
    async fn with_sources(&self, before: Arc<Incident>, seq: u64) -> Result<Arc<Incident>, Error> {
        let entries = self.entries(before.id, &[seq.max(1)]).await?;
        Ok(match entries.first() {
            Some(entry) => Arc::new(before.with_sources(entry)),
            None => before,
        })
    }

    /// Returns a tick with the text of its item; no other command needs anything.
    fn filled_in(&self, command: &Command, before: &Incident) -> Result<Option<Command>, Error> {
        let Command::Tick(tick) = command else {
            return Ok(None);
        };
        let filled = self.inner.settings.checklists.filled_in(before, tick);
        let filled = filled.map_err(|unknown| match unknown {
            UnknownItem::List => Error::NotFound("checklist"),
            UnknownItem::Item => Error::NotFound("checklist item"),
            UnknownItem::NotNow => Error::Refused(Refusal::WrongState {
                code: "checklist_not_open",
                detail: format!(
                    "the checklist does not apply to a {} incident with the status {}",
                    before.severity, before.status
                ),
            }),
        })?;
        Ok(Some(Command::Tick(Box::new(filled))))
    }

    fn check_approval(command: &Command, before: &Incident) -> Result<(), Error> {
        let Command::Approve(step) = command else {
            return Ok(());
        };
        let number = step.number();
        if number.is_some_and(|number| before.approval(number).is_none()) {
            return Err(Error::NotFound("approval"));
        }
        Ok(())
    }

    fn check_escalation_rule(&self, command: &Command) -> Result<(), ValidationError> {
        let rules = &self.inner.escalations;
        let Command::Escalate { rule, .. } = command else {
            return Ok(());
        };
        if rules.contains_key(rule) {
            return Ok(());
        }
        let names: Vec<&str> = rules.keys().map(AsRef::as_ref).collect();
        let expected = match names.as_slice() {
            [] => "no value, because no escalation rule is configured".to_owned(),
            names => format!("one of {}", names.join(", ")),
        };
        Err(ValidationError::new("rule", expected))
    }

    /// Commits a prepared command and notifies listeners.
    pub(in crate::engine) async fn commit(
        &self,
        prepared: PreparedCommand,
    ) -> Result<CommandOutcome, Error> {
        let incident = Arc::clone(prepared.incident());
        let PreparedCommand {
            commit,
            mut event,
            deduplicated,
            ..
        } = prepared;
        event.outbox |= !commit.outbox.is_empty();
        let committed = self.store.commit(commit, self.left()?).await;
        if let Err(StoreError::Unknown(_)) = &committed {
            // It may be written: a cache that is not cleared could show text that was withdrawn.
            event.alarm = None;
            self.inner.emit(&event);
        }
        let committed = committed?;
        if let Some(Alarm::AlertClosedThere {
            incident_id,
            vendor,
        }) = &event.alarm
        {
            tracing::error!(incident.id = %incident_id, %vendor, "the vendor closed the alert of an active incident that no one has acknowledged");
        }
        if !event.is_empty() {
            self.inner.emit(&event);
        }
        let entries = committed
            .into_iter()
            .filter(|entry| entry.incident_id == incident.id)
            .collect();
        Ok(CommandOutcome {
            incident,
            entries,
            deduplicated,
            replayed: false,
        })
    }

    /// Returns the outcome that is remembered under the idempotency key of a context: that of the
    /// same request, which was sent before. Nothing without a key.
    ///
    /// # Errors
    /// Returns [`Error::IdempotencyKeyMismatch`] if the key was used for another request. Fails if
    /// the store did not answer.
    pub async fn remembered(
        &self,
        context: &RequestContext,
    ) -> Result<Option<CommandOutcome>, Error> {
        self.begun_for(context).replay(context).await
    }

    /// Returns the response that is stored under the caller's key, if any.
    pub(in crate::engine) async fn recalled(
        &self,
        context: &RequestContext,
    ) -> Result<Option<StoredResponse>, Error> {
        let Some(key) = &context.key else {
            return Ok(None);
        };
        if key.key.contains('\0') {
            return Err(ValidationError::new("idempotency_key", "text without NUL").into());
        }
        let found = self
            .store
            .find_response(key, self.inner.now(), self.left()?)
            .await?;
        match found {
            Some(remember) if remember.key.fingerprint != key.fingerprint => {
                Err(Error::IdempotencyKeyMismatch)
            }
            Some(remember) => Ok(Some(remember.reply)),
            None => Ok(None),
        }
    }

    pub(in crate::engine) async fn replay(
        &self,
        context: &RequestContext,
    ) -> Result<Option<CommandOutcome>, Error> {
        let Some(reply) = self.recalled(context).await? else {
            return Ok(None);
        };
        let StoredResponse::Incident {
            incident,
            seqs,
            deduplicated,
        } = reply
        else {
            return Err(Error::IdempotencyKeyMismatch);
        };
        let entries = self.entries(incident.id, &seqs).await?;
        Ok(Some(CommandOutcome {
            incident,
            entries,
            deduplicated,
            replayed: true,
        }))
    }

    async fn entries(
        &self,
        id: IncidentId,
        seqs: &[u64],
    ) -> Result<Vec<SysIncidentUpdateEntry>, Error> {
        let (Some(first), Some(last)) = (seqs.first(), seqs.last()) else {
            return Ok(Vec::new());
        };
        let span = usize::try_from(last - first + 1).unwrap_or(1);
        Ok(self
            .store
            .timeline(id, first - 1, span, self.left()?)
            .await?)
    }

    /// Adds the response of a prepared command under the key of its context, if it has one.
    pub(in crate::engine) fn remember(
        &self,
        prepared: &mut PreparedCommand,
        context: &RequestContext,
        deduplicated: bool,
        now: Timestamp,
    ) {
        prepared.deduplicated = deduplicated;
        let response = StoredResponse::Incident {
            incident: Arc::clone(prepared.incident()),
            seqs: prepared.seqs(),
            deduplicated,
        };
        prepared.commit.remember = context.record(response, now);
    }
}

/// Returns the incident that these events merge theirs into, if they do.
fn merged_into(events: &[Event]) -> Option<IncidentId> {
    events.iter().find_map(|event| {
        let Event::Updated(updated) = event else {
            return None;
        };
        match updated.transition?.ending? {
            Ending::MergedInto(into) => Some(into),
            Ending::Cancelled(_) => None,
        }
    })
}
