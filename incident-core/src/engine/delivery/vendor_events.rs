//! What vendors tell: taken in as facts, once each.

use std::sync::Arc;
use std::time::Duration;

use crate::actor::{Actor, ActorKind, Caller, Role};
use crate::engine::{
    Alarm, EngineEvent, Error, IdempotencyKey, Incidents, RequestContext, SignalsHandle,
};
use crate::incident::{Command, Incident, VendorReport};
use crate::paging::{MAX_VENDOR_EVENT_AGE, VendorEvent, VendorEventKind, incident_of_key};
use crate::{IncidentId, PersonName};

/// Longer than [`MAX_VENDOR_EVENT_AGE`]: an event is forgotten only when it is too old
/// to be taken in again, whatever the clocks of both sides say.
const REMEMBERED: Duration = MAX_VENDOR_EVENT_AGE.saturating_mul(2);

/// An event without a time counts as of now, so it never becomes too old: it is remembered
/// for ten years instead. PagerDuty gives every event a time; few have none.
const REMEMBERED_UNDATED: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What came of something heard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ingested {
    /// It stands in the timeline; whether for the first time.
    Applied {
        /// The incident afterwards.
        incident: Arc<Incident>,
        /// It was taken in before.
        repeated: bool,
    },
    /// It has no effect; why.
    Ignored(&'static str),
}

impl SignalsHandle<'_> {
    /// Takes in what a vendor tells. The caller has verified that it is the
    /// vendor: `incident_pagers::inbound` does.
    ///
    /// What it may change is policy
    /// ([`heed`](crate::engine::IncidentsBuilder::inbound_policy)); the rest is an entry. It is
    /// judged in the commit that keeps it, against the page of that moment: what
    /// is older than the page was about an earlier one, and is an entry and nothing
    /// else. The same event heard again changes nothing. What is not about an incident of ours,
    /// is our own echo, is older than [`MAX_VENDOR_EVENT_AGE`], or comes when the
    /// incident takes no more entries is [`Ingested::Ignored`]: answer it with
    /// success, or the vendor sends it again and at last stops sending.
    ///
    /// # Errors
    /// The store did not do it: let the vendor try again (HTTP: 503). [`Error::IdempotencyKeyMismatch`]: an
    /// event of this id was taken in before and said something else (HTTP: 409); there is an
    /// [`Alarm::EventChanged`] too.
    pub async fn vendor_event(self, event: &VendorEvent) -> Result<Ingested, Error> {
        let this = self.0;
        this.ingest_for(event, None).await
    }
}

impl Incidents {
    /// The same, for the answer to a question about one page as well.
    pub(in crate::engine) async fn ingest_for(
        &self,
        event: &VendorEvent,
        asked_of: Option<u32>,
    ) -> Result<Ingested, Error> {
        let this = self.begun();
        if event.echo {
            return Ok(Ingested::Ignored("it repeats what was told the vendor"));
        }
        let Some((id, rule)) = event.dedup_key.as_deref().and_then(incident_of_key) else {
            return Ok(Ingested::Ignored(
                "it is not about an incident of this system",
            ));
        };
        let oldest = this.inner.now().saturating_sub(MAX_VENDOR_EVENT_AGE);
        if event.at.is_some_and(|at| at < oldest) {
            return Ok(Ingested::Ignored("it is too old"));
        }
        if this.find(id).await?.is_none() {
            return Ok(Ingested::Ignored("there is no such incident"));
        }
        // We opened it ourselves, and its acceptance stands there already.
        if event.what == VendorEventKind::Opened {
            return Ok(Ingested::Ignored("it is nothing new"));
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
            Err(Error::Refused(_)) => Ok(Ingested::Ignored("the incident takes no such entry")),
            Err(Error::Forbidden(_)) => Ok(Ingested::Ignored("vendors may not do this")),
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
        tracing::error!(incident.id = %incident_id, %vendor, %event_id, "an event came again and says something else: somebody may hold the secret of the webhook");
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

/// Asks under a key that is made of the vendor's event, whoever acted there and whichever
/// incident it names; for an answer to a question, of the question.
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
            key: format!("heard {}{of}", event.event_id),
            fingerprint: event.digest,
        })
        .remembered_for(remembered)
}
