//! JSON Schema (2020-12) of values whose constructors check them, from the constants that these
//! check.
//!
//! Schemas of received and of sent values differ. A schema for deserialization admits only values that
//! are surely accepted; limits in bytes of UTF-8 are written in characters, as JSON Schema has no
//! other unit, and its description says the exact rule. A schema for serialization admits all that
//! a store may hold, also what an earlier version accepted.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::billing::SignedPercent;
use crate::chain::Hash;
use crate::incident::limits::{LABEL_NAME_BYTES, LABEL_VALUE_BYTES, MAX_LABELS, MAX_SERVICES};
use crate::incident::{Affected, AffectedTenant, MAX_TENANTS, Severity, Status};
use crate::name::https::URL_BYTES;
use crate::name::visible::INVISIBLE;
use crate::name::{NAME_BYTES, PUBLIC_BYTES, RESERVED_RULE, RULE_BYTES, TEXT_BYTES, TITLE_CHARS};
use crate::port::SEARCH_CHARS;
use crate::{
    ChecklistKey, CreditId, Currency, HttpsUrl, IncidentId, MessageId, Month, Name, Percent,
    Period, PersonName, PublicId, PublicText, RuleName, ServiceId, Statement, SuggestionId,
    TenantId, Text, Timestamp, Title, UserId, Version, Zone,
};

/// White space and control characters besides [`INVISIBLE`], as ranges.
const BLANK: [(char, char); 8] = [
    ('\0', ' '),
    ('\u{7f}', '\u{a0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
];

/// A year of [`Timestamp`] and [`Month`].
const YEAR: &str = "(?:19[7-9][0-9]|[2-9][0-9]{3})";

/// Returns a pattern for texts that show nothing. Its characters stand for themselves, as dialects
/// of regular expressions agree on no escape for those above U+FFFF.
fn shows_nothing() -> String {
    let class: String = BLANK
        .into_iter()
        .chain(INVISIBLE)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    format!("^[{class}]*$")
}

/// Returns a pattern for texts of at most [`NAME_BYTES`] bytes without control characters: the
/// fewer bytes the characters have, the more may there be. Its last part names the characters that
/// are left out, as programs that make examples of a pattern list those of a class.
fn fits_a_name() -> String {
    let (two, four) = (NAME_BYTES / 2, NAME_BYTES / 4);
    format!(
        r"^(?:[ -~]{{1,{NAME_BYTES}}}|[ -~\u00a0-\u07ff]{{1,{two}}}|[^\u0000-\u001f\u007f-\u009f]{{1,{four}}})$"
    )
}

/// Returns the schema of a name.
fn name(description: &str, generator: &SchemaGenerator) -> Schema {
    let description = format!(
        "{description} At most {NAME_BYTES} bytes of UTF-8 without control characters; not blank."
    );
    let mut schema = json_schema!({
        "type": "string",
        "description": description,
        "minLength": 1,
        "maxLength": NAME_BYTES,
    });
    if generator.contract().is_deserialize() {
        schema.insert("pattern".to_owned(), fits_a_name().into());
        schema.insert("not".to_owned(), json!({ "pattern": shows_nothing() }));
    }
    schema
}

/// The bounds of a free text.
#[derive(Clone, Copy)]
struct TextBounds {
    /// Maximum length of a new text, and its unit in words.
    new: (usize, &'static str),
    /// Maximum length of a stored text, in characters.
    stored: usize,
    may_be_blank: bool,
}

/// Returns the schema of a free text.
fn text(description: &str, bounds: TextBounds, generator: &SchemaGenerator) -> Schema {
    let (most, unit) = bounds.new;
    let blank = if bounds.may_be_blank {
        ""
    } else {
        "; not blank"
    };
    let mut schema = json_schema!({
        "type": "string",
        "description": format!("{description} At most {most} {unit}, without NUL{blank}."),
        "maxLength": bounds.stored,
    });
    if !bounds.may_be_blank {
        schema.insert("minLength".to_owned(), 1.into());
    }
    if generator.contract().is_deserialize() {
        schema.insert("maxLength".to_owned(), most.into());
        schema.insert("pattern".to_owned(), r"^[^\u0000]*$".into());
        if !bounds.may_be_blank {
            schema.insert("not".to_owned(), json!({ "pattern": shows_nothing() }));
        }
    }
    schema
}

/// Implements the schemas of types by their names, each by an expression over the generator.
macro_rules! schemas {
    ($($name:ident => |$generator:pat_param| $schema:expr;)+) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

/// The bounds of internal texts.
const TEXT: TextBounds = TextBounds {
    new: (TEXT_BYTES, "bytes of UTF-8"),
    stored: TEXT_BYTES,
    may_be_blank: true,
};

schemas! {
    TenantId => |generator| name("A tenant of the host's platform.", generator);
    UserId => |generator| name("A user of a tenant, as usage events name it.", generator);
    ServiceId => |generator| name("One of the host's services.", generator);
    PersonName => |generator| name("A person, a service or an integration.", generator);
    Name => |generator| name("A short name: of a label, a channel, an alert.", generator);
    Title => |generator| text(
        "The title of an incident, internal.",
        TextBounds { new: (TITLE_CHARS, "characters"), stored: TITLE_CHARS, may_be_blank: false },
        generator,
    );
    Text => |generator| text("An internal text; it may be empty.", TEXT, generator);
    Statement => |generator| text(
        "An internal text.",
        TextBounds { may_be_blank: false, ..TEXT },
        generator,
    );
    PublicText => |generator| text(
        "A text written for the public.",
        TextBounds { new: (PUBLIC_BYTES, "bytes of UTF-8"), may_be_blank: false, ..TEXT },
        generator,
    );
    RuleName => |_| {
        let mut schema = string(
            "The name of an escalation rule.",
            &format!("^[a-z0-9_-]{{1,{RULE_BYTES}}}$"),
        );
        schema.insert("not".to_owned(), json!({ "const": RESERVED_RULE }));
        schema
    };
    ChecklistKey => |_| string(
        "The id of a checklist or of one of its items.",
        &format!("^[a-z0-9_]{{1,{RULE_BYTES}}}$"),
    );
    HttpsUrl => |generator| {
        let description =
            format!("An https address with a host and without credentials, of at most {URL_BYTES} bytes.");
        let mut schema = json_schema!({
            "type": "string",
            "description": description,
            "maxLength": URL_BYTES,
        });
        if generator.contract().is_deserialize() {
            let pattern = r"^[hH][tT][tT][pP][sS]://[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*(?::[1-5]?[0-9]{1,4})?(?:[/?#][^\s\\\u0000-\u001f\u007f-\u009f]*)?$";
            schema.insert("pattern".to_owned(), pattern.into());
        }
        schema
    };

    CreditId => |_| id("A row of the credit ledger.");
    IncidentId => |_| id("An incident. Ids sort by the time of declaration.");
    MessageId => |_| id("A message of the outbox, such as a page or a batch of credits.");
    PublicId => |_| id("An incident on the public page; it reveals nothing about the internal id.");
    SuggestionId => |_| id("A suggestion of the correlation engine.");
    Version => |_| json_schema!({
        "type": "integer",
        "description": "The number of accepted commands.",
        "minimum": 0,
    });

    Timestamp => |_| {
        let day = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))";
        let time = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?";
        let offset = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
        let mut schema = string(
            "A time from 1970 to 9999 in the form of RFC 3339, without a leap second. Other offsets are converted to UTC; digits beyond microseconds are cut.",
            &format!("^{YEAR}-{day}[Tt]{time}{offset}$"),
        );
        schema.insert("format".to_owned(), "date-time".into());
        schema
    };
    Month => |_| string("A month, such as 2026-11.", &format!("^{YEAR}-(?:0[1-9]|1[0-2])$"));
    Period => |_| string(
        "A month, a quarter or a year, such as 2026-11, 2026-Q4 or 2026.",
        &format!("^{YEAR}(?:-(?:0[1-9]|1[0-2])|-Q[1-4])?$"),
    );
    Zone => |_| json_schema!({
        "type": "string",
        "description": "A time zone of the tz database, such as Europe/Paris.",
    });
    Percent => |_| string(
        "A percentage from 0 to 100 with at most four decimals.",
        r"^(?:0?[0-9]{1,2}(?:\.[0-9]{1,4})?|100(?:\.0{1,4})?)$",
    );
    SignedPercent => |_| string(
        "A percentage with at most four decimals, below zero for a reversal.",
        r"^-?(?:0?[0-9]{1,2}(?:\.[0-9]{1,4})?|100(?:\.0{1,4})?)$",
    );
    Currency => |_| string("A currency code of ISO 4217.", "^[A-Z]{3}$");
    Hash => |_| string("A SHA-256 digest in hexadecimal digits.", "^[0-9a-f]{64}$");

    Severity => |_| json_schema!({
        "type": "string",
        "description": "SEV1 is the worst.",
        "enum": Severity::ALL.map(Severity::name),
    });
    Status => |_| json_schema!({
        "type": "string",
        "description": "The state of an incident.",
        "enum": Status::ALL.map(Status::name),
    });
    AffectedServices => |generator| {
        let service = generator.subschema_for::<ServiceId>();
        json_schema!({ "type": "array", "items": service, "maxItems": MAX_SERVICES })
    };
    StoredName => |_| string(
        &format!("A name as it may be stored, of at most {NAME_BYTES} bytes of UTF-8 without control characters."),
        &fits_a_name(),
    );
    SearchText => |_| json_schema!({
        "type": "string",
        "description": format!("A text of at most {SEARCH_CHARS} characters without NUL."),
        "maxLength": SEARCH_CHARS,
        "pattern": r"^[^\u0000]*$",
    });
    Labels => |generator| {
        let mut name = Name::json_schema(generator);
        name.insert("maxLength".to_owned(), LABEL_NAME_BYTES.into());
        let mut value = Text::json_schema(generator);
        value.insert("maxLength".to_owned(), LABEL_VALUE_BYTES.into());
        json_schema!({
            "type": "object",
            "description": format!("At most {MAX_LABELS} labels: names of at most {LABEL_NAME_BYTES} bytes, values of at most {LABEL_VALUE_BYTES}."),
            "propertyNames": name,
            "additionalProperties": value,
            "maxProperties": MAX_LABELS,
        })
    };
    Affected => |generator| {
        let tenant = generator.subschema_for::<AffectedTenant>();
        json_schema!({
            "description": "All tenants, or these.",
            "anyOf": [
                { "type": "string", "enum": ["all"] },
                { "type": "array", "items": tenant, "maxItems": MAX_TENANTS },
            ],
        })
    };
}

/// The services of an incident in a request.
#[derive(Debug)]
pub enum AffectedServices {}

/// A name to search for, which may be one that is no longer accepted for new data.
#[derive(Debug)]
pub enum StoredName {}

/// A text to search for.
#[derive(Debug)]
pub enum SearchText {}

/// The labels of an incident in a request.
#[derive(Debug)]
pub enum Labels {}

fn string(description: &str, pattern: &str) -> Schema {
    json_schema!({ "type": "string", "description": description, "pattern": pattern })
}

fn id(description: &str) -> Schema {
    json_schema!({ "type": "string", "description": description, "format": "uuid" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shows_nothing as is_blank;

    /// The pattern of blank texts has exactly the characters that the check has.
    #[test]
    fn the_blank_characters_are_those_of_the_check() {
        let ranges: Vec<(char, char)> = BLANK.into_iter().chain(INVISIBLE).collect();
        for code in 0..=u32::from(char::MAX) {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let is_in = |(first, last): &(char, char)| (*first..=*last).contains(&character);
            assert_eq!(
                ranges.iter().any(is_in),
                is_blank(&character.to_string()),
                "{code:x}"
            );
        }
    }

    /// The maximum of a name in the schema for requests never has more bytes than the check admits.
    #[test]
    fn a_name_that_fits_the_pattern_fits_the_check() {
        for (character, most) in [('x', 200), ('é', 100), ('🔥', 50)] {
            let longest = character.to_string().repeat(most);
            assert!(Name::new(&longest).is_ok());
            let pattern = fits_a_name();
            assert!(pattern.contains(&format!("{{1,{most}}}")), "{pattern}");
            let longer = format!("{longest}{character}");
            assert!(Name::new(&longer).is_err());
        }
    }
}
