//! The delivery of a notice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::actor::{Actor, ActorKind};
use crate::audit::AuditDraft;
use crate::commit::Commit;
use crate::engine::{Alarm, EngineEvent, Error, Incidents};
use crate::incident::Incident;
use crate::notice::Notice;
use crate::outbox::{Claim, JobOutcome};
use crate::paging::clamp_retry_after;
use crate::port::ChannelError;
use crate::response::{NOTIFY, clocks};
use crate::{Name, PersonName, Timestamp, failpoint};

/// The first wait after a channel was unavailable.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// The longest wait before a notice is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The time after which a notice is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

impl Incidents {
    /// Sends a notice, for its message in the outbox, and records the outcome.
    pub(in crate::engine) async fn notify(
        &self,
        claim: &Claim,
        notice: &Notice,
        sent: &AtomicBool,
    ) -> Result<(), Error> {
        let incident = self.get(notice.incident_id).await?;
        let channel = self
            .inner
            .channels_of(&notice.group)
            .find(|channel| *channel.name() == notice.channel);
        let Some(channel) = channel.filter(|_| self.still_holds(notice, &incident)) else {
            return self
                .settle_notice(claim, notice, JobOutcome::Cancelled, "cancelled")
                .await;
        };
        sent.store(true, Ordering::Relaxed);
        failpoint::hit("before_notice");
        let answer = self.send_over(&**channel, notice, &incident).await;
        failpoint::hit("after_notice");
        let error = match answer {
            Ok(()) => {
                return self
                    .settle_notice(claim, notice, JobOutcome::Done, "sent")
                    .await;
            }
            Err(error) => error,
        };
        let age = self.inner.now().since(claim.message.committed_at);
        tracing::warn!(
            incident.id = %notice.incident_id, channel = %notice.channel, group = %notice.group,
            error = &error as &dyn std::error::Error, "could not send a notice"
        );
        if let ChannelError::Unavailable { retry_after, .. } = error
            && age < GIVE_UP_AFTER
        {
            let asked = retry_after.map(clamp_retry_after).unwrap_or_default();
            let wait = (age / 2).clamp(FIRST_WAIT, LONGEST_WAIT).max(asked);
            let retry = JobOutcome::Retry {
                due_at: self.inner.now().saturating_add(wait),
                log: Vec::new(),
            };
            return self.reschedule(claim, retry).await;
        }
        let dead = JobOutcome::DeadLettered { log: Vec::new() };
        self.settle_notice(claim, notice, dead, "given_up").await?;
        self.inner.emit(&EngineEvent {
            alarm: Some(Alarm::NoticeGivenUp {
                incident_id: notice.incident_id,
                group: notice.group.clone(),
                channel: notice.channel.clone(),
            }),
            ..EngineEvent::default()
        });
        Ok(())
    }

    /// Returns `true` if the condition of a notice still holds, under the same start of its clock.
    fn still_holds(&self, notice: &Notice, incident: &Incident) -> bool {
        let fired = &notice.fired;
        clocks(incident, &self.inner.settings.policy)
            .iter()
            .any(|clock| clock.trigger == fired.trigger && clock.epoch == fired.epoch)
    }

    /// Completes the message of a notice, with its audit entry.
    async fn settle_notice(
        &self,
        claim: &Claim,
        notice: &Notice,
        outcome: JobOutcome,
        answer: &str,
    ) -> Result<(), Error> {
        let commit = Commit {
            audit: vec![audit_of(notice, answer, self.inner.now())],
            completes: Some(claim.complete(outcome)),
            ..Commit::default()
        };
        let timeout = self.inner.settings.store_deadline;
        self.store.commit(commit, timeout).await?;
        Ok(())
    }
}

fn audit_of(notice: &Notice, answer: &str, at: Timestamp) -> AuditDraft {
    let detail = [
        ("rule", notice.fired.rule.as_str()),
        ("epoch", &notice.fired.epoch.to_string()),
        ("level", &notice.fired.n.to_string()),
        ("group", notice.group.as_str()),
        ("outcome", answer),
    ];
    let detail: BTreeMap<String, String> = detail
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let by = channel_actor(&notice.channel);
    AuditDraft::allowed(by, at, Some(notice.incident_id), NOTIFY, detail)
}

fn channel_actor(channel: &Name) -> Actor {
    Actor {
        kind: ActorKind::Service,
        name: PersonName::channel(channel),
    }
}
