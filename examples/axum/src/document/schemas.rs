//! The schemas of bodies and parameters, by name.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

/// The place of schemas in the document.
const PLACE: &str = "#/components/schemas/";
/// The place of schemas of requests until the document is assembled.
const REQUESTS: &str = "#/components/requests/";
/// The end of the name of a schema that differs from that of the same type in responses.
const REQUEST: &str = "Input";

/// The schemas that were used so far: what requests may contain, and what responses do.
#[derive(Debug)]
pub(crate) struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Schemas {
    /// Creates an empty set.
    pub(crate) fn new() -> Self {
        let settings = |place: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = place.into())
        };
        Self {
            requests: settings(REQUESTS).for_deserialize().into_generator(),
            responses: settings(PLACE).for_serialize().into_generator(),
        }
    }

    /// Returns the schema of a type in requests.
    pub(crate) fn request<T: ?Sized + JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().into()
    }

    /// Returns the schema of a type in responses.
    pub(crate) fn response<T: ?Sized + JsonSchema>(&mut self) -> Value {
        self.responses.subschema_for::<T>().into()
    }

    /// Returns the schemas by name, and changes the references of the rest of the document to
    /// them.
    ///
    /// A type whose schemas in requests and in responses are the same has one; otherwise that of
    /// requests has a name of its own.
    pub(crate) fn finish(mut self, rest: &mut Value) -> Map<String, Value> {
        let requests = cleaned(self.requests.take_definitions(true));
        let mut schemas = cleaned(self.responses.take_definitions(true));
        let names = names_of_requests(&requests, &schemas);
        for (name, mut schema) in requests {
            rename(&mut schema, &names);
            let name = names.get(&name).cloned().unwrap_or(name);
            schemas.insert(name, schema);
        }
        rename(rest, &names);
        clean(rest);
        schemas
    }
}

/// Returns the names of the schemas of requests that differ from those of responses.
fn names_of_requests(
    requests: &Map<String, Value>,
    responses: &Map<String, Value>,
) -> BTreeMap<String, String> {
    let mut differ = BTreeSet::new();
    // One that refers to a schema that differs, differs itself.
    loop {
        let found: Vec<&String> = requests
            .iter()
            .filter(|(name, _)| !differ.contains(*name))
            .filter(|(name, schema)| {
                let Some(other) = responses.get(*name) else {
                    return false;
                };
                let mut same = (*schema).clone();
                rename(&mut same, &BTreeMap::new());
                same != *other || refers_to(schema, &differ)
            })
            .map(|(name, _)| name)
            .collect();
        if found.is_empty() {
            break;
        }
        differ.extend(found.into_iter().cloned());
    }
    let named = |name: String| (name.clone(), format!("{name}{REQUEST}"));
    differ.into_iter().map(named).collect()
}

fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::String(text) => text
            .strip_prefix(REQUESTS)
            .is_some_and(|name| names.contains(name)),
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        Value::Object(members) => members.values().any(|value| refers_to(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Changes references to schemas of requests into those of the document.
fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(REQUESTS) {
                let name = names.get(name).map_or(name, String::as_str);
                *text = format!("{PLACE}{name}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(members) => members.values_mut().for_each(|item| rename(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cleaned(mut schemas: Map<String, Value>) -> Map<String, Value> {
    schemas.values_mut().for_each(clean);
    schemas
}

/// Rewrites what is made for readers of Rust: links in descriptions, and enumerations of words as
/// one schema per word.
fn clean(schema: &mut Value) {
    if let Value::Array(items) = schema {
        items.iter_mut().for_each(clean);
    }
    let Value::Object(members) = schema else {
        return;
    };
    if let Some(Value::String(text)) = members.get_mut("description") {
        *text = joined(&without_links(text));
    }
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        // Generators of clients know no schemas that are booleans.
        let any = properties.values_mut().filter(|one| **one == true);
        any.for_each(|one| *one = json!({}));
    }
    members.values_mut().for_each(clean);
    if let Some((words, meanings)) = members.get("oneOf").and_then(words) {
        members.remove("oneOf");
        let of_all = members.get("description").and_then(Value::as_str);
        let description = format!("{}{meanings}", of_all.unwrap_or_default());
        members.insert("description".to_owned(), description.into());
        members.insert("type".to_owned(), "string".into());
        members.insert("enum".to_owned(), words);
    }
}

/// Returns the words of alternatives that are all constant words, and a line on each that has a
/// description.
fn words(alternatives: &Value) -> Option<(Value, String)> {
    let (mut found, mut meanings) = (Vec::new(), String::new());
    for one in alternatives.as_array()? {
        let word = one.get("const")?.as_str()?;
        if let Some(Value::String(meaning)) = one.get("description") {
            let meaning = joined(&without_links(meaning));
            meanings += &format!("\n- `{word}`: {meaning}");
        }
        found.push(word);
    }
    Some((json!(found), meanings))
}

/// Joins the lines of each paragraph.
fn joined(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|one| one.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Replaces the links of rustdoc by their text.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else {
            break;
        };
        plain.push_str(before);
        plain.push_str(name.rsplit("::").next().unwrap_or(name));
        rest = match after
            .strip_prefix('(')
            .and_then(|link| link.split_once(')'))
        {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}
