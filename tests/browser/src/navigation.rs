//! History of a tab, and tabs.

use std::io;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::remote::text;

/// A tab of a [`Browser`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab(String);

impl Browser {
    /// Goes back to the page before, and waits until it is loaded.
    ///
    /// # Errors
    /// Fails if the page cannot be loaded.
    pub async fn back(&self) -> io::Result<()> {
        self.remote.post("/back", &json!({})).await.map(|_| ())
    }

    /// Loads the page again. A page that came by a form is asked for again, with its form.
    ///
    /// # Errors
    /// Fails if the page cannot be loaded.
    pub async fn reload(&self) -> io::Result<()> {
        self.remote.post("/refresh", &json!({})).await.map(|_| ())
    }

    /// Returns the tab that is open.
    ///
    /// # Errors
    /// Fails if it was closed.
    pub async fn tab(&self) -> io::Result<Tab> {
        text(&self.remote.get("/window").await?).map(Tab)
    }

    /// Opens an empty tab, switches to it, and returns it. It has the same cookies, and no
    /// emulation.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn open_tab(&self) -> io::Result<Tab> {
        let wanted = json!({"type": "tab"});
        let opened = self.remote.post("/window/new", &wanted).await?;
        let tab = Tab(text(opened.get("handle").unwrap_or(&Value::Null))?);
        self.switch_to(&tab).await?;
        Ok(tab)
    }

    /// Returns all tabs of pages, in no order; also those that a page has opened.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn tabs(&self) -> io::Result<Vec<Tab>> {
        let tabs = self.remote.get("/window/handles").await?;
        let tabs = tabs.as_array().into_iter().flatten();
        tabs.map(|one| text(one).map(Tab)).collect()
    }

    /// Switches to a tab: everything then is about its page.
    ///
    /// # Errors
    /// Fails if it was closed.
    pub async fn switch_to(&self, tab: &Tab) -> io::Result<()> {
        let wanted = json!({"handle": tab.0});
        self.remote.post("/window", &wanted).await.map(|_| ())
    }
}
