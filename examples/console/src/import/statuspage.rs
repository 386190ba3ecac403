//! The history of a public status page, as Statuspage's API gives it
//! (`/api/v2/incidents.json`), read with the oddities that real ones have.

use std::collections::BTreeMap;

use incident_core::incident::{Severity, Status};
use incident_core::{ServiceId, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A page, or only its list of incidents.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Page { incidents: Vec<RawIncident> },
    List(Vec<RawIncident>),
}

#[derive(Deserialize)]
struct RawIncident {
    id: String,
    name: String,
    #[serde(default)]
    impact: String,
    created_at: Timestamp,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    resolved_at: Option<Timestamp>,
    /// Absent where a third party read the page's HTML.
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
}

#[derive(Deserialize)]
struct RawComponent {
    name: String,
}

/// One incident of the page, in our terms.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) services: Vec<ServiceId>,
    pub(super) start: Timestamp,
    /// None where it goes on.
    pub(super) end: Option<Timestamp>,
    /// Oldest first.
    pub(super) updates: Vec<Post>,
    /// What was odd, and the rule that was applied.
    pub(super) odd: Vec<Oddity>,
}

/// One post.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// Unique in its incident, and the same each time the page is read.
    pub(super) key: String,
    pub(super) at: Timestamp,
    /// As it was published, byte for byte.
    pub(super) body: String,
    pub(super) status: Option<Status>,
    /// The post that ended the incident.
    pub(super) ends: bool,
}

impl Post {
    /// What it says, for a look whether it was edited.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.body.as_bytes()).into()
    }
}

/// Something that a history should not have, and what was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// The end is at or before the start: a post that was written or edited later.
    EndsBeforeItStarts,
    /// It has no end.
    NoEnd,
    /// A post says that it is resolved, and the incident says that it is not.
    ResolvedAndNot,
    /// It ended, and no post says so.
    NoResolvedPost,
    /// More than one post says that it is resolved.
    ResolvedTwice,
    /// Two posts have the same instant.
    SameInstant,
    /// Two posts have one id.
    SameId,
    /// A component has no name that a service can have.
    NamelessComponent,
    /// The impact is none that is known.
    UnknownImpact,
    /// The posts came newest first.
    NewestFirst,
    /// A post was edited since it was imported.
    EditedPost,
    /// A field was changed since it was imported.
    ChangedField,
}

impl Oddity {
    /// The rule that is applied.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::EndsBeforeItStarts => {
                "end at or before the start: the start is when it was created, if that is earlier, else the end"
            }
            Self::NoEnd => "no end: it stays open, and its reports are provisional",
            Self::ResolvedAndNot => {
                "a post says resolved, the incident does not: it stays open, the post is kept"
            }
            Self::NoResolvedPost => {
                "it ended and no post says so: an entry says that the page ended it"
            }
            Self::ResolvedTwice => "several posts say resolved: the last one ends it",
            Self::SameInstant => "posts of one instant: they keep the order of the page",
            Self::SameId => "posts with one id: told apart by their place",
            Self::NamelessComponent => "a component without a name that fits: left out",
            Self::UnknownImpact => "an impact that is not known: taken as minor",
            Self::NewestFirst => "newest post first: turned round",
            Self::EditedPost => {
                "a post was edited since: a correction with the new words, the old ones stay"
            }
            Self::ChangedField => {
                "a field was changed since: a change with the new value, the old one stays"
            }
        }
    }
}

/// Reads a file of incidents.
///
/// # Errors
/// It is no JSON of that shape: the place, and what was expected.
pub(super) fn read(text: &str) -> Result<Vec<History>, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let list: Vec<RawIncident> = if text.trim_start().starts_with('[') {
        serde_path_to_error::deserialize(&mut reader).map_err(|error| placed(&error))?
    } else {
        match serde_path_to_error::deserialize(&mut reader).map_err(|error| placed(&error))? {
            File::Page { incidents } | File::List(incidents) => incidents,
        }
    };
    // Oldest first, so that numbers rise with time.
    let mut histories: Vec<History> = list.into_iter().map(history).collect();
    histories.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    Ok(histories)
}

fn placed(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    format!("{}: {}", error.path(), error.inner())
}

fn history(raw: RawIncident) -> History {
    let mut odd = Vec::new();
    let posts = in_order(raw.incident_updates, &mut odd);
    let resolved: Vec<Timestamp> = posts
        .iter()
        .filter(|(post, _)| post.status == "resolved")
        .map(|(post, _)| post.created_at)
        .collect();
    if resolved.len() > 1 {
        odd.push(Oddity::ResolvedTwice);
    }
    let started = raw.started_at.unwrap_or(raw.created_at);
    let (start, end) = match (&raw.page_id, raw.resolved_at, resolved.last()) {
        // What a third party wrote down of an end may have the wrong year.
        (None, _, last) => (raw.created_at, last.copied()),
        (Some(_), Some(end), _) if end <= started => {
            odd.push(Oddity::EndsBeforeItStarts);
            (raw.created_at.min(end), Some(end))
        }
        (Some(_), end, _) => (started, end),
    };
    match (end, resolved.is_empty()) {
        (None, true) => odd.push(Oddity::NoEnd),
        (None, false) => odd.push(Oddity::ResolvedAndNot),
        (Some(_), true) => odd.push(Oddity::NoResolvedPost),
        (Some(_), false) => {}
    }
    let severity = severity(&raw.impact, &mut odd);
    let last = posts
        .iter()
        .rposition(|(post, _)| post.status == "resolved")
        .filter(|_| end.is_some());
    let updates = posts
        .into_iter()
        .enumerate()
        .map(|(place, (post, key))| Post {
            key,
            at: post.created_at,
            status: status(&post.status),
            body: post.body.unwrap_or_default(),
            ends: last == Some(place),
        });
    let updates = updates.collect();
    let names = raw.components.unwrap_or_default();
    let wanted = names.len();
    let mut services: Vec<ServiceId> = names
        .iter()
        .filter_map(|one| ServiceId::new(&one.name).ok())
        .collect();
    if services.len() < wanted {
        odd.push(Oddity::NamelessComponent);
    }
    services.sort();
    services.dedup();
    History {
        id: raw.id,
        title: raw.name,
        severity,
        services,
        start,
        end,
        updates,
        odd,
    }
}

/// Oldest first; posts of one instant in the order of the page, each with a key of
/// its own.
fn in_order(mut posts: Vec<RawUpdate>, odd: &mut Vec<Oddity>) -> Vec<(RawUpdate, String)> {
    let ends = posts.first().zip(posts.last());
    if ends.is_some_and(|(first, last)| first.created_at > last.created_at) {
        odd.push(Oddity::NewestFirst);
        posts.reverse();
    }
    posts.sort_by_key(|post| post.created_at);
    let mut instants = posts.iter().zip(posts.iter().skip(1));
    if instants.any(|(a, b)| a.created_at == b.created_at) {
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

fn severity(impact: &str, odd: &mut Vec<Oddity>) -> Severity {
    match impact {
        "critical" => Severity::Sev1,
        "major" => Severity::Sev2,
        "minor" => Severity::Sev3,
        "none" | "maintenance" => Severity::Sev4,
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
        // `resolved` is that of the last one; the others change nothing.
        _ => None,
    }
}
