//! The extractor of a form that a signed-in person sent.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use incident_core::Version;
use incident_core::actor::Caller;
use incident_core::engine::{CommandOutcome, Error, IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::Command;
use tokio::sync::OwnedMutexGuard;

use super::fields::{FormFields, KEY, SentFields, VERSION};
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::authorized::{authorize, describe_authorized};
use crate::http::body::{self, BODY_LIMIT};
use crate::http::command_request::reservation;
use crate::http::conditions::key_of_request;
use crate::http::form::must_be_form;
use crate::http::permission::Permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::{ExistingIncident, Target};
use crate::state::AppState;

/// A form that a person with the right `A` sent about the target `T`.
///
/// Its hidden field `key` is the idempotency key: a form that is sent twice acts once. Its hidden
/// field `version`, if it has one, is the version of the incident that the person saw.
#[derive(Debug)]
pub(crate) struct Submitted<A, T = ()> {
    /// The fields as they were sent.
    pub(crate) fields: FormFields,
    /// The resource that the path names.
    pub(crate) target: T,
    context: RequestContext,
    key_guard: Option<OwnedMutexGuard<()>>,
    state: Arc<AppState>,
    right: PhantomData<A>,
}

impl<A: Permission, T: Target> FromRequest<Arc<AppState>> for Submitted<A, T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        // The text of the person outlives a store that is away: it is read in any case.
        let known = client_problems(Self::known(&mut parts, state).await);
        let known = known.map_or_else(|away| Ok(Err(away)), |known| known.map(Ok))?;
        must_be_form(&parts.headers)?;
        let bytes = body::read(body, BODY_LIMIT, &reservation(&parts, state)).await?;
        let fields = FormFields::parse(&bytes)?;
        if let Some(sent) = parts.extensions.get::<SentFields>() {
            sent.note(&fields);
        }
        let (target, mut context) = known?;
        context.key = key(&context.caller, &parts, &fields, &bytes)?;
        if let Ok(version) = fields.get(VERSION).parse() {
            context.if_version = Some(vec![Version(version)]);
        }
        Ok(Self {
            key_guard: state.key_guard(&context).await?,
            fields,
            target,
            context,
            state: Arc::clone(state),
            right: PhantomData,
        })
    }
}

impl<A: Permission, T: Target> Submitted<A, T> {
    /// Finds the target, and checks that the caller may do this to it.
    async fn known(parts: &mut Parts, state: &AppState) -> Result<(T, RequestContext), Problem> {
        let target = T::find(parts, state).await?;
        let context = authorize::<A>(parts, state, &target).await?;
        Ok((target, context))
    }
}

impl<A: Permission, T: Target> Describe for Submitted<A, T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_authorized::<A, T>(operation, schemas);
    }
}

impl<A, T> Submitted<A, T> {
    /// Returns the person who sent it, with the conditions of the form.
    pub(crate) fn context(&self) -> &RequestContext {
        &self.context
    }

    /// Accepts the incident at any version: for commands that overwrite nothing.
    pub(crate) fn at_any_version(&mut self) {
        self.context.if_version = None;
    }

    /// Accepts the form as often as it is sent: for commands that change nothing the second time.
    pub(crate) fn without_key(&mut self) {
        (self.context.key, self.key_guard) = (None, None);
    }

    /// Runs a command to its end in a task of its own, even if the browser disconnects.
    ///
    /// # Errors
    /// Returns the errors of the engine as problems.
    pub(crate) async fn run<R, F>(
        self,
        command: impl FnOnce(Incidents, RequestContext, T) -> F,
    ) -> Result<R, Problem>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let Self {
            target,
            context,
            key_guard,
            state,
            ..
        } = self;
        let command = command(state.incidents().clone(), context, target);
        state.run_keyed(key_guard, command).await
    }
}

impl<A> Submitted<A, ExistingIncident> {
    /// Runs a command on the incident.
    ///
    /// # Errors
    /// Fails like [`run`](Self::run).
    pub(crate) async fn act(self, command: Command) -> Result<CommandOutcome, Problem> {
        self.run(|incidents, context, ExistingIncident(id)| async move {
            incidents.act(&context, id, &command).await
        })
        .await
    }
}

fn key(
    caller: &Caller,
    parts: &Parts,
    fields: &FormFields,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let key = fields.get(KEY);
    if key.is_empty() {
        return Ok(None);
    }
    key_of_request(caller, parts, key, body)
        .map(Some)
        .map_err(|_| Problem::field("/key", "expected the key of the form"))
}
