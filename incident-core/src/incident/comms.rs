//! Communication: messages that were sent, and what is shown to the public.

use serde::{Deserialize, Serialize};

use crate::{Name, PublicText, Text};

/// The audience of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommsSent {
    /// The channel it was sent to.
    pub channel: Name,
    /// The audience.
    pub audience: Audience,
    /// Summary of its content.
    pub summary: Text,
}

/// Visibility of an incident to the public, with its public words.
///
/// Serde reads it from the body of a request: optional fields may be absent, and an unknown field
/// is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// If `true`, shown; if `false`, hidden.
    pub public: bool,
    /// Its public title; a neutral one is used if there never was one.
    pub title: Option<PublicText>,
    /// Optional first or final message to the public.
    pub message: Option<PublicText>,
}
