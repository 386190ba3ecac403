//! The extractor of a command: its body, its caller and its conditions.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use incident_core::ValidationError;
use incident_core::engine::{CommandOutcome, Error, Incidents, RequestContext};
use incident_core::incident::{Command, Refusal};
use tokio::sync::OwnedMutexGuard;

use super::authorized::{authorize, describe_authorized};
use super::body::{self, BODY_LIMIT, CommandBody};
use super::body_memory::Reservation;
use super::coding;
use super::conditions;
use super::permission::Permission;
use super::problem::Problem;
use super::target::{ExistingIncident, Target};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::state::AppState;

/// A command with the body `B` on the target `T`, from a caller with the right `A`.
///
/// Other requests with the same idempotency key wait until it has ended.
#[derive(Debug)]
pub(crate) struct CommandRequest<A, B, T = ()> {
    target: T,
    body: B,
    context: RequestContext,
    key_guard: Option<OwnedMutexGuard<()>>,
    state: Arc<AppState>,
    right: PhantomData<A>,
}

impl<A: Permission, B: CommandBody, T: Target> FromRequest<Arc<AppState>>
    for CommandRequest<A, B, T>
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let target = T::find(&mut parts, state).await?;
        let mut context = authorize::<A>(&parts, state, &target).await?;
        let bytes = read::<B>(&parts, body, state).await?;
        let body = body::json_object(&bytes)?;
        conditions::read(&mut context, &parts, &bytes)?;
        Ok(Self {
            target,
            body,
            key_guard: state.key_guard(&context).await?,
            context,
            state: Arc::clone(state),
            right: PhantomData,
        })
    }
}

impl<A: Permission, B: CommandBody, T: Target> Describe for CommandRequest<A, B, T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_authorized::<A, T>(operation, schemas);
        body::describe(operation);
        conditions::describe(operation, T::IS_VERSIONED);
        let media = [("application/json", schemas.request::<B>())];
        operation.body(!B::MAY_BE_EMPTY, media);
        operation.problem(
            StatusCode::CONFLICT,
            "the state of the incident or of the credit does not allow it, or it was changed concurrently",
        );
    }
}

impl<A, B, T> CommandRequest<A, B, T> {
    /// Returns the target that the path names.
    pub(crate) fn target(&self) -> &T {
        &self.target
    }

    /// Runs a command to its end in a task of its own, even if the client disconnects.
    ///
    /// # Errors
    /// Returns the errors of the engine as problems.
    pub(crate) async fn run<R, F>(
        self,
        command: impl FnOnce(Incidents, RequestContext, T, B) -> F,
    ) -> Result<R, Problem>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let Self {
            target,
            body,
            context,
            key_guard,
            state,
            ..
        } = self;
        let incidents = state.incidents().clone();
        let command = command(incidents, context, target, body);
        state.run_keyed(key_guard, command).await
    }
}

/// A command on an incident.
pub(crate) type IncidentCommand<A, B> = CommandRequest<A, B, ExistingIncident>;

impl<A, B> IncidentCommand<A, B> {
    /// Runs a command on the incident.
    ///
    /// # Errors
    /// Fails like [`run`](Self::run).
    pub(crate) async fn act(
        self,
        command: impl FnOnce(B) -> Command,
    ) -> Result<CommandOutcome, Problem> {
        self.try_act(|body| Ok(command(body))).await
    }

    /// Runs a command on the incident, built from a body that may be invalid.
    ///
    /// # Errors
    /// Returns 422 if the body is invalid; otherwise fails like [`run`](Self::run).
    pub(crate) async fn try_act(
        self,
        command: impl FnOnce(B) -> Result<Command, ValidationError>,
    ) -> Result<CommandOutcome, Problem> {
        self.run(|incidents, context, ExistingIncident(id), body| {
            let command = command(body).map_err(Refusal::from);
            async move { incidents.act(&context, id, &command?).await }
        })
        .await
    }
}

async fn read<B: CommandBody>(
    parts: &Parts,
    body: Body,
    state: &AppState,
) -> Result<Bytes, Problem> {
    coding::must_be_plain(&parts.headers)?;
    let reservation = reservation(parts, state);
    let bytes = body::read(body, BODY_LIMIT, &reservation).await?;
    if bytes.is_empty() && B::MAY_BE_EMPTY {
        return Ok(Bytes::from_static(b"{}"));
    }
    body::must_be_json(&parts.headers)?;
    Ok(bytes)
}

/// Returns the body reservation of a known caller's request, which is held until the response is
/// complete.
pub(crate) fn reservation(parts: &Parts, state: &AppState) -> Reservation {
    let held = parts.extensions.get::<Reservation>();
    held.cloned().unwrap_or_else(|| state.body_memory().known())
}
