//! The document as it is served: as JSON, and as a page for people.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::assemble::around_server;
use super::html::{STYLE, page};

/// The document, written once.
#[derive(Debug)]
pub(crate) struct Document {
    /// The JSON before and after the address of the server.
    json: (String, String),
    page: String,
    /// The value of `Content-Security-Policy` for the page: its own style, and nothing else.
    policy: String,
}

impl Document {
    /// Writes a document.
    pub(crate) fn new(document: &Value) -> Self {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self {
            json: around_server(document),
            page: page(document),
            policy,
        }
    }

    /// Returns the JSON for routes that are mounted under a prefix.
    pub(crate) fn json(&self, prefix: &str) -> String {
        let (before, after) = &self.json;
        let address = if prefix.is_empty() { "/" } else { prefix };
        format!("{before}{}{after}", Value::from(address))
    }

    /// Returns the page, whose links are relative to its own address.
    pub(crate) fn page(&self) -> &str {
        &self.page
    }

    /// Returns the content security policy of the page.
    pub(crate) fn policy(&self) -> &str {
        &self.policy
    }
}

/// Returns the `ETag` of a body.
pub(crate) fn tag(body: &str) -> String {
    let digest = Sha256::digest(body);
    let digits = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("\"{}\"", digits.collect::<String>())
}
