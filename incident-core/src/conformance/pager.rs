//! Contracts of `Pager`.

use std::time::{Duration, Instant};

use super::sample::{at, declared, page, plain};
use super::{PagerBackend, SpawnAll};
use crate::commit::OutboxWrite;
use crate::incident::Severity;
use crate::outbox::MessageBody;
use crate::paging::{DeliveryResult, PageAction, PageEvent};
use crate::{Text, Title};

const WITHIN: Duration = Duration::from_secs(5);

fn event(n: u64, action: PageAction) -> PageEvent {
    let (incident, _) = declared(&plain(n));
    match page(&incident, action, n, 0) {
        OutboxWrite::Add(message) => match message.body {
            MessageBody::Page(event) => event,
            MessageBody::RecomputeCredits(_)
            | MessageBody::SubmitCredits(_)
            | MessageBody::EndTest(_)
            | MessageBody::Notice(_) => {
                unreachable!("a page was made")
            }
        },
        OutboxWrite::Supersede { .. } | OutboxWrite::Hasten { .. } | OutboxWrite::Replay { .. } => {
            unreachable!("a message was made")
        }
    }
}

fn accepted(answer: &DeliveryResult) {
    assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
}

/// Checks that repeated triggers of one incident wake once, and that another incident wakes
/// again.
pub async fn idempotent_a_repeated_trigger_wakes_once<B: PagerBackend>(_spawn: SpawnAll) {
    let (pager, guard) = B::open().await;
    for _ in 0..3 {
        accepted(&pager.send(&event(1, PageAction::Trigger), WITHIN).await);
    }
    assert!(B::wakes(&guard).await.is_none_or(|wakes| wakes == 1));
    accepted(&pager.send(&event(2, PageAction::Trigger), WITHIN).await);
    assert!(B::wakes(&guard).await.is_none_or(|wakes| wakes == 2));
}

/// Checks that every step in the life of an alert is accepted, and may be repeated.
pub async fn ordered_trigger_acknowledge_resolve_are_taken<B: PagerBackend>(_spawn: SpawnAll) {
    let (pager, guard) = B::open().await;
    assert_eq!(pager.target_id(), pager.target_id());
    for action in [
        PageAction::Trigger,
        PageAction::Acknowledge,
        PageAction::Acknowledge,
        PageAction::Resolve,
        PageAction::Resolve,
    ] {
        accepted(&pager.send(&event(1, action), WITHIN).await);
    }
    assert!(B::wakes(&guard).await.is_none_or(|wakes| wakes == 1));
}

/// Checks that a resolve without an open alert is accepted: as a failure it would be retried
/// for ever.
pub async fn idempotent_a_resolve_without_an_alert_is_taken<B: PagerBackend>(_spawn: SpawnAll) {
    let (pager, guard) = B::open().await;
    accepted(&pager.send(&event(1, PageAction::Resolve), WITHIN).await);
    assert!(B::wakes(&guard).await.is_none_or(|wakes| wakes == 0));
}

/// Checks that a change of severity is accepted without waking anyone, with an open alert or
/// without.
pub async fn idempotent_another_severity_wakes_nobody<B: PagerBackend>(_spawn: SpawnAll) {
    let (pager, guard) = B::open().await;
    if !pager.follows_severity() {
        return;
    }
    let mut worse = event(1, PageAction::Reprioritise);
    worse.severity = Severity::Sev1;
    accepted(&pager.send(&worse, WITHIN).await);
    accepted(&pager.send(&event(1, PageAction::Trigger), WITHIN).await);
    accepted(&pager.send(&worse, WITHIN).await);
    assert!(B::wakes(&guard).await.is_none_or(|wakes| wakes == 1));
}

/// Checks that neither the longest texts nor unusual ones keep a page from being sent.
pub async fn errors_every_length_of_text_is_taken<B: PagerBackend>(_spawn: SpawnAll) {
    let (pager, _guard) = B::open().await;
    let longest = "e\u{301}👩‍👩‍👧 שלום "
        .repeat(40)
        .chars()
        .take(500)
        .collect::<String>();
    for (n, (title, summary)) in (1..).zip([
        ("x".to_owned(), String::new()),
        (longest, "é".repeat(8_000)),
    ]) {
        let mut page = event(n, PageAction::Trigger);
        page.title = Title::new(&title).unwrap();
        page.summary = Text::new(&summary).unwrap();
        page.occurred_at = at(0);
        accepted(&pager.send(&page, WITHIN).await);
    }
}

/// Checks that a target that never answers gives an unknown result, in time.
#[expect(
    clippy::disallowed_methods,
    reason = "the time that passes is what is tested"
)]
pub async fn bounded_a_black_hole_is_unknown_in_time<B: PagerBackend>(_spawn: SpawnAll) {
    let Some((pager, _guard)) = B::black_hole().await else {
        return;
    };
    let started = Instant::now();
    let answer = pager
        .send(&event(1, PageAction::Trigger), Duration::from_millis(300))
        .await;
    assert!(matches!(answer, DeliveryResult::Unknown), "{answer:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}
