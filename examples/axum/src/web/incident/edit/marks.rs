//! Marks of the values that a form was made with: they tell what a person changed, and what others
//! changed meanwhile.

use std::collections::BTreeMap;

use crate::http::content_hash::content_hash;
use crate::web::form::FormFields;

/// Field with the marks of a form.
pub(super) const MARKS: &str = "marks";
/// Number of digits of a mark.
const DIGITS: usize = 12;

/// The values of a form by the names of its fields.
pub(super) type Values = BTreeMap<&'static str, String>;

fn mark(value: &str) -> String {
    content_hash(value.trim().as_bytes(), DIGITS)
}

/// Writes the marks of values: `name=digits`, separated by commas.
#[must_use]
pub(super) fn write(values: &Values) -> String {
    let marks = values.iter();
    let marks = marks.map(|(name, value)| format!("{name}={}", mark(value)));
    marks.collect::<Vec<_>>().join(",")
}

/// The marks of a form that was sent.
#[derive(Debug)]
pub(super) struct SentMarks<'f> {
    fields: &'f FormFields,
    marks: BTreeMap<&'f str, &'f str>,
}

impl<'f> SentMarks<'f> {
    /// Reads the marks of a form.
    pub(super) fn of(fields: &'f FormFields) -> Self {
        let marks = fields.get(MARKS).split(',');
        Self {
            fields,
            marks: marks.filter_map(|one| one.split_once('=')).collect(),
        }
    }

    /// Returns `true` if the person changed a field. Without a mark a field that was sent counts as
    /// changed.
    pub(super) fn is_touched(&self, name: &str) -> bool {
        let mark_of_sent = || mark(self.fields.get(name));
        self.fields.has(name)
            && self
                .marks
                .get(name)
                .is_none_or(|known| *known != mark_of_sent())
    }

    /// Returns `true` if a value is another one than that which the form was made with.
    pub(super) fn has_moved(&self, name: &str, current: &str) -> bool {
        self.marks
            .get(name)
            .is_none_or(|known| *known != mark(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_who_changed_what() {
        let values = Values::from([("title", "API down".to_owned()), ("cause", String::new())]);
        let mut fields = FormFields::default();
        fields.set(MARKS, write(&values));
        fields.set("title", " API down ");
        fields.set("cause", "a key");
        fields.set("scope", "all");
        let marks = SentMarks::of(&fields);
        // Blanks at the ends are no change: they are not stored either.
        assert!(!marks.is_touched("title"));
        assert!(marks.is_touched("cause"));
        assert!(marks.is_touched("scope"), "it has no mark");
        assert!(!marks.is_touched("summary"), "it was not sent");
        assert!(marks.has_moved("title", "API is down"));
        assert!(!marks.has_moved("cause", ""));
    }
}
