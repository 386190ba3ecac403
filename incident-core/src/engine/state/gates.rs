//! The gates of all targets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::Timestamp;
use crate::paging::{
    Admission, AdmitRequest, BreakerTransition, DeliveryResult, Gate, GateSettings, LastResults,
    TargetId, TargetState,
};

/// The gate of each target, in memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct Gates {
    settings: GateSettings,
    open: Mutex<BTreeMap<TargetId, Gate>>,
    last: Mutex<BTreeMap<TargetId, LastResults>>,
}

impl Gates {
    pub(in crate::engine) fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            open: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// Lets targets that are down be tried at once.
    pub(in crate::engine) fn try_again(&self) {
        let mut gates = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values_mut().for_each(Gate::try_again);
    }

    /// Decides whether a request may go out now; one that may is counted.
    pub(in crate::engine) fn admit(
        &self,
        target: &TargetId,
        asking: AdmitRequest,
        now: Timestamp,
    ) -> Admission {
        self.with(target, |gate| gate.admit(asking, now))
    }

    /// Notes the result of a request. Returns the transition of the breaker, if there was one.
    pub(in crate::engine) fn note(
        &self,
        target: &TargetId,
        answer: &DeliveryResult,
        now: Timestamp,
    ) -> Option<BreakerTransition> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.entry(target.clone()).or_default().note(answer, now);
        drop(last);
        self.with(target, |gate| gate.note(answer, now))
    }

    /// Returns the state of a target.
    pub(in crate::engine) fn state(&self, target: &TargetId, now: Timestamp) -> TargetState {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.get(target).copied().unwrap_or_default();
        self.with(target, |gate| TargetState {
            target: target.clone(),
            is_down: gate.is_down(),
            waits_until: gate.waits_until(now),
            requests_last_minute: gate.requests_last_minute(now),
            accepted_at: last.accepted_at,
            failure: last.failure,
        })
    }

    /// Returns `true` if a target counts as down now.
    pub(in crate::engine) fn is_down(&self, target: &TargetId) -> bool {
        self.with(target, |gate| gate.is_down())
    }

    pub(in crate::engine) fn with<T>(
        &self,
        target: &TargetId,
        ask: impl FnOnce(&mut Gate) -> T,
    ) -> T {
        let mut gates = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates
            .entry(target.clone())
            .or_insert_with(|| Gate::new(self.settings));
        ask(gate)
    }
}
