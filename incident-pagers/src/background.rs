//! Background passes of the worker: at most one of each kind at a time.

use std::collections::BTreeMap;
use std::future::Future;

use incident_core::engine::{Error, Incidents};
use tokio::task::{AbortHandle, JoinError, JoinSet};

/// A kind of background pass. Passes of different kinds do not wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PassKind {
    Enforce,
    Fire,
    Check,
    Confirm,
    Measure,
    Reconcile,
    Approve,
    Issue,
    Denials,
    Anchor,
}

/// The background passes that are running.
#[derive(Debug, Default)]
pub(crate) struct Background {
    running: JoinSet<()>,
    last: BTreeMap<PassKind, AbortHandle>,
}

impl Background {
    /// Starts a pass, unless one of its kind is still running.
    pub(crate) fn start(&mut self, kind: PassKind, incidents: &Incidents) {
        self.start_as(kind, pass(kind, incidents.clone()));
    }

    fn start_as(&mut self, kind: PassKind, pass: impl Future<Output = ()> + Send + 'static) {
        let busy = |last: &AbortHandle| !last.is_finished();
        if !self.last.get(&kind).is_some_and(busy) {
            let started = self.running.spawn(pass);
            self.last.insert(kind, started);
        }
    }

    /// Waits for the next pass to end. Returns `None` if none is running.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        let ended = self.running.join_next().await?;
        tell_panic(ended);
        Some(())
    }
}

/// Logs the panic of a pass as an error, and returns `None` for it. The pass is tried again like
/// one that failed.
pub(crate) fn tell_panic<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended {
        Ok(answer) => Some(answer),
        Err(error) => {
            if error.is_panic() {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the worker panicked; retrying"
                );
            }
            None
        }
    }
}

async fn pass(kind: PassKind, incidents: Incidents) {
    match kind {
        PassKind::Enforce => warn_of(
            incidents.worker().enforce_policy().await,
            "could not put the policy into force; retrying",
        ),
        PassKind::Fire => warn_of(
            incidents.worker().fire_rules().await,
            "could not fire the escalation rules that are due; retrying",
        ),
        PassKind::Check => warn_of(
            incidents.worker().check_escalations().await,
            "could not check whether all escalation rules have fired; retrying",
        ),
        PassKind::Confirm => warn_of(
            incidents.worker().confirm().await,
            "could not check whether accepted pages opened alerts; retrying",
        ),
        PassKind::Measure => warn_of(
            incidents.worker().measure().await,
            "could not measure the outbox backlog",
        ),
        PassKind::Reconcile => warn_of(
            incidents.worker().reconcile().await,
            "could not reconcile alerts with the vendors; retrying",
        ),
        PassKind::Approve => warn_of(
            incidents.worker().approve_credits().await,
            "could not approve credits automatically; retrying",
        ),
        PassKind::Issue => warn_of(
            incidents.worker().issue_credits().await,
            "could not issue approved credits; retrying",
        ),
        PassKind::Denials => warn_of(
            incidents.worker().note_denials().await,
            "could not store audit entries for denied requests",
        ),
        PassKind::Anchor => write_down(incidents).await,
    }
}

/// Logs a failed pass as a warning: the next one tries again.
fn warn_of<T>(result: Result<T, Error>, what: &'static str) {
    if let Err(error) = result {
        tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    }
}

pub(crate) async fn write_down(incidents: Incidents) {
    if let Err(error) = incidents.worker().anchor().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not anchor the timelines and the audit trail; retrying"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A4: a slow pass is not started a second time, and passes of other kinds go on.
    #[tokio::test]
    async fn one_of_each_kind_at_a_time() {
        let mut background = Background::default();
        let started = Arc::new(AtomicUsize::new(0));
        for _ in 0..20 {
            let started = Arc::clone(&started);
            background.start_as(PassKind::Reconcile, async move {
                started.fetch_add(1, Ordering::SeqCst);
                pending().await
            });
            tokio::task::yield_now().await;
        }
        assert_eq!(started.load(Ordering::SeqCst), 1);
        for _ in 0..3 {
            background.start_as(PassKind::Confirm, async {});
            assert_eq!(background.ended().await, Some(()));
        }
        // A pass that panicked has ended: the next one of its kind can start.
        background.start_as(PassKind::Issue, async { panic!("on purpose") });
        assert_eq!(background.ended().await, Some(()));
        background.start_as(PassKind::Issue, async {});
        assert_eq!(background.ended().await, Some(()));
        assert_eq!(background.running.len(), 1);
    }
}
