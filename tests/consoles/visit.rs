//! A visit of a page, and what a browser notices by itself meanwhile.

use std::io;
use std::time::Duration;

use incident_test_browser::{Browser, ConsoleMessage, requests_elsewhere};
use reqwest::{Client, header};
use tokio::time::sleep;

use super::seeded::SeededConsole;
use super::table::{Act, PageRow};

/// Time in which messages arrive in the console, such as that of a missing icon.
const SETTLED: Duration = Duration::from_millis(100);

/// A visit of a page.
#[derive(Debug)]
pub(crate) struct PageVisit {
    origin: String,
    address: String,
    is_error: bool,
    /// A sentence if there is no page at the address.
    response: Option<String>,
}

impl PageVisit {
    /// Opens a page of a console.
    pub(crate) async fn open(
        browser: &Browser,
        seeded: &SeededConsole,
        page: &PageRow,
    ) -> io::Result<Self> {
        let address = format!("{}{}", seeded.origin, page.path(&seeded.values));
        let is_error = page.is_error(seeded.state);
        let response = response(&address, is_error).await?;
        // What came of the page before is none of this one.
        browser.open("about:blank").await?;
        browser.console_messages().await?;
        browser.requests().await?;
        browser.open(&address).await?;
        for act in page.acts {
            perform(browser, seeded, *act).await?;
        }
        Ok(Self {
            origin: seeded.origin.clone(),
            address: match page.acts {
                [] => address,
                _ => browser.address().await?,
            },
            is_error,
            response,
        })
    }

    /// Returns a sentence for each fault since the page was opened: no page at the address, a message
    /// in the console, a request to another host.
    pub(crate) async fn findings(self, browser: &Browser) -> io::Result<Vec<String>> {
        sleep(SETTLED).await;
        let mut findings: Vec<String> = self.response.into_iter().collect();
        let is_expected = |one: &&ConsoleMessage| {
            // The browser notes the status of the page itself.
            self.is_error && one.source == "network" && one.text.starts_with(&self.address)
        };
        let messages = browser.console_messages().await?;
        let unexpected = messages.iter().filter(|one| !is_expected(one));
        findings.extend(unexpected.map(|one| format!("in the console: {one}")));
        let requests = browser.requests().await?;
        findings.extend(requests_elsewhere(&requests, &self.origin));
        Ok(findings)
    }
}

/// Does something on the page that is open.
async fn perform(browser: &Browser, seeded: &SeededConsole, act: Act) -> io::Result<()> {
    match act {
        Act::Fill(selector, text) => {
            let field = browser.find(selector).await?;
            field.clear().await?;
            field.type_in(text).await
        }
        Act::Click(selector) => browser.click(selector).await,
        Act::ClickIfThere(selector) => match browser.find_all(selector).await?.first() {
            Some(found) => found.click().await,
            None => Ok(()),
        },
        Act::Await(selector) => browser.find(selector).await.map(drop),
        Act::ChangeElsewhere => seeded.change_title().await,
    }
}

/// Returns a sentence if there is no page at the address.
async fn response(address: &str, is_error: bool) -> io::Result<Option<String>> {
    let http = Client::builder()
        .no_proxy()
        .build()
        .map_err(io::Error::other)?;
    let request = http.get(address).header(header::ACCEPT, "text/html");
    let response = request.send().await.map_err(io::Error::other)?;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("nothing");
    let is_page = kind.starts_with("text/html") && (status.is_success() || is_error);
    Ok((!is_page).then(|| format!("expected a page, and got {kind} with status {status}")))
}
