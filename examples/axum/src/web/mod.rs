//! The pages for people: templates that the server renders, one style sheet and one script.
//!
//! Everything works without the script. Pages call the same engine as the API, and their forms are
//! checked by the same types.

pub(crate) mod about;
mod action_texts;
pub(crate) mod active;
mod amounts;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod classify;
mod common_texts;
mod countdown;
pub(crate) mod declare;
mod due_texts;
pub(crate) mod expired;
pub(crate) mod files;
mod filter;
mod form;
mod frame;
mod held_form;
pub(crate) mod incident;
pub(crate) mod incidents;
mod language;
pub(crate) mod layer;
pub(crate) mod look;
mod numbers;
pub(crate) mod page;
mod page_error;
pub(crate) mod pagers;
pub(crate) mod preferences;
pub(crate) mod problem_page;
pub(crate) mod reader;
pub(crate) mod sign_in;
pub(crate) mod sla;
pub(crate) mod status;
mod texts;
mod times;
