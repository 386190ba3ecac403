//! One use of the platform.

use serde::{Deserialize, Deserializer, Serialize};

use crate::name::seen;
use crate::{ServiceId, TenantId, Text, Timestamp, UserId, ValidationError};

/// One use of the platform by one user, as the host's gateway reports it. It
/// may carry more fields than we read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApiUsageEvent {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user, as the tenant names it.
    pub user_id: UserId,
    /// The service that was called.
    pub service: ServiceId,
    /// When.
    pub occurred_at: Timestamp,
    /// Whether the call failed; no, if absent.
    #[serde(default, deserialize_with = "absent_is_false")]
    pub failed: bool,
    /// What was called.
    #[serde(default)]
    pub endpoint: Option<Text>,
}

fn absent_is_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(false))
}

impl ApiUsageEvent {
    /// Checks that its names show something: serde reads them as stores may hold them.
    ///
    /// # Errors
    /// The field of the first one that does not.
    pub fn check(&self) -> Result<(), ValidationError> {
        seen("tenant_id", self.tenant_id.as_str())?;
        seen("user_id", self.user_id.as_str())?;
        seen("service", self.service.as_str())
    }
}
