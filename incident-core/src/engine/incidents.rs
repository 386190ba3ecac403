//! The handle that hosts hold.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::state::Inner;
use crate::port::Store;

/// The incident engine, cheap to clone.
///
/// ```
/// use std::sync::Arc;
/// use incident_core::actor::{Caller, Role};
/// use incident_core::engine::{Incidents, RequestContext};
/// use incident_core::incident::{Declare, Severity, Status, Update};
/// # use incident_core::port::{Pager, Store};
/// # async fn respond(store: Arc<dyn Store>, pager: Arc<dyn Pager>) -> Result<(), Box<dyn std::error::Error>> {
/// let incidents = Incidents::builder(store).pager(pager).build()?;
/// let context = RequestContext::new(Caller::person("anna".parse()?, Role::Responder));
///
/// let down = Declare::new("API down".parse()?, Severity::Sev2);
/// let declared = incidents.declare(&context, &down).await?;
///
/// let fixed = Update::to_status("rolled back".parse()?, Status::Resolved);
/// incidents.act(&context, declared.incident.id, &fixed.into()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Incidents {
    pub(super) inner: Arc<Inner>,
    /// The store that this handle works through: that of requests, or that of the relay.
    pub(super) store: Arc<dyn Store>,
    /// The deadline of the running call, on the steady clock; none if no caller waits.
    pub(super) deadline: Option<Duration>,
}

impl fmt::Debug for Incidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Incidents {
    /// Returns a handle for the work of the relay: its loads and commits do not wait for
    /// connections that requests and queries hold.
    pub(super) fn on_relay(&self) -> Self {
        Self {
            store: Arc::clone(&self.inner.relay),
            ..self.clone()
        }
    }
}
