//! The contract of pagers, run against each of them.

use std::sync::Arc;

use async_trait::async_trait;
use incident_core::conformance::PagerBackend;
use incident_core::port::Pager;
use incident_pagers::LogPager;
use incident_pagers::testing::{Fault, MockVendor};

use crate::vendors;

/// Implements `PagerBackend` for the pager of a vendor, with a mock vendor.
macro_rules! vendor {
    ($name:ident, $make:path, $start:path) => {
        struct $name;

        #[async_trait]
        impl PagerBackend for $name {
            type Guard = MockVendor;

            async fn open() -> (Arc<dyn Pager>, MockVendor) {
                let vendor = $start().await.unwrap();
                (Arc::new($make(&vendor)), vendor)
            }

            async fn wakes(vendor: &MockVendor) -> Option<u64> {
                Some(vendor.wakes().len() as u64)
            }

            async fn black_hole() -> Option<(Arc<dyn Pager>, MockVendor)> {
                let (pager, vendor) = Self::open().await;
                vendor.plan(|_| Fault::BlackHole);
                Some((pager, vendor))
            }
        }
    };
}

vendor!(PagerDuty, vendors::pagerduty, MockVendor::pagerduty);
vendor!(OpsGenie, vendors::opsgenie, MockVendor::opsgenie);

struct Log;

#[async_trait]
impl PagerBackend for Log {
    type Guard = ();

    async fn open() -> (Arc<dyn Pager>, ()) {
        (Arc::new(LogPager::default()), ())
    }

    async fn wakes((): &()) -> Option<u64> {
        None
    }

    async fn black_hole() -> Option<(Arc<dyn Pager>, ())> {
        None
    }
}

mod log {
    incident_core::pager_conformance!(super::Log);
}

mod pagerduty {
    incident_core::pager_conformance!(super::PagerDuty);
}

mod opsgenie {
    incident_core::pager_conformance!(super::OpsGenie);
}
