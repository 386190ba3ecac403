//! Cookies of the page.

use std::io;

use serde_json::{Value, json};

use crate::browser::Browser;

impl Browser {
    /// Returns names and values of the cookies that are sent to the page, those that scripts cannot
    /// read included.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn cookies(&self) -> io::Result<Vec<(String, String)>> {
        let found = self.remote.get("/cookie").await?;
        let member = |one: &Value, name| {
            let text = one.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let found = found.as_array().into_iter().flatten();
        Ok(found
            .map(|one| (member(one, "name"), member(one, "value")))
            .collect())
    }

    /// Sets a cookie for all paths of the page's host, which scripts cannot read. The page has to be
    /// open.
    ///
    /// # Errors
    /// Fails if the page can have no cookies.
    pub async fn set_cookie(&self, name: &str, value: &str) -> io::Result<()> {
        let cookie = json!({"cookie": {
            "name": name, "value": value, "path": "/", "httpOnly": true, "sameSite": "Lax",
        }});
        self.remote.post("/cookie", &cookie).await.map(|_| ())
    }

    /// Deletes all cookies that are sent to the page.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn clear_cookies(&self) -> io::Result<()> {
        self.remote.delete("/cookie").await
    }
}
