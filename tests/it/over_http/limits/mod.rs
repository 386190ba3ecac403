//! The limits of `docs/limits.md`, each tried at the limit and one beyond.
//!
//! A row names the test that tries it in its last column. Rows that name
//! `every_limit_is_tried` have a trial in this folder, which takes the value and the error
//! from the row: what the table says is what is tried. A subject that another test tries
//! names that test instead; `limit_rows.rs` looks whether it exists.

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

/// The test that runs the trials of this folder, as the table names it.
pub(crate) const HERE: &str = "every_limit_is_tried";

type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What tries a row.
pub(crate) type Trial = for<'a> fn(&'a Server, &'a Row) -> Running<'a>;

/// A trial by the name of its row: `listed! { "labels" => labels }`.
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

/// Every trial, by the name of its row.
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

/// S10: at the limit it is taken, and one beyond it is refused as the table says.
#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_tried() {
    let server = Server::start().await;
    let rows = table::rows();
    let mut failed = Vec::new();
    for (name, trial) in trials() {
        let row = rows.iter().find(|row| row.name == *name);
        let row = row.unwrap_or_else(|| panic!("docs/limits.md has no row {name:?}"));
        assert_eq!(row.tried_by, HERE, "{name}");
        // One that fails hides no other.
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
