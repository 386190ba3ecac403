//! Responders: the people and teams that OpsGenie notifies.

use incident_core::ValidationError;
use serde::{Deserialize, Serialize};

/// A team, person, escalation or schedule that OpsGenie routes an alert to.
///
/// Without any, the integration's own routing applies. Jira Service Management requires ids;
/// OpsGenie takes names as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Responder {
    #[serde(rename = "type")]
    kind: ResponderKind,
    #[serde(flatten)]
    who: ResponderBy,
}

/// The kind of a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponderKind {
    /// A team.
    Team,
    /// A person.
    User,
    /// An escalation.
    Escalation,
    /// A schedule: the person on call in it.
    Schedule,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ResponderBy {
    Id(String),
    Name(String),
    Username(String),
}

/// A responder in configuration: a type, and either an id or a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "type")]
    kind: ResponderKind,
    id: Option<String>,
    name: Option<String>,
    username: Option<String>,
}

impl TryFrom<Written> for Responder {
    type Error = ValidationError;

    fn try_from(written: Written) -> Result<Self, ValidationError> {
        let Written {
            kind,
            id,
            name,
            username,
        } = written;
        match (id, name.or(username)) {
            (Some(id), None) => Self::by_id(kind, &id),
            (None, Some(name)) => Self::by_name(kind, &name),
            (Some(_), Some(_)) | (None, None) => {
                Err(ValidationError::new("responder", "either an id or a name"))
            }
        }
    }
}

/// Maximum number of responders of an alert, as the vendor states it.
pub(super) const MAX_RESPONDERS: usize = 50;

impl Responder {
    /// Creates a responder from its id.
    ///
    /// # Errors
    /// Fails if the id is not 1 to 200 characters or has control characters.
    pub fn by_id(kind: ResponderKind, id: &str) -> Result<Self, ValidationError> {
        let who = ResponderBy::Id(checked(id)?);
        Ok(Self { kind, who })
    }

    /// Creates a responder from its name; for a person, the user name, which is an e-mail address.
    ///
    /// # Errors
    /// Fails if the name is not 1 to 200 characters or has control characters.
    pub fn by_name(kind: ResponderKind, name: &str) -> Result<Self, ValidationError> {
        let name = checked(name)?;
        let who = match kind {
            ResponderKind::User => ResponderBy::Username(name),
            ResponderKind::Team | ResponderKind::Escalation | ResponderKind::Schedule => {
                ResponderBy::Name(name)
            }
        };
        Ok(Self { kind, who })
    }
}

fn checked(text: &str) -> Result<String, ValidationError> {
    if (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(ValidationError::new(
            "responder",
            "an id or a name of 1 to 200 characters",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responders_are_written_as_the_vendor_reads_them() {
        for (responder, json) in [
            (
                Responder::by_id(ResponderKind::Team, "4513b7ea").unwrap(),
                r#"{"type":"team","id":"4513b7ea"}"#,
            ),
            (
                Responder::by_name(ResponderKind::User, "a@example.com").unwrap(),
                r#"{"type":"user","username":"a@example.com"}"#,
            ),
            (
                Responder::by_name(ResponderKind::Schedule, "night").unwrap(),
                r#"{"type":"schedule","name":"night"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&responder).unwrap(), json);
            assert_eq!(serde_json::from_str::<Responder>(json).unwrap(), responder);
        }
        for wrong in [
            r#"{"type":"team"}"#,
            r#"{"type":"team","id":""}"#,
            r#"{"type":"team","id":"x","name":"y"}"#,
            r#"{"type":"all","id":"x"}"#,
        ] {
            assert!(serde_json::from_str::<Responder>(wrong).is_err(), "{wrong}");
        }
    }
}
