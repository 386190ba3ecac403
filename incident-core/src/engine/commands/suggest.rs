//! Suggestions, received and listed.

use std::collections::BTreeMap;

use crate::actor::Action;
use crate::commit::{Commit, SuggestionWrite};
use crate::engine::conflict::MAX_CONFLICT_RETRIES;
use crate::engine::{Error, Incidents, RequestContext, SignalsHandle};
use crate::idempotency::StoredResponse;
use crate::incident::{Declare, Refusal, Status};
use crate::port::{IncidentFilter, StoreError, SuggestionQuery};
use crate::suggestion::{Suggest, Suggestion, SuggestionState};
use crate::{IncidentId, SuggestionId, Timestamp, ValidationError};

/// Maximum number of suggestions that are open at a time. The list is read by a person; past some
/// hundreds the correlation engine is broken, and its noise must not fill the store.
pub const MAX_OPEN_SUGGESTIONS: u64 = 10_000;

/// Number of the newest suggestions among which open ones are sought.
const NEWEST: usize = 200;
/// Maximum number of open suggestions whose live incidents are sought at a time.
const SOUGHT: usize = 20;

/// The result of a suggestion.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suggested {
    /// The suggestion.
    pub suggestion: Suggestion,
    /// A live incident of the same service and tenant.
    pub live_incident: Option<IncidentId>,
    /// `true` if the request changed nothing: a suggestion stood for the same service and tenant
    /// before, or was already dismissed.
    pub repeated: bool,
    /// `true` if this is the response of an earlier request with the same key.
    pub replayed: bool,
}

impl SignalsHandle<'_> {
    /// Receives a suggestion. If one stands for the same service and tenant, that one is returned: it
    /// is open, or was dismissed in the last hour
    /// ([`DISMISSAL_TTL`](crate::suggestion::DISMISSAL_TTL)).
    ///
    /// # Errors
    /// Fails if a right is missing, a name is invalid, a time lies in the future, too many are open
    /// ([`MAX_OPEN_SUGGESTIONS`]), or the store did not commit. [`StoreError::Conflict`] means that
    /// the open one was used and redacted at this moment: try again.
    pub async fn suggest(
        self,
        context: &RequestContext,
        request: &Suggest,
    ) -> Result<Suggested, Error> {
        let this = self.0.begun_for(context);
        if let Some(answer) = this.suggested_before(context).await? {
            return Ok(answer);
        }
        this.authorize_command(context, &[Action::Suggest], None)
            .await?;
        let now = this.inner.now();
        let names = request.service.check("service");
        let names = names.and_then(|()| request.tenant.check("tenant"));
        let names = names.and_then(|()| request.signal.check("signal"));
        names.map_err(Refusal::from)?;
        crate::incident::not_future("observed_at", request.observed_at, now)
            .map_err(Refusal::from)?;
        let open = this.store.open_suggestions(now, this.left()?).await?;
        if open >= MAX_OPEN_SUGGESTIONS {
            return Err(too_many_open().into());
        }
        let id = SuggestionId::from_uuid(this.inner.ids.sortable(now));
        let fresh = Suggestion {
            id,
            request: request.clone(),
            received_at: now,
            used: false,
            dismissed_at: None,
        };
        let detail = BTreeMap::from([
            ("service".to_owned(), request.service.to_string()),
            ("tenant".to_owned(), request.tenant.to_string()),
        ]);
        let audit = context.allowed(now, None, Action::Suggest.name(), detail);
        let commit = |suggestion: Option<SuggestionWrite>, reply: StoredResponse| Commit {
            audit: vec![audit.clone()],
            suggestion,
            remember: context.record(reply, now),
            ..Commit::default()
        };
        let opened = StoredResponse::Suggestion {
            suggestion: fresh.clone(),
            repeated: false,
        };
        match this
            .store
            .commit(
                commit(Some(SuggestionWrite::Open(fresh.clone())), opened),
                this.left()?,
            )
            .await
        {
            Ok(_) => this.suggested(fresh, false, false).await,
            Err(StoreError::SuggestionOpen(id)) => {
                let open = this
                    .store
                    .suggestion(id, this.left()?)
                    .await?
                    .ok_or(Error::NotFound("suggestion"))?;
                let reply = StoredResponse::Suggestion {
                    suggestion: open.clone(),
                    repeated: true,
                };
                this.store.commit(commit(None, reply), this.left()?).await?;
                this.suggested(open, true, false).await
            }
            Err(StoreError::IdempotencyKeyInUse) => this
                .suggested_before(context)
                .await?
                .ok_or_else(|| StoreError::IdempotencyKeyInUse.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Dismisses an open suggestion: no incident is needed. A dismissed one is returned as it is.
    /// Repeats of it open no new suggestion for
    /// [`DISMISSAL_TTL`](crate::suggestion::DISMISSAL_TTL).
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is none of this id, and a [`Refusal::WrongState`] if it
    /// was used or has expired. Fails if the right is missing or the store did not commit.
    pub async fn dismiss_suggestion(
        self,
        context: &RequestContext,
        id: SuggestionId,
    ) -> Result<Suggested, Error> {
        let this = self.0.begun_for(context);
        if let Some(answer) = this.suggested_before(context).await? {
            return Ok(answer);
        }
        this.authorize_command(context, &[Action::DismissSuggestion], None)
            .await?;
        for _ in 0..MAX_CONFLICT_RETRIES {
            match this.try_dismiss(context, id).await {
                // Somebody else was faster: what became of it decides.
                Err(Error::Store(StoreError::SuggestionClosed | StoreError::Conflict)) => {}
                Err(Error::Store(StoreError::IdempotencyKeyInUse)) => {
                    return this
                        .suggested_before(context)
                        .await?
                        .ok_or_else(|| StoreError::IdempotencyKeyInUse.into());
                }
                other => return other,
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Loads a suggestion, with its state and the live incident of its service and tenant.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is none of this id. Fails if the store did not answer.
    pub async fn suggestion(self, id: SuggestionId) -> Result<(Suggested, SuggestionState), Error> {
        let this = self.0.begun();
        let found = this.store.suggestion(id, this.left()?).await?;
        let found = found.ok_or(Error::NotFound("suggestion"))?;
        let state = found.state(this.inner.now());
        Ok((this.suggested(found, false, false).await?, state))
    }

    /// Lists the suggestions that wait for a person, newest first, at most `limit`: those that are open
    /// and whose service and tenant have no live incident. Of the newest 200 suggestions, the 20
    /// newest open ones are considered.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn open_suggestions(self, limit: usize) -> Result<Vec<Suggestion>, Error> {
        let this = self.0.begun();
        let now = this.inner.now();
        let newest = SuggestionQuery {
            before: None,
            limit: NEWEST,
        };
        let found = this.store.suggestions(&newest, this.left()?).await?;
        let is_open = |one: &Suggestion| one.state(now) == SuggestionState::Open;
        let mut waiting = Vec::new();
        for suggestion in found.into_iter().filter(is_open).take(SOUGHT) {
            if waiting.len() == limit {
                break;
            }
            let suggested = this.suggested(suggestion, false, false).await?;
            if suggested.live_incident.is_none() {
                waiting.push(suggested.suggestion);
            }
        }
        Ok(waiting)
    }

    /// Lists suggestions, newest first, each with the live incident of its service and tenant.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn suggestions(
        self,
        query: &SuggestionQuery,
    ) -> Result<Vec<(Suggested, SuggestionState)>, Error> {
        let this = self.0.begun();
        let found = this.store.suggestions(query, this.left()?).await?;
        let mut answer = Vec::with_capacity(found.len());
        for suggestion in found {
            let state = suggestion.state(this.inner.now());
            answer.push((this.suggested(suggestion, false, false).await?, state));
        }
        Ok(answer)
    }
}

impl Incidents {
    async fn try_dismiss(
        &self,
        context: &RequestContext,
        id: SuggestionId,
    ) -> Result<Suggested, Error> {
        let found = self.store.suggestion(id, self.left()?).await?;
        let mut found = found.ok_or(Error::NotFound("suggestion"))?;
        let now = self.inner.now();
        let repeated = match found.state(now) {
            SuggestionState::Open => false,
            SuggestionState::Dismissed => true,
            SuggestionState::Used => return Err(suggestion_gone("used").into()),
            SuggestionState::Expired => return Err(suggestion_gone("expired").into()),
        };
        let mut commit = Commit::default();
        if !repeated {
            found.dismissed_at = Some(now);
            let detail = BTreeMap::from([
                ("service".to_owned(), found.request.service.to_string()),
                ("suggestion_id".to_owned(), id.to_string()),
                ("tenant".to_owned(), found.request.tenant.to_string()),
            ]);
            let name = Action::DismissSuggestion.name();
            commit.audit = vec![context.allowed(now, None, name, detail)];
            commit.suggestion = Some(SuggestionWrite::Dismiss(id, now));
        }
        let reply = StoredResponse::Suggestion {
            suggestion: found.clone(),
            repeated,
        };
        commit.remember = context.record(reply, now);
        self.store.commit(commit, self.left()?).await?;
        self.suggested(found, repeated, false).await
    }

    /// Returns the suggestion that a declaration uses, if it names one that is open.
    pub(in crate::engine) async fn usable_suggestion(
        &self,
        asked: &Declare,
        now: Timestamp,
    ) -> Result<Option<SuggestionWrite>, Error> {
        let Some(id) = asked.suggestion_id else {
            return Ok(None);
        };
        let unknown = || ValidationError::new("suggestion_id", "the id of an existing suggestion");
        let found = self
            .store
            .suggestion(id, self.left()?)
            .await?
            .ok_or_else(unknown)?;
        match found.state(now) {
            SuggestionState::Open => Ok(Some(SuggestionWrite::Use(id))),
            SuggestionState::Used => Err(suggestion_gone("used").into()),
            SuggestionState::Dismissed => Err(suggestion_gone("dismissed").into()),
            SuggestionState::Expired => Err(suggestion_gone("expired").into()),
        }
    }

    /// Returns the response that is stored under the key of a context, if any.
    async fn suggested_before(&self, context: &RequestContext) -> Result<Option<Suggested>, Error> {
        match self.recalled(context).await? {
            Some(StoredResponse::Suggestion {
                suggestion,
                repeated,
            }) => self.suggested(suggestion, repeated, true).await.map(Some),
            Some(_) => Err(Error::IdempotencyKeyMismatch),
            None => Ok(None),
        }
    }

    async fn suggested(
        &self,
        suggestion: Suggestion,
        repeated: bool,
        replayed: bool,
    ) -> Result<Suggested, Error> {
        let filter = IncidentFilter {
            statuses: Status::live(),
            tenant: Some(suggestion.request.tenant.to_string()),
            service: Some(suggestion.request.service.to_string()),
            limit: 1,
            ..IncidentFilter::default()
        };
        let found = self.list(&filter).await?;
        let live_incident = found.first().map(|one| one.id);
        Ok(Suggested {
            suggestion,
            live_incident,
            repeated,
            replayed,
        })
    }
}

fn too_many_open() -> Refusal {
    Refusal::WrongState {
        code: "too_many_suggestions",
        detail: format!(
            "{MAX_OPEN_SUGGESTIONS} suggestions are already open; declare an incident from one, dismiss some, or wait until some expire"
        ),
    }
}

pub(in crate::engine) fn suggestion_gone(how: &str) -> Refusal {
    Refusal::WrongState {
        code: "suggestion_not_open",
        detail: format!("the suggestion is {how}"),
    }
}
