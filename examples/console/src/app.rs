//! What every handler shares.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use incident_core::actor::Caller;
use incident_core::engine::{CommandOutcome, Incidents, RequestContext};
use incident_core::incident::Command;
use incident_core::port::UsageSink;
use incident_core::{IncidentId, failpoint};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedMutexGuard, RwLock};
use tokio::task::JoinHandle;

use crate::hooks::Hooks;
use crate::http::auth::Tokens;
use crate::http::body::{self, BODY_LIMIT};
use crate::http::coding;
use crate::http::conditions::{self, InFlight};
use crate::http::problem::Problem;
use crate::http::room::{Bodies, Room};
use crate::http::throttle::Throttle;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::public_cache::PublicCache;

/// A command that was begun.
#[derive(Debug)]
pub struct Begun<T>(JoinHandle<Result<T, Problem>>);

impl<T> Begun<T> {
    /// Waits for its end, once. A wait that was broken off may be begun again.
    ///
    /// # Errors
    /// The answer of the command; 500 where it panicked.
    pub async fn end(&mut self) -> Result<T, Problem> {
        match (&mut self.0).await {
            Ok(answer) => answer,
            Err(_) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "something went wrong here",
            )),
        }
    }
}

/// What every handler shares. One counter to clone: the public route is asked
/// by everybody.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The parts of an [`App`].
pub struct Shared {
    /// The engine.
    pub incidents: Incidents,
    /// Where usage events go.
    pub usage: Arc<dyn UsageSink>,
    /// `memory` or `postgres`.
    pub store: &'static str,
    /// Who may call.
    pub tokens: Tokens,
    /// The public page.
    pub public: Arc<PublicCache>,
    /// Where deep links lead.
    pub links: Links,
    /// What inbound hooks are proven with.
    pub hooks: Hooks,
    /// The metrics of this process, where a recorder is installed.
    pub metrics: Option<Metrics>,
    /// Requests that run under a key.
    pub in_flight: InFlight,
    /// Room for bodies.
    pub bodies: Bodies,
    /// Wrong tokens, by source.
    pub wrong_tokens: Throttle,
    /// Held for reading by every command that runs.
    running: Arc<RwLock<()>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.store)
            .field("incidents", &self.incidents)
            .finish_non_exhaustive()
    }
}

/// What callers meet: who may come in, and what they are shown beside incidents.
#[derive(Debug, Default)]
pub struct Front {
    /// Who may call.
    pub tokens: Tokens,
    /// Where deep links lead.
    pub links: Links,
    /// What inbound hooks are proven with.
    pub hooks: Hooks,
    /// The metrics of this process.
    pub metrics: Option<Metrics>,
}

/// A command's body, with who asks and on which conditions.
#[derive(Debug)]
pub struct Asked<T> {
    /// Who asks, and on which conditions.
    pub context: RequestContext,
    /// What is asked.
    pub body: T,
    /// The turn of its idempotency key.
    pub turn: Option<OwnedMutexGuard<()>>,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        incidents: Incidents,
        usage: Arc<dyn UsageSink>,
        store: &'static str,
        public: Arc<PublicCache>,
        front: Front,
    ) -> Self {
        let Front {
            tokens,
            links,
            hooks,
            metrics,
        } = front;
        Self(Arc::new(Shared {
            incidents,
            usage,
            store,
            tokens,
            public,
            links,
            hooks,
            metrics,
            in_flight: InFlight::default(),
            bodies: Bodies::default(),
            wrong_tokens: Throttle::default(),
            running: Arc::default(),
        }))
    }

    /// Reads a command that is JSON. `empty` stands for a body of no bytes.
    ///
    /// # Errors
    /// 400, 413, 415 or 422; or another request under the same key is running.
    pub async fn asked<T: DeserializeOwned>(
        &self,
        caller: Caller,
        request: Request,
        empty: Option<&'static str>,
    ) -> Result<Asked<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts, body, empty, &self.room(&parts)).await?;
        let value = body::json_object(&bytes)?;
        let (context, turn) = self.conditions(caller, &parts, &bytes).await?;
        Ok(Asked {
            context,
            body: value,
            turn,
        })
    }

    /// Returns the room that a request of a known caller has for its body: that which is
    /// held until its answer is made.
    #[must_use]
    pub fn room(&self, parts: &Parts) -> Room {
        let held = parts.extensions.get::<Room>();
        held.cloned().unwrap_or_else(|| self.bodies.known())
    }

    /// The conditions of a request: `If-Match` and `Idempotency-Key`.
    ///
    /// # Errors
    /// 400 where one cannot be read; 409 where the key is in flight.
    pub async fn conditions(
        &self,
        caller: Caller,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(RequestContext, Option<OwnedMutexGuard<()>>), Problem> {
        let if_version = conditions::if_match(&parts.headers)?;
        let key = conditions::idempotency(&parts.headers, &parts.method, parts.uri.path(), body)?;
        let turn = match &key {
            Some(key) => Some(
                self.in_flight
                    .enter(caller.actor.name.as_str(), &key.key)
                    .await?,
            ),
            None => None,
        };
        let mut context = RequestContext::new(caller);
        context.key = key;
        context.if_version = if_version;
        Ok((context, turn))
    }

    /// Runs a command to its end even if the client goes away: a handler that
    /// is dropped would drop a transaction in the middle.
    ///
    /// # Errors
    /// The answer of the command; 500 where it panicked.
    pub async fn run<T, F>(&self, command: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        self.begin(command).await.end().await
    }

    /// Begins a command, which runs to its end whoever waits for it.
    pub async fn begin<T, F>(&self, command: F) -> Begun<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let held = Arc::clone(&self.running).read_owned().await;
        Begun(tokio::spawn(async move {
            let answer = command.await;
            failpoint::hit("before_answer");
            drop(held);
            answer
        }))
    }

    /// Runs a command on an incident.
    ///
    /// # Errors
    /// Those of the engine, as problems.
    pub async fn act(
        &self,
        id: IncidentId,
        context: RequestContext,
        turn: Option<OwnedMutexGuard<()>>,
        command: Command,
    ) -> Result<CommandOutcome, Problem> {
        let incidents = self.incidents.clone();
        self.run(async move {
            let _turn = turn;
            Ok(incidents.act(&context, id, &command).await?)
        })
        .await
    }

    /// Waits until every command has ended.
    pub async fn finished(&self) {
        drop(self.running.write().await);
    }
}

async fn read(
    parts: &Parts,
    body: Body,
    empty: Option<&'static str>,
    room: &Room,
) -> Result<Bytes, Problem> {
    coding::must_be_plain(&parts.headers)?;
    let bytes = body::read(body, BODY_LIMIT, room).await?;
    match empty {
        Some(stand_in) if bytes.is_empty() => Ok(Bytes::from_static(stand_in.as_bytes())),
        _ => {
            body::must_be_json(&parts.headers)?;
            Ok(bytes)
        }
    }
}
