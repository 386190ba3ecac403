//! A browser with a page.

use std::io;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::driver::Driver;
use crate::element::{ELEMENT, Element};
use crate::remote::{Remote, text};

/// Maximum time for an element to appear.
const APPEARS: Duration = Duration::from_secs(10);
/// Time between two looks for an element.
const LOOK: Duration = Duration::from_millis(20);

/// Options of the browser: without windows, sandbox (tests may run as root) and connections of its
/// own to the network. It ends with the pipe to its driver.
const OPTIONS: [&str; 10] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A headless browser of its own, with an empty profile. Dropping it ends its processes.
#[derive(Debug)]
pub struct Browser {
    remote: Remote,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with a window of `width` by `height` pixels.
    ///
    /// # Errors
    /// Fails if there is no driver or no browser, or if they do not start in time.
    pub async fn start(width: u32, height: u32) -> io::Result<Self> {
        let (driver, profile) = (Driver::start().await?, tempfile::tempdir()?);
        let mut options: Vec<String> = OPTIONS.map(str::to_owned).to_vec();
        options.push(format!("--user-data-dir={}", profile.path().display()));
        options.push(format!("--window-size={width},{height}"));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": options},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let started = driver.call(Method::POST, "/session", &wanted).await?;
        let id = started.get("sessionId").and_then(Value::as_str);
        let id = id.ok_or_else(|| io::Error::other("the driver named no session"))?;
        Ok(Self {
            remote: Remote::new(driver, id),
            _profile: profile,
        })
    }

    /// Opens an address, and waits until the page is loaded.
    ///
    /// # Errors
    /// Fails if the page cannot be loaded.
    pub async fn open(&self, address: &str) -> io::Result<()> {
        self.remote
            .post("/url", &json!({"url": address}))
            .await
            .map(|_| ())
    }

    /// Returns the address of the page.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn address(&self) -> io::Result<String> {
        text(&self.remote.get("/url").await?)
    }

    /// Finds the first element of a CSS selector, and waits up to 10 s for it to appear.
    ///
    /// # Errors
    /// Fails if there is none by then.
    pub async fn find(&self, selector: &str) -> io::Result<Element<'_>> {
        let wanted = json!({"using": "css selector", "value": selector});
        let started = Instant::now();
        loop {
            match self.remote.post("/element", &wanted).await {
                Ok(found) => {
                    let id = text(found.get(ELEMENT).unwrap_or(&Value::Null))?;
                    return Ok(Element::new(&self.remote, &id));
                }
                Err(error) if started.elapsed() > APPEARS => return Err(error),
                Err(_) => sleep(LOOK).await,
            }
        }
    }

    /// Runs the body of a function, whose last argument is to be called with its result. The time
    /// limit is the driver's, 30 s.
    ///
    /// # Errors
    /// Fails if the script throws or gives no result in time.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> io::Result<Value> {
        let call = json!({"script": script, "args": arguments});
        self.remote.post("/execute/async", &call).await
    }

    /// Ends the browser and its driver.
    ///
    /// # Errors
    /// Fails if they have ended before.
    pub async fn stop(self) -> io::Result<()> {
        self.remote.stop().await
    }
}
