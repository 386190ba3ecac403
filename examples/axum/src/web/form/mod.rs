//! Forms of pages: their fields, their requests, and the way from them to the commands of the API.
//!
//! A form becomes the JSON body of the operation that it stands for, so that pages and API check
//! the same things in one place.

mod field;
mod fields;
mod json_body;
mod submitted;
mod summary;

pub(crate) use field::{Choice, Field};
pub(crate) use fields::{FormFields, SentFields, form_key, new_key};
pub(crate) use json_body::{JsonBody, items, wire_word};
pub(crate) use submitted::Submitted;
pub(crate) use summary::Summary;
