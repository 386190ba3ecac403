//! The filter of the list of all incidents.

use incident_core::Zone;
use incident_core::incident::Severity;

use super::list_texts::IncidentListTexts;
use crate::http::problem::Problem;
use crate::routes::incidents::IncidentParams;
use crate::web::filter::{CURSOR, FilterFields, FilterForm, as_params};
use crate::web::form::{Choice, Field};
use crate::web::frame::Frame;
use crate::web::texts::fill;

/// The fields of the filter.
pub(super) const FILTERS: [&str; 7] =
    ["q", "status", "severity", "service", "tenant", "from", "to"];

/// Creates the filter as a form.
pub(super) fn form(
    frame: &Frame<'_>,
    texts: &'static IncidentListTexts,
    fields: &FilterFields,
    problem: Option<&Problem>,
) -> FilterForm {
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
    FilterForm::new(frame, fields, problem, first, others)
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
