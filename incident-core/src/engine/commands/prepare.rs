//! A declaration inside the host's own transaction.

use std::sync::Arc;

use super::declare::{Declared, LiveOfAlert};
use super::stage::add_to;
use crate::commit::Commit;
use crate::engine::{EngineEvent, Error, Incidents, RequestContext};
use crate::incident::declare::rights_for_declare;
use crate::incident::{Declare, Incident, may_stand_for};
use crate::port::StoreError;

/// A declaration that is decided and not kept: the host hands it to its store's
/// `commit_in`, in a transaction of its own, so that its rows and the incident
/// are kept together or not at all.
#[derive(Clone, Debug)]
pub struct Prepared {
    incident: Arc<Incident>,
    commit: Commit,
    notice: EngineEvent,
}

impl Prepared {
    /// The incident as it will be.
    #[must_use]
    pub const fn incident(&self) -> &Arc<Incident> {
        &self.incident
    }

    /// What the store is to keep.
    #[must_use]
    pub const fn commit(&self) -> &Commit {
        &self.commit
    }
}

impl Incidents {
    /// Decides a declaration as [`declare`](Self::declare) does, and keeps
    /// nothing but the audit of a refusal and the number it takes.
    ///
    /// When the host's transaction is committed, call
    /// [`committed`](Self::committed): without it the page goes out at the next
    /// poll. What is not committed never was; its number stays unused.
    ///
    /// **Cancellation** is the host's: nothing here runs in a task of its own.
    /// A refusal of `commit_in` fails the host's transaction: roll it back. For
    /// [`IdempotencyKeyInUse`](crate::port::StoreError::IdempotencyKeyInUse) and
    /// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken), `declare` then
    /// gives the answer.
    ///
    /// # Errors
    /// As [`declare`](Self::declare), but for what only keeping can find.
    pub async fn prepare_declare(
        &self,
        context: &RequestContext,
        asked: &Declare,
    ) -> Result<Prepared, Error> {
        let this = self.begun();
        this.authorize_all(&context.caller, &rights_for_declare(asked), None)
            .await?;
        let mut live = this.live_of_alert(asked.alert_key.as_ref()).await?;
        let policy = &this.0.settings.policy;
        if live
            .kept
            .iter()
            .any(|one| may_stand_for(one, asked, policy))
        {
            // Not seen: keeping it answers that the alert is taken.
            live = LiveOfAlert::default();
        }
        let declared = this
            .decide_declare(context, asked, &live, &mut None)
            .await?;
        let Declared { mut commit, staged } = declared;
        let (first, notice) = add_to(&mut commit, staged);
        let Some(incident) = first else {
            return Err(StoreError::Refused("a commit without an incident").into());
        };
        Ok(Prepared {
            incident,
            commit,
            notice,
        })
    }

    /// Says that the host's transaction with this declaration is committed, or
    /// may be: listeners hear of it, and the relay is woken.
    pub fn committed(&self, prepared: &Prepared) {
        self.0.emit(&prepared.notice);
    }
}
