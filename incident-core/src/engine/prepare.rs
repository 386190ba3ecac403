//! A declaration inside the host's own transaction.

use std::sync::Arc;

use super::gather::put;
use super::run::Declared;
use super::{Ask, Error, Incidents, Notice};
use crate::commit::Commit;
use crate::incident::{Declare, Incident};

/// A declaration that is decided and not kept: the host hands it to its store's
/// `commit_in`, in a transaction of its own, so that its rows and the incident
/// are kept together or not at all.
#[derive(Clone, Debug)]
pub struct Prepared {
    incident: Arc<Incident>,
    commit: Commit,
    notice: Notice,
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
    /// [`KeyTaken`](crate::port::StoreError::KeyTaken) and
    /// [`AlertKeyTaken`](crate::port::StoreError::AlertKeyTaken), `declare` then
    /// gives the answer.
    ///
    /// # Errors
    /// As [`declare`](Self::declare), but for what only keeping can find.
    pub async fn prepare_declare(&self, ask: &Ask, asked: &Declare) -> Result<Prepared, Error> {
        let Declared {
            mut commit,
            gathered,
            now: _,
        } = self.decide_declare(ask, asked).await?;
        let incident = Arc::clone(&gathered.write.after);
        let notice = Notice {
            incidents: vec![incident.id],
            outbox: !gathered.outbox.is_empty(),
            public: gathered.public,
            alarm: None,
        };
        put(&mut commit, gathered);
        Ok(Prepared {
            incident,
            commit,
            notice,
        })
    }

    /// Says that the host's transaction with this declaration is committed, or
    /// may be: listeners hear of it, and the relay is woken.
    pub fn committed(&self, prepared: &Prepared) {
        self.0.tell(&prepared.notice);
    }
}
