//! The OpenAPI document, against which the harness holds every response of every test.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::harness::Answer;

const PROBLEM: &str = "application/problem+json";

/// The document of the routes, read once.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document {
    value: serde_json::from_str(&incident_axum::openapi("")).unwrap(),
    validators: Mutex::default(),
});

pub(crate) struct Document {
    pub(crate) value: Value,
    /// Validators of schemas, by their text.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// Returns the document of the routes.
pub(crate) fn document() -> &'static Document {
    &DOCUMENT
}

/// Returns `true` if a path is one of a template, such as `/sys/incidents/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(part, given)| part == given || (part.starts_with('{') && !given.is_empty()))
}

impl Document {
    /// Returns the path of the document that a request goes to: one without parameters first.
    fn path_of(&self, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap();
        let paths = self.value["paths"].as_object().unwrap();
        paths.get(path).or_else(|| {
            let mut templates = paths.iter();
            templates
                .find(|(template, _)| fits(template, path))
                .map(|(_, item)| item)
        })
    }

    /// Asserts that a value fits a schema of the document.
    pub(crate) fn must_fit(&self, schema: &Value, value: &Value, place: &str) {
        let key = schema.to_string();
        let known = self.validators.lock().unwrap().get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let root = json!({ "allOf": [schema], "components": self.value["components"] });
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            let validator = Arc::new(options.build(&root).unwrap());
            let mut validators = self.validators.lock().unwrap();
            validators.insert(key, Arc::clone(&validator));
            validator
        });
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{place}: {errors:#?} in {value}");
    }

    /// Asserts that a response is one that the document describes.
    pub(crate) fn must_describe(&self, method: &str, path: &str, answer: &Answer) {
        let place = format!("{method} {path}: {}", answer.status);
        let asked = if method == "HEAD" { "GET" } else { method };
        let operation = self
            .path_of(path)
            .and_then(|item| item.get(asked.to_ascii_lowercase()));
        let media = answer.header("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap();
        let Some(operation) = operation else {
            // Of another path, or another method of a path that there is.
            if answer.status >= 400 && method != "HEAD" {
                assert_eq!(media, PROBLEM, "{place}");
                let schema = json!({ "$ref": "#/components/schemas/Problem" });
                self.must_fit(&schema, &answer.json(), &place);
            }
            return;
        };
        let response = operation["responses"].get(answer.status.to_string());
        let response = response.unwrap_or_else(|| panic!("{place} is no documented status"));
        let Some(content) = response.get("content") else {
            assert!(answer.text.is_empty(), "{place} has a body");
            return;
        };
        let content = content.get(media);
        let content = content.unwrap_or_else(|| panic!("{place}: {media:?} is not documented"));
        if method != "HEAD" && media.ends_with("json") {
            self.must_fit(&content["schema"], &answer.json(), &place);
        }
    }
}
