//! P2, P3, A5: a repeated alert matches only an incident that would page for it.

use std::time::Duration;

use incident_core::incident::Severity;
use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, at};

pub(crate) fn alert(severity: &str, more: &Value) -> Value {
    let mut body = json!({"title": "cpu of api-1", "severity": severity, "alert_key": "cpu", "source": "monitoring"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub(crate) async fn send(
    server: &Server,
    token: &str,
    severity: &str,
    more: &Value,
) -> (u16, Value) {
    let answer = server
        .post(token, "/sys/incidents", &alert(severity, more))
        .await;
    (answer.status, answer.json())
}

pub(crate) fn path(incident: &Value) -> String {
    format!("/sys/incidents/{}", incident["id"].as_str().unwrap())
}

pub(crate) async fn entries(server: &Server, incident: &Value, holding: &str) -> Vec<String> {
    let updates = format!("{}/updates?limit=200", path(incident));
    let all = server.get(VIEWER, &updates).await.is(200);
    let texts = all["items"].as_array().unwrap().iter();
    let texts = texts.map(|entry| entry["message"].as_str().unwrap().to_owned());
    texts.filter(|text| text.contains(holding)).collect()
}

/// Returns the kinds of incidents that may hold an alert: the table of design 3.
fn kinds() -> [(&'static str, Value); 5] {
    [
        ("paged", json!({})),
        ("unpaged", json!({"page": false})),
        ("drill", json!({"mode": "drill", "page": true})),
        ("retrospective", json!({"mode": "retrospective"})),
        ("staging", json!({"environment": "staging"})),
    ]
}

/// P2: a drill, a retrospective or staging incident, and one without a page, never absorb an alert
/// that would page; an incident that qualifies does. All pairs.
#[tokio::test]
async fn only_an_incident_that_would_page_for_an_alert_stands_for_it() {
    for (held, holder) in kinds() {
        for (newer, newcomer) in kinds() {
            let server = Server::start().await;
            let (status, first) = send(&server, COMMANDER, "SEV1", &holder).await;
            assert_eq!(status, 201);
            let (status, second) = send(&server, COMMANDER, "SEV1", &newcomer).await;
            let stands = matches!(
                (held, newer),
                ("paged", "paged" | "unpaged") | ("unpaged", "unpaged") | ("staging", "staging")
            );
            assert_eq!(status, if stands { 200 } else { 201 }, "{held} {newer}");
            assert_eq!(second["deduplicated"], stands);
            assert_eq!(first["id"] == second["id"], stands);
            let paged =
                ["paged", "drill", "staging"].contains(&newer) || stands && held != "unpaged";
            let state = &second["paging"]["state"];
            assert_eq!(state != "none", paged, "{held} {newer}: {state}");
            if !stands {
                let first = server.get(VIEWER, &path(&first)).await.is(200);
                assert_eq!(first["related"], json!([second["id"]]), "{held} {newer}");
                assert_eq!(second["related"], json!([first["id"]]));
                assert_eq!(
                    entries(&server, &first, "for the same alert").await.len(),
                    1
                );
                // Linking is not an edit.
                assert_eq!(first["version"], 1);
            }
            // The new incident takes the key if both are of the same environment and live.
            let (_, third) = send(&server, COMMANDER, "SEV1", &json!({})).await;
            let expected = match (held, newer) {
                (_, "paged") => &second,
                ("paged", _) => &first,
                _ => &third,
            };
            assert_eq!(third["deduplicated"], newer == "paged" || held == "paged");
            assert_eq!(third["id"], expected["id"], "{held} {newer}");
            server.stop().await;
        }
    }
}

/// P3: a worse severity raises the incident that stands for the alert, and pages like a raise;
/// severity never falls by itself. Repeats become entries at the first one, at every raise, and
/// then at most once in ten minutes, with their number.
#[tokio::test]
async fn a_worse_repeat_raises_and_pages_and_repeats_are_counted() {
    let server = Server::start().await;
    let (_, first) = send(&server, RESPONDER, "SEV4", &json!({})).await;
    server.paged(&path(&first), "accepted").await;
    assert_eq!(server.pager.wakes(), 1);
    // Minutes since the previous alert, its severity, and whether an entry is expected.
    let mut count = 0;
    for (minutes, severity, noted) in [
        (1, "SEV4", true),
        (1, "SEV4", false),
        (8, "SEV4", false),
        (1, "SEV4", true),
        (1, "SEV3", true),
        (1, "SEV4", false),
        (1, "SEV1", true),
        (1, "SEV1", false),
        (1, "SEV2", false),
        (7, "SEV4", false),
        (1, "SEV4", true),
    ] {
        server.clock.advance(Duration::from_secs(minutes * 60));
        let before = entries(&server, &first, "fired again").await.len();
        let (status, answer) = send(&server, RESPONDER, severity, &json!({})).await;
        count += 1;
        assert_eq!((status, &answer["id"]), (200, &first["id"]));
        assert_eq!(answer["alert_repeats"], count);
        let after = entries(&server, &first, "fired again").await;
        assert_eq!(after.len() - before, usize::from(noted), "{count}");
        if noted {
            let so_far = if count == 1 {
                "once so far".to_owned()
            } else {
                format!("{count} times so far")
            };
            assert!(after.last().unwrap().contains(&so_far), "{after:?}");
        }
    }
    let now = server.get(VIEWER, &path(&first)).await.is(200);
    assert_eq!(
        (now["severity"].as_str(), now["version"].as_u64()),
        (Some("SEV1"), Some(3))
    );
    // The quiet alert was closed and a loud one opened.
    let paged = server.paged(&path(&first), "accepted").await;
    assert_eq!(paged["paging"]["epoch"], 2);
    for _ in 0..500 {
        if server.pager.wakes() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.pager.wakes(), 2);
    let worst = server.pager.sent().iter().map(|page| page.severity).min();
    assert_eq!(worst, Some(Severity::Sev1));
    server.stop().await;
}

/// A5: after the end of the incident that stood for it, an alert opens a new incident, even if the
/// end comes concurrently.
#[tokio::test]
async fn an_alert_is_never_answered_with_an_incident_that_is_over() {
    let server = std::sync::Arc::new(Server::start().await);
    let mut over = 0;
    for _ in 0..25 {
        let (_, first) = send(&server, COMMANDER, "SEV1", &json!({})).await;
        let resolve = {
            let (server, updates) = (server.clone(), format!("{}/updates", path(&first)));
            tokio::spawn(async move {
                let body = json!({"message": "over", "status": "resolved"});
                server.post(COMMANDER, &updates, &body).await.is(201);
            })
        };
        let again = {
            let server = server.clone();
            tokio::spawn(async move { send(&server, COMMANDER, "SEV1", &json!({})).await })
        };
        resolve.await.unwrap();
        let (status, answer) = again.await.unwrap();
        if status == 200 {
            // The incident was still live then, and the alert is in its timeline.
            assert_eq!(answer["id"], first["id"]);
            assert!(answer["resolved_at"].is_null(), "{answer}");
            assert_eq!(entries(&server, &first, "fired again").await.len(), 1);
        } else {
            over += 1;
            assert_eq!((status, &answer["paging"]["epoch"]), (201, &json!(1)));
            let body = json!({"message": "over", "status": "resolved"});
            server
                .post(COMMANDER, &format!("{}/updates", path(&answer)), &body)
                .await
                .is(201);
        }
    }
    eprintln!("the alert came after the end {over} times of 25");
}

/// Two SEV1 alerts and a drill at once become one SEV1 that is paged, and a drill; all are linked.
#[tokio::test]
async fn two_alerts_and_a_drill_at_once_make_one_incident_and_a_drill() {
    let server = std::sync::Arc::new(Server::start().await);
    for round in 0..20 {
        let key = format!("disk {round}");
        let one = |more: Value| {
            let (server, mut body) = (server.clone(), alert("SEV1", &more));
            body["alert_key"] = json!(key);
            tokio::spawn(async move {
                let answer = server.post(RESPONDER, "/sys/incidents", &body).await;
                (answer.status, answer.json())
            })
        };
        let started = [json!({}), json!({"mode": "drill"}), json!({})].map(one);
        let mut answers = Vec::new();
        for answer in started {
            answers.push(answer.await.unwrap());
        }
        let ids: Vec<&Value> = answers.iter().map(|(_, answer)| &answer["id"]).collect();
        assert_eq!(ids[0], ids[2], "{answers:?}");
        assert_ne!(ids[0], ids[1]);
        let mut statuses = [answers[0].0, answers[2].0];
        statuses.sort_unstable();
        assert_eq!((statuses, answers[1].0), ([200, 201], 201));
        for (one, other) in [(0, 1), (1, 0)] {
            let now = server.get(VIEWER, &path(&answers[one].1)).await.is(200);
            assert_eq!(now["related"], json!([ids[other]]));
            assert_eq!(now["alert_repeats"], u64::from(one == 0));
        }
    }
}

/// A merge and an alert at once: the alert matches one of the two incidents, never none.
#[tokio::test]
async fn a_merge_moves_the_key_and_no_alert_falls_between() {
    let server = std::sync::Arc::new(Server::start().await);
    for round in 0..15 {
        let key = json!({"alert_key": format!("net {round}")});
        let (_, source) = send(&server, COMMANDER, "SEV1", &key).await;
        let target = server
            .declare(&json!({"severity": "SEV1", "alert_key": format!("own {round}")}))
            .await;
        let merge = {
            let (server, updates) = (server.clone(), format!("{}/updates", path(&source)));
            let into = target.rsplit('/').next().unwrap().to_owned();
            tokio::spawn(async move {
                let body = json!({"message": "the same", "status": "merged", "merged_into": into});
                server.post(COMMANDER, &updates, &body).await.is(201);
            })
        };
        let again = {
            let (server, key) = (server.clone(), key.clone());
            tokio::spawn(async move { send(&server, RESPONDER, "SEV1", &key).await })
        };
        merge.await.unwrap();
        let (status, answer) = again.await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let ids = [path(&source), target.clone()];
        assert!(ids.contains(&path(&answer)));
        // From now on the target stands for both alerts.
        for name in ["net", "own"] {
            let key = json!({"alert_key": format!("{name} {round}")});
            let (status, answer) = send(&server, RESPONDER, "SEV1", &key).await;
            assert_eq!((status, path(&answer)), (200, target.clone()));
        }
    }
}

/// A page that became a dead letter is tried again when its alert repeats, at most once in ten
/// minutes.
#[tokio::test]
async fn an_alert_pages_again_where_the_page_before_was_given_up() {
    use incident_core::paging::{DeliveryResult, NotSent, NotSentReason};
    let server = Server::start().await;
    let refused = DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Unauthorized,
        retry_after: None,
    });
    server.pager.script([refused.clone(), refused]);
    let (_, first) = send(&server, RESPONDER, "SEV1", &json!({})).await;
    server.paged(&path(&first), "given_up").await;
    let (_, again) = send(&server, RESPONDER, "SEV1", &json!({})).await;
    assert_eq!(
        (again["id"] == first["id"], &again["paging"]["epoch"]),
        (true, &json!(2))
    );
    // A pager that refused the key is tried again a second later.
    for _ in 0..500 {
        if server.pager.sent().len() == 2 {
            break;
        }
        server.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.paged(&path(&first), "given_up").await;
    let (_, again) = send(&server, RESPONDER, "SEV1", &json!({})).await;
    assert_eq!(again["paging"]["epoch"], 2);
    server.clock.advance(Duration::from_secs(601));
    send(&server, RESPONDER, "SEV1", &json!({})).await;
    assert_eq!(
        server.paged(&path(&first), "accepted").await["paging"]["epoch"],
        3
    );
    assert_eq!(server.pager.wakes(), 1);
    server.stop().await;
}

/// P4: by default SEV1 and SEV2 page when they are reopened; SEV3 and SEV4 do not, and the incident
/// shows it.
#[tokio::test]
async fn a_reopened_incident_says_what_its_page_is() {
    let server = Server::start().await;
    for (severity, paged) in [
        ("SEV1", true),
        ("SEV2", true),
        ("SEV3", false),
        ("SEV4", false),
    ] {
        let path = server.declare(&json!({"severity": severity})).await;
        server.paged(&path, "accepted").await;
        let acknowledge = format!("{path}/acknowledge");
        server
            .post(RESPONDER, &acknowledge, &json!({}))
            .await
            .is(200);
        let updates = format!("{path}/updates");
        let wakes = server.pager.wakes();
        let over = json!({"message": "over", "status": "resolved"});
        server.post(RESPONDER, &updates, &over).await.is(201);
        let back = json!({"message": "back", "status": "investigating", "reason": "errors again"});
        server.post(COMMANDER, &updates, &back).await.is(201);
        let now = if paged {
            server.paged(&path, "accepted").await
        } else {
            server.paged(&path, "none").await
        };
        assert_eq!(now["paging"]["epoch"], 2, "{severity}");
        assert_eq!(now["paging"]["accepted_at"].is_null(), !paged);
        assert_eq!(server.pager.wakes(), wakes + u64::from(paged), "{severity}");
        // A new acknowledgement applies to it.
        server.clock.advance(Duration::from_secs(1));
        let taken = server
            .post(RESPONDER, &acknowledge, &json!({}))
            .await
            .is(200);
        assert!(taken["version"].as_u64() > now["version"].as_u64());
    }
    server.stop().await;
}

/// A page that could not be resolved yet is still resolved after a reopen that does not page.
#[tokio::test]
async fn a_reopen_that_pages_nobody_leaves_no_alert_open() {
    use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, PageAction};
    let server = Server::start().await;
    let path = server.declare(&json!({"severity": "SEV3"})).await;
    server.paged(&path, "accepted").await;
    let away = DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::Unreachable,
        retry_after: None,
    });
    // Longer than an older page may delay a newer one, if there is one.
    server.pager.script(vec![away; 8]);
    let updates = format!("{path}/updates");
    for body in [
        json!({"message": "over", "status": "resolved"}),
        json!({"message": "back", "status": "investigating", "reason": "errors again"}),
    ] {
        server.post(COMMANDER, &updates, &body).await.is(201);
    }
    let resolved = || {
        let sent = server.pager.sent();
        sent.iter()
            .filter(|page| page.action == PageAction::Resolve)
            .count()
    };
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.clock.advance(Duration::from_secs(5));
        if resolved() >= 9 {
            break;
        }
    }
    assert!(resolved() >= 9);
    server.stop().await;
}

/// S17 and similar cases: the roles that may avoid paging. One row per way, one column per role.
#[tokio::test]
async fn only_a_commander_declares_what_pages_nobody_and_may_be_going_on() {
    let server = Server::start().await;
    let ended = at("2026-11-20T22:30:00Z").to_string();
    let began = at("2026-11-20T22:00:00Z").to_string();
    for (way, body, responder) in [
        ("pages", json!({"severity": "SEV1"}), 201),
        (
            "page: false, SEV1",
            json!({"severity": "SEV1", "page": false}),
            403,
        ),
        (
            "page: false, SEV2",
            json!({"severity": "SEV2", "page": false}),
            403,
        ),
        (
            "page: false, SEV3",
            json!({"severity": "SEV3", "page": false}),
            201,
        ),
        (
            "page: false with a key",
            json!({"severity": "SEV1", "page": false, "alert_key": "a"}),
            403,
        ),
        (
            "retrospective without an end",
            json!({"severity": "SEV1", "mode": "retrospective"}),
            403,
        ),
        (
            "of SEV4 too",
            json!({"severity": "SEV4", "mode": "retrospective"}),
            403,
        ),
        (
            "with a start only",
            json!({"severity": "SEV1", "mode": "retrospective", "started_at": began}),
            403,
        ),
        (
            "its impact ended",
            json!({"severity": "SEV1", "mode": "retrospective", "started_at": began, "impact_ended_at": ended}),
            201,
        ),
        (
            "it was resolved",
            json!({"severity": "SEV1", "mode": "retrospective", "started_at": began, "resolved_at": ended}),
            201,
        ),
        ("a drill", json!({"severity": "SEV1", "mode": "drill"}), 201),
    ] {
        let mut body = body;
        body["title"] = json!(way);
        let answer = server.post(RESPONDER, "/sys/incidents", &body).await;
        assert_eq!(answer.status, responder, "{way}: {}", answer.text);
        let commander = server.post(COMMANDER, "/sys/incidents", &body).await;
        assert_eq!(commander.status, 201, "{way}: {}", commander.text);
        assert_eq!(
            server.post(VIEWER, "/sys/incidents", &body).await.status,
            403
        );
        let incident = commander.json();
        let over = way == "it was resolved";
        assert_eq!(incident["status"], if over { "resolved" } else { "triage" });
        if over {
            assert_eq!(incident["resolved_at"], ended);
            let report = server
                .get(VIEWER, &format!("{}/sla-impact", path(&incident)))
                .await
                .is(200);
            assert_eq!(report["provisional"], false);
        }
    }
    for (body, pointer) in [
        (
            json!({"mode": "live", "resolved_at": ended}),
            "/resolved_at",
        ),
        (
            json!({"mode": "drill", "resolved_at": ended}),
            "/resolved_at",
        ),
        (
            json!({"mode": "retrospective", "started_at": ended, "resolved_at": began}),
            "/resolved_at",
        ),
        (
            json!({"mode": "retrospective", "started_at": ended, "impact_ended_at": began}),
            "/impact_ended_at",
        ),
        (
            json!({"mode": "retrospective", "resolved_at": "2026-11-20T23:02:00Z"}),
            "/resolved_at",
        ),
        (
            json!({"impact_ended_at": "2026-11-20T23:02:00Z"}),
            "/impact_ended_at",
        ),
    ] {
        let mut body = body;
        body["title"] = json!("odd");
        body["severity"] = json!("SEV2");
        let answer = server.post(COMMANDER, "/sys/incidents", &body).await;
        assert_eq!(answer.problem(422).as_deref(), Some(pointer));
    }
    server.stop().await;
}

/// P3: a storm of one alert is counted completely, and no request is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_one_alert_is_one_incident_that_counts_all_of_it() {
    let server = std::sync::Arc::new(Server::start().await);
    let storm = (0..150).map(|n| {
        let server = server.clone();
        tokio::spawn(async move {
            let severity = if n % 3 == 0 { "SEV2" } else { "SEV3" };
            send(&server, RESPONDER, severity, &json!({})).await
        })
    });
    let (mut made, mut repeats) = (0, 0);
    let mut id = Value::Null;
    for answer in storm.collect::<Vec<_>>() {
        let (status, answer) = answer.await.unwrap();
        made += u32::from(status == 201);
        repeats += u64::from(status == 200);
        id = answer["id"].clone();
    }
    assert_eq!((made, repeats), (1, 149));
    let path = format!("/sys/incidents/{}", id.as_str().unwrap());
    let now = server.get(VIEWER, &path).await.is(200);
    assert_eq!(
        (&now["alert_repeats"], &now["severity"]),
        (&json!(149), &json!("SEV2"))
    );
}
