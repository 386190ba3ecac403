//! The contracts of the ports, run by the in-memory store and usage source.

use std::sync::Arc;

use async_trait::async_trait;
use incident_core::conformance::{StoreBackend, UsageBackend};
use incident_core::port::Store;
use incident_store_memory::{MemoryStore, MemoryUsage};

mod limits;

struct Memory;

#[async_trait]
impl StoreBackend for Memory {
    type Guard = ();
    const DURABLE: bool = false;

    async fn open() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::default()), ())
    }

    async fn reopen((): &()) -> Arc<dyn Store> {
        unreachable!("a store in memory is not durable")
    }
}

#[async_trait]
impl UsageBackend for Memory {
    type Guard = ();
    type Source = MemoryUsage;

    async fn open() -> (MemoryUsage, ()) {
        (MemoryUsage::default(), ())
    }
}

mod store {
    incident_core::store_conformance!(super::Memory);
}

mod usage {
    incident_core::usage_conformance!(super::Memory);
}
