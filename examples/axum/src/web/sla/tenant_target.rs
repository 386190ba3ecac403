//! The tenant in the path.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use incident_core::TenantId;

use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::http::problem::Problem;
use crate::http::target::Target;
use crate::state::AppState;

/// The tenant in the path. Tenants are not listed anywhere: any valid name may be one.
#[derive(Debug)]
pub(crate) struct TenantTarget(pub(crate) TenantId);

impl Target for TenantTarget {
    fn describe(operation: &mut Operation, schemas: &mut Schemas) {
        operation.path("tenant", "The tenant.", schemas.request::<TenantId>());
        operation.problem(StatusCode::NOT_FOUND, "the path names nothing that exists");
    }

    async fn find(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let tenant = name
            .ok()
            .and_then(|Path(name)| TenantId::stored(&name).ok());
        tenant.map(Self).ok_or_else(|| Problem::not_found("tenant"))
    }
}
