#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Vocabulary: depends on no other module of the crate.
pub mod actor;
pub mod chain;
mod channel;
mod csv;
#[doc(hidden)]
pub mod failpoint;
pub mod id;
mod link;
pub mod money;
mod month;
pub mod name;
mod percent;
pub mod period;
mod plain;
pub mod time;
mod validation;
pub mod window;
mod zone;

// The domain: values and plain functions.
pub mod anchor;
pub mod audit;
pub mod billing;
pub mod impact;
pub mod incident;
pub mod notice;
pub mod outbox;
pub mod paging;
pub mod policy;
pub mod redaction;
pub mod response;
pub mod sla;
pub mod status_page;
pub mod suggestion;
pub mod timeline;

// The changes of a decision, and the ports that store them.
pub mod commit;
pub mod effect;
pub mod engine;
pub mod idempotency;
pub mod port;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "schemars")]
pub mod schema;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use channel::ChannelPattern;
pub use csv::escape_csv_formula;
pub use id::*;
pub use link::LinkTemplate;
pub use money::{Currency, Money};
pub use month::Month;
pub use name::{
    ChecklistKey, HttpsUrl, Name, PersonName, PublicText, RuleName, ServiceId, Statement,
    TEXT_BYTES, TITLE_CHARS, TenantId, Text, Title, UserId, shows_nothing,
};
pub use percent::Percent;
pub use period::{Period, PeriodKind};
pub use plain::plain;
pub use time::Timestamp;
pub use validation::ValidationError;
pub use window::{Window, Windows};
pub use zone::{LocalTimeError, Zone};
