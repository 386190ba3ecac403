//! The driver of the browser: its program, its process, and calls to it.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Error message with the ways to get a browser.
const MISSING: &str = "no ChromeDriver was found: run scripts/test, which installs one, \
     or install it with its browser (apt install chromium chromium-driver), or set CHROMEDRIVER_BIN to its program";

/// Maximum number of attempts to start a driver.
const ATTEMPTS: u32 = 5;
/// Maximum time for the driver to listen.
const START: Duration = Duration::from_secs(30);
/// Maximum time of a call; the start of a browser takes longest.
const CALL: Duration = Duration::from_secs(60);

/// Line in which the driver names its port.
const LISTENS: &str = "started successfully on port ";

/// A running driver. Dropping it ends its process.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    address: String,
    http: Client,
}

impl Driver {
    /// Starts a driver on a free port. The driver takes one of IPv4 and then needs the same one of IPv6: if
    /// another process has that, it ends, and the next attempt takes another port.
    pub(crate) async fn start() -> io::Result<Self> {
        for _ in 1..ATTEMPTS {
            match Self::start_once().await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                done => return done,
            }
        }
        Self::start_once().await
    }

    async fn start_once() -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, MISSING);
        let mut process = Command::new(program().ok_or_else(missing)?)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let port = timeout(START, port(&mut process)).await??;
        let http = Client::builder().no_proxy().timeout(CALL).build();
        Ok(Self {
            process,
            address: format!("http://127.0.0.1:{port}"),
            http: http.map_err(io::Error::other)?,
        })
    }

    /// Calls the driver, and returns the `value` of its response (W3C `WebDriver`, 6.3).
    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.address));
        if method == Method::POST {
            request = request.json(body);
        }
        let response = request.send().await.map_err(io::Error::other)?;
        let succeeded = response.status().is_success();
        let mut response: Value = response.json().await.map_err(io::Error::other)?;
        let value = response
            .get_mut("value")
            .map(Value::take)
            .unwrap_or_default();
        if succeeded {
            Ok(value)
        } else {
            let text = |member| {
                value
                    .get(member)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let (kind, message) = (text("error"), text("message"));
            Err(io::Error::other(format!("{path}: {kind}: {message}")))
        }
    }

    /// Ends the process.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.process.kill().await
    }
}

/// Finds the program, from `CHROMEDRIVER_BIN`, the search path, or the folders of packages.
fn program() -> Option<PathBuf> {
    if let Some(given) = env::var_os("CHROMEDRIVER_BIN") {
        return Some(PathBuf::from(given)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(["/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    places
        .map(|place| place.join("chromedriver"))
        .find(|path| path.is_file())
}

/// Reads the port from the driver's output, and goes on reading so that the driver never waits.
async fn port(driver: &mut Child) -> io::Result<u16> {
    let output = driver.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut lines = BufReader::new(output).lines();
    let mut printed = String::new();
    while let Some(line) = lines.next_line().await? {
        printed.push_str(&line);
        printed.push('\n');
        if let Some((_, rest)) = line.split_once(LISTENS) {
            let port = rest.trim_end_matches('.').parse();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port.map_err(io::Error::other);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("the driver ended before it listened; it printed: {printed}"),
    ))
}
