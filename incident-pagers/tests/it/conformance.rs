//! The contract of pagers, run by every one of them.

use std::sync::Arc;

use async_trait::async_trait;
use incident_core::conformance::PagerBackend;
use incident_core::port::Pager;
use incident_pagers::LogPager;
use incident_pagers::testing::{Fault, StandIn};

use crate::vendors;

/// A vendor's pager, with its stand-in.
macro_rules! vendor {
    ($name:ident, $make:path, $start:path) => {
        struct $name;

        #[async_trait]
        impl PagerBackend for $name {
            type Guard = StandIn;

            async fn open() -> (Arc<dyn Pager>, StandIn) {
                let vendor = $start().await.unwrap();
                (Arc::new($make(&vendor)), vendor)
            }

            async fn wakes(vendor: &StandIn) -> Option<u64> {
                Some(vendor.wakes().len() as u64)
            }

            async fn black_hole() -> Option<(Arc<dyn Pager>, StandIn)> {
                let (pager, vendor) = Self::open().await;
                vendor.plan(|_| Fault::BlackHole);
                Some((pager, vendor))
            }
        }
    };
}

vendor!(PagerDuty, vendors::pagerduty, StandIn::pagerduty);
vendor!(OpsGenie, vendors::opsgenie, StandIn::opsgenie);

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
