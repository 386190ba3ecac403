//! A custom pager, checked by the conformance macro.
//!
//! Run with `cargo run -p incident-embedding --example custom_pager`; its tests
//! with `cargo test -p incident-embedding --example custom_pager`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::PersonName;
use incident_core::actor::{Actor, Caller, Role};
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_core::paging::{DeliveryResult, PageAction, PageEvent, Receipt, TargetId};
use incident_core::port::Pager;
use incident_store_memory::MemoryStore;

/// A bell that rings once per open alert, however often it is triggered.
#[derive(Clone, Debug)]
struct Bell {
    target: TargetId,
    open: Arc<Mutex<(BTreeSet<String>, u64)>>,
}

impl Bell {
    fn new() -> Result<Self, incident_core::ValidationError> {
        Ok(Self {
            target: TargetId::new("bell")?,
            open: Arc::default(),
        })
    }
}

#[async_trait]
impl Pager for Bell {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    // A bell has only one loudness.
    fn follows_severity(&self) -> bool {
        false
    }

    async fn send(&self, page: &PageEvent, _timeout: Duration) -> DeliveryResult {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match page.action {
            PageAction::Trigger => {
                if open.0.insert(page.dedup_key.clone()) {
                    open.1 += 1;
                    println!("ding! {} {}", page.severity, page.title);
                }
            }
            PageAction::Acknowledge | PageAction::Reprioritise => {}
            PageAction::Resolve => {
                open.0.remove(&page.dedup_key);
            }
        }
        DeliveryResult::Accepted(Receipt::default())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(Arc::new(Bell::new()?))
        .build()?;
    let anna = Caller {
        actor: Actor::person(PersonName::new("anna")?),
        role: Role::Responder,
    };
    let done = incidents
        .declare(
            &RequestContext::new(anna),
            &Declare::new("API down".parse()?, Severity::Sev1),
        )
        .await?;
    incidents.worker().drain().await?;
    println!(
        "the page is {:?}",
        incidents.get(done.incident.id).await?.paging.state
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use incident_core::conformance::PagerBackend;

    use super::*;

    struct OneBell;

    #[async_trait]
    impl PagerBackend for OneBell {
        type Guard = Bell;

        async fn open() -> (Arc<dyn Pager>, Bell) {
            let bell = Bell::new().unwrap();
            (Arc::new(bell.clone()), bell)
        }

        async fn wakes(bell: &Bell) -> Option<u64> {
            Some(bell.open.lock().unwrap().1)
        }

        async fn black_hole() -> Option<(Arc<dyn Pager>, Bell)> {
            None
        }
    }

    incident_core::pager_conformance!(OneBell);
}
