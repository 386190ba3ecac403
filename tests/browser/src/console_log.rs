//! Messages in the console of the browser: of scripts, of failed requests, and of violated
//! policies.

use std::fmt;
use std::io;

use serde_json::{Value, json};

use crate::browser::Browser;

/// A message in the console of the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleMessage {
    /// The level: `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// The origin: `console-api`, `javascript`, `network`, `security` and others.
    pub source: String,
    /// The text, which begins with the address of the page or script.
    pub text: String,
}

impl fmt::Display for ConsoleMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.level, self.source, self.text)
    }
}

impl Browser {
    /// Returns the messages since the last call, of all tabs, the oldest first.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn console_messages(&self) -> io::Result<Vec<ConsoleMessage>> {
        let entries = self.log("browser").await?;
        let member = |one: &Value, name| {
            let text = one.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let message = |one: &Value| ConsoleMessage {
            level: member(one, "level"),
            source: member(one, "source"),
            text: member(one, "message"),
        };
        Ok(entries.iter().map(message).collect())
    }

    /// Takes the entries of a log out of the driver.
    pub(crate) async fn log(&self, name: &str) -> io::Result<Vec<Value>> {
        let entries = self.remote.post("/se/log", &json!({"type": name})).await?;
        let entries = entries.as_array().cloned();
        entries.ok_or_else(|| io::Error::other("expected a log"))
    }
}
