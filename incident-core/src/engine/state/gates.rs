//! The gates of all targets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::Timestamp;
use crate::paging::{Admission, AdmitRequest, Gate, GateSettings, TargetId};

/// The gate of each target, in memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct Gates {
    settings: GateSettings,
    open: Mutex<BTreeMap<TargetId, Gate>>,
}

impl Gates {
    pub(in crate::engine) fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            open: Mutex::default(),
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
