//! An element of a page.

use std::io;

use serde_json::{Value, json};

use crate::remote::{Remote, text};

/// Member that identifies an element (W3C `WebDriver`, 12.2).
pub(crate) const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Reads an option by its visible text, and gives its place, or -1.
const OPTION: &str = "const [select, name] = arguments; \
    return [...select.options].findIndex((one) => one.text.trim() === name);";

/// An element of the page that a [`Browser`](crate::Browser) shows.
#[derive(Debug)]
pub struct Element<'b> {
    remote: &'b Remote,
    path: String,
    id: String,
}

impl<'b> Element<'b> {
    pub(crate) fn new(remote: &'b Remote, id: &str) -> Self {
        let (path, id) = (format!("/element/{id}"), id.to_owned());
        Self { remote, path, id }
    }

    /// Returns the element as an argument of a script.
    #[must_use]
    pub fn argument(&self) -> Value {
        json!({ELEMENT: self.id})
    }

    /// Returns the text that a person sees.
    ///
    /// # Errors
    /// Fails if the element is gone.
    pub async fn text(&self) -> io::Result<String> {
        text(&self.remote.get(&format!("{}/text", self.path)).await?)
    }

    /// Returns the name that assistive technology reads (accessible name).
    ///
    /// # Errors
    /// Fails if the element is gone.
    pub async fn label(&self) -> io::Result<String> {
        text(
            &self
                .remote
                .get(&format!("{}/computedlabel", self.path))
                .await?,
        )
    }

    /// Returns an attribute as the document has it, or nothing if it has none. An attribute without
    /// a value is `"true"`.
    ///
    /// # Errors
    /// Fails if the element is gone.
    pub async fn attribute(&self, name: &str) -> io::Result<Option<String>> {
        let path = format!("{}/attribute/{name}", self.path);
        let value = self.remote.get(&path).await?;
        if value.is_null() {
            Ok(None)
        } else {
            text(&value).map(Some)
        }
    }

    /// Returns a property as it is now, such as `value` or `checked`; `null` if there is none.
    ///
    /// # Errors
    /// Fails if the element is gone.
    pub async fn property(&self, name: &str) -> io::Result<Value> {
        self.remote
            .get(&format!("{}/property/{name}", self.path))
            .await
    }

    /// Types a text.
    ///
    /// # Errors
    /// Fails if the element is gone or takes no text.
    pub async fn type_in(&self, text: &str) -> io::Result<()> {
        self.act("value", &json!({"text": text})).await
    }

    /// Empties a field.
    ///
    /// # Errors
    /// Fails if the element is gone or takes no text.
    pub async fn clear(&self) -> io::Result<()> {
        self.act("clear", &json!({})).await
    }

    /// Clicks, and waits for the page that a link or a button leads to.
    ///
    /// # Errors
    /// Fails if the element is gone or covered.
    pub async fn click(&self) -> io::Result<()> {
        self.act("click", &json!({})).await
    }

    /// Selects the option of a `select` that has this visible text.
    ///
    /// # Errors
    /// Fails if the element is gone, is no `select`, or has no such option.
    pub async fn select(&self, option: &str) -> io::Result<()> {
        let call = json!({"script": OPTION, "args": [self.argument(), option]});
        let place = self.remote.post("/execute/sync", &call).await?;
        let place = place
            .as_u64()
            .ok_or_else(|| io::Error::other(format!("no option with the text {option:?}")))?;
        let path = format!("{}/elements", self.path);
        let wanted = json!({"using": "css selector", "value": "option"});
        let options = self.remote.post(&path, &wanted).await?;
        let found = usize::try_from(place).map_err(io::Error::other)?;
        let found = options.get(found).and_then(|one| one.get(ELEMENT));
        let id = text(found.unwrap_or(&Value::Null))?;
        Self::new(self.remote, &id).click().await
    }

    async fn act(&self, action: &str, body: &Value) -> io::Result<()> {
        let path = format!("{}/{action}", self.path);
        self.remote.post(&path, body).await.map(|_| ())
    }
}
