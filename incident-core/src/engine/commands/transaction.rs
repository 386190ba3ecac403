//! Commands inside a host's own transaction.

use super::declare::alert_claim;
use super::prepare::PreparedCommand;
use crate::IncidentId;
use crate::engine::{Error, Incidents, RequestContext};
use crate::incident::declare::rights_for_declare;
use crate::incident::{Command, Declare, may_stand_for};

impl PreparedCommand {
    /// Prepares a declaration, decided as by [`Incidents::declare`]. Commits only the audit of a
    /// refusal and the number that the incident takes.
    ///
    /// # Errors
    /// Fails as [`Incidents::declare`] does, except for what only a commit can find.
    pub async fn declare(
        incidents: &Incidents,
        context: &RequestContext,
        asked: &Declare,
    ) -> Result<Self, Error> {
        let this = incidents.begun_for(context);
        this.authorize_command(context, &rights_for_declare(asked), None)
            .await?;
        let mut claim = alert_claim(asked);
        let mut live = this.live_of_alert(claim.as_mut()).await?;
        let policy = &this.inner.settings.policy;
        if live.iter().any(|one| may_stand_for(one, asked, policy)) {
            // Claimed as unseen, so that the commit finds the alert taken.
            claim = alert_claim(asked);
            live.clear();
        }
        let prepared = this
            .decide_declare(context, asked, claim, &live, &mut None)
            .await?;
        Ok(prepared.of(incidents))
    }

    /// Prepares a command on an incident, decided as by [`Incidents::act`]. Commits only the audit
    /// of a refusal.
    ///
    /// # Errors
    /// Fails as [`Incidents::act`] does, except for what only a commit can find.
    pub async fn act(
        incidents: &Incidents,
        context: &RequestContext,
        id: IncidentId,
        command: &Command,
    ) -> Result<Self, Error> {
        let this = incidents.begun_for(context);
        let prepared = this.prepare_act(context, id, command).await?;
        Ok(prepared.of(incidents))
    }
}
