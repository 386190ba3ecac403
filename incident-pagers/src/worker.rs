//! The loop that drains the outbox and runs the background passes.

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

/// Maximum time between two polls of the outbox, give or take 10 %: another process may have added
/// a message, or a lease may have expired.
const POLL: Duration = Duration::from_secs(1);

/// Time between two passes that anchor and that check the escalations, give or take 10 %. Entries
/// newer than the last anchor can be cut off undetected.
const ANCHOR: Duration = Duration::from_secs(5 * 60);

/// Time between two passes that confirm pages, measure the backlog and issue credits.
const WATCH: Duration = Duration::from_secs(5);

/// Time between two passes that reconcile alerts with the vendors, give or take 10 %.
const RECONCILE: Duration = Duration::from_secs(60);

/// Maximum number of concurrent passes that send pages. More than one, so that a page committed
/// while a slow pager holds up a pass does not wait for it.
const PASSES: usize = 16;

/// Maximum time for passes to end after the stop signal. A page still in flight then is sent again
/// when its lease expires.
const GRACE: Duration = Duration::from_secs(25);

/// The worker of an engine: drains its outbox and runs the background passes.
///
/// It drains and fires rules on every commit, when a message falls due and once a second. Other
/// passes run periodically:
///
/// - at the start and about once a minute: stores the policy in force, and sets the next firing of
///   incidents with clocks by it;
/// - every 5 s: confirms accepted pages, measures the backlog, issues approved credits;
/// - about once a minute: asks the vendors for the state of alerts that no one has acknowledged,
///   approves credits by policy, records how many calls were refused;
/// - about every 5 minutes: anchors the heads of the chains, and checks that what the policy asks for
///   has fired and was sent.
///
/// One pass of each kind runs at a time, apart from those that send pages, so none of them delays
/// a page.
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
    /// Builds an engine, and the worker that its commits wake.
    ///
    /// # Errors
    /// Fails as [`IncidentsBuilder::build`] does.
    pub fn new(builder: IncidentsBuilder) -> Result<(Incidents, Self), BuildError> {
        let wake = Arc::new(Notify::new());
        let woken = Arc::clone(&wake);
        let builder = builder.on_event(move |event| {
            if event.outbox {
                // `notify_one` stores the wake if the loop is busy, so none is lost.
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

    /// Starts the loop as a task of its own. Needs a tokio runtime.
    #[must_use = "dropped, it stops"]
    pub fn spawn(self) -> RunningWorker {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(self.run(async {
            // An error means that the handle was dropped, which also stops the loop.
            let _ = stopped.await;
        }));
        RunningWorker {
            stop: Some(stop),
            task,
        }
    }

    /// Runs the loop until `shutdown` completes, then drains once more, so that accepted pages are
    /// sent.
    ///
    /// It then ends what the engine holds in memory, by
    /// [`WorkerHandle::finish`](incident_core::engine::WorkerHandle::finish), and anchors. Passes
    /// that still run have 25 s to end; a message in flight after that is sent again when its
    /// lease expires. Credits that are approved and not yet issued wait for the next worker.
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
        background.start(PassKind::Enforce, &incidents);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                // The end of a pass frees a slot, and returns when the next message is due.
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
                    background.start(PassKind::Enforce, &incidents);
                    background.start(PassKind::Reconcile, &incidents);
                    background.start(PassKind::Approve, &incidents);
                    background.start(PassKind::Denials, &incidents);
                    continue;
                }
                () = &mut anchor => {
                    anchor.as_mut().reset(Instant::now() + jittered(ANCHOR));
                    background.start(PassKind::Anchor, &incidents);
                    background.start(PassKind::Check, &incidents);
                    continue;
                }
                () = wake.notified(), if passes.len() < PASSES => {}
                () = &mut poll, if passes.len() < PASSES => {
                    poll.as_mut().reset(Instant::now() + jittered(POLL));
                }
            }
            background.start(PassKind::Fire, &incidents);
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
            tracing::warn!(
                "stopped while pages were being sent; they will be sent again when their leases expire"
            );
        }
    }
}

/// A worker that runs as a task. Dropping it stops the loop in the background.
#[derive(Debug)]
pub struct RunningWorker {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl RunningWorker {
    /// Stops the loop and waits for its end: see [`Worker::run`].
    ///
    /// May be called again if the wait was cancelled.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if !self.task.is_finished()
            && let Err(error) = (&mut self.task).await
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the worker panicked"
            );
        }
    }

    /// Stops the loop at once. Messages in flight are sent again when their leases expire.
    pub fn abort(&self) {
        self.task.abort();
    }
}

/// Returns a random duration between 0.9 and 1.1 of `time`, so that replicas started together do
/// not query the database in step.
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
            "could not store audit entries for denied requests"
        );
    }
}

/// Runs one pass. Returns the time until the next message is due, if that is in the future.
///
/// A message that is already due and was not claimed belongs to another process, or to a version
/// that this one does not know.
async fn drain(incidents: Incidents) -> Option<Duration> {
    match incidents.worker().drain().await {
        Ok(drained) => {
            let next = drained.next_due?.since(incidents.reports().now());
            (!next.is_zero()).then_some(next)
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not process the outbox; retrying"
            );
            None
        }
    }
}
