//! `POST /sla/credits/recompute`: the credits of a month, computed again.

use std::sync::Arc;

use axum::extract::State;

use super::overview::Overview;
use crate::http::permission;
use crate::http::problem::client_problems;
use crate::requests::RecomputeRequest;
use crate::state::AppState;
use crate::web::filter::{FilterFields, query_of};
use crate::web::form::{JsonBody, Submitted};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// Handles `POST /sla/credits/recompute`. Repeated, it changes nothing more.
pub(crate) async fn recompute(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::DecideCredit>,
) -> WebResult {
    let caller = submitted.context().caller.clone();
    let fields = submitted.fields.clone();
    let body = JsonBody::of(&fields).required("month").parse();
    let changed = match body {
        Ok(RecomputeRequest { month }) => {
            submitted
                .run(|incidents, context, ()| async move {
                    let changed = incidents.credits().recompute(&context, month).await?;
                    Ok((month, changed))
                })
                .await
        }
        Err(problem) => Err(problem),
    };
    match client_problems(changed)? {
        Ok((month, changed)) => {
            let (month, changed) = (month.to_string(), changed.to_string());
            let query =
                query_of([("month", month.as_str()), ("recomputed", changed.as_str())].into_iter());
            Ok(WebPage::see_other(&reader.link(&format!("/sla{query}"))))
        }
        Err(problem) => {
            let overview = Overview {
                state: &state,
                reader: &reader,
                caller: &caller,
            };
            overview.page(&FilterFields(fields), Some(problem)).await
        }
    }
}
