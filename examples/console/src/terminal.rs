//! Output lines for people, in a terminal or a log: quoted values cannot break out of a line.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use incident_core::plain;
use serde::Serialize;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

/// Writes one line, with line breaks and terminal controls in it escaped.
///
/// # Errors
/// Fails if `out` cannot be written to.
pub fn line(out: &mut (impl Write + ?Sized), text: fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(out, "{}", plain(&text.to_string()))
}

/// Writes several lines. Callers must escape line breaks in quoted values themselves.
///
/// # Errors
/// Fails if `out` cannot be written to.
pub fn lines(out: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
    text.lines()
        .try_for_each(|one| line(out, format_args!("{one}")))
}

/// Writes JSON for people, with JSON escapes for terminal controls, so that its values stay the
/// same.
///
/// # Errors
/// Fails if `out` cannot be written to.
pub fn json(out: &mut (impl Write + ?Sized), value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let stays = character == '\n'
            || plain(character.encode_utf8(&mut [0; 4])).len() == character.len_utf8();
        if stays {
            escaped.push(character);
        } else {
            // Writing to a string does not fail, and no such character needs a surrogate.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        }
    }
    writeln!(out, "{escaped}")
}

/// Formatter of log lines that keeps every value within its line.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneLine;

impl<'writer> FormatFields<'writer> for OneLine {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&plain(&text))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Output of a subscriber.
    #[derive(Clone, Default)]
    pub(crate) struct Written(pub(crate) Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// S9: neither a message, a field, an error with its cause nor a span breaks out of a log line.
    #[test]
    fn what_is_logged_stays_in_its_line() {
        let written = Written::default();
        let writer = written.clone();
        // A second dispatcher prevents the call sites from being cached as disabled.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(true)
            .fmt_fields(OneLine)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::callsite::rebuild_interest_cache();
            let error: Box<dyn std::error::Error> = FORGED.into();
            let _span = tracing::info_span!("span", title = FORGED, shown = %FORGED).entered();
            tracing::warn!(title = FORGED, shown = %FORGED, told = ?FORGED, error = &*error, "{FORGED}");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(text.matches("forged").count(), 7, "{text}");
        // The formatter's own colours stay.
        let plain = text.replace("\u{1b}[2m", "").replace("\u{1b}[0m", "");
        let plain = plain.replace("\u{1b}[33m", "").replace("\u{1b}[1m", "");
        assert!(
            plain
                .trim_end()
                .chars()
                .all(|c| c == ' ' || c.is_ascii_graphic()),
            "{plain:?}"
        );
    }

    const FORGED: &str = "API down\nERROR forged \u{202e}\u{1b}[2J\u{9b}2J";

    /// S9: neither a line, lines nor JSON contain terminal controls.
    #[test]
    fn what_is_quoted_stays_in_its_line() {
        let mut out = Vec::new();
        line(&mut out, format_args!("title: {FORGED}")).unwrap();
        lines(&mut out, "one\ntwo\u{2066}").unwrap();
        json(&mut out, &[FORGED]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(
            text.chars()
                .all(|c| c == '\n' || c == ' ' || c.is_ascii_graphic()),
            "{text}"
        );
        let read = text.lines().skip(3).collect::<String>();
        let read: Vec<String> = serde_json::from_str(&read).unwrap();
        assert_eq!(read, [FORGED]);
    }
}
