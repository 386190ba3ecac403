//! Both mock vendors, each with a pager that pages it.

use std::sync::Arc;
use std::time::Duration;

use incident_core::port::Pager;
use incident_pagers::testing::MockVendor;
use incident_pagers::{ApiKey, OpsGenie, PageTemplate, PagerDuty, RoutingKey};

/// Longer than any operation here takes.
pub(crate) const WITHIN: Duration = Duration::from_secs(5);

pub(crate) const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const API_KEY: &str = "eb243592-faa2-4ba2-a551q-1afdf565c889";

pub(crate) fn pagerduty_with(vendor: &MockVendor, template: PageTemplate) -> PagerDuty {
    PagerDuty::builder(RoutingKey::new(ROUTING_KEY).unwrap())
        .base_url(vendor.base_url())
        .template(template)
        .build()
        .unwrap()
}

pub(crate) fn opsgenie_with(vendor: &MockVendor, template: PageTemplate) -> OpsGenie {
    OpsGenie::builder(ApiKey::new(API_KEY).unwrap())
        .base_url(vendor.base_url())
        .template(template)
        .build()
        .unwrap()
}

pub(crate) fn pagerduty(vendor: &MockVendor) -> PagerDuty {
    pagerduty_with(vendor, PageTemplate::default())
}

pub(crate) fn opsgenie(vendor: &MockVendor) -> OpsGenie {
    opsgenie_with(vendor, PageTemplate::default())
}

/// Starts both mock vendors, each with its pager.
pub(crate) async fn both() -> [(MockVendor, Arc<dyn Pager>); 2] {
    let first = MockVendor::pagerduty().await.unwrap();
    let second = MockVendor::opsgenie().await.unwrap();
    let (a, b) = (Arc::new(pagerduty(&first)), Arc::new(opsgenie(&second)));
    [(first, a), (second, b)]
}
