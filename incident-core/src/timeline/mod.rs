//! The timeline: append-only entries in a hash chain, with free text that can be erased without
//! breaking the chain.
//!
//! An entry's *canonical bytes* are compact JSON with keys in a fixed order. They are stored as
//! they were hashed and never serialised again:
//!
//! `hash = sha256("incident/timeline/v1\0" || incident id (16 bytes) || seq as big-endian u64 ||
//! previous hash || canonical bytes)`, the first previous hash being 32 zero bytes.
//!
//! Free text enters the canonical bytes as `sha256(salt || text)` only; text and salt are stored
//! beside it, and [`redact`] drops both.
//!
//! An entry that ends a write of its incident is of version 2: its canonical bytes also hold
//! [`StateMarks`], digests of the fields that credits are computed from. Entries of version 1 have
//! none, and stay as they were hashed.

mod canonical;
mod draft;
mod entry;
mod kind;
mod marks;
mod text_name;

pub use canonical::{CanonicalError, EntryFields};
pub use draft::EntryDraft;
pub use entry::{CommittedText, SysIncidentUpdateEntry, redact, verify, verify_next};
pub use kind::EntryKind;
#[cfg(feature = "schemars")]
pub(crate) use kind::UpdateKind;
pub use marks::StateMarks;
pub use text_name::TextName;
