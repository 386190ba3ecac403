//! Kinds of events: services with their endpoints, by number.

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;
use incident_core::impact::ApiUsageEvent;
use incident_core::port::UsageError;
use incident_core::{ServiceId, Text};

use super::chunk::MAX_KINDS;

/// Maximum number of numbered pairs of service and endpoint. Further endpoints count as events of
/// their service only, which leaves numbers for services.
const MAX_ENDPOINTS: usize = MAX_KINDS / 4 * 3;

/// Approximate size of a kind besides its names, in bytes.
pub(super) const KIND: usize = 160;

/// A service, or one of its endpoints.
#[derive(Clone, Debug)]
pub(super) struct EventKind {
    pub(super) service: ServiceId,
    pub(super) endpoint: Option<Text>,
}

/// Kinds by number.
#[derive(Debug, Default)]
pub(super) struct EndpointInterner {
    services: HashMap<ServiceId, ServiceKinds, RandomState>,
    kinds: Vec<EventKind>,
    named: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct ServiceKinds {
    /// The kind without an endpoint.
    plain: Option<u16>,
    endpoints: HashMap<Text, u16, RandomState>,
}

impl EndpointInterner {
    /// Returns the number of an event's kind, if it has one.
    pub(super) fn known(&self, event: &ApiUsageEvent) -> Option<u16> {
        let service = self.services.get(&event.service)?;
        match named(event) {
            None => service.plain,
            Some(endpoint) => {
                let number = service.endpoints.get(endpoint).copied();
                let is_full = self.named >= MAX_ENDPOINTS;
                number.or_else(|| service.plain.filter(|_| is_full))
            }
        }
    }

    /// Returns the number of an event's kind, and assigns one if it has none.
    ///
    /// # Errors
    /// Returns [`UsageError::Refused`] if no number is left.
    pub(super) fn number(&mut self, event: &ApiUsageEvent) -> Result<u16, UsageError> {
        if let Some(number) = self.known(event) {
            return Ok(number);
        }
        let endpoint = named(event).filter(|_| self.named < MAX_ENDPOINTS);
        let next = u16::try_from(self.kinds.len()).ok();
        let number = next.filter(|next| usize::from(*next) < MAX_KINDS);
        let number = number.ok_or_else(too_many)?;
        let service = self.services.entry(event.service.clone()).or_default();
        self.bytes += KIND + event.service.as_str().len();
        match endpoint {
            Some(endpoint) => {
                service.endpoints.insert(endpoint.clone(), number);
                self.bytes += endpoint.as_str().len();
                self.named += 1;
            }
            None => service.plain = Some(number),
        }
        self.kinds.push(EventKind {
            service: event.service.clone(),
            endpoint: endpoint.cloned(),
        });
        Ok(number)
    }

    /// Returns `true` if there is room for a number of events, whatever their kinds are.
    pub(super) const fn has_room_for(&self, events: usize) -> bool {
        self.named + events < MAX_ENDPOINTS && self.kinds.len() + 2 * events < MAX_KINDS
    }

    /// Estimates the bytes that the new kinds of a batch would take, without numbering them.
    ///
    /// # Errors
    /// Returns [`UsageError::Refused`] if there are not enough numbers for them.
    pub(super) fn room_for(&self, batch: &[ApiUsageEvent]) -> Result<usize, UsageError> {
        let new = |event: &&ApiUsageEvent| self.known(event).is_none();
        let new: HashSet<(&ServiceId, Option<&Text>), RandomState> = batch
            .iter()
            .filter(new)
            .map(|event| (&event.service, named(event)))
            .collect();
        let endpoints = new
            .iter()
            .filter(|(_, endpoint)| endpoint.is_some())
            .count();
        // Endpoints that get no number count as events of their service.
        let numbered = endpoints.min(MAX_ENDPOINTS.saturating_sub(self.named));
        let services: HashSet<&ServiceId, RandomState> = new
            .iter()
            .filter(|(_, endpoint)| endpoint.is_none() || numbered < endpoints)
            .map(|(service, _)| *service)
            .filter(|service| {
                let known = self.services.get(*service);
                known.is_none_or(|known| known.plain.is_none())
            })
            .collect();
        if self.kinds.len() + numbered + services.len() > MAX_KINDS {
            return Err(too_many());
        }
        let bytes = new.iter().map(|(service, endpoint)| {
            let endpoint = endpoint.map_or(0, |name| name.as_str().len());
            KIND + service.as_str().len() + endpoint
        });
        Ok(bytes.sum())
    }

    /// Returns all kinds, in order of their numbers.
    pub(super) fn all(&self) -> &[EventKind] {
        &self.kinds
    }

    /// Returns the numbers of all kinds of these services; of all services if absent.
    pub(super) fn of(&self, services: Option<&BTreeSet<ServiceId>>) -> Vec<u16> {
        let wanted = |kind: &EventKind| services.is_none_or(|names| names.contains(&kind.service));
        let numbers = (0_u16..).zip(&self.kinds);
        let numbers = numbers.filter(|(_, kind)| wanted(kind));
        numbers.map(|(number, _)| number).collect()
    }

    /// Estimates the bytes that the kinds take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

fn too_many() -> UsageError {
    UsageError::Refused(format!(
        "the usage source in memory supports at most {} services",
        MAX_KINDS / 4
    ))
}

fn named(event: &ApiUsageEvent) -> Option<&Text> {
    let endpoint = event.endpoint.as_ref();
    endpoint.filter(|name| !name.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(service: &str, endpoint: Option<&str>) -> ApiUsageEvent {
        ApiUsageEvent {
            tenant_id: "t".parse().unwrap(),
            user_id: "u".parse().unwrap(),
            service: service.parse().unwrap(),
            occurred_at: "2026-11-20T00:00:00Z".parse().unwrap(),
            failed: false,
            endpoint: endpoint.map(|name| name.parse().unwrap()),
        }
    }

    /// Endpoints without a number do not displace services, and count as events of their service.
    #[test]
    fn endless_endpoints_leave_room_for_services() {
        let mut kinds = EndpointInterner::default();
        for n in 0..MAX_ENDPOINTS + 100 {
            kinds.number(&event("api", Some(&format!("/{n}")))).unwrap();
        }
        assert_eq!(kinds.named, MAX_ENDPOINTS);
        let one = kinds.number(&event("api", Some("/one more"))).unwrap();
        assert_eq!(kinds.number(&event("api", None)).unwrap(), one);
        assert_eq!(kinds.of(None).len(), MAX_ENDPOINTS + 1);
        for n in 1..MAX_KINDS / 4 {
            kinds.number(&event(&format!("s{n}"), Some("/0"))).unwrap();
        }
        assert!(kinds.number(&event("one too many", None)).is_err());
        assert!(kinds.number(&event("s1", None)).is_ok());
    }
}
