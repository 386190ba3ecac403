//! A browser that takes the pictures, and looks at what else it notices.

use std::io;
use std::time::Duration;

use incident_test_browser::{Browser, ConsoleMessage, MediaPreferences, requests_elsewhere};
use reqwest::header;

use crate::pages::Picture;
use crate::seeded::SeededConsole;

/// Time in which messages arrive in the console, such as that of a missing icon.
const SETTLED: Duration = Duration::from_millis(100);

/// A browser before a seeded console.
pub(crate) struct Camera<'s> {
    browser: Browser,
    http: reqwest::Client,
    seeded: &'s SeededConsole,
}

impl<'s> Camera<'s> {
    pub(crate) async fn start(seeded: &'s SeededConsole) -> io::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            browser: Browser::start(1_280, 800).await?,
            http: http.map_err(io::Error::other)?,
            seeded,
        })
    }

    /// Takes a picture, and returns it with its findings.
    pub(crate) async fn take(&self, picture: &Picture) -> io::Result<(Vec<u8>, Vec<String>)> {
        let path = picture.path(&self.seeded.values);
        let address = format!("{}{path}", self.seeded.origin);
        let mut findings: Vec<String> = self
            .response(picture, &address)
            .await?
            .into_iter()
            .collect();
        let (width, height) = picture.size;
        self.browser.set_viewport(width, height).await?;
        let media = MediaPreferences {
            dark: picture.dark,
            ..MediaPreferences::default()
        };
        self.browser.set_media(media).await?;
        // What came of the page before is none of this one.
        self.browser.open("about:blank").await?;
        self.browser.console_messages().await?;
        self.browser.requests().await?;
        self.browser.open(&address).await?;
        let image = self.browser.picture().await?;
        tokio::time::sleep(SETTLED).await;
        findings.extend(self.browser.sideways_scroll().await?);
        let messages = self.browser.console_messages().await?;
        let is_expected = |one: &&ConsoleMessage| {
            // The browser notes the status of the page itself.
            picture.is_error() && one.source == "network" && one.text.starts_with(&address)
        };
        let unexpected = messages.iter().filter(|one| !is_expected(one));
        findings.extend(unexpected.map(|one| format!("in the console: {one}")));
        let requests = self.browser.requests().await?;
        findings.extend(requests_elsewhere(&requests, &self.seeded.origin));
        Ok((image, findings))
    }

    /// Returns a sentence if there is no page at the address.
    async fn response(&self, picture: &Picture, address: &str) -> io::Result<Option<String>> {
        let request = self.http.get(address).header(header::ACCEPT, "text/html");
        let response = request.send().await.map_err(io::Error::other)?;
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("nothing");
        let is_page = kind.starts_with("text/html") && (status.is_success() || picture.is_error());
        Ok((!is_page).then(|| format!("expected a page, and got {kind} with status {status}")))
    }

    pub(crate) async fn stop(self) -> io::Result<()> {
        self.browser.stop().await
    }
}
