//! Vendor events: ingested as facts, once each.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Actor, ActorKind, Caller, Role};
use crate::engine::{
    Alarm, EngineEvent, Error, IdempotencyKey, Incidents, RequestContext, SignalsHandle,
};
use crate::incident::{Command, Incident, VendorReport};
use crate::paging::{MAX_VENDOR_EVENT_AGE, VendorEvent, VendorEventKind, incident_of_key};
use crate::{IncidentId, PersonName};

/// Time for which a vendor event is remembered. It is longer than [`MAX_VENDOR_EVENT_AGE`]: an
/// event is forgotten only when it is too old to be ingested again, whatever the clocks of both
/// sides say.
const REMEMBERED: Duration = MAX_VENDOR_EVENT_AGE.saturating_mul(2);

/// Time for which an event without a time is remembered: it counts as of now, so it never becomes
/// too old. PagerDuty gives every event a time; few have none.
const REMEMBERED_UNDATED: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The outcome of a vendor event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ingested {
    /// The event is in the timeline.
    Applied {
        /// The incident after the event.
        incident: Arc<Incident>,
        /// `true` if it was ingested before.
        repeated: bool,
    },
    /// The event has no effect, for this reason.
    Ignored(&'static str),
}

impl SignalsHandle<'_> {
    /// Ingests a vendor event. The caller has verified that it is from the vendor:
    /// `incident_pagers::inbound` does.
    ///
    /// The policy says what it may change
    /// ([`inbound_policy`](crate::engine::IncidentsBuilder::inbound_policy)); the rest is a
    /// timeline entry. This is decided in its commit, against the page of that moment: an event
    /// that is older than the page was about an earlier one, and is only an entry. A repeated event
    /// changes nothing.
    ///
    /// An event is [`Ingested::Ignored`] if it is not about an incident of this system, only says
    /// that an alert was opened, is an echo of our own request, is older than
    /// [`MAX_VENDOR_EVENT_AGE`], or comes when the incident takes no more entries. Answer it with
    /// success, or the vendor repeats it and at last stops sending.
    ///
    /// # Errors
    /// Fails if store error: let the vendor try again (HTTP: 503). Returns
    /// [`Error::IdempotencyKeyMismatch`] if an event of this id was ingested before with different
    /// content (HTTP: 409), and raises an [`Alarm::EventChanged`].
    pub async fn vendor_event(self, event: &VendorEvent) -> Result<Ingested, Error> {
        let this = self.0;
        this.ingest_for(event, None).await
    }
}

impl Incidents {
    /// Ingests a vendor event, or the answer to a poll about the page of the epoch `asked_of`.
    pub(in crate::engine) async fn ingest_for(
        &self,
        event: &VendorEvent,
        asked_of: Option<u32>,
    ) -> Result<Ingested, Error> {
        let this = self.begun();
        if event.echo {
            return Ok(Ingested::Ignored(
                "the event reports an action of this system",
            ));
        }
        let Some((id, rule)) = event.dedup_key.as_deref().and_then(incident_of_key) else {
            return Ok(Ingested::Ignored(
                "the event is not about an incident of this system",
            ));
        };
        let oldest = this.inner.now().saturating_sub(MAX_VENDOR_EVENT_AGE);
        if event.at.is_some_and(|at| at < oldest) {
            return Ok(Ingested::Ignored("the event is too old"));
        }
        if this.find(id).await?.is_none() {
            return Ok(Ingested::Ignored("the incident does not exist"));
        }
        // This engine opened the alert, and its acceptance is in the timeline already.
        if event.what == VendorEventKind::Opened {
            return Ok(Ingested::Ignored("the event changes nothing"));
        }
        let report = VendorReport {
            event: event.clone(),
            rule,
            polled_epoch: asked_of,
            policy: this.inner.settings.inbound,
        };
        let command = Command::Report(Box::new(report));
        let context = context_of(event, id, asked_of.is_some());
        match this.act(&context, id, &command).await {
            Ok(done) => Ok(Ingested::Applied {
                incident: done.incident,
                repeated: done.replayed,
            }),
            Err(Error::Refused(_)) => Ok(Ingested::Ignored(
                "the incident does not accept this event in its status",
            )),
            Err(Error::Forbidden(_)) => Ok(Ingested::Ignored("vendors may not make this change")),
            Err(error) => {
                if matches!(error, Error::IdempotencyKeyMismatch) {
                    self.emit_changed(event, id);
                }
                Err(error)
            }
        }
    }

    fn emit_changed(&self, event: &VendorEvent, incident_id: IncidentId) {
        let (vendor, event_id) = (event.vendor.clone(), event.event_id.clone());
        tracing::error!(incident.id = %incident_id, %vendor, %event_id, "an event id was reused with different content; the webhook secret may be compromised");
        self.inner.emit(&EngineEvent {
            alarm: Some(Alarm::EventChanged {
                incident_id,
                vendor,
                event_id,
            }),
            ..EngineEvent::default()
        });
    }
}

/// Creates the context of a vendor event. Its key is made of the vendor's event id, independent of
/// the person and the incident; for the answer to a poll, of the incident too.
fn context_of(event: &VendorEvent, id: IncidentId, asked: bool) -> RequestContext {
    let who = match &event.by {
        Some(by) => format!("{}:{by}", event.vendor),
        None => event.vendor.to_string(),
    };
    let name = PersonName::new(&who).or_else(|_| PersonName::new(event.vendor.as_str()));
    let actor = Actor {
        kind: ActorKind::Integration,
        name: name.unwrap_or_else(|_| PersonName::pager()),
    };
    let caller = Caller {
        actor,
        role: Role::Responder,
    };
    let of = if asked {
        format!(" {id}")
    } else {
        String::new()
    };
    let remembered = if event.at.is_some() || asked {
        REMEMBERED
    } else {
        REMEMBERED_UNDATED
    };
    let vendor = PersonName::new(event.vendor.as_str());
    RequestContext::new(caller)
        .with_key(IdempotencyKey {
            actor: vendor.unwrap_or_else(|_| PersonName::pager()),
            key: format!("vendor event {}{of}", event.event_id),
            fingerprint: event.digest,
        })
        .remembered_for(remembered)
}
