//! Filters of lists: the fields of a query as they were typed.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{Days, NaiveDate};
use form_urlencoded::Serializer;
use incident_core::Zone;

use super::form::{Field, FormFields, Summary};
use super::frame::Frame;
use super::times::iso;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::params::FromQuery;
use crate::http::problem::Problem;
use crate::http::query::{Query, check_length};

/// Field with the cursor of a page.
pub(crate) const CURSOR: &str = "cursor";

/// The fields of a query as they were typed. A page shows them again, with the errors beside them.
#[derive(Debug)]
pub(crate) struct FilterFields(pub(crate) FormFields);

impl<S: Sync> FromRequestParts<S> for FilterFields {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let raw = parts.uri.query().unwrap_or_default();
        check_length(raw)?;
        FormFields::parse(raw.as_bytes()).map(Self)
    }
}

impl Describe for FilterFields {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.problem(StatusCode::BAD_REQUEST, "the query has too many fields");
        operation.problem(StatusCode::URI_TOO_LONG, "the query is too long");
    }
}

impl FilterFields {
    /// Returns the value of a field without blanks at its ends; empty if it was not sent.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).trim()
    }

    /// Returns the days of the fields `from` and `to` as instants in the zone of the reader: the start
    /// of the first day, and the end of the last one. Empty if they were not sent.
    ///
    /// # Errors
    /// Returns 422 for a day that is none, and for a last one before the first.
    pub(crate) fn days(&self, zone: Zone) -> Result<[String; 2], Problem> {
        let (from, to) = (self.day("from")?, self.day("to")?);
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            let expected = "expected a day that is not before the first one";
            return Err(Problem::field("/to", expected));
        }
        let after = to.and_then(|day| day.checked_add_days(Days::new(1)));
        let start = |day: Option<NaiveDate>| {
            day.map_or_else(String::new, |day| iso(zone.start_of_day(day)))
        };
        Ok([start(from), start(after)])
    }

    fn day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Some)
            .map_err(|_| Problem::field(format!("/{name}"), "expected a day such as 2026-11-27"))
    }

    /// Returns `true` if one of some fields has a value.
    #[must_use]
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| !self.get(name).is_empty())
    }

    /// Returns a query with the values of some fields and one more.
    #[must_use]
    pub(crate) fn with(&self, names: &[&str], more: (&str, &str)) -> String {
        let fields = names.iter().map(|name| (*name, self.get(name)));
        query_of(fields.chain([more]))
    }
}

/// The filter of a list as a form.
pub(crate) struct FilterForm {
    /// The errors of the fields.
    pub(crate) summary: Option<Summary>,
    /// The fields that are always shown.
    pub(crate) first: Vec<Field>,
    /// The fields that are folded until one of them is in use.
    pub(crate) others: Vec<Field>,
    /// `true` if the other fields are shown.
    pub(crate) is_open: bool,
    /// `true` if a filter is set.
    pub(crate) is_set: bool,
    /// The query of the first page.
    pub(crate) first_query: String,
}

impl FilterForm {
    /// Creates the form with the values that were sent, and with the errors of a problem.
    pub(crate) fn new(
        frame: &Frame<'_>,
        sent: &FilterFields,
        problem: Option<&Problem>,
        first: Vec<Field>,
        others: Vec<Field>,
    ) -> Self {
        let filled = |fields: Vec<Field>| -> Vec<Field> {
            let fields = fields.into_iter();
            fields.map(|field| field.from(&sent.0, problem)).collect()
        };
        let (first, others) = (filled(first), filled(others));
        let names = |fields: &[Field]| -> Vec<&str> { fields.iter().map(|one| one.name).collect() };
        let all: Vec<&Field> = first.iter().chain(&others).collect();
        let all_names: Vec<&str> = all.iter().map(|one| one.name).collect();
        Self {
            summary: problem.map(|problem| Summary::of(frame.common, problem, &all)),
            is_open: sent.has_any(&names(&others)),
            is_set: sent.has_any(&all_names),
            first_query: sent.with(&all_names, (CURSOR, "")),
            first,
            others,
        }
    }
}

/// Writes a query of the fields that have a value, after a question mark; empty without any.
#[must_use]
pub(crate) fn query_of<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    match query.is_empty() {
        true => query,
        false => format!("?{query}"),
    }
}

/// Reads fields as the query of a list of the API, so that pages and API filter alike.
///
/// # Errors
/// Returns the problem of the first parameter that is invalid.
pub(crate) fn as_params<'f, P: FromQuery>(
    fields: impl Iterator<Item = (&'f str, &'f str)>,
) -> Result<P, Problem> {
    let raw = query_of(fields);
    let known = P::PARAMETERS.iter().map(|parameter| parameter.name);
    let query = Query::parse_known(raw.strip_prefix('?'), known.chain(["limit", CURSOR]))?;
    P::from_query(&query)
}
