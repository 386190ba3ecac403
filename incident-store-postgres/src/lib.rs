#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod audit;
mod changes;
mod clock;
mod commit;
mod doctor;
mod document;
mod failure;
mod incidents;
mod json_writer;
mod migrate;
mod mismatch;
mod outbox;
mod policies;
mod pooler;
mod read_only;
mod records;
mod row;
mod store;
mod timeline;
mod usage;
mod warm_connection;

pub use changes::PgChangeLog;
pub use clock::StoreClock;
pub use doctor::{Finding, FindingSeverity, doctor};
#[doc(hidden)]
pub use document::document;
#[doc(hidden)]
pub use incidents::list_sql;
pub use migrate::{MigrateError, migrate};
pub use pooler::{Lending, lending};
pub use store::{PgStore, PgStoreBuilder};
pub use usage::{PgUsage, PgUsageBuilder, UsageTable, UsageTableError};
