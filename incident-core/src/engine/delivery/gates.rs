//! Admission of pages by the gates of their targets, and probes of targets that are down.

use std::time::Duration;

use futures_util::future::join_all;

use super::route::Route;
use crate::commit::{Commit, OutboxWrite};
use crate::engine::{Alarm, EngineEvent, Incidents, metrics};
use crate::incident::Severity;
use crate::outbox::Claim;
use crate::paging::{
    Admission, AdmitRequest, BreakerTransition, DeliveryLog, DeliveryMode, DeliveryResult,
    NextAction, NotSentReason, PageAction, PageEvent, TargetId, dedup_key, next_step,
};
use crate::{MessageId, Timestamp};

impl Incidents {
    /// Returns the next action for a page, given what its targets accept now. A target that accepts
    /// nothing is held in the log, as one that certainly does not have the page; only a page that
    /// informs waits for its rate limit instead of going on to the next target.
    pub(in crate::engine) fn choose(
        &self,
        route: &Route<'_>,
        log: &mut Vec<DeliveryLog>,
        claim: &Claim,
        severity: Severity,
    ) -> NextAction {
        let Route {
            mode,
            ref targets,
            policy,
        } = *route;
        let now = self.inner.now();
        let calm = matches!(severity, Severity::Sev3 | Severity::Sev4);
        loop {
            let next = next_step(mode, targets, log, policy, now);
            let NextAction::Send(target) = next else {
                return next;
            };
            let gates = &self.inner.gates;
            let asking = AdmitRequest {
                message: claim.message.id,
                severity,
                may_probe: may_probe(mode, targets, log, &target),
            };
            let admission = gates.admit(&target, asking, now);
            let Admission::Hold { until, reason } = admission else {
                return NextAction::Send(target);
            };
            metrics::held(&target, reason);
            let is_limited = reason == NotSentReason::RateLimited;
            if is_limited && mode == DeliveryMode::FirstSuccess && calm {
                return NextAction::Wait(until);
            }
            // Later than now, or `next_step` would return the same target again.
            let until = until.max(now.saturating_add(Duration::from_micros(1)));
            DeliveryLog::change(log, &target, now, |entry| entry.hold(reason, until));
        }
    }

    /// Probes targets that are down and do not delay the page. A probe resolves an alert that never
    /// exists, which vendors accept and drop; under the incident's own key an older page may be
    /// open.
    ///
    /// Targets are probed concurrently: one that hangs must not delay another. A page with one
    /// target tries it itself: a probe would only take its turn.
    pub(in crate::engine) async fn probe(
        &self,
        page: &PageEvent,
        targets: &[TargetId],
        log: &[DeliveryLog],
    ) {
        if targets.len() < 2 {
            return;
        }
        let fresh = log.iter().filter(|entry| entry.unknown_since.is_none());
        join_all(fresh.map(|entry| self.probe_one(page, &entry.target))).await;
    }

    async fn probe_one(&self, page: &PageEvent, target: &TargetId) {
        let now = self.inner.now();
        let Some(pager) = self.inner.pager(target) else {
            return;
        };
        if !self.inner.gates.with(target, |gate| gate.wants_probe(now)) {
            return;
        }
        let resolve = PageEvent {
            action: PageAction::Resolve,
            dedup_key: format!("{}:probe", dedup_key(page.incident_id, None)),
            rule: None,
            ..page.clone()
        };
        let answer = self.send(pager.as_ref(), &resolve).await;
        self.note_answer(target, &answer).await;
    }

    /// Notes the answer of a target in its gate. Pages that wake people and were held because it
    /// was down are due as soon as it works again.
    pub(in crate::engine) async fn note_answer(&self, target: &TargetId, answer: &DeliveryResult) {
        let now = self.inner.now();
        let gates = &self.inner.gates;
        match gates.note(target, answer, now) {
            Some(BreakerTransition::Opened) => {
                metrics::down(target, true);
                tracing::error!(%target, "pager down or credentials rejected; pages fail over to the next target");
                self.inner.emit(&EngineEvent {
                    alarm: Some(Alarm::TargetDown {
                        target: target.clone(),
                    }),
                    ..EngineEvent::default()
                });
            }
            Some(BreakerTransition::Closed(held)) => {
                metrics::down(target, false);
                tracing::info!(%target, "pager recovered");
                self.hasten(held, now).await;
            }
            None => {}
        }
    }

    /// Makes held messages due. If it fails they come back by themselves within seconds, so the
    /// failure is only logged as a warning.
    async fn hasten(&self, messages: Vec<MessageId>, due_at: Timestamp) {
        if messages.is_empty() {
            return;
        }
        let commit = Commit {
            outbox: vec![OutboxWrite::Hasten { messages, due_at }],
            ..Commit::default()
        };
        let timeout = self.inner.settings.store_deadline;
        match self.store.commit(commit, timeout).await {
            Ok(_) => self.inner.emit(&EngineEvent {
                outbox: true,
                ..EngineEvent::default()
            }),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not reschedule delayed pages; they are sent when their delay ends"
            ),
        }
    }
}

/// Returns `true` if a page itself may try a target that is down: the page has to reach all
/// targets, may be there already, or has no other target.
///
/// An unknown answer would keep a fresh page from every other target for a minute; a
/// [`probe`](Incidents::probe) goes out instead.
fn may_probe(
    goal: DeliveryMode,
    targets: &[TargetId],
    log: &[DeliveryLog],
    target: &TargetId,
) -> bool {
    let entry = log.iter().find(|entry| entry.target == *target);
    let may_have = entry.is_some_and(|entry| entry.unknown_since.is_some());
    goal == DeliveryMode::All || may_have || targets.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paging::Backoff;

    /// A fresh page skips a target that is down if there is another one. A page that must reach
    /// every target, and one that the target may have already, tries it.
    #[test]
    fn a_page_tries_a_target_that_is_down_where_it_loses_nothing() {
        let [one, other] = ["pagerduty", "opsgenie"].map(|name| TargetId::new(name).unwrap());
        let now: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let both = [one.clone(), other.clone()];
        let untried = DeliveryLog::untried(one.clone(), now);
        let mut unknown = untried.clone();
        unknown.note(&DeliveryResult::Unknown, now, &Backoff::default(), 1);
        let elsewhere = DeliveryLog {
            target: other,
            ..unknown.clone()
        };
        for (goal, targets, log, may) in [
            (DeliveryMode::FirstSuccess, &both[..], vec![], false),
            (DeliveryMode::FirstSuccess, &both, vec![untried], false),
            (DeliveryMode::FirstSuccess, &both, vec![elsewhere], false),
            (DeliveryMode::FirstSuccess, &both, vec![unknown], true),
            (DeliveryMode::FirstSuccess, &both[..1], vec![], true),
            (DeliveryMode::All, &both, vec![], true),
        ] {
            assert_eq!(
                may_probe(goal, targets, &log, &one),
                may,
                "{goal:?} {log:?}"
            );
        }
    }
}
