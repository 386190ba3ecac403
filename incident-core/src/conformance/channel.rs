//! Contracts of `Channel`.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::sample::{at, declared, plain};
use super::{ChannelBackend, ReceiverPlan, SpawnAll};
use crate::incident::{Incident, RuleFired};
use crate::notice::Notice;
use crate::policy::Trigger;
use crate::port::{Channel, ChannelError};
use crate::{Name, RuleName, Title};

const WITHIN: Duration = Duration::from_secs(5);

/// Time-out of a notice to a receiver that never answers.
const SOON: Duration = Duration::from_millis(300);

fn incident(n: u64) -> Arc<Incident> {
    declared(&plain(n)).0
}

fn titled(n: u64, title: &str) -> Incident {
    let mut incident = Incident::clone(&incident(n));
    // A store may hold a title that is refused for new incidents.
    incident.state_mut().title = Title::stored(title).unwrap();
    incident
}

/// Returns a notice of the first level of a rule.
fn notice(channel: &dyn Channel, incident: &Incident) -> Notice {
    let group = Name::new("backup").unwrap();
    Notice {
        incident_id: incident.id,
        fired: RuleFired {
            rule: RuleName::new("unacknowledged").unwrap(),
            trigger: Trigger::Unacknowledged,
            epoch: 1,
            n: 0,
            skipped: 0,
            due_at: at(60),
            late: false,
            notify: vec![group.clone()],
        },
        group,
        channel: channel.name().clone(),
        fired_at: at(60),
    }
}

/// Sends the notice of an incident.
async fn send(
    channel: &dyn Channel,
    incident: &Incident,
    timeout: Duration,
) -> Result<(), ChannelError> {
    let notice = notice(channel, incident);
    channel.send(&notice, incident, timeout).await
}

/// Asserts how many notices the receiver counted, if it counts.
async fn assert_counted<B: ChannelBackend>(guard: &B::Guard, expected: usize) {
    let counted = B::counted(guard).await;
    assert!(
        counted.is_none_or(|counted| counted == expected),
        "{counted:?} of {expected}"
    );
}

/// Checks that a notice that is sent again is one for the receiver, also when the incident changed
/// meanwhile.
pub async fn idempotent_a_repeated_notice_is_counted_once<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    for title in ["API down", "API down", "API and login down"] {
        send(&*channel, &titled(1, title), WITHIN).await.unwrap();
        assert_counted::<B>(&guard, 1).await;
    }
}

/// Checks that a notice of which the answer was lost is one for the receiver when it is sent again.
pub async fn idempotent_a_notice_with_a_lost_answer_is_counted_once<B: ChannelBackend>(
    _spawn: SpawnAll,
) {
    let (channel, guard) = B::open().await;
    if !B::plan(&guard, ReceiverPlan::AcceptAndLose).await {
        return;
    }
    let lost = send(&*channel, &incident(1), WITHIN).await;
    assert!(
        matches!(lost, Err(ChannelError::Unavailable { .. })),
        "{lost:?}"
    );
    assert!(B::plan(&guard, ReceiverPlan::Accept).await);
    send(&*channel, &incident(1), WITHIN).await.unwrap();
    assert_counted::<B>(&guard, 1).await;
}

/// Checks that notices to other groups, of other levels, clocks, rules and incidents are others for
/// the receiver.
pub async fn idempotent_each_other_notice_is_counted<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    let incident = incident(1);
    let first = notice(&*channel, &incident);
    let mut notices = vec![first.clone(); 4];
    notices[0].group = Name::new("lead").unwrap();
    notices[1].fired.n = 1;
    notices[2].fired.epoch = 2;
    notices[3].fired.rule = RuleName::new("unresolved").unwrap();
    notices.push(first);
    for (sent, notice) in (1..).zip(&notices) {
        channel.send(notice, &incident, WITHIN).await.unwrap();
        assert_counted::<B>(&guard, sent).await;
    }
    send(&*channel, &self::incident(2), WITHIN).await.unwrap();
    assert_counted::<B>(&guard, notices.len() + 1).await;
}

/// Checks that a receiver that never answers is unavailable, in time, and that the channel works
/// again after it.
#[expect(
    clippy::disallowed_methods,
    reason = "the time that passes is what is tested"
)]
pub async fn bounded_a_black_hole_is_unavailable_in_time<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    if !B::plan(&guard, ReceiverPlan::BlackHole).await {
        return;
    }
    let started = Instant::now();
    let answer = send(&*channel, &incident(1), SOON).await;
    assert!(
        matches!(
            answer,
            Err(ChannelError::Unavailable {
                retry_after: None,
                ..
            })
        ),
        "{answer:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(3));
    assert!(B::plan(&guard, ReceiverPlan::Accept).await);
    send(&*channel, &incident(1), WITHIN).await.unwrap();
    assert_counted::<B>(&guard, 1).await;
}

/// Checks that a rejection is no reason to try again, and is of one notice: the next one is
/// sent.
pub async fn errors_a_rejection_is_of_one_notice<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    if !B::plan(&guard, ReceiverPlan::Refuse).await {
        return;
    }
    let answer = send(&*channel, &incident(1), WITHIN).await;
    assert!(
        matches!(answer, Err(ChannelError::Rejected(_))),
        "{answer:?}"
    );
    assert_counted::<B>(&guard, 0).await;
    assert!(B::plan(&guard, ReceiverPlan::Accept).await);
    send(&*channel, &incident(2), WITHIN).await.unwrap();
    assert_counted::<B>(&guard, 1).await;
}

/// Checks that a receiver that asks to wait is unavailable for as long as it asked, and that the
/// channel itself does not wait.
pub async fn errors_a_requested_wait_is_returned<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    for seconds in [1, 120] {
        let wait = Duration::from_secs(seconds);
        if !B::plan(&guard, ReceiverPlan::Wait(wait)).await {
            return;
        }
        let answer = send(&*channel, &incident(1), WITHIN).await;
        let Err(ChannelError::Unavailable { retry_after, .. }) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(retry_after, Some(wait));
    }
    assert!(B::plan(&guard, ReceiverPlan::Accept).await);
    send(&*channel, &incident(1), WITHIN).await.unwrap();
    assert_counted::<B>(&guard, 1).await;
}

/// Checks that neither an error nor a debug print holds a secret, of a receiver that repeats in its
/// answers what it got.
pub async fn errors_hold_no_secret<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    let mut texts = vec![format!("{channel:?}")];
    for plan in [
        ReceiverPlan::Refuse,
        ReceiverPlan::Wait(Duration::from_secs(1)),
        ReceiverPlan::AcceptAndLose,
        ReceiverPlan::BlackHole,
    ] {
        if !B::plan(&guard, plan).await {
            continue;
        }
        let error = send(&*channel, &incident(1), SOON).await.unwrap_err();
        texts.push(format!("{error} {error:?}"));
    }
    for secret in B::secrets(&guard) {
        assert!(!secret.is_empty());
        for text in &texts {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

/// Checks that no title keeps a notice from being sent, and that people see each on one line, whole
/// or escaped.
pub async fn errors_every_title_is_taken_on_one_line<B: ChannelBackend>(_spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    let longest: String = "e\u{301}👩‍👩‍👧 ".repeat(80).chars().take(500).collect();
    let titles = [
        "x",
        longest.as_str(),
        "\u{202e}nwod IPA\u{2066} שלום",
        "API down\r\nERROR forged\u{7}\u{1b}[31m\u{2028}\t.",
        r#"{"text": "forged"}, "late": true"#,
        "<script>alert(1)</script> &amp; <!channel> *_`",
        "%0d%0aX-Forged: 1 {} %s ${x} \\",
    ];
    for (n, title) in (1..).zip(titles) {
        let answer = send(&*channel, &titled(n, title), WITHIN).await;
        assert_eq!(answer, Ok(()), "{title}");
    }
    assert_counted::<B>(&guard, titles.len()).await;
    let Some(lines) = B::lines(&guard).await else {
        return;
    };
    assert_eq!(lines.len(), titles.len(), "{lines:#?}");
    for (line, title) in lines.iter().zip(titles) {
        let escaped = crate::plain(title);
        assert!(line.contains(&*escaped), "{line}: {title}");
        assert!(!line.contains(char::is_control), "{line}");
    }
}

/// Checks that a notice whose sending was dropped at any point is one with the one that is sent
/// then, and that the channel goes on working.
pub async fn cancellation_a_dropped_notice_is_one_with_the_next<B: ChannelBackend>(
    _spawn: SpawnAll,
) {
    let (channel, guard) = B::open().await;
    let mut sent = 0;
    for polls in 0..6 {
        let incident = incident(polls + 1);
        let mut left = polls;
        {
            let mut sending = pin!(send(&*channel, &incident, WITHIN));
            poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                sending.as_mut().poll(context).map(drop)
            })
            .await;
        }
        send(&*channel, &incident, WITHIN).await.unwrap();
        sent += 1;
        assert_counted::<B>(&guard, sent).await;
    }
    // Dropped while it waits for an answer that does not come.
    if B::plan(&guard, ReceiverPlan::BlackHole).await {
        let incident = incident(9);
        {
            let mut sending = pin!(send(&*channel, &incident, WITHIN));
            poll_fn(|context| {
                assert!(sending.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert!(B::plan(&guard, ReceiverPlan::Accept).await);
        send(&*channel, &incident, WITHIN).await.unwrap();
        assert_counted::<B>(&guard, sent + 1).await;
    }
}

/// Checks that notices that are sent at the same time are each counted once, repeats of one included.
pub async fn concurrent_many_at_a_time_are_each_counted_once<B: ChannelBackend>(spawn: SpawnAll) {
    let (channel, guard) = B::open().await;
    let tasks = (0..48).map(|n| {
        let channel = Arc::clone(&channel);
        let task = async move {
            let incident = incident(n % 24 + 1);
            send(&*channel, &incident, WITHIN).await.unwrap();
        };
        Box::pin(task) as futures_util::future::BoxFuture<'static, ()>
    });
    spawn(tasks.collect()).await;
    assert_counted::<B>(&guard, 24).await;
}
