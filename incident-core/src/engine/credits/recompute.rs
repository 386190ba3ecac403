//! Recomputation of the credits of a month, after a change of its terms or those of a tenant.

use std::collections::BTreeMap;

use super::decide::check_sla;
use super::incident::RecomputeContext;
use crate::actor::Action;
use crate::commit::Commit;
use crate::engine::{CreditsHandle, Error, RequestContext};
use crate::port::IncidentFilter;
use crate::{Month, ValidationError};

impl CreditsHandle<'_> {
    /// Recomputes the credits of a month under the terms that are configured now, and returns how
    /// many changed. These are the credits of every incident and period that has an outage in the
    /// month.
    ///
    /// Credits that were not issued are replaced; issued ones are reversed, beside a new row.
    /// Unchanged ones are left alone, so the call can be repeated, and goes on where it was
    /// interrupted.
    ///
    /// # Errors
    /// Fails if a right is missing, the month has not begun, an incident hits all tenants and these
    /// cannot be listed, or the store failed.
    pub async fn recompute(self, context: &RequestContext, month: Month) -> Result<usize, Error> {
        let this = self.0;
        this.authorize_command(context, &[Action::DecideCredit], None)
            .await?;
        check_sla(this)?;
        let now = this.inner.now();
        if !this.inner.settings.contracts.has_begun(month, now) {
            return Err(ValidationError::new("month", "a month that is not in the future").into());
        }
        let author = &context.caller.actor.name;
        let filter = IncidentFilter {
            touching: Some(this.inner.settings.contracts.widest(month)),
            ..IncidentFilter::default()
        };
        let mut changed = 0;
        let mut pages = this.pages(filter);
        while let Some(incident) = pages.next().await? {
            // An incident that goes on is credited when it ends.
            if incident.credit_revision == 0 || incident.is_provisional() {
                continue;
            }
            let audit =
                vec![context.allowed(now, Some(incident.id), "recompute_credits", BTreeMap::new())];
            let beside = RecomputeContext {
                audit,
                ..RecomputeContext::default()
            };
            changed += usize::from(
                this.recompute_incident_credits(incident.id, author, &[], beside)
                    .await?,
            );
        }
        changed += this
            .recompute_period_credits(author, None, month.window())
            .await?;
        let detail = BTreeMap::from([
            ("month".to_owned(), month.to_string()),
            ("changed".to_owned(), changed.to_string()),
        ]);
        let commit = Commit {
            audit: vec![context.allowed(now, None, "recompute_credits", detail)],
            ..Commit::default()
        };
        let timeout = this.left()?;
        this.store.commit(commit, timeout).await?;
        Ok(changed)
    }
}
