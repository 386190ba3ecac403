//! What the public sees: a type of its own, made only of what was written for
//! the public.
//!
//! [`PublicIncident`] has no field that could hold an internal text: titles and
//! bodies are [`PublicText`](crate::PublicText), services appear under their
//! public names, and ids are [`PublicId`](crate::PublicId)s. There is no
//! conversion from internal types.
//!
//! Everything here is bounded: an incident keeps the newest lines only
//! ([`PublicFace`]), and the page shows so many incidents, lines and bytes
//! ([`Chosen`]). What is left out is counted. The complete history is in the
//! timeline.

mod face;
mod lines;
mod page;
mod show;
mod words;

use std::time::Duration;

pub use face::{Dropped, FaceUpdate, KEPT_BYTES, KEPT_LINES, KEPT_SOURCES, PublicFace};
pub use page::{
    Chosen, Overall, PAGE_BYTES, PAGE_INCIDENTS, PAGE_LINES, PublicPage, TRUNCATED_CHARS,
};
pub use show::{PublicIncident, PublicNames, PublicUpdate, is_shown, show};
pub use words::{Indicator, PublicStatus};

/// How long an incident stays on the page after it was resolved or cancelled.
pub const RESOLVED_STAYS: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
