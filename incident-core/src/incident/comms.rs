//! Communication: what was told to whom, and what the public may see.

use serde::{Deserialize, Serialize};

use crate::{Name, PublicText, Text};

/// Who a message was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The team.
    Internal,
    /// Customers.
    Customers,
    /// Executives.
    Executives,
}

/// A message that was sent, as the timeline records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommsSent {
    /// Where it was sent.
    pub channel: Name,
    /// For whom.
    pub audience: Audience,
    /// What it said.
    pub summary: Text,
}

/// Whether, and how, the public sees an incident.
///
/// Serde reads it as the body of a request has it: what is optional may be absent, and an unknown
/// field is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Shown or hidden.
    pub public: bool,
    /// Its public title; a neutral one is made if there never was one.
    pub title: Option<PublicText>,
    /// A first or closing word to the public.
    pub message: Option<PublicText>,
}
