//! The response to usage events.

use incident_core::engine::UsageAccepted;

use crate::http::response::response_bodies;

response_bodies! { UsageAccepted ; }
