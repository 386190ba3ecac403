//! The ledger of credits, and what is decided on them.

use axum::Extension;
use axum::extract::{FromRequestParts, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::billing::{CreditDecision, CreditState};
use incident_core::port::CreditQuery;
use incident_core::{CreditId, TenantId};
use serde::de::DeserializeOwned;

use super::bodies::{Nothing, Reason};
use super::{page_answer, replayable};
use crate::app::{App, Asked};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

/// The id of a credit in the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credit(CreditId);

impl FromRequestParts<App> for Credit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let missing = || Problem::not_found("credit");
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &["state", "tenant", "incident"])?;
    let state = match query.get("state") {
        None => None,
        Some(name) => {
            let known = CreditState::ALL
                .into_iter()
                .find(|state| state.name() == name);
            let names = CreditState::ALL.map(CreditState::name).join(", ");
            let wrong = || Problem::field("/state", format!("expected one of {names}"));
            Some(known.ok_or_else(wrong)?)
        }
    };
    let wanted = CreditQuery {
        skip_unreadable: false,
        id: None,
        incident: query.read("incident")?,
        tenant: query.read::<TenantId>("tenant")?,
        period: None,
        state,
        batch: None,
    };
    let limit = query.limit()?;
    let wrong = |_| {
        Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )
    };
    let skip: usize = query
        .cursor()?
        .map_or(Ok(0), |place| place.parse())
        .map_err(wrong)?;
    let rows = app.incidents.credits().list(&wanted).await?;
    // The ledger only grows at its end, so a count is a place that stays.
    let next = (rows.len() > skip + limit).then(|| query.cursor_at(&(skip + limit).to_string()));
    let items = rows.iter().skip(skip).take(limit).map(view::credit);
    page_answer(items, next.as_deref())
}

pub(super) async fn approve(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Credit(id): Credit,
    request: Request,
) -> Answer {
    decide(app, caller, id, request, Some("{}"), |Nothing {}| {
        CreditDecision::Approve
    })
    .await
}

pub(super) async fn waive(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Credit(id): Credit,
    request: Request,
) -> Answer {
    decide(app, caller, id, request, None, |body: Reason| {
        CreditDecision::Waive {
            reason: body.reason,
        }
    })
    .await
}

async fn decide<B: DeserializeOwned>(
    app: App,
    caller: Caller,
    id: CreditId,
    request: Request,
    empty: Option<&'static str>,
    decision: impl FnOnce(B) -> CreditDecision,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::DecideCredit, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<B>(caller, request, empty).await?;
    let (incidents, decision) = (app.incidents.clone(), decision(body));
    let decided = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.credits().decide(&context, id, &decision).await?)
        })
        .await?;
    let shown = view::credit(&decided.credit);
    Ok(replayable(StatusCode::OK, &shown, decided.replayed))
}
