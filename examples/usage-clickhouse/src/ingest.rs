//! Storage of events: each day of UTC is an insert of its own, which is one block.
//!
//! A ClickHouse insert is atomic per partition and block only: one over several days, or one
//! that the server splits into blocks, becomes visible in parts, and stays partial if it is
//! interrupted. Each insert here is therefore one block of one partition, regardless of the
//! user's profile ([`PINNED`](crate::client::PINNED)).

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::impact::{ApiUsageEvent, MAX_DAYS_AT_ONCE};
use incident_core::port::{UsageError, UsageSink};
use tokio::time::Instant;

use crate::binary::RowBinary;
use crate::client::BLOCK_ROWS;
use crate::source::ClickHouseUsage;
use crate::table::{self, DAY_US};

#[async_trait]
impl UsageSink for ClickHouseUsage {
    async fn record(
        &self,
        events: Vec<ApiUsageEvent>,
        timeout: Duration,
    ) -> Result<(), UsageError> {
        let mut days: BTreeMap<i64, Vec<&ApiUsageEvent>> = BTreeMap::new();
        for event in &events {
            let day = event.occurred_at.micros().div_euclid(DAY_US);
            days.entry(day).or_default().push(event);
        }
        if days.len() > MAX_DAYS_AT_ONCE {
            let why = format!(
                "the events cover {} days; send at most {MAX_DAYS_AT_ONCE} days per request",
                days.len()
            );
            return Err(UsageError::Refused(why));
        }
        let deadline = Instant::now() + timeout;
        self.room_for(&days, deadline).await?;
        let sql = format!(
            "insert into {} (tenant_id, occurred_at, user_id, service_id, failed, endpoint) format RowBinary",
            self.server().address.name()
        );
        for block in days.values().flat_map(|of_day| of_day.chunks(BLOCK_ROWS)) {
            self.server().tell(&sql, rows(block), deadline).await?;
        }
        Ok(())
    }
}

impl ClickHouseUsage {
    /// Checks that the days of a batch do not exceed the limit, if some are new to this
    /// process. Several processes that add days concurrently may each pass the check.
    async fn room_for(
        &self,
        days: &BTreeMap<i64, Vec<&ApiUsageEvent>>,
        deadline: Instant,
    ) -> Result<(), UsageError> {
        let most = self.most_days();
        let is_known = |day: &i64| self.days().contains(day);
        if days.keys().all(is_known) {
            return Ok(());
        }
        let mut all = table::days(self.server(), deadline).await?;
        let before = all.len();
        all.extend(days.keys());
        if all.len() > most.max(before) {
            let size = |days: usize| u64::try_from(days).unwrap_or(u64::MAX);
            return Err(UsageError::TooManyDays {
                days: size(all.len()),
                limit: size(most),
            });
        }
        *self.days() = all;
        Ok(())
    }

    fn days(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeSet<i64>> {
        let days = self.0.days.lock();
        days.unwrap_or_else(PoisonError::into_inner)
    }
}

fn rows(events: &[&ApiUsageEvent]) -> Vec<u8> {
    let mut rows = RowBinary::default();
    for event in events {
        let endpoint = event.endpoint.as_ref().map_or("", |name| name.as_str());
        rows.text(event.tenant_id.as_str())
            .int64(event.occurred_at.micros())
            .text(event.user_id.as_str())
            .text(event.service.as_str())
            .flag(event.failed)
            .text(endpoint);
    }
    rows.into_bytes()
}
