//! Public incidents that the history no longer has: looked up by their public id, one after another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incident_core::engine::{Error, Incidents};
use incident_core::{PublicId, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::copy::IncidentCopy;
use super::site::Site;

/// Maximum number of lookups at a time. Anybody may ask for any id: this protects the store.
const LOOKUPS: usize = 4;
/// Maximum time that a request waits for its turn.
const TURN: Duration = Duration::from_secs(1);
/// Maximum duration of a lookup.
const LOOKUP: Duration = Duration::from_secs(5);
/// Maximum number of incidents that are kept.
const KEPT: usize = 64;
/// Maximum age of an incident that is served while the store can be read.
const TTL: Duration = Duration::from_secs(60);

/// The lookups, and their newest results.
#[derive(Debug)]
pub(crate) struct OldIncidents {
    lookups: Semaphore,
    kept: Mutex<BTreeMap<PublicId, Arc<OldIncident>>>,
}

/// An incident that was looked up.
#[derive(Debug)]
pub(super) struct OldIncident {
    generation: u64,
    /// Time at which reading it from the store began.
    as_of: Instant,
    /// Time at which it had been read.
    pub(super) read_at: Timestamp,
    pub(super) copy: IncidentCopy,
}

/// The result of a lookup.
#[derive(Debug)]
pub(super) enum OldLookup {
    /// The incident as it is.
    Found(Arc<OldIncident>),
    /// Another incident shows the texts of this one.
    Moved(PublicId),
    /// No public incident has the id.
    Nothing,
    /// The store cannot be read, or is asked for too many others.
    Unavailable,
}

impl Default for OldIncidents {
    fn default() -> Self {
        Self {
            lookups: Semaphore::new(LOOKUPS),
            kept: Mutex::default(),
        }
    }
}

impl OldIncident {
    /// Returns the time since reading it from the store began.
    pub(super) fn age(&self) -> Duration {
        self.as_of.elapsed()
    }
}

impl OldIncidents {
    /// Returns an incident that was looked up, at any age, unless something may have changed since
    /// by this process.
    pub(super) fn last(&self, id: PublicId, generation: u64) -> Option<Arc<OldIncident>> {
        let found = self.kept().get(&id).map(Arc::clone);
        found.filter(|one| one.generation >= generation)
    }

    /// Finds an incident. `generation` counts the changes by this process, as it is before the
    /// call.
    pub(super) async fn find(
        &self,
        incidents: &Incidents,
        site: Arc<Site>,
        id: PublicId,
        generation: u64,
    ) -> OldLookup {
        let fresh = self.last(id, generation);
        if let Some(fresh) = fresh.filter(|one| one.age() < TTL) {
            return OldLookup::Found(fresh);
        }
        let Ok(Ok(_turn)) = timeout(TURN, self.lookups.acquire()).await else {
            return OldLookup::Unavailable;
        };
        let (reports, as_of) = (incidents.reports(), Instant::now());
        let found = match timeout(LOOKUP, reports.public_incident(id)).await {
            Ok(Ok(found)) => found,
            Ok(Err(Error::NotFound(_))) => {
                self.kept().remove(&id);
                return OldLookup::Nothing;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a public incident could not be read");
                return OldLookup::Unavailable;
            }
            Err(_) => {
                tracing::warn!("reading a public incident timed out");
                return OldLookup::Unavailable;
            }
        };
        if found.incident.id != id {
            return OldLookup::Moved(found.incident.id);
        }
        let now = reports.now();
        let one = Arc::new(OldIncident {
            generation,
            as_of,
            read_at: now,
            copy: IncidentCopy::of(site, found, now),
        });
        self.keep(id, Arc::clone(&one));
        OldLookup::Found(one)
    }

    fn keep(&self, id: PublicId, one: Arc<OldIncident>) {
        let mut kept = self.kept();
        kept.insert(id, one);
        if kept.len() > KEPT {
            let oldest = kept.iter().min_by_key(|(_, one)| one.as_of);
            let oldest = oldest.map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                kept.remove(&oldest);
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<PublicId, Arc<OldIncident>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use incident_core::engine::RequestContext;
    use incident_core::incident::{Declare, Publish, Severity};
    use incident_core::testing::caller;
    use incident_store_memory::MemoryStore;

    use super::*;

    struct Engine {
        incidents: Incidents,
        old: OldIncidents,
    }

    impl Engine {
        fn new() -> Self {
            let store = Arc::new(MemoryStore::default());
            Self {
                incidents: Incidents::builder(store).build().unwrap(),
                old: OldIncidents::default(),
            }
        }

        async fn declare(&self) -> PublicId {
            let context =
                RequestContext::new(caller("anna", incident_core::actor::Role::Admin).unwrap());
            let asked = Declare::new("internal".parse().unwrap(), Severity::Sev3);
            let declared = self.incidents.declare(&context, &asked).await.unwrap();
            let publish = Publish {
                public: true,
                title: None,
                message: None,
            };
            let id = declared.incident.id;
            self.incidents
                .act(&context, id, &publish.into())
                .await
                .unwrap();
            declared.incident.status_page.id
        }

        async fn find(&self, id: PublicId, generation: u64) -> OldLookup {
            let site = Arc::new(Site {
                name: "Petanque Life".to_owned(),
                style: "status.css".to_owned(),
            });
            self.old.find(&self.incidents, site, id, generation).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_lookups_run_at_a_time() {
        let engine = Engine::new();
        let id = engine.declare().await;
        let others = u32::try_from(LOOKUPS).unwrap();
        let turns = engine.old.lookups.acquire_many(others).await.unwrap();
        let asked = Instant::now();
        assert!(matches!(engine.find(id, 0).await, OldLookup::Unavailable));
        assert_eq!(asked.elapsed(), TURN);
        drop(turns);
        assert!(matches!(engine.find(id, 0).await, OldLookup::Found(_)));
        // What is kept needs no turn.
        let _turns = engine.old.lookups.acquire_many(others).await.unwrap();
        assert!(matches!(engine.find(id, 0).await, OldLookup::Found(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_incidents_are_kept() {
        let engine = Engine::new();
        let mut ids = Vec::new();
        for _ in 0..=KEPT {
            let id = engine.declare().await;
            assert!(matches!(engine.find(id, 0).await, OldLookup::Found(_)));
            tokio::time::advance(Duration::from_millis(1)).await;
            ids.push(id);
        }
        assert_eq!(engine.old.kept().len(), KEPT);
        assert!(engine.old.last(ids[0], 0).is_none(), "the oldest");
        assert!(engine.old.last(ids[1], 0).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_read_again_after_a_minute_or_a_change() {
        let engine = Engine::new();
        let id = engine.declare().await;
        let read = async |generation| match engine.find(id, generation).await {
            OldLookup::Found(one) => one,
            OldLookup::Moved(_) | OldLookup::Nothing | OldLookup::Unavailable => {
                panic!("not found")
            }
        };
        let first = read(0).await;
        assert!(Arc::ptr_eq(&first, &read(0).await));
        tokio::time::advance(TTL).await;
        let second = read(0).await;
        assert!(!Arc::ptr_eq(&first, &second));
        let third = read(1).await;
        assert!(!Arc::ptr_eq(&second, &third));
        assert!(engine.old.last(id, 1).is_some() && engine.old.last(id, 2).is_none());
        let unknown = PublicId::from_uuid(uuid::Uuid::nil());
        assert!(matches!(engine.find(unknown, 1).await, OldLookup::Nothing));
    }
}
