//! Effects: the consequences that an event has outside of the incident.

use crate::incident::{Event, Incident, Mode, RuleFired, SlaFacts, Status};
use crate::paging::{PageAction, PagingState, Urgency};
use crate::policy::Policy;
use crate::{MessageId, Name, RuleName};

/// A consequence outside of the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// On-call is paged.
    Page,
    /// The pagers that may hold the alert are notified.
    NotifyTargets(PageAction),
    /// The targets of a rule are paged.
    Escalate(RuleName),
    /// The alert of an escalation is closed.
    CallOffEscalation(RuleName),
    /// The groups of a rule that fired are notified.
    Notify(RuleFired),
    /// The pagers that may hold the alert get its severity.
    Reprioritise,
    /// A dead-lettered message is due again.
    Replay(MessageId),
    /// The credits are recomputed.
    RecomputeCredits,
    /// An alarm: this vendor no longer calls anyone, and the incident is not acknowledged.
    Deserted(Name),
}

impl Effect {
    /// Returns the rule of the escalation that it is about; `None` for the incident's own page.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleName> {
        match self {
            Self::Escalate(rule) | Self::CallOffEscalation(rule) => Some(rule),
            Self::Page
            | Self::NotifyTargets(_)
            | Self::Notify(_)
            | Self::Reprioritise
            | Self::Replay(_)
            | Self::RecomputeCredits
            | Self::Deserted(_) => None,
        }
    }
}

/// Returns the consequences of one event. Pure and total.
///
/// `before` is the incident before the event, `after` the same incident with the event applied.
#[must_use]
pub fn effects_of(
    event: &Event,
    before: &Incident,
    after: &Incident,
    policy: &Policy,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        Event::Declared { .. } => {
            effects.extend((after.paging.state == PagingState::Pending).then_some(Effect::Page))
        }
        Event::PageRequested { .. } => effects.push(Effect::Page),
        Event::Escalated { rule, .. } => effects.push(Effect::Escalate(rule.clone())),
        Event::RuleFired(fired) => {
            // While its alert may be open, a second page would notify no one.
            let paging = before.paging_of(Some(&fired.rule));
            if paging.is_none_or(|paging| !paging.is_on_its_way()) {
                effects.push(Effect::Escalate(fired.rule.clone()));
            }
            effects.push(Effect::Notify(fired.clone()));
        }
        Event::PageRetried { messages } => {
            effects.extend(messages.iter().map(|one| Effect::Replay(one.message)));
        }
        Event::Acknowledged { .. } => {
            effects.extend(notify_targets(before, PageAction::Acknowledge))
        }
        Event::Updated(updated) => {
            if let Some(transition) = updated.transition {
                match transition.to {
                    Status::Resolved | Status::Cancelled | Status::Merged => {
                        effects.extend(notify_targets(before, PageAction::Resolve));
                        effects.extend(call_off_escalations(before));
                    }
                    Status::Investigating if transition.from == Status::Resolved => {
                        effects.extend(
                            (after.mode == Mode::Live && after.policy(policy).page_on_reopen())
                                .then_some(Effect::Page),
                        );
                    }
                    Status::Triage
                    | Status::Investigating
                    | Status::Identified
                    | Status::Mitigated
                    | Status::Closed => {}
                }
            }
            effects.extend(raise(before, after, policy));
        }
        Event::Changed(_) => effects.extend(raise(before, after, policy)),
        Event::TookIn(taken) => {
            effects.extend(raise(before, after, policy));
            // The page of the other one is resolved with it, and is not acknowledged.
            let silent = before.paging.state == PagingState::None && !before.is_acknowledged();
            if taken.was_paging && silent && !effects.contains(&Effect::Page) {
                effects.push(Effect::Page);
            }
        }
        Event::AlertRepeated(repeated) => {
            effects.extend(raise(before, after, policy));
            if repeated.pages && !effects.contains(&Effect::Page) {
                effects.push(Effect::Page);
            }
        }
        Event::Observed { deserted_at, .. } => {
            effects.extend(deserted_at.clone().map(Effect::Deserted));
        }
        Event::Published(_)
        | Event::Related { .. }
        | Event::UsersNotified { .. }
        | Event::AuthorityNotified { .. }
        | Event::PostMortemLinked { .. }
        | Event::Redacted { .. }
        | Event::RoleChanged(_)
        | Event::ApprovalChanged(_)
        | Event::Ticked { .. } => {}
    }
    effects.extend(moves_credits(before, after).then_some(Effect::RecomputeCredits));
    effects
}

/// Returns `true` if the facts that credits are computed from have changed. An incident that goes
/// on has no credits of its own yet, but for tenants that were hit before it was reopened; and its
/// outage counts in the periods that are credited as a whole.
fn moves_credits(before: &Incident, after: &Incident) -> bool {
    SlaFacts::of(before) != SlaFacts::of(after)
}

/// Returns the effects of a change of severity. If a worse incident was paged so that it woke no
/// one, its alert is closed and a page opened that wakes someone, as a vendor does not ring again
/// for an open alert; not if the incident is acknowledged. Otherwise the open alert gets the new
/// severity.
fn raise(before: &Incident, after: &Incident, policy: &Policy) -> Vec<Effect> {
    let (was, is) = (before.policy(policy), after.policy(policy));
    let worse = after.severity < before.severity && is.urgency() == Urgency::High;
    let unheard = was.urgency() == Urgency::Low || before.paging.state == PagingState::None;
    let wanted = is.page() && is.page_on_raise() && after.mode == Mode::Live;
    if worse
        && unheard
        && wanted
        && !before.is_acknowledged()
        && before.status.is_live()
        && after.status.is_live()
    {
        let resolve = notify_targets(before, PageAction::Resolve);
        return resolve.into_iter().chain([Effect::Page]).collect();
    }
    let told = notify_targets(before, PageAction::Reprioritise).is_some();
    let moved = after.severity != before.severity && after.status.is_live();
    let reprioritise = (told && moved).then_some(Effect::Reprioritise);
    reprioritise.into_iter().collect()
}

fn notify_targets(incident: &Incident, action: PageAction) -> Option<Effect> {
    let paged = incident.paging.was_begun();
    paged.then_some(Effect::NotifyTargets(action))
}

fn call_off_escalations(incident: &Incident) -> impl Iterator<Item = Effect> {
    let begun = incident
        .escalations
        .iter()
        .filter(|one| one.paging.was_begun());
    begun.map(|one| Effect::CallOffEscalation(one.rule.clone()))
}
