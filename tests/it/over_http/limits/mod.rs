//! The limits of `docs/limits.md`, each tried at the limit and one beyond.
//!
//! The last column of a row names its test. Rows with `every_limit_is_tried` have a trial in this
//! folder, which takes the value and the error from the row, so that the documented values are the
//! tested ones. Rows of other subjects name another test; `limit_rows.rs` checks that it exists.

mod bounds;
mod incidents;
mod lists;
mod requests;
mod settings;
pub(crate) mod table;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;

use crate::over_http::harness::Server;
use table::Row;

/// The test that runs the trials of this folder, as named in the table.
pub(crate) const HERE: &str = "every_limit_is_tried";

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The trial of a row.
pub(crate) type Trial = for<'a> fn(&'a Server, &'a Row) -> Running<'a>;

/// Lists trials by the names of their rows: `listed! { "labels" => labels }`.
macro_rules! listed {
    (without a server: $($row:literal => $trial:path,)+) => {
        pub(super) const TRIALS: &[(&str, $crate::over_http::limits::Trial)] =
            &[$(($row, |_, row| Box::pin(async move { $trial(row) }))),+];
    };
    ($($row:literal => $trial:path,)+) => {
        pub(super) const TRIALS: &[(&str, $crate::over_http::limits::Trial)] =
            &[$(($row, |server, row| Box::pin($trial(server, row)))),+];
    };
}
use listed;

/// Returns all trials, with the names of their rows.
pub(crate) fn trials() -> impl Iterator<Item = &'static (&'static str, Trial)> {
    [
        incidents::TRIALS,
        lists::TRIALS,
        requests::TRIALS,
        settings::TRIALS,
    ]
    .into_iter()
    .flatten()
}

/// S10: a value at the limit is accepted, and one beyond it is refused as documented.
#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_tried() {
    let server = Server::start().await;
    let rows = table::rows();
    let mut failed = Vec::new();
    for (name, trial) in trials() {
        let row = rows.iter().find(|row| row.name == *name);
        let row = row.unwrap_or_else(|| panic!("docs/limits.md has no row {name:?}"));
        assert_eq!(row.tried_by, HERE, "{name}");
        // A failed trial must not hide others.
        if AssertUnwindSafe(trial(&server, row))
            .catch_unwind()
            .await
            .is_err()
        {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
    server.stop().await;
}
