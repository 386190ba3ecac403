//! Usage events.

use serde::{Deserialize, Deserializer, Serialize};

use crate::name::seen;
use crate::{ServiceId, TenantId, Text, Timestamp, UserId, ValidationError};

/// One use of the platform by one user, as the host's gateway reports it.
///
/// Additional fields are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ApiUsageEvent {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The user, as named by the tenant.
    pub user_id: UserId,
    /// The service that was called.
    pub service: ServiceId,
    /// The time of the call.
    pub occurred_at: Timestamp,
    /// `true` if the call failed; `false` if absent.
    #[serde(default, deserialize_with = "absent_is_false")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<bool>"))]
    pub failed: bool,
    /// The endpoint that was called, if it is known.
    #[serde(default)]
    pub endpoint: Option<Text>,
}

fn absent_is_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(false))
}

impl ApiUsageEvent {
    /// Checks that its names have a visible character.
    ///
    /// Deserialization does not check this, as stores may hold other names.
    ///
    /// # Errors
    /// Fails with the field of the first name that has none.
    pub fn check(&self) -> Result<(), ValidationError> {
        seen("tenant_id", self.tenant_id.as_str())?;
        seen("user_id", self.user_id.as_str())?;
        seen("service", self.service.as_str())
    }
}
