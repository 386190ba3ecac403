//! An edit whose incident was changed meanwhile: both versions side by side.

use super::edit_texts::EditTexts;
use super::marks::{SentMarks, Values};
use crate::web::form::FormFields;
use crate::web::frame::Frame;
use crate::web::incident::words::WordTexts;

/// A field that two people changed.
pub(super) struct BothChanged {
    pub(super) anchor: &'static str,
    pub(super) name: &'static str,
    pub(super) yours: String,
    pub(super) stored: String,
}

/// The fields that two people changed at the same time.
pub(super) struct StaleEdit {
    pub(super) both: Vec<BothChanged>,
    /// The sentence about fields that only the other person changed.
    pub(super) taken: Option<String>,
}

/// Returns the values for the form that is shown again, and what was changed by whom: the person's
/// own where they changed a field, else the current ones.
pub(super) fn merged(
    frame: &Frame<'_>,
    sent: &FormFields,
    current: &Values,
) -> (Values, StaleEdit) {
    let language = frame.reader.language;
    let (texts, words) = (EditTexts::of(language), WordTexts::of(language));
    let marks = SentMarks::of(sent);
    let mut shown = current.clone();
    let (mut both, mut taken) = (Vec::new(), Vec::new());
    for (name, value) in &mut shown {
        let yours = sent.get(name).trim();
        let has_moved = marks.has_moved(name, value);
        let label = label(texts, words, name);
        match marks.is_touched(name) {
            true => {
                if has_moved && yours != value.trim() {
                    both.push(BothChanged {
                        anchor: name,
                        name: label,
                        yours: yours.to_owned(),
                        stored: value.clone(),
                    });
                }
                sent.get(name).clone_into(value);
            }
            false if has_moved && sent.has(name) => taken.push(label),
            false => {}
        }
    }
    shown.insert("reason", sent.get("reason").to_owned());
    let taken = taken.join(", ");
    let stale = StaleEdit {
        both,
        taken: (!taken.is_empty()).then(|| frame.fill(texts.taken, &[("fields", &taken)])),
    };
    (shown, stale)
}

fn label(texts: &EditTexts, words: &WordTexts, name: &str) -> &'static str {
    match name {
        "tenant_scope" => texts.tenant_scope,
        "data_loss_note" => texts.loss_note,
        "data_leak_note" => texts.leak_note,
        name => words.field(name),
    }
}
