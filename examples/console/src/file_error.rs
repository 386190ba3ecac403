//! Errors in a TOML file, with the line and the field.

use std::fmt::Write as _;
use std::ops::Range;

use incident_core::ValidationError;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a file: a part of its text, and the path of the field.
struct FieldPlace {
    offset: Option<usize>,
    field: String,
    /// Set if the field is a single value, which has no fields of its own.
    is_single: bool,
}

/// Reads a file of a type.
///
/// # Errors
/// Returns `line 14: sla.target_percent: ` and what is wrong.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| syntax(text, &error))?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = slashed(&error);
        let error = error.into_inner();
        // A table that was checked as a whole names the field inside of it, a single value its own
        // kind.
        let (inner, message) = match error.message().split_once(": expected ") {
            Some((inner, expected)) => (Some(inner), format!("expected {expected}")),
            None => (None, error.message().to_owned()),
        };
        let inner = inner.filter(|_| !locate(text, &path).is_single);
        let path = match inner {
            Some(inner) if path.is_empty() => inner.to_owned(),
            Some(inner) => format!("{path}/{inner}"),
            None => path,
        };
        let place = locate(text, &path);
        let span = error.span().map(|span| span.start);
        let offset = if inner.is_some() {
            place.offset.or(span)
        } else {
            span.or(place.offset)
        };
        sentence(text, offset, &place.field, &message)
    })
}

/// Returns the sentence of a value that was read and turned out to be wrong, with its line.
#[must_use]
pub(crate) fn invalid(text: &str, error: &ValidationError) -> String {
    sentence_at(
        text,
        error.field(),
        &format!("expected {}", error.expected()),
    )
}

/// Returns a sentence about a field of a file, with its line if the file has one.
#[must_use]
pub(crate) fn sentence_at(text: &str, field: &str, message: &str) -> String {
    let place = locate(text, field);
    sentence(text, place.offset, &place.field, message)
}

fn syntax(text: &str, error: &toml::de::Error) -> String {
    let offset = error.span().map(|span| span.start);
    sentence(text, offset, "", error.message())
}

fn sentence(text: &str, offset: Option<usize>, field: &str, message: &str) -> String {
    let before = offset.and_then(|offset| text.get(..offset));
    let line = before.map(|before| before.matches('\n').count() + 1);
    let mut sentence = line.map_or_else(String::new, |line| format!("line {line}: "));
    if !field.is_empty() {
        let _ = write!(sentence, "{field}: ");
    }
    let message = message.trim_end().replace('\n', "; ");
    sentence + &message
}

/// Returns the path of an error of reading, with slashes.
fn slashed(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let segments = error.path().iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Finds a field by its path with slashes; an element of a list is named by its number or by its
/// `name`. The offset is that of the deepest part of the path that is in the file.
fn locate(text: &str, path: &str) -> FieldPlace {
    let mut place = FieldPlace {
        offset: None,
        field: String::new(),
        is_single: false,
    };
    let mut rest = path;
    if let Ok(table) = DeTable::parse(text) {
        let mut found = step_in_table(table.get_ref(), rest);
        while let Some((segment, span, value, left)) = found {
            place.offset = Some(span.start);
            place.field.push_str(&segment);
            rest = left;
            found = match value {
                DeValue::Table(table) => step_in_table(table, rest),
                DeValue::Array(list) => step_in_list(list, rest),
                DeValue::String(_)
                | DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_) => {
                    place.is_single = true;
                    None
                }
            };
        }
    }
    for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
        let segment = match segment.parse::<usize>() {
            Ok(place) => format!("[{place}]"),
            Err(_) => dotted(segment),
        };
        place.field.push_str(&segment);
    }
    if let Some(field) = place.field.strip_prefix('.') {
        place.field = field.to_owned();
    }
    place
}

/// A part of a path as it is printed, its place, its value, and the rest of the path.
type PathStep<'t, 'p> = (String, Range<usize>, &'t DeValue<'t>, &'p str);

/// Returns the rest of a path behind a key.
fn behind<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(key)?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(rest),
        None => rest.is_empty().then_some(rest),
    }
}

fn step_in_table<'t, 'p>(table: &'t DeTable<'t>, path: &'p str) -> Option<PathStep<'t, 'p>> {
    if path.is_empty() {
        return None;
    }
    // A name may have slashes: the longest key is meant.
    let keys = table.iter().filter_map(|(key, value)| {
        let rest = behind(path, key.get_ref())?;
        Some((key, value, rest))
    });
    let (key, value, rest) = keys.min_by_key(|(_, _, rest)| rest.len())?;
    Some((dotted(key.get_ref()), key.span(), value.get_ref(), rest))
}

fn step_in_list<'t, 'p>(
    list: &'t [Spanned<DeValue<'t>>],
    path: &'p str,
) -> Option<PathStep<'t, 'p>> {
    let segment = path.split('/').next().filter(|part| !part.is_empty())?;
    let is_named = |one: &&Spanned<DeValue<'_>>| {
        let name = one.get_ref().get("name");
        name.and_then(|name| name.get_ref().as_str()) == Some(segment)
    };
    let rest = behind(path, segment)?;
    if let Some(one) = list.iter().find(is_named) {
        return Some((dotted(segment), one.span(), one.get_ref(), rest));
    }
    let place: usize = segment.parse().ok()?;
    let one = list.get(place)?;
    Some((format!("[{place}]"), one.span(), one.get_ref(), rest))
}

/// Writes a key after a dot, in quotes if it could not stand bare in TOML.
fn dotted(key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    match !key.is_empty() && key.chars().all(bare) {
        true => format!(".{key}"),
        false => format!(".\"{}\"", key.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# A comment.
[tenants.\"a/b\"]
fee = 5
[[rules]]
name = \"first\"
levels = [
    { notify = [\"a\"] },
    { notify = [] },
]
[[rules]]
name = \"second\"
[rules.repeat]
times = 3
";

    #[test]
    fn a_field_is_named_with_its_line() {
        for (field, expected) in [
            ("tenants/a/b/fee", "line 3: tenants.\"a/b\".fee: expected x"),
            (
                "tenants/a/b/contract",
                "line 2: tenants.\"a/b\".contract: expected x",
            ),
            (
                "rules/first/levels/1/notify",
                "line 8: rules.first.levels[1].notify: expected x",
            ),
            (
                "rules/first/levels/1",
                "line 8: rules.first.levels[1]: expected x",
            ),
            ("rules/first", "line 4: rules.first: expected x"),
            (
                "rules/second/repeat/times",
                "line 13: rules.second.repeat.times: expected x",
            ),
            ("rules/1/name", "line 11: rules[1].name: expected x"),
            (
                "rules/second/when",
                "line 10: rules.second.when: expected x",
            ),
            // A rule that ships is in no file.
            ("rules/third/when", "line 4: rules.third.when: expected x"),
            ("sla/tiers/0", "sla.tiers[0]: expected x"),
        ] {
            let error = ValidationError::new(field.to_owned(), "x");
            assert_eq!(invalid(FILE, &error), expected);
        }
    }

    #[test]
    fn errors_of_reading_have_a_line_and_a_field() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Read {
            #[serde(default)]
            #[expect(dead_code, reason = "only read")]
            number: u8,
            #[serde(default)]
            #[expect(dead_code, reason = "only read")]
            terms: Option<incident_core::sla::SlaTerms>,
        }
        for (text, expected) in [
            (
                "\nnumber = \"x\"",
                "line 2: number: invalid type: string \"x\", expected u8",
            ),
            ("\n\ndigit = 5", "line 3: digit: unknown field `digit`"),
            ("\nnumber =", "line 2: "),
            (
                "[terms]\nversion = \"x\"\ntarget_percent = \"99\"\ntiers = [\n  { from_minutes = 5, credit_percent = \"0\" }]",
                "line 5: terms.tiers[0].from_minutes: expected ",
            ),
        ] {
            let error = read::<Read>(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(read::<Read>("number = 5").is_ok());
    }
}
