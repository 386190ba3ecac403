//! Sign-in and sign-out of people who use a browser.

use std::sync::Arc;

use axum::Form;
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use incident_core::actor::Caller;
use serde::Deserialize;

use super::request_id;
use crate::authenticate::AuthError;
use crate::client;
use crate::external_url::is_loopback;
use crate::http::cross_site;
use crate::http::headers::single;
use crate::http::html::{self, Escaped, wants_html};
use crate::http::mount_prefix::MountPrefix;
use crate::http::next_path::next_path;
use crate::http::params::{FromQuery, Params};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::throttle;
use crate::sessions::{Sessions, cookie};
use crate::state::AppState;
use crate::tokens::TOKEN_BYTES;

/// Maximum size of a form, in bytes: a token, an address, and their percent-encoding.
const FORM_BYTES: usize = 16 * 1024;

/// Creates the routes; they are 404 without sessions.
pub(super) fn sign_in_routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/signin", get(show).post(sign_in))
        .route("/signout", post(sign_out))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(from_fn(request_id::with_request_id))
}

/// The query of the sign-in page: the address to go to afterwards.
pub(super) struct NextParams(Option<String>);

impl FromQuery for NextParams {
    const NAMES: &'static [&'static str] = &["next"];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        Ok(Self(query.get("next").map(str::to_owned)))
    }
}

/// The form of a sign-in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInForm {
    token: String,
    #[serde(default)]
    next: Option<String>,
}

/// The form of a sign-out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignOutForm {
    /// `yes` ends all sessions of the person.
    #[serde(default)]
    everywhere: Option<String>,
}

/// Handles `GET /signin`: the form, or the name of the person who is signed in.
async fn show(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    Params(NextParams(next)): Params<NextParams>,
    request: Request,
) -> Result<Response, Problem> {
    let sessions = sessions(&state)?;
    let (parts, _) = request.into_parts();
    let next = next.as_deref().and_then(next_path).unwrap_or_default();
    Ok(match session_caller(&state, sessions, &parts).await {
        Ok(caller) => signed_in_page(&prefix, &caller),
        Err(_) => form_page(StatusCode::OK, &prefix, next, None),
    })
}

/// Handles `POST /signin`: a new session, and the way to where the person wanted to go.
async fn sign_in(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    request: Request,
) -> Response {
    let html = wants_html(request.headers());
    let mut next = String::new();
    match create_session(&state, request, &prefix, &mut next).await {
        Ok(response) => response,
        Err(problem) if html && problem.status() != StatusCode::NOT_FOUND => {
            let mut response = form_page(problem.status(), &prefix, &next, Some(problem.detail()));
            // Of the problem's headers, the time after which a retry is worthwhile.
            let told = problem.into_response();
            if let Some(wait) = told.headers().get(header::RETRY_AFTER) {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, wait.clone());
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// Checks the token of a form and creates a session. Notes in `next` the address to go to, also for
/// a form that is shown again.
async fn create_session(
    state: &Arc<AppState>,
    request: Request,
    prefix: &str,
    next: &mut String,
) -> Result<Response, Problem> {
    let sessions = sessions(state)?;
    let (parts, body) = request.into_parts();
    cross_site::check(&parts, state.origins())?;
    check_transport(state, &parts)?;
    let request = Request::from_parts(parts.clone(), body);
    let form = Form::<SignInForm>::from_request(request, state).await;
    let Form(form) = form.map_err(|error| unreadable_form(&error))?;
    *next = form
        .next
        .as_deref()
        .and_then(next_path)
        .unwrap_or_default()
        .to_owned();
    let token = form.token.trim();
    if token.is_empty() || token.len() > TOKEN_BYTES {
        let detail = format!("expected a token of 1 to {TOKEN_BYTES} bytes");
        return Err(Problem::field("/token", detail));
    }
    let login = match sessions.login(token).await {
        Ok(login) => login,
        Err(AuthError::Invalid) => {
            let from = state.client_address(&parts);
            let wait = state.wrong_tokens().count(from, "signin");
            return Err(wait.map_or_else(wrong_token, throttle::too_many));
        }
        Err(other) => return Err(other.into()),
    };
    client::note_known(&parts.extensions);
    let secure = state.is_secure();
    let previous = cookie::secret(&parts.headers, secure);
    let now = state.incidents().reports().now();
    let secret = sessions.start(&login, previous.as_ref(), now).await?;
    tracing::info!(person = %login.caller.actor.name, role = %login.caller.role, "signed in");
    let to = if next.is_empty() {
        format!("{prefix}/signin")
    } else {
        next.clone()
    };
    Ok(see_other(&to, cookie::set(&secret, secure)))
}

fn wrong_token() -> Problem {
    let detail = "unknown token; check it and try again";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .at("/token", "expected the token of a person with access")
}

/// Handles `POST /signout`: ends the session of the browser, or all sessions of the person.
async fn sign_out(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    request: Request,
) -> Result<Response, Problem> {
    let sessions = sessions(&state)?;
    let (parts, body) = request.into_parts();
    cross_site::check(&parts, state.origins())?;
    let secure = state.is_secure();
    let everywhere = match parts.headers.contains_key(header::CONTENT_TYPE) {
        true => {
            let request = Request::from_parts(parts.clone(), body);
            let form = Form::<SignOutForm>::from_request(request, &state).await;
            let Form(form) = form.map_err(|error| unreadable_form(&error))?;
            form.everywhere.as_deref() == Some("yes")
        }
        false => false,
    };
    if everywhere {
        let caller = session_caller(&state, sessions, &parts).await?;
        let person = &caller.actor.name;
        let ended = sessions.revoke(person).await;
        let ended = ended.map_err(|_| Problem::from(AuthError::Unavailable))?;
        tracing::info!(%person, ended, "signed out everywhere");
    } else if let Some(secret) = cookie::secret(&parts.headers, secure) {
        sessions.end(&secret).await?;
    }
    Ok(see_other(
        &format!("{prefix}/signin"),
        cookie::clear(secure),
    ))
}

fn sessions(state: &AppState) -> Result<&Sessions, Problem> {
    state.sessions().ok_or_else(|| Problem::not_found("route"))
}

async fn session_caller(
    state: &AppState,
    sessions: &Sessions,
    parts: &Parts,
) -> Result<Caller, AuthError> {
    let secret = cookie::secret(&parts.headers, state.is_secure()).ok_or(AuthError::Missing)?;
    let now = state.incidents().reports().now();
    sessions.caller(&secret, now).await
}

/// Refuses a sign-in over plain HTTP to another machine: the token and the cookie could be read on
/// the way, and browsers drop the cookie silently.
fn check_transport(state: &AppState, parts: &Parts) -> Result<(), Problem> {
    let host = single(&parts.headers, header::HOST.as_str()).ok().flatten();
    let host = host.unwrap_or_default();
    let has_port = |(_, port): &(&str, &str)| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host
        .rsplit_once(':')
        .filter(has_port)
        .map_or(host, |(name, _)| name);
    if state.is_secure() || is_loopback(name) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "insecure_sign_in",
        "sign-in needs HTTPS; set the base URL of the server to its https address",
    ))
}

fn unreadable_form(error: &FormRejection) -> Problem {
    let detail =
        "expected a form (application/x-www-form-urlencoded) with the fields of this route";
    match error.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            status,
            "too_large",
            format!("the form is longer than {FORM_BYTES} bytes"),
        ),
        status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(status, "unsupported_media_type", detail)
        }
        status @ StatusCode::UNPROCESSABLE_ENTITY => Problem::new(status, "invalid", detail),
        _ => Problem::unreadable(detail),
    }
}

fn see_other(to: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, to);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

fn form_page(status: StatusCode, prefix: &str, next: &str, error: Option<&str>) -> Response {
    let error = error.map_or_else(String::new, |error| {
        format!("<p id=\"error\" role=\"alert\">{}</p>\n", Escaped(error))
    });
    let described = if error.is_empty() {
        ""
    } else {
        " aria-describedby=\"error\" aria-invalid=\"true\""
    };
    let (prefix, next) = (Escaped(prefix), Escaped(next));
    let main = format!(
        "<form method=\"post\" action=\"{prefix}/signin\">\n{error}\
         <p><label for=\"token\">Token</label>\n\
         <input id=\"token\" name=\"token\" type=\"password\" required autofocus maxlength=\"{TOKEN_BYTES}\" autocomplete=\"current-password\"{described}></p>\n\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
         <p><button>Sign in</button></p>\n</form>\n"
    );
    html::page(status, "Sign in", &main)
}

fn signed_in_page(prefix: &str, caller: &Caller) -> Response {
    let name = caller.actor.name.as_str();
    let (prefix, name, role) = (Escaped(prefix), Escaped(name), caller.role);
    let main = format!(
        "<p>You are signed in as {name} ({role}).</p>\n\
         <form method=\"post\" action=\"{prefix}/signout\">\n\
         <p><button>Sign out</button>\n\
         <button name=\"everywhere\" value=\"yes\">Sign out everywhere</button></p>\n</form>\n"
    );
    html::page(StatusCode::OK, "Signed in", &main)
}
