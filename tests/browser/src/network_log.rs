//! Requests of pages.

use std::io;

use serde_json::Value;

use crate::browser::Browser;

/// Events of the browser's protocol that name the address of a request.
const REQUESTS: [(&str, &str); 2] = [
    ("Network.requestWillBeSent", "/params/request/url"),
    ("Network.webSocketCreated", "/params/url"),
];

/// Beginnings of addresses that lead to no host.
const LOCAL: [&str; 4] = ["data:", "blob:", "about:", "chrome:"];

impl Browser {
    /// Returns the addresses that pages have requested since the last call, of all tabs, the oldest
    /// first; also those that the page's policy stopped, and each one that a redirect led to.
    /// Addresses that lead to no host, such as `data:`, are left out.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn requests(&self) -> io::Result<Vec<String>> {
        let entries = self.log("performance").await?;
        let addresses = entries.iter().filter_map(address);
        Ok(addresses
            .filter(|one| !LOCAL.iter().any(|start| one.starts_with(start)))
            .collect())
    }
}

fn address(entry: &Value) -> Option<String> {
    let event: Value = serde_json::from_str(entry.get("message")?.as_str()?).ok()?;
    let event = event.get("message")?;
    let method = event.get("method")?.as_str()?;
    let (_, place) = REQUESTS.iter().find(|(name, _)| *name == method)?;
    event.pointer(place)?.as_str().map(str::to_owned)
}

/// Returns a sentence for each request that leads to another origin than this, such as
/// `http://127.0.0.1:8080`.
#[must_use]
pub fn requests_elsewhere(requests: &[String], origin: &str) -> Vec<String> {
    let is_here = |address: &&String| {
        let rest = address.strip_prefix(origin.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    };
    let others = requests.iter().filter(|one| !is_here(one));
    others
        .map(|one| format!("the page requests {one}, which is not at {origin}"))
        .collect()
}
