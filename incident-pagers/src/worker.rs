//! The loop that drains the outbox and anchors the chains.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use incident_core::engine::{BuildError, Incidents, IncidentsBuilder};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::background::{Background, PassKind, tell_panic, write_down};

/// About the longest time between two looks at the outbox: another process may have
/// put something there, or a lease may have run out.
const POLL: Duration = Duration::from_secs(1);

/// About the time between two anchors: so old is the newest entry that can be
/// cut off unseen.
const ANCHOR: Duration = Duration::from_secs(5 * 60);

/// The time between two looks at what waits, and at what became of pages.
const WATCH: Duration = Duration::from_secs(5);

/// About the time between two looks at what people did at the vendors.
const RECONCILE: Duration = Duration::from_secs(60);

/// How many passes that send pages run at a time. More than one, so that a page committed while
/// a slow pager keeps a pass busy does not wait for it.
const PASSES: usize = 16;

/// How long passes may take to end after the signal to stop. What is in flight
/// then is repeated when its lease ends.
const GRACE: Duration = Duration::from_secs(25);

/// The loop of an engine: drains its outbox and does what else is to be done in the background.
///
/// It drains when something was committed, when a message falls due and once a second. Every five
/// seconds it asks what became of pages, measures what waits, and issues the credits that were
/// approved; about once a minute it asks where alerts stand that nobody has, approves the credits
/// that need nobody, and writes down how many calls were refused; every five minutes it anchors the
/// heads of the chains. One pass of each kind runs at a time, beside those that send pages: none
/// of them holds up a page.
///
/// ```no_run
/// # async fn serve(builder: incident_core::engine::IncidentsBuilder) -> Result<(), Box<dyn std::error::Error>> {
/// let (incidents, worker) = incident_pagers::Worker::new(builder)?;
/// let mut running = worker.spawn();
/// // ... declare, act, serve ...
/// running.stop().await; // sends what was accepted
/// # drop(incidents);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Worker {
    incidents: Incidents,
    wake: Arc<Notify>,
}

impl Worker {
    /// Builds an engine and the loop that its commits wake.
    ///
    /// # Errors
    /// As [`IncidentsBuilder::build`].
    pub fn new(builder: IncidentsBuilder) -> Result<(Incidents, Self), BuildError> {
        let wake = Arc::new(Notify::new());
        let woken = Arc::clone(&wake);
        let builder = builder.on_event(move |event| {
            if event.outbox {
                // A wake while the loop works is not lost.
                woken.notify_one();
            }
        });
        let incidents = builder.build()?;
        let worker = Self {
            incidents: incidents.clone(),
            wake,
        };
        Ok((incidents, worker))
    }

    /// Runs the loop as a task of its own. Needs a tokio runtime.
    #[must_use = "dropped, it stops"]
    pub fn spawn(self) -> RunningWorker {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(self.run(async {
            // An error: the handle was dropped.
            let _ = stopped.await;
        }));
        RunningWorker {
            stop: Some(stop),
            task,
        }
    }

    /// Runs the loop until `shutdown` is done, and then once more, so that what was accepted is
    /// also sent; anchors, and ends what the engine holds in memory
    /// ([`WorkerHandle::finish`](incident_core::engine::WorkerHandle::finish)). Passes that run
    /// then have 25 s to end; what is in flight after that is repeated when its lease ends.
    /// Credits that were approved and not issued yet wait for the next loop.
    ///
    /// Needs a tokio runtime; passes run as tasks of it and end with the loop.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { incidents, wake } = self;
        let mut shutdown = pin!(shutdown);
        let (mut passes, mut background) = (JoinSet::new(), Background::default());
        let mut poll = pin!(tokio::time::sleep(Duration::ZERO));
        let mut look = tokio::time::interval(WATCH);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reconcile = pin!(tokio::time::sleep(jittered(RECONCILE)));
        let mut anchor = pin!(tokio::time::sleep(jittered(ANCHOR)));
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                // The end of a pass makes room for the next one, and says when something is due.
                Some(ended) = passes.join_next() => {
                    if let Some(Some(next)) = tell_panic(ended) {
                        let at = poll.deadline().min(Instant::now() + next);
                        poll.as_mut().reset(at);
                    }
                    continue;
                }
                Some(()) = background.ended() => continue,
                _ = look.tick() => {
                    for kind in [PassKind::Confirm, PassKind::Measure, PassKind::Issue] {
                        background.start(kind, &incidents);
                    }
                    continue;
                }
                () = &mut reconcile => {
                    reconcile.as_mut().reset(Instant::now() + jittered(RECONCILE));
                    background.start(PassKind::Reconcile, &incidents);
                    background.start(PassKind::Approve, &incidents);
                    background.start(PassKind::Denials, &incidents);
                    continue;
                }
                () = &mut anchor => {
                    anchor.as_mut().reset(Instant::now() + jittered(ANCHOR));
                    background.start(PassKind::Anchor, &incidents);
                    continue;
                }
                () = wake.notified(), if passes.len() < PASSES => {}
                () = &mut poll, if passes.len() < PASSES => {
                    poll.as_mut().reset(Instant::now() + jittered(POLL));
                }
            }
            passes.spawn(drain(incidents.clone()));
        }
        passes.spawn(async move {
            drain(incidents.clone()).await;
            finish(&incidents).await;
            write_down(incidents).await;
            None
        });
        let ended = async {
            while let Some(ended) = passes.join_next().await {
                tell_panic(ended);
            }
            while background.ended().await.is_some() {}
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("pages were still being sent; they are repeated when their leases end");
        }
    }
}

/// A loop that runs. Dropped, it stops in the background.
#[derive(Debug)]
pub struct RunningWorker {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl RunningWorker {
    /// Stops the loop and waits for its end: see [`Worker::run`]. May be called again where the
    /// wait was cut short.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if !self.task.is_finished()
            && let Err(error) = (&mut self.task).await
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the loop panicked"
            );
        }
    }

    /// Ends the loop where it stands: what is in flight is repeated when its lease ends.
    pub fn abort(&self) {
        self.task.abort();
    }
}

/// Between 0.9 and 1.1 of a time: replicas that were started together do not ask
/// the database together for ever.
fn jittered(time: Duration) -> Duration {
    // A new hasher has a random key.
    let noise = RandomState::new().build_hasher().finish() % 201;
    let per_mille = 900 + u32::try_from(noise).unwrap_or(100);
    time * per_mille / 1_000
}

async fn finish(incidents: &Incidents) {
    if let Err(error) = incidents.worker().finish().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "refused calls could not be written down"
        );
    }
}

/// Does one pass; gives the time until the next message is due, if that is in the future.
/// What is due already and was not handed out is somebody else's, or unknown here.
async fn drain(incidents: Incidents) -> Option<Duration> {
    match incidents.worker().drain().await {
        Ok(drained) => {
            let next = drained.next_due?.since(incidents.reports().now());
            (!next.is_zero()).then_some(next)
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the outbox could not be drained; trying again"
            );
            None
        }
    }
}
