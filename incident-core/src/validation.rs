//! The one error of every constructor that checks a value.

use std::borrow::Cow;

/// A value was not acceptable: which one, and what was expected.
///
/// **Handling:** show it to whoever sent the value. It never repeats the value,
/// which might be a secret that was pasted into the wrong field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}")]
pub struct ValidationError {
    field: Cow<'static, str>,
    expected: Cow<'static, str>,
}

impl ValidationError {
    /// An error about `field`, whose value should have been `expected`.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: field.into(),
            expected: expected.into(),
        }
    }

    /// The field, as a path below the input: `affected_tenants/2/until`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What would have been acceptable.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// The same error about a field of another name, for a caller who knows
    /// where the value came from.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = field.into();
        self
    }
}
