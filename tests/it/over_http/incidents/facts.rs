//! The facts of an incident: stated at the declaration, changed, cleared, refused and erased; and
//! the priority that a person sets.

use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use incident_core::engine::EXPORT_PAGE;
use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, BILLING, COMMANDER, RESPONDER, Server, VIEWER};
use crate::over_http::newest::newest_by_people;

/// The text that must be gone.
const SECRET: &str = "hunter2";

/// Each fact with a value at first, and another one later.
fn facts() -> [(&'static str, Value, Value); 7] {
    [
        ("channel", json!("#incident-7"), json!("Krisenraum")),
        (
            "bridge_url",
            json!("https://call.example/7"),
            json!("https://call.example/8"),
        ),
        // The meeting is in the future.
        (
            "post_mortem_at",
            json!("2026-12-01T10:00:00Z"),
            json!("2026-10-01T10:00:00Z"),
        ),
        ("vendor_reference", json!("CASE-4711"), json!("INC 12/é")),
        (
            "data_leak",
            json!({"state": "suspected", "note": "a log"}),
            json!({"state": "confirmed", "note": null}),
        ),
        ("customer_event_day", json!(true), json!(false)),
        ("priority", json!("P1"), json!("P3")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_stated_changed_and_cleared() {
    let server = Server::start().await;
    let mut body = json!({"title": "x", "severity": "SEV3"});
    for (field, first, _) in facts() {
        body[field] = first;
    }
    let made = server.post(RESPONDER, "/sys/incidents", &body).await;
    let made = made.is(201);
    let path = format!("/sys/incidents/{}", made["id"].as_str().unwrap());
    for (nth, (field, first, later)) in facts().into_iter().enumerate() {
        assert_eq!(made[field], first, "{field}");
        let change = json!({field: later});
        let changed = server.patch(RESPONDER, &path, &change).await.is(200);
        assert_eq!(changed[field], later, "{field}");
        let entry = newest_by_people(&server, &path).await;
        assert_eq!(entry["kind"], "change");
        assert_eq!(entry["changes"][0]["field"], field);
        assert_eq!(entry["changes"][0]["to"], later, "{entry}");
        let cleared = json!({field: null});
        let cleared = server.patch(RESPONDER, &path, &cleared).await.is(200);
        assert!(cleared[field].is_null(), "{field}");
        assert_eq!(cleared["version"], 3 + 2 * nth, "{field}");
    }
    // An incident that states none of them shows that none is known.
    let bare = server.declare(&json!({"severity": "SEV4"})).await;
    let bare = server.get(VIEWER, &bare).await.is(200);
    for (field, ..) in facts() {
        let known = bare.as_object().unwrap().contains_key(field);
        assert!(known && bare[field].is_null(), "{field}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_do_not_fit_name_their_field() {
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV3"})).await;
    let long = "x".repeat(201);
    for (field, wrong, pointer) in [
        ("channel", json!(long), "/channel"),
        ("channel", json!(""), "/channel"),
        ("channel", json!("\u{200b}"), "/channel"),
        ("channel", json!("#a\nb"), "/channel"),
        ("vendor_reference", json!(long), "/vendor_reference"),
        ("vendor_reference", json!("\u{2800}"), "/vendor_reference"),
        ("bridge_url", json!("http://plain.example"), "/bridge_url"),
        (
            "bridge_url",
            json!("https://a:b@call.example"),
            "/bridge_url",
        ),
        (
            "bridge_url",
            json!(format!("https://call.example/{}", "x".repeat(20_000))),
            "/bridge_url",
        ),
        ("post_mortem_at", json!("soon"), "/post_mortem_at"),
        ("post_mortem_at", json!("infinity"), "/post_mortem_at"),
        ("data_leak", json!({"state": "maybe"}), "/data_leak/state"),
        ("data_leak", json!({"note": "x"}), "/data_leak/state"),
        (
            "data_leak",
            json!({"state": "none", "note": "x".repeat(17_000)}),
            "/data_leak/note",
        ),
        ("customer_event_day", json!("yes"), "/customer_event_day"),
        ("priority", json!("P5"), "/priority"),
        ("priority", json!("SEV1"), "/priority"),
    ] {
        let change = json!({field: wrong});
        let refused = server.patch(RESPONDER, &path, &change).await;
        assert_eq!(refused.problem(422).as_deref(), Some(pointer), "{change}");
        let create = json!({"title": "x", "severity": "SEV3", field: wrong});
        let refused = server.post(RESPONDER, "/sys/incidents", &create).await;
        assert_eq!(refused.problem(422).as_deref(), Some(pointer), "{create}");
    }
    assert_eq!(server.get(VIEWER, &path).await.is(200)["version"], 1);
    server.stop().await;
}

/// A text leaves the incident and the entry that wrote it together; the state of a leak, which is
/// no free text, and its time stay.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_facts_are_erased_with_their_entry() {
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV3"})).await;
    for (field, text) in [
        ("channel", json!(SECRET)),
        (
            "bridge_url",
            json!(format!("https://call.example/{SECRET}")),
        ),
        ("vendor_reference", json!(SECRET)),
        ("data_leak", json!({"state": "confirmed", "note": SECRET})),
    ] {
        let change = json!({field: text});
        let changed = server.patch(RESPONDER, &path, &change).await.is(200);
        assert!(changed.to_string().contains(SECRET), "{field}");
        let seq = &newest_by_people(&server, &path).await["seq"];
        let redact = format!("{path}/updates/{seq}/redact");
        let reason = json!({"reason": "a secret"});
        server.post(ADMIN, &redact, &reason).await.is(200);
        let left = server.get(VIEWER, &path).await.is(200);
        let entries = server.get(VIEWER, &format!("{path}/updates")).await;
        let all = format!("{left}{}", entries.text);
        assert!(!all.contains(SECRET), "{field}: {all}");
        let kept = json!({"state": "confirmed", "note": null});
        let kept = if field == "data_leak" {
            kept
        } else {
            Value::Null
        };
        assert_eq!(left[field], kept, "{field}");
    }
    let left = server.get(VIEWER, &path).await.is(200);
    assert!(left["data_leak_suspected_at"].is_string());
    server.stop().await;
}

/// The times for the clocks are those of the engine, not what a person states.
#[tokio::test(flavor = "multi_thread")]
async fn losses_and_leaks_are_timed_by_the_engine() {
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV3"})).await;
    let change = async |field: &str, state: Value| {
        server.clock.advance(std::time::Duration::from_secs(60));
        let known = (!state.is_null()).then(|| json!({"state": state}));
        let change = json!({field: known});
        server.patch(RESPONDER, &path, &change).await.is(200)
    };
    let suspected = change("data_leak", json!("suspected")).await;
    let since = suspected["data_leak_suspected_at"].clone();
    assert!(since.is_string() && suspected["data_loss_confirmed_at"].is_null());
    let confirmed = change("data_leak", json!("confirmed")).await;
    assert_eq!(confirmed["data_leak_suspected_at"], since);
    let over = change("data_leak", json!("none")).await;
    assert!(over["data_leak_suspected_at"].is_null());
    let again = change("data_leak", json!("suspected")).await;
    assert_ne!(again["data_leak_suspected_at"], since);
    let lost = change("data_loss", json!("suspected")).await;
    assert!(lost["data_loss_confirmed_at"].is_null());
    let lost = change("data_loss", json!("confirmed")).await;
    assert!(lost["data_loss_confirmed_at"].is_string());
    let found = change("data_loss", Value::Null).await;
    assert!(found["data_loss_confirmed_at"].is_null());
    server.stop().await;
}

/// Users whose data was lost are written to; that is recorded, once the loss is confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn users_are_marked_as_notified_of_a_confirmed_loss() {
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV2"})).await;
    let notified = format!("{path}/affected-users/notified");
    let note = json!({"note": SECRET});
    let refused = server.post(RESPONDER, &notified, &note).await.is(409);
    assert_eq!(refused["code"], "data_loss_not_confirmed");
    let lost = json!({"data_loss": {"state": "confirmed"}});
    server.patch(RESPONDER, &path, &lost).await.is(200);
    for (body, pointer) in [
        (json!({}), "/note"),
        (json!({"note": " "}), "/note"),
        (json!({"note": "x".repeat(17_000)}), "/note"),
        (json!({"note": "x", "to": "all"}), "/to"),
    ] {
        let refused = server.post(RESPONDER, &notified, &body).await;
        assert_eq!(refused.problem(422).as_deref(), Some(pointer), "{body}");
    }
    assert_eq!(server.post(VIEWER, &notified, &note).await.status, 403);
    let done = server.post(RESPONDER, &notified, &note).await.is(200);
    let at = done["affected_users_notified_at"].clone();
    assert!(at.is_string(), "{done}");
    server.clock.advance(std::time::Duration::from_secs(60));
    let more = json!({"note": "a second letter"});
    let again = server.post(RESPONDER, &notified, &more).await.is(200);
    assert_eq!(again["affected_users_notified_at"], at);
    let entries = server.get(VIEWER, &format!("{path}/updates")).await.is(200);
    let all = entries["items"].as_array().unwrap();
    let entry = all.iter().find(|one| one["kind"] == "action").unwrap();
    assert_eq!(
        entry["message"],
        format!("affected users notified: {SECRET}")
    );
    let redact = format!("{path}/updates/{}/redact", entry["seq"]);
    let reason = json!({"reason": "a secret"});
    server.post(ADMIN, &redact, &reason).await.is(200);
    let left = server.get(VIEWER, &path).await.is(200);
    let entries = server.get(VIEWER, &format!("{path}/updates")).await.text;
    assert!(!format!("{left}{entries}").contains(SECRET));
    let found = json!({"data_loss": null});
    let left = server.patch(RESPONDER, &path, &found).await.is(200);
    assert!(left["affected_users_notified_at"].is_null());
    server.stop().await;
}

/// Sends usage events of users of a tenant, at one time.
async fn used(server: &Server, tenant: &str, users: impl Iterator<Item = String>) {
    let event = |user: String| {
        json!({"tenant_id": tenant, "user_id": user, "service": "api",
            "occurred_at": "2026-11-20T22:30:00Z"})
    };
    let events: Vec<Value> = users.map(event).collect();
    let sent = server
        .post(ADMIN, "/sys/usage-events", &json!(events))
        .await;
    assert_eq!(sent.status, 202, "{}", sent.text);
}

/// The users whose data was lost are exported by those who may, once the loss is confirmed, and
/// that stands in the audit trail.
#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_confirmed_loss_are_exported() {
    let server = Server::start().await;
    let body = json!({"severity": "SEV3", "started_at": "2026-11-20T22:00:00Z",
        "affected_tenants": ["club-de", "tenant-fr", "without"]});
    let path = server.declare(&body).await;
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<Vec<_>>()
    };
    let few = names(&["zoe", "=1+1", "a,\"b\"", "zoe"]);
    used(&server, "tenant-fr", few.into_iter()).await;
    // More than a page of an export has.
    let many = 2 * EXPORT_PAGE + 1;
    for first in (0..many).step_by(1_000) {
        let users = (first..many.min(first + 1_000)).map(|n| format!("u{n:05}"));
        used(&server, "club-de", users).await;
    }
    used(&server, "another", names(&["nobody"]).into_iter()).await;
    let export = format!("{path}/affected-users/export");
    let refused = server.get(COMMANDER, &export).await.is(409);
    assert_eq!(refused["code"], "data_loss_not_confirmed");
    for state in ["suspected", "confirmed"] {
        let lost = json!({"data_loss": {"state": state}});
        server.patch(RESPONDER, &path, &lost).await.is(200);
    }
    for token in [VIEWER, RESPONDER, BILLING] {
        assert_eq!(server.get(token, &export).await.status, 403);
    }
    let missing = "/sys/incidents/0190a000-0000-7000-8000-000000000000/affected-users/export";
    assert_eq!(server.get(COMMANDER, missing).await.status, 404);
    let table = server.get(COMMANDER, &export).await;
    assert_eq!(table.status, 200, "{}", table.text);
    let id = path.rsplit('/').next().unwrap();
    let (media, file) = (
        "text/csv; charset=utf-8",
        format!("attachment; filename=\"affected-users-{id}.csv\""),
    );
    assert_eq!(table.header("content-type"), Some(media));
    assert_eq!(table.header("content-disposition"), Some(&*file));
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines[0], "tenant_id,user_id");
    let expected: Vec<String> = (0..many).map(|n| format!("club-de,u{n:05}")).collect();
    assert_eq!(lines[1..=many], expected);
    // A name that a spreadsheet would compute is text.
    assert_eq!(
        lines[many + 1..],
        [
            "tenant-fr,'=1+1",
            "tenant-fr,\"a,\"\"b\"\"\"",
            "tenant-fr,zoe"
        ]
    );
    let audit = server
        .get(COMMANDER, &format!("/sys/audit?incident={id}"))
        .await;
    let audit = audit.is(200);
    let entries = audit["items"].as_array().unwrap().iter();
    let exports: Vec<_> = entries
        .filter(|one| one["action"] == "export_users")
        .map(|one| (one["outcome"].as_str().unwrap(), one["actor"].to_string()))
        .collect();
    let allowed = exports.iter().filter(|(outcome, _)| *outcome == "allowed");
    assert_eq!(allowed.count(), 1, "{exports:?}");
    assert!(exports.len() > 1, "refusals are on record: {exports:?}");
    server.stop().await;
}

/// The priority that a person sets stands in place of the derived one, with an entry and on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_priority_is_derived_unless_a_person_sets_it() {
    let server = Server::start().await;
    let levels = json!({"severity": "SEV3", "impact": "high", "urgency": "low"});
    let path = server.declare(&levels).await;
    let shown = server.get(VIEWER, &path).await.is(200);
    let seen = |shown: &Value| {
        let overridden = shown["priority_overridden"].as_bool().unwrap();
        (shown["priority"].clone(), overridden)
    };
    assert_eq!(seen(&shown), (json!("P3"), false));
    let set = json!({"priority": "P1"});
    let shown = server.patch(RESPONDER, &path, &set).await.is(200);
    assert_eq!(seen(&shown), (json!("P1"), true));
    let lower = json!({"urgency": "high"});
    let shown = server.patch(RESPONDER, &path, &lower).await.is(200);
    assert_eq!(seen(&shown), (json!("P1"), true));
    let derived = json!({"priority": null});
    let shown = server.patch(RESPONDER, &path, &derived).await.is(200);
    assert_eq!(seen(&shown), (json!("P1"), false));
    assert_eq!(shown["version"], 4);
    let refused = server.patch(VIEWER, &path, &set).await;
    assert_eq!(refused.status, 403);
    let id = path.rsplit('/').next().unwrap();
    let audit = server
        .get(COMMANDER, &format!("/sys/audit?incident={id}"))
        .await;
    let audit = audit.is(200);
    let entries = audit["items"].as_array().unwrap();
    let of_priority = entries.iter().filter(|one| {
        let fields = one["detail"]["fields"].as_str();
        fields.is_some_and(|fields| fields.contains("priority"))
    });
    assert!(of_priority.count() >= 2, "{audit}");
    // Set at the declaration, it stands in its entry.
    let path = server
        .declare(&json!({"severity": "SEV3", "priority": "P2"}))
        .await;
    let shown = server.get(VIEWER, &path).await.is(200);
    assert_eq!(seen(&shown), (json!("P2"), true));
    let entries = server.get(VIEWER, &format!("{path}/updates")).await.is(200);
    let declared = entries["items"][0]["changes"].as_array().unwrap();
    let priority = json!({"field": "priority", "to": "P2"});
    assert!(
        declared
            .iter()
            .any(|one| one["field"] == priority["field"] && one["to"] == priority["to"])
    );
    server.stop().await;
}

/// A small incident goes to the tracker instead of to a pager, and one ticket may have several.
#[tokio::test(flavor = "multi_thread")]
async fn several_incidents_share_a_ticket_and_page_nobody() {
    let server = Server::start().await;
    let ticket = "https://tracker.example/browse/OPS-12";
    let body = json!({"severity": "SEV3", "page": false, "tracker_url": ticket});
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let path = server.declare(&body).await;
        let shown = server.get(VIEWER, &path).await.is(200);
        assert_eq!(shown["tracker_url"], ticket);
        assert_eq!(shown["paging"]["state"], "none");
        assert!(!shown["deduplicated"].as_bool().unwrap());
        numbers.push(shown["number"].as_u64().unwrap());
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
    // A later one may be given the ticket that others have.
    let path = server
        .declare(&json!({"severity": "SEV3", "page": false}))
        .await;
    let change = json!({"tracker_url": ticket});
    let changed = server.patch(RESPONDER, &path, &change).await.is(200);
    assert_eq!(changed["tracker_url"], ticket);
    server.stop().await;
}

/// The team's pattern names the channel of an incident whose creator named none.
#[tokio::test(flavor = "multi_thread")]
async fn channels_are_named_by_configuration() {
    // It is 23:00 UTC on the 20th: the next day in Paris.
    for (team, expected) in [
        (
            "channel = \"#incident-{date}-{number}\"",
            "#incident-2026-11-20-001",
        ),
        (
            "channel = \"#incident-{date}\"\ntimezone = \"Europe/Paris\"",
            "#incident-2026-11-21",
        ),
    ] {
        let parts = ConsoleBuilder {
            policy: PolicyFile::parse(&format!("[team]\n{team}")).unwrap(),
            ..ConsoleBuilder::default()
        };
        let server = Server::start_with(parts).await;
        let made = async |more: Value| {
            let path = server.declare(&more).await;
            server.get(VIEWER, &path).await.is(200)["channel"].clone()
        };
        assert_eq!(made(json!({"severity": "SEV2"})).await, expected);
        let own = json!({"severity": "SEV2", "channel": "#own"});
        assert_eq!(made(own).await, "#own");
        let past = json!({"severity": "SEV2", "mode": "retrospective", "resolved_at": "2026-11-20T22:50:00Z", "started_at": "2026-11-20T22:00:00Z"});
        assert!(made(past).await.is_null());
        server.stop().await;
    }
}
