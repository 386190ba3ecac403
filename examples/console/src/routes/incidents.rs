//! Incidents: declare, list, show, change, acknowledge, page, publish, link.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Command, Severity, Status};
use incident_core::port::IncidentFilter;
use incident_core::{IncidentId, Timestamp};
use serde::de::DeserializeOwned;

use super::bodies::{Acknowledge, Create, PageAsked, Patch, PostMortemLink, Visibility};
use super::{Id, incident_answer, page_answer};
use crate::app::{App, Asked};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::view;

type Answer = Result<Response, Problem>;

pub(super) async fn declare(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Declare, None)
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<Create>(caller, request, None).await?;
    let declare = body.declare()?;
    let incidents = app.incidents.clone();
    let done = app
        .run(async move {
            let _turn = turn;
            Ok(incidents.declare(&context, &declare).await?)
        })
        .await?;
    let status = if done.deduplicated {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = incident_answer(
        &app,
        status,
        &done.incident,
        done.deduplicated,
        done.replayed,
    );
    if let Ok(location) = HeaderValue::from_str(&format!("/sys/incidents/{}", done.incident.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

const FILTERS: [&str; 7] = ["status", "severity", "tenant", "service", "q", "from", "to"];

pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    RawQuery(raw): RawQuery,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, None)
        .await?;
    let query = Query::parse(raw.as_deref(), &FILTERS)?;
    let limit = query.limit()?;
    let filter = IncidentFilter {
        statuses: statuses(query.get("status"))?,
        severity: query.read::<Severity>("severity")?,
        tenant: query.name("tenant")?,
        service: query.name("service")?,
        text: query.text("q")?,
        from: query.time("from")?,
        to: query.time("to")?,
        after: query.cursor()?.as_deref().map(read_place).transpose()?,
        // One more than asked for tells whether there is a next page.
        limit: limit + 1,
        ..IncidentFilter::default()
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && to <= from
    {
        return Err(Problem::field("/to", "expected a time after `from`"));
    }
    let mut found = app.incidents.list(&filter).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| query.cursor_at(&view::place(last.declared_at, last.id)));
    page_answer(found.iter().map(view::item), next.as_deref())
}

fn statuses(wanted: Option<&str>) -> Result<BTreeSet<Status>, Problem> {
    let all = Status::ALL.into_iter();
    match wanted {
        None | Some("active") => Ok(all.filter(|status| status.is_live()).collect()),
        Some("resolved") => Ok(BTreeSet::from([Status::Resolved, Status::Closed])),
        Some("all") => Ok(BTreeSet::new()),
        Some(_) => Err(Problem::field(
            "/status",
            "expected active, resolved or all",
        )),
    }
}

/// Reads back a place in a list of things that have a time and an id.
pub(super) fn read_place<T: std::str::FromStr>(place: &str) -> Result<(Timestamp, T), Problem> {
    let wrong = || {
        Problem::field(
            "/cursor",
            "expected a cursor from an answer to the same filters",
        )
    };
    let (at, id) = place.split_once(' ').ok_or_else(wrong)?;
    let at = at
        .parse()
        .ok()
        .and_then(|us| Timestamp::from_micros(us).ok())
        .ok_or_else(wrong)?;
    Ok((at, id.parse().ok().ok_or_else(wrong)?))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Answer {
    app.incidents
        .audit()
        .authorize(&caller, Action::Read, Some(id))
        .await?;
    let incident = app.incidents.get(id).await?;
    Ok(incident_answer(
        &app,
        StatusCode::OK,
        &incident,
        false,
        false,
    ))
}

/// Reads a body, makes it a command, runs it, answers with the incident.
struct Write {
    id: IncidentId,
    right: Action,
    status: StatusCode,
    empty: Option<&'static str>,
}

async fn write<T: DeserializeOwned>(
    app: App,
    caller: Caller,
    request: Request,
    write: Write,
    command: impl FnOnce(T) -> Result<Command, Problem>,
) -> Answer {
    let Write {
        id,
        right,
        status,
        empty,
    } = write;
    app.incidents.get(id).await?;
    app.incidents
        .audit()
        .authorize(&caller, right, Some(id))
        .await?;
    let Asked {
        context,
        body,
        turn,
    } = app.asked::<T>(caller, request, empty).await?;
    let command = command(body)?;
    let done = app.act(id, context, turn, command).await?;
    Ok(incident_answer(
        &app,
        status,
        &done.incident,
        false,
        done.replayed,
    ))
}

const fn on(id: IncidentId, right: Action) -> Write {
    Write {
        id,
        right,
        status: StatusCode::OK,
        empty: None,
    }
}

pub(super) async fn patch(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    write(
        app,
        caller,
        request,
        on(id, Action::Change),
        |patch: Patch| Ok(patch.command()?),
    )
    .await
}

pub(super) async fn acknowledge(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    let how = Write {
        empty: Some("{}"),
        ..on(id, Action::Acknowledge)
    };
    write(app, caller, request, how, |body: Acknowledge| {
        Ok(Command::Acknowledge { at: body.at })
    })
    .await
}

pub(super) async fn page(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    let how = Write {
        status: StatusCode::ACCEPTED,
        ..on(id, Action::Page)
    };
    write(app, caller, request, how, |body: PageAsked| {
        Ok(body.command())
    })
    .await
}

pub(super) async fn publish(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    write(
        app,
        caller,
        request,
        on(id, Action::Publish),
        |body: Visibility| Ok(Command::Publish(body.into())),
    )
    .await
}

pub(super) async fn post_mortem(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Answer {
    let how = on(id, Action::LinkPostMortem);
    write(app, caller, request, how, |body: PostMortemLink| {
        Ok(Command::LinkPostMortem { url: body.url })
    })
    .await
}
