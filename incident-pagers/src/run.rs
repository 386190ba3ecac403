//! The loop that drains the outbox.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use incident_core::engine::Incidents;
use tokio::sync::Notify;

/// The longest time between two looks at the outbox: another process may have
/// put something there, or a lease may have run out.
const POLL: Duration = Duration::from_secs(1);

/// Wakes the loop; clones wake the same one.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// There is something to do. A wake while the loop works is not lost.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Drains the outbox when woken and once a second, until `shutdown` is done;
/// then once more, so that what was accepted is also sent.
pub async fn run(incidents: Incidents, wake: Wake, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    loop {
        drain(&incidents).await;
        tokio::select! {
            () = &mut shutdown => break,
            () = wake.0.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
    drain(&incidents).await;
}

async fn drain(incidents: &Incidents) {
    if let Err(error) = incidents.drain().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the outbox could not be drained; trying again"
        );
    }
}
