//! How a command runs: recall, load, decide, gather, keep.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stage::{StagedChange, add_to};
use crate::actor::Action;
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::{Commit, IdempotencyRecord, StoredResponse};
use crate::engine::{Alarm, CommandOutcome, Error, Incidents, RequestContext};
use crate::incident::limits::{changed_span, shapers};
use crate::incident::{Command, Ending, Event, Incident, Refusal, decide, rights_for};
use crate::port::StoreError;
use crate::redaction::Redaction;
use crate::timeline::SysIncidentUpdateEntry;
use crate::{IncidentId, Timestamp, ValidationError, Version};

/// How often a command is decided anew when another process was faster. In one
/// process commands on an incident queue, so a conflict needs a second writer
/// or a page's outcome.
pub(in crate::engine) const MAX_CONFLICT_RETRIES: u32 = 16;

impl Incidents {
    /// Runs a command on an incident.
    ///
    /// # Errors
    /// There is no such incident, a right is missing, the command does not fit,
    /// or the store did not keep it.
    pub async fn act(
        &self,
        context: &RequestContext,
        id: IncidentId,
        command: &Command,
    ) -> Result<CommandOutcome, Error> {
        let this = self.begun();
        if let Some(done) = this.replay(context).await? {
            return Ok(done);
        }
        let _turn = this.0.turn(id).await?;
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
                    let detail = "another live incident stands for the same alert".to_owned();
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
        let mut before = self.get(id).await?;
        self.authorize_all(&context.caller, &rights_for(&before, command), Some(id))
            .await?;
        if let Command::Redact { seq, .. } = command {
            before = self.with_sources(before, *seq).await?;
        }
        if context
            .if_version
            .as_ref()
            .is_some_and(|versions| !versions.contains(&before.version))
        {
            return Err(Error::VersionMismatch);
        }
        self.check_escalation_rule(command)?;
        let now = self.0.now();
        if !self.may(&context.caller, Action::LongOutage) {
            changed_span(&before, command, now)?;
        }
        let events = decide(
            &before,
            command,
            &context.caller.actor,
            now,
            &self.0.settings.policy,
        )?;
        let mut commit = Commit {
            audit: vec![allowed(
                context,
                now,
                Some(id),
                command.name_of(&events),
                command.particulars_of(&events),
            )],
            redacts: if let Command::Redact { seq, .. } = command {
                Some(Redaction::of(&before, *seq))
            } else {
                None
            },
            ..Commit::default()
        };
        if events.is_empty() {
            let reply = StoredResponse::Incident {
                incident: Arc::clone(&before),
                seqs: Vec::new(),
                deduplicated: false,
            };
            commit.remember = self.remember(context, reply, now);
            self.0.store.commit(commit, self.0.left()?).await?;
            return Ok(CommandOutcome {
                incident: before,
                entries: Vec::new(),
                deduplicated: false,
                replayed: false,
            });
        }
        let mut staged = self.0.stage(
            &before,
            Some(before.revision),
            &events,
            &context.caller.actor,
            now,
        );
        shapers(&before, &staged.after)?;
        if staged.recompute {
            self.add_credits(
                &before,
                &mut staged,
                &mut commit,
                &context.caller.actor,
                now,
            )
            .await?;
        }
        commit.remember = self.remember(context, reply(&staged, false), now);
        let mut all = vec![staged];
        all.extend(
            self.merge_target(context, &before, &events, now, &mut commit)
                .await?,
        );
        self.commit(commit, all).await
    }

    /// The incident with what an entry tells of its texts: which of them it wrote.
    async fn with_sources(&self, before: Arc<Incident>, seq: u64) -> Result<Arc<Incident>, Error> {
        let entries = self.entries(before.id, &[seq.max(1)]).await?;
        Ok(match entries.first() {
            Some(entry) => Arc::new(before.with_sources(entry)),
            None => before,
        })
    }

    fn check_escalation_rule(&self, command: &Command) -> Result<(), ValidationError> {
        let rules = &self.0.escalations;
        let Command::Escalate { rule, .. } = command else {
            return Ok(());
        };
        if rules.contains_key(rule) {
            return Ok(());
        }
        let names: Vec<&str> = rules.keys().map(AsRef::as_ref).collect();
        let expected = match names.as_slice() {
            [] => "no rule: none is configured".to_owned(),
            names => format!("one of {}", names.join(", ")),
        };
        Err(ValidationError::new("rule", expected))
    }

    /// The incident that takes in one that is being merged, in the same commit.
    async fn merge_target(
        &self,
        context: &RequestContext,
        source: &Incident,
        events: &[Event],
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<Option<StagedChange>, Error> {
        let merged = events.iter().find_map(|event| {
            let Event::Updated(updated) = event else {
                return None;
            };
            match updated.transition?.ending? {
                Ending::MergedInto(into) => Some(into),
                Ending::Cancelled(_) => None,
            }
        });
        let Some(into) = merged else { return Ok(None) };
        let missing = || ValidationError::new("merged_into", "the id of an incident that exists");
        let target = self.find(into).await?.ok_or_else(missing)?;
        let command = Command::TakeIn {
            source: Arc::new(source.clone()),
        };
        let events = decide(
            &target,
            &command,
            &context.caller.actor,
            now,
            &self.0.settings.policy,
        )?;
        let mut staged = self.0.stage(
            &target,
            Some(target.revision),
            &events,
            &context.caller.actor,
            now,
        );
        shapers(&target, &staged.after)?;
        if staged.recompute {
            self.add_credits(&target, &mut staged, commit, &context.caller.actor, now)
                .await?;
        }
        commit.audit.push(allowed(
            context,
            now,
            Some(into),
            command.name(),
            command.audit_detail(),
        ));
        Ok(Some(staged))
    }

    /// Keeps what was gathered; the first one is the answer.
    pub(in crate::engine) async fn commit(
        &self,
        mut commit: Commit,
        staged: Vec<StagedChange>,
    ) -> Result<CommandOutcome, Error> {
        let (answer, mut notice) = add_to(&mut commit, staged);
        let committed = self.0.store.commit(commit, self.0.left()?).await;
        if let Err(StoreError::Unknown(_)) = &committed {
            // It may be written: a cache that waited to be sure would show what was withdrawn.
            notice.alarm = None;
            self.0.emit(&notice);
        }
        let committed = committed?;
        if let Some(Alarm::AlertClosedThere {
            incident_id,
            vendor,
        }) = &notice.alarm
        {
            tracing::error!(incident.id = %incident_id, %vendor, "the alert of a live incident that nobody has was closed at the vendor");
        }
        self.0.emit(&notice);
        let Some(incident) = answer else {
            return Err(StoreError::Refused("a commit without an incident").into());
        };
        let entries = committed
            .entries
            .into_iter()
            .filter(|entry| entry.incident_id == incident.id)
            .collect();
        Ok(CommandOutcome {
            incident,
            entries,
            deduplicated: false,
            replayed: false,
        })
    }

    /// What was answered under the caller's key before, if anything.
    pub(in crate::engine) async fn recalled(
        &self,
        context: &RequestContext,
    ) -> Result<Option<StoredResponse>, Error> {
        let (Some(scope), Some(key)) = (context.scope(), &context.key) else {
            return Ok(None);
        };
        if scope.key.contains('\0') {
            return Err(ValidationError::new("idempotency_key", "text without NUL").into());
        }
        let found = self
            .0
            .store
            .find_response(&scope, self.0.now(), self.0.left()?)
            .await?;
        match found {
            Some(remember) if remember.fingerprint != key.fingerprint => {
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
            .0
            .store
            .timeline(id, first - 1, span, self.0.left()?)
            .await?)
    }

    pub(in crate::engine) fn remember(
        &self,
        context: &RequestContext,
        reply: StoredResponse,
        now: Timestamp,
    ) -> Option<IdempotencyRecord> {
        let (scope, key) = (context.scope()?, context.key.as_ref()?);
        Some(IdempotencyRecord {
            scope,
            fingerprint: key.fingerprint,
            made_at: now,
            expires_at: now.saturating_add(context.remembered_for),
            reply,
        })
    }
}

pub(in crate::engine) fn reply(staged: &StagedChange, deduplicated: bool) -> StoredResponse {
    StoredResponse::Incident {
        incident: Arc::clone(&staged.write.after),
        seqs: staged.seqs.clone(),
        deduplicated,
    }
}

pub(in crate::engine) fn allowed(
    context: &RequestContext,
    at: Timestamp,
    incident_id: Option<IncidentId>,
    action: &str,
    detail: BTreeMap<String, String>,
) -> AuditDraft {
    AuditDraft {
        incident_id,
        at,
        actor: context.caller.actor.clone(),
        action: action.to_owned(),
        outcome: AuditOutcome::Allowed,
        detail,
    }
}

/// The version a caller read from an `ETag`.
impl From<u64> for Version {
    fn from(version: u64) -> Self {
        Self(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_number_that_was_read() {
        assert_eq!(Version::from(7), Version(7));
        assert_eq!(Version::from(7).next(), Version::from(8));
    }
}
