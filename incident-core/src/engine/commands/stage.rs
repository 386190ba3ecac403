//! Staging: from events to the commit with everything that follows from them. Pure except for ids
//! and salts.

use std::sync::Arc;

use super::prepare::PreparedCommand;
use crate::MessageId;
use crate::actor::Actor;
use crate::commit::{IncidentWrite, OutboxWrite};
use crate::effect::{Effect, effects_of};
use crate::engine::state::Inner;
use crate::engine::{Alarm, Error};
use crate::incident::{Affected, Event, Incident, RuleFired, Severity};
use crate::notice::Notice;
use crate::outbox::{Message, MessageBody};
use crate::paging::{PageAction, PageEvent, PagingState, Urgency, dedup_key};
use crate::port::StoreError;
use crate::response::due;
use crate::timeline::EntryDraft;
use crate::{IncidentId, Revision, RuleName, Timestamp};

impl Inner {
    /// Applies events to an incident and adds everything that follows from them to a prepared
    /// command. `expected` is none for a new incident. Returns whether its credits have to be
    /// computed, too.
    pub(in crate::engine) fn stage(
        &self,
        prepared: &mut PreparedCommand,
        before: &Incident,
        expected: Option<Revision>,
        events: &[Event],
        by: &Actor,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (mut drafts, mut effects) = (Vec::new(), Vec::new());
        let mut after = self.apply(before, events, by, now, &mut drafts, &mut effects);
        if expected.is_some() {
            let state = after.state_mut();
            if events.iter().any(Event::raises_version) {
                state.version = state.version.next();
            }
            state.revision = state.revision.next();
        }
        let mut recompute = false;
        for effect in effects {
            match effect {
                Effect::RecomputeCredits => recompute = self.settings.has_sla,
                Effect::Deserted(vendor) => {
                    prepared.event.alarm.get_or_insert(Alarm::AlertClosedThere {
                        incident_id: after.id,
                        vendor,
                    });
                }
                effect @ (Effect::Page
                | Effect::NotifyTargets(_)
                | Effect::Escalate(_)
                | Effect::CallOffEscalation(_)
                | Effect::Notify(_)
                | Effect::Reprioritise
                | Effect::Replay(_)) => {
                    let messages = self.messages_of(effect, before, &mut after, now);
                    prepared.commit.outbox.extend(messages);
                }
            }
        }
        let due = due(&after, &self.settings.policy, now);
        let clocks = &mut after.state_mut().clocks;
        (clocks.due_at, clocks.deadline) = (due.at(now), due.deadline());
        prepared.event.incidents.push(after.id);
        prepared.event.public |= before.status_page.public || after.status_page.public;
        let after = Arc::new(after);
        let write = IncidentWrite::new(after, expected, drafts, || self.ids.salt());
        prepared
            .commit
            .writes
            .push(write.map_err(StoreError::from)?);
        Ok(recompute)
    }

    /// Applies events one after the other, and returns the incident after all of them. Adds the
    /// entry of each event that has one, and each effect once.
    fn apply(
        &self,
        before: &Incident,
        events: &[Event],
        by: &Actor,
        now: Timestamp,
        drafts: &mut Vec<EntryDraft>,
        effects: &mut Vec<Effect>,
    ) -> Incident {
        let policy = &self.settings.policy;
        let mut after = before.clone();
        // The state before an event; before the first one that is `before`.
        let mut between: Option<Incident> = None;
        for (place, event) in events.iter().enumerate() {
            if matches!(
                event,
                Event::PageRequested { .. } | Event::Escalated { .. } | Event::PageRetried { .. }
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
            drafts.extend(draft);
            if place + 1 < events.len() {
                between = Some(after.clone());
            }
        }
        after
    }

    /// Returns the outbox writes of an effect, and begins the page that it is about.
    fn messages_of(
        &self,
        effect: Effect,
        before: &Incident,
        after: &mut Incident,
        now: Timestamp,
    ) -> Vec<OutboxWrite> {
        let rule = effect.rule().cloned();
        let action = match effect {
            Effect::Page => {
                let is_new = before.revision == after.revision;
                let paging = &mut after.state_mut().paging;
                if paging.epoch == before.paging.epoch && !is_new {
                    *paging = before.paging.next(now);
                }
                // A reopen began the epoch already.
                paging.state = PagingState::Pending;
                PageAction::Trigger
            }
            Effect::NotifyTargets(action) => action,
            Effect::Escalate(rule) => {
                // The rule has no pager: the timeline entry is all there is.
                if self.escalation_pagers(&rule).is_empty() {
                    return Vec::new();
                }
                if let Some(paging) = after.paging_mut(Some(&rule)) {
                    *paging = paging.next(now);
                }
                PageAction::Trigger
            }
            Effect::CallOffEscalation(_) => PageAction::Resolve,
            Effect::Reprioritise => {
                return vec![self.page_message(after, None, PageAction::Reprioritise, now)];
            }
            Effect::Notify(fired) => return self.notices(after, &fired, now),
            Effect::Replay(message) => {
                return vec![OutboxWrite::Replay {
                    message,
                    due_at: now,
                }];
            }
            Effect::RecomputeCredits | Effect::Deserted(_) => return Vec::new(),
        };
        vec![
            supersede(after.id, rule.as_ref()),
            self.page_message(after, rule.as_ref(), action, now),
        ]
    }

    fn page_message(
        &self,
        incident: &Incident,
        rule: Option<&RuleName>,
        action: PageAction,
        now: Timestamp,
    ) -> OutboxWrite {
        let page = self.page_event(incident, rule, action, now);
        let priority = page.pressing();
        self.message(incident, priority, MessageBody::Page(page), now)
    }

    /// Returns the page event of an incident as it is now.
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
                // An escalation cannot wait, whatever the severity.
                Some(_) => Urgency::High,
                None => incident.policy(&self.settings.policy).urgency(),
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

    /// Returns the notices of a rule that fired: one for each group and each of its channels.
    fn notices(&self, incident: &Incident, fired: &RuleFired, now: Timestamp) -> Vec<OutboxWrite> {
        let mut writes = Vec::new();
        for group in &fired.notify {
            for channel in self.channels_of(group) {
                let notice = Notice {
                    incident_id: incident.id,
                    fired: fired.clone(),
                    group: group.clone(),
                    channel: channel.name().clone(),
                    fired_at: now,
                };
                let (id, body) = (notice.message_id(), MessageBody::Notice(notice));
                writes.push(message_of(id, incident, incident.severity, body, now));
            }
        }
        writes
    }

    pub(in crate::engine) fn message(
        &self,
        incident: &Incident,
        priority: Severity,
        body: MessageBody,
        now: Timestamp,
    ) -> OutboxWrite {
        let id = MessageId::from_uuid(self.ids.sortable(now));
        message_of(id, incident, priority, body, now)
    }
}

fn message_of(
    id: MessageId,
    incident: &Incident,
    priority: Severity,
    body: MessageBody,
    now: Timestamp,
) -> OutboxWrite {
    OutboxWrite::Add(Box::new(Message {
        id,
        incident_id: Some(incident.id),
        priority,
        body,
        committed_at: now,
        due_at: now,
        log: Vec::new(),
    }))
}

fn supersede(incident: IncidentId, rule: Option<&RuleName>) -> OutboxWrite {
    OutboxWrite::Supersede {
        incident,
        rule: rule.cloned(),
    }
}
