//! A real history, imported: every post byte for byte, once, and every credit.

use std::collections::BTreeMap;
use std::sync::Arc;

use incident_console::import::{self, Imported, Oddity};
use incident_console::policy_file::PolicyFile;
use incident_core::engine::Incidents;
use incident_core::incident::{Affected, AffectedTenant, Incident, Mode};
use incident_core::port::{CreditQuery, IncidentFilter};
use incident_core::timeline::{EntryKind, TextName};
use incident_core::{IncidentId, TenantId};
use incident_test_postgres::Database;
use serde_json::{Value, json};

use crate::harness::{shared, storage};

async fn engine() -> (Incidents, Option<Database>) {
    let (storage, database) = storage().await;
    (storage.engine(&PolicyFile::default()).unwrap(), database)
}

async fn run(incidents: &Incidents, text: &str) -> Imported {
    let tenant = AffectedTenant::whole(TenantId::new("tenant-fr").unwrap());
    let tenants = Affected::these(vec![tenant]).unwrap();
    let mut last = (0, 0);
    let done = import::statuspage(incidents, text, &tenants, &mut |done, all| {
        last = (done, all)
    })
    .await;
    let done = done.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(last, (done.incidents, done.incidents));
    done
}

/// Every incident, by its title and start.
async fn kept(incidents: &Incidents) -> Vec<Arc<Incident>> {
    let mut filter = IncidentFilter {
        limit: 200,
        ..IncidentFilter::default()
    };
    let mut found: Vec<Arc<Incident>> = Vec::new();
    loop {
        let batch = incidents.list(&filter).await.unwrap();
        filter.after = batch.last().map(|one| (one.declared_at, one.id));
        let last = batch.len() < 200;
        found.extend(batch);
        if last {
            return found;
        }
    }
}

async fn posts(incidents: &Incidents, id: IncidentId) -> Vec<String> {
    let entries = incidents.timeline(id, 0, 1_000).await.unwrap();
    let posted = entries
        .iter()
        .filter(|entry| matches!(entry.shown.kind, EntryKind::Update | EntryKind::Correction));
    posted
        .filter_map(|entry| Some(entry.text(TextName::Message)?.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_history_comes_through_once_and_whole_and_earns_the_computed_credits() {
    let (Some(text), Some(expected)) = (
        shared("github-status/incidents.json"),
        shared("github-status/expected.json"),
    ) else {
        return;
    };
    let mut source: Value = serde_json::from_str(&text).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let mut rows = expected["incidents"].as_array().unwrap().clone();
    if crate::ON_POSTGRES {
        // Every post is a commit; those with the most traps will do.
        source.as_array_mut().unwrap().truncate(120);
        rows.truncate(120);
    }
    let (incidents, _database) = engine().await;
    let text = source.to_string();
    let first = run(&incidents, &text).await;
    assert_eq!(
        (first.new_incidents, first.incidents),
        (rows.len(), rows.len())
    );
    let all = kept(&incidents).await;
    assert_eq!(all.len(), rows.len());
    assert!(
        all.iter()
            .all(|one| one.mode == Mode::Retrospective && one.paging.epoch == 0)
    );

    // Windows, ends and credits are those that were computed without us.
    let by_id: BTreeMap<String, Arc<Incident>> = all
        .iter()
        .flat_map(|one| {
            one.facts
                .labels
                .values()
                .map(|id| (id.to_string(), Arc::clone(one)))
        })
        .collect();
    let credits = incidents.credits(&CreditQuery::default()).await.unwrap();
    let mut compared = 0;
    for (raw, row) in source.as_array().unwrap().iter().zip(&rows) {
        let key = raw["id"].as_str().unwrap();
        let one = by_id.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        let start: incident_core::Timestamp = row["start"].as_str().unwrap().parse().unwrap();
        assert_eq!(one.started_at, start, "{key}");
        let mut bodies: Vec<&str> = raw["incident_updates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|update| update["body"].as_str().unwrap())
            .collect();
        let mut ours = posts(&incidents, one.id).await;
        ours.retain(|text| text != "the page says that it ended");
        bodies.sort_unstable();
        ours.sort_unstable();
        assert_eq!(ours, bodies, "{key:?}");
        let owed = credits
            .iter()
            .rfind(|credit| credit.row.incident_id == Some(one.id));
        if row["credit_pct"].is_null() {
            assert!(one.status.is_live() && owed.is_none(), "{key:?}");
            continue;
        }
        let owed = owed.unwrap_or_else(|| panic!("{key:?} earned nothing"));
        assert_eq!(
            owed.row.credit.to_string(),
            row["credit_pct"].to_string(),
            "{key:?}"
        );
        let length = owed.row.outage_us / 1_000;
        assert_eq!(length, row["duration_ms"].as_u64().unwrap(), "{key:?}");
        compared += 1;
    }
    assert!(compared > rows.len() * 9 / 10);
    let said = first.to_string();
    for odd in [Oddity::EndsBeforeItStarts, Oddity::NewestFirst] {
        assert!(
            first.odd.contains_key(&odd) && said.contains(odd.rule()),
            "{odd:?}"
        );
    }

    // Again: nothing is new, nothing is changed.
    let again = run(&incidents, &text).await;
    assert_eq!((again.new_incidents, again.new_entries), (0, 0));
    let unchanged = kept(&incidents).await;
    assert_eq!(unchanged, all);
}

fn page(body: &str, start: &str, name: &str) -> String {
    json!({"page": {"id": "x"}, "incidents": [{
        "id": "k5z4d1v1tqmt", "name": name, "impact": "minor", "page_id": "x",
        "created_at": "2026-10-01T10:00:00Z", "started_at": start, "resolved_at": "2026-10-01T13:31:00Z",
        "components": [{"name": "API"}, {"name": ""}],
        "incident_updates": [
            {"id": "b", "status": "resolved", "body": body, "created_at": "2026-10-01T13:31:00Z"},
            {"id": "a", "status": "investigating", "body": "We look.", "created_at": "2026-10-01T10:00:00Z"},
        ],
    }]})
    .to_string()
}

/// As pages are edited days later: the timeline grows, and keeps what it said.
#[tokio::test(flavor = "multi_thread")]
async fn later_edits_arrive_as_new_entries_and_the_old_credit_is_kept() {
    let (incidents, _database) = engine().await;
    let start = "2026-10-01T10:00:00Z";
    run(&incidents, &page("Resolved.", start, "API slow")).await;
    let id = kept(&incidents).await[0].id;
    let edited = page(
        "Resolved: a bad deploy.",
        "2026-10-01T13:31:00Z",
        "API down",
    );
    let done = run(&incidents, &edited).await;
    assert_eq!((done.new_incidents, done.new_entries), (0, 2));
    assert!(
        done.odd.contains_key(&Oddity::EditedPost) && done.odd.contains_key(&Oddity::ChangedField)
    );
    let told = posts(&incidents, id).await;
    assert_eq!(told, ["We look.", "Resolved.", "Resolved: a bad deploy."]);
    let entries = incidents.timeline(id, 0, 100).await.unwrap();
    let corrected = entries
        .iter()
        .find(|one| one.shown.kind == EntryKind::Correction)
        .unwrap();
    assert_eq!(
        corrected.shown.corrects,
        entries
            .iter()
            .find(|one| one.text(TextName::Message) == Some("Resolved."))
            .map(|one| one.seq)
    );
    let shown = incidents.get(id).await.unwrap();
    assert_eq!(shown.title.as_str(), "API down");
    // It says now that it began when it was over: created at 10:00, so it did not.
    assert_eq!(shown.started_at.to_string(), start);
    let again = run(&incidents, &edited).await;
    assert_eq!(again.new_entries, 0);
    // Back to the first words: they are new words again.
    let back = run(&incidents, &page("Resolved.", start, "API down")).await;
    assert_eq!(back.new_entries, 0, "these words stand there already");
}

/// Real pages have two posts of one instant; an edit corrects the one that was edited.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_posts_of_one_instant_the_edited_one_is_corrected() {
    let (incidents, _database) = engine().await;
    let instant = "2026-10-01T10:00:00Z";
    let text = |second: &str| {
        let post = |id: &str, body: &str| json!({"id": id, "status": "update", "body": body, "created_at": instant});
        json!([{"id": "x", "name": "slow", "impact": "minor", "created_at": instant,
            "incident_updates": [post("a", "first"), post("b", second)]}])
        .to_string()
    };
    run(&incidents, &text("second")).await;
    run(&incidents, &text("second, as it was")).await;
    let id = kept(&incidents).await[0].id;
    let entries = incidents.timeline(id, 0, 100).await.unwrap();
    let of = |words: &str| {
        let found = entries
            .iter()
            .find(|one| one.text(TextName::Message) == Some(words));
        found.unwrap_or_else(|| panic!("{words} is missing"))
    };
    let corrected = of("second, as it was").shown.corrects;
    assert_eq!(corrected, Some(of("second").seq));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_history_is_refused_with_the_place() {
    let (incidents, _database) = engine().await;
    for (text, named) in [
        ("", "EOF"),
        ("{}", "did not match"),
        (r#"[{"id": "x"}]"#, "[0]: missing field `name`"),
        (
            r#"[{"id": "x", "name": "y", "created_at": "yesterday"}]"#,
            "[0].created_at",
        ),
    ] {
        let refused = import::statuspage(&incidents, text, &Affected::All, &mut |_, _| {}).await;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert_eq!(kept(&incidents).await.len(), 0);
}
