//! The timeline: written, redacted, and verified byte by byte.

use incident_core::chain::Verdict;
use incident_core::timeline::{SysIncidentUpdateEntry, verify};
use serde_json::json;

use crate::over_http::harness::{ADMIN, RESPONDER, Server, VIEWER, context};

async fn three_entries() -> Vec<SysIncidentUpdateEntry> {
    use incident_core::engine::Incidents;
    use incident_core::incident::{Declare, Severity, Status};
    use incident_core::testing::update_to;
    let incidents = Incidents::builder(std::sync::Arc::new(
        incident_store_memory::MemoryStore::default(),
    ))
    .build()
    .unwrap();
    let context = context();
    let done = incidents
        .declare(
            &context,
            &Declare::new("API down".parse().unwrap(), Severity::Sev2),
        )
        .await
        .unwrap();
    for status in [Status::Investigating, Status::Resolved] {
        incidents
            .act(
                &context,
                done.incident.id,
                &update_to(status, "moved").unwrap(),
            )
            .await
            .unwrap();
    }
    incidents
        .audit()
        .timeline(done.incident.id, 0, 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn changing_any_byte_of_an_entry_names_that_entry() {
    let entries = three_entries().await;
    let id = entries[0].incident_id;
    assert!(matches!(verify(id, &entries, []), Verdict::Valid { head, .. } if head.seq == 3));
    let named = |changed: &[SysIncidentUpdateEntry], expected: u64, what: &str| match verify(
        id, changed, None,
    ) {
        Verdict::Broken { seq, .. } => assert_eq!(seq, expected, "{what}"),
        Verdict::Valid { .. } => panic!("{what} went unnoticed in entry {expected}"),
    };
    for at in 0..entries.len() {
        let seq = entries[at].seq;
        let with = |change: &dyn Fn(&mut SysIncidentUpdateEntry), what: &str| {
            let mut changed = entries.clone();
            change(&mut changed[at]);
            named(&changed, seq, what);
        };
        for byte in 0..entries[at].canonical.len() {
            with(&|entry| entry.canonical[byte] ^= 1, &format!("byte {byte}"));
        }
        for byte in 0..32 {
            with(&|entry| entry.hash.0[byte] ^= 1, "the hash");
            with(&|entry| entry.prev_hash.0[byte] ^= 1, "the previous hash");
        }
        for name in entries[at].texts.keys() {
            for byte in 0..16 {
                with(
                    &|entry| entry.texts.get_mut(name).unwrap().salt.0[byte] ^= 1,
                    "a salt",
                );
            }
            with(
                &|entry| entry.texts.get_mut(name).unwrap().text.push('x'),
                "a text",
            );
            let others = entries[at].texts.len() > 1;
            if others {
                with(&|entry| drop(entry.texts.remove(name)), "a missing text");
            }
        }
        with(&|entry| entry.seq += 1, "the number");
        with(
            &|entry| entry.fields.author.name = "mallory".parse().unwrap(),
            "the author",
        );
        with(
            &|entry| entry.fields.occurred_at = "2020-01-01T00:00:00Z".parse().unwrap(),
            "the time",
        );
    }
    let mut gap = entries.clone();
    gap.remove(1);
    named(&gap, 2, "a missing entry");
    let mut swapped = entries;
    swapped.swap(1, 2);
    named(&swapped, 2, "another order");
}

#[test]
fn the_hash_is_the_published_formula() {
    // Computed by another program from the formula in the timeline's documentation.
    use incident_core::Salt;
    use incident_core::chain::{Hash, commitment, link};
    let first = link(b"incident/timeline/v1\0", &[0; 16], 1, Hash::ZERO, b"{}");
    assert_eq!(
        first.to_string(),
        "90fc82f617f759cec66b44bc1dd5063400da53cb7849f7d6476583bfd4f8e8a0"
    );
    assert_eq!(
        commitment(Salt([0; 16]), "text").to_string(),
        "642432584840c936c5fa6b376151969b6bb50072f13ca4f35f52a045ea06367d"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_secret_can_be_erased_and_the_chain_still_verifies() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let updates = format!("{path}/updates");
    let body = json!({"message": "password is hunter2", "comms_sent": {"channel": "#ops", "audience": "internal", "summary": "hunter2"}}).to_string();
    let key = [("idempotency-key", "k")];
    let entry = server
        .send(
            reqwest::Method::POST,
            RESPONDER,
            &updates,
            &key,
            Some(body.clone().into_bytes()),
        )
        .await
        .is(201);
    let seq = entry["seq"].as_u64().unwrap();
    let redacted = server
        .post(
            ADMIN,
            &format!("{updates}/{seq}/redact"),
            &json!({"reason": "pasted secret"}),
        )
        .await
        .is(200);
    assert_eq!(
        (
            &redacted["redacted"],
            &redacted["message"],
            &redacted["comms_sent"]
        ),
        (&json!(true), &json!(null), &json!(null))
    );
    assert_eq!(redacted["hash"], entry["hash"]);
    let replay = server
        .send(
            reqwest::Method::POST,
            RESPONDER,
            &updates,
            &key,
            Some(body.into_bytes()),
        )
        .await;
    for text in [
        server.get(VIEWER, &updates).await.text,
        replay.text,
        server.get(ADMIN, "/sys/audit").await.text,
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let verdict = server
        .get(VIEWER, &format!("{path}/timeline/verify"))
        .await
        .is(200);
    assert_eq!(
        (&verdict["valid"], verdict["head"].as_str().unwrap().len()),
        (&json!(true), 64)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_an_entry_that_names_what_moved() {
    let server = Server::start().await;
    let path = server.declare(&json!({})).await;
    let patch = json!({"severity": "SEV1", "affected_tenants": ["tenant-de", "tenant-es"], "eta": "2026-11-21T01:00:00Z", "title": "API down"});
    let incident = server.patch(RESPONDER, &path, &patch).await.is(200);
    assert_eq!(
        (&incident["version"], &incident["severity"]),
        (&json!(2), &json!("SEV1"))
    );
    let entries = server
        .get(VIEWER, &format!("{path}/updates?after_seq=1"))
        .await
        .is(200);
    let mut messages: Vec<&str> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "change")
        .map(|entry| entry["message"].as_str().unwrap())
        .collect();
    messages.sort_unstable();
    assert_eq!(
        messages,
        [
            "affected_tenants: added tenant-de, tenant-es; removed tenant-fr",
            "eta: none -> 2026-11-21T01:00:00Z",
            "severity: SEV2 -> SEV1",
        ]
    );
    server.stop().await;
}
