//! Commands inside of a host's own transaction.

use super::declare::alert_claim;
use super::prepare::PreparedCommand;
use crate::IncidentId;
use crate::engine::{Error, Incidents, RequestContext};
use crate::incident::declare::rights_for_declare;
use crate::incident::{Command, Declare, may_stand_for};

impl PreparedCommand {
    /// Prepares a declaration, as [`Incidents::declare`] decides it. Commits nothing but the
    /// audit of a refusal and the number that the incident takes.
    ///
    /// # Errors
    /// As [`Incidents::declare`], but for what only committing can find.
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
            // Not seen: committing it answers that the alert is taken.
            claim = alert_claim(asked);
            live.clear();
        }
        let prepared = this
            .decide_declare(context, asked, claim, &live, &mut None)
            .await?;
        Ok(prepared.of(incidents))
    }

    /// Prepares a command on an incident, as [`Incidents::act`] decides it. Commits nothing but
    /// the audit of a refusal.
    ///
    /// # Errors
    /// As [`Incidents::act`], but for what only committing can find.
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
