//! Rights: what is refused is audited before it is answered.

use std::collections::BTreeMap;

use super::{Error, Incidents};
use crate::IncidentId;
use crate::actor::{Action, Caller};
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::Commit;

impl Incidents {
    /// Whether a caller may do something; a refusal is audited.
    ///
    /// Commands check by themselves. This is for what the host does around
    /// them: reads, and refusing before a body is even looked at.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; or the store did not take the audit entry.
    pub async fn authorize(
        &self,
        caller: &Caller,
        action: Action,
        incident: Option<IncidentId>,
    ) -> Result<(), Error> {
        self.begun()
            .authorize_all(caller, &[action], incident)
            .await
    }

    pub(super) async fn authorize_all(
        &self,
        caller: &Caller,
        actions: &[Action],
        incident: Option<IncidentId>,
    ) -> Result<(), Error> {
        let permissions = &self.0.settings.permissions;
        let Some(missing) = actions
            .iter()
            .find(|action| !permissions.allows(caller.role, **action))
        else {
            return Ok(());
        };
        let denied = AuditDraft {
            incident_id: incident,
            at: self.0.now(),
            actor: caller.actor.clone(),
            action: missing.name().to_owned(),
            outcome: AuditOutcome::Denied,
            detail: BTreeMap::from([("role".to_owned(), caller.role.to_string())]),
        };
        let commit = Commit {
            audit: vec![denied],
            ..Commit::default()
        };
        self.0.store.commit(commit, self.0.left()?).await?;
        Err(Error::Forbidden(*missing))
    }
}
