//! The contracts of the ports, run by the in-memory store and usage source.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests, and what they share, fail by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use incident_core::conformance::{AnchorBackend, StoreBackend, UsageBackend};
use incident_core::port::{AnchorRecord, Store};
use incident_store_memory::{MemoryAnchors, MemoryStore, MemoryUsage};

mod counts;
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

/// A source that seals every few events and counts tenant by tenant.
struct Sealed;

#[async_trait]
impl UsageBackend for Sealed {
    type Guard = ();
    type Source = MemoryUsage;

    async fn open() -> (MemoryUsage, ()) {
        let usage = MemoryUsage::default().with_seal_threshold(3);
        (usage.with_time_index(0), ())
    }
}

mod sealed_usage {
    incident_core::usage_conformance!(super::Sealed);
}

/// A source that counts every query incrementally, seals some events and has few in the index over
/// time.
struct Followed;

#[async_trait]
impl UsageBackend for Followed {
    type Guard = ();
    type Source = MemoryUsage;

    async fn open() -> (MemoryUsage, ()) {
        let usage = MemoryUsage::default().with_seal_threshold(400);
        let usage = usage.with_time_index(2_000);
        (usage.incremental_above(Duration::ZERO), ())
    }
}

mod followed_usage {
    incident_core::usage_conformance!(super::Followed);
}

#[async_trait]
impl AnchorBackend for Memory {
    type Guard = MemoryAnchors;

    async fn open() -> (Arc<dyn AnchorRecord>, MemoryAnchors) {
        let anchors = MemoryAnchors::default();
        (Arc::new(anchors.clone()), anchors)
    }

    async fn reopen(guard: &MemoryAnchors) -> Arc<dyn AnchorRecord> {
        Arc::new(guard.clone())
    }
}

mod anchors {
    incident_core::anchor_conformance!(super::Memory);
}
