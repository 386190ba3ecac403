//! Consoles in all the states that pages have, the table of pages, and visits of them in a browser.
//! The pictures and the tests of pages share them.

mod busy;
mod seeded;
mod table;
#[path = "../it/over_http/troubled.rs"]
#[expect(dead_code, reason = "the tests over HTTP use all of it")]
mod troubled;
mod visit;

pub(crate) use seeded::{SeededConsole, start};
pub(crate) use table::{PageRow, State, pages};
pub(crate) use visit::PageVisit;
