//! An entry of a timeline as a page shows it: sentences of the server, which are English, in the
//! language of the reader, and texts of people as they wrote them.

use std::time::Duration;

use incident_core::actor::ActorKind;
use incident_core::incident::{FieldDelta, RuleSentence, Status};
use incident_core::timeline::{EntryKind, SysIncidentUpdateEntry, TextName};

use super::entry_coordination::coordination;
use super::entry_message::{EntryMessage, FiredEntry};
use super::entry_texts::EntryTexts;
use super::words::{WordTexts, list, value};
use crate::http::escape::Html;
use crate::web::about::rule_texts::RuleTexts;
use crate::web::frame::Frame;

/// Time between an event and its entry from which both are shown.
const LATE: Duration = Duration::from_secs(60);

/// A field that an entry changed.
#[derive(Clone, Debug)]
pub(super) struct ChangedField {
    pub(super) name: &'static str,
    /// The value before; none where only the new value is known, or items of a list changed.
    pub(super) from: Option<String>,
    pub(super) to: String,
}

/// An entry.
pub(super) struct EntryView {
    pub(super) seq: u64,
    pub(super) at: Html,
    /// The time of recording, if it is another one.
    pub(super) recorded: Option<String>,
    pub(super) author: String,
    /// `true` if a program wrote it, in English.
    pub(super) is_by_program: bool,
    /// The kind of entry, or what was done, in words.
    pub(super) what: String,
    pub(super) statuses: Option<(&'static str, &'static str)>,
    pub(super) changes: Vec<ChangedField>,
    pub(super) text: Option<String>,
    pub(super) reason: Option<String>,
    /// Address of the post-mortem.
    pub(super) link: Option<String>,
    /// The firing of a rule of the policy.
    pub(super) fired: Option<FiredEntry>,
    pub(super) public: Option<String>,
    pub(super) informed: Option<String>,
    pub(super) corrects: Option<u64>,
    pub(super) corrected_by: Vec<u64>,
    pub(super) is_redacted: bool,
}

impl EntryView {
    /// Creates the view of an entry.
    pub(super) fn new(frame: &Frame<'_>, entry: &SysIncidentUpdateEntry) -> Self {
        let language = frame.reader.language;
        let (texts, words) = (EntryTexts::of(language), WordTexts::of(language));
        let fields = &entry.fields;
        let is_late = fields.occurred_at.saturating_add(LATE) < fields.recorded_at;
        let deltas = entry.changes();
        let of_response = coordination(frame, entry, &deltas);
        let is_in_words = of_response.is_some() || fields.kind == EntryKind::Declaration;
        let statement = of_response.unwrap_or_else(|| statement(frame, texts, entry, &deltas));
        let statuses = fields.status_from.zip(fields.status_to);
        let name = |status: Status| frame.common.status(status);
        let changes = deltas.iter().filter(|_| !is_in_words);
        Self {
            seq: entry.seq,
            at: frame.times.time(&fields.occurred_at),
            recorded: is_late.then(|| {
                let time = frame.times.short(fields.recorded_at);
                frame.fill(texts.recorded, &[("time", &time)])
            }),
            author: fields.author.name.to_string(),
            is_by_program: fields.author.kind != ActorKind::Person,
            what: statement
                .what
                .unwrap_or_else(|| words.kind(fields.kind).to_owned()),
            statuses: statuses.map(|(from, to)| (name(from), name(to))),
            changes: changes.map(|one| changed(frame, texts, one)).collect(),
            text: statement.text,
            reason: statement.reason,
            link: statement.link,
            fired: statement.fired,
            public: entry.text(TextName::PublicMessage).map(str::to_owned),
            informed: entry.comms_sent().map(|sent| {
                let audience = texts.audience(sent.audience);
                let channel = sent.channel.as_str();
                frame.fill(
                    texts.informed,
                    &[("audience", audience), ("channel", channel)],
                )
            }),
            corrects: fields.corrects,
            corrected_by: Vec::new(),
            is_redacted: entry.is_redacted(),
        }
    }
}

/// Notes at each entry which others of the list correct it.
pub(super) fn note_corrections(entries: &mut [EntryView]) {
    let pairs: Vec<(u64, u64)> = entries
        .iter()
        .filter_map(|one| Some((one.corrects?, one.seq)))
        .collect();
    for (corrected, by) in pairs {
        if let Some(entry) = entries.iter_mut().find(|one| one.seq == corrected) {
            entry.corrected_by.push(by);
        }
    }
}

fn changed(frame: &Frame<'_>, texts: &EntryTexts, delta: &FieldDelta) -> ChangedField {
    let words = WordTexts::of(frame.reader.language);
    let name = words.field(&delta.field);
    if delta.added.is_empty() && delta.removed.is_empty() {
        let from = delta.from.as_ref();
        return ChangedField {
            name,
            from: from.map(|from| value(frame, &delta.field, from)),
            to: value(frame, &delta.field, &delta.to),
        };
    }
    let rows = [(texts.added, &delta.added), (texts.removed, &delta.removed)];
    let rows = rows.into_iter().filter(|(_, items)| !items.is_empty());
    let rows = rows.map(|(text, items)| {
        let items = list(frame, words, items);
        frame.fill(text, &[("items", &items)])
    });
    ChangedField {
        name,
        from: None,
        to: rows.collect::<Vec<_>>().join("; "),
    }
}

/// The beginning of the entry about a letter to users.
const USERS_NOTIFIED: &str = "affected users notified: ";

/// The beginning of the entry about a notification of the authority.
const AUTHORITY_NOTIFIED: &str = "authority notified: ";

/// Returns what an entry says. The sentences that the engine writes begin alike (see
/// `incident-core/src/timeline/draft.rs`); one that is not recognised is shown as it is.
fn statement(
    frame: &Frame<'_>,
    texts: &EntryTexts,
    entry: &SysIncidentUpdateEntry,
    deltas: &[FieldDelta],
) -> EntryMessage {
    let Some(message) = entry.text(TextName::Message) else {
        return EntryMessage::default();
    };
    let of_engine = match entry.fields.kind {
        EntryKind::Declaration => declaration(frame, texts, message, deltas),
        EntryKind::Acknowledgement => {
            let by = format!("acknowledged by {}", entry.fields.author.name);
            (message == by).then(EntryMessage::default)
        }
        EntryKind::Visibility => match message {
            "made public" => Some(only(texts.published.to_owned())),
            "made private" => Some(only(texts.hidden.to_owned())),
            _ => None,
        },
        EntryKind::PostMortem => {
            let link = message.strip_prefix("post-mortem linked: ");
            link.map(|link| EntryMessage {
                link: Some(link.to_owned()),
                ..EntryMessage::default()
            })
        }
        EntryKind::PageRequest if entry.fields.author.is_policy() => {
            rule_fired(frame, texts, message)
        }
        EntryKind::PageRequest => page_request(frame, texts, message),
        EntryKind::Change => change(frame, texts, message, deltas),
        EntryKind::Action if message.starts_with(USERS_NOTIFIED) => {
            let note = message.strip_prefix(USERS_NOTIFIED);
            note.map(|note| EntryMessage {
                what: Some(texts.users_notified.to_owned()),
                text: Some(note.to_owned()),
                ..EntryMessage::default()
            })
        }
        EntryKind::Action if message.starts_with(AUTHORITY_NOTIFIED) => {
            let note = message.strip_prefix(AUTHORITY_NOTIFIED);
            note.map(|note| EntryMessage {
                what: Some(texts.authority_notified.to_owned()),
                text: Some(note.to_owned()),
                ..EntryMessage::default()
            })
        }
        EntryKind::Update
        | EntryKind::Decision
        | EntryKind::Action
        | EntryKind::Observation
        | EntryKind::Hypothesis
        | EntryKind::Comms
        | EntryKind::PageOutcome
        | EntryKind::Correction
        | EntryKind::Checklist
        | EntryKind::RoleChange => {
            message
                .rsplit_once("\nReason: ")
                .map(|(text, reason)| EntryMessage {
                    text: Some(text.to_owned()),
                    reason: Some(reason_in_words(frame, entry, reason)),
                    ..EntryMessage::default()
                })
        }
    };
    of_engine.unwrap_or_else(|| EntryMessage {
        text: Some(message.to_owned()),
        ..EntryMessage::default()
    })
}

fn only(what: String) -> EntryMessage {
    EntryMessage {
        what: Some(what),
        ..EntryMessage::default()
    }
}

/// Returns a reason in words: that of a cancellation is one of four.
fn reason_in_words(frame: &Frame<'_>, entry: &SysIncidentUpdateEntry, reason: &str) -> String {
    let words = WordTexts::of(frame.reader.language);
    let known = incident_core::incident::CancelReason::parse(reason);
    match (entry.fields.status_to, known) {
        (Some(Status::Cancelled), Ok(known)) => words.cancel_reason(known).to_owned(),
        _ => reason.to_owned(),
    }
}

fn declaration(
    frame: &Frame<'_>,
    texts: &EntryTexts,
    message: &str,
    deltas: &[FieldDelta],
) -> Option<EntryMessage> {
    let severity = deltas.iter().find(|one| one.field == "severity")?;
    let severity = severity.to.as_str()?;
    let text = message.strip_prefix(&format!("declared {severity}: "))?;
    let (what, text) = match overridden(severity, text, deltas) {
        Some((proposed, text)) => {
            let values = [("severity", severity), ("proposed", proposed)];
            (frame.fill(texts.overridden, &values), text)
        }
        None => {
            let what = frame.fill(texts.declared, &[("severity", severity)]);
            (what, text.to_owned())
        }
    };
    Some(EntryMessage {
        what: Some(what),
        text: Some(text),
        ..EntryMessage::default()
    })
}

/// Returns the severity that was proposed where another one was declared, and the text without the
/// sentence about it, which is its second line.
fn overridden<'d>(
    severity: &str,
    text: &str,
    deltas: &'d [FieldDelta],
) -> Option<(&'d str, String)> {
    let delta = deltas.iter().find(|one| one.field == "proposed_severity")?;
    let proposed = delta.to.as_str()?;
    let sentence = format!("\n{proposed} was proposed, declared as {severity}");
    let (title, rest) = text.split_once(&sentence)?;
    Some((proposed, format!("{title}{rest}")))
}

fn rule_fired(frame: &Frame<'_>, texts: &EntryTexts, message: &str) -> Option<EntryMessage> {
    let RuleSentence {
        rule,
        trigger,
        notify,
        late_since,
    } = RuleSentence::read(message)?;
    let condition = RuleTexts::of(frame.reader.language).condition(trigger);
    let values = [("condition", condition), ("groups", notify)];
    Some(EntryMessage {
        what: Some(frame.fill(texts.escalated, &[("rule", rule)])),
        fired: Some(FiredEntry {
            text: frame.fill(texts.rule_fired, &values),
            late_since: late_since.map(|at| frame.times.time(&at)),
        }),
        ..EntryMessage::default()
    })
}

fn page_request(frame: &Frame<'_>, texts: &EntryTexts, message: &str) -> Option<EntryMessage> {
    if let Some(rest) = message.strip_prefix("escalated to ") {
        let (rule, reason) = rest.split_once(": ")?;
        return Some(EntryMessage {
            what: Some(frame.fill(texts.escalated, &[("rule", rule)])),
            text: Some(reason.to_owned()),
            ..EntryMessage::default()
        });
    }
    let (_, reason) = message.strip_prefix("page ")?.split_once(" requested: ")?;
    Some(EntryMessage {
        what: Some(texts.page_again.to_owned()),
        text: Some(reason.to_owned()),
        ..EntryMessage::default()
    })
}

fn change(
    frame: &Frame<'_>,
    texts: &EntryTexts,
    message: &str,
    deltas: &[FieldDelta],
) -> Option<EntryMessage> {
    let sentences: Vec<String> = deltas.iter().map(FieldDelta::sentence).collect();
    if sentences.len() == 1 && sentences.first().is_some_and(|one| one == message) {
        return Some(EntryMessage::default());
    }
    let number = message.strip_prefix("merged incident #")?;
    let (number, _) = number.split_once(' ')?;
    number.parse::<u64>().ok()?;
    Some(only(frame.fill(texts.took_in, &[("number", number)])))
}
