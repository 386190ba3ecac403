//! Pages that say why there is nothing to see.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::edition::Edition;
use super::ready_page::{PLACE, common_headers};
use super::site::Site;
use super::status_texts::StatusTexts;
use crate::http::problem::Problem;
use crate::web::common_texts::CommonTexts;

/// Time after which an attempt is worth while, in seconds: as for the data of the page.
const RETRY: HeaderValue = HeaderValue::from_static("2");

#[derive(Template)]
#[template(path = "status/message.html")]
struct MessagePage<'a> {
    site: &'a Site,
    edition: Edition,
    common: &'static CommonTexts,
    texts: &'static StatusTexts,
    root: &'static str,
    title: &'static str,
    help: &'static str,
}

/// Responds to an id that no public incident has.
pub(super) fn not_found(site: &Site, edition: Edition) -> Response {
    let texts = StatusTexts::of(edition.language);
    let (title, help) = (texts.not_found, texts.not_found_help);
    respond(site, edition, "../../", StatusCode::NOT_FOUND, title, help)
}

/// Responds without any copy of the data that may be shown. `root` is the way from the page to
/// where the routes are mounted.
pub(super) fn unavailable(site: &Site, edition: Edition, root: &'static str) -> Response {
    let texts = StatusTexts::of(edition.language);
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let (title, help) = (texts.unavailable, texts.unavailable_help);
    let mut response = respond(site, edition, root, status, title, help);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY);
    response
}

/// Responds to a template that failed.
pub(super) fn failed(error: &askama::Error) -> Response {
    tracing::error!(%error, "a page could not be rendered");
    Problem::internal("the page could not be rendered").into_response()
}

fn respond(
    site: &Site,
    edition: Edition,
    root: &'static str,
    status: StatusCode,
    title: &'static str,
    help: &'static str,
) -> Response {
    let page = MessagePage {
        site,
        edition,
        common: CommonTexts::of(edition.language),
        texts: StatusTexts::of(edition.language),
        root,
        title,
        help,
    };
    match page.render() {
        Ok(html) => {
            let mut response = (status, html.replace(PLACE, "")).into_response();
            *response.headers_mut() = common_headers(HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => failed(&error),
    }
}
