//! The remote end of a browser: calls of its session at the driver.

use std::io;

use reqwest::Method;
use serde_json::Value;

use crate::driver::Driver;

/// A browser, as its driver knows it.
#[derive(Debug)]
pub(crate) struct Remote {
    driver: Driver,
    path: String,
}

impl Remote {
    pub(crate) fn new(driver: Driver, session: &str) -> Self {
        let path = format!("/session/{session}");
        Self { driver, path }
    }

    pub(crate) async fn get(&self, path: &str) -> io::Result<Value> {
        self.call(Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> io::Result<()> {
        self.call(Method::DELETE, path, &Value::Null)
            .await
            .map(|_| ())
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> io::Result<Value> {
        let path = format!("{}{path}", self.path);
        self.driver.call(method, &path, body).await
    }

    /// Ends the browser, then the driver.
    pub(crate) async fn stop(self) -> io::Result<()> {
        let ended = self.delete("").await;
        self.driver.stop().await?;
        ended
    }
}

/// Returns a text that the driver gave.
pub(crate) fn text(value: &Value) -> io::Result<String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| io::Error::other(format!("expected a text, not {value}")))
}
