//! An element of a page.

use std::io;

use serde_json::json;

use crate::remote::{Remote, text};

/// Member that identifies an element (W3C `WebDriver`, 12.2).
pub(crate) const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// An element of the page that a [`Browser`](crate::Browser) shows.
#[derive(Debug)]
pub struct Element<'b> {
    remote: &'b Remote,
    path: String,
}

impl<'b> Element<'b> {
    pub(crate) fn new(remote: &'b Remote, id: &str) -> Self {
        let path = format!("/element/{id}");
        Self { remote, path }
    }

    /// Returns the text that a person sees.
    ///
    /// # Errors
    /// Fails if the element is gone.
    pub async fn text(&self) -> io::Result<String> {
        text(&self.remote.get(&format!("{}/text", self.path)).await?)
    }

    /// Types a text.
    ///
    /// # Errors
    /// Fails if the element is gone or takes no text.
    pub async fn type_in(&self, text: &str) -> io::Result<()> {
        let path = format!("{}/value", self.path);
        self.remote
            .post(&path, &json!({"text": text}))
            .await
            .map(|_| ())
    }

    /// Clicks, and waits for the page that a link or a button leads to.
    ///
    /// # Errors
    /// Fails if the element is gone or covered.
    pub async fn click(&self) -> io::Result<()> {
        let path = format!("{}/click", self.path);
        self.remote.post(&path, &json!({})).await.map(|_| ())
    }
}
