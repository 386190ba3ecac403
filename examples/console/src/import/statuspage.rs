//! Parser for the history of a public status page, in the format of Statuspage's API:
//! `incidents.json`, `scheduled-maintenances.json` and `summary.json` under `/api/v2`, including
//! the oddities of real pages.

use std::collections::BTreeMap;

use incident_core::incident::{Severity, Status};
use incident_core::{ServiceId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::oddity::Oddity;

#[derive(Deserialize)]
struct RawIncident {
    id: String,
    name: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    impact: Option<String>,
    created_at: Timestamp,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    resolved_at: Option<Timestamp>,
    #[serde(default)]
    scheduled_for: Option<Timestamp>,
    #[serde(default)]
    scheduled_until: Option<Timestamp>,
    /// Absent if a third party scraped the page's HTML.
    #[serde(default)]
    page_id: Option<String>,
    #[serde(default)]
    incident_updates: Vec<RawUpdate>,
    #[serde(default)]
    components: Option<Vec<RawComponent>>,
}

#[derive(Deserialize)]
struct RawUpdate {
    id: String,
    status: String,
    #[serde(default)]
    body: Option<String>,
    created_at: Timestamp,
    /// The displayed time.
    #[serde(default)]
    display_at: Option<Timestamp>,
}

impl RawUpdate {
    fn at(&self) -> Timestamp {
        self.display_at.unwrap_or(self.created_at)
    }
}

#[derive(Deserialize)]
struct RawComponent {
    name: String,
}

/// An incident of the page, in terms of this system.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Position in the file.
    pub(super) place: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    /// Set if it had no impact.
    pub(super) is_harmless: bool,
    pub(super) services: Vec<ServiceId>,
    pub(super) start: Timestamp,
    /// `None` while it is ongoing.
    pub(super) end: Option<Timestamp>,
    /// Oldest first.
    pub(super) updates: Vec<Post>,
    /// The oddities found, each resolved by its rule.
    pub(super) odd: Vec<Oddity>,
}

/// A post.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// Unique in its incident, and stable across reads of the page.
    pub(super) key: String,
    pub(super) at: Timestamp,
    /// Published text, verbatim.
    pub(super) body: String,
    pub(super) status: Option<Status>,
    /// Set if this post ends the incident.
    pub(super) ends: bool,
}

impl Post {
    /// Returns a hash of the text, to detect edits.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.body.as_bytes()).into()
    }
}

/// Announced maintenance: not an outage; terms may exclude it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindows {
    /// Id on the page.
    pub id: String,
    /// Name on the page.
    pub title: String,
    /// The announced start.
    pub start: Timestamp,
    /// The announced end, else the time of completion; `None` if neither is known.
    pub end: Option<Timestamp>,
}

/// An entry that was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Place in the file: `incidents[2].created_at`, or a line and a column.
    pub place: String,
    /// Reason: usually the expected value.
    pub reason: String,
}

/// The contents of a file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Oldest first, so that incident numbers increase with time.
    pub(super) histories: Vec<History>,
    pub(super) maintenance: Vec<MaintenanceWindows>,
    pub(super) rejected: Vec<Rejected>,
}

/// Reads a file: a sequence of documents, each a page or a list of incidents. Unreadable entries
/// are reported with their places, and the rest of the file is read.
pub(super) fn read(text: &str, now: Timestamp) -> Contents {
    let mut contents = Contents::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut number = 0;
    loop {
        match documents.next() {
            Some(Ok(document)) => {
                let prefix = match number {
                    0 => String::new(),
                    n => format!("document {}: ", n + 1),
                };
                contents.add_document(&prefix, document, now);
            }
            Some(Err(error)) => {
                contents.reject("the file", error.to_string());
                break;
            }
            None if number == 0 => {
                contents.reject(
                    "the file",
                    "a Statuspage API response or a list of incidents, as JSON".to_owned(),
                );
                break;
            }
            None => break,
        }
        number += 1;
    }
    contents.drop_repeated();
    let order = |a: &History, b: &History| (a.start, &a.id).cmp(&(b.start, &b.id));
    contents.histories.sort_by(order);
    contents
}

impl Contents {
    /// Removes repeated entries with the same id, except the first: each run would undo the other.
    fn drop_repeated(&mut self) {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut kept: Vec<History> = Vec::with_capacity(self.histories.len());
        for history in self.histories.drain(..) {
            match places.get(&history.id).and_then(|at| kept.get_mut(*at)) {
                Some(first) => first.odd.push(Oddity::SameIncident),
                None => {
                    places.insert(history.id.clone(), kept.len());
                    kept.push(history);
                }
            }
        }
        self.histories = kept;
    }

    fn reject(&mut self, place: impl Into<String>, reason: String) {
        let place = place.into();
        self.rejected.push(Rejected { place, reason });
    }

    fn add_document(&mut self, prefix: &str, document: Value, now: Timestamp) {
        match document {
            Value::Array(list) => self.add_list(prefix, list, false, now),
            Value::Object(mut page) => {
                let mut found = false;
                for (name, scheduled) in [("incidents", false), ("scheduled_maintenances", true)] {
                    match page.remove(name) {
                        Some(Value::Array(list)) => {
                            found = true;
                            self.add_list(&format!("{prefix}{name}"), list, scheduled, now);
                        }
                        Some(_) => {
                            found = true;
                            self.reject(format!("{prefix}{name}"), "expected a list".to_owned());
                        }
                        None => {}
                    }
                }
                if !found {
                    let expected = "expected `incidents` or `scheduled_maintenances`".to_owned();
                    self.reject(format!("{prefix}the file"), expected);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let expected =
                    "expected a Statuspage API response or a list of incidents".to_owned();
                self.reject(format!("{prefix}the file"), expected);
            }
        }
    }

    fn add_list(&mut self, prefix: &str, list: Vec<Value>, scheduled: bool, now: Timestamp) {
        for (at, entry) in list.into_iter().enumerate() {
            let place = format!("{prefix}[{at}]");
            let raw: RawIncident = match serde_path_to_error::deserialize(entry) {
                Ok(raw) => raw,
                Err(error) => {
                    let place = match error.path().to_string().as_str() {
                        "." => place,
                        path => format!("{place}.{path}"),
                    };
                    self.reject(place, error.inner().to_string());
                    continue;
                }
            };
            if scheduled || is_maintenance(&raw) {
                match maintenance(raw) {
                    Ok(one) => self.maintenance.push(one),
                    Err(reason) => self.reject(place, reason.to_owned()),
                }
                continue;
            }
            match in_the_future(&raw, now) {
                Some(field) => {
                    let reason = "expected a time that is not in the future".to_owned();
                    self.reject(format!("{place}.{field}"), reason);
                }
                None => self.histories.push(history(place, raw)),
            }
        }
    }
}

fn is_maintenance(raw: &RawIncident) -> bool {
    const STATES: [&str; 4] = ["scheduled", "in_progress", "verifying", "completed"];
    raw.impact.as_deref() == Some("maintenance")
        || raw.scheduled_for.is_some()
        || raw
            .status
            .as_deref()
            .is_some_and(|status| STATES.contains(&status))
}

/// Returns the announced window; if there is none, the window from start to completion.
fn maintenance(raw: RawIncident) -> Result<MaintenanceWindows, &'static str> {
    let start = raw
        .scheduled_for
        .or(raw.started_at)
        .unwrap_or(raw.created_at);
    let is_over = matches!(raw.status.as_deref(), Some("completed" | "resolved"));
    let completed = raw.resolved_at.filter(|_| is_over);
    let end = raw.scheduled_until.or(completed);
    if end.is_some_and(|end| end <= start) {
        return Err("expected `scheduled_until` after `scheduled_for`");
    }
    Ok(MaintenanceWindows {
        id: raw.id,
        title: raw.name,
        start,
        end,
    })
}

/// Returns the name of the first field with a time in the future, if there is one.
fn in_the_future(raw: &RawIncident, now: Timestamp) -> Option<String> {
    let own = [
        ("created_at", Some(raw.created_at)),
        ("started_at", raw.started_at),
        // Ends recorded by a third party are ignored.
        (
            "resolved_at",
            raw.resolved_at.filter(|_| raw.page_id.is_some()),
        ),
    ];
    let own = own
        .into_iter()
        .find(|(_, time)| time.is_some_and(|time| time > now));
    let mut posts = raw.incident_updates.iter();
    let mut post = || posts.position(|post| post.at() > now);
    let field = own.map(|(name, _)| name.to_owned());
    field.or_else(|| Some(format!("incident_updates[{}]", post()?)))
}

/// Returns whether the page reports the incident as over; `None` for an unknown status.
fn is_over(status: Option<&str>) -> Option<bool> {
    match status {
        Some("resolved" | "postmortem") => Some(true),
        Some("investigating" | "identified" | "monitoring") => Some(false),
        _ => None,
    }
}

fn history(place: String, mut raw: RawIncident) -> History {
    let mut odd = Vec::new();
    let posts = in_order(std::mem::take(&mut raw.incident_updates), &mut odd);
    let resolved: Vec<Timestamp> = posts
        .iter()
        .filter(|(post, _)| post.status == "resolved")
        .map(|(post, _)| post.at())
        .collect();
    if resolved.len() > 1 {
        odd.push(Oddity::ResolvedTwice);
    }
    let end = end(&raw, &posts, resolved.last().copied(), &mut odd);
    let started = raw.started_at.unwrap_or(raw.created_at);
    let (start, end) = match (&raw.page_id, end) {
        (None, end) => (raw.created_at, end),
        (Some(_), Some(end)) if end <= started => {
            odd.push(Oddity::EndsBeforeItStarts);
            (raw.created_at.min(end), Some(end))
        }
        (Some(_), end) => (started, end),
    };
    if end.is_some() && resolved.is_empty() {
        odd.push(Oddity::NoResolvedPost);
    }
    let severity = severity(raw.impact.as_deref(), &mut odd);
    let last = posts
        .iter()
        .rposition(|(post, _)| post.status == "resolved")
        .filter(|_| end.is_some());
    let updates = posts
        .into_iter()
        .enumerate()
        .map(|(place, (post, key))| Post {
            key,
            at: post.at(),
            status: status(&post.status),
            body: post.body.unwrap_or_default(),
            ends: last == Some(place),
        });
    let updates = updates.collect();
    History {
        place,
        id: raw.id,
        title: raw.name,
        severity,
        is_harmless: odd.contains(&Oddity::NoImpact),
        services: services(&raw.components.unwrap_or_default(), &mut odd),
        start,
        end,
        updates,
        odd,
    }
}

/// Returns the end of an incident: from the page's own field, else from the post that ends it.
fn end(
    raw: &RawIncident,
    posts: &[(RawUpdate, String)],
    of_posts: Option<Timestamp>,
    odd: &mut Vec<Oddity>,
) -> Option<Timestamp> {
    // An end recorded by a third party may have the wrong year.
    let stated = raw.resolved_at.filter(|_| raw.page_id.is_some());
    // Its status is not the page's either, but that of the last post.
    let own_status = raw.status.as_deref().filter(|_| raw.page_id.is_some());
    let over = is_over(own_status);
    if over == Some(false) {
        let contradicted = stated.is_some() || of_posts.is_some();
        odd.push(if contradicted {
            Oddity::ResolvedAndNot
        } else {
            Oddity::NoEnd
        });
        return None;
    }
    if raw.page_id.is_some() && stated.is_none() && of_posts.is_some() {
        odd.push(Oddity::NoResolvedAt);
    }
    let end = stated.or(of_posts);
    if end.is_some() {
        return end;
    }
    if over != Some(true) {
        odd.push(Oddity::NoEnd);
        return None;
    }
    odd.push(Oddity::EndUnknown);
    let last_post = posts.last().map(|(post, _)| post.at());
    last_post.or(Some(raw.started_at.unwrap_or(raw.created_at)))
}

fn services(components: &[RawComponent], odd: &mut Vec<Oddity>) -> Vec<ServiceId> {
    let wanted = components.len();
    let mut services: Vec<ServiceId> = components
        .iter()
        .filter_map(|one| ServiceId::new(&one.name).ok())
        .collect();
    if services.len() < wanted {
        odd.push(Oddity::NamelessComponent);
    }
    services.sort();
    services.dedup();
    services
}

/// Sorts posts, oldest first, and posts with the same time in the order of the page; gives each a
/// unique key.
fn in_order(mut posts: Vec<RawUpdate>, odd: &mut Vec<Oddity>) -> Vec<(RawUpdate, String)> {
    let ends = posts.first().zip(posts.last());
    if ends.is_some_and(|(first, last)| first.at() > last.at()) {
        odd.push(Oddity::NewestFirst);
        posts.reverse();
    }
    posts.sort_by_key(RawUpdate::at);
    if posts.iter().any(|post| post.at() != post.created_at) {
        odd.push(Oddity::OtherTimeShown);
    }
    let mut instants = posts.iter().zip(posts.iter().skip(1));
    if instants.any(|(a, b)| a.at() == b.at()) {
        odd.push(Oddity::SameInstant);
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut keyed = Vec::with_capacity(posts.len());
    for post in posts {
        let times = seen.entry(post.id.clone()).or_default();
        *times += 1;
        let key = match *times {
            1 => post.id.clone(),
            n => format!("{}#{n}", post.id),
        };
        keyed.push((post, key));
    }
    if seen.values().any(|times| *times > 1) {
        odd.push(Oddity::SameId);
    }
    keyed
}

fn severity(impact: Option<&str>, odd: &mut Vec<Oddity>) -> Severity {
    match impact {
        Some("critical") => Severity::Sev1,
        Some("major") => Severity::Sev2,
        Some("minor") => Severity::Sev3,
        Some("none") => {
            odd.push(Oddity::NoImpact);
            Severity::Sev4
        }
        _ => {
            odd.push(Oddity::UnknownImpact);
            Severity::Sev3
        }
    }
}

fn status(theirs: &str) -> Option<Status> {
    match theirs {
        "investigating" => Some(Status::Investigating),
        "identified" => Some(Status::Identified),
        "monitoring" => Some(Status::Mitigated),
        // Only the last `resolved` ends the incident; other statuses change nothing.
        _ => None,
    }
}
