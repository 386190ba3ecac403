//! Elements of a page, found by a selector or by their name.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::element::{ELEMENT, Element};
use crate::remote::text;

/// Maximum time for an element to appear.
const APPEARS: Duration = Duration::from_secs(10);
/// Time between two looks for an element.
const LOOK: Duration = Duration::from_millis(20);
/// Maximum number of tries to click an element that is replaced meanwhile.
const CLICKS: u32 = 5;
/// Error of the driver for an element that was replaced (W3C `WebDriver`, 6.6).
const REPLACED: &str = "stale element reference";

impl Browser {
    /// Finds the first element of a CSS selector, and waits up to 10 s for it to appear.
    ///
    /// # Errors
    /// Fails if there is none by then.
    pub async fn find(&self, selector: &str) -> io::Result<Element<'_>> {
        self.first("css selector", selector).await
    }

    /// Clicks the first element of a CSS selector. One that a live page replaces between the look and the
    /// click is looked for again.
    ///
    /// # Errors
    /// Fails if there is none within 10 s, or it cannot be clicked.
    pub async fn click(&self, selector: &str) -> io::Result<()> {
        for _ in 1..CLICKS {
            match self.find(selector).await?.click().await {
                Err(error) if error.to_string().contains(REPLACED) => {}
                done => return done,
            }
        }
        self.find(selector).await?.click().await
    }

    /// Finds all elements of a CSS selector, in the order of the document. Returns an empty list at
    /// once if there are none.
    ///
    /// # Errors
    /// Fails if the selector is invalid.
    pub async fn find_all(&self, selector: &str) -> io::Result<Vec<Element<'_>>> {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.remote.post("/elements", &wanted).await?;
        let found = found.as_array().into_iter().flatten();
        found.map(|one| self.element(one)).collect()
    }

    /// Finds the first link with this text or `aria-label`, and waits up to 10 s for it to appear.
    ///
    /// # Errors
    /// Fails if there is none by then.
    pub async fn find_link(&self, name: &str) -> io::Result<Element<'_>> {
        let name = literal(name);
        let path = format!("//a[@href][normalize-space()={name} or @aria-label={name}]");
        self.first("xpath", &path).await
    }

    /// Finds the first button with this text or `aria-label`, and waits up to 10 s for it to appear.
    ///
    /// # Errors
    /// Fails if there is none by then.
    pub async fn find_button(&self, name: &str) -> io::Result<Element<'_>> {
        let name = literal(name);
        let path = format!(
            "//button[normalize-space()={name} or @aria-label={name}] | //input[@type='submit'][@value={name}]"
        );
        self.first("xpath", &path).await
    }

    async fn first(&self, strategy: &str, value: &str) -> io::Result<Element<'_>> {
        let wanted = json!({"using": strategy, "value": value});
        let started = Instant::now();
        loop {
            match self.remote.post("/element", &wanted).await {
                Ok(found) => return self.element(&found),
                Err(error) if started.elapsed() > APPEARS => return Err(error),
                Err(_) => sleep(LOOK).await,
            }
        }
    }

    fn element(&self, found: &Value) -> io::Result<Element<'_>> {
        let id = text(found.get(ELEMENT).unwrap_or(&Value::Null))?;
        Ok(Element::new(&self.remote, &id))
    }
}

/// Returns a text as a literal of `XPath` 1.0, which has no escapes.
fn literal(text: &str) -> String {
    if !text.contains('"') {
        return format!("\"{text}\"");
    }
    let parts = text.split('"').map(|part| format!("\"{part}\""));
    format!("concat({})", parts.collect::<Vec<_>>().join(",'\"',"))
}
