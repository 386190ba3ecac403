//! A list that is made while it is written: there may be ten thousand rows.

use serde::ser::{Serialize, Serializer};

/// A list of `R`, each made of a `T` when it is its turn.
pub(super) struct Rows<'a, T, R>(pub(super) &'a [T], pub(super) fn(&'a T) -> R);

impl<T, R: Serialize> Serialize for Rows<'_, T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(rows, response) = self;
        serializer.collect_seq(rows.iter().map(response))
    }
}
