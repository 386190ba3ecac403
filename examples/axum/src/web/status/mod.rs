//! The status page for the public: without a login, a cookie or a script, from bytes that are ready.
//!
//! A page is rendered once for each [`Edition`](edition::Edition) of a copy of the public data, and
//! served until the data has changed. Links are relative, so that one copy fits every prefix.

pub(crate) mod assets;
pub(crate) mod copy;
pub(super) mod edition;
mod edition_request;
pub(crate) mod incident;
pub(super) mod incident_view;
mod message;
mod old_incidents;
mod overview;
mod ready_page;
pub(crate) mod show;
pub(crate) mod site;
mod status_texts;

pub(crate) use old_incidents::OldIncidents;
