//! The JSON body of an operation, made from the fields of a form.

use chrono::{NaiveDate, NaiveDateTime};
use incident_core::Zone;
use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::FormFields;
use crate::http::body::{CommandBody, json_object};
use crate::http::problem::Problem;
use crate::web::times::iso;

/// The error of a required field that is empty. Pages have their own words for it.
pub(super) const MISSING: &str = "expected a value";

/// The JSON body of an operation under construction. An empty field is left out.
#[derive(Debug)]
pub(crate) struct JsonBody<'f> {
    fields: &'f FormFields,
    members: Map<String, Value>,
    problem: Option<Problem>,
}

impl<'f> JsonBody<'f> {
    /// Creates the body for some fields.
    #[must_use]
    pub(crate) fn of(fields: &'f FormFields) -> Self {
        Self {
            fields,
            members: Map::new(),
            problem: None,
        }
    }

    /// Adds a text without blanks at its ends.
    #[must_use]
    pub(crate) fn text(mut self, name: &str) -> Self {
        let text = self.fields.get(name).trim();
        if !text.is_empty() {
            self.put(name, text);
        }
        self
    }

    /// Adds a text, which is required.
    #[must_use]
    pub(crate) fn required(mut self, name: &str) -> Self {
        match self.fields.get(name).trim() {
            "" => self.refuse(&Problem::field(format!("/{name}"), MISSING)),
            text => self.put(name, text),
        }
        self
    }

    /// Adds a text, or `null` to clear it.
    #[must_use]
    pub(crate) fn clearable(mut self, name: &str) -> Self {
        match self.fields.get(name).trim() {
            "" => self.put(name, Value::Null),
            text => self.put(name, text),
        }
        self
    }

    /// Adds a list from a field with an item per line or comma.
    #[must_use]
    pub(crate) fn list(mut self, name: &str) -> Self {
        let items = items(self.fields.all(name));
        if !items.is_empty() {
            self.put(name, items);
        }
        self
    }

    /// Adds the instant of a local date and time in the zone of the reader.
    #[must_use]
    pub(crate) fn time(mut self, name: &str, zone: Zone) -> Self {
        match local_time(self.fields, name, zone) {
            Ok(Some(time)) => self.put(name, time),
            Ok(None) => {}
            Err(problem) => self.refuse(&problem),
        }
        self
    }

    /// Adds the instant of a local date and time, or `null` to clear it.
    #[must_use]
    pub(crate) fn clearable_time(mut self, name: &str, zone: Zone) -> Self {
        if self.fields.get(name).trim().is_empty() {
            self.put(name, Value::Null);
            return self;
        }
        self.time(name, zone)
    }

    /// Adds a member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.put(name, value);
        self
    }

    /// Notes that a value was expected to be another one.
    #[must_use]
    pub(crate) fn wrong(mut self, name: &str, expected: &str) -> Self {
        self.refuse(&Problem::field(format!("/{name}"), expected));
        self
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    /// Notes the errors of a field beside those of others, so that a person sees all of them.
    fn refuse(&mut self, problem: &Problem) {
        self.problem = Some(match self.problem.take() {
            Some(noted) => noted.with_errors_of(problem),
            None => problem.clone(),
        });
    }

    /// Reads the body as that of an operation.
    ///
    /// # Errors
    /// Returns 422 with the required fields that are empty, the times that are none, and the first
    /// other field that is invalid.
    pub(crate) fn parse<B: CommandBody>(self) -> Result<B, Problem> {
        let read = json_object(Value::Object(self.members).to_string().as_bytes());
        match (self.problem, read) {
            (None, read) => read,
            (Some(problem), Ok(_)) => Err(problem),
            (Some(problem), Err(other)) => Err(problem.with_errors_of(&other)),
        }
    }
}

/// Returns the word for a value on the wire; empty if it is not written as one.
#[must_use]
pub(crate) fn wire_word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// Returns the items of lists that are written with an item per line or comma.
#[must_use]
pub(crate) fn items<'f>(texts: impl Iterator<Item = &'f str>) -> Vec<String> {
    let items = texts.flat_map(|text| text.split(['\n', ',']));
    let items = items.map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// Reads a local date and time as fields send it.
pub(super) fn local_date_time(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text.trim(), format).ok())
}

/// Reads a local date as fields send it.
pub(super) fn local_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()
}

/// Reads the local date and time of a field; none if it is empty. A clock that skips the time or
/// shows it twice is an error that names the instants.
fn local_time(fields: &FormFields, name: &str, zone: Zone) -> Result<Option<String>, Problem> {
    let text = fields.get(name).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let pointer = format!("/{name}");
    // An instant with its offset needs no zone.
    if let Ok(time) = text.parse::<incident_core::Timestamp>() {
        return Ok(Some(iso(time)));
    }
    let local = local_date_time(text).ok_or_else(|| {
        let expected = "expected a date and time such as 2026-03-29 14:05";
        Problem::field(pointer.clone(), expected)
    })?;
    let time = zone.at_local(local);
    let time = time.map_err(|error| Problem::field(pointer, error.to_string()))?;
    Ok(Some(iso(time)))
}
