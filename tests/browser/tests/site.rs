//! A site of test pages on a free port, with a policy as strict as that of real pages.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use incident_test_browser::Browser;
use tokio::net::TcpListener;

/// Policy of the pages; styles may stand in the page, so that a test shows them.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; \
    img-src 'self' data:; form-action 'self'";

/// Beginning of a page without faults.
const HEAD: &str = "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Page</title>\
    <meta name='viewport' content='width=device-width'><link rel='icon' href='data:,'>";

type Files = Arc<HashMap<&'static str, String>>;

/// A running site. It ends with the test.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) origin: String,
}

impl Site {
    /// Serves files by their path. `/echo` gives query and `Accept-Language` of its request.
    pub(crate) async fn serve(files: &[(&'static str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
        let files: Files = Arc::new(files.collect());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(file).with_state(files);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin }
    }

    /// Opens a page of this body in a new browser with a viewport of 390 by 800 pixels.
    pub(crate) async fn page(style: &str, body: &str) -> (Self, Browser) {
        let site = Self::serve(&[("/", &page(style, body))]).await;
        let browser = Browser::start(1_280, 800).await.unwrap();
        browser.set_viewport(390, 800).await.unwrap();
        browser.open(&site.origin).await.unwrap();
        (site, browser)
    }
}

/// Returns a page with a style and a body.
pub(crate) fn page(style: &str, body: &str) -> String {
    format!(
        "{HEAD}<style>{style}</style></head><body><main><h1>Page</h1>{body}</main></body></html>"
    )
}

async fn file(State(files): State<Files>, uri: Uri, headers: HeaderMap) -> Response {
    let policy = (header::CONTENT_SECURITY_POLICY, POLICY);
    let kind = |text| (header::CONTENT_TYPE, text);
    if uri.path() == "/echo" {
        let languages = headers.get(header::ACCEPT_LANGUAGE);
        let languages = languages.map_or("", |one| one.to_str().unwrap());
        let query = uri.query().unwrap_or_default();
        let text = page("", &format!("<p id='echo'>{query}|{languages}</p>"));
        return ([kind("text/html"), policy], text).into_response();
    }
    let Some(text) = files.get(uri.path()) else {
        return axum::http::StatusCode::NOT_FOUND.into_response();
    };
    let is_script = uri.path().ends_with(".js");
    let name = if is_script {
        "text/javascript"
    } else {
        "text/html"
    };
    ([kind(name), policy], text.clone()).into_response()
}
