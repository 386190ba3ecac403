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
pub(super) enum Lookup {
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
    ) -> Lookup {
        let fresh = self.last(id, generation);
        if let Some(fresh) = fresh.filter(|one| one.age() < TTL) {
            return Lookup::Found(fresh);
        }
        let Ok(Ok(_turn)) = timeout(TURN, self.lookups.acquire()).await else {
            return Lookup::Unavailable;
        };
        let (reports, as_of) = (incidents.reports(), Instant::now());
        let found = match timeout(LOOKUP, reports.public_incident(id)).await {
            Ok(Ok(found)) => found,
            Ok(Err(Error::NotFound(_))) => {
                self.kept().remove(&id);
                return Lookup::Nothing;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a public incident could not be read");
                return Lookup::Unavailable;
            }
            Err(_) => {
                tracing::warn!("reading a public incident timed out");
                return Lookup::Unavailable;
            }
        };
        if found.incident.id != id {
            return Lookup::Moved(found.incident.id);
        }
        let now = reports.now();
        let one = Arc::new(OldIncident {
            generation,
            as_of,
            read_at: now,
            copy: IncidentCopy::of(site, found, now),
        });
        self.keep(id, Arc::clone(&one));
        Lookup::Found(one)
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
