//! How bad an incident is, in OpsGenie's words.

use incident_core::incident::Severity;
use serde::{Deserialize, Serialize};

/// OpsGenie's priorities; P1 is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OpsGeniePriority {
    P1,
    P2,
    P3,
    P4,
    P5,
}

/// Which priority OpsGenie is told for each severity: P1 to P4 unless set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpsGeniePriorities {
    /// For SEV1.
    pub sev1: OpsGeniePriority,
    /// For SEV2.
    pub sev2: OpsGeniePriority,
    /// For SEV3.
    pub sev3: OpsGeniePriority,
    /// For SEV4.
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
    /// The priority of a severity.
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
