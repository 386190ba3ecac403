//! From events to a commit. Pure but for ids and salts.

use std::sync::Arc;

use crate::MessageId;
use crate::actor::Actor;
use crate::commit::{Commit, IncidentWrite, OutboxWrite};
use crate::effect::{Effect, effects_of};
use crate::engine::Alarm;
use crate::engine::EngineEvent;
use crate::engine::builder::Inner;
use crate::incident::{Affected, Event, Incident, Severity};
use crate::outbox::{Message, MessageBody};
use crate::paging::{PageAction, PageEvent, PagingState, Urgency, dedup_key};
use crate::timeline::EntryDraft;
use crate::{IncidentId, Revision, RuleName, Timestamp};

/// What events make of an incident.
pub(in crate::engine) struct StagedChange {
    pub(in crate::engine) after: Arc<Incident>,
    pub(in crate::engine) seqs: Vec<u64>,
    pub(in crate::engine) write: IncidentWrite,
    pub(in crate::engine) outbox: Vec<OutboxWrite>,
    pub(in crate::engine) recompute: bool,
    /// Whether the public saw it before, or sees it now.
    pub(in crate::engine) public: bool,
    /// What goes off once it is kept.
    pub(in crate::engine) alarm: Option<Alarm>,
}

impl Inner {
    /// Applies events and collects what follows. `expected` is none for an
    /// incident that is new.
    pub(in crate::engine) fn stage(
        &self,
        before: &Incident,
        expected: Option<Revision>,
        events: &[Event],
        by: &Actor,
        now: Timestamp,
    ) -> StagedChange {
        let policy = &self.settings.policy;
        let mut after = before.clone();
        let mut entries = Vec::new();
        let mut seqs = Vec::new();
        let mut effects: Vec<Effect> = Vec::new();
        // What stood before an event; before the first one that is `before`.
        let mut between: Option<Incident> = None;
        for (place, event) in events.iter().enumerate() {
            if matches!(
                event,
                Event::PageAsked { .. } | Event::Escalated { .. } | Event::PageRetried { .. }
            ) {
                self.gates.try_again();
            }
            let earlier = between.as_ref().unwrap_or(before);
            let draft = EntryDraft::of(event, earlier, by, now);
            let seq = draft.as_ref().map_or(0, |draft| after.count_entry(draft));
            after.apply(event, seq, now, policy);
            after.note_shaping(event, earlier, by);
            for effect in effects_of(event, earlier, &after, policy) {
                if !effects.contains(&effect) {
                    effects.push(effect);
                }
            }
            if let Some(draft) = draft {
                seqs.push(seq);
                entries.push((draft, self.ids.salt()));
            }
            if place + 1 < events.len() {
                between = Some(after.clone());
            }
        }
        if expected.is_some() {
            let state = after.state_mut();
            if events.iter().any(Event::raises_version) {
                state.version = state.version.next();
            }
            state.revision = state.revision.next();
        }
        let public = before.status_page.public || after.status_page.public;
        let mut outbox = Vec::new();
        let (mut settle, mut alarm) = (false, None);
        for effect in effects {
            match effect {
                Effect::Page => {
                    let paging = &mut after.state_mut().paging;
                    if paging.epoch == before.paging.epoch && expected.is_some() {
                        *paging = before.paging.next(now);
                    }
                    // A reopen began the epoch already.
                    paging.state = PagingState::Pending;
                    outbox.push(supersede(after.id, None));
                    outbox.push(self.page_message(&after, None, PageAction::Trigger, now));
                }
                Effect::NotifyTargets(action) => {
                    outbox.push(supersede(after.id, None));
                    outbox.push(self.page_message(&after, None, action, now));
                }
                Effect::Escalate(rule) => {
                    // Nobody is paged by this rule: the entry tells of it.
                    if self.escalation_pagers(&rule).is_empty() {
                        continue;
                    }
                    if let Some(paging) = after.paging_mut(Some(&rule)) {
                        *paging = paging.next(now);
                    }
                    outbox.push(supersede(after.id, Some(&rule)));
                    outbox.push(self.page_message(&after, Some(&rule), PageAction::Trigger, now));
                }
                Effect::CallOffEscalation(rule) => {
                    outbox.push(supersede(after.id, Some(&rule)));
                    outbox.push(self.page_message(&after, Some(&rule), PageAction::Resolve, now));
                }
                Effect::Reprioritise => {
                    outbox.push(self.page_message(&after, None, PageAction::Reprioritise, now));
                }
                Effect::Replay(message) => outbox.push(OutboxWrite::Replay {
                    message,
                    due_at: now,
                }),
                Effect::RecomputeCredits => settle = true,
                Effect::Deserted(vendor) => {
                    let incident_id = after.id;
                    alarm = Some(Alarm::AlertClosedThere {
                        incident_id,
                        vendor,
                    });
                }
            }
        }
        let after = Arc::new(after);
        StagedChange {
            seqs,
            write: IncidentWrite::new(Arc::clone(&after), expected, entries),
            after,
            outbox,
            recompute: settle,
            public,
            alarm,
        }
    }

    fn page_message(
        &self,
        incident: &Incident,
        rule: Option<&RuleName>,
        action: PageAction,
        now: Timestamp,
    ) -> OutboxWrite {
        let page = self.page_event(incident, rule, action, now);
        let lane = page.pressing();
        self.message(incident, lane, MessageBody::Page(page), now)
    }

    /// What a pager is told about an incident as it is now.
    pub(in crate::engine) fn page_event(
        &self,
        incident: &Incident,
        rule: Option<&RuleName>,
        action: PageAction,
        now: Timestamp,
    ) -> PageEvent {
        PageEvent {
            action,
            dedup_key: dedup_key(incident.id, rule),
            rule: rule.cloned(),
            incident_id: incident.id,
            number: incident.number,
            epoch: incident.paging_of(rule).map_or(0, |paging| paging.epoch),
            title: incident.title.clone(),
            summary: incident.summary.clone(),
            severity: incident.severity,
            urgency: match rule {
                // Who is told beyond on-call is told because it cannot wait.
                Some(_) => Urgency::High,
                None => self.settings.policy.of(incident.severity).urgency,
            },
            mode: incident.mode,
            environment: incident.environment.clone(),
            services: incident.affected_services.clone(),
            tenants: match &incident.affected_tenants {
                Affected::All => None,
                Affected::These(list) => u64::try_from(list.len()).ok(),
            },
            started_at: incident.started_at,
            occurred_at: now,
            is_resend: false,
        }
    }

    pub(in crate::engine) fn message(
        &self,
        incident: &Incident,
        lane: Severity,
        body: MessageBody,
        now: Timestamp,
    ) -> OutboxWrite {
        OutboxWrite::Add(Box::new(Message {
            id: MessageId::from_uuid(self.ids.sortable(now)),
            incident_id: Some(incident.id),
            priority: lane,
            body,
            committed_at: now,
            due_at: now,
            log: Vec::new(),
        }))
    }
}

fn supersede(incident: IncidentId, rule: Option<&RuleName>) -> OutboxWrite {
    OutboxWrite::Supersede {
        incident,
        rule: rule.cloned(),
    }
}

/// Puts everything that was gathered into a commit, its writes in order of id. Gives the
/// first incident, which is the answer, if there is one, and the notice for listeners.
pub(in crate::engine) fn add_to(
    commit: &mut Commit,
    staged: Vec<StagedChange>,
) -> (Option<Arc<Incident>>, EngineEvent) {
    let mut notice = EngineEvent {
        public: commit.redacts.is_some(),
        ..EngineEvent::default()
    };
    let mut first = None;
    for one in staged {
        notice.incidents.push(one.after.id);
        notice.outbox |= !one.outbox.is_empty();
        notice.public |= one.public;
        notice.alarm = notice.alarm.or(one.alarm);
        first.get_or_insert_with(|| Arc::clone(&one.write.after));
        commit.writes.push(one.write);
        commit.outbox.extend(one.outbox);
    }
    commit.writes.sort_by_key(|write| write.after.id);
    (first, notice)
}
