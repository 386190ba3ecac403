//! Pages that say why there is nothing to see.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::edition::Edition;
use super::edition_request::EditionRequest;
use super::ready_page::{PLACE, common_headers};
use super::site::Site;
use super::status_texts::StatusTexts;
use crate::http::problem::Problem;
use crate::web::common_texts::CommonTexts;

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
pub(super) fn not_found(site: &Site, request: &EditionRequest) -> Response {
    let problem = Problem::not_found("incident");
    let texts = StatusTexts::of(request.edition.language);
    let (title, help) = (texts.not_found, texts.not_found_help);
    respond(site, request, "../../", problem, title, help)
}

/// Responds without any copy of the data that may be shown. `root` is the way from the page to
/// where the routes are mounted.
pub(super) fn unavailable(site: &Site, request: &EditionRequest, root: &'static str) -> Response {
    let problem = Problem::unavailable("the public status page is unavailable; retry");
    let texts = StatusTexts::of(request.edition.language);
    let (title, help) = (texts.unavailable, texts.unavailable_help);
    respond(site, request, root, problem, title, help)
}

/// Responds to programs with a problem, and to people with a page.
fn respond(
    site: &Site,
    request: &EditionRequest,
    root: &'static str,
    problem: Problem,
    title: &'static str,
    help: &'static str,
) -> Response {
    let edition = request.edition;
    let (status, mut response) = (problem.status(), problem.into_response());
    if !request.wants_html {
        return response;
    }
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
            let mut headers = common_headers(HeaderValue::from_static("no-store"));
            if let Some(wait) = response.headers_mut().remove(header::RETRY_AFTER) {
                headers.insert(header::RETRY_AFTER, wait);
            }
            (status, headers, html.replace(PLACE, "")).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            response
        }
    }
}
