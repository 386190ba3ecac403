//! `/sla`: what each tenant is owed for a month, with its derivation, and decisions about it.

mod budget;
pub(crate) mod decide;
mod incident_numbers;
mod month_ledger;
mod month_nav;
mod overview;
pub(crate) mod recompute;
pub(crate) mod review;
mod sla_texts;
pub(crate) mod tenant;
mod tenant_target;

use std::sync::Arc;

use axum::extract::State;

use self::overview::Overview;
use super::filter::FilterFields;
use super::page::WebResult;
use super::reader::Reader;
use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::state::AppState;

/// Handles `GET /sla`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Read>,
    fields: FilterFields,
) -> WebResult {
    let overview = Overview {
        state: &state,
        reader: &reader,
        caller: &context.caller,
    };
    overview.page(&fields, None).await
}
