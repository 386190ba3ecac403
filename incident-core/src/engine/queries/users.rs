//! The export of the users whose data an incident lost.

use std::collections::BTreeMap;

use crate::actor::Action;
use crate::commit::Commit;
use crate::engine::{Error, ImpactRequest, Incidents, ReportsHandle, RequestContext};
use crate::impact::{ImpactQuery, TenantWindows};
use crate::incident::{LossState, Refusal};
use crate::{IncidentId, TenantId, UserId};

/// Number of users that a page of an export has at most.
pub const EXPORT_PAGE: usize = 10_000;

/// An export of users: the tenants of an incident one after the other, and the users of each, in the order of
/// the bytes of their names. It is read page by page, so that it needs little memory.
#[derive(Debug)]
pub struct UserExport {
    engine: Incidents,
    tenants: std::vec::IntoIter<TenantWindows>,
    /// The tenant whose users were listed last, if it has more.
    current: Option<(TenantWindows, String)>,
}

impl UserExport {
    /// Returns the next page: a tenant, and at most [`EXPORT_PAGE`] of its users. Returns `None` at
    /// the end.
    ///
    /// # Errors
    /// Fails if the usage source did not answer.
    pub async fn next(&mut self) -> Result<Option<(TenantId, Vec<UserId>)>, Error> {
        loop {
            let (tenant, after) = match self.current.take() {
                Some((tenant, after)) => (tenant, Some(after)),
                None => match self.tenants.next() {
                    Some(tenant) => (tenant, None),
                    None => return Ok(None),
                },
            };
            let query = ImpactQuery::new(vec![tenant.clone()]);
            let deadline = self.engine.inner.settings.usage_deadline;
            let usage = self.engine.usage()?;
            let page = usage.users(&query, after.as_deref(), EXPORT_PAGE, deadline);
            let page = page.await?;
            let name = tenant.tenant.clone();
            self.current = page.next.map(|next| (tenant, next));
            if !page.users.is_empty() {
                return Ok(Some((name, page.users)));
            }
        }
    }
}

impl ReportsHandle<'_> {
    /// Begins the export of every tenant's users with an event in the tenant's outage, for the host
    /// to write to. That it was begun is committed to the audit trail before it names anybody.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] if there is no such incident, and [`Error::NotConfigured`] if
    /// there is no usage source. Fails if a right is missing, no loss of data is confirmed, the
    /// incident hits all tenants and these cannot be listed, or the store did not commit.
    pub async fn export_users(
        self,
        context: &RequestContext,
        id: IncidentId,
    ) -> Result<UserExport, Error> {
        let this = self.0.begun_for(context);
        this.authorize_command(context, &[Action::ExportUsers], Some(id))
            .await?;
        let incident = this.get(id).await?;
        if incident.data_loss_state() != LossState::Confirmed {
            let refusal = Refusal::WrongState {
                code: "data_loss_not_confirmed",
                detail: "users are exported for lost data, and no loss of data is confirmed"
                    .to_owned(),
            };
            return Err(refusal.into());
        }
        this.usage()?;
        let now = this.inner.now();
        let outage = incident.outage(now);
        let query = this
            .asked(&incident, &outage, ImpactRequest::default())
            .await?;
        let tenants = query.tenants().to_vec();
        let detail = BTreeMap::from([("tenants".to_owned(), tenants.len().to_string())]);
        let commit = Commit {
            audit: vec![context.allowed(now, Some(id), Action::ExportUsers.name(), detail)],
            ..Commit::default()
        };
        this.store.commit(commit, this.left()?).await?;
        Ok(UserExport {
            engine: self.0.clone(),
            tenants: tenants.into_iter(),
            current: None,
        })
    }
}
