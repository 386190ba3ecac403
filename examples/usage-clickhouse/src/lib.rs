//! Usage events in [ClickHouse](https://clickhouse.com): a
//! [`UsageSource`](incident_core::port::UsageSource) for more events than one PostgreSQL counts
//! in acceptable time.
//!
//! It uses ClickHouse's HTTP interface, from version 18.16 on. A query is one statement for any
//! number of tenants: they are sent with it as an [external
//! table](https://clickhouse.com/docs/engines/table-engines/special/external-data). Tenants are
//! counted by `uniqExact`, the distinct total is the merge of their states (`with totals`),
//! estimates are `uniqCombined(17)`.
//!
//! **How exact:** `uniqExact` keeps a 128-bit hash (`SipHash`) of each user. The probability
//! that two of 10^9 users of one query have the same hash is below 1 in 10^20.
//!
//! **The table** ([`ClickHouseUsage::ddl`]) is sorted by tenant and time, with a partition per
//! day of UTC. A repeated event is merged away in the background, and never counts twice.
//! Nothing is dropped automatically: retention is `alter table ... drop partition 20777` (the
//! number of the day since 1970).
//!
//! **Shards by tenant:** create the same table on every shard, and over them
//!
//! ```sql
//! create table usage_events_all as usage_events
//! engine = Distributed(my_cluster, currentDatabase(), usage_events, sipHash64(tenant_id))
//! ```
//!
//! and use that one: `?table=usage_events_all`. Every tenant is counted on its own shard; only
//! the states of the total are transferred.
//!
//! **A table of the host's own** is read through a view with the columns of
//! [`ClickHouseUsage::ddl`], users of any type:
//!
//! ```sql
//! create view incident_usage as select org as tenant_id, toInt64(toUnixTimestamp64Micro(at)) as occurred_at,
//!   account as user_id, app as service_id, status >= 500 as failed, route as endpoint from requests
//! ```
//!
//! **Weaker guarantee:** a batch over several days becomes visible day by day, not at once: a
//! ClickHouse insert is atomic per partition and block, so every day is an insert of its own,
//! and one block. Send a batch that failed half-way again: repeated events count once. If a day
//! has more than a million events, each million is a block.
//!
//! **Settings** of inserts are pinned, regardless of the user's profile: `async_insert = 0` and
//! `wait_for_async_insert = 1` (otherwise a reply comes before the events are visible, and they
//! are lost with the server), `max_insert_block_size`, `min_insert_block_size_rows`,
//! `min_insert_block_size_bytes` and `input_format_parallel_parsing` (otherwise a day is split
//! into blocks), `insert_distributed_sync = 1`. Settings that a server does not know are left
//! out. A profile must not make them constant.
//!
//! **Days:** a batch spans at most 400 days, and all events together at most 4,000
//! ([`ClickHouseUsage::days_at_most`]); a distributed table is not limited.
//!
//! ```no_run
//! use incident_usage_clickhouse::{Address, ClickHouseUsage};
//! use std::time::Duration;
//! # async fn host() -> Result<(), Box<dyn std::error::Error>> {
//! let address: Address = "clickhouse+http://app:secret@127.0.0.1:8123/console".parse()?;
//! let usage = ClickHouseUsage::open(address, Duration::from_secs(10)).await?;
//! // incident_core::engine::Incidents::builder(store).usage(Arc::new(usage))
//! # Ok(())
//! # }
//! ```

mod address;
mod binary;
mod breakdown;
mod client;
mod ingest;
mod question;
mod source;
mod table;

pub use address::{Address, AddressError};
pub use source::ClickHouseUsage;
pub use table::OpenError;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
