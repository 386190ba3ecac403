//! Parts that all routes share: request extractors and response types.

pub(crate) mod authorized;
pub(crate) mod body;
pub(crate) mod body_broken;
pub(crate) mod body_memory;
pub(crate) mod cache_control;
pub(crate) mod coding;
pub(crate) mod command_request;
pub(crate) mod conditions;
pub(crate) mod cross_site;
pub(crate) mod escape;
pub(crate) mod fallback;
pub(crate) mod form;
pub(crate) mod headers;
pub(crate) mod html;
pub(crate) mod list_response;
pub(crate) mod mount_prefix;
pub(crate) mod next_path;
pub(crate) mod page;
pub(crate) mod params;
pub(crate) mod permission;
pub(crate) mod present;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod response;
pub(crate) mod target;
pub(crate) mod throttle;
