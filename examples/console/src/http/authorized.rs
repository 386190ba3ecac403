//! The extractor of the caller, who may do what the route does.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use incident_core::actor::Caller;
use incident_core::engine::Permit;

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
    /// Who asks.
    pub(crate) caller: Caller,
    /// Proof of the right, for the command that follows.
    pub(crate) permit: Permit,
    /// What the path names.
    pub(crate) target: T,
    right: PhantomData<A>,
}

impl<A: Permission, T: Target> FromRequestParts<AppState> for Authorized<A, T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or(NotKnown::Missing)?;
        let target = T::find(parts, state).await?;
        let audit = state.incidents().audit();
        let permit = audit
            .authorize(&caller, A::ACTION, target.incident())
            .await?;
        target.check()?;
        Ok(Self {
            caller,
            permit,
            target,
            right: PhantomData,
        })
    }
}
