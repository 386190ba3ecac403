//! The document is whole: names, parameters, references, and how it is served.

use std::collections::BTreeSet;

use serde_json::Value;

use super::operations;
use crate::over_http::document::document;
use crate::over_http::harness::Server;

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|one| references(one, found)),
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|one| references(one, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn operations_have_names_and_the_parameters_of_their_paths() {
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap();
        assert!(!id.is_empty() && names.insert(id), "{method} {path}: {id}");
        for member in ["summary", "description"] {
            assert!(
                operation[member]
                    .as_str()
                    .is_some_and(|text| text.len() > 5),
                "{id}"
            );
        }
        let in_template = path.split('{').skip(1);
        let in_template: Vec<&str> = in_template
            .map(|part| part.split('}').next().unwrap())
            .collect();
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let in_path = parameters.filter(|one| one["in"] == "path");
        let in_path: Vec<&str> = in_path.map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(in_path, in_template, "{id}");
        let tags: Vec<&Value> = document().value["tags"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        assert!(
            tags.iter().any(|tag| tag["name"] == operation["tags"][0]),
            "{id}"
        );
    }
    assert!(names.len() > 30, "{names:?}");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let value = &document().value;
    let mut found = BTreeSet::new();
    references(value, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(value.pointer(pointer).is_some(), "{reference}");
    }
    for name in value["components"]["schemas"].as_object().unwrap().keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(reference.as_str()), "{name} is not used");
    }
}

/// The page needs nothing but itself: no script, no other host, and its style by its hash.
#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_for_programs_and_for_people() {
    let server = Server::start().await;
    let json = server.get("", "/openapi.json").await;
    assert_eq!(json.header("cache-control"), Some("public, max-age=300"));
    let served = json.json();
    assert_eq!(served["servers"][0]["url"], "/");
    assert_eq!(served["paths"], document().value["paths"]);
    let page = server.get("", "/docs").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!page.text.contains("<script") && !page.text.contains(" style="));
    for link in page.text.split("href=\"").skip(1) {
        let target = link.split('"').next().unwrap();
        let anchor = target.strip_prefix('#');
        let leads = anchor.is_some_and(|id| page.text.contains(&format!("id=\"{id}\"")));
        assert!(leads || target == "openapi.json", "{target}");
    }
    for (method, path, operation) in operations() {
        let heading = format!("<b>{}</b> <code>{path}</code>", method.to_uppercase());
        assert!(page.text.contains(&heading), "{heading}");
        assert!(page.text.contains(operation["summary"].as_str().unwrap()));
    }
    for answer in [&json, &page] {
        let tag = answer.header("etag").unwrap();
        let path = if answer.text.starts_with('{') {
            "/openapi.json"
        } else {
            "/docs"
        };
        let again = server
            .send(
                reqwest::Method::GET,
                "",
                path,
                &[("if-none-match", tag)],
                None,
            )
            .await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), Some(tag));
    }
    server.stop().await;
}
