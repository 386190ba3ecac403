//! Entries about roles, approvals and checklists, in the language of the reader.
//!
//! The engine writes each with the change that it made, as `roles/tech_lead` or `approvals/3`; people
//! cannot write such changes, so that no text of theirs is taken for one.

use incident_core::ChecklistKey;
use incident_core::Text;
use incident_core::incident::FieldDelta;
use incident_core::response::ChecklistItem;
use incident_core::timeline::{EntryKind, SysIncidentUpdateEntry, TextName};

use super::checklist_texts::ChecklistTexts;
use super::coordination_texts::{CoordinationTexts, role_of};
use super::entry_message::EntryMessage;
use super::words::WordTexts;
use crate::web::frame::Frame;

/// Returns what an entry about a role, an approval or a checklist says; none for any other entry.
pub(super) fn coordination(
    frame: &Frame<'_>,
    entry: &SysIncidentUpdateEntry,
    deltas: &[FieldDelta],
) -> Option<EntryMessage> {
    let [delta] = deltas else {
        return None;
    };
    let texts = CoordinationTexts::of(frame.reader.language);
    let message = entry.text(TextName::Message).unwrap_or_default();
    match entry.fields.kind {
        EntryKind::RoleChange => role_change(frame, texts, entry, delta),
        EntryKind::Decision => approval(frame, texts, delta, message),
        EntryKind::Checklist => tick(frame, texts, delta, message),
        EntryKind::Declaration
        | EntryKind::Update
        | EntryKind::Acknowledgement
        | EntryKind::Change
        | EntryKind::Action
        | EntryKind::Observation
        | EntryKind::Hypothesis
        | EntryKind::Comms
        | EntryKind::PageOutcome
        | EntryKind::PageRequest
        | EntryKind::Visibility
        | EntryKind::PostMortem
        | EntryKind::Correction => None,
    }
}

fn note_of(message: &str) -> Option<String> {
    let (_, note) = message.split_once("\nNote: ")?;
    Some(note.to_owned())
}

fn role_change(
    frame: &Frame<'_>,
    texts: &CoordinationTexts,
    entry: &SysIncidentUpdateEntry,
    delta: &FieldDelta,
) -> Option<EntryMessage> {
    let words = WordTexts::of(frame.reader.language);
    // The author's name stands before the sentence.
    let author = entry.fields.author.name.as_str();
    let other = |person| if person == author { "" } else { person };
    let role = role_of(delta.field.strip_prefix("roles/")?)?;
    let role = words.response_role(role);
    let from = delta.from.as_ref().and_then(|one| one.as_str());
    let what = match (from, delta.to.as_str()) {
        (Some(from), Some(to)) => frame.fill(
            texts.entry_handed,
            &[("person", other(from)), ("role", role), ("to", to)],
        ),
        (None, Some(to)) => frame.fill(
            texts.entry_assumed,
            &[("person", other(to)), ("role", role)],
        ),
        (Some(from), None) => frame.fill(
            texts.entry_renounced,
            &[("person", other(from)), ("role", role)],
        ),
        (None, None) => return None,
    };
    Some(EntryMessage {
        what: Some(what.trim_start().to_owned()),
        text: note_of(entry.text(TextName::Message).unwrap_or_default()),
        ..EntryMessage::default()
    })
}

fn approval(
    frame: &Frame<'_>,
    texts: &CoordinationTexts,
    delta: &FieldDelta,
    message: &str,
) -> Option<EntryMessage> {
    let number = delta.field.strip_prefix("approvals/")?;
    let from = delta.from.as_ref().and_then(|one| one.as_str());
    let after = |word: &str| {
        let rest = message.strip_prefix(&format!("approval {number} {word}: "));
        rest.map(str::to_owned)
    };
    let (what, text, reason) = match (from, delta.to.as_str()?) {
        (None, "requested") => (texts.entry_requested, after("requested"), None),
        (Some(_), "requested") => (texts.entry_approved, note_of(message), None),
        (Some(_), "approved") => (texts.entry_complete, note_of(message), None),
        (Some(_), "refused") => (texts.entry_refused, None, after("refused")),
        (Some(_), "withdrawn") => (texts.entry_withdrawn, None, after("withdrawn")),
        _ => return None,
    };
    Some(EntryMessage {
        what: Some(frame.fill(what, &[("n", number)])),
        text,
        reason,
        ..EntryMessage::default()
    })
}

fn tick(
    frame: &Frame<'_>,
    texts: &CoordinationTexts,
    delta: &FieldDelta,
    message: &str,
) -> Option<EntryMessage> {
    let words = ChecklistTexts::of(frame.reader.language);
    let (list, id) = delta.field.strip_prefix("checklists/")?.split_once('/')?;
    let (list, id) = (ChecklistKey::new(list).ok()?, ChecklistKey::new(id).ok()?);
    let said = message.strip_prefix(&format!("ticked {list}/{id}: "));
    let text = said.unwrap_or_default().split("\nNote: ").next();
    let item = ChecklistItem {
        id,
        text: Text::cut(text.unwrap_or_default()),
    };
    let mut text = words.item(&list, &item).to_owned();
    if let Some(note) = note_of(message) {
        text.push('\n');
        text.push_str(&note);
    }
    Some(EntryMessage {
        what: Some(frame.fill(texts.entry_ticked, &[("list", words.list(&list))])),
        text: (!text.is_empty()).then_some(text),
        ..EntryMessage::default()
    })
}
