//! Authorization: a refusal is audited before it is returned. Repeated refusals are counted
//! instead, and summed up in one entry, so that a caller without rights cannot fill the audit
//! trail.

use std::collections::BTreeMap;

use crate::IncidentId;
use crate::actor::{Action, Caller};
use crate::audit::{AuditDraft, AuditOutcome};
use crate::commit::Commit;
use crate::engine::{Error, Incidents, RequestContext, WorkerHandle};

/// Maximum number of entries about refusals in one commit.
const ENTRIES_PER_COMMIT: usize = 100;

impl RequestContext {
    /// Checks that the caller may take an action; a refusal is audited.
    ///
    /// Commands check their actions themselves, except those that their context was authorized for
    /// already. This is for what the host does around them: reads, and refusals before a body is
    /// read.
    ///
    /// # Errors
    /// Returns [`Error::Forbidden`] if the role does not allow the action. Fails if the store did
    /// not take the audit entry.
    pub async fn authorize(
        &mut self,
        incidents: &Incidents,
        action: Action,
        incident: Option<IncidentId>,
    ) -> Result<(), Error> {
        let incidents = incidents.begun();
        incidents
            .authorize_all(&self.caller, &[action], incident)
            .await?;
        self.authorized = Some((self.caller.role, action));
        Ok(())
    }

    /// Returns `true` if the caller was authorized for an action already.
    fn permits(&self, action: Action) -> bool {
        self.authorized == Some((self.caller.role, action))
    }
}

impl WorkerHandle<'_> {
    /// Writes the audit entries of refusals that were only counted, of minutes that are over. Call
    /// it about once a minute; the loop of `incident-pagers` does.
    ///
    /// # Errors
    /// Fails if the store did not take the entries.
    pub async fn note_denials(self) -> Result<(), Error> {
        let this = self.0;
        let over = this.inner.denials.over(this.inner.now());
        self.0.begun().write_denials(over).await
    }
}

impl Incidents {
    /// Authorizes a command for all actions that it needs, except those that its caller was
    /// authorized for already.
    pub(in crate::engine) async fn authorize_command(
        &self,
        context: &RequestContext,
        actions: &[Action],
        incident: Option<IncidentId>,
    ) -> Result<(), Error> {
        let open = actions.iter().copied();
        let open: Vec<Action> = open.filter(|action| !context.permits(*action)).collect();
        self.authorize_all(&context.caller, &open, incident).await
    }

    pub(in crate::engine) async fn authorize_all(
        &self,
        caller: &Caller,
        actions: &[Action],
        incident: Option<IncidentId>,
    ) -> Result<(), Error> {
        let permissions = &self.inner.settings.permissions;
        let Some(missing) = actions
            .iter()
            .find(|action| !permissions.allows(caller.role, **action))
        else {
            return Ok(());
        };
        let now = self.inner.now();
        let (apart, summary) = self.inner.denials.note(&caller.actor, *missing, now);
        let denied = AuditDraft {
            incident_id: incident,
            at: now,
            actor: caller.actor.clone(),
            action: missing.name().to_owned(),
            outcome: AuditOutcome::Denied,
            detail: BTreeMap::from([("role".to_owned(), caller.role.to_string())]),
        };
        let audit = summary.into_iter().chain(apart.then_some(denied));
        self.write_denials(audit.collect()).await?;
        Err(Error::Forbidden(*missing))
    }

    /// Returns `true` if a caller may take an action. Nothing is audited: a page asks it to offer
    /// only what its reader may do.
    #[must_use]
    pub fn may(&self, caller: &Caller, action: Action) -> bool {
        self.inner.settings.permissions.allows(caller.role, action)
    }

    pub(in crate::engine) async fn write_denials(
        &self,
        mut audit: Vec<AuditDraft>,
    ) -> Result<(), Error> {
        while !audit.is_empty() {
            let rest = audit.split_off(audit.len().min(ENTRIES_PER_COMMIT));
            let commit = Commit {
                audit,
                ..Commit::default()
            };
            self.store.commit(commit, self.left()?).await?;
            audit = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Role;
    use crate::testing::caller;

    #[test]
    fn a_context_is_authorized_for_one_role_and_one_action() {
        let anna = caller("anna", Role::Admin).unwrap();
        let mut context = RequestContext::new(anna);
        assert!(!context.permits(Action::Declare));
        context.authorized = Some((Role::Admin, Action::Declare));
        assert!(context.permits(Action::Declare) && !context.permits(Action::Update));
        context.caller.role = Role::Viewer;
        assert!(!context.permits(Action::Declare));
    }
}
