//! Sign-in and sign-out of people who use a browser.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use incident_core::actor::Caller;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::authenticate::AuthError;
use crate::client;
use crate::document::describe::Describe;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::external_url::is_loopback;
use crate::http::cross_site;
use crate::http::form::{FormBody, FormRequest, PendingForm};
use crate::http::headers::single;
use crate::http::html::wants_html;
use crate::http::mount_prefix::MountPrefix;
use crate::http::next_path::next_path;
use crate::http::params::{FromQuery, Params, QueryParameter};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::throttle;
use crate::responses::sign_in::SeeOther;
use crate::sessions::{SessionUse, Sessions, cookie};
use crate::state::AppState;
use crate::tokens::TOKEN_BYTES;
use crate::web::expired::resend;
use crate::web::page::WebResult;
use crate::web::reader::Reader;
use crate::web::sign_in::{HeldForm, SignInTexts, form_page, signed_in_page};

/// The sessions of the host, and the caller of the request's own one, if it is valid.
pub(super) struct SignIn {
    sessions: Sessions,
    caller: Option<Caller>,
}

impl FromRequestParts<Arc<AppState>> for SignIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, Problem> {
        let sessions = state.sessions().cloned();
        let sessions = sessions.ok_or_else(|| Problem::not_found("route"))?;
        let caller = state.session_caller(parts, SessionUse::Request).await.ok();
        Ok(Self { sessions, caller })
    }
}

impl Describe for SignIn {
    fn describe(operation: &mut Operation, _: &mut Schemas) {
        operation.problem(StatusCode::NOT_FOUND, "the host has no sign-in");
    }
}

/// The query of the sign-in page: the address to go to afterwards.
pub(super) struct NextParams(Option<String>);

impl FromQuery for NextParams {
    const PARAMETERS: &'static [QueryParameter] = &[QueryParameter::of::<String>(
        "next",
        "The path of this host to go to after the sign-in; another address is ignored.",
    )];
    const IS_PAGED: bool = false;

    fn from_query(query: &Query) -> Result<Self, Problem> {
        Ok(Self(query.get("next").map(str::to_owned)))
    }
}

/// The form of a sign-in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInForm {
    /// The token.
    #[schemars(length(min = 1, max = TOKEN_BYTES))]
    token: String,
    /// The path of this host to go to; another address is ignored.
    #[serde(default)]
    next: Option<String>,
    /// A form that was sent without a session; it is shown again after the sign-in.
    #[serde(default)]
    resend: Option<String>,
    /// The path of this host that the form goes to.
    #[serde(default)]
    resend_to: Option<String>,
}

impl FormBody for SignInForm {}

/// The form of a sign-out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignOutForm {
    /// `yes` ends all sessions of the person.
    #[serde(default)]
    everywhere: Option<String>,
}

impl FormBody for SignOutForm {
    const MAY_BE_EMPTY: bool = true;
}

/// Handles `GET /signin`: the form, or the name of the person who is signed in.
pub(super) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    SignIn { caller, .. }: SignIn,
    Params(NextParams(next)): Params<NextParams>,
) -> WebResult {
    let next = next.as_deref().and_then(next_path).unwrap_or_default();
    match caller {
        Some(caller) => signed_in_page(&state, &reader, &caller),
        None => form_page(&state, &reader, StatusCode::OK, next, None, None),
    }
}

/// The aim of a person who signs in: an address to go to, or a form to send.
#[derive(Debug, Default)]
struct Wanted {
    next: String,
    waiting: Option<HeldForm>,
}

/// Handles `POST /signin`: a new session, and the way to where the person wanted to go. A person
/// who is refused sees the form again.
pub(super) async fn sign_in(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    SignIn { sessions, .. }: SignIn,
    request: FormRequest<SignInForm>,
) -> Result<SeeOther, Problem> {
    let (parts, form) = request.into_parts();
    let mut wanted = Wanted::default();
    match create_session(&state, &sessions, &parts, form, &mut wanted).await {
        Ok((cookie, caller)) => {
            if let Some(waiting) = &wanted.waiting {
                let page = resend(&state, &reader, &caller, waiting)?;
                return Ok(SeeOther(page.cookie(cookie).into_response()));
            }
            let address = match wanted.next.as_str() {
                "" => reader.home(),
                next => next,
            };
            Ok(SeeOther::to(address, cookie))
        }
        Err(problem) if wants_html(&parts.headers) => {
            refused(&state, &reader, &wanted, problem).map(SeeOther)
        }
        Err(problem) => Err(problem),
    }
}

/// Shows the form again with the reason, and the time to wait if there is one.
fn refused(
    state: &AppState,
    reader: &Reader,
    wanted: &Wanted,
    problem: Problem,
) -> Result<Response, Problem> {
    let status = problem.status();
    let reason = SignInTexts::of(reader.language).reason(status);
    let waiting = wanted.waiting.as_ref();
    let page = form_page(state, reader, status, &wanted.next, Some(reason), waiting)?;
    let mut page = page.into_response();
    let problem = problem.into_response();
    if let Some(wait) = problem.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    Ok(page)
}

/// Checks the token of a form, creates a session and returns its cookie with its person. Notes in
/// `wanted` where to go, also for a form that is shown again.
async fn create_session(
    state: &Arc<AppState>,
    sessions: &Sessions,
    parts: &Parts,
    form: PendingForm<SignInForm>,
    wanted: &mut Wanted,
) -> Result<(Option<HeaderValue>, Caller), Problem> {
    cross_site::check(parts, state.origins())?;
    check_transport(state, &parts.headers)?;
    let form = form.read(state).await?;
    let path = form.next.as_deref().and_then(next_path);
    path.unwrap_or_default().clone_into(&mut wanted.next);
    let to = form.resend_to.filter(|path| next_path(path).is_some());
    wanted.waiting = to.zip(form.resend).map(|(to, form)| HeldForm { to, form });
    let token = form.token.trim();
    if token.is_empty() || token.len() > TOKEN_BYTES {
        let detail = format!("expected a token of 1 to {TOKEN_BYTES} bytes");
        return Err(Problem::field("/token", detail));
    }
    let login = match sessions.login(token).await {
        Ok(login) => login,
        Err(AuthError::Invalid) => {
            let from = state.client_address(parts);
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
    Ok((cookie::set(&secret, secure), login.caller))
}

fn wrong_token() -> Problem {
    let detail = "unknown token; check it and try again";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .at("/token", "expected the token of a person with access")
}

/// Handles `POST /signout`: ends the session of the browser, or all sessions of the person.
pub(super) async fn sign_out(
    State(state): State<Arc<AppState>>,
    MountPrefix(prefix): MountPrefix,
    SignIn { sessions, caller }: SignIn,
    request: FormRequest<SignOutForm>,
) -> Result<SeeOther, Problem> {
    let (parts, form) = request.into_parts();
    cross_site::check(&parts, state.origins())?;
    let everywhere = form.read(&state).await?.everywhere;
    let secure = state.is_secure();
    if everywhere.as_deref() == Some("yes") {
        let person = caller.ok_or(AuthError::Missing)?.actor.name;
        let ended = sessions.revoke(&person).await;
        let ended = ended.map_err(|_| Problem::from(AuthError::Unavailable))?;
        tracing::info!(%person, ended, "signed out everywhere");
    } else if let Some(secret) = cookie::secret(&parts.headers, secure) {
        sessions.end(&secret).await?;
    }
    let cookie = cookie::clear(secure);
    Ok(SeeOther::to(&format!("{prefix}/signin"), cookie))
}

/// Refuses a sign-in over plain HTTP to another machine: the token and the cookie could be read on
/// the way, and browsers drop the cookie silently.
fn check_transport(state: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    let host = single(headers, header::HOST.as_str()).ok().flatten();
    let host = host.unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    if state.is_secure() || is_loopback(name) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "insecure_sign_in",
        "sign-in needs HTTPS; set the external URL of the server (INCIDENT_BASE_URL) to its https address",
    ))
}
