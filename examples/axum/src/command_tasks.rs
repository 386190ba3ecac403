//! Commands in tasks of their own. A handler is dropped if its client disconnects, which would
//! otherwise drop a transaction halfway.

use std::sync::Arc;

use axum::http::StatusCode;
use incident_core::failpoint;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::http::problem::Problem;

/// The running commands.
#[derive(Debug, Default)]
pub(crate) struct CommandTasks {
    /// Held for reading by each command.
    running: Arc<RwLock<()>>,
}

impl CommandTasks {
    /// Starts a command, which runs to its end even if the caller stops waiting.
    pub(crate) async fn spawn<T, F>(&self, command: F) -> JoinHandle<Result<T, Problem>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let running = Arc::clone(&self.running).read_owned().await;
        let command = async move {
            let outcome = command.await;
            failpoint::hit("before_answer");
            drop(running);
            outcome
        };
        // What it logs belongs to the request, also after that has been dropped.
        tokio::spawn(command.in_current_span())
    }

    /// Waits until every command has ended.
    pub(crate) async fn wait(&self) {
        drop(self.running.write().await);
    }
}

/// Waits for the outcome of a command. Cancel safe: a cancelled wait may be repeated.
///
/// # Errors
/// Returns the problem of the command, or 500 if it panicked.
pub(crate) async fn outcome<T>(command: &mut JoinHandle<Result<T, Problem>>) -> Result<T, Problem> {
    match command.await {
        Ok(outcome) => outcome,
        Err(_) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "internal error; see the server log",
        )),
    }
}
