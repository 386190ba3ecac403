//! The OpenAPI document: derived from the types of the handlers, their extractors and responses.

pub(crate) mod assemble;
pub(crate) mod describe;
pub(crate) mod examples;
mod html;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod schemas;
