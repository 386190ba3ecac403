//! The extractor of an authorized caller.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use incident_core::actor::Caller;
use incident_core::engine::RequestContext;

use super::permission::Permission;
use super::problem::Problem;
use super::target::Target;
use crate::authenticate::AuthError;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::state::AppState;

/// A caller with the right `A`, and the [`Target`] that the path names.
///
/// In a handler it precedes the extractors of the query and the body: 404 takes precedence over
/// 403, and 403 over errors in the rest of the request.
#[derive(Debug)]
pub(crate) struct Authorized<A, T = ()> {
    /// The authorized request context.
    pub(crate) context: RequestContext,
    /// The resource that the path names.
    pub(crate) target: T,
    right: PhantomData<A>,
}

impl<A: Permission, T: Target> FromRequestParts<Arc<AppState>> for Authorized<A, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let target = T::find(parts, state).await?;
        Ok(Self {
            context: authorize::<A>(parts, state, &target).await?,
            target,
            right: PhantomData,
        })
    }
}

impl<A: Permission, T: Target> Describe for Authorized<A, T> {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        describe_authorized::<A, T>(operation, schemas);
    }
}

/// Describes a login with the right `A`, and the target of the path.
pub(crate) fn describe_authorized<A: Permission, T: Target>(
    operation: &mut Operation,
    schemas: &mut Schemas,
) {
    operation.needs(A::ACTION);
    operation.problem(
        StatusCode::BAD_REQUEST,
        "there is more than one `Authorization` header",
    );
    operation.problem(StatusCode::UNAUTHORIZED, "there is no valid login");
    operation.problem(
        StatusCode::FORBIDDEN,
        "the caller lacks the permission, or the request comes from a page of another site",
    );
    operation.problem(StatusCode::TOO_MANY_REQUESTS, "too many failed logins");
    operation.uses_store();
    T::describe(operation, schemas);
}

/// Checks that the caller of a request may do `A` to a target.
///
/// # Errors
/// Returns 401 or 403, and 404 if the target fails its check.
pub(crate) async fn authorize<A: Permission>(
    parts: &Parts,
    state: &AppState,
    target: &impl Target,
) -> Result<RequestContext, Problem> {
    let caller = parts.extensions.get::<Caller>().cloned();
    let mut context = RequestContext::new(caller.ok_or(AuthError::Missing)?);
    context
        .authorize(state.incidents(), A::ACTION, target.incident())
        .await?;
    target.check()?;
    Ok(context)
}
