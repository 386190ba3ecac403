//! The role matrix: generated from the permission code, compared with the tables of
//! `docs/security.md`, and tested over HTTP.

use std::collections::BTreeSet;

use incident_core::actor::{Action, Permissions, Role};
use reqwest::Method;
use serde_json::{Value, json};

use super::route_lists::OPEN;
use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};

const PAGE: &str = include_str!("../../../docs/security.md");
pub(crate) const IN_ORDER: [(Role, &str); 5] = [
    (Role::Viewer, VIEWER),
    (Role::Responder, RESPONDER),
    (Role::Commander, COMMANDER),
    (Role::Billing, BILLING),
    (Role::Admin, ADMIN),
];

/// The state of the incident that a request is about.
#[derive(Clone, Copy)]
enum Of {
    /// Live, with severity SEV3.
    Live,
    Resolved,
    Cancelled,
}

/// A request and the actions that it requires.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) route: &'static str,
    pub(crate) with: &'static str,
    pub(crate) needs: &'static [Action],
    of: Of,
    body: fn(&str) -> Value,
    /// The statuses of its response for callers with these rights.
    answers: &'static [u16],
}

const fn get(route: &'static str, needs: &'static [Action], answers: &'static [u16]) -> Case {
    post(route, needs, answers, |_| Value::Null)
}

const fn post(
    route: &'static str,
    needs: &'static [Action],
    answers: &'static [u16],
    body: fn(&str) -> Value,
) -> Case {
    Case {
        route,
        with: "",
        needs,
        of: Of::Live,
        body,
        answers,
    }
}

const fn with(with: &'static str, of: Of, case: Case) -> Case {
    Case { with, of, ..case }
}

use Action as A;

const UPDATES: &str = "POST /sys/incidents/{id}/updates";
const CREATE: &str = "POST /sys/incidents";
const PATCH: &str = "PATCH /sys/incidents/{id}";
const ROLES_OF: &str = "POST /sys/incidents/{id}/roles";
const ONE: &str = "/0190a000-0000-7000-8000-000000000000";

/// Returns all requests under `/sys`, including variants that require more rights.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        get("GET /metrics", &[A::Read], &[404]),
        get("GET /sys/incidents", &[A::Read], &[200]),
        post(
            CREATE,
            &[A::Declare],
            &[201],
            |_| json!({"title": "x", "severity": "SEV3"}),
        ),
        with(
            "`page: false` on SEV1 or SEV2",
            Of::Live,
            post(
                CREATE,
                &[A::Declare, A::DeclareUnpaged],
                &[201],
                |_| json!({"title": "x", "severity": "SEV2", "page": false}),
            ),
        ),
        with(
            "`mode: retrospective` without an end",
            Of::Live,
            post(
                CREATE,
                &[A::Declare, A::DeclareUnpaged],
                &[201],
                |_| json!({"title": "x", "severity": "SEV3", "mode": "retrospective"}),
            ),
        ),
        with(
            "more than 60 months, and a `reason`",
            Of::Live,
            post(
                CREATE,
                &[A::Declare, A::LongOutage],
                &[201],
                |_| json!({"title": "x", "severity": "SEV3", "started_at": "2001-01-01T00:00:00Z", "reason": "old"}),
            ),
        ),
        post(
            "POST /sys/classify",
            &[A::Read],
            &[200],
            |_| json!({"service_down": true}),
        ),
        get("GET /sys/incidents/suggestions", &[A::Read], &[200]),
        post(
            "POST /sys/incidents/suggestions",
            &[A::Suggest],
            &[200, 201],
            |_| json!({"service": "api", "tenant": "t", "signal": "x", "observed_at": "2026-11-20T22:00:00Z"}),
        ),
        post(
            "POST /sys/incidents/suggestions/{id}/dismiss",
            &[A::DismissSuggestion],
            &[404],
            |_| json!({}),
        ),
        get("GET /sys/incidents/{id}", &[A::Read], &[200]),
        post(PATCH, &[A::Change], &[200], |_| json!({"title": "y"})),
        with(
            "a lower severity",
            Of::Live,
            post(
                PATCH,
                &[A::Change, A::LowerSeverity],
                &[200],
                |_| json!({"severity": "SEV4"}),
            ),
        ),
        with(
            "an incident that has ended",
            Of::Cancelled,
            post(
                PATCH,
                &[A::Change, A::CorrectEnded],
                &[200],
                |_| json!({"title": "y"}),
            ),
        ),
        with(
            "more than 60 months, and a `reason`",
            Of::Live,
            post(
                PATCH,
                &[A::Change, A::LongOutage],
                &[200],
                |_| json!({"started_at": "2001-01-01T00:00:00Z", "reason": "old"}),
            ),
        ),
        get("GET /sys/incidents/{id}/tenants", &[A::Read], &[200]),
        post(
            "POST /sys/incidents/{id}/acknowledge",
            &[A::Acknowledge],
            &[200],
            |_| json!({}),
        ),
        post(
            "POST /sys/incidents/{id}/page",
            &[A::Page],
            &[202],
            |_| json!({"reason": "x"}),
        ),
        post(
            "POST /sys/incidents/{id}/public",
            &[A::Publish],
            &[200],
            |_| json!({"public": true}),
        ),
        // 409: no loss of data is confirmed.
        post(
            "POST /sys/incidents/{id}/affected-users/notified",
            &[A::Change],
            &[200, 409],
            |_| json!({"note": "a letter"}),
        ),
        // 409: no leak of data is suspected.
        post(
            "POST /sys/incidents/{id}/authority/notified",
            &[A::Change],
            &[200, 409],
            |_| json!({"note": "a form"}),
        ),
        post(
            "POST /sys/incidents/{id}/post-mortem",
            &[A::LinkPostMortem],
            &[200],
            |_| json!({"url": "https://wiki.example/"}),
        ),
        get("GET /sys/incidents/{id}/updates", &[A::Read], &[200]),
        post(UPDATES, &[A::Update], &[201], |_| json!({"message": "x"})),
        with(
            "a lower severity",
            Of::Live,
            post(
                UPDATES,
                &[A::Update, A::LowerSeverity],
                &[201],
                |_| json!({"message": "x", "severity": "SEV4"}),
            ),
        ),
        with(
            "`status: closed`",
            Of::Resolved,
            post(
                UPDATES,
                &[A::Update, A::Close],
                &[201],
                |_| json!({"message": "x", "status": "closed"}),
            ),
        ),
        with(
            "`status: cancelled`",
            Of::Live,
            post(
                UPDATES,
                &[A::Update, A::Cancel],
                &[201],
                |_| json!({"message": "x", "status": "cancelled", "reason": "external"}),
            ),
        ),
        with(
            "`status: merged`",
            Of::Live,
            post(
                UPDATES,
                &[A::Update, A::Merge],
                &[201],
                |other| json!({"message": "x", "status": "merged", "merged_into": other}),
            ),
        ),
        with(
            "`status: investigating` after a resolution",
            Of::Resolved,
            post(
                UPDATES,
                &[A::Update, A::Reopen],
                &[201],
                |_| json!({"message": "x", "status": "investigating", "reason": "again"}),
            ),
        ),
        with(
            "a correction of an incident that has ended",
            Of::Cancelled,
            post(
                UPDATES,
                &[A::Update, A::CorrectEnded],
                &[201],
                |_| json!({"message": "x", "kind": "correction", "corrects": 1}),
            ),
        ),
        post(
            "POST /sys/incidents/{id}/updates/{seq}/redact",
            &[A::Redact],
            &[200],
            |_| json!({"reason": "x"}),
        ),
        post(
            ROLES_OF,
            &[A::Change],
            &[200],
            |_| json!({"action": "assume", "role": "scribe"}),
        ),
        with(
            "a role of another person",
            Of::Live,
            post(
                ROLES_OF,
                &[A::Change, A::OverrideRole],
                &[200],
                |_| json!({"action": "hand_over", "role": "incident_commander", "to": "eve", "note": "x"}),
            ),
        ),
        post(
            "POST /sys/incidents/{id}/approvals",
            &[A::Update],
            // The commander of the incident gives approvals and requests none.
            &[201, 409],
            |_| json!({"text": "roll back"}),
        ),
        post(
            "POST /sys/incidents/{id}/approvals/{number}/approve",
            &[A::Update],
            &[404],
            |_| json!({}),
        ),
        post(
            "POST /sys/incidents/{id}/approvals/{number}/refuse",
            &[A::Update],
            &[404],
            |_| json!({"reason": "x"}),
        ),
        post(
            "POST /sys/incidents/{id}/approvals/{number}/withdraw",
            &[A::Update],
            &[404],
            |_| json!({"reason": "x"}),
        ),
        get("GET /sys/due", &[A::Read], &[200]),
        get("GET /sys/incidents/{id}/due", &[A::Read], &[200]),
        get("GET /sys/incidents/{id}/checklists", &[A::Read], &[200]),
        post(
            "POST /sys/incidents/{id}/checklists/{name}/{item}",
            &[A::Update],
            &[200],
            |_| json!({}),
        ),
        get(
            "GET /sys/incidents/{id}/timeline/verify",
            &[A::Read],
            &[200],
        ),
        get("GET /sys/incidents/{id}/affected-users", &[A::Read], &[200]),
        get(
            "GET /sys/incidents/{id}/affected-users/breakdown",
            &[A::Read],
            &[200],
        ),
        // 409: no loss of data is confirmed.
        get(
            "GET /sys/incidents/{id}/affected-users/export",
            &[A::ExportUsers],
            &[200, 409],
        ),
        get("GET /sys/incidents/{id}/sla-impact", &[A::Read], &[200]),
        post("POST /sys/pages/test", &[A::Page], &[200, 429], |_| {
            json!({})
        }),
        post(
            "POST /sys/pages/{id}/retry",
            &[A::Page],
            &[404, 409],
            |_| json!({}),
        ),
        get("GET /sys/sla/statements", &[A::Read], &[200]),
        get("GET /sys/sla/credits", &[A::Read], &[200]),
        post(
            "POST /sys/sla/credits/recompute",
            &[A::DecideCredit],
            &[200],
            |_| json!({"month": "2026-11"}),
        ),
        get("GET /sys/sla/billing", &[A::Read], &[200, 409]),
        post(
            "POST /sys/sla/billing/{batch}/resend",
            &[A::DecideCredit],
            &[404],
            |_| json!({}),
        ),
        post(
            "POST /sys/sla/credits/{id}/approve",
            &[A::DecideCredit],
            &[404],
            |_| json!({}),
        ),
        post(
            "POST /sys/sla/credits/{id}/waive",
            &[A::DecideCredit],
            &[404],
            |_| json!({"reason": "x"}),
        ),
        post("POST /sys/usage-events", &[A::RecordUsage], &[202], |_| {
            json!([])
        }),
        get("GET /sys/events", &[A::Read], &[200]),
        get("GET /sys/audit", &[A::ReadAudit], &[200]),
        get("GET /sys/audit/verify", &[A::ReadAudit], &[200]),
    ]
}

pub(crate) fn allowed(role: Role, needs: &[Action]) -> bool {
    let table = Permissions::default();
    needs.iter().all(|action| table.allows(role, *action))
}

fn cells(needs: &[Action]) -> String {
    let cell = |role| if allowed(role, needs) { "yes" } else { "-" };
    IN_ORDER.map(|(role, _)| cell(role)).join(" | ")
}

const ROLES: &str = "viewer | responder | commander | billing | admin |";

/// Returns the table of actions, generated from the permission code.
fn actions() -> Vec<String> {
    let rows = Action::ALL.map(|action| format!("| `{}` | {} |", action.name(), cells(&[action])));
    [
        format!("| action | {ROLES}"),
        "|---|---|---|---|---|---|".to_owned(),
    ]
    .into_iter()
    .chain(rows)
    .collect()
}

/// Returns the table of requests.
fn requests() -> Vec<String> {
    let row = |case: &Case| {
        let needs: Vec<String> = case
            .needs
            .iter()
            .map(|one| format!("`{}`", one.name()))
            .collect();
        let with = if case.with.is_empty() {
            String::new()
        } else {
            format!(", {}", case.with)
        };
        format!(
            "| `{}`{with} | {} | {} |",
            case.route,
            needs.join(", "),
            cells(case.needs)
        )
    };
    let head = [
        format!("| request | needs | {ROLES}"),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    head.into_iter().chain(cases().iter().map(row)).collect()
}

/// Returns the tables of the page, in order.
fn tables() -> Vec<Vec<String>> {
    let mut tables: Vec<Vec<String>> = vec![Vec::new()];
    for line in PAGE.lines() {
        match (line.starts_with('|'), tables.last_mut()) {
            (true, Some(table)) => table.push(line.to_owned()),
            (false, Some(table)) if !table.is_empty() => tables.push(Vec::new()),
            _ => {}
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

/// The generated matrix equals the documented one; it is printed for copying.
#[test]
fn the_matrix_of_roles_is_the_documented_one() {
    let made = [actions(), requests()];
    for table in &made {
        println!("{}\n", table.join("\n"));
    }
    let documented = tables();
    for (made, documented) in made.iter().zip(&documented) {
        assert_eq!(made, documented);
    }
    assert_eq!(documented.len(), 2);
    for open in OPEN {
        assert!(PAGE.contains(&format!("`{open}`")), "{open}");
    }
    let names: BTreeSet<String> = Role::ALL.map(|(_, name)| name.to_owned()).into();
    let columns: BTreeSet<String> = IN_ORDER.map(|(role, _)| role.to_string()).into();
    assert_eq!(names, columns);
}

/// Declares an incident of SEV3 and brings it into a state.
async fn made(server: &Server, of: Of) -> String {
    let path = server.declare(&json!({"severity": "SEV3"})).await;
    let end = match of {
        Of::Live => return path,
        Of::Resolved => json!({"message": "x", "status": "resolved"}),
        Of::Cancelled => json!({"message": "x", "status": "cancelled", "reason": "external"}),
    };
    server.update(COMMANDER, &path, &end).await;
    path
}

pub(crate) async fn status_of(server: &Server, case: &Case, token: &str) -> u16 {
    let (path, other) = (made(server, case.of).await, made(server, Of::Live).await);
    let (method, route) = case.route.split_once(' ').unwrap();
    let route = route
        .replace("/sys/incidents/{id}", &path)
        .replace("/{seq}", "/1")
        .replace("/{number}", "/1")
        .replace("/{name}/{item}", "/triage/severity_set")
        .replace("/{id}", ONE)
        .replace("/{batch}", ONE);
    let other = other.rsplit('/').next().unwrap();
    let body = (case.body)(other);
    let body = (!body.is_null()).then(|| body.to_string().into_bytes());
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    // A stream has no end.
    let response = server.response(method, token, &route, &[], body).await;
    response.status().as_u16()
}

/// Every request in every role, and without a token: allowed callers get a response, others are
/// refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_matrix_of_roles_is_true_over_http() {
    let server = Server::start().await;
    for case in cases() {
        for (role, token) in IN_ORDER {
            let status = status_of(&server, &case, token).await;
            let what = format!("{} {} as {role}: {status}", case.route, case.with);
            if allowed(role, case.needs) {
                assert!(case.answers.contains(&status), "{what}");
            } else {
                assert_eq!(status, 403, "{what}");
            }
        }
        for token in ["", "unknown-token-0123456789"] {
            let status = status_of(&server, &case, token).await;
            // After many wrong tokens a request with another one is throttled.
            let is_refused = status == 401 || (status == 429 && !token.is_empty());
            assert!(is_refused, "{}: {status}", case.route);
        }
    }
    for open in OPEN {
        let (method, route) = open.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = server.send(method, "", route, &[], None).await.status;
        // Webhooks are closed until they have a secret.
        let expected = match open {
            "POST /hooks/opsgenie" | "POST /hooks/pagerduty" => 404,
            // It needs a form.
            "POST /signin" => 415,
            "POST /signout" => 303,
            // There is none of this name.
            "GET /status/assets/{name}" | "GET /status/incidents/{id}" => 404,
            _ => 200,
        };
        assert_eq!(status, expected, "{open}");
    }
    server.stop().await;
}
