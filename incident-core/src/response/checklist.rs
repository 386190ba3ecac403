//! Checklists: the shipped ones, those that replace them, and how far each has come.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::incident::{Incident, Severity, State, Status, TickItem, TickedItem};
use crate::{ChecklistKey, Text, ValidationError, shows_nothing};

/// Maximum number of checklists.
pub const MAX_CHECKLISTS: usize = 20;
/// Maximum number of items of a checklist.
pub const MAX_CHECKLIST_ITEMS: usize = 50;
/// Maximum length of the text of an item, in bytes.
pub const MAX_ITEM_BYTES: usize = 500;

/// The statuses in which a checklist applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// While the incident is live.
    Live,
    /// While it is live or resolved.
    UntilClosed,
    /// While it is resolved.
    Resolved,
}

impl Applies {
    const fn to_status(self, status: Status) -> bool {
        let is_resolved = matches!(status, Status::Resolved);
        match self {
            Self::Live => status.is_live(),
            Self::UntilClosed => status.is_live() || is_resolved,
            Self::Resolved => is_resolved,
        }
    }
}

/// An item of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// The id, stable: ticks are stored under it.
    pub id: ChecklistKey,
    /// The text, as the person who ticks it reads it.
    pub text: Text,
}

/// A checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checklist {
    /// The id, stable: ticks are stored under it.
    pub name: ChecklistKey,
    /// The statuses in which it applies.
    pub applies: Applies,
    /// The severities for which it applies; empty for all.
    pub severities: Vec<Severity>,
    /// `true` if a reopen of the incident opens all its items again.
    pub restarts: bool,
    /// The items, at least one, in the order in which they are done.
    pub items: Vec<ChecklistItem>,
}

impl Checklist {
    /// Returns `true` if it applies to an incident as it is now.
    #[must_use]
    pub fn applies_to(&self, incident: &State) -> bool {
        self.applies.to_status(incident.status)
            && (self.severities.is_empty() || self.severities.contains(&incident.severity))
    }
}

/// A checklist as a policy file writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedChecklist {
    /// The items. None switches a shipped list off.
    pub items: Vec<ChecklistItem>,
    /// The statuses in which it applies; for a shipped list, as shipped if absent.
    #[serde(default)]
    pub applies: Option<Applies>,
    /// The severities for which it applies; as shipped, or all, if absent.
    #[serde(default)]
    pub severities: Option<Vec<Severity>>,
}

/// The checklists of an engine. The default is the one that ships: `triage`, `quick_checks`,
/// `war_room` (SEV1), `verify` before an incident is resolved, `watch` after it.
///
/// ```
/// use incident_core::response::Checklists;
///
/// let lists = Checklists::default();
/// let names: Vec<&str> = lists.iter().map(|list| list.name.as_ref()).collect();
/// assert_eq!(names, ["triage", "quick_checks", "war_room", "verify", "watch"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checklists(Vec<Checklist>);

impl Default for Checklists {
    fn default() -> Self {
        Self(shipped().collect())
    }
}

/// The error of a tick of something that no checklist has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownItem {
    /// No checklist has this name.
    List,
    /// The checklist has no such item.
    Item,
    /// The checklist does not apply to the incident as it is now.
    NotNow,
}

/// A checklist, with the items of it that are ticked.
#[derive(Clone, Debug)]
pub struct ChecklistProgress<'a> {
    /// The checklist.
    pub list: &'a Checklist,
    /// The items in order, each with its tick; none while it is open.
    pub items: Vec<(&'a ChecklistItem, Option<&'a TickedItem>)>,
}

impl ChecklistProgress<'_> {
    /// Counts the items that are ticked.
    #[must_use]
    pub fn done(&self) -> usize {
        self.items.iter().filter(|(_, tick)| tick.is_some()).count()
    }

    /// Counts the items that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.items.len() - self.done()
    }
}

impl Checklists {
    /// The list that is worked through before an incident is resolved.
    pub const VERIFY: &'static str = "verify";

    /// Creates the shipped lists with those of `named` in place of, or in addition to them. A list
    /// is replaced as a whole.
    ///
    /// # Errors
    /// Returns the list, and the item, that has no text, a text that is too long or the id of
    /// another item; an additional list without items or without the statuses in which it applies;
    /// and too many lists or items.
    pub fn named(named: &BTreeMap<ChecklistKey, NamedChecklist>) -> Result<Self, ValidationError> {
        let mut all: Vec<Checklist> = shipped().collect();
        for (name, given) in named {
            check(name, given)?;
            let known = all.iter_mut().find(|one| one.name == *name);
            if let Some(list) = known {
                list.items.clone_from(&given.items);
                list.applies = given.applies.unwrap_or(list.applies);
                if let Some(severities) = &given.severities {
                    list.severities.clone_from(severities);
                }
                continue;
            }
            all.push(additional(name, given)?);
        }
        all.retain(|list| !list.items.is_empty());
        if all.len() > MAX_CHECKLISTS {
            let expected = format!("at most {MAX_CHECKLISTS} checklists");
            return Err(ValidationError::new("checklists", expected));
        }
        Ok(Self(all))
    }

    /// Lists the checklists: the shipped ones first, each in its place, then others by name.
    pub fn iter(&self) -> impl Iterator<Item = &Checklist> {
        self.0.iter()
    }

    /// Returns the progress of each list that applies to an incident as it is now.
    pub fn progress<'a>(
        &'a self,
        incident: &'a State,
    ) -> impl Iterator<Item = ChecklistProgress<'a>> {
        let applying = self.0.iter().filter(|list| list.applies_to(incident));
        applying.map(|list| ChecklistProgress {
            list,
            items: list
                .items
                .iter()
                .map(|item| (item, incident.ticked(&list.name, &item.id)))
                .collect(),
        })
    }

    /// Returns `true` if an item has the text that ships, so that its translations are true.
    #[must_use]
    pub fn is_shipped(list: &ChecklistKey, item: &ChecklistItem) -> bool {
        let shipped = SHIPPED.iter().find(|one| one.name == list.as_ref());
        let mut items = shipped.iter().flat_map(|one| one.items);
        items.any(|(id, text)| *id == item.id.as_ref() && *text == item.text.as_ref())
    }

    /// Returns a tick with the text of its item, for the entry.
    ///
    /// # Errors
    /// Returns what is unknown, or that the list does not apply now.
    pub(crate) fn filled_in(
        &self,
        incident: &Incident,
        tick: &TickItem,
    ) -> Result<TickItem, UnknownItem> {
        let list = self.0.iter().find(|list| list.name == tick.list);
        let list = list.ok_or(UnknownItem::List)?;
        let item = list.items.iter().find(|item| item.id == tick.item);
        let item = item.ok_or(UnknownItem::Item)?;
        // One that has ended is refused for that.
        if !incident.status.is_final() && !list.applies_to(incident) {
            return Err(UnknownItem::NotNow);
        }
        Ok(TickItem {
            text: item.text.clone(),
            restarts: list.restarts,
            ..tick.clone()
        })
    }
}

fn check(name: &ChecklistKey, given: &NamedChecklist) -> Result<(), ValidationError> {
    let at = |field: &str| format!("checklists/{name}/{field}");
    if given.items.len() > MAX_CHECKLIST_ITEMS {
        let expected = format!("at most {MAX_CHECKLIST_ITEMS} items");
        return Err(ValidationError::new(at("items"), expected));
    }
    let mut ids = BTreeSet::new();
    for (nth, item) in given.items.iter().enumerate() {
        let text = item.text.as_str();
        if shows_nothing(text) || text.len() > MAX_ITEM_BYTES || text.contains(['\n', '\r']) {
            let expected = format!(
                "one line of text of at most {MAX_ITEM_BYTES} bytes with at least one visible character"
            );
            let field = at(&format!("items/{nth}/text"));
            return Err(ValidationError::new(field, expected));
        }
        if !ids.insert(&item.id) {
            let field = at(&format!("items/{nth}/id"));
            let expected = "an id that no other item of the list has";
            return Err(ValidationError::new(field, expected));
        }
    }
    if given.severities.as_ref().is_some_and(Vec::is_empty) {
        let expected = "at least one severity, or no value for all of them";
        return Err(ValidationError::new(at("severities"), expected));
    }
    Ok(())
}

fn additional(name: &ChecklistKey, given: &NamedChecklist) -> Result<Checklist, ValidationError> {
    let at = |field: &str| format!("checklists/{name}/{field}");
    let applies = given.applies.ok_or_else(|| {
        let expected = "live, until_closed or resolved, because no list of this name ships";
        ValidationError::new(at("applies"), expected)
    })?;
    if given.items.is_empty() {
        let expected = "at least one item, because no list of this name ships";
        return Err(ValidationError::new(at("items"), expected));
    }
    Ok(Checklist {
        name: name.clone(),
        applies,
        severities: given.severities.clone().unwrap_or_default(),
        restarts: applies != Applies::Live,
        items: given.items.clone(),
    })
}

/// A checklist that ships.
struct Shipped {
    name: &'static str,
    applies: Applies,
    severities: &'static [Severity],
    /// Ids and texts.
    items: &'static [(&'static str, &'static str)],
}

const SHIPPED: [Shipped; 5] = [
    Shipped {
        name: "triage",
        applies: Applies::Live,
        severities: &[],
        items: &[
            (
                "real_incident",
                "It is a real incident and not a false positive",
            ),
            ("scope_known", "Scope, users and business impact are known"),
            ("severity_set", "The severity is set"),
            ("commander_named", "An incident commander is named"),
            (
                "channel_opened",
                "A channel is open (#incident-YYYY-MM-DD-NNN)",
            ),
            ("stakeholders_informed", "Stakeholders are informed"),
        ],
    },
    Shipped {
        name: "quick_checks",
        applies: Applies::Live,
        severities: &[],
        items: &[
            ("application", "Application checked"),
            ("queues", "Queues checked"),
            ("cache", "Cache checked"),
            ("database", "Database checked"),
            ("logs", "Logs checked"),
            ("monitoring", "Monitoring checked"),
            (
                "environments",
                "It is known if staging is hit too, or production only",
            ),
        ],
    },
    Shipped {
        name: "war_room",
        applies: Applies::Live,
        severities: &[Severity::Sev1],
        items: &[
            ("bridge_open", "The bridge call is open"),
            (
                "people_invited",
                "Commander, tech lead and experts are invited",
            ),
            ("link_shared", "The link is shared"),
            ("scribe_ready", "The scribe is ready"),
            ("dashboard_shared", "The dashboard is shared"),
            ("access_confirmed", "Access is confirmed"),
            (
                "rules_on_show",
                "The rules are on show: the commander leads, one speaker at a time, mitigation first, no blame, document as it happens",
            ),
        ],
    },
    Shipped {
        name: Checklists::VERIFY,
        applies: Applies::UntilClosed,
        severities: &[],
        items: &[
            ("instances_healthy", "All instances are healthy"),
            ("health_endpoint", "The health endpoint answers"),
            ("critical_endpoints", "The critical endpoints answer"),
            ("error_rate", "The error rate is back to normal"),
            ("user_flow", "One real user flow works"),
            (
                "regression_test",
                "A regression test exists, or is an action",
            ),
        ],
    },
    Shipped {
        name: "watch",
        applies: Applies::Resolved,
        severities: &[],
        items: &[
            ("no_new_alert", "No new alert for one hour"),
            ("metrics_stable", "Metrics are stable for one hour"),
            ("no_spike", "No spike for one hour"),
        ],
    },
];

fn shipped() -> impl Iterator<Item = Checklist> {
    SHIPPED.iter().map(|one| Checklist {
        name: ChecklistKey::made(one.name),
        applies: one.applies,
        severities: one.severities.to_vec(),
        restarts: one.applies != Applies::Live,
        items: one
            .items
            .iter()
            .map(|(id, text)| ChecklistItem {
                id: ChecklistKey::made(id),
                text: Text::cut(text),
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
                format!(r#"{{"triage": {{"itms": [{item}]}}}}"#),
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
}
