//! A row of the table of routes, and how one is written.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::document::describe::DescribedHandler;
use crate::document::operation::Operation;
use crate::document::schemas::Schemas;
use crate::state::AppState;

/// The router that has a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// Public data, which pages of any origin may read.
    Public,
    /// The status page for people, without a login.
    Status,
    /// Signed by a vendor.
    Webhooks,
    /// The sign-in of people who use a browser.
    SignIn,
    /// Pages for people, behind the login.
    Web,
    /// Files and preferences of the pages, without a login.
    WebOpen,
    /// Behind the login of the host.
    Operators,
    /// The metrics, behind the login of the host.
    Metrics,
    /// Health and readiness.
    Health,
    /// The document.
    Document,
}

/// A route: its handler, and what its types do not say of it.
pub(super) struct Row {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) area: Area,
    pub(super) handler: MethodRouter<Arc<AppState>>,
    describe: fn(&mut Operation, &mut Schemas),
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) tag: &'static str,
    pub(super) answers: &'static [StatusCode],
    headers: Vec<(&'static str, &'static str)>,
    problems: Vec<(StatusCode, &'static str)>,
}

fn row<H, T, A>(method: Method, path: &'static str, handler: H) -> Row
where
    H: Handler<T, Arc<AppState>> + DescribedHandler<A>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    Row {
        method,
        path,
        area: Area::Operators,
        handler: on(filter, handler),
        describe: H::describe_all,
        id: "",
        summary: "",
        tag: "",
        answers: &[StatusCode::OK],
        headers: Vec::new(),
        problems: Vec::new(),
    }
}

pub(super) fn get<H, T, A>(path: &'static str, handler: H) -> Row
where
    H: Handler<T, Arc<AppState>> + DescribedHandler<A>,
    T: 'static,
{
    row(Method::GET, path, handler)
}

pub(super) fn post<H, T, A>(path: &'static str, handler: H) -> Row
where
    H: Handler<T, Arc<AppState>> + DescribedHandler<A>,
    T: 'static,
{
    row(Method::POST, path, handler)
}

pub(super) fn patch<H, T, A>(path: &'static str, handler: H) -> Row
where
    H: Handler<T, Arc<AppState>> + DescribedHandler<A>,
    T: 'static,
{
    row(Method::PATCH, path, handler)
}

impl Row {
    /// Sets the name for programs, and the sentence for people.
    pub(super) fn named(mut self, id: &'static str, summary: &'static str) -> Self {
        (self.id, self.summary) = (id, summary);
        self
    }

    /// Sets the router.
    pub(super) fn of_area(self, area: Area) -> Self {
        Self { area, ..self }
    }

    /// Sets the statuses of success; 200 alone by default.
    pub(super) fn answers(mut self, answers: &'static [StatusCode]) -> Self {
        self.answers = answers;
        self
    }

    /// Adds the `ETag` of an incident to the response.
    pub(super) fn with_version(self) -> Self {
        self.with_header("ETag", "The version of the incident, for `If-Match`.")
    }

    pub(super) fn with_header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push((name, description));
        self
    }

    /// Adds a problem that the types do not imply.
    pub(super) fn may_answer(mut self, status: StatusCode, cause: &'static str) -> Self {
        self.problems.push((status, cause));
        self
    }

    pub(super) fn operation(&self, schemas: &mut Schemas) -> Operation {
        let mut operation = Operation::default();
        (self.describe)(&mut operation, schemas);
        for (name, description) in &self.headers {
            operation.answer_header(name, description);
        }
        for (status, cause) in &self.problems {
            operation.problem(*status, cause);
        }
        operation
    }
}

/// Sets the group and the router of some rows.
pub(super) fn group<const N: usize>(tag: &'static str, area: Area, rows: [Row; N]) -> [Row; N] {
    rows.map(|row| Row { tag, area, ..row })
}

impl Area {
    /// Returns `true` if the document describes the routes: pages for people are not an interface
    /// for programs.
    pub(super) const fn is_documented(self) -> bool {
        !matches!(self, Self::Web | Self::WebOpen | Self::Status)
    }
}
