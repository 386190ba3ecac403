//! The filter of the list of all incidents.

use incident_core::Zone;
use incident_core::incident::Severity;

use super::list_texts::IncidentListTexts;
use crate::http::problem::Problem;
use crate::routes::incidents::IncidentParams;
use crate::web::filter::{CURSOR, FilterFields, as_params};
use crate::web::form::{Choice, Field, Summary};
use crate::web::frame::Frame;
use crate::web::texts::fill;

/// The fields of the filter.
pub(super) const FILTERS: [&str; 7] =
    ["q", "status", "severity", "service", "tenant", "from", "to"];

/// Filters that are folded until one of them is in use.
const FOLDED: [&str; 5] = ["severity", "service", "tenant", "from", "to"];

/// The filter as a form.
pub(super) struct IncidentFilterForm {
    /// The errors of the fields.
    pub(super) summary: Option<Summary>,
    /// The fields that are always shown.
    pub(super) first: Vec<Field>,
    /// The other fields.
    pub(super) others: Vec<Field>,
    /// `true` if the other fields are shown.
    pub(super) is_open: bool,
    /// `true` if a filter is set.
    pub(super) is_set: bool,
    /// The query of the first page.
    pub(super) first_query: String,
}

impl IncidentFilterForm {
    pub(super) fn new(
        frame: &Frame<'_>,
        texts: &'static IncidentListTexts,
        fields: &FilterFields,
        problem: Option<&Problem>,
    ) -> Self {
        let zone = frame.times.zone();
        let severities = Severity::ALL.map(|severity| {
            let name = severity.to_string();
            Choice::new(&name, &name)
        });
        let any = [Choice::new("", texts.any_severity)].into_iter();
        let statuses = vec![
            Choice::new("", texts.any_status),
            Choice::new("active", texts.only_active),
            Choice::new("resolved", texts.only_resolved),
        ];
        let to_hint = fill(texts.to_hint, &[("zone", &zone)]);
        let first = vec![
            Field::line("q", texts.search),
            Field::select("status", texts.status, statuses),
        ];
        let others = vec![
            Field::select("severity", texts.severity, any.chain(severities).collect()),
            Field::line("service", texts.service),
            Field::line("tenant", texts.tenant),
            Field::date("from", texts.from, &zone),
            Field::date("to", texts.to, &to_hint),
        ];
        let fill_in = |field: Field| field.from(&fields.0, problem);
        let first: Vec<Field> = first.into_iter().map(fill_in).collect();
        let others: Vec<Field> = others.into_iter().map(fill_in).collect();
        let all: Vec<&Field> = first.iter().chain(&others).collect();
        Self {
            summary: problem.map(|problem| Summary::of(frame.common, problem, &all)),
            is_open: fields.has_any(&FOLDED),
            is_set: fields.has_any(&FILTERS),
            first_query: fields.with(&FILTERS, (CURSOR, "")),
            first,
            others,
        }
    }
}

/// Reads the filter as that of the API. Days are those of the zone of the reader, and the last one
/// is included.
///
/// # Errors
/// Returns the problem of the first field that is invalid.
pub(super) fn read(fields: &FilterFields, zone: Zone) -> Result<IncidentParams, Problem> {
    let [from, to] = fields.days(zone)?;
    let status = match fields.get("status") {
        "" => "all",
        other => other,
    };
    let same = ["q", "severity", "service", "tenant", CURSOR];
    let same = same.into_iter().map(|name| (name, fields.get(name)));
    as_params(same.chain([("status", status), ("from", &from), ("to", &to)]))
}
