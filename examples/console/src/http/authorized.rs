//! The extractor of the caller, who may do what the route does.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use incident_core::actor::Caller;
use incident_core::engine::RequestContext;

use super::auth::NotKnown;
use super::permission::Permission;
use super::problem::Problem;
use super::target::Target;
use crate::state::AppState;

/// A caller who has the right `A`, and what the path names: [`Target`].
///
/// In a handler it stands before what reads the query or the body: an answer of 404 comes before
/// 403, and that before what is wrong with the rest of the request.
#[derive(Debug)]
pub(crate) struct Authorized<A, T = ()> {
    /// Who asks, with the right.
    pub(crate) context: RequestContext,
    /// What the path names.
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

/// Checks that the caller of a request may do `A` to a target.
///
/// # Errors
/// 401, 403; 404 where the target is of no use.
pub(super) async fn authorize<A: Permission>(
    parts: &Parts,
    state: &AppState,
    target: &impl Target,
) -> Result<RequestContext, Problem> {
    let caller = parts.extensions.get::<Caller>().cloned();
    let mut context = RequestContext::new(caller.ok_or(NotKnown::Missing)?);
    context
        .authorize(state.incidents(), A::ACTION, target.incident())
        .await?;
    target.check()?;
    Ok(context)
}
