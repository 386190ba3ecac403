//! Taking events in.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::{UsageError, UsageSink};
use tokio::time::Instant;

use crate::binary::Rows;
use crate::source::ClickHouseUsage;
use crate::table::DAY_US;

/// Most days of one batch: the server's own limit (`max_partitions_per_insert_block`).
const MOST_DAYS: usize = 100;

#[async_trait]
impl UsageSink for ClickHouseUsage {
    async fn record(&self, events: Vec<ApiUsageEvent>, within: Duration) -> Result<(), UsageError> {
        if events.is_empty() {
            return Ok(());
        }
        let day = |event: &ApiUsageEvent| event.occurred_at.micros().div_euclid(DAY_US);
        let days: BTreeSet<i64> = events.iter().map(day).collect();
        if days.len() > MOST_DAYS {
            let why = format!(
                "the events lie on {} days; send those of at most {MOST_DAYS} days at a time",
                days.len()
            );
            return Err(UsageError::Refused(why));
        }
        let sql = format!(
            "insert into {} (tenant_id, occurred_at, user_id, service_id, failed, endpoint) format RowBinary",
            self.server().address.name()
        );
        let mut rows = Rows::default();
        for event in &events {
            let endpoint = event.endpoint.as_ref().map_or("", |name| name.as_str());
            rows.text(event.tenant_id.as_str())
                .int64(event.occurred_at.micros())
                .text(event.user_id.as_str())
                .text(event.service.as_str())
                .flag(event.failed)
                .text(endpoint);
        }
        let until = Instant::now() + within;
        let told = self.server().tell(&sql, rows.into_bytes(), until).await;
        Ok(told?)
    }
}
