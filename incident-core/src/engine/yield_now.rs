//! Yielding to other tasks during long work.

use std::future::poll_fn;
use std::task::Poll;

/// Lets the runtime poll other tasks before this one goes on. A store in memory answers at once, so
/// a loop over it would otherwise occupy its thread to the end.
pub(super) async fn yield_now() {
    let mut given = false;
    poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
