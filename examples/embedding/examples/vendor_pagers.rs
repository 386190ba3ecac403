//! PagerDuty first, and OpsGenie if it cannot be reached, over one client of the host's own. The
//! vendors are local mocks, so no one is woken.
//!
//! Run with `cargo run -p incident-embedding --example vendor_pagers`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use incident_core::LinkTemplate;
use incident_core::actor::{Caller, Role};
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity, Status, Update};
use incident_core::paging::PagingState;
use incident_pagers::testing::MockVendor;
use incident_pagers::{
    ApiKey, OpsGenie, PageTemplate, PagerDuty, RoutingKey, Worker, client_builder,
};
use incident_store_memory::MemoryStore;

/// Runs the example; returns the numbers of wakes by each vendor and of open alerts.
async fn play() -> Result<(usize, usize, usize), Box<dyn Error>> {
    let (pagerduty, opsgenie) = (
        MockVendor::pagerduty().await?,
        MockVendor::opsgenie().await?,
    );

    // The host's client; a production one would have its proxies or certificates.
    let client = client_builder().no_proxy().build()?;
    let template = PageTemplate::default()
        .source("petanque.life")?
        .client("Petanque Life console")?
        .client_url(LinkTemplate::new("https://console.example/incidents/{id}")?)
        .detail("region", "eu-west")?;
    let first = PagerDuty::builder(RoutingKey::new("0123456789abcdef0123456789abcdef")?)
        .base_url(pagerduty.base_url())
        .client(client.clone())
        .template(template.clone())
        .build()?;
    let second = OpsGenie::builder(ApiKey::new("eb243592-faa2-4ba2-a551q-1afdf565c889")?)
        .base_url(opsgenie.base_url())
        .client(client)
        .template(template)
        .build()?;
    let builder = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(Arc::new(first))
        .pager(Arc::new(second));
    let (incidents, worker) = Worker::new(builder)?;
    let mut worker = worker.spawn();

    pagerduty.refuse().await?; // a bad night at the vendor
    let anna = Caller::person("anna".parse()?, Role::Responder);
    let context = RequestContext::new(anna);
    let asked = Declare::new("API down".parse()?, Severity::Sev1);
    let id = incidents.declare(&context, &asked).await?.incident.id;
    while incidents.get(id).await?.paging.state != PagingState::Accepted {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if let Some(target) = &incidents.get(id).await?.paging.target {
        println!("the page was accepted by {target}");
    }
    let fixed = Update::to_status("rolled back".parse()?, Status::Resolved);
    incidents.act(&context, id, &fixed.into()).await?;
    worker.stop().await;

    use incident_pagers::testing::AlertState::Closed;
    let alerts = opsgenie.alerts();
    let open = alerts.iter().filter(|alert| alert.state != Closed).count();
    Ok((pagerduty.wakes().len(), opsgenie.wakes().len(), open))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (pagerduty, opsgenie, open) = play().await?;
    println!("wakes: {pagerduty} by PagerDuty, {opsgenie} by OpsGenie; {open} alerts are open");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn one_is_woken_and_the_alert_is_closed() {
        assert_eq!(super::play().await.unwrap(), (0, 1, 0));
    }
}
