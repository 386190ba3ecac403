//! Open alerts that other pages may be grouped under.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{IncidentId, ServiceId};

/// Maximum number of services that are remembered.
const MAX_SERVICES: usize = 10_000;

/// Per service, the incident whose low-urgency alert was opened last. If this memory is lost, a
/// page goes out that could have waited.
#[derive(Debug, Default)]
pub(in crate::engine) struct OpenAlertsByService(Mutex<BTreeMap<ServiceId, IncidentId>>);

impl OpenAlertsByService {
    /// Notes the open alert of a service. Their number is bounded, since names come from outside.
    pub(in crate::engine) fn note(&self, service: &ServiceId, id: IncidentId) {
        let mut leaders = self.lock();
        if leaders.len() >= MAX_SERVICES && !leaders.contains_key(service) {
            leaders.pop_first();
        }
        leaders.insert(service.clone(), id);
    }

    pub(in crate::engine) fn lock(&self) -> MutexGuard<'_, BTreeMap<ServiceId, IncidentId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn leaders_of_so_many_services_are_remembered() {
        let leaders = OpenAlertsByService::default();
        let (incident, _, _) = crate::testing::an_incident();
        let service = |n: usize| ServiceId::new(&format!("service-{n:05}")).unwrap();
        for n in 0..=MAX_SERVICES {
            leaders.note(&service(n), incident.id);
            leaders.note(&service(n), incident.id);
        }
        let known = leaders.lock();
        assert_eq!(known.len(), MAX_SERVICES);
        assert!(!known.contains_key(&service(0)) && known.contains_key(&service(MAX_SERVICES)));
    }
}
