//! Passes over many items, each of which fails alone.

use std::fmt::Display;

use super::Error;

/// The last failure of a pass: the other items go on, and the pass returns the failure at its end.
#[derive(Debug, Default)]
pub(super) struct EachAlone(Option<Error>);

impl EachAlone {
    /// Returns the result of an item; a failure is logged under its id and noted.
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

    /// Returns the last failure, after all items were tried.
    pub(super) fn end(self) -> Result<(), Error> {
        self.0.map_or(Ok(()), Err)
    }
}
