//! Headless browsers for tests: Chromium, driven over its remote control (W3C
//! `WebDriver`).
//!
//! The protocol is a handful of JSON calls, for which a client crate would bring thirty packages.

mod browser;
mod driver;
mod element;
mod remote;

pub use browser::Browser;
pub use element::Element;
