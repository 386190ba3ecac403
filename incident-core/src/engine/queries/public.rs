//! Queries of the public side: the page, the history, one incident.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::engine::{Error, Incidents, ReportsHandle};
use crate::incident::{Ending, Incident, MAX_PUBLIC_SOURCES, Status};
use crate::port::IncidentFilter;
use crate::status_page::{Chosen, HistoryIncident, PublicHistory, PublicPage, single_incident};
use crate::{IncidentId, PublicId, Timestamp};

/// Number of merged incidents that are read at a time.
const SOURCES_AT_A_TIME: usize = 4;

impl ReportsHandle<'_> {
    /// Builds the public page of every public incident that is live or was resolved or cancelled in
    /// the last 24 hours, with the updates of those that were merged into it. Callers cache it.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn public_page(self) -> Result<PublicPage, Error> {
        let this = self.0.begun();
        let mut page = Chosen::for_page(this.inner.now());
        this.each_public(page.since(), |one| page.add([one]))
            .await?;
        let sources = this.merged_incidents(page.sources()).await?;
        Ok(page.page(&sources, &this.inner.settings.names))
    }

    /// Builds the public history: every public incident that is live or was resolved or cancelled on
    /// one of the last [`HISTORY_DAYS`](crate::status_page::HISTORY_DAYS) days of UTC, with the
    /// updates of those that were merged into it. Callers cache it.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn public_history(self) -> Result<PublicHistory, Error> {
        let this = self.0.begun();
        let mut history = Chosen::for_history(this.inner.now());
        this.each_public(history.since(), |one| history.add([one]))
            .await?;
        let sources = this.merged_incidents(history.sources()).await?;
        Ok(history.history(&sources, &this.inner.settings.names))
    }

    /// Builds the public page and the public history from one pass over the incidents, so that they
    /// agree.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn public_pages(self) -> Result<(PublicPage, PublicHistory), Error> {
        let this = self.0.begun();
        let now = this.inner.now();
        let (mut page, mut history) = (Chosen::for_page(now), Chosen::for_history(now));
        let since = page.since().min(history.since());
        let add = |one: Arc<Incident>| {
            page.add([Arc::clone(&one)]);
            history.add([one]);
        };
        this.each_public(since, add).await?;
        let both = page.sources().union(&history.sources()).copied().collect();
        let sources = this.merged_incidents(both).await?;
        let names = &this.inner.settings.names;
        Ok((page.page(&sources, names), history.history(&sources, names)))
    }

    /// Finds a public incident of any age by its public id, with the updates of those that were
    /// merged into it.
    ///
    /// A public incident that was merged into another public one is shown in that one: it is
    /// returned, with its own id.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if no incident has the id, and in the same way if the one that
    /// has it is not public. Fails if the store did not answer.
    pub async fn public_incident(self, id: PublicId) -> Result<HistoryIncident, Error> {
        let this = self.0.begun();
        let shown = this.public_by_id(id).await?;
        let shown = shown.ok_or(Error::NotFound("incident"))?;
        let merged = shown.status_page.merged.iter().copied().collect();
        let sources = this.merged_incidents(merged).await?;
        let view = single_incident(&shown, &sources, &this.inner.settings.names);
        view.ok_or(Error::NotFound("incident"))
    }

    /// Builds the public view of an incident in a state that need not be stored, such as that after
    /// a [`PreparedCommand`](crate::engine::PreparedCommand): what the public page will show, made
    /// by the same function. Nothing if it is not public, or was merged.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn public_view(self, incident: &Incident) -> Result<Option<HistoryIncident>, Error> {
        let this = self.0.begun();
        let merged = incident.status_page.merged.iter().copied().collect();
        let sources = this.merged_incidents(merged).await?;
        let names = &this.inner.settings.names;
        Ok(single_incident(incident, &sources, names))
    }
}

impl Incidents {
    /// Passes every public incident that is live or ended after a time to `add`.
    async fn each_public(
        &self,
        since: Timestamp,
        mut add: impl FnMut(Arc<Incident>),
    ) -> Result<(), Error> {
        let filter = IncidentFilter {
            statuses: Status::ALL
                .into_iter()
                .filter(|status| *status != Status::Merged)
                .collect(),
            public_only: true,
            unresolved_at: Some(since),
            ..IncidentFilter::default()
        };
        let mut pages = self.pages(filter);
        while let Some(incident) = pages.next().await? {
            add(incident);
        }
        Ok(())
    }

    /// Loads the incident that shows what the public knows under an id, following merges.
    async fn public_by_id(&self, id: PublicId) -> Result<Option<Arc<Incident>>, Error> {
        let filter = IncidentFilter {
            public_id: Some(id),
            public_only: true,
            limit: 1,
            ..IncidentFilter::default()
        };
        let mut found = self.load_matching(&filter).await?.pop();
        for _ in 0..MAX_PUBLIC_SOURCES {
            let target = match found.as_ref().and_then(|one| one.ending.as_ref()) {
                Some(Ending::MergedInto(target)) => *target,
                Some(Ending::Cancelled(_)) | None => return Ok(found),
            };
            found = self.find(target).await?;
        }
        Ok(found)
    }

    /// Loads the merged incidents whose updates are also shown: at most [`MAX_PUBLIC_SOURCES`] for
    /// each incident that is.
    async fn merged_incidents(
        &self,
        ids: BTreeSet<IncidentId>,
    ) -> Result<Vec<Arc<Incident>>, Error> {
        let found: Vec<Option<Arc<Incident>>> = stream::iter(ids)
            .map(|id| self.find(id))
            .buffer_unordered(SOURCES_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }
}
