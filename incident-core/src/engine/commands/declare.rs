//! Declarations of incidents, and repeats of their alerts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::prepare::PreparedCommand;
use super::suggest::suggestion_gone;
use crate::actor::{Action, Actor};
use crate::commit::{AlertClaim, OutboxWrite};
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{CommandOutcome, Error, Incidents, RequestContext};
use crate::incident::declare::{NewIds, check_repeated, declare, first_events, rights_for_declare};
use crate::incident::limits::declared_span;
use crate::incident::{
    AlertRepeat, Command, Declare, Incident, Mode, Refusal, Status, decide, may_stand_for,
};
use crate::port::{IncidentFilter, StoreError};
use crate::{IncidentId, Name, PublicId, Timestamp, failpoint};

/// Maximum number of incidents that one declaration is linked to; the newest.
const MAX_LINKED: usize = 20;

impl Incidents {
    /// Declares an incident, pages on-call as the policy says, and audits it, all in one commit.
    ///
    /// With an alert key, a live incident may stand for the declaration ([`may_stand_for`]): that
    /// one is returned, counts the repeat, and a worse severity raises it and pages as a raise
    /// does. Otherwise the new incident and the live ones of the same key are linked, and the new
    /// one takes over the key. Two concurrent declarations of one alert make one incident.
    ///
    /// # Errors
    /// Fails if a right is missing, a value is invalid, the suggestion is not open, or the store
    /// did not commit.
    pub async fn declare(
        &self,
        context: &RequestContext,
        asked: &Declare,
    ) -> Result<CommandOutcome, Error> {
        let this = self.begun_for(context);
        if let Some(done) = this.replay(context).await? {
            return Ok(done);
        }
        this.authorize_command(context, &rights_for_declare(asked), None)
            .await?;
        let mut number = None;
        for _ in 0..MAX_CONFLICT_RETRIES {
            match this.try_declare(context, asked, &mut number).await {
                // Another process was faster: find again which incident stands for the alert.
                Err(Error::Store(StoreError::AlertKeyTaken(_) | StoreError::Conflict)) => {}
                Err(Error::Store(StoreError::IdempotencyKeyInUse)) => {
                    return this
                        .replay(context)
                        .await?
                        .ok_or(Error::Store(StoreError::IdempotencyKeyInUse));
                }
                Err(Error::Store(StoreError::SuggestionClosed)) => {
                    return Err(suggestion_gone("used or dismissed").into());
                }
                other => return other,
            }
        }
        Err(Error::Store(StoreError::Conflict))
    }

    async fn try_declare(
        &self,
        context: &RequestContext,
        asked: &Declare,
        number: &mut Option<u64>,
    ) -> Result<CommandOutcome, Error> {
        let mut claim = alert_claim(asked);
        let live = self.live_of_alert(claim.as_mut()).await?;
        let policy = &self.inner.settings.policy;
        let mut candidates = live.iter();
        if let Some(holder) = candidates.find(|one| may_stand_for(one, asked, policy)) {
            check_repeated(asked).map_err(Refusal::from)?;
            return self.repeat_alert(context, asked, holder.id).await;
        }
        let prepared = self
            .decide_declare(context, asked, claim, &live, number)
            .await?;
        self.commit(prepared).await
    }

    /// Lists live incidents that were declared for an alert or stand for it: the newest, to which a
    /// new one is linked, then others that stand for it. The claim sees all of them, newest first;
    /// only few are held in memory.
    pub(in crate::engine) async fn live_of_alert(
        &self,
        claim: Option<&mut AlertClaim>,
    ) -> Result<Vec<Arc<Incident>>, Error> {
        let mut live = Vec::new();
        let Some(AlertClaim { key, seen }) = claim else {
            return Ok(live);
        };
        let mut pages = self.pages(IncidentFilter {
            statuses: Status::live(),
            alert: Some(key.clone()),
            ..IncidentFilter::default()
        });
        while let Some(incident) = pages.next().await? {
            seen.push(incident.id);
            if live.len() < MAX_LINKED || incident.alerts().any(|held| held == key) {
                live.push(incident);
            }
        }
        Ok(live)
    }

    /// Decides a declaration, and commits nothing. `live` are the live incidents of its alert; none
    /// of them stands for it. A `number` that was taken is used again.
    pub(in crate::engine) async fn decide_declare(
        &self,
        context: &RequestContext,
        asked: &Declare,
        claim: Option<AlertClaim>,
        live: &[Arc<Incident>],
        number: &mut Option<u64>,
    ) -> Result<PreparedCommand, Error> {
        let now = self.inner.now();
        if !self.may(&context.caller, Action::LongOutage) {
            declared_span(asked, now)?;
        }
        let suggestion = self.usable_suggestion(asked, now).await?;
        let number = match *number {
            Some(number) => number,
            None => *number.insert(self.store.next_number(self.left()?).await?),
        };
        let ids = NewIds {
            id: IncidentId::from_uuid(self.inner.ids.sortable(now)),
            public_id: PublicId::from_uuid(self.inner.ids.random()),
            number,
        };
        failpoint::hit("number_taken");
        let (linked, left_out) = live.split_at(live.len().min(MAX_LINKED));
        let related = linked.iter().map(|one| one.id).collect();
        let by = &context.caller.actor;
        let policy = &self.inner.settings.policy;
        let asked = &*self.with_channel(asked, number, now);
        let incident = Arc::new(declare(asked, by, ids, related, now, policy)?);
        let events = first_events(asked, now);
        let mut prepared = PreparedCommand::new(Arc::clone(&incident));
        let recompute = self
            .inner
            .stage(&mut prepared, &incident, None, &events, by, now)?;
        let commit = &mut prepared.commit;
        let paged = commit
            .outbox
            .iter()
            .any(|write| matches!(write, OutboxWrite::Add(_)));
        let mut detail = BTreeMap::from([
            ("severity".to_owned(), asked.severity.to_string()),
            ("paged".to_owned(), paged.to_string()),
        ]);
        if let Some(proposed) = asked.overridden() {
            detail.insert("proposed_severity".to_owned(), proposed.to_string());
        }
        let priority = asked.priority.map(|set| set.name().to_owned());
        detail.extend(priority.map(|set| ("priority".to_owned(), set)));
        let audit = context.allowed(now, Some(ids.id), "declare", detail);
        commit.audit.push(audit);
        commit.suggestion = suggestion;
        commit.alert = claim;
        if recompute {
            self.add_credits(&incident, &mut prepared, by, now).await?;
        }
        self.remember(&mut prepared, context, false, now);
        for (place, other) in linked.iter().chain(left_out).enumerate() {
            let takes_over = takes_over(&incident, other);
            if place < MAX_LINKED || takes_over.is_some() {
                self.link(&mut prepared, other, takes_over, (by, now))?;
            }
        }
        Ok(prepared)
    }

    /// Returns a declaration with the channel that the team's pattern names, unless it has one. What
    /// is entered afterwards needs none: nobody will meet there.
    fn with_channel<'d>(
        &self,
        asked: &'d Declare,
        number: u64,
        now: Timestamp,
    ) -> Cow<'d, Declare> {
        let pattern = self.inner.settings.channel.as_ref();
        let is_free = asked.facts.channel.is_none() && asked.mode != Mode::Retrospective;
        let Some(pattern) = pattern.filter(|_| is_free) else {
            return Cow::Borrowed(asked);
        };
        let mut named = asked.clone();
        named.facts.channel = Some(pattern.name(number, now));
        Cow::Owned(named)
    }

    /// Links a live incident to the one that is declared for the same alert.
    fn link(
        &self,
        prepared: &mut PreparedCommand,
        other: &Incident,
        takes_over: Option<Name>,
        (by, now): (&Actor, Timestamp),
    ) -> Result<(), Error> {
        let declared = prepared.incident();
        let command = Command::Relate {
            to: declared.id,
            number: declared.number,
            takes_over,
        };
        let events = decide(other, &command, by, now, &self.inner.settings.policy)?;
        self.inner
            .stage(prepared, other, Some(other.revision), &events, by, now)?;
        Ok(())
    }

    /// Counts a repeat of an alert at the live incident that stands for it.
    async fn repeat_alert(
        &self,
        context: &RequestContext,
        asked: &Declare,
        holder: IncidentId,
    ) -> Result<CommandOutcome, Error> {
        // Commands on one incident queue in process: every repeat of an alert storm is counted,
        // instead of conflicting over revisions.
        let _turn = self.turn(holder).await?;
        let holder = self.get(holder).await?;
        let policy = &self.inner.settings.policy;
        let stands = may_stand_for(&holder, asked, policy);
        let Some(key) = asked.alert_key.clone().filter(|_| stands) else {
            // It ended meanwhile; the caller finds another one.
            return Err(StoreError::Conflict.into());
        };
        let now = self.inner.now();
        let command = Command::RepeatAlert(AlertRepeat {
            key,
            severity: asked.severity,
            pages: asked.pages(policy),
        });
        let by = &context.caller.actor;
        let events = decide(&holder, &command, by, now, policy)?;
        let mut prepared = PreparedCommand::new(Arc::clone(&holder));
        self.inner.stage(
            &mut prepared,
            &holder,
            Some(holder.revision),
            &events,
            by,
            now,
        )?;
        let detail = BTreeMap::from([("deduplicated".to_owned(), "true".to_owned())]);
        let audit = context.allowed(now, Some(holder.id), "declare", detail);
        prepared.commit.audit.push(audit);
        self.remember(&mut prepared, context, true, now);
        self.commit(prepared).await
    }
}

/// Returns the claim of a declaration on its alert; it has seen no other incident of the alert yet.
pub(super) fn alert_claim(asked: &Declare) -> Option<AlertClaim> {
    let key = asked.alert_key.clone()?;
    Some(AlertClaim {
        key,
        seen: Vec::new(),
    })
}

/// Returns the alert key of a new incident, if another one stood for it until now.
fn takes_over(declared: &Incident, other: &Incident) -> Option<Name> {
    let key = declared.alert_key.as_ref()?;
    let stood = other.alerts().any(|held| held == key);
    let replaced =
        stood && declared.mode == Mode::Live && other.environment == declared.environment;
    replaced.then(|| key.clone())
}
