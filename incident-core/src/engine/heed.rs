//! What vendors tell: taken in as facts, once each.

use std::sync::Arc;
use std::time::Duration;

use super::{Alarm, Ask, Error, IdempotencyKey, Incidents, Notice};
use crate::actor::{Actor, ActorKind, Caller, Role};
use crate::incident::{Command, Incident, Observation, Status, Update};
use crate::paging::{Heard, HeardWhat, OLDEST_HEARD, incident_of_key};
use crate::{IncidentId, PersonName, RuleName, Statement, Text};

/// Longer than [`OLDEST_HEARD`]: an event is forgotten only when it is too old
/// to be taken in again, whatever the clocks of both sides say.
const REMEMBERED: Duration = OLDEST_HEARD.saturating_mul(2);

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
    /// ([`heed`](super::IncidentsBuilder::heed)); the rest is an entry. The same
    /// event heard again changes nothing. What is not about an incident of ours,
    /// is our own echo, is older than [`OLDEST_HEARD`], or comes when the
    /// incident takes no more entries is [`Heeded::Nothing`]: answer it with
    /// success, or the vendor sends it again and at last stops sending.
    ///
    /// # Errors
    /// The store did not do it: let the vendor try again (HTTP: 503).
    pub async fn heed(&self, heard: &Heard) -> Result<Heeded, Error> {
        if heard.echo {
            return Ok(Heeded::Nothing("it repeats what was told the vendor"));
        }
        let Some((id, rule)) = heard.dedup_key.as_deref().and_then(incident_of_key) else {
            return Ok(Heeded::Nothing(
                "it is not about an incident of this system",
            ));
        };
        let oldest = self.0.now().saturating_sub(OLDEST_HEARD);
        if heard.at.is_some_and(|at| at < oldest) {
            return Ok(Heeded::Nothing("it is too old"));
        }
        let Some(incident) = self.find(id).await? else {
            return Ok(Heeded::Nothing("there is no such incident"));
        };
        let own = rule.is_none();
        let Some(command) = self.command_of(heard, &incident, rule) else {
            return Ok(Heeded::Nothing("it is nothing new"));
        };
        let ask = ask_of(heard, id);
        match self.act(&ask, id, &command).await {
            Ok(done) => {
                if !done.replayed {
                    self.warn_if_deserted(heard, &done.incident, own);
                }
                Ok(Heeded::Taken {
                    incident: done.incident,
                    repeated: done.replayed,
                })
            }
            Err(Error::Refused(_)) => Ok(Heeded::Nothing("the incident takes no such entry")),
            Err(Error::Forbidden(_)) => Ok(Heeded::Nothing("vendors may not do this")),
            Err(error) => Err(error),
        }
    }

    /// The alert of an incident that goes on, and that nobody has, rings no more.
    fn warn_if_deserted(&self, heard: &Heard, incident: &Incident, own: bool) {
        let over = heard.what == HeardWhat::Resolved && own;
        if !over || !incident.status.is_live() || incident.is_taken() {
            return;
        }
        tracing::error!(incident.id = %incident.id, vendor = %heard.vendor, "the alert of a live incident that nobody has was closed at the vendor");
        self.0.tell(&Notice {
            alarm: Some(Alarm::AlertClosedThere {
                incident_id: incident.id,
                vendor: heard.vendor.clone(),
            }),
            ..Notice::default()
        });
    }

    fn command_of(
        &self,
        heard: &Heard,
        incident: &Incident,
        rule: Option<RuleName>,
    ) -> Option<Command> {
        let policy = &self.0.settings.heed;
        // The vendor's clock may be ahead of ours.
        let at = heard.at.map(|at| at.min(self.0.now()));
        let live = incident.status.is_live();
        // Who was told beyond on-call neither takes the incident nor ends it.
        let own = rule.is_none();
        match heard.what {
            // We opened it ourselves, and its acceptance stands there already.
            HeardWhat::Opened => return None,
            HeardWhat::Acknowledged
                if own && policy.acknowledge && live && !incident.is_taken() =>
            {
                return Some(Command::Acknowledge { at });
            }
            HeardWhat::Resolved if own && policy.resolve && live => {
                let update = Update::to_status(statement(heard, None)?, Status::Resolved);
                return Some(Command::Update(Box::new(update)));
            }
            HeardWhat::Acknowledged
            | HeardWhat::Unacknowledged
            | HeardWhat::Resolved
            | HeardWhat::Merged
            | HeardWhat::Reopened
            | HeardWhat::Reassigned(_)
            | HeardWhat::Escalated(_)
            | HeardWhat::Reprioritised(_)
            | HeardWhat::Noted(_) => {}
        }
        Some(Command::Observe(Box::new(Observation {
            said: statement(heard, rule.as_ref())?,
            occurred_at: at,
            rule,
            alert: heard.what.shows(),
        })))
    }
}

fn statement(heard: &Heard, rule: Option<&RuleName>) -> Option<Statement> {
    let sentence = match rule {
        Some(rule) => format!("escalation {rule}: {}", heard.sentence()),
        None => heard.sentence(),
    };
    Statement::new(Text::cut(&sentence).as_str()).ok()
}

fn ask_of(heard: &Heard, id: IncidentId) -> Ask {
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
    Ask::by(caller)
        .with_key(IdempotencyKey {
            key: format!("heard {} {id}", heard.event_id),
            fingerprint: [0; 32],
        })
        .remembered_for(REMEMBERED)
}
