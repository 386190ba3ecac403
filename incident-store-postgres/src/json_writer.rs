//! A JSON writer for single members: a commit may have megabytes, which a tree of values would
//! hold twice.

use std::io;

use serde::Serialize;

/// A writer of one JSON object.
///
/// A value that serde cannot write ends it with an error; no value of core is such. As
/// [`io::Write`] it takes the bytes of JSON that is nested in a string.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    text: Vec<u8>,
}

impl JsonWriter {
    /// Returns the text.
    pub(crate) fn into_string(self) -> serde_json::Result<String> {
        String::from_utf8(self.text).map_err(serde::ser::Error::custom)
    }

    /// Writes an object with the members that `write` writes.
    pub(crate) fn object(
        &mut self,
        write: impl FnOnce(&mut Self) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.separate();
        self.text.push(b'{');
        write(self)?;
        self.text.push(b'}');
        Ok(())
    }

    /// Writes a member.
    pub(crate) fn member(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> serde_json::Result<()> {
        self.name(name);
        serde_json::to_writer(&mut self.text, value)
    }

    /// Writes a member whose value is JSON in a string.
    pub(crate) fn text_member(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> serde_json::Result<()> {
        self.name(name);
        self.text.push(b'"');
        serde_json::to_writer(&mut *self, value)?;
        self.text.push(b'"');
        Ok(())
    }

    /// Writes a member that is an object.
    pub(crate) fn object_member(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut Self) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.name(name);
        self.object(write)
    }

    /// Writes a member that is a list of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.list(name, items, |json, item| {
            json.object(|json| write(json, item))
        })
    }

    /// Writes a member that is a list of lists, whose values `write` writes.
    pub(crate) fn lists<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.list(name, items, |json, item| {
            json.separate();
            json.text.push(b'[');
            write(json, item)?;
            json.text.push(b']');
            Ok(())
        })
    }

    /// Writes a value of a list.
    pub(crate) fn value(&mut self, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
        self.separate();
        serde_json::to_writer(&mut self.text, value)
    }

    /// Writes a member that is a list of values.
    pub(crate) fn values<T: Serialize>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
    ) -> serde_json::Result<()> {
        self.list(name, items, |json, item| json.value(&item))
    }

    /// Writes a member that is a list; `write` writes each item.
    fn list<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.name(name);
        self.text.push(b'[');
        for item in items {
            write(self, item)?;
        }
        self.text.push(b']');
        Ok(())
    }

    /// Writes a member's name, a constant of this crate that needs no escapes.
    fn name(&mut self, name: &'static str) {
        self.separate();
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
    }

    /// Writes a comma after a value.
    fn separate(&mut self) {
        if !matches!(self.text.last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(b',');
        }
    }
}

impl io::Write for JsonWriter {
    /// Writes JSON into a string. Control characters are escaped in JSON already, so only
    /// quotes and backslashes are escaped here.
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        for byte in json {
            if matches!(byte, b'"' | b'\\') {
                self.text.push(b'\\');
            }
            self.text.push(*byte);
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_objects_and_lists_are_separated() {
        let mut json = JsonWriter::default();
        json.object(|json| {
            json.member("text", "a \"quoted\" {[,:")?;
            json.object_member("empty", |_| Ok(()))?;
            json.object_member("object", |json| {
                json.member("one", &1)?;
                json.text_member("two", &[1, 2])
            })?;
            json.values("values", [Some(1), None])?;
            json.values("none", [0; 0])?;
            json.lists("lists", [(1, "a"), (2, "b")], |json, (n, text)| {
                json.value(&n)?;
                json.value(text)
            })?;
            json.objects("objects", [1, 2], |json, n| json.member("n", &n))
        })
        .unwrap();
        let text = json.into_string().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "text": "a \"quoted\" {[,:",
                "empty": {},
                "object": {"one": 1, "two": "[1,2]"},
                "values": [1, null],
                "none": [],
                "lists": [[1, "a"], [2, "b"]],
                "objects": [{"n": 1}, {"n": 2}],
            })
        );
    }

    /// JSON in a string equals the string that serde writes for the same text.
    #[test]
    fn a_text_member_is_escaped_as_serde_does_it() {
        for value in [
            json!("plain"),
            json!("\"quoted\" \\ / \u{8}\t\n\u{1f}\u{7f} é 試 \u{2028}"),
            json!({"a": [1, null, {"b\"": "\\"}], "": 0.5}),
        ] {
            let mut json = JsonWriter::default();
            json.object(|json| json.text_member("text", &value))
                .unwrap();
            let text = serde_json::to_string(&value).unwrap();
            let expected = serde_json::to_string(&json!({ "text": text })).unwrap();
            assert_eq!(json.into_string().unwrap(), expected);
        }
    }
}
