//! Targets: the resources that paths name.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use incident_core::engine::Error;
use incident_core::outbox::DeadLetterFilter;
use incident_core::{ChecklistKey, CreditId, IncidentId, MessageId, SuggestionId};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::state::AppState;

/// The resource that the path of a route names. A name that cannot be parsed counts as not found.
pub(crate) trait Target: Sized + Send + Sync {
    /// Finds the target before the caller is authorized.
    ///
    /// # Errors
    /// Returns 404 if there is none, and 503 if the store does not respond.
    fn find(
        parts: &mut Parts,
        state: &AppState,
    ) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// If `true`, a command on it accepts `If-Match`.
    const IS_VERSIONED: bool = false;

    /// Describes the parameters of the path.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);

    /// Returns the incident with which a refusal is audited.
    fn incident(&self) -> Option<IncidentId> {
        None
    }

    /// Checks the parts of the target that only an authorized caller may learn about.
    ///
    /// # Errors
    /// Returns 404 if there is no such target.
    fn check(&self) -> Result<(), Problem> {
        Ok(())
    }
}

/// Reads the parameters of a path; `None` if they cannot be decoded.
async fn path<T: DeserializeOwned + Send>(parts: &mut Parts, state: &AppState) -> Option<T> {
    let path = Path::<T>::from_request_parts(parts, state).await;
    path.ok().map(|Path(parameters)| parameters)
}

/// Reads the only parameter of a path.
async fn id<T: FromStr>(
    parts: &mut Parts,
    state: &AppState,
    what: &'static str,
) -> Result<T, Problem> {
    let text = path::<String>(parts, state).await;
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Problem::not_found(what))
}

/// Adds the parameter of a resource, which may not exist.
fn parameter<T: JsonSchema>(
    operation: &mut Operation,
    schemas: &mut Schemas,
    name: &str,
    description: &str,
) {
    operation.path(name, description, schemas.request::<T>());
    operation.problem(StatusCode::NOT_FOUND, "the path names nothing that exists");
}

/// A route without parameters.
impl Target for () {
    fn describe(_: &mut Operation, _: &mut Schemas) {}

    async fn find(_: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Ok(())
    }
}

/// The id of an incident that may not exist.
impl Target for IncidentId {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<Self>(operation, schemas, "id", "The incident.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        id(parts, state, "incident").await
    }

    fn incident(&self) -> Option<IncidentId> {
        Some(*self)
    }
}

/// An existing incident. Its state is not held while the body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExistingIncident(pub(crate) IncidentId);

impl Target for ExistingIncident {
    const IS_VERSIONED: bool = true;

    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<IncidentId>(operation, schemas, "id", "The incident.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let id = IncidentId::find(parts, state).await?;
        state.incidents().get(id).await?;
        Ok(Self(id))
    }

    fn incident(&self) -> Option<IncidentId> {
        Some(self.0)
    }
}

/// An entry of the timeline of an incident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryTarget {
    /// The incident.
    pub(crate) id: IncidentId,
    /// Number of the entry.
    pub(crate) seq: u64,
    last_seq: u64,
}

impl Target for EntryTarget {
    const IS_VERSIONED: bool = true;

    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<IncidentId>(operation, schemas, "id", "The incident.");
        parameter::<NonZeroU64>(operation, schemas, "seq", "The number of the entry.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let parameters = path::<(String, String)>(parts, state).await;
        let parsed = parameters.and_then(|(id, seq)| id.parse().ok().zip(seq.parse().ok()));
        let (id, seq) = parsed.ok_or_else(|| Problem::not_found("entry"))?;
        let last_seq = state.incidents().get(id).await?.last_seq;
        Ok(Self { id, seq, last_seq })
    }

    fn incident(&self) -> Option<IncidentId> {
        Some(self.id)
    }

    fn check(&self) -> Result<(), Problem> {
        if (1..=self.last_seq).contains(&self.seq) {
            Ok(())
        } else {
            Err(Problem::not_found("entry"))
        }
    }
}

/// An approval of an incident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApprovalTarget {
    /// The incident.
    pub(crate) id: IncidentId,
    /// Number of the approval.
    pub(crate) number: u32,
    exists: bool,
}

impl Target for ApprovalTarget {
    const IS_VERSIONED: bool = true;

    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<IncidentId>(operation, schemas, "id", "The incident.");
        parameter::<NonZeroU32>(operation, schemas, "number", "The number of the approval.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let parameters = path::<(String, String)>(parts, state).await;
        let parsed = parameters.and_then(|(id, number)| id.parse().ok().zip(number.parse().ok()));
        let (id, number) = parsed.ok_or_else(|| Problem::not_found("approval"))?;
        let exists = state.incidents().get(id).await?.approval(number).is_some();
        Ok(Self { id, number, exists })
    }

    fn incident(&self) -> Option<IncidentId> {
        Some(self.id)
    }

    fn check(&self) -> Result<(), Problem> {
        if self.exists {
            Ok(())
        } else {
            Err(Problem::not_found("approval"))
        }
    }
}

/// An item of a checklist, which may not exist, on an incident.
#[derive(Clone, Debug)]
pub(crate) struct ChecklistItemTarget {
    /// The incident.
    pub(crate) id: IncidentId,
    /// Name of the checklist.
    pub(crate) name: ChecklistKey,
    /// Id of the item.
    pub(crate) item: ChecklistKey,
}

impl Target for ChecklistItemTarget {
    const IS_VERSIONED: bool = true;

    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<IncidentId>(operation, schemas, "id", "The incident.");
        parameter::<ChecklistKey>(operation, schemas, "name", "The checklist.");
        parameter::<ChecklistKey>(operation, schemas, "item", "The item of the checklist.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let parameters = path::<(String, String, String)>(parts, state).await;
        let parsed = parameters.and_then(|(id, name, item)| {
            let keys = ChecklistKey::new(&name)
                .ok()
                .zip(ChecklistKey::new(&item).ok());
            id.parse().ok().zip(keys)
        });
        let missing = || Problem::not_found("checklist item");
        let (id, (name, item)) = parsed.ok_or_else(missing)?;
        state.incidents().get(id).await?;
        Ok(Self { id, name, item })
    }

    fn incident(&self) -> Option<IncidentId> {
        Some(self.id)
    }
}

/// A credit.
impl Target for CreditId {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<Self>(operation, schemas, "id", "The credit.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        id(parts, state, "credit").await
    }
}

/// A suggestion.
#[derive(Debug)]
pub(crate) struct SuggestionTarget(Option<SuggestionId>);

impl SuggestionTarget {
    /// Returns the id of the suggestion.
    ///
    /// # Errors
    /// Returns 404 if there is no such suggestion.
    pub(crate) fn id(&self) -> Result<SuggestionId, Problem> {
        self.0.ok_or_else(|| Problem::not_found("suggestion"))
    }
}

impl Target for SuggestionTarget {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<SuggestionId>(operation, schemas, "id", "The suggestion.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let text = path::<String>(parts, state).await;
        let Some(id) = text.and_then(|text| text.parse().ok()) else {
            return Ok(Self(None));
        };
        match state.incidents().signals().suggestion(id).await {
            Ok(_) => Ok(Self(Some(id))),
            Err(Error::NotFound(_)) => Ok(Self(None)),
            Err(error) => Err(error.into()),
        }
    }

    fn check(&self) -> Result<(), Problem> {
        self.id().map(|_| ())
    }
}

/// The id of an incident, for all its pages, or of one page: people have the former, alerts and
/// logs the latter.
impl Target for DeadLetterFilter {
    const IS_VERSIONED: bool = true;

    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        let description = "An incident, for all its pages, or one message.";
        parameter::<MessageId>(operation, schemas, "id", description);
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let missing = || Problem::not_found("page");
        let text = path::<String>(parts, state).await.ok_or_else(missing)?;
        let (Ok(incident), Ok(message)) = (text.parse(), text.parse()) else {
            return Err(missing());
        };
        match state.incidents().get(incident).await {
            Ok(_) => Ok(Self::Incident(incident)),
            Err(Error::NotFound(_)) => Ok(Self::Message(message)),
            Err(error) => Err(error.into()),
        }
    }
}

/// A batch of credits.
#[derive(Debug)]
pub(crate) struct BatchTarget(Option<MessageId>);

impl BatchTarget {
    /// Returns the id of the batch.
    ///
    /// # Errors
    /// Returns 404 if the path has no valid id.
    pub(crate) fn id(&self) -> Result<MessageId, Problem> {
        self.0.ok_or_else(|| Problem::not_found("batch"))
    }
}

impl Target for BatchTarget {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        parameter::<MessageId>(operation, schemas, "batch", "The batch.");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let text = path::<String>(parts, state).await;
        Ok(Self(text.and_then(|text| text.parse().ok())))
    }

    fn check(&self) -> Result<(), Problem> {
        self.id().map(|_| ())
    }
}
