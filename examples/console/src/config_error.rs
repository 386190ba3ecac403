//! The error of an invalid setting.

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    variable: &'static str,
    reason: String,
}

impl ConfigError {
    /// Creates an error about a variable. The reason must not repeat its value.
    pub(crate) fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { variable, reason }
    }
}
