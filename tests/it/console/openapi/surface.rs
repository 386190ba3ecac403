//! Snapshot of the surface of the API, on which clients rely: nothing of it is removed or narrowed
//! unless the section "Changes" of `docs/http-api.md` names it.
//!
//! `SURFACE_UPDATE=1` writes the snapshot after an addition, or after a change that is named there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::over_http::document::document;

const GUIDE: &str = include_str!("../../../../docs/http-api.md");

/// Upper limits, which may grow, and lower ones, which may shrink.
const UPPER: [&str; 4] = ["maxLength", "maximum", "maxItems", "maxProperties"];
const LOWER: [&str; 2] = ["minLength", "minimum"];
/// Limits that have no order: any other value may refuse what was accepted.
const OTHER: [&str; 3] = ["pattern", "format", "const"];

/// Facts by place; a place is an operation or a schema and a part of it, such as
/// `POST /sys/incidents query /limit` or `schema Update request /message`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Surface(BTreeMap<String, BTreeSet<String>>);

/// The surface of a document under construction.
struct Reading<'a> {
    document: &'a Value,
    surface: Surface,
    /// Names of schemas that were added, and if they are of requests.
    seen: BTreeSet<(&'a str, bool)>,
}

impl Surface {
    fn add(&mut self, place: &str, fact: impl Into<String>) {
        self.0
            .entry(place.to_owned())
            .or_default()
            .insert(fact.into());
    }

    fn of(document: &Value) -> Self {
        let mut reading = Reading {
            document,
            surface: Self::default(),
            seen: BTreeSet::new(),
        };
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = format!("{} {path}", method.to_uppercase());
                reading.operation(&name, operation);
            }
        }
        reading.surface
    }

    fn read(text: &str) -> Self {
        let mut surface = Self::default();
        for line in text.lines() {
            let (place, fact) = line.split_once(" | ").unwrap();
            surface.add(place, fact);
        }
        surface
    }

    fn write(&self) -> String {
        let lines = self
            .0
            .iter()
            .flat_map(|(place, facts)| facts.iter().map(move |fact| format!("{place} | {fact}\n")));
        lines.collect()
    }
}

impl<'a> Reading<'a> {
    fn operation(&mut self, name: &str, operation: &'a Value) {
        self.surface.add(
            name,
            format!("named {}", operation["operationId"].as_str().unwrap()),
        );
        let parameters = operation["parameters"].as_array();
        for one in parameters.into_iter().flatten() {
            let place = one["in"].as_str().unwrap();
            let place = format!("{name} {place} /{}", one["name"].as_str().unwrap());
            self.surface.add(&place, "present");
            if one["required"] == true {
                self.surface.add(&place, "required");
            }
            self.schema(&place, &one["schema"], true);
        }
        let body = &operation["requestBody"];
        if body["required"] == true {
            self.surface.add(&format!("{name} request"), "required");
        }
        self.content(&format!("{name} request"), body, true);
        for (status, response) in operation["responses"].as_object().unwrap() {
            let place = format!("{name} {status}");
            self.surface.add(&place, "present");
            let headers = response["headers"].as_object();
            for header in headers.into_iter().flatten() {
                self.surface.add(&place, format!("header {}", header.0));
            }
            // All problems have one schema.
            if status.starts_with(['2', '3']) {
                self.content(&place, response, false);
            }
        }
    }

    fn content(&mut self, place: &str, of: &'a Value, is_request: bool) {
        for (media, content) in of["content"].as_object().into_iter().flatten() {
            let place = format!("{place} {media}");
            self.surface.add(&place, "present");
            let schema = &content["schema"];
            self.schema(&place, schema, is_request);
        }
    }

    fn schema(&mut self, place: &str, schema: &'a Value, is_request: bool) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            self.surface.add(place, format!("type {name}"));
            if self.seen.insert((name, is_request)) {
                let target = self.document.pointer(&reference[1..]).unwrap();
                let part = if is_request { "request" } else { "response" };
                self.surface.add(&format!("schema {name}"), "present");
                self.schema(&format!("schema {name} {part}"), target, is_request);
            }
            return;
        }
        for one_of in ["anyOf", "oneOf"] {
            for one in schema[one_of].as_array().into_iter().flatten() {
                self.schema(place, one, is_request);
            }
        }
        if schema["type"].is_null() && !(schema["anyOf"].is_null() && schema["oneOf"].is_null()) {
            return;
        }
        let kinds = schema["type"].as_array().cloned();
        for kind in kinds.unwrap_or_else(|| vec![schema["type"].clone()]) {
            self.surface
                .add(place, format!("type {}", kind.as_str().unwrap_or("any")));
        }
        for word in schema["enum"].as_array().into_iter().flatten() {
            self.surface.add(place, format!("word {word}"));
        }
        let limits = UPPER.iter().chain(&LOWER).chain(&OTHER);
        for limit in limits.filter(|limit| is_request && !schema[**limit].is_null()) {
            self.surface
                .add(place, format!("limit {limit} {}", schema[*limit]));
        }
        let required = schema["required"].as_array();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            self.surface.add(&format!("{place} /{name}"), "required");
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let below = format!("{place} /{name}");
            self.surface.add(&below, "present");
            self.schema(&below, member, is_request);
        }
        for (member, name) in [("items", "[]"), ("additionalProperties", "{}")] {
            if schema[member].is_object() {
                let below = format!("{place} {name}");
                self.schema(&below, &schema[member], is_request);
            }
        }
    }
}

fn is_request(place: &str) -> bool {
    let part = place.split(' ').nth(2).unwrap_or_default();
    ["request", "query", "path", "header"].contains(&part)
}

/// Returns `true` if a limit of `before` admits what a limit of `now` refuses.
fn is_narrower(limit: &str, before: &str, now: &str) -> bool {
    let number = |text: &str| text.parse::<i128>().unwrap();
    if UPPER.contains(&limit) {
        number(now) < number(before)
    } else if LOWER.contains(&limit) {
        number(now) > number(before)
    } else {
        now != before
    }
}

/// Returns what a client may miss that relies on the surface as it was: places with facts.
fn broken(before: &Surface, now: &Surface) -> Vec<(String, String)> {
    let none = BTreeSet::new();
    let mut broken = Vec::new();
    for (place, facts) in &before.0 {
        let today = now.0.get(place).unwrap_or(&none);
        for fact in facts.difference(today) {
            let is_limit = fact.starts_with("limit ");
            let eased = is_request(place) && fact == "required";
            if !is_limit && !eased {
                broken.push((place.clone(), format!("{fact} is gone")));
            }
        }
    }
    for (place, facts) in now.0.iter().filter(|(place, _)| is_request(place)) {
        let past = before.0.get(place).unwrap_or(&none);
        // What is new altogether has no clients.
        let is_new = !past.contains("present") && facts.contains("present");
        let owner: String = place.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let owner_is_new = !before.0.contains_key(&owner);
        for fact in facts.difference(past) {
            if owner_is_new {
                continue;
            }
            if fact == "required" {
                broken.push((place.clone(), "is required now".to_owned()));
            }
            let Some((limit, value)) = fact
                .strip_prefix("limit ")
                .and_then(|rest| rest.split_once(' '))
            else {
                continue;
            };
            let start = format!("limit {limit} ");
            let old = past.iter().find_map(|one| one.strip_prefix(&start));
            if !is_new && old.is_none_or(|old| is_narrower(limit, old, value)) {
                broken.push((place.clone(), format!("{limit} is {value} now")));
            }
        }
    }
    broken
}

/// Returns the section of the guide that lists changes.
fn changes() -> &'static str {
    let (_, after) = GUIDE.split_once("\n## Changes\n").unwrap();
    after.split("\n## ").next().unwrap()
}

/// Returns `true` if an entry of the section names an operation, and the member of a place if it
/// has one.
fn is_named(place: &str, changes: &str) -> bool {
    let operation: String = place.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let member = place.rsplit(' ').find_map(|part| part.strip_prefix('/'));
    let mut entries = changes.split("\n- ");
    entries.any(|entry| {
        let name = operation.strip_prefix("schema ").unwrap_or(&operation);
        entry.contains(&format!("`{name}`"))
            && member
                .filter(|_| place.split(' ').count() > 2)
                .is_none_or(|member| entry.contains(&format!("`{member}`")))
    })
}

#[test]
fn nothing_is_removed_or_narrowed_without_an_entry() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("it/console/openapi/surface.txt");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let before = Surface::read(&before);
    let now = Surface::of(&document().value);
    let mut unnamed = broken(&before, &now);
    unnamed.retain(|(place, _)| !is_named(place, changes()));
    assert!(
        unnamed.is_empty(),
        "name these in the section \"Changes\" of docs/http-api.md: {unnamed:#?}"
    );
    if std::env::var_os("SURFACE_UPDATE").is_some() {
        std::fs::write(&file, now.write()).unwrap();
        return;
    }
    assert!(
        before == now,
        "the surface has additions: run this test with SURFACE_UPDATE=1 and read the difference"
    );
}

#[test]
fn removals_and_narrowings_are_found_and_additions_are_not() {
    let before = "POST /a | named x\n\
        POST /a 200 | present\n\
        POST /a 200 application/json /seen | present\n\
        POST /a 200 application/json /seen | required\n\
        POST /a query /q | present\n\
        POST /a query /q | word \"one\"\n\
        POST /a request application/json /title | limit maxLength 10\n\
        POST /a request application/json /title | present\n\
        POST /a request application/json /title | required\n";
    let broken = |change: &[(&str, &str)]| {
        let after = change
            .iter()
            .fold(before.to_owned(), |text, (from, to)| text.replace(from, to));
        assert_ne!(after, before, "{change:?}");
        broken(&Surface::read(before), &Surface::read(&after)).len()
    };
    for breaking in [
        &[("POST /a 200 | present\n", "")][..],
        &[("POST /a 200 application/json /seen | present\n", "")],
        &[("POST /a 200 application/json /seen | required\n", "")],
        &[("POST /a query /q | present\n", "")],
        &[("\"one\"", "\"two\"")],
        &[("maxLength 10", "maxLength 9")],
        &[(
            "maxLength 10",
            "maxLength 10\nPOST /a request application/json /title | limit pattern \"x\"",
        )],
        &[(
            "POST /a query /q | present",
            "POST /a query /q | present\nPOST /a query /q | required",
        )],
        &[("POST /a request application/json /title | present\n", "")],
        &[(
            "POST /a 200 | present",
            "POST /a 200 | present\nPOST /a request application/json /new | present\nPOST /a request application/json /new | required",
        )],
    ] {
        assert_eq!(broken(breaking), 1, "{breaking:?}");
    }
    for fine in [
        &[("maxLength 10", "maxLength 11")][..],
        &[(
            "POST /a request application/json /title | limit maxLength 10\n",
            "",
        )],
        &[("POST /a request application/json /title | required\n", "")],
        &[("\"one\"", "\"one\"\nPOST /a query /q | word \"two\"")],
        &[(
            "POST /a 200 | present",
            "POST /a 200 | present\nPOST /a 201 | present\nPOST /a 200 application/json /more | present\nPOST /a 200 application/json /more | required",
        )],
        &[(
            "POST /a 200 | present",
            "POST /a 200 | present\nPOST /b | named y\nPOST /b request application/json /x | required\nPOST /b request application/json /x | limit maxLength 3",
        )],
        &[(
            "POST /a 200 | present",
            "POST /a 200 | present\nPOST /a request application/json /new | present\nPOST /a request application/json /new | limit maxLength 3",
        )],
    ] {
        assert_eq!(broken(fine), 0, "{fine:?}");
    }
    let entries = "\n- 2027-01-01: `title` of `POST /a` is shorter.\n- `GET /b` is gone.";
    assert!(is_named("POST /a request application/json /title", entries));
    assert!(!is_named("POST /a 200 application/json /seen", entries));
    assert!(is_named("GET /b", entries) && !is_named("GET /c", entries));
}
