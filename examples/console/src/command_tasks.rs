//! Commands run in tasks of their own: a handler that is dropped, because its client went away,
//! would drop a transaction in the middle.

use std::sync::Arc;

use axum::http::StatusCode;
use incident_core::failpoint;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use crate::http::problem::Problem;

/// The commands that run.
#[derive(Debug, Default)]
pub(crate) struct CommandTasks {
    /// Held for reading by each of them.
    running: Arc<RwLock<()>>,
}

impl CommandTasks {
    /// Starts a command, which runs to its end whoever waits for it.
    pub(crate) async fn spawn<T, F>(&self, command: F) -> JoinHandle<Result<T, Problem>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let running = Arc::clone(&self.running).read_owned().await;
        tokio::spawn(async move {
            let outcome = command.await;
            failpoint::hit("before_answer");
            drop(running);
            outcome
        })
    }

    /// Waits until every command has ended.
    pub(crate) async fn wait(&self) {
        drop(self.running.write().await);
    }
}

/// Waits for the outcome of a command, once. A wait that was broken off may be begun again.
///
/// # Errors
/// The problem of the command; 500 where it panicked.
pub(crate) async fn outcome<T>(command: &mut JoinHandle<Result<T, Problem>>) -> Result<T, Problem> {
    match command.await {
        Ok(outcome) => outcome,
        Err(_) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong here",
        )),
    }
}
