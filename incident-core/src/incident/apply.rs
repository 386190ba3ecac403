//! The effect of an event on the state.

use super::{
    Audience, Change, Event, FiredMark, Incident, Mode, Retried, RuleFired, State, Status,
    Transition, Updated,
};
use crate::actor::ActorKind;
use crate::paging::{AlertSeen, Escalation, PageAction, Paging, PagingState};
use crate::policy::Policy;
use crate::timeline::EntryDraft;
use crate::window::Window;
use crate::{PersonName, RuleName, Timestamp};

impl Incident {
    /// Applies one event to the state. `seq` is the number of the entry that records it, if there
    /// is one.
    pub(crate) fn apply(&mut self, event: &Event, seq: u64, now: Timestamp, policy: &Policy) {
        let state = self.state_mut();
        match event {
            Event::Declared { .. } => {}
            Event::Acknowledged { at, by } => {
                // The first acknowledgement is the one that is measured.
                if state.acknowledged_at.is_none() {
                    state.acknowledged_at = Some(*at);
                    state.acknowledged_by = Some(by.name.clone());
                }
                state.paging.acknowledged = true;
                if by.kind == ActorKind::Person {
                    state.respond(&by.name, now);
                }
            }
            Event::Updated(updated) => apply_update(state, updated, seq, now, policy),
            Event::Changed(change) => apply_change(state, change, seq, now, policy),
            Event::TookIn(taken) => {
                for change in &taken.changes {
                    apply_change(state, change, seq, now, policy);
                }
                state.take_in(taken, now);
            }
            Event::AlertRepeated(repeated) => {
                state.count_repeat(repeated, now);
                if let Some(severity) = repeated.raised {
                    apply_change(state, &Change::Severity(severity), seq, now, policy);
                }
            }
            Event::Related { to, takes_over, .. } => state.relate(*to, takes_over.as_ref()),
            Event::Observed { rule, alert, .. } => {
                if let (Some(seen), Some(paging)) = (alert, self.paging_mut(rule.as_ref())) {
                    paging.closed_there_at = (*seen == AlertSeen::Closed).then_some(now);
                }
            }
            Event::Published(publish) => {
                state.status_page.publish(publish, seq, now, state.status);
                state.clocks.public_update.restart(now);
            }
            Event::PostMortemLinked { url, by } => {
                state.post_mortem = Some(super::PostMortem {
                    url: url.clone(),
                    linked_by: by.clone(),
                    linked_at: now,
                });
            }
            Event::UsersNotified { by, .. } => {
                if state.affected_users_notified_at.is_none() {
                    state.affected_users_notified_at = Some(now);
                    state.affected_users_notified_by = Some(by.clone());
                }
            }
            Event::AuthorityNotified { by, .. } => {
                if state.authority_notified_at.is_none() {
                    state.authority_notified_at = Some(now);
                    state.authority_notified_by = Some(by.clone());
                }
            }
            Event::PageRequested { .. } => state.paging = state.paging.next(now),
            Event::Escalated { rule, by, .. } => escalate(state, rule, by, now),
            Event::RuleFired(fired) => rule_fired(state, fired, now),
            Event::PageRetried { messages } => {
                for one in messages {
                    if let Retried::Page {
                        rule,
                        action: PageAction::Trigger,
                        ..
                    } = &one.of
                        && let Some(paging) = self.paging_mut(rule.as_ref())
                    {
                        paging.retry();
                    }
                }
            }
            Event::RoleChanged(change) => state.change_role(change, now),
            Event::ApprovalChanged(changed) => state.change_approval(changed, seq, now),
            Event::Ticked { tick, by } => state.tick(tick, by, seq, now),
            Event::Redacted { seq } => state.erase_text_of(*seq, now),
        }
        self.state_mut().status_page.bound();
    }

    /// Counts an entry that will be appended, and returns its number.
    pub(crate) fn count_entry(&mut self, entry: &EntryDraft) -> u64 {
        let state = self.state_mut();
        state.last_seq += 1;
        state.last_recorded_at = entry.recorded_at;
        state.last_seq
    }
}

/// Records an escalation. Its page, if the rule has pagers, begins with the message to them.
fn escalate(state: &mut State, rule: &RuleName, by: &PersonName, now: Timestamp) {
    if let Some(known) = state.escalations.iter_mut().find(|one| one.rule == *rule) {
        known.requested_at = now;
        known.requested_by = by.clone();
        return;
    }
    state.escalations.push(Escalation {
        rule: rule.clone(),
        requested_at: now,
        requested_by: by.clone(),
        paging: Paging::none(),
    });
}

/// Records that a rule fired: its escalation, which may page, and the mark that it does not fire
/// again.
fn rule_fired(state: &mut State, fired: &RuleFired, now: Timestamp) {
    escalate(state, &fired.rule, &PersonName::policy(), now);
    let RuleFired { epoch, n, .. } = *fired;
    let mark = FiredMark { epoch, n, at: now };
    state.clocks.fired.insert(fired.rule.clone(), mark);
    let firings = &mut state.clocks.firings;
    firings.insert(fired.rule.clone(), fired.clone());
}

fn apply_update(state: &mut State, updated: &Updated, seq: u64, now: Timestamp, policy: &Policy) {
    for change in &updated.changes {
        apply_change(state, change, seq, now, policy);
    }
    if let Some(transition) = &updated.transition {
        apply_transition(state, transition, updated.occurred_at, now);
    }
    // A tick that was a mistake is corrected by an entry, which opens the item again.
    state
        .ticks
        .retain(|tick| updated.corrects != Some(tick.seq));
    // Every update restarts the clock.
    restart_update_clock(state, now, policy);
    if updated.public_message.is_some() {
        state.clocks.public_update.restart(now);
    }
    let audience = updated.comms_sent.as_ref().map(|sent| sent.audience);
    if audience == Some(Audience::Executives) {
        state.clocks.executive_update.restart(now);
    }
    state.status_page.update(updated, seq, now, state.status);
}

fn apply_transition(state: &mut State, transition: &Transition, at: Timestamp, now: Timestamp) {
    state.status = transition.to;
    state.ending = transition.ending;
    match transition.to {
        Status::Investigating if transition.from == Status::Resolved => reopen(state, at, now),
        Status::Mitigated => state.mitigated_at = state.mitigated_at.or(Some(at)),
        Status::Resolved => {
            state.resolved_at = Some(at);
            state.eta = None;
        }
        Status::Closed => state.closed_at = Some(at),
        Status::Cancelled => state.cancelled_at = Some(at),
        Status::Triage | Status::Investigating | Status::Identified | Status::Merged => {}
    }
}

/// Stores the interval that had ended and starts another one.
fn reopen(state: &mut State, at: Timestamp, now: Timestamp) {
    let start = state.reopened_at.unwrap_or(state.started_at);
    let end = state.impact_ended_at.or(state.resolved_at).unwrap_or(at);
    state.earlier.extend(Window::non_empty(start, end));
    state.reopened_at = Some(at);
    state.clocks.reopenings = state.clocks.reopenings.saturating_add(1);
    state.impact_ended_at = None;
    state.resolved_at = None;
    state.mitigated_at = None;
    // Not paged yet: a page after a reopen is a new one.
    state.paging = state.paging.unpaged(now);
    // The next resolution is verified and watched by itself.
    state.ticks.retain(|tick| !tick.restarts);
    // Their alerts were closed with the incident; a new escalation pages again.
    for escalation in &mut state.escalations {
        escalation.paging.state = PagingState::None;
    }
}

fn apply_change(state: &mut State, change: &Change, seq: u64, now: Timestamp, policy: &Policy) {
    let every = state.policy(policy).update_every();
    change.set(state);
    state.note_text(change, seq);
    if let Change::StartedAt(start) = change {
        state.started_at_assumed = false;
        // After a reopen the stated start is that of the first interval, which does not end before
        // it: the command was checked.
        if let Some(first) = state.earlier.first_mut() {
            *first = Window::non_empty(*start, first.end()).unwrap_or(*first);
        }
    }
    if matches!(change, Change::Severity(_)) {
        state.clocks.severity_since = Some(now);
    }
    // An override for a service or tenant may promise updates at other intervals.
    let same_promise = state.policy(policy).update_every() == every;
    if matches!(change, Change::Severity(_)) || !same_promise {
        restart_update_clock(state, now, policy);
    }
    if let Change::NextUpdateDueAt(_) = change {
        state.clocks.internal_update.restart(now);
    }
    if let Change::RevenuePerHour(lost) = change {
        state.clocks.revenue_since = lost.map(|_| now);
    }
    if let Change::CustomerEventDay(is) = change {
        state.clocks.customer_event_since = is.filter(|is| *is).map(|_| now);
    }
    if matches!(change, Change::DataLoss(_) | Change::DataLeak(_)) {
        state.time_data(now);
    }
    if matches!(
        change,
        Change::Severity(_) | Change::Eta(_) | Change::AffectedServices(_) | Change::StartedAt(_)
    ) {
        state.status_page.touched(now);
    }
}

/// Sets the next internal update to be due one period from now, if the severity has a period and
/// the incident is live and not retrospective; clears it otherwise.
pub(super) fn restart_update_clock(state: &mut State, now: Timestamp, policy: &Policy) {
    state.next_update_due_at = match state.policy(policy).update_every() {
        Some(every) if state.status.is_live() && state.mode != Mode::Retrospective => {
            Some(now.saturating_add(every))
        }
        _ => None,
    };
    if state.next_update_due_at.is_some() {
        state.clocks.internal_update.restart(now);
    }
}
