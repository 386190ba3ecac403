//! Inbound webhooks: verification of the sender, and parsing.

use incident_core::paging::VendorEventKind;
use incident_pagers::inbound::{
    InboundWebhook, WebhookSecret, has_signature, read_opsgenie, read_pagerduty, verify_opsgenie,
    verify_pagerduty,
};
use incident_pagers::testing::Webhooks;
use serde_json::{Value, json};

use crate::bodies::schema;

const SECRET: &str = "c4n4ry-secret-c4n4ry-secret";

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::new(text).unwrap()
}

fn event_of(read: InboundWebhook) -> incident_core::paging::VendorEvent {
    let InboundWebhook::Event(heard) = read else {
        panic!("{read:?}")
    };
    *heard
}

/// Real deliveries with their published secret: each verifies, and fails if any single bit of
/// body, signature or secret is changed.
#[test]
fn five_real_signatures_verify_and_no_bit_of_them_can_change() {
    let Some(file) = schema("pagerduty-webhook-v3.signature-vectors.json") else {
        return;
    };
    let key = file["secret"].as_str().unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let body = vector["body"].as_str().unwrap().as_bytes().to_vec();
        let header = vector["header"].as_str().unwrap();
        let right = [secret(key)];
        assert_eq!(verify_pagerduty(&body, Some(header), &right), Ok(()));
        for (at, bit) in (0..body.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = body.clone();
            changed[at] ^= 1 << bit;
            assert!(verify_pagerduty(&changed, Some(header), &right).is_err());
        }
        for (at, bit) in (0..key.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = key.as_bytes().to_vec();
            changed[at] ^= 1 << bit;
            // A changed secret that is not visible ASCII cannot even be constructed.
            let changed = String::from_utf8(changed).ok();
            let Some(Ok(wrong)) = changed.map(WebhookSecret::new) else {
                continue;
            };
            assert!(verify_pagerduty(&body, Some(header), &[wrong]).is_err());
        }
        for (at, bit) in (0..header.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = header.as_bytes().to_vec();
            changed[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            // Hexadecimal digits are case-insensitive.
            let same = changed.eq_ignore_ascii_case(header) && changed.starts_with("v1=");
            let verdict = verify_pagerduty(&body, Some(&changed), &right);
            assert_eq!(verdict.is_ok(), same, "{changed}");
        }
    }
}

#[test]
fn signatures_come_in_several_forms_and_secrets_are_replaced() {
    let body = r#"{"event":{"id":"é"}}"#.as_bytes();
    let right = Webhooks::sign(SECRET, body);
    let other = Webhooks::sign("another-secret-another-secret", body);
    let known = [secret("the-new-secret-of-this-hook"), secret(SECRET)];
    for header in [
        right.clone(),
        format!("{other},{right}"),
        format!("{right} ,\n {other}"),
        format!("v2=00,{right}"),
        right.to_uppercase().replace("V1=", "v1="),
    ] {
        assert_eq!(
            verify_pagerduty(body, Some(&header), &known),
            Ok(()),
            "{header}"
        );
        assert!(has_signature(Some(&header)), "{header}");
    }
    let bare = right.trim_start_matches("v1=");
    for header in [
        String::new(),
        bare.to_owned(),
        format!("v2={bare}"),
        format!("V1={bare}"),
        format!("v1={}", &bare[1..]),
        format!("v1={bare}0"),
        "v1=".to_owned(),
        "v1=zz".to_owned(),
        other.clone(),
    ] {
        assert!(
            verify_pagerduty(body, Some(&header), &known).is_err(),
            "{header}"
        );
        // S2: all but the header made with another secret are refused before the body is read.
        assert_eq!(has_signature(Some(&header)), header == other, "{header}");
    }
    assert!(!has_signature(None));
    assert!(verify_pagerduty(body, None, &known).is_err());
    assert!(verify_pagerduty(body, Some(&right), &[]).is_err());
    // The same JSON in other bytes has another signature.
    assert!(verify_pagerduty(br#"{"event": {"id":"\u00e9"}}"#, Some(&right), &known).is_err());
    assert!(!format!("{known:?}").contains("c4n4ry"));
    for wrong in [
        "",
        "short",
        "sixteen letters!",
        "with a blank in the middle",
    ] {
        assert!(WebhookSecret::new(wrong).is_err());
    }
}

/// S16: the scheme is case-insensitive.
#[test]
fn a_token_is_compared_whole() {
    let known = [secret("an-older-token-0123456789"), secret(SECRET)];
    for header in [
        SECRET.to_owned(),
        format!("Bearer {SECRET}"),
        format!("bearer {SECRET}"),
        format!("BEARER  {SECRET}"),
        format!(" {SECRET} "),
    ] {
        assert_eq!(verify_opsgenie(Some(&header), &known), Ok(()));
    }
    for header in ["", "Bearer ", &SECRET[1..], "bearer c4n4ry", "Basic c4n4ry"] {
        assert!(verify_opsgenie(Some(header), &known).is_err(), "{header}");
    }
    assert!(verify_opsgenie(None, &known).is_err());
    assert!(verify_opsgenie(Some(""), &[]).is_err());
}

fn event(event_type: &str, agent: &str, data: &Value) -> Vec<u8> {
    json!({"event": {"id": "01FK", "event_type": event_type, "resource_type": "incident",
        "occurred_at": "2026-11-21T03:00:00.123Z",
        "agent": {"id": "P1", "type": agent, "summary": "Ben"}, "client": null, "data": data}})
    .to_string()
    .into_bytes()
}

#[test]
fn every_event_of_pagerduty_is_read_or_passed_over() {
    let incident = |status: &str| {
        json!({"id": "Q1", "type": "incident", "status": status,
        "incident_key": "sys-incident:1", "resolve_reason": null,
        "assignees": [{"summary": "Ben"}, {"summary": "Ann"}], "priority": {"summary": "P1"}})
    };
    let people = vec!["Ben".to_owned(), "Ann".to_owned()];
    for (event_type, what) in [
        ("incident.triggered", VendorEventKind::Opened),
        ("incident.acknowledged", VendorEventKind::Acknowledged),
        ("incident.unacknowledged", VendorEventKind::Unacknowledged),
        ("incident.resolved", VendorEventKind::Resolved),
        ("incident.reopened", VendorEventKind::Reopened),
        (
            "incident.reassigned",
            VendorEventKind::Reassigned(people.clone()),
        ),
        (
            "incident.delegated",
            VendorEventKind::Reassigned(people.clone()),
        ),
        ("incident.escalated", VendorEventKind::Escalated(people)),
        (
            "incident.priority_updated",
            VendorEventKind::Reprioritised(Some("P1".to_owned())),
        ),
    ] {
        let body = event(event_type, "user_reference", &incident("x"));
        let read = event_of(read_pagerduty(&body).unwrap());
        assert_eq!(read.what, what);
        assert_eq!(
            (
                read.dedup_key.as_deref(),
                read.vendor_id.as_deref(),
                read.echo
            ),
            (Some("sys-incident:1"), Some("Q1"), false)
        );
        assert_eq!(read.by.unwrap().as_str(), "Ben");
        assert_eq!(read.at.unwrap().to_string(), "2026-11-21T03:00:00.123Z");
        // An echo of our own call.
        let body = event(event_type, "inbound_integration_reference", &incident("x"));
        let read = event_of(read_pagerduty(&body).unwrap());
        assert!(read.echo && read.by.is_none());
    }
    let mut merged = incident("resolved");
    merged["resolve_reason"] = json!({"type": "merge_resolve_reason", "incident": {"id": "Q2"}});
    merged["incident_key"] = Value::Null;
    let read =
        event_of(read_pagerduty(&event("incident.resolved", "user_reference", &merged)).unwrap());
    assert_eq!(
        (read.what, read.dedup_key, read.echo),
        (VendorEventKind::Merged, None, false)
    );
    let note =
        json!({"id": "N1", "type": "incident_note", "content": "on it", "incident": {"id": "Q1"}});
    let read =
        event_of(read_pagerduty(&event("incident.annotated", "user_reference", &note)).unwrap());
    assert_eq!(
        (read.what, read.vendor_id.as_deref()),
        (VendorEventKind::Noted("on it".to_owned()), Some("Q1"))
    );
    for other in ["pagey.ping", "service.updated", "incident.from_the_future"] {
        let read = read_pagerduty(&event(other, "user_reference", &json!({}))).unwrap();
        assert_eq!(read, InboundWebhook::Other(other.to_owned()));
    }
    for wrong in [
        "",
        "{}",
        "[]",
        r#"{"event":{}}"#,
        r#"{"event":{"id":"","event_type":"incident.resolved"}}"#,
    ] {
        assert!(read_pagerduty(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn the_vendors_own_examples_are_read() {
    let (Some(vectors), Some(examples), Some(opsgenie)) = (
        schema("pagerduty-webhook-v3.signature-vectors.json"),
        schema("pagerduty-webhooks-v3.examples.json"),
        schema("opsgenie-jsm-webhook.examples.json"),
    ) else {
        return;
    };
    let mut read = Vec::new();
    for vector in vectors["vectors"].as_array().unwrap() {
        read.push(read_pagerduty(vector["body"].as_str().unwrap().as_bytes()).unwrap());
    }
    assert!(matches!(&read[0], InboundWebhook::Other(kind) if kind == "pagey.ping"));
    let whats: Vec<VendorEventKind> = read.drain(1..).map(|one| event_of(one).what).collect();
    let note = "Resolution Note: I'm resolving it".to_owned();
    use VendorEventKind::{Acknowledged, Noted, Opened, Resolved};
    assert_eq!(whats, [Opened, Acknowledged, Resolved, Noted(note)]);
    for envelope in examples["envelopes"].as_object().unwrap().values() {
        read_pagerduty(envelope.to_string().as_bytes()).unwrap();
    }
    let create = event_of(read_opsgenie(opsgenie["Create"].to_string().as_bytes()).unwrap());
    assert!(create.what == Opened && create.echo);
    let body = opsgenie["Acknowledge"].to_string();
    let read = event_of(read_opsgenie(body.as_bytes()).unwrap());
    assert_eq!((&read.what, read.echo), (&Acknowledged, false));
    assert_eq!(read.dedup_key.as_deref(), Some("aliastest"));
    assert_eq!(read.by.as_ref().unwrap().as_str(), "user@example.com");
    assert_eq!(read.at.unwrap().to_string(), "2015-01-05T10:03:13.166002Z");
    // The event id is a digest of the bytes.
    assert_eq!(
        event_of(read_opsgenie(body.as_bytes()).unwrap()).event_id,
        read.event_id
    );
    let later = body.replace("1420452193166002000", "1420452193166003000");
    assert_ne!(
        event_of(read_opsgenie(later.as_bytes()).unwrap()).event_id,
        read.event_id
    );
}

#[test]
fn actions_of_opsgenie_are_read_or_passed_over() {
    let body = |action: &str| {
        json!({"action": action, "source": {"type": "web"},
            "alert": {"alertId": "a", "alias": "sys-incident:1", "username": "ben", "note": "on it",
                "owner": "ann", "priority": "P1", "updatedAt": 1_763_694_000_000_i64}})
        .to_string()
    };
    for (action, what) in [
        ("Create", VendorEventKind::Opened),
        ("Acknowledge", VendorEventKind::Acknowledged),
        ("UnAcknowledge", VendorEventKind::Unacknowledged),
        ("Close", VendorEventKind::Resolved),
        (
            "AssignOwnership",
            VendorEventKind::Reassigned(vec!["ann".to_owned()]),
        ),
        ("EscalateToNext", VendorEventKind::Escalated(vec![])),
        (
            "UpdatePriority",
            VendorEventKind::Reprioritised(Some("P1".to_owned())),
        ),
        ("AddNote", VendorEventKind::Noted("on it".to_owned())),
    ] {
        let read = event_of(read_opsgenie(body(action).as_bytes()).unwrap());
        assert_eq!((read.what, read.echo), (what, false));
        assert_eq!(read.at.unwrap().to_string(), "2025-11-21T03:00:00Z");
    }
    let read = read_opsgenie(body("AddTeam").as_bytes()).unwrap();
    assert_eq!(read, InboundWebhook::Other("AddTeam".to_owned()));
    assert!(read_opsgenie(b"{\"action\": \"Close\"}").is_err());
}
