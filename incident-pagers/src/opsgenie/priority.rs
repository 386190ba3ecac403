//! OpsGenie's priorities, and the one of each severity.

use incident_core::incident::Severity;
use serde::{Deserialize, Serialize};

/// A priority of OpsGenie; P1 is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OpsGeniePriority {
    P1,
    P2,
    P3,
    P4,
    P5,
}

/// The OpsGenie priority of each severity. Defaults to P1 to P4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpsGeniePriorities {
    /// Priority for SEV1.
    pub sev1: OpsGeniePriority,
    /// Priority for SEV2.
    pub sev2: OpsGeniePriority,
    /// Priority for SEV3.
    pub sev3: OpsGeniePriority,
    /// Priority for SEV4.
    pub sev4: OpsGeniePriority,
}

impl Default for OpsGeniePriorities {
    fn default() -> Self {
        Self {
            sev1: OpsGeniePriority::P1,
            sev2: OpsGeniePriority::P2,
            sev3: OpsGeniePriority::P3,
            sev4: OpsGeniePriority::P4,
        }
    }
}

impl OpsGeniePriorities {
    /// Returns the priority of a severity.
    #[must_use]
    pub const fn of(&self, severity: Severity) -> OpsGeniePriority {
        match severity {
            Severity::Sev1 => self.sev1,
            Severity::Sev2 => self.sev2,
            Severity::Sev3 => self.sev3,
            Severity::Sev4 => self.sev4,
        }
    }
}
