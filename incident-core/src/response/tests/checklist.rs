//! Checklists: shipped, replaced, applied.

use std::collections::BTreeMap;

use crate::ChecklistKey;
use crate::incident::{Severity, Status, TickItem};
use crate::response::checklist::check;
use crate::response::{
    Checklists, MAX_CHECKLIST_ITEMS, MAX_CHECKLISTS, MAX_ITEM_BYTES, NamedChecklist, UnknownItem,
};
use crate::testing::an_incident;

fn key(text: &str) -> ChecklistKey {
    ChecklistKey::new(text).unwrap()
}

fn read(json: &str) -> Result<Checklists, String> {
    let named: BTreeMap<ChecklistKey, NamedChecklist> =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    Checklists::named(&named).map_err(|error| error.to_string())
}

fn applying(lists: &Checklists, severity: Severity, status: Status) -> String {
    let (mut incident, _, _) = an_incident();
    incident.state_mut().severity = severity;
    incident.state_mut().status = status;
    let lists = lists.progress(&incident);
    let names: Vec<String> = lists.map(|one| one.list.name.to_string()).collect();
    names.join(" ")
}

/// Shipped ids are stored: a change here orphans ticks.
#[test]
fn shipped_lists_are_valid_and_have_these_ids() {
    let ids: Vec<String> = Checklists::default()
        .iter()
        .map(|list| {
            let ids: Vec<&str> = list.items.iter().map(|item| item.id.as_ref()).collect();
            format!("{}: {}", list.name, ids.join(" "))
        })
        .collect();
    assert_eq!(
        ids,
        [
            "triage: real_incident scope_known severity_set commander_named channel_opened stakeholders_informed",
            "quick_checks: application queues cache database logs monitoring environments",
            "war_room: bridge_open people_invited link_shared scribe_ready dashboard_shared access_confirmed rules_on_show",
            "verify: instances_healthy health_endpoint critical_endpoints error_rate user_flow regression_test",
            "watch: no_new_alert metrics_stable no_spike",
        ]
    );
    for list in Checklists::default().iter() {
        let given = NamedChecklist {
            items: list.items.clone(),
            applies: None,
            severities: None,
        };
        check(&list.name, &given).unwrap();
        assert!(ChecklistKey::new(list.name.as_ref()).is_ok());
        assert!(
            list.items
                .iter()
                .all(|item| ChecklistKey::new(item.id.as_ref()).is_ok())
        );
        assert!(
            list.items
                .iter()
                .all(|item| Checklists::is_shipped(&list.name, item))
        );
    }
}

#[test]
fn lists_apply_by_status_and_severity() {
    let lists = Checklists::default();
    for (severity, status, expected) in [
        (
            Severity::Sev1,
            Status::Triage,
            "triage quick_checks war_room verify",
        ),
        (
            Severity::Sev2,
            Status::Mitigated,
            "triage quick_checks verify",
        ),
        (Severity::Sev1, Status::Resolved, "verify watch"),
        (Severity::Sev4, Status::Resolved, "verify watch"),
        (Severity::Sev1, Status::Closed, ""),
        (Severity::Sev1, Status::Cancelled, ""),
        (Severity::Sev1, Status::Merged, ""),
    ] {
        assert_eq!(
            applying(&lists, severity, status),
            expected,
            "{severity} {status}"
        );
    }
}

#[test]
fn a_named_list_replaces_a_whole_one_or_is_added() {
    let lists = read(
        r#"{
            "triage": {"items": [{"id": "real", "text": "Real?"}]},
            "watch": {"items": []},
            "war_room": {"items": [{"id": "bridge_open", "text": "The bridge call is open"}], "severities": ["SEV1", "SEV2"]},
            "billing": {"items": [{"id": "paused", "text": "Dunning is paused"}], "applies": "resolved"}
        }"#,
    )
    .unwrap();
    assert_eq!(
        applying(&lists, Severity::Sev2, Status::Triage),
        "triage quick_checks war_room verify"
    );
    assert_eq!(
        applying(&lists, Severity::Sev3, Status::Triage),
        "triage quick_checks verify"
    );
    assert_eq!(
        applying(&lists, Severity::Sev2, Status::Resolved),
        "verify billing"
    );
    let triage = lists.iter().next().unwrap();
    assert_eq!(triage.items.len(), 1);
    assert!(!Checklists::is_shipped(&triage.name, &triage.items[0]));
    // The same id and text is translated also in a list that replaces the shipped one.
    let bridge = lists
        .iter()
        .find(|one| one.name == key("war_room"))
        .unwrap();
    assert!(Checklists::is_shipped(&bridge.name, &bridge.items[0]));
}

#[test]
fn wrong_lists_are_named() {
    let item = r#"{"id": "a", "text": "b"}"#;
    let many = |n: usize| {
        let items: Vec<String> = (0..n)
            .map(|n| format!(r#"{{"id": "i{n}", "text": "b"}}"#))
            .collect();
        items.join(",")
    };
    let lists = |n: usize| {
        let lists: Vec<String> = (0..n)
            .map(|n| format!(r#""l{n}": {{"applies": "live", "items": [{item}]}}"#))
            .collect();
        format!("{{{}}}", lists.join(","))
    };
    let long = "x".repeat(MAX_ITEM_BYTES + 1);
    for (json, named) in [
        (
            format!(r#"{{"mine": {{"items": [{item}]}}}}"#),
            "checklists/mine/applies",
        ),
        (
            r#"{"mine": {"items": [], "applies": "live"}}"#.to_owned(),
            "checklists/mine/items",
        ),
        (
            format!(r#"{{"triage": {{"items": [{item}, {item}]}}}}"#),
            "checklists/triage/items/1/id",
        ),
        (
            r#"{"triage": {"items": [{"id": "a", "text": " "}]}}"#.to_owned(),
            "checklists/triage/items/0/text",
        ),
        (
            r#"{"triage": {"items": [{"id": "a", "text": "b\nc"}]}}"#.to_owned(),
            "checklists/triage/items/0/text",
        ),
        (
            format!(r#"{{"triage": {{"items": [{{"id": "a", "text": "{long}"}}]}}}}"#),
            "checklists/triage/items/0/text",
        ),
        (
            r#"{"triage": {"items": [{"id": "A b", "text": "b"}]}}"#.to_owned(),
            "id: expected 1 to 40 characters",
        ),
        (
            format!(
                r#"{{"triage": {{"items": [{}]}}}}"#,
                many(MAX_CHECKLIST_ITEMS + 1)
            ),
            "checklists/triage/items",
        ),
        (
            format!(r#"{{"triage": {{"items": [{item}], "severities": []}}}}"#),
            "checklists/triage/severities",
        ),
        (
            format!(r#"{{"Triage!": {{"items": [{item}]}}}}"#),
            "id: expected 1 to 40 characters",
        ),
        (
            format!(r#"{{"triage": {{"items": [{item}], "applies": "always"}}}}"#),
            "unknown variant",
        ),
        (
            format!(r#"{{"triage": {{"elements": [{item}]}}}}"#),
            "unknown field",
        ),
        (lists(MAX_CHECKLISTS - 4), "checklists: expected at most 20"),
    ] {
        let error = read(&json).unwrap_err();
        assert!(error.contains(named), "{error} does not name {named}");
    }
    assert!(read(&lists(MAX_CHECKLISTS - 5)).is_ok());
    assert!(
        read(&format!(
            r#"{{"triage": {{"items": [{}]}}}}"#,
            many(MAX_CHECKLIST_ITEMS)
        ))
        .is_ok()
    );
    const { assert!(MAX_CHECKLISTS * MAX_CHECKLIST_ITEMS <= crate::incident::limits::MAX_TICKS) };
}

#[test]
fn a_tick_is_filled_in_from_the_list_that_applies() {
    let lists = Checklists::default();
    let (mut incident, _, _) = an_incident();
    let tick = |list: &str, item: &str| TickItem::new(key(list), key(item), None);
    let filled = lists
        .filled_in(&incident, &tick("verify", "user_flow"))
        .unwrap();
    assert_eq!(filled.text.as_str(), "One real user flow works");
    assert!(filled.restarts);
    assert!(
        !lists
            .filled_in(&incident, &tick("triage", "scope_known"))
            .unwrap()
            .restarts
    );
    for (list, item, expected) in [
        ("nothing", "user_flow", UnknownItem::List),
        ("verify", "nothing", UnknownItem::Item),
        ("watch", "no_spike", UnknownItem::NotNow),
        ("war_room", "bridge_open", UnknownItem::NotNow),
    ] {
        assert_eq!(lists.filled_in(&incident, &tick(list, item)), Err(expected));
    }
    incident.state_mut().status = Status::Closed;
    // Refused by the decision, because the incident has ended.
    assert!(
        lists
            .filled_in(&incident, &tick("watch", "no_spike"))
            .is_ok()
    );
}
