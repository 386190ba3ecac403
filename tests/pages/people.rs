//! A console with people, and what they do in a browser.

use std::time::Duration;

use incident_axum::Tokens;
use incident_console::console::{Console, ConsoleBuilder};
use incident_test_browser::Browser;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Token of anna, a commander.
pub(crate) const ANNA: &str = "anna-0123456789abcdef";
/// Token of ben, a responder.
pub(crate) const BEN: &str = "ben-0123456789abcdef";

/// Maximum time for a page to show something.
const SHOWS: Duration = Duration::from_secs(10);
/// Time between two looks at a page.
const LOOK: Duration = Duration::from_millis(20);

/// A console with people, who sign in with their tokens.
pub(crate) struct PeopleConsole {
    console: Console,
    /// The beginning of all addresses.
    pub(crate) origin: String,
    http: Client,
}

impl PeopleConsole {
    pub(crate) async fn start() -> Self {
        let tokens = format!("anna:commander:{ANNA},ben:responder:{BEN}");
        Self::start_with(ConsoleBuilder {
            tokens: Tokens::parse(&tokens).unwrap(),
            ..ConsoleBuilder::default()
        })
        .await
    }

    pub(crate) async fn start_with(builder: ConsoleBuilder) -> Self {
        let console = Console::start(builder, ([127, 0, 0, 1], 0).into()).await;
        let console = console.unwrap();
        Self {
            origin: format!("http://{}", console.address),
            console,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn call(&self, token: &str, method: Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        let response = request.bearer_auth(token).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Sends a request of anna to a route, and returns the response.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.call(ANNA, Method::POST, path, body).await
    }

    /// Reads a route as anna.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(ANNA, Method::GET, path, &Value::Null).await
    }

    /// Sends a request of a person to a route, and returns the response.
    pub(crate) async fn post_as(&self, token: &str, path: &str, body: &Value) -> Value {
        self.call(token, Method::POST, path, body).await
    }

    /// Signs a person in, as a person does.
    pub(crate) async fn sign_in(&self, browser: &Browser, token: &str) {
        browser
            .open(&format!("{}/signin", self.origin))
            .await
            .unwrap();
        browser
            .find("#token")
            .await
            .unwrap()
            .type_in(token)
            .await
            .unwrap();
        click(browser, "main button").await;
        is_true(
            browser,
            "location.pathname === '/' && document.readyState === 'complete'",
        )
        .await;
    }

    /// Signs a person out everywhere, from a browser of its own.
    pub(crate) async fn sign_out_everywhere(&self, token: &str) {
        let browser = Browser::start(390, 844).await.unwrap();
        self.sign_in(&browser, token).await;
        let address = format!("{}/signin", self.origin);
        browser.open(&address).await.unwrap();
        click(&browser, "main button[name=everywhere]").await;
        is_true(&browser, "document.getElementById('token')").await;
        browser.stop().await.unwrap();
    }

    pub(crate) async fn stop(self) {
        self.console.stop().await.unwrap();
    }
}

pub(crate) async fn click(browser: &Browser, selector: &str) {
    browser.click(selector).await.unwrap();
}

/// Clicks something that leads to a page whose path ends with a text.
pub(crate) async fn follow(browser: &Browser, selector: &str, path: &str) {
    click(browser, selector).await;
    arrives(browser, path).await;
}

/// Waits until a page is there whose path ends with a text.
pub(crate) async fn arrives(browser: &Browser, path: &str) {
    let path = Value::from(path);
    let is_there =
        format!("document.readyState === 'complete' && location.pathname.endsWith({path})");
    is_true(browser, &is_there).await;
}

/// Waits until the page of an incident is there, and returns the id.
pub(crate) async fn is_declared(browser: &Browser) -> String {
    is_true(
        browser,
        "document.readyState === 'complete' && document.getElementById('timeline')",
    )
    .await;
    let address = browser.address().await.unwrap();
    address.rsplit('/').next().unwrap().to_owned()
}

/// Replaces the text of a field.
pub(crate) async fn fill(browser: &Browser, selector: &str, text: &str) {
    let field = browser.find(selector).await.unwrap();
    field.clear().await.unwrap();
    field.type_in(text).await.unwrap();
}

/// Chooses an option of a `select` by its value, which no language changes.
pub(crate) async fn choose(browser: &Browser, select: &str, value: &str) {
    click(browser, &format!("{select} option[value='{value}']")).await;
}

/// Evaluates an expression in the page.
pub(crate) async fn value(browser: &Browser, expression: &str) -> Value {
    let script = format!("arguments[arguments.length - 1]({expression});");
    browser.run(&script, &[]).await.unwrap()
}

/// Waits until an expression is true in the page, and returns how long it took: a click may return
/// before the next page is there, and changes arrive when they do.
pub(crate) async fn is_true(browser: &Browser, expression: &str) -> Duration {
    is_true_within(browser, expression, SHOWS).await
}

/// Waits for a time until an expression is true in the page, and returns how long it took.
pub(crate) async fn is_true_within(
    browser: &Browser,
    expression: &str,
    within: Duration,
) -> Duration {
    let started = Instant::now();
    let script = format!("arguments[arguments.length - 1](Boolean({expression}));");
    loop {
        // A page that is being left may refuse.
        if let Ok(Value::Bool(true)) = browser.run(&script, &[]).await {
            return started.elapsed();
        }
        if started.elapsed() > within {
            let address = browser.address().await.unwrap();
            let text = value(browser, "document.body.innerText").await;
            panic!("expected {expression} at {address}: {text}");
        }
        sleep(LOOK).await;
    }
}

/// Returns the text of the first element of a selector, with one blank for any number of them.
pub(crate) async fn text(browser: &Browser, selector: &str) -> String {
    let text = browser.find(selector).await.unwrap().text().await.unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
