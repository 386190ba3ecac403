//! The log on stderr, written by a thread of its own: a reader of the log that stands still holds up no page and no
//! stop.

use std::io::IsTerminal;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::terminal::OneLine;

/// Lines kept in memory while nothing reads stderr; further ones are dropped and counted.
const MAX_WAITING: usize = 16_384;
/// Time between two looks for dropped lines.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The log of a serving process. Dropped last, it waits up to a second for stderr to take the lines that are left.
#[derive(Debug)]
#[must_use = "the last lines are lost unless this is dropped at the end"]
pub struct StderrLog {
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

impl StderrLog {
    /// Sends the log of this process to stderr, as text or as JSON, one line per event. `RUST_LOG` filters it.
    pub fn start(as_json: bool) -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(MAX_WAITING)
            .thread_name("log")
            .finish(std::io::stderr());
        let dropped = writer.error_counter();
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(writer);
        if as_json {
            let log = log.json().flatten_event(true);
            log.with_span_list(false).init();
        } else {
            log.with_ansi(std::io::stderr().is_terminal())
                .fmt_fields(OneLine)
                .init();
        }
        Self {
            dropped,
            _writer: guard,
        }
    }

    /// Logs how many lines were dropped since the start, at most every 10 s and again when there are more, for
    /// as long as it is polled. A report that is dropped itself counts, so that another one follows.
    pub async fn report_dropped(&self) {
        report(&self.dropped).await;
    }
}

async fn report(dropped: &ErrorCounter) {
    let mut reported = 0;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let lines = dropped.dropped_lines();
        if lines > reported {
            tracing::warn!(
                lines,
                "log lines were dropped since the start because nothing read stderr"
            );
            reported = lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::terminal::tests::Written;

    /// A writer that takes nothing until the other end of its channel is dropped.
    struct StuckWriter(Receiver<()>);

    impl Write for StuckWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_lines_are_reported_once_with_their_number() {
        let (release, held) = channel();
        let builder = NonBlockingBuilder::default().buffered_lines_limit(1);
        let (mut writer, _guard) = builder.finish(StuckWriter(held));
        let dropped = writer.error_counter();
        while dropped.dropped_lines() < 7 {
            writer.write_all(b"line\n").unwrap();
        }
        let written = Written::default();
        let sink = written.clone();
        // A second dispatcher prevents the call sites from being cached as disabled.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || sink.clone())
            .with_ansi(false)
            .finish();
        let _default = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        let minute = Duration::from_secs(60);
        let reporting = tokio::time::timeout(minute, report(&dropped)).await;
        assert!(reporting.is_err(), "it goes on");
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.trim_end().ends_with("lines=7"), "{text}");
        drop(release);
    }
}
