//! The contract of pagers, run by the log pager.

use std::sync::Arc;

use async_trait::async_trait;
use incident_core::conformance::PagerBackend;
use incident_core::port::Pager;
use incident_pagers::LogPager;

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

incident_core::pager_conformance!(Log);
