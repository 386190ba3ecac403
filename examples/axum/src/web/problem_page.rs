//! Problems as pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::actor::Caller;

use super::form::FormFields;
use super::frame::{Frame, Section};
use super::held_form::after_problem;
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::texts;
use crate::http::fallback::unknown_route;
use crate::http::html::wants_html;
use crate::http::problem::Problem;
use crate::state::AppState;

texts! {
    /// The texts of problems.
    ProblemTexts {
        not_found: "There is nothing here", "Il n’y a rien ici", "Hier ist nichts";
        not_found_help: "The address may be incomplete, or what it named is gone. Search for it in all incidents, or start from the active ones.", "L’adresse est peut-être incomplète, ou ce qu’elle désignait n’existe plus. Cherchez dans tous les incidents, ou partez des incidents en cours.", "Die Adresse ist vielleicht unvollständig, oder es gibt das Gesuchte nicht mehr. Suchen Sie in allen Vorfällen, oder beginnen Sie bei den aktiven.";
        forbidden: "Your role does not allow this", "Votre rôle ne le permet pas", "Ihre Rolle erlaubt das nicht";
        forbidden_help: "Nothing was changed. Ask somebody with another role, or sign in as another person.", "Rien n’a été modifié. Demandez à une personne qui a un autre rôle, ou connectez-vous sous un autre nom.", "Nichts wurde geändert. Bitten Sie jemanden mit einer anderen Rolle, oder melden Sie sich anders an.";
        unavailable: "The console cannot reach its data", "La console n’atteint pas ses données", "Die Konsole erreicht ihre Daten nicht";
        unavailable_help: "Pages that were accepted are still sent. Try again in a few seconds; nothing you see here was lost.", "Les alertes acceptées partent quand même. Réessayez dans quelques secondes ; rien n’est perdu.", "Angenommene Alarme werden trotzdem gesendet. Versuchen Sie es in einigen Sekunden wieder; nichts ging verloren.";
        unauthorized: "A login is needed", "Une connexion est nécessaire", "Eine Anmeldung ist nötig";
        refused: "This was not done", "Cela n’a pas été fait", "Das wurde nicht getan";
        refused_help: "Nothing was changed.", "Rien n’a été modifié.", "Nichts wurde geändert.";
        try_again: "Try again", "Réessayer", "Noch einmal versuchen";
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame<'a>,
    title: &'static str,
    help: &'static str,
    status: u16,
    details: Vec<String>,
    texts: &'static ProblemTexts,
}

/// Responds to a path without a route: with a page for people, except where programs are at home.
pub(crate) async fn unknown_page(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    request: Request,
) -> Response {
    let response = unknown_route().await.into_response();
    let path = request.uri().path();
    let of_programs = ["/sys", "/public", "/hooks", "/metrics"];
    let is_program = of_programs.iter().any(|start| path.starts_with(start));
    if is_program || !wants_html(request.headers()) {
        return response;
    }
    problem_page(&state, &reader, None, None, response)
}

/// Returns what the server says about a problem, with the fields that it names.
fn details(problem: &Problem) -> Vec<String> {
    let errors = problem.errors().iter().map(|error| {
        let field = error.pointer.trim_start_matches('/');
        format!("{field}: {}", error.detail)
    });
    let errors: Vec<String> = errors.collect();
    match errors.as_slice() {
        [] => vec![problem.detail().to_owned()],
        _ => errors,
    }
}

/// Makes the problem of a response, if it has one, into a page. A form that the server could not run
/// is shown with everything in it.
#[must_use]
pub(crate) fn problem_page(
    state: &AppState,
    reader: &Reader,
    caller: Option<&Caller>,
    sent: Option<&FormFields>,
    mut response: Response,
) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let page = match (caller, sent) {
        (Some(caller), Some(fields)) if problem.status().is_server_error() => {
            after_problem(state, reader, caller, fields, &problem)
        }
        _ => page_of(state, reader, caller, &problem),
    };
    let Ok(WebPage(mut page)) = page else {
        return response;
    };
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = response.headers_mut().remove(&name) {
            page.headers_mut().insert(name, value);
        }
    }
    page.into_response()
}

fn page_of(
    state: &AppState,
    reader: &Reader,
    caller: Option<&Caller>,
    problem: &Problem,
) -> WebResult {
    let texts = ProblemTexts::of(reader.language);
    let (title, help) = match problem.status() {
        StatusCode::NOT_FOUND => (texts.not_found, texts.not_found_help),
        StatusCode::FORBIDDEN => (texts.forbidden, texts.forbidden_help),
        StatusCode::UNAUTHORIZED => (texts.unauthorized, texts.refused_help),
        StatusCode::SERVICE_UNAVAILABLE => (texts.unavailable, texts.unavailable_help),
        _ => (texts.refused, texts.refused_help),
    };
    let frame = match caller {
        Some(caller) => Frame::of(state, reader, caller, Section::Other),
        None => Frame::open(state, reader),
    };
    let page = ProblemPage {
        frame,
        title,
        help,
        status: problem.status().as_u16(),
        details: details(problem),
        texts,
    };
    WebPage::render(problem.status(), &page)
}
