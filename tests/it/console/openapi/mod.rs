//! The OpenAPI document: the table of routes that it comes from, its examples, and its surface over
//! time.

mod examples;
mod structure;
mod surface;
mod table;
