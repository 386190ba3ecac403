//! The table of all routes: the routers, the document and the public list are made from it.

use axum::http::{Method, StatusCode};
use incident_core::actor::Action;
use incident_core::engine::Incidents;

use super::row::{Area, Part, Parts, Row, get, group, patch, post};
use super::web_table::{operator_rows, status_rows, web_open_rows, web_rows};
use super::{
    audit, billing, classify, coordination, credits, documents, due, events, hooks, incidents,
    operations, pages, public, reports, sign_in, statements, suggestions, tenants, timeline, usage,
    users,
};
use crate::document::assemble::assemble;
use crate::document::examples::Examples;
use crate::document::operation::Stated;
use crate::document::page::Document;
use crate::document::schemas::Schemas;

/// A route of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// The method. Routes for `GET` also answer `HEAD`.
    pub method: Method,
    /// The path below the prefix of the host, with parameters such as `{id}`.
    pub path: &'static str,
    /// The permission that a caller needs; `None` if the route asks for no login.
    pub permission: Option<Action>,
    /// `true` for the pages of signed-in people, which the document leaves out.
    pub is_page: bool,
}

/// Returns the routes of some parts.
pub(super) fn table(parts: Parts) -> Vec<Row> {
    let mut table = Vec::new();
    table.extend(incident_rows());
    table.extend(timeline_rows());
    table.extend(coordination_rows());
    table.extend(figure_rows());
    table.extend(ledger_rows().map(|row| row.part(Part::Sla)));
    table.extend(page_rows());
    table.extend(audit_rows());
    table.extend(public_rows().map(|row| row.part(Part::StatusPage)));
    table.extend(sign_in_rows());
    table.extend(webhook_rows());
    table.extend(operation_rows());
    table.extend(document_rows());
    table.extend(web_rows());
    table.extend(operator_rows());
    table.extend(web_open_rows());
    table.extend(status_rows().map(|row| row.part(Part::StatusPage)));
    table.retain(|row| parts.has(row.part));
    table
}

const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
const SEE_OTHER: StatusCode = StatusCode::SEE_OTHER;
const NOT_MODIFIED: StatusCode = StatusCode::NOT_MODIFIED;

fn incident_rows() -> [Row; 16] {
    group(
        "incidents",
        Area::Operators,
        [
            get("/sys/incidents", incidents::list).named("list_incidents", "Lists incidents"),
            post("/sys/incidents", incidents::declare)
                .named("declare_incident", "Declares an incident")
                .answers(&[CREATED, OK])
                .with_version()
                .with_header("Location", "The path of the incident."),
            post("/sys/classify", classify::propose)
                .named("classify", "Proposes a severity for facts; changes nothing"),
            get("/sys/incidents/suggestions", suggestions::list)
                .named("list_suggestions", "Lists suggestions"),
            post("/sys/incidents/suggestions", suggestions::suggest)
                .named("suggest_incident", "Suggests an incident")
                .answers(&[CREATED, OK]),
            post(
                "/sys/incidents/suggestions/{id}/dismiss",
                suggestions::dismiss,
            )
            .named("dismiss_suggestion", "Dismisses a suggestion"),
            get("/sys/incidents/{id}", incidents::show)
                .named("get_incident", "Shows an incident")
                .with_version(),
            patch("/sys/incidents/{id}", incidents::change)
                .named("change_incident", "Changes fields of an incident")
                .with_version(),
            get("/sys/due", due::list).named("list_due", "Lists what is due, per incident"),
            get("/sys/incidents/{id}/due", due::show).named(
                "get_due",
                "Shows what is due for an incident, and why rules fire",
            ),
            get("/sys/incidents/{id}/tenants", tenants::list)
                .named("list_affected_tenants", "Lists all affected tenants"),
            post("/sys/incidents/{id}/acknowledge", incidents::acknowledge)
                .named("acknowledge_incident", "Acknowledges an incident")
                .with_version(),
            post("/sys/incidents/{id}/public", incidents::publish)
                .named("publish_incident", "Publishes an incident, or hides it")
                .part(Part::StatusPage)
                .with_version(),
            post(
                "/sys/incidents/{id}/affected-users/notified",
                incidents::mark_users_notified,
            )
            .named(
                "mark_users_notified",
                "Records that the users whose data was lost were notified",
            )
            .with_version(),
            post(
                "/sys/incidents/{id}/authority/notified",
                incidents::mark_authority_notified,
            )
            .named(
                "mark_authority_notified",
                "Records that the authority was notified of a leak of data",
            )
            .with_version(),
            post(
                "/sys/incidents/{id}/post-mortem",
                incidents::link_post_mortem,
            )
            .named("link_post_mortem", "Links the post-mortem of an incident")
            .with_version(),
        ],
    )
}

fn timeline_rows() -> [Row; 5] {
    group(
        "incidents",
        Area::Operators,
        [
            get("/sys/incidents/{id}/updates", timeline::list)
                .named("list_updates", "Lists the timeline of an incident"),
            post("/sys/incidents/{id}/updates", timeline::update)
                .named(
                    "add_update",
                    "Adds an update to the timeline of an incident",
                )
                .answers(&[CREATED]),
            post("/sys/incidents/{id}/updates/{seq}/redact", timeline::redact)
                .named("redact_update", "Erases the text of an entry"),
            get("/sys/incidents/{id}/timeline/verify", timeline::verify)
                .named("verify_timeline", "Verifies the timeline of an incident"),
            get("/sys/events", events::stream).named(
                "stream_events",
                "Streams hints of changes as server-sent events",
            ),
        ],
    )
}

fn coordination_rows() -> [Row; 7] {
    group(
        "incidents",
        Area::Operators,
        [
            post("/sys/incidents/{id}/roles", coordination::change_role)
                .named(
                    "change_role",
                    "Changes who holds a role in the response to an incident",
                )
                .with_version(),
            post(
                "/sys/incidents/{id}/approvals",
                coordination::request_approval,
            )
            .named(
                "request_approval",
                "Requests the approval of a risky action",
            )
            .answers(&[CREATED])
            .with_version(),
            post(
                "/sys/incidents/{id}/approvals/{number}/approve",
                coordination::approve,
            )
            .named("approve_action", "Approves a risky action")
            .with_version(),
            post(
                "/sys/incidents/{id}/approvals/{number}/refuse",
                coordination::refuse,
            )
            .named("refuse_action", "Refuses to approve a risky action")
            .with_version(),
            post(
                "/sys/incidents/{id}/approvals/{number}/withdraw",
                coordination::withdraw,
            )
            .named("withdraw_approval", "Withdraws a request for an approval")
            .with_version(),
            get("/sys/incidents/{id}/checklists", coordination::checklists).named(
                "list_checklists",
                "Lists the checklists that apply to an incident now",
            ),
            post(
                "/sys/incidents/{id}/checklists/{name}/{item}",
                coordination::tick,
            )
            .named("tick_item", "Ticks an item of a checklist")
            .with_version(),
        ],
    )
}

const QUERY_FAILS: &str = "the usage source is unavailable, or the query takes too long";

fn figure_rows() -> [Row; 6] {
    group(
        "figures",
        Area::Operators,
        [
            get(
                "/sys/incidents/{id}/affected-users",
                reports::affected_users,
            )
            .named("get_affected_users", "Counts affected users by tenant")
            .may_answer(StatusCode::SERVICE_UNAVAILABLE, QUERY_FAILS),
            get(
                "/sys/incidents/{id}/affected-users/breakdown",
                reports::breakdown,
            )
            .named(
                "get_affected_users_breakdown",
                "Counts affected users by minute, service and endpoint",
            )
            .may_answer(StatusCode::SERVICE_UNAVAILABLE, QUERY_FAILS),
            get("/sys/incidents/{id}/affected-users/export", users::export)
                .named(
                    "export_affected_users",
                    "Exports the users whose data was lost, as a table",
                )
                .may_answer(StatusCode::CONFLICT, "no loss of data is confirmed")
                .may_answer(StatusCode::SERVICE_UNAVAILABLE, QUERY_FAILS),
            get("/sys/incidents/{id}/sla-impact", reports::sla_impact)
                .named("get_sla_impact", "Shows the credits for an incident")
                .part(Part::Sla),
            get("/sys/sla/statements", statements::list)
                .named("list_statements", "Lists statements of a month")
                .part(Part::Sla),
            post("/sys/usage-events", usage::record)
                .named("record_usage_events", "Records usage events")
                .answers(&[ACCEPTED]),
        ],
    )
}

fn ledger_rows() -> [Row; 6] {
    group(
        "figures",
        Area::Operators,
        [
            get("/sys/sla/credits", credits::list)
                .named("list_credits", "Lists the ledger of credits"),
            post("/sys/sla/credits/recompute", billing::recompute)
                .named("recompute_credits", "Recomputes the credits of a month"),
            post("/sys/sla/credits/{id}/approve", credits::approve)
                .named("approve_credit", "Approves a credit"),
            post("/sys/sla/credits/{id}/waive", credits::waive)
                .named("waive_credit", "Waives a credit"),
            get("/sys/sla/billing", billing::report)
                .named(
                    "get_billing",
                    "Compares issued credits with those in billing",
                )
                .may_answer(StatusCode::CONFLICT, "the host has no billing"),
            post("/sys/sla/billing/{batch}/resend", billing::resend)
                .named("resend_batch", "Submits a batch that was held back again")
                .answers(&[ACCEPTED]),
        ],
    )
}

fn page_rows() -> [Row; 3] {
    group(
        "pages",
        Area::Operators,
        [
            post("/sys/incidents/{id}/page", incidents::page)
                .named("page_incident", "Pages again, or an escalation rule")
                .answers(&[ACCEPTED])
                .with_version(),
            post("/sys/pages/test", pages::test)
                .named("send_test_page", "Sends a test page to each target")
                .may_answer(StatusCode::TOO_MANY_REQUESTS, "a test page is in progress"),
            post("/sys/pages/{id}/retry", pages::retry)
                .named("retry_pages", "Retries dead-lettered pages")
                .answers(&[ACCEPTED])
                .with_version(),
        ],
    )
}

fn audit_rows() -> [Row; 2] {
    group(
        "audit",
        Area::Operators,
        [
            get("/sys/audit", audit::list).named("list_audit_entries", "Lists the audit trail"),
            get("/sys/audit/verify", audit::verify).named(
                "verify_audit",
                "Verifies the audit trail and every timeline",
            ),
        ],
    )
}

fn public_rows() -> [Row; 1] {
    group(
        "public",
        Area::Public,
        [get("/public/status/active", public::active)
            .named("get_public_status", "Shows the public status page")
            .answers(&[OK, NOT_MODIFIED])],
    )
}

const CROSS_SITE: &str = "a request of another site, or over plain HTTP to another machine";
const NO_STORE: &str = "the sessions are unavailable";

fn sign_in_rows() -> [Row; 3] {
    group(
        "sign-in",
        Area::SignIn,
        [
            get("/signin", sign_in::show).named(
                "show_sign_in",
                "Shows the page to sign in, or who is signed in",
            ),
            post("/signin", sign_in::sign_in)
                .named("sign_in", "Signs a person in with a token, for browsers")
                .answers(&[SEE_OTHER])
                .may_answer(StatusCode::UNAUTHORIZED, "the token is unknown")
                .may_answer(StatusCode::FORBIDDEN, CROSS_SITE)
                .may_answer(StatusCode::TOO_MANY_REQUESTS, "too many unknown tokens")
                .may_answer(StatusCode::SERVICE_UNAVAILABLE, NO_STORE),
            post("/signout", sign_in::sign_out)
                .named(
                    "sign_out",
                    "Ends the session, or all sessions of the person",
                )
                .answers(&[SEE_OTHER])
                .may_answer(StatusCode::UNAUTHORIZED, "nobody is signed in")
                .may_answer(StatusCode::FORBIDDEN, CROSS_SITE)
                .may_answer(StatusCode::SERVICE_UNAVAILABLE, NO_STORE),
        ],
    )
}

fn webhook_rows() -> [Row; 2] {
    group(
        "webhooks",
        Area::Webhooks,
        [
            post("/hooks/pagerduty", hooks::pagerduty)
                .named("receive_pagerduty", "Receives a webhook of PagerDuty")
                .answers(&[ACCEPTED]),
            post("/hooks/opsgenie", hooks::opsgenie)
                .named("receive_opsgenie", "Receives a webhook of OpsGenie")
                .answers(&[ACCEPTED]),
        ],
    )
}

const NOT_READY: &str = "the store is unavailable, or the server stops";

fn operation_rows() -> [Row; 3] {
    let [healthz, readyz, metrics] = group(
        "operations",
        Area::Health,
        [
            get("/healthz", operations::healthz)
                .named("get_health", "Responds while the process serves"),
            get("/readyz", operations::readyz)
                .named("get_readiness", "Responds if the process can do its work")
                .may_answer(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
            get("/metrics", operations::metrics)
                .named("get_metrics", "Shows metrics in the format of Prometheus"),
        ],
    );
    [healthz, readyz, metrics.area(Area::Metrics)]
}

fn document_rows() -> [Row; 2] {
    group(
        "operations",
        Area::Document,
        [
            get("/openapi.json", documents::openapi)
                .named("get_openapi", "Shows this document")
                .answers(&[OK, NOT_MODIFIED]),
            get("/docs", documents::docs)
                .named("get_docs", "Shows this document as a page for people")
                .answers(&[OK, NOT_MODIFIED]),
        ],
    )
}

/// Returns every route of [`IncidentApi::router`](crate::IncidentApi::router), in the order of the
/// table: its method, its path and the permission that a caller needs.
#[must_use]
pub fn routes() -> Vec<RouteInfo> {
    let mut schemas = Schemas::new();
    let routes = table(Parts::ALL).into_iter().map(|row| RouteInfo {
        permission: row.operation(&mut schemas).permission(),
        is_page: matches!(row.area, Area::Web | Area::WebOpen),
        method: row.method,
        path: row.path,
    });
    routes.collect()
}

/// Builds the document of the routes of all parts.
pub(super) fn document_of_all() -> Document {
    document(Parts::ALL)
}

/// Builds the document of the routes of the parts that an engine runs.
pub(crate) fn document_of(incidents: &Incidents) -> Document {
    document(Parts::of(incidents))
}

/// Builds the document of the routes of some parts.
fn document(parts: Parts) -> Document {
    let (mut schemas, examples) = (Schemas::new(), Examples::recorded());
    let mut operations = Vec::new();
    let rows = table(parts).into_iter();
    for row in rows.filter(|row| row.area.is_documented()) {
        let operation = row.operation(&mut schemas).finish(&Stated {
            id: row.id,
            summary: row.summary,
            tag: row.tag,
            answers: row.answers,
            examples: &examples,
        });
        operations.push((row.path, row.method.as_str().to_owned(), operation));
    }
    Document::new(&assemble(operations, schemas))
}
