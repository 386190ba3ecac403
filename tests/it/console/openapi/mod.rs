//! The OpenAPI document: the table of routes that it comes from, its examples, and its surface over
//! time.

mod examples;
mod structure;
mod surface;
mod table;

use serde_json::Value;

use crate::over_http::document::document;

/// Returns every operation of the document, with its method and path.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document().value["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(|(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}
