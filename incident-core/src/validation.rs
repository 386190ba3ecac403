//! The one error of every constructor that checks a value.

use std::borrow::Cow;

/// An invalid value: its field, and the expected form.
///
/// **Handling:** show it to the sender of the value. It never repeats the value, which might be a
/// secret that was pasted into the wrong field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}")]
pub struct ValidationError {
    field: Cow<'static, str>,
    expected: Cow<'static, str>,
}

impl ValidationError {
    /// Creates an error about `field`, whose value should have been `expected`.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            field: field.into(),
            expected: expected.into(),
        }
    }

    /// Returns the field, as a path below the input: `affected_tenants/2/until`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the description of an acceptable value.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Returns the same error about another field, for a caller that knows the source of the value.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = field.into();
        self
    }
}
