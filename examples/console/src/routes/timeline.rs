//! Timelines: write, read, verify, redact.

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::chain::Verdict;
use incident_core::incident::Command;
use serde_json::{Value, json};

use super::bodies::{NewUpdate, Reason};
use super::list::ListBody;
use super::{Id, IdSeq, answer, replayable};
use crate::app::{App, Asked};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

/// How many entries are read at a time: one that tells of ten thousand tenants takes a
/// megabyte.
const AT_A_TIME: usize = 26;

pub(super) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    app.incidents.get(id).await?;
    app.incidents
        .audit()
        .authorize(&caller, Action::Update, Some(id))
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<NewUpdate>(caller, request, None).await?;
    let command = Command::Update(Box::new(body.into()));
    let done = app.act(id, context, turn, command).await?;
    let entry = done.entries.first().map_or(Value::Null, view::entry);
    Ok(replayable(StatusCode::CREATED, &entry, done.replayed))
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let query = Query::parse(raw.as_deref(), &["after_seq"])?;
    let limit = query.limit()?;
    let wrong = || {
        Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )
    };
    let after = match query.cursor()? {
        Some(place) => place.parse().ok().ok_or_else(wrong)?,
        None => query.number("after_seq")?.unwrap_or(0),
    };
    let (mut body, mut shown, mut last) = (ListBody::new(), 0, after);
    // One more than asked for tells whether there is a next page.
    while shown <= limit {
        let wanted = AT_A_TIME.min(limit + 1 - shown);
        let entries = app.incidents.audit().timeline(id, last, wanted).await?;
        for entry in entries.iter().take(limit - shown) {
            body.push(&view::entry(entry))?;
            last = entry.seq;
        }
        shown += entries.len();
        if entries.len() < wanted {
            break;
        }
    }
    let next = (shown > limit).then(|| query.cursor_at(&last.to_string()));
    body.end(next.as_deref())
}

pub(super) async fn verify(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    Query::parse(raw.as_deref(), &[])?;
    let value = match app.incidents.audit().verify_timeline(id).await? {
        Verdict::Valid { head, anchored } => {
            json!({"valid": true, "entries": head.seq, "head": head.hash, "anchored": anchored})
        }
        Verdict::Broken { seq, reason } => json!({"valid": false, "seq": seq, "reason": reason}),
    };
    Ok(answer(StatusCode::OK, &value))
}

pub(super) async fn redact(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    IdSeq(id, seq): IdSeq,
    request: Request,
) -> Answer {
    let incident = app.incidents.get(id).await?;
    app.incidents
        .audit()
        .authorize(&caller, Action::Redact, Some(id))
        .await?;
    if seq == 0 || seq > incident.last_seq {
        return Err(Problem::not_found("entry"));
    }
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<Reason>(caller, request, None).await?;
    let command = Command::Redact {
        seq,
        reason: body.reason,
    };
    let done = app.act(id, context, turn, command).await?;
    let entries = app.incidents.audit().timeline(id, seq - 1, 1).await?;
    let entry = entries.first().map_or(Value::Null, view::entry);
    Ok(replayable(StatusCode::OK, &entry, done.replayed))
}
