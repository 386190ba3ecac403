//! The policy in force: stored at the start, and the incidents that a new one moves.

use crate::Timestamp;
use crate::commit::Commit;
use crate::engine::{Error, Incidents, WorkerHandle};
use crate::policy::PolicyRecord;
use crate::port::{IncidentFilter, StoreError};

impl WorkerHandle<'_> {
    /// Stores the engine's policy as the one in force from now on, unless it is the newest one
    /// already, and sets the next firing of every incident with clocks by it.
    ///
    /// Call it once at the start, before [`fire_rules`](Self::fire_rules); the worker of
    /// `incident-pagers` does. It also finds incidents that an older version wrote, which knew no
    /// rules. Returns the number of incidents that were written.
    ///
    /// # Errors
    /// Fails if the policy was not stored or the store could not list the incidents. The failure of a
    /// single incident is logged, and the next pass tries it again.
    pub async fn enforce_policy(self) -> Result<usize, Error> {
        let this = self.0.on_relay();
        this.store_policy().await?;
        let with_clocks = IncidentFilter {
            with_clocks: true,
            ..IncidentFilter::default()
        };
        Ok(this.fire_matching(with_clocks).await?.written)
    }

    /// Returns the policy that was in force at a time; none if that was before the first one.
    ///
    /// # Errors
    /// Fails if the store did not answer.
    pub async fn policy_at(self, time: Timestamp) -> Result<Option<PolicyRecord>, Error> {
        let this = self.0.begun();
        Ok(this.store.policy_at(time, this.left()?).await?)
    }
}

impl Incidents {
    async fn store_policy(&self) -> Result<(), Error> {
        let record = PolicyRecord::new(&self.inner.settings.policy, self.inner.now());
        let record = record.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let timeout = self.inner.settings.store_deadline;
        let newest = self.store.policies(1, timeout).await?;
        if newest.iter().any(|stored| stored.hash == record.hash) {
            return Ok(());
        }
        let commit = Commit {
            policy: Some(record),
            ..Commit::default()
        };
        self.store.commit(commit, timeout).await?;
        Ok(())
    }
}
