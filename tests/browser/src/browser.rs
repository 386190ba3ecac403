//! A browser with a page.

use std::io;
use std::sync::atomic::AtomicBool;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::Driver;
use crate::options::BrowserOptions;
use crate::remote::{Remote, text};

/// Maximum time of a script, in milliseconds; below that of a call to the driver.
const SCRIPT_MS: u32 = 50_000;

/// Functions about elements that scripts share.
const ELEMENTS: &str = include_str!("scripts/elements.js");

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
    pub(crate) remote: Remote,
    /// Set while the scripts of pages are off.
    pub(crate) scripts_off: AtomicBool,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with a window of `width` by `height` pixels.
    ///
    /// # Errors
    /// Fails if there is no driver or no browser, or if they do not start in time.
    pub async fn start(width: u32, height: u32) -> io::Result<Self> {
        Self::start_with(&BrowserOptions::new(width, height)).await
    }

    /// Starts a browser with these choices.
    ///
    /// # Errors
    /// Fails if there is no driver or no browser, or if they do not start in time.
    pub async fn start_with(chosen: &BrowserOptions) -> io::Result<Self> {
        let (driver, profile) = (Driver::start().await?, tempfile::tempdir()?);
        let mut options: Vec<String> = OPTIONS.map(str::to_owned).to_vec();
        options.push(format!("--user-data-dir={}", profile.path().display()));
        options.push(format!("--window-size={},{}", chosen.width, chosen.height));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {
                "args": options,
                "prefs": {"intl.accept_languages": chosen.languages.join(",")},
                "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false},
            },
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": SCRIPT_MS},
        }}});
        let started = driver.call(Method::POST, "/session", &wanted).await?;
        let id = started.get("sessionId").and_then(Value::as_str);
        let id = id.ok_or_else(|| io::Error::other("the driver named no session"))?;
        Ok(Self {
            remote: Remote::new(driver, id),
            scripts_off: AtomicBool::new(false),
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

    /// Returns the title of the page.
    ///
    /// # Errors
    /// Fails if the browser has ended.
    pub async fn title(&self) -> io::Result<String> {
        text(&self.remote.get("/title").await?)
    }

    /// Runs the body of a function, whose last argument is to be called with its result. The time
    /// limit is 50 s. It is run past the content security policy of the page; while scripts of pages
    /// are off, it has to call back at once, as timers and promises stand still.
    ///
    /// # Errors
    /// Fails if the script throws or gives no result in time.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> io::Result<Value> {
        let call = json!({"script": script, "args": arguments});
        self.remote.post("/execute/async", &call).await
    }

    /// Runs the body of a function, and returns its result.
    pub(crate) async fn evaluate(&self, script: &str, arguments: &[Value]) -> io::Result<Value> {
        let call = json!({"script": script, "args": arguments});
        self.remote.post("/execute/sync", &call).await
    }

    /// Runs the body of a function that uses the functions about elements.
    pub(crate) async fn evaluate_on_elements(
        &self,
        script: &str,
        arguments: &[Value],
    ) -> io::Result<Value> {
        self.evaluate(&format!("{ELEMENTS}\n{script}"), arguments)
            .await
    }

    /// Ends the browser and its driver.
    ///
    /// # Errors
    /// Fails if they have ended before.
    pub async fn stop(self) -> io::Result<()> {
        self.remote.stop().await
    }
}
