//! The route that proposes a severity.

use axum::http::StatusCode;
use incident_core::response::{ClassificationFacts, classify};

use crate::http::command_request::CommandRequest;
use crate::http::permission;
use crate::http::response::{JsonResponse, JsonResult};
use crate::responses::classification::ClassificationResponse;

/// Handles `POST /sys/classify`, by the thresholds of the engine's policy. It changes nothing.
pub(super) async fn propose(
    request: CommandRequest<permission::Read, ClassificationFacts>,
) -> JsonResult<ClassificationResponse> {
    let classified = request
        .run(|incidents, _, (), facts| async move {
            Ok(classify(&facts, &incidents.policy().classification)?)
        })
        .await?;
    let body = ClassificationResponse::new(&classified);
    Ok(JsonResponse::new(StatusCode::OK, &body))
}
