//! Error reports for the operator: the chain of causes, one per line, and advice.

use std::error::Error;
use std::fmt::Write as _;
use std::io::ErrorKind;

use incident_core::port::StoreError;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::storage::DatabaseSettings;

/// An error with the place where it occurred.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
pub struct At {
    place: String,
    #[source]
    error: Box<dyn Error + Send + Sync>,
}

impl At {
    /// Creates an error that occurred at a place, such as a file.
    pub fn new(place: impl Into<String>, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            place: place.into(),
            error: error.into(),
        }
    }
}

/// Returns the error, one line for each of its causes, and a line of advice if there is any. No
/// line contains a password or repeats the line above it.
#[must_use]
pub fn explain(error: &(dyn Error + 'static), database: Option<&DatabaseSettings>) -> String {
    let (mut layers, mut below) = (Vec::new(), Some(error));
    while let Some(layer) = below {
        layers.push(layer);
        below = layer.source();
    }
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| {
        // A layer that only forwards the error below it adds nothing.
        if !line.is_empty() && lines.last() != Some(&line) {
            lines.push(line);
        }
    };
    let mut advice = None;
    for (layer, below) in layers
        .iter()
        .zip(layers.iter().skip(1).map(Some).chain([None]))
    {
        advice = advice_on(*layer, database).or(advice);
        if let Some(refusal) = refusal(*layer) {
            // The driver's own text would add the line number of the server's source.
            add(refusal.message().to_owned());
            refusal.detail().map(str::to_owned).map(&mut add);
            refusal.hint().map(str::to_owned).map(&mut add);
            break;
        }
        add(without(&layer.to_string(), below));
    }
    // Continuation lines are indented, so that a line break in a name cannot start a new cause.
    let lines: Vec<String> = lines
        .iter()
        .map(|one| one.replace('\n', "\n    "))
        .collect();
    let mut text = lines.join("\n  because: ");
    if let Some(advice) = advice {
        let _ = write!(text, "\n  hint: {advice}");
    }
    text
}

/// Returns the text of a layer without the text of the layer below it.
fn without(text: &str, below: Option<&&(dyn Error + 'static)>) -> String {
    let below = below.map(ToString::to_string).unwrap_or_default();
    let own = text.strip_suffix(&below).unwrap_or(text);
    let own = if below.is_empty() { text } else { own };
    own.trim_end().trim_end_matches(':').to_owned()
}

/// Returns the server's error if the server rejected the statement.
fn refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a PgDatabaseError> {
    let error = error.downcast_ref::<sqlx::Error>()?;
    error.as_database_error()?.try_downcast_ref()
}

fn advice_on(error: &(dyn Error + 'static), database: Option<&DatabaseSettings>) -> Option<String> {
    let name = |of: fn(&DatabaseSettings) -> Option<&str>, other: &str| {
        let name = database.and_then(of);
        name.unwrap_or(other).to_owned()
    };
    if let Some(refusal) = refusal(error) {
        let role = || name(DatabaseSettings::role, "ROLE");
        return Some(match DatabaseError::code(refusal)?.as_ref() {
            // undefined_table, invalid_schema_name, undefined_function, undefined_column
            "42P01" | "3F000" | "42883" | "42703" => {
                "create or update the tables: incident-console migrate".to_owned()
            }
            // insufficient_privilege
            "42501" => format!(
                "run as the owner of the schema: select incident.grant_to('{}') (only the owner can migrate)",
                role()
            ),
            "28P01" | "28000" => format!(
                "check the user and password in DATABASE_URL, and that pg_hba.conf allows {} from this host",
                role()
            ),
            // invalid_catalog_name
            "3D000" => format!(
                "create the database: createdb {}",
                name(DatabaseSettings::name, "NAME")
            ),
            // too_many_connections, cannot_connect_now
            "53300" => "reduce the number of connections, or raise max_connections".to_owned(),
            "57P03" => "wait until the server has started".to_owned(),
            _ => return None,
        });
    }
    if matches!(
        error.downcast_ref(),
        Some(StoreError::ReadOnly(_)) // Its source says it already.
    ) {
        return None;
    }
    let error = error.downcast_ref::<sqlx::Error>()?;
    if matches!(error, sqlx::Error::Tls(_)) {
        return Some("check sslmode and sslrootcert in DATABASE_URL".to_owned());
    }
    let is_away = matches!(error, sqlx::Error::PoolTimedOut)
        || matches!(error, sqlx::Error::Io(io) if io.kind() != ErrorKind::InvalidData);
    is_away.then(|| unreachable(database))
}

fn unreachable(database: Option<&DatabaseSettings>) -> String {
    let place = database.map_or_else(String::new, |database| format!(" ({database})"));
    format!(
        "check the host and port in DATABASE_URL{place}, and that PostgreSQL is running there and accepts connections from this host"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("middle: {0}")]
    struct Middle(#[source] std::io::Error);

    #[test]
    fn each_layer_is_a_line_and_none_is_said_twice() {
        let inner = std::io::Error::new(ErrorKind::ConnectionRefused, "refused");
        let error = Outer(Middle(inner));
        assert_eq!(
            explain(&error, None),
            "outer\n  because: middle\n  because: refused"
        );
        let inner = std::io::Error::new(ErrorKind::ConnectionRefused, "refused");
        let error = sqlx::Error::Io(inner);
        let lines = explain(&error, None);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(
            lines[..2],
            ["error communicating with database", "  because: refused"]
        );
        assert!(
            lines[2].starts_with("  hint: check the host and port"),
            "{lines:?}"
        );
    }
}
