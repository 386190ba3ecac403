//! A status page that was edited for nine months, imported after every edit: the timeline only
//! grows, and ends with the page's final state.

use std::collections::BTreeMap;

use incident_console::import;
use incident_console::policy_file::PolicyFile;
use incident_core::Timestamp;
use incident_core::engine::Incidents;
use incident_core::incident::{Affected, AffectedTenant};
use incident_core::timeline::{SysIncidentUpdateEntry, TextName};
use serde_json::Value;

use crate::over_http::harness::{at, shared, storage};

/// Reverts an edit (`forward` false) or applies it.
fn apply(incident: &mut Value, edit: &Value, removed: &mut BTreeMap<String, Value>, forward: bool) {
    let (old, new) = (&edit["old"], &edit["new"]);
    let value = if forward { new } else { old };
    let updates =
        |incident: &mut Value| incident["incident_updates"].as_array_mut().unwrap().clone();
    let id = edit["update"].as_str().unwrap_or_default();
    let mut posts = updates(incident);
    match (edit["change"].as_str().unwrap(), edit["field"].as_str()) {
        ("update_edited", Some("body")) => {
            let post = posts.iter_mut().find(|post| post["id"] == id).unwrap();
            post["body"] = value.clone();
        }
        ("update_added", _) if forward => posts.extend(removed.remove(id)),
        ("update_added", _) => {
            let place = posts.iter().position(|post| post["id"] == id).unwrap();
            removed.insert(id.to_owned(), posts.remove(place));
        }
        // These are lists of names here and of objects there.
        ("field", Some("components" | "monitoring_at")) => {}
        ("field", Some(name)) => incident[name] = value.clone(),
        _ => {}
    }
    incident["incident_updates"] = Value::from(posts);
}

async fn timeline(incidents: &Incidents, id: &str) -> Vec<SysIncidentUpdateEntry> {
    let filter = incident_core::port::IncidentFilter {
        limit: 1_000,
        ..Default::default()
    };
    let all = incidents.reports().incidents(&filter).await.unwrap();
    let of = |text: &incident_core::Text| text.as_str() == id;
    let found = all
        .iter()
        .find(|one| one.facts.labels.values().any(of))
        .unwrap();
    incidents
        .audit()
        .timeline(found.id, 0, 1_000)
        .await
        .unwrap()
}

async fn take_in(incidents: &Incidents, incident: &Value) {
    let tenant = AffectedTenant::whole("tenant-fr".parse().unwrap());
    let tenants = Affected::these(vec![tenant]).unwrap();
    let text = Value::from(vec![incident.clone()]).to_string();
    let done = import::statuspage(
        incidents,
        &text,
        &tenants,
        at("2026-11-26T00:00:00Z"),
        &mut |_, _| {},
    )
    .await;
    done.unwrap_or_else(|error| panic!("{}: {error}", incident["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_of_a_page_arrives_and_nothing_that_was_said_is_lost() {
    let (Some(history), Some(edits), Some(expected)) = (
        shared("github-status/incidents.json"),
        shared("github-status/revisions.jsonl"),
        shared("github-status/expected.json"),
    ) else {
        return;
    };
    let history: Vec<Value> = serde_json::from_str(&history).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let mut by_incident: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in edits.lines() {
        let edit: Value = serde_json::from_str(line).unwrap();
        if edit["change"] != "added" {
            let id = edit["incident"].as_str().unwrap().to_owned();
            by_incident.entry(id).or_default().push(edit);
        }
    }
    let (storage, _database) = storage().await;
    let incidents = storage.engine(&PolicyFile::default()).unwrap();
    let (mut replayed, mut grown) = (0, 0);
    for (id, edits) in &by_incident {
        let last = history.iter().find(|one| one["id"] == id.as_str()).unwrap();
        let (mut now, mut removed) = (last.clone(), BTreeMap::new());
        for edit in edits.iter().rev() {
            apply(&mut now, edit, &mut removed, false);
        }
        take_in(&incidents, &now).await;
        let mut before = timeline(&incidents, id).await;
        for edit in edits {
            apply(&mut now, edit, &mut removed, true);
            take_in(&incidents, &now).await;
            let after = timeline(&incidents, id).await;
            assert!(after.starts_with(&before), "{id}: an entry changed");
            grown += after.len() - before.len();
            before = after;
            replayed += 1;
        }
        assert_eq!(
            now["incident_updates"].as_array().unwrap().len(),
            last["incident_updates"].as_array().unwrap().len()
        );
        // The final texts, window and name are those of the page.
        let said: Vec<&str> = before
            .iter()
            .filter_map(|one| one.text(TextName::Message))
            .collect();
        for post in last["incident_updates"].as_array().unwrap() {
            assert!(
                said.contains(&post["body"].as_str().unwrap()),
                "{id}: {}",
                post["id"]
            );
        }
        let shown = incidents.get(before[0].incident_id).await.unwrap();
        assert_eq!(shown.title.as_str(), last["name"].as_str().unwrap(), "{id}");
        let row = expected["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == id.as_str())
            .unwrap();
        let time = |value: &Value| {
            value
                .as_str()
                .map(|text| text.parse::<Timestamp>().unwrap())
        };
        assert_eq!(Some(shown.started_at), time(&row["start"]), "{id}");
        assert_eq!(
            shown.impact_ended_at.or(shown.resolved_at),
            time(&row["end"]),
            "{id}"
        );
    }
    assert!(replayed > 500 && grown > 300, "{replayed} {grown}");
}
