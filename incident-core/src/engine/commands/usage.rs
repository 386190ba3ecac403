//! Usage events, recorded once per idempotency key.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ValidationError;
use crate::actor::Action;
use crate::commit::Commit;
use crate::engine::{Error, RequestContext, SignalsHandle};
use crate::idempotency::StoredResponse;
use crate::impact::{ApiUsageEvent, UsageDays};
use crate::port::UsageSink;

/// The result of recording usage events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct UsageAccepted {
    /// Number of events that were recorded.
    pub accepted: u64,
    /// `true` if this is the response of an earlier request with the same key.
    #[serde(skip)]
    pub replayed: bool,
}

impl SignalsHandle<'_> {
    /// Records a batch of usage events in a sink, and audits it.
    ///
    /// The sink is not the store: events are recorded first, and the response is stored after that.
    /// A crash in between repeats them, which changes no count.
    ///
    /// # Errors
    /// Fails if a right is missing, an event is invalid, the events lie on too many days, or the
    /// sink or the store did not take them.
    pub async fn record_usage(
        self,
        context: &RequestContext,
        sink: &dyn UsageSink,
        events: Vec<ApiUsageEvent>,
    ) -> Result<UsageAccepted, Error> {
        let this = self.0;
        if let Some(reply) = this.recalled(context).await? {
            let StoredResponse::Accepted(accepted) = reply else {
                return Err(Error::IdempotencyKeyMismatch);
            };
            return Ok(UsageAccepted {
                accepted,
                replayed: true,
            });
        }
        this.authorize_command(context, &[Action::RecordUsage], None)
            .await?;
        let mut days = UsageDays::default();
        for (nth, event) in events.iter().enumerate() {
            let at = |wrong: ValidationError| {
                let field = format!("{nth}/{}", wrong.field());
                wrong.at(field)
            };
            days.add(event.occurred_at).map_err(at)?;
            event.check().map_err(at)?;
        }
        let accepted = u64::try_from(events.len()).unwrap_or(u64::MAX);
        sink.record(events, this.inner.settings.usage_deadline)
            .await?;
        let now = this.inner.now();
        let detail = BTreeMap::from([("events".to_owned(), accepted.to_string())]);
        let commit = Commit {
            audit: vec![context.allowed(now, None, Action::RecordUsage.name(), detail)],
            remember: context.record(StoredResponse::Accepted(accepted), now),
            ..Commit::default()
        };
        this.store
            .commit(commit, this.inner.settings.store_deadline)
            .await?;
        Ok(UsageAccepted {
            accepted,
            replayed: false,
        })
    }
}
