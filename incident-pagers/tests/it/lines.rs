//! Log lines that a test reads.

use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use tracing_subscriber::fmt::MakeWriter;

/// The lines that were written so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

tokio::task_local! {
    static READ: Lines;
}

/// The writer of the process: to the lines of the task that logs, if a test reads them.
///
/// There is one subscriber for all tests. With one for each, a place in the code that logs for the
/// first time while another test begins could be switched off for both.
struct ToReader;

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Runs a future, and reads all that it logs itself, at every level. Tasks that it spawns are
    /// not read.
    pub(crate) async fn read<T>(&self, logging: impl Future<Output = T>) -> T {
        static SUBSCRIBED: Once = Once::new();
        SUBSCRIBED.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_max_level(tracing::Level::TRACE)
                .with_writer(ToReader)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        // Places that logged before there was a subscriber are looked at again.
        tracing::callsite::rebuild_interest_cache();
        READ.scope(self.clone(), logging).await
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl<'a> MakeWriter<'a> for ToReader {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        READ.try_with(Lines::clone).unwrap_or_default()
    }
}

/// Reqwest logs through `log`.
impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        self.0.lock().unwrap().extend(line.as_bytes());
    }

    fn flush(&self) {}
}
