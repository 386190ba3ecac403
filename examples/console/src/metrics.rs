//! Metrics for Prometheus.

use std::fmt;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::server;

/// Interval at which samples are moved into their buckets, even without scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Buckets for requests to a vendor, which time out after 10 s.
const REQUESTS: [f64; 8] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Buckets for the time from a page's commit to its acceptance: its limits are minutes.
const ACCEPTANCE: [f64; 9] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0];

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Installs the recorder of this process. Only the binary calls this, once: a recorder is
    /// global, so a library must not install one.
    ///
    /// # Errors
    /// Fails if a recorder is already installed.
    pub fn install() -> Result<Self, BuildError> {
        let buckets = |name: &str| Matcher::Full(name.to_owned());
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(buckets("incident_notification_latency_seconds"), &REQUESTS)?
            .set_buckets_for_metric(buckets("incident_page_acceptance_seconds"), &ACCEPTANCE)?
            .install_recorder()?;
        incident_core::engine::describe_metrics();
        server::describe_metrics();
        incident_axum::describe_metrics();
        Ok(Self(handle))
    }

    /// Returns all metrics in Prometheus' text format.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Runs upkeep forever, so that samples do not accumulate without scrapes.
    pub async fn run_upkeep(self) {
        let mut every = tokio::time::interval(UPKEEP);
        loop {
            every.tick().await;
            self.0.run_upkeep();
        }
    }
}
