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

pub(super) fn check(name: &ChecklistKey, given: &NamedChecklist) -> Result<(), ValidationError> {
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
