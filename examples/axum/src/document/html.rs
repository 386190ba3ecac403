//! The document as a page: operations by group, then schemas. It has no script.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::http::escape::Escaped;

/// The style of the page.
pub(crate) const STYLE: &str = include_str!("page.css");

const REFERENCE: &str = "#/components/schemas/";

/// Escapes a text for HTML, with its line breaks.
fn escaped(text: &str) -> String {
    Escaped(text).to_string().replace('\n', "<br>")
}

/// Returns the text of a member; empty if it has none.
fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn members<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(member)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn items<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(member)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns the whole page.
pub(crate) fn page(document: &Value) -> String {
    let mut page = HtmlWriter::default();
    let title = escaped(text(&document["info"], "title"));
    page.add(&format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body>\
         <header><h1>{title} <small>{}</small></h1><p>{}</p>\
         <p>For programs: <a href=\"openapi.json\">openapi.json</a> (OpenAPI {}).</p></header>",
        escaped(text(&document["info"], "version")),
        escaped(text(&document["info"], "description")),
        escaped(text(document, "openapi")),
    ));
    page.contents(document);
    for tag in items(document, "tags") {
        let name = text(tag, "name");
        page.add(&format!(
            "<section><h2 id=\"tag-{name}\">{}</h2>",
            escaped(text(tag, "description"))
        ));
        for (path, method, operation) in operations(document, name) {
            page.operation(path, method, operation);
        }
        page.add("</section>");
    }
    page.add("<section><h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in members(&document["components"], "schemas") {
        page.schema(name, schema);
    }
    page.add("</section></body></html>\n");
    page.0
}

/// Returns the operations of a group.
fn operations<'a>(
    document: &'a Value,
    tag: &'a str,
) -> impl Iterator<Item = (&'a String, &'a String, &'a Value)> {
    let paths = members(document, "paths");
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    });
    let is_of_tag = move |operation: &Value| {
        let tags = operation.get("tags").and_then(Value::as_array);
        tags.is_some_and(|tags| tags.iter().any(|one| one == tag))
    };
    all.filter(move |(_, _, operation)| is_of_tag(operation))
}

/// The page under construction.
#[derive(Default)]
struct HtmlWriter(String);

impl HtmlWriter {
    fn add(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn contents(&mut self, document: &Value) {
        self.add("<nav><ul>");
        for tag in items(document, "tags") {
            let name = text(tag, "name");
            self.add(&format!("<li><a href=\"#tag-{name}\">{name}</a><ul>"));
            for (path, method, operation) in operations(document, name) {
                self.add(&format!(
                    "<li><a href=\"#{}\"><b>{}</b> <code>{}</code></a></li>",
                    escaped(text(operation, "operationId")),
                    escaped(&method.to_uppercase()),
                    escaped(path),
                ));
            }
            self.add("</ul></li>");
        }
        self.add("<li><a href=\"#schemas\">schemas</a></li></ul></nav>");
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) {
        self.add(&format!(
            "<article id=\"{}\"><h3><b>{}</b> <code>{}</code></h3><p>{}</p>",
            escaped(text(operation, "operationId")),
            escaped(&method.to_uppercase()),
            escaped(path),
            escaped(text(operation, "description")),
        ));
        let parameters: Vec<&Value> = items(operation, "parameters").collect();
        if !parameters.is_empty() {
            self.add("<h4>Parameters</h4><dl>");
            for one in parameters {
                self.add(&format!(
                    "<dt><code>{}</code> <i>{}</i> {}</dt><dd>{}</dd>",
                    escaped(text(one, "name")),
                    escaped(text(one, "in")),
                    kind(&one["schema"]),
                    escaped(text(one, "description")),
                ));
            }
            self.add("</dl>");
        }
        if let Some(body) = operation.get("requestBody") {
            let optional = if body["required"] == true {
                ""
            } else {
                " (optional)"
            };
            self.add(&format!("<h4>Body{optional}</h4>"));
            self.content(body);
        }
        self.add("<h4>Responses</h4><dl>");
        for (status, response) in members(operation, "responses") {
            self.add(&format!(
                "<dt><b>{}</b></dt><dd>{}",
                escaped(status),
                escaped(text(response, "description"))
            ));
            if !status.starts_with(['4', '5']) {
                self.content(response);
            }
            self.add("</dd>");
        }
        self.add("</dl></article>");
    }

    /// Adds the schemas by media type, with their examples.
    fn content(&mut self, of: &Value) {
        for (media, content) in members(of, "content") {
            self.add(&format!(
                "<p><code>{}</code> {}</p>",
                escaped(media),
                kind(&content["schema"])
            ));
            if let Some(example) = content.get("example") {
                let shown = match example.as_str() {
                    Some(text) => text.to_owned(),
                    None => serde_json::to_string_pretty(example).unwrap_or_default(),
                };
                let shown = escaped(&shown).replace("<br>", "\n");
                self.add(&format!(
                    "<details><summary>Example</summary><pre tabindex=\"0\">{shown}</pre></details>"
                ));
            }
        }
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        self.add(&format!(
            "<article id=\"schema-{0}\"><h3>{0}</h3><p>{1}</p>",
            escaped(name),
            escaped(text(schema, "description"))
        ));
        if schema.get("properties").is_none() {
            self.add(&format!("<p>{}</p>", kind(schema)));
        }
        self.members(schema);
        self.add("</article>");
    }

    fn members(&mut self, schema: &Value) {
        let required: Vec<&Value> = items(schema, "required").collect();
        self.add("<dl>");
        for (name, member) in members(schema, "properties") {
            let is_required = required.iter().any(|one| one.as_str() == Some(name));
            let mark = if is_required { "" } else { " <i>optional</i>" };
            self.add(&format!(
                "<dt><code>{}</code>{mark} {}</dt><dd>{}</dd>",
                escaped(name),
                kind(member),
                escaped(text(member, "description"))
            ));
        }
        self.add("</dl>");
    }
}

/// Returns the type of a schema in words, with links to schemas that have names.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|all| all.strip_prefix(REFERENCE))
    {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escaped(name));
    }
    for one_of in ["anyOf", "oneOf"] {
        let kinds: Vec<String> = items(schema, one_of).map(kind).collect();
        if !kinds.is_empty() {
            return kinds.join(" or ");
        }
    }
    let mut words = match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => escaped(name),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            escaped(&names.join(" or "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            "any value".to_owned()
        }
    };
    if let Some(value) = schema
        .get("additionalProperties")
        .filter(|one| one.is_object())
    {
        words += &format!(" with values: {}", kind(value));
    }
    if let Some(schema) = schema.as_object() {
        limits(schema, &mut words);
    }
    words
}

/// Adds the limits of a schema.
fn limits(schema: &Map<String, Value>, words: &mut String) {
    const LIMITS: [(&str, &str); 11] = [
        ("format", "form"),
        ("enum", "one of"),
        ("const", "always"),
        ("default", "default"),
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters at least"),
        ("maxLength", "characters at most"),
        ("maxItems", "items at most"),
        ("maxProperties", "members at most"),
        ("pattern", "pattern"),
    ];
    for (member, name) in LIMITS {
        let shown = match schema.get(member) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(list)) => {
                let list = list
                    .iter()
                    .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
                list.collect::<Vec<_>>().join(", ")
            }
            Some(other) => other.to_string(),
            None => continue,
        };
        // Writing to a string does not fail.
        let _ = write!(words, "; {name} <code>{}</code>", escaped(&shown));
    }
}
