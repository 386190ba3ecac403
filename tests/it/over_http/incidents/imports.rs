//! Import of a real history: every post verbatim and once, and every credit.

use std::collections::BTreeMap;
use std::sync::Arc;

use incident_console::import::{self, Imported, Oddity};
use incident_console::policy_file::PolicyFile;
use incident_core::engine::Incidents;
use incident_core::incident::{Affected, AffectedTenant, Incident, Mode, Severity};
use incident_core::port::{CreditQuery, IncidentFilter};
use incident_core::timeline::{EntryKind, TextName};
use incident_core::{IncidentId, TenantId, Timestamp};
use incident_test_postgres::Database;
use serde_json::{Value, json};

use crate::over_http::harness::{at, shared, storage};

async fn engine() -> (Incidents, Option<Database>) {
    let (storage, database) = storage().await;
    (storage.engine(&PolicyFile::default()).unwrap(), database)
}

async fn run(incidents: &Incidents, text: &str) -> Imported {
    let tenant = AffectedTenant::whole(TenantId::new("tenant-fr").unwrap());
    let tenants = Affected::these(vec![tenant]).unwrap();
    let mut last = (0, 0);
    let done = import::statuspage(
        incidents,
        text,
        &tenants,
        at("2026-11-26T00:00:00Z"),
        &mut |done, all| last = (done, all),
    )
    .await;
    let done = done.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(last, (done.incidents, done.incidents));
    done
}

/// Returns every incident by its title and start.
async fn kept(incidents: &Incidents) -> Vec<Arc<Incident>> {
    let mut filter = IncidentFilter {
        limit: 200,
        ..IncidentFilter::default()
    };
    let mut found: Vec<Arc<Incident>> = Vec::new();
    loop {
        let batch = incidents.reports().incidents(&filter).await.unwrap();
        filter.after = batch.last().map(|one| (one.declared_at, one.id));
        let last = batch.len() < 200;
        found.extend(batch);
        if last {
            return found;
        }
    }
}

async fn posts(incidents: &Incidents, id: IncidentId) -> Vec<String> {
    let entries = incidents.audit().timeline(id, 0, 1_000).await.unwrap();
    let posted = entries
        .iter()
        .filter(|entry| matches!(entry.fields.kind, EntryKind::Update | EntryKind::Correction));
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
        // Every post is a commit; the first 120 incidents have the most special cases.
        source.as_array_mut().unwrap().truncate(120);
        rows.truncate(120);
    }
    let (incidents, _database) = engine().await;
    let text = source.to_string();
    let first = run(&incidents, &text).await;
    let is = |raw: &Value, impact: &str| raw["impact"] == impact;
    let source = source.as_array().unwrap().clone();
    let upkeep = source.iter().filter(|raw| is(raw, "maintenance")).count();
    let outages = rows.len() - upkeep;
    assert_eq!((first.new_incidents, first.incidents), (outages, outages));
    assert_eq!((first.maintenance.len(), first.rejected.len()), (upkeep, 0));
    let all = kept(&incidents).await;
    assert_eq!(all.len(), outages);
    assert!(
        all.iter()
            .all(|one| one.mode == Mode::Retrospective && one.paging.epoch == 0)
    );

    // Windows, ends and credits equal those computed independently.
    let by_id: BTreeMap<String, Arc<Incident>> = all
        .iter()
        .flat_map(|one| {
            one.facts
                .labels
                .values()
                .map(|id| (id.to_string(), Arc::clone(one)))
        })
        .collect();
    let credits = incidents
        .credits()
        .list(&CreditQuery::default())
        .await
        .unwrap();
    let mut compared = 0;
    for (raw, row) in source.iter().zip(&rows) {
        let key = raw["id"].as_str().unwrap();
        if is(raw, "maintenance") {
            assert!(!by_id.contains_key(key), "{key} is an incident");
            continue;
        }
        let one = by_id.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        let start: Timestamp = row["start"].as_str().unwrap().parse().unwrap();
        assert_eq!(one.started_at, start, "{key}");
        let mut bodies: Vec<&str> = raw["incident_updates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|update| update["body"].as_str().unwrap())
            .collect();
        let mut ours = posts(&incidents, one.id).await;
        ours.retain(|text| text != "the status page shows it as resolved");
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
        // M13: an incident without impact earns no credit; its outage is still the published one.
        if is(raw, "none") {
            assert!(owed.is_none(), "{key:?}");
            let lasted = one.outage(Timestamp::MAX).micros() / 1_000;
            assert_eq!(lasted, row["duration_ms"].as_u64().unwrap(), "{key:?}");
            continue;
        }
        let owed = owed.unwrap_or_else(|| panic!("{key:?} earned nothing"));
        assert_eq!(
            owed.row.credit_percent.to_string(),
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

    // Imported again: nothing is new, nothing is changed.
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

/// Posts edited days later: the timeline grows, and the earlier entries stay.
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
    let entries = incidents.audit().timeline(id, 0, 100).await.unwrap();
    let corrected = entries
        .iter()
        .find(|one| one.fields.kind == EntryKind::Correction)
        .unwrap();
    assert_eq!(
        corrected.fields.corrects,
        entries
            .iter()
            .find(|one| one.text(TextName::Message) == Some("Resolved."))
            .map(|one| one.seq)
    );
    let shown = incidents.get(id).await.unwrap();
    assert_eq!(shown.title.as_str(), "API down");
    // The edited start is after the end, so the start stays at 10:00, the time of creation.
    assert_eq!(shown.started_at.to_string(), start);
    let again = run(&incidents, &edited).await;
    assert_eq!(again.new_entries, 0);
    // Back to the original text, which is already there.
    let back = run(&incidents, &page("Resolved.", start, "API down")).await;
    assert_eq!(back.new_entries, 0, "these words stand there already");
}

/// Real pages have two posts with the same time; an edit corrects the one that was edited.
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
    let entries = incidents.audit().timeline(id, 0, 100).await.unwrap();
    let of = |words: &str| {
        let found = entries
            .iter()
            .find(|one| one.text(TextName::Message) == Some(words));
        found.unwrap_or_else(|| panic!("{words} is missing"))
    };
    let corrected = of("second, as it was").fields.corrects;
    assert_eq!(corrected, Some(of("second").seq));
}

/// M15: an invalid entry is reported with its place, and the rest is imported.
#[tokio::test(flavor = "multi_thread")]
async fn invalid_histories_are_named_by_their_place() {
    let (incidents, _database) = engine().await;
    let good =
        r#"{"id": "x", "name": "slow", "impact": "minor", "created_at": "2026-10-01T10:00:00Z"}"#;
    for (text, place, named) in [
        (
            "".to_owned(),
            "the file",
            "a Statuspage API response or a list of incidents",
        ),
        ("{}".to_owned(), "the file", "expected `incidents`"),
        (
            r#"{"incidents": 7}"#.to_owned(),
            "incidents",
            "expected a list",
        ),
        (
            "7".to_owned(),
            "the file",
            "expected a Statuspage API response",
        ),
        (
            format!(r#"[{good}, {{"id": "y"}}]"#),
            "[1]",
            "missing field `name`",
        ),
        (
            format!(
                r#"{{"incidents": [{good}, {{"id": "y", "name": "z", "created_at": "yesterday"}}]}}"#
            ),
            "incidents[1].created_at",
            "",
        ),
        (format!("[{good}] [{good}"), "the file", "EOF"),
        (
            format!(r#"[{good}][{{"id": "y"}}]"#),
            "document 2: [0]",
            "missing field `name`",
        ),
        (
            format!(
                r#"[{good}, {{"id": "y", "name": "z", "created_at": "2031-01-01T00:00:00Z"}}]"#
            ),
            "[1].created_at",
            "not in the future",
        ),
    ] {
        let done = run(&incidents, &text).await;
        let [rejected] = done.rejected.as_slice() else {
            panic!("{text}: {:?}", done.rejected);
        };
        assert_eq!(rejected.place, place, "{text}");
        assert!(
            rejected.reason.contains(named),
            "{text}: {}",
            rejected.reason
        );
        assert!(done.to_string().contains(&format!("REJECTED  {place}: ")));
        let expected = usize::from(text.contains("slow"));
        assert_eq!(kept(&incidents).await.len(), expected, "{text}");
        if expected > 0 {
            assert!(done.incidents > 0, "{text}");
        }
    }
}

/// A file of the trials, with the numbers of incidents, minutes of outage and credits computed by
/// hand, and the expected reports.
struct Trial {
    file: &'static str,
    incidents: usize,
    minutes: u64,
    credits: &'static [(&'static str, usize)],
    odd: &'static [Oddity],
    maintenance: usize,
    rejected: &'static [&'static str],
}

/// M13 to M15: the trial files give the figures computed by hand. A second run changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_trials_come_to_what_is_right_by_hand() {
    let plain = Trial {
        file: "",
        incidents: 1,
        minutes: 60,
        credits: &[("10", 1)],
        odd: &[Oddity::NewestFirst],
        maintenance: 0,
        rejected: &[],
    };
    let trials = [
        // 08:00 to 09:00.
        Trial {
            file: "import-bom.json",
            ..plain
        },
        Trial {
            file: "import-impact-none.json",
            incidents: 0,
            minutes: 0,
            credits: &[],
            odd: &[Oddity::NoImpact, Oddity::NewestFirst],
            ..plain
        },
        Trial {
            file: "import-maintenance-done.json",
            incidents: 0,
            minutes: 0,
            credits: &[],
            odd: &[],
            maintenance: 1,
            ..plain
        },
        Trial {
            file: "import-maintenance-future.json",
            incidents: 0,
            minutes: 0,
            credits: &[],
            odd: &[],
            maintenance: 1,
            ..plain
        },
        // The status is resolved: by the last post, at 09:00.
        Trial {
            file: "import-resolved-without-resolved_at.json",
            odd: &[Oddity::NoResolvedAt, Oddity::NewestFirst],
            ..plain
        },
        // `resolved_at` is 09:30.
        Trial {
            file: "import-resolved-twice.json",
            minutes: 90,
            odd: &[Oddity::ResolvedTwice, Oddity::NewestFirst],
            ..plain
        },
        // Three of an hour; the impact of one is null.
        Trial {
            file: "import-one-odd-of-three.json",
            incidents: 3,
            minutes: 180,
            credits: &[("10", 3)],
            odd: &[Oddity::UnknownImpact, Oddity::NewestFirst],
            ..plain
        },
        Trial {
            file: "import-two-documents.json",
            incidents: 2,
            minutes: 120,
            credits: &[("10", 2)],
            ..plain
        },
        Trial {
            file: "import-one-in-the-future.json",
            rejected: &["incidents[1].created_at"],
            ..plain
        },
        Trial {
            file: "import-long-title-and-body.json",
            odd: &[Oddity::TooLong],
            ..plain
        },
    ];
    for trial in trials {
        let Some(text) = shared(&format!("trials/{}", trial.file)) else {
            return;
        };
        let (incidents, _database) = engine().await;
        let done = run(&incidents, &text).await;
        let figures = import::figures(&incidents).await.unwrap();
        let file = trial.file;
        let found = (figures.incidents, figures.outage_us / 60_000_000);
        assert_eq!(found, (trial.incidents, trial.minutes), "{file}");
        let credits: Vec<(String, usize)> = figures
            .credits
            .iter()
            .map(|(percent, count)| (percent.to_string(), *count))
            .collect();
        let expected: Vec<(String, usize)> = trial
            .credits
            .iter()
            .map(|(percent, count)| ((*percent).to_owned(), *count))
            .collect();
        assert_eq!(credits, expected, "{file}");
        let odd: Vec<Oddity> = done.odd.keys().copied().collect();
        let mut expected = trial.odd.to_vec();
        expected.sort_unstable();
        assert_eq!(odd, expected, "{file}");
        assert_eq!(done.maintenance.len(), trial.maintenance, "{file}");
        let rejected: Vec<&str> = done.rejected.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(rejected, trial.rejected, "{file}");
        let before = kept(&incidents).await;
        let again = run(&incidents, &text).await;
        assert_eq!((again.new_incidents, again.new_entries), (0, 0), "{file}");
        assert_eq!(kept(&incidents).await, before, "{file}");
    }
}

/// Found by the fuzzer: for an incident that occurs twice with differences, each run undid the
/// changes of the previous one.
#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_in_the_file_twice_is_taken_in_once() {
    let (incidents, _database) = engine().await;
    let entry = |impact: &str| {
        json!({"id": "x1", "name": "API errors", "impact": impact, "page_id": "x", "status": "resolved",
            "created_at": "2026-10-01T10:00:00Z", "resolved_at": "2026-10-01T11:00:00Z"})
    };
    let text = json!([entry("minor"), entry("major")]).to_string();
    let done = run(&incidents, &text).await;
    assert_eq!((done.incidents, done.new_incidents), (1, 1));
    assert!(done.odd.contains_key(&Oddity::SameIncident));
    assert_eq!(kept(&incidents).await[0].severity, Severity::Sev3);
    let again = run(&incidents, &text).await;
    assert_eq!((again.new_incidents, again.new_entries), (0, 0));
}

/// M14: the displayed time is the time of the post; a status that says the incident is ongoing
/// takes precedence.
#[tokio::test(flavor = "multi_thread")]
async fn times_shown_and_the_own_status_count() {
    let (incidents, _database) = engine().await;
    let text = json!({"incidents": [{
        "id": "k5z4d1v1tqmt", "name": "slow", "impact": "minor", "page_id": "x", "status": "monitoring",
        "created_at": "2026-10-01T10:00:00Z", "resolved_at": "2026-10-01T12:00:00Z",
        "incident_updates": [
            {"id": "a", "status": "investigating", "body": "We look.", "created_at": "2026-10-01T10:00:00Z"},
            {"id": "b", "status": "monitoring", "body": "Better.", "created_at": "2026-10-01T11:00:00Z",
             "display_at": "2026-10-01T10:30:00Z"},
        ],
    }], "scheduled_maintenances": [{
        "id": "m1", "name": "Upgrade \"7\"", "status": "scheduled", "impact": "none", "created_at": "2026-10-01T10:00:00Z",
        "scheduled_for": "2027-10-01T10:00:00Z", "scheduled_until": "2027-10-01T11:00:00Z",
    }]})
    .to_string();
    let done = run(&incidents, &text).await;
    let expected = [Oddity::ResolvedAndNot, Oddity::OtherTimeShown];
    assert_eq!(done.odd.keys().copied().collect::<Vec<_>>(), expected);
    let one = kept(&incidents).await.remove(0);
    assert!(one.status.is_live());
    assert_eq!(one.mitigated_at, Some(at("2026-10-01T10:30:00Z")));
    // The printed maintenance line is valid in a contract.
    let said = done.to_string();
    let line = said
        .lines()
        .find(|line| line.contains("2027-10-01"))
        .unwrap();
    let exclusion = line.split(" # ").next().unwrap();
    let terms = format!(
        "target_percent = \"99.9\"\nversion = \"x\"\ntiers = [{{ from_minutes = 0, credit_percent = \"0\" }}]\nexclusions = [{exclusion}]\n"
    );
    let terms: incident_core::sla::SlaTerms = toml::from_str(&terms).unwrap();
    assert_eq!(terms.exclusions()[0].reason.as_str(), "Upgrade \"7\"");
}
