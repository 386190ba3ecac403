//! The filter of the audit trail.

use incident_core::audit::{AuditOutcome, Chain};
use incident_core::port::AuditQuery;
use incident_core::schema::StoredName;
use incident_core::{IncidentId, Timestamp, Zone};

use super::audit_texts::AuditTexts;
use crate::http::page::Page;
use crate::http::params::{FromQuery, QueryParameter};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::web::action_texts::NAMES;
use crate::web::filter::{CURSOR, FilterFields, FilterForm, as_params};
use crate::web::form::{Choice, Field};
use crate::web::frame::Frame;
use crate::web::texts::fill;

/// The fields of the filter.
pub(super) const FILTERS: [&str; 6] = ["actor", "action", "incident", "outcome", "from", "to"];

/// The query of the list.
pub(super) struct AuditListParams {
    /// The filter, for one entry more than the page shows.
    pub(super) filter: AuditQuery,
    /// The page.
    pub(super) page: Page<(Timestamp, Chain, u64)>,
}

impl FromQuery for AuditListParams {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<StoredName>("actor", "Entries of this actor."),
        QueryParameter::of::<String>("action", "Entries of this action."),
        QueryParameter::of::<IncidentId>("incident", "Entries about this incident."),
        QueryParameter::word(
            "outcome",
            "Entries with this outcome.",
            &["allowed", "denied"],
        ),
        QueryParameter::of::<Timestamp>("from", "Entries from this time on."),
        QueryParameter::of::<Timestamp>("to", "Entries before this time."),
    ];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        let outcomes = AuditOutcome::ALL.map(|outcome| (outcome.name(), outcome));
        let limit = query.limit()?;
        let mut filter = AuditQuery {
            chain: query.read::<IncidentId>("incident")?.map(Chain::Incident),
            actor: query.name("actor")?,
            action: query.get("action").map(str::to_owned),
            outcome: query.word("outcome", &outcomes, "expected allowed or denied")?,
            from: query.time("from")?,
            to: query.time("to")?,
            newest_first: true,
            ..AuditQuery::default()
        };
        filter.check().map_err(Problem::from)?;
        let page = Page::read(query, limit)?;
        (filter.after, filter.limit) = (page.after, page.to_read());
        Ok(Self { filter, page })
    }
}

/// Creates the filter as a form.
pub(super) fn form(
    frame: &Frame<'_>,
    texts: &'static AuditTexts,
    fields: &FilterFields,
    problem: Option<&Problem>,
) -> FilterForm {
    let zone = frame.times.zone();
    let outcomes = vec![
        Choice::new("", texts.any),
        Choice::new(AuditOutcome::Allowed.name(), texts.allowed),
        Choice::new(AuditOutcome::Denied.name(), texts.denied),
    ];
    let known = NAMES.map(str::to_owned).to_vec();
    let to_hint = fill(texts.to_hint, &[("zone", &zone)]);
    let first = vec![
        Field::line("actor", texts.actor),
        Field::line("action", texts.action)
            .hint(texts.action_hint)
            .known(known),
    ];
    let others = vec![
        Field::line("incident", texts.incident).hint(texts.incident_hint),
        Field::select("outcome", texts.outcome, outcomes),
        Field::date("from", texts.from, &zone),
        Field::date("to", texts.to, &to_hint),
    ];
    FilterForm::new(frame, fields, problem, first, others)
}

/// Reads the filter. Days are those of the zone of the reader, and the last one is included.
///
/// # Errors
/// Returns the problem of the first field that is invalid.
pub(super) fn read(fields: &FilterFields, zone: Zone) -> Result<AuditListParams, Problem> {
    let [from, to] = fields.days(zone)?;
    // The address of a page ends with the id.
    let incident = fields.get("incident").trim_end_matches('/');
    let incident = incident.rsplit('/').next().unwrap_or_default();
    let same = ["actor", "action", "outcome", CURSOR];
    let same = same.into_iter().map(|name| (name, fields.get(name)));
    as_params(same.chain([("incident", incident), ("from", &from), ("to", &to)]))
}
