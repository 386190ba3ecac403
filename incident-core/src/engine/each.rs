//! Passes over many items, each of which fails alone.

use std::fmt::Display;

use super::Error;

/// The last failure of a pass: the others go on, and the pass tells of it at its end.
#[derive(Debug, Default)]
pub(super) struct EachAlone(Option<Error>);

impl EachAlone {
    /// What an item came to, unless it failed: that is logged under its id.
    pub(super) fn note<T>(
        &mut self,
        id: impl Display,
        what: &'static str,
        result: Result<T, Error>,
    ) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::warn!(%id, error = &error as &dyn std::error::Error, "{what}");
                self.0 = Some(error);
                None
            }
        }
    }

    /// The last failure, after all were tried.
    pub(super) fn end(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }
}
