//! Headless browsers for tests: Chromium, driven over its remote control (W3C
//! `WebDriver`).
//!
//! The protocol is a handful of JSON calls, for which a client crate would bring thirty packages.
//! Checks return their findings as plain sentences, so that a test asserts that there are none.

mod accessibility;
mod browser;
mod console_log;
mod cookies;
mod driver;
mod element;
mod emulation;
mod keyboard;
mod layout;
mod locate;
mod navigation;
mod network_log;
mod options;
mod picture;
mod remote;
mod tab_walk;

pub use accessibility::{AccessibilityFinding, AccessibilityNode, AccessibilityReport};
pub use browser::Browser;
pub use console_log::ConsoleMessage;
pub use element::Element;
pub use emulation::MediaPreferences;
pub use keyboard::{FocusedElement, KeyboardKey};
pub use navigation::Tab;
pub use network_log::requests_elsewhere;
pub use options::BrowserOptions;
pub use picture::PICTURE_HEIGHT;
pub use tab_walk::TabWalk;
