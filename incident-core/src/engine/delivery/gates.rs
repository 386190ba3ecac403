//! The gates of all targets: in memory, one set per process.

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
    /// Gives the next thing to do with a page, given what its targets take now. One that
    /// takes nothing is held in the log, as one that certainly has not taken it; only what
    /// informs waits for room instead of going on to the next target.
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
            // After now, or the same step would come again.
            let until = until.max(now.saturating_add(Duration::from_micros(1)));
            DeliveryLog::change(log, &target, now, |entry| entry.hold(reason, until));
        }
    }

    /// Tries targets that are down and that hold no page up by it: with the resolution of
    /// an alert that there never is, which vendors take and drop. Not under the
    /// incident's own key: an older page of it may be open there.
    ///
    /// All of them at a time: one that hangs must not keep another from being tried. A
    /// page with one target tries it itself: a probe would only take its turn.
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

    /// Notes what a target answered. Pages that wake people and were held because it was
    /// down are due as soon as it works again.
    pub(in crate::engine) async fn note_answer(&self, target: &TargetId, answer: &DeliveryResult) {
        let now = self.inner.now();
        let gates = &self.inner.gates;
        match gates.with(target, |gate| gate.note(answer, now)) {
            Some(BreakerTransition::Opened) => {
                metrics::down(target, true);
                tracing::error!(%target, "a pager is down or refuses its key; pages go to the next one");
                self.inner.emit(&EngineEvent {
                    alarm: Some(Alarm::TargetDown {
                        target: target.clone(),
                    }),
                    ..EngineEvent::default()
                });
            }
            Some(BreakerTransition::Closed(held)) => {
                metrics::down(target, false);
                tracing::info!(%target, "a pager works again");
                self.hasten(held, now).await;
            }
            None => {}
        }
    }

    /// Makes held messages due. Without it they come back by themselves within seconds,
    /// so a failure is no more than a warning.
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
                "held pages could not be made due; they come back by themselves"
            ),
        }
    }
}

/// Decides whether a page itself may try a target that is down: where it may be already, or where
/// there is no other target. An answer that cannot be known would keep a fresh page from
/// every other target for a minute; there a [`probe`](Incidents::probe) goes out instead.
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

    /// A fresh page goes round a target that is down where there is another one; what must
    /// reach every target, and what the target may have already, tries it.
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
