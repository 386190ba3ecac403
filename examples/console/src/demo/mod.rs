//! The demo: a busy console in memory to walk around in, made of the reference scenario and of some
//! weeks of incidents, all sent through the routes.
//!
//! Its clock begins last month and reaches the present when everything is played. Its pagers are
//! stand-ins that page no one. Whoever reaches it, which only this machine can, is an admin.

mod client;
mod clock;
mod login;
mod pager;
mod people;
mod reference;
mod schedule;
mod setup;
mod tour;
mod usage;

pub use client::DemoError;
pub use login::VisitorLogin;
pub use setup::Demo;
