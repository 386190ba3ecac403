//! The fields of a form as they were sent.

use std::sync::{Arc, OnceLock};

use crate::http::problem::Problem;

/// Field with the idempotency key of a form.
pub(crate) const KEY: &str = "key";
/// Field with the version of the incident that a form was made for.
pub(crate) const VERSION: &str = "version";

/// Maximum number of fields.
const MAX_FIELDS: usize = 300;

/// The fields of a form as they were sent, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// Parses a form (WHATWG URL, 5.1). Lines end in `\n`: browsers send `\r\n`.
    ///
    /// # Errors
    /// Returns 400 if it has too many fields.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            if fields.len() == MAX_FIELDS {
                return Err(Problem::unreadable("the form has too many fields"));
            }
            fields.push((name.into_owned(), value.replace("\r\n", "\n")));
        }
        Ok(Self(fields))
    }

    /// Returns the value of a field; empty if it was not sent.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Returns all values of a field.
    pub(crate) fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns `true` if the field was sent.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Sets the value of a field that the page fills in.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Returns the fields that a person wrote, without those of the page itself.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        let hidden = [KEY, VERSION, "seen", "marks", "step"];
        let fields = self.iter();
        fields.filter(move |(name, value)| !hidden.contains(name) && !value.trim().is_empty())
    }

    /// Returns all fields.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The fields of the form of a request, once they are read: for the page that the layer shows if the
/// form could not be run.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentFields(Arc<OnceLock<FormFields>>);

impl SentFields {
    /// Notes the fields.
    pub(super) fn note(&self, fields: &FormFields) {
        self.0.get_or_init(|| fields.clone());
    }

    /// Returns the fields; none if no form was read.
    pub(crate) fn get(&self) -> Option<&FormFields> {
        self.0.get()
    }
}

/// Creates an idempotency key for a form: sent twice, it acts once.
#[must_use]
pub(crate) fn new_key() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Returns the key for a form that is shown again: that of the last try, so that it acts once,
/// unless that key was used for another request.
#[must_use]
pub(crate) fn form_key(sent: &FormFields, problem: Option<&Problem>) -> String {
    match sent.get(KEY) {
        key if !key.is_empty() && !problem.is_some_and(is_reused) => key.to_owned(),
        _ => new_key(),
    }
}

/// Returns `true` if the key of a form was used for another request.
pub(super) fn is_reused(problem: &Problem) -> bool {
    problem.code() == "idempotency_key_reused"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_send_them() {
        let fields =
            FormFields::parse(b"title=API+down%21&tenant=a&tenant=b&text=1%0D%0A2&x&%zz=%")
                .unwrap();
        assert_eq!(fields.get("title"), "API down!");
        assert_eq!(fields.all("tenant").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(fields.get("text"), "1\n2");
        assert!(fields.has("x") && !fields.has("y"));
        assert_eq!(fields.get("%zz"), "%");
        assert!(FormFields::parse("a=1&".repeat(MAX_FIELDS + 1).as_bytes()).is_err());
    }
}
