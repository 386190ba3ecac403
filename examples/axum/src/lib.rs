#![doc = include_str!("../README.md")]

mod api;
mod authenticate;
mod client;
mod command_tasks;
mod document;
mod events;
mod external_url;
mod http;
mod links;
mod public_cache;
mod public_pages;
mod requests;
mod responses;
mod routes;
mod sessions;
mod state;
mod tokens;
mod trusted_proxies;
mod web;
mod webhook_settings;

pub use api::{IncidentApi, IncidentApiBuilder};
pub use authenticate::{AuthError, Authenticate};
pub use client::{ClientInfo, Connection};
pub use events::EventFeed;
pub use external_url::ExternalUrl;
pub use http::body_broken::BodyBroken;
pub use http::problem::{FieldError, NOSNIFF, Problem};
#[doc(hidden)] // for the fuzz targets of the repository
pub use http::query::Query;
pub use links::{Filled, Links};
pub use public_cache::PublicCache;
pub use routes::openapi;
pub use routes::table::{RouteInfo, routes};
#[cfg(feature = "postgres")]
pub use sessions::PgSessions;
pub use sessions::{
    Accounts, Login, MAX_SESSIONS, MemorySessions, Session, SessionError, SessionId, SessionStore,
    Sessions,
};
pub use tokens::{MAX_TOKENS, TOKEN_BYTES, Tokens};
pub use trusted_proxies::TrustedProxies;
pub use web::look::Look;
pub use webhook_settings::WebhookSettings;

/// Statements as the API writes them.
pub mod statements {
    pub use crate::responses::statements::{csv, json};
}

/// Describes the metrics of the routers to the recorder of the process.
pub fn describe_metrics() {
    http::body_memory::describe_metrics();
    http::throttle::describe_metrics();
    events::describe_metrics();
}
