//! A custom usage source: a plain list, scanned by the reference implementation.
//!
//! Run with `cargo run -p incident-embedding --example custom_usage_source`; its
//! tests with `cargo test -p incident-embedding --example custom_usage_source`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::impact::{
    ApiUsageEvent, Breakdown, ImpactCounts, ImpactQuery, TenantWindows, UserPage, break_down,
    list_users, scan,
};
use incident_core::port::{UsageError, UsageSink, UsageSource};
use incident_core::{Window, Windows};

/// A list of all events: slow, but obviously correct.
#[derive(Clone, Debug, Default)]
struct List(Arc<Mutex<Vec<ApiUsageEvent>>>);

#[async_trait]
impl UsageSource for List {
    fn name(&self) -> &'static str {
        "list"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        _timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        Ok(scan(
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter(),
            query,
        ))
    }

    // A list that is scanned needs no estimates: an exact count is an estimate without error.
    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let counts = self.unique_users(query, timeout).await?;
        Ok(counts.with_relative_error(0))
    }

    async fn breakdown(
        &self,
        query: &ImpactQuery,
        _timeout: Duration,
    ) -> Result<Breakdown, UsageError> {
        Ok(break_down(
            self.0.lock().unwrap_or_else(PoisonError::into_inner).iter(),
            query,
        ))
    }

    async fn users(
        &self,
        query: &ImpactQuery,
        after: Option<&str>,
        limit: usize,
        _timeout: Duration,
    ) -> Result<UserPage, UsageError> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(list_users(events.iter(), query, after, limit))
    }
}

#[async_trait]
impl UsageSink for List {
    async fn record(
        &self,
        events: Vec<ApiUsageEvent>,
        _timeout: Duration,
    ) -> Result<(), UsageError> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(events);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let list = List::default();
    let line = r#"{"tenant_id":"tenant-fr","user_id":"u1","service":"api","occurred_at":"2026-11-20T22:10:00Z"}"#;
    list.record(vec![serde_json::from_str(line)?], Duration::from_secs(1))
        .await?;
    let outage = Window::new(
        "2026-11-20T22:00:00Z".parse()?,
        "2026-11-20T22:38:00Z".parse()?,
    )?;
    let tenants = vec![TenantWindows {
        tenant: "tenant-fr".parse()?,
        windows: Windows::from(outage),
    }];
    let counts = list
        .unique_users(&ImpactQuery::new(tenants), Duration::from_secs(1))
        .await?;
    println!("{} user(s) hit", counts.total_unique_users);
    Ok(())
}

#[cfg(test)]
mod tests {
    use incident_core::conformance::UsageBackend;

    use super::*;

    struct Lists;

    #[async_trait]
    impl UsageBackend for Lists {
        type Guard = ();
        type Source = List;

        async fn open() -> (List, ()) {
            (List::default(), ())
        }
    }

    incident_core::usage_conformance!(Lists);
}
