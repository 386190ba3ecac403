//! Each part of the harness, tried in the browser on small pages. A check is tried on a page with
//! the fault that it is for, and on one without.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

mod accessibility;
mod emulation;
mod forms;
mod layout;
mod logs;
mod pictures;
mod site;
mod tabs;
mod walks;
