//! What vendors tell: taken in as facts, once each.

use std::sync::Arc;
use std::time::Duration;

use super::{Alarm, Ask, Error, IdempotencyKey, Incidents, Notice};
use crate::actor::{Actor, ActorKind, Caller, Role};
use crate::incident::{Command, Incident, VendorReport};
use crate::paging::{Heard, HeardWhat, OLDEST_HEARD, incident_of_key};
use crate::{IncidentId, PersonName};

/// Longer than [`OLDEST_HEARD`]: an event is forgotten only when it is too old
/// to be taken in again, whatever the clocks of both sides say.
const REMEMBERED: Duration = OLDEST_HEARD.saturating_mul(2);

/// An event without a time counts as of now, so it never becomes too old: it is remembered
/// for ten years instead. PagerDuty gives every event a time; few have none.
const REMEMBERED_UNDATED: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What came of something heard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Heeded {
    /// It stands in the timeline; whether for the first time.
    Taken {
        /// The incident afterwards.
        incident: Arc<Incident>,
        /// It was taken in before.
        repeated: bool,
    },
    /// It has no effect; why.
    Nothing(&'static str),
}

impl Incidents {
    /// Takes in what a vendor tells. The caller has verified that it is the
    /// vendor: `incident_pagers::inbound` does.
    ///
    /// What it may change is policy
    /// ([`heed`](super::IncidentsBuilder::heed)); the rest is an entry. It is
    /// judged in the commit that keeps it, against the page of that moment: what
    /// is older than the page was about an earlier one, and is an entry and nothing
    /// else. The same event heard again changes nothing. What is not about an incident of ours,
    /// is our own echo, is older than [`OLDEST_HEARD`], or comes when the
    /// incident takes no more entries is [`Heeded::Nothing`]: answer it with
    /// success, or the vendor sends it again and at last stops sending.
    ///
    /// # Errors
    /// The store did not do it: let the vendor try again (HTTP: 503). [`Error::KeyReused`]: an
    /// event of this id was taken in before and said something else (HTTP: 409); there is an
    /// [`Alarm::EventChanged`] too.
    pub async fn heed(&self, heard: &Heard) -> Result<Heeded, Error> {
        self.take_in(heard, None).await
    }

    /// The same, for the answer to a question about one page as well.
    pub(super) async fn take_in(
        &self,
        heard: &Heard,
        asked_of: Option<u32>,
    ) -> Result<Heeded, Error> {
        let this = self.begun();
        if heard.echo {
            return Ok(Heeded::Nothing("it repeats what was told the vendor"));
        }
        let Some((id, rule)) = heard.dedup_key.as_deref().and_then(incident_of_key) else {
            return Ok(Heeded::Nothing(
                "it is not about an incident of this system",
            ));
        };
        let oldest = this.0.now().saturating_sub(OLDEST_HEARD);
        if heard.at.is_some_and(|at| at < oldest) {
            return Ok(Heeded::Nothing("it is too old"));
        }
        if this.find(id).await?.is_none() {
            return Ok(Heeded::Nothing("there is no such incident"));
        }
        // We opened it ourselves, and its acceptance stands there already.
        if heard.what == HeardWhat::Opened {
            return Ok(Heeded::Nothing("it is nothing new"));
        }
        let report = VendorReport {
            heard: heard.clone(),
            rule,
            asked_of,
            may: this.0.settings.heed,
        };
        let command = Command::Report(Box::new(report));
        let ask = ask_of(heard, id, asked_of.is_some());
        match this.act(&ask, id, &command).await {
            Ok(done) => Ok(Heeded::Taken {
                incident: done.incident,
                repeated: done.replayed,
            }),
            Err(Error::Refused(_)) => Ok(Heeded::Nothing("the incident takes no such entry")),
            Err(Error::Forbidden(_)) => Ok(Heeded::Nothing("vendors may not do this")),
            Err(error) => {
                if matches!(error, Error::KeyReused) {
                    self.tell_changed(heard, id);
                }
                Err(error)
            }
        }
    }

    fn tell_changed(&self, heard: &Heard, incident_id: IncidentId) {
        let (vendor, event_id) = (heard.vendor.clone(), heard.event_id.clone());
        tracing::error!(incident.id = %incident_id, %vendor, %event_id, "an event came again and says something else: somebody may hold the secret of the webhook");
        self.0.tell(&Notice {
            alarm: Some(Alarm::EventChanged {
                incident_id,
                vendor,
                event_id,
            }),
            ..Notice::default()
        });
    }
}

/// Asks under a key that is made of the vendor's event, whoever acted there and whichever
/// incident it names; for an answer to a question, of the question.
fn ask_of(heard: &Heard, id: IncidentId, asked: bool) -> Ask {
    let who = match &heard.by {
        Some(by) => format!("{}:{by}", heard.vendor),
        None => heard.vendor.to_string(),
    };
    let name = PersonName::new(&who).or_else(|_| PersonName::new(heard.vendor.as_str()));
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
    let remembered = if heard.at.is_some() || asked {
        REMEMBERED
    } else {
        REMEMBERED_UNDATED
    };
    let vendor = PersonName::new(heard.vendor.as_str());
    Ask::by(caller)
        .with_key(IdempotencyKey {
            key: format!("heard {}{of}", heard.event_id),
            fingerprint: heard.digest,
        })
        .with_key_of(vendor.unwrap_or_else(|_| PersonName::pager()))
        .remembered_for(remembered)
}
