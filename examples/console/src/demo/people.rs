//! The people of the demo, and their tokens.

use std::fmt;

use incident_axum::Tokens;
use incident_core::actor::{Caller, Role};
use incident_core::{PersonName, ValidationError};
use serde::Deserialize;

/// A person of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Person {
    /// Leads; everybody who visits the demo is her, as an admin.
    Anna,
    /// Responds.
    Ben,
    /// Decides on credits.
    Carla,
    /// Reads.
    Dora,
}

impl Person {
    const ALL: [Self; 4] = [Self::Anna, Self::Ben, Self::Carla, Self::Dora];

    const fn name(self) -> &'static str {
        match self {
            Self::Anna => "anna",
            Self::Ben => "ben",
            Self::Carla => "carla",
            Self::Dora => "dora",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Anna => Role::Commander,
            Self::Ben => Role::Responder,
            Self::Carla => Role::Billing,
            Self::Dora => Role::Viewer,
        }
    }

    fn caller(self) -> Result<Caller, ValidationError> {
        let name = PersonName::new(self.name())?;
        Ok(Caller::person(name, self.role()))
    }
}

/// The people of the demo with a token each, made for this run. Printed, it is the line for those
/// who want to be another person than anna.
#[derive(Debug)]
pub(super) struct DemoPeople {
    tokens: [(Person, String); 4],
}

impl DemoPeople {
    pub(super) fn new() -> Self {
        let token = |person: Person| {
            let secret = uuid::Uuid::new_v4().simple().to_string();
            (person, format!("{}-{secret}", person.name()))
        };
        Self {
            tokens: Person::ALL.map(token),
        }
    }

    /// Adds the tokens to those of the console.
    pub(super) fn add_to(&self, tokens: &mut Tokens) -> Result<(), ValidationError> {
        for (person, token) in &self.tokens {
            tokens.insert(token, person.caller()?);
        }
        Ok(())
    }

    /// Returns the caller of requests without a login. Only an admin may do everything that there is
    /// to see, credits included.
    pub(super) fn visitor() -> Result<Caller, ValidationError> {
        let anna = Person::Anna.caller()?;
        Ok(Caller {
            role: Role::Admin,
            ..anna
        })
    }

    pub(super) fn token(&self, person: Person) -> &str {
        let mut tokens = self.tokens.iter();
        let found = tokens.find(|(one, _)| *one == person);
        found.map_or("", |(_, token)| token)
    }
}

impl fmt::Display for DemoPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = self.tokens.iter().filter(|(one, _)| *one != Person::Anna);
        let others = others.map(|(one, token)| format!("{} ({}) {token}", one.name(), one.role()));
        f.write_str(&others.collect::<Vec<_>>().join(", "))
    }
}
