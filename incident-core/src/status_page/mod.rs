//! The public status page, made only of texts that were written for the public.
//!
//! [`PublicIncident`] has no field that could hold an internal text: titles and bodies are
//! [`PublicText`](crate::PublicText), services appear under their public names, and ids are
//! [`PublicId`](crate::PublicId)s. There is no conversion from internal types.
//!
//! Everything here is bounded: an incident stores its newest updates only
//! ([`StatusPageEntry`](crate::incident::StatusPageEntry)), and the page has a maximum number of
//! incidents, updates and bytes ([`Chosen`]). Anything left out is counted. The complete history is
//! in the timeline.

mod chosen;
mod history;
mod incident;
mod lines;
mod page;
mod update;
mod words;

use std::time::Duration;

pub use chosen::{Chosen, single_incident};
pub use history::{HISTORY_DAYS, HistoryIncident, PublicDay, PublicHistory};
pub use incident::{PublicIncident, PublicNames, is_shown, public_incident};
pub use page::{PAGE_BYTES, PAGE_INCIDENTS, PAGE_LINES, PageStatus, PublicPage, TRUNCATED_CHARS};
pub use update::PublicUpdate;
pub use words::{Indicator, PublicStatus, StandardText};

/// Duration for which an incident stays on the page after it was resolved or cancelled.
pub const RESOLVED_STAYS: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
