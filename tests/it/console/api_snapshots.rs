//! Snapshots of every JSON response, and of the hashed bytes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::over_http::harness::{ADMIN, COMMANDER, RESPONDER, Server, VIEWER};

/// Replaces the values that differ between runs.
fn settled(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.len() == 64
                && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                && text.bytes().any(|byte| byte != b'0')
            {
                *text = "[hash]".to_owned();
            }
            let ids: Vec<String> = uuids(text);
            for id in ids {
                *text = text.replace(&id, "[id]");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settled),
        Value::Object(map) => map.values_mut().for_each(settled),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn uuids(text: &str) -> Vec<String> {
    let is_uuid =
        |part: &str| part.len() == 36 && part.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    (0..text.len().saturating_sub(35))
        .filter_map(|at| text.get(at..at + 36))
        .filter(|part| is_uuid(part))
        .map(str::to_owned)
        .collect()
}

fn shape(mut value: Value) -> Value {
    settled(&mut value);
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_is_as_it_was() {
    let server = Server::start().await;
    let suggestion = json!({"service": "api", "tenant": "tenant-fr", "signal": "error_rate", "observed_at": "2026-11-20T22:00:00Z", "evidence": "5xx"});
    let suggested = server
        .post(RESPONDER, "/sys/incidents/suggestions", &suggestion)
        .await
        .is(201);
    insta::assert_json_snapshot!("suggestion", shape(suggested.clone()));
    let mut draft = suggested["draft"].clone();
    draft["responder"] = json!("anna");
    draft["labels"] = json!({"team": "core"});
    draft["data_loss"] = json!({"state": "suspected", "note": "a table"});
    let declared = server
        .post(COMMANDER, "/sys/incidents", &draft)
        .await
        .is(201);
    let path = format!("/sys/incidents/{}", declared["id"].as_str().unwrap());
    let shown = server.paged(&path, "accepted").await;
    insta::assert_json_snapshot!("incident", shape(shown));
    server.clock.advance(Duration::from_secs(60));
    let update = json!({"message": "looking", "status": "investigating", "public_message": "We are on it.",
        "comms_sent": {"channel": "#ops", "audience": "internal", "summary": "told the team"}});
    insta::assert_json_snapshot!(
        "entry",
        shape(
            server
                .post(COMMANDER, &format!("{path}/updates"), &update)
                .await
                .is(201)
        )
    );
    server
        .post(
            COMMANDER,
            &format!("{path}/public"),
            &json!({"public": true, "title": "Errors", "message": "Hello."}),
        )
        .await
        .is(200);
    insta::assert_json_snapshot!(
        "public_page",
        shape(server.get("", "/public/status/active").await.is(200))
    );
    let events = json!([{"tenant_id": "tenant-fr", "user_id": "u", "service": "api", "occurred_at": "2026-11-20T22:30:00Z"}]);
    insta::assert_json_snapshot!(
        "usage_events",
        server
            .post(RESPONDER, "/sys/usage-events", &events)
            .await
            .is(202)
    );
    let end =
        json!({"message": "over", "status": "resolved", "occurred_at": "2026-11-20T22:50:00Z"});
    server
        .post(COMMANDER, &format!("{path}/updates"), &end)
        .await
        .is(201);
    for (name, route) in [
        ("list", "/sys/incidents?status=all".to_owned()),
        ("timeline_verify", format!("{path}/timeline/verify")),
        ("affected_users", format!("{path}/affected-users")),
        (
            "affected_users_breakdown",
            format!("{path}/affected-users/breakdown"),
        ),
        ("sla_impact", format!("{path}/sla-impact")),
        ("credits", "/sys/sla/credits".to_owned()),
    ] {
        let value = server.get(VIEWER, &route).await.is(200);
        if name != "list" && name != "timeline_verify" {
            insta::assert_json_snapshot!(name, shape(value));
        } else {
            // The outcomes of pages arrive at varying times.
            let names: Vec<&String> = value.as_object().unwrap().keys().collect();
            insta::assert_json_snapshot!(name, names);
        }
    }
    let audit = server.get(ADMIN, "/sys/audit?limit=1").await.is(200);
    insta::assert_json_snapshot!("audit", shape(audit["items"][0].clone()));
    insta::assert_json_snapshot!(
        "audit_verify_members",
        server
            .get(ADMIN, "/sys/audit/verify")
            .await
            .is(200)
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>()
    );
    insta::assert_json_snapshot!(
        "problem",
        server
            .post(ADMIN, "/sys/incidents", &json!({"title": ""}))
            .await
            .json()
    );
    server.stop().await;
}

#[test]
fn the_hashed_bytes_are_as_they_were() {
    use incident_core::Salt;
    use incident_core::audit::{self, AuditDraft, AuditOutcome};
    use incident_core::chain::{Hash, Head};
    use incident_core::incident::{Audience, CommsSent, Status};
    use incident_core::testing::an_incident;
    use incident_core::timeline::{EntryDraft, EntryKind, SysIncidentUpdateEntry};
    let (incident, anna, now) = an_incident();
    let mut draft = EntryDraft::new(
        EntryKind::Update,
        anna.clone(),
        now,
        "looking".parse().unwrap(),
    );
    draft.status_from = Some(Status::Triage);
    draft.status_to = Some(Status::Investigating);
    draft.public_message = Some("We are on it.".parse().unwrap());
    draft.comms_sent = Some(CommsSent {
        channel: "#ops".parse().unwrap(),
        audience: Audience::Internal,
        summary: "told".parse().unwrap(),
    });
    draft.corrects = Some(1);
    let entry = SysIncidentUpdateEntry::new(incident.id, &draft, Salt([7; 16]))
        .unwrap()
        .linked(1, Hash::ZERO);
    let said = AuditDraft {
        incident_id: Some(incident.id),
        at: now,
        actor: anna,
        action: "update".to_owned(),
        outcome: AuditOutcome::Allowed,
        detail: [("status".to_owned(), "investigating".to_owned())].into(),
    };
    let audited = audit::seal(Head::EMPTY, said).unwrap();
    insta::assert_snapshot!(
        "hashed_bytes",
        format!(
            "{}\n{}\n\n{}\n{}",
            String::from_utf8(entry.canonical).unwrap(),
            entry.hash,
            String::from_utf8(audited.canonical).unwrap(),
            audited.hash
        )
    );
}

/// S20: entries that end a write have version 2, with the marks of the state last; entries of
/// version 1 are read unchanged.
#[test]
fn the_hashed_bytes_with_marks_are_as_they_were() {
    use incident_core::Salt;
    use incident_core::chain::Hash;
    use incident_core::testing::an_incident;
    use incident_core::timeline::{
        EntryDraft, EntryFields, EntryKind, StateMarks, SysIncidentUpdateEntry,
    };
    let (incident, anna, now) = an_incident();
    let mut draft = EntryDraft::new(EntryKind::Update, anna, now, "looking".parse().unwrap());
    draft.marks = Some(StateMarks::of(&incident));
    let entry = SysIncidentUpdateEntry::new(incident.id, &draft, Salt([7; 16]))
        .unwrap()
        .linked(1, Hash::ZERO);
    let text = String::from_utf8(entry.canonical).unwrap();
    insta::assert_snapshot!("hashed_bytes_with_marks", format!("{text}\n{}", entry.hash));
    for wrong in [
        text.replace("\"v\":2", "\"v\":1"),
        text.replace("\"v\":2", "\"v\":3"),
        text.replace(",\"state\":", ",\"marks\":"),
    ] {
        assert_ne!(wrong, text);
        assert!(
            EntryFields::from_bytes(wrong.as_bytes()).is_err(),
            "{wrong}"
        );
    }
    let first = text.split(",\"state\":").next().unwrap();
    let first = format!("{}}}", first.replace("\"v\":2", "\"v\":1"));
    assert_eq!(
        EntryFields::from_bytes(first.as_bytes()).unwrap().marks,
        None
    );
}
