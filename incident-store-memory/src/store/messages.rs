//! The outbox.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use incident_core::outbox::{Claim, GivenUp, Lease, Message, Settled, Settlement};
use incident_core::port::{ClaimRequest, StoreError};
use incident_core::{IncidentId, MessageId, Timestamp};

#[derive(Debug)]
struct Row {
    message: Message,
    token: u64,
    held: Option<(Lease, Timestamp)>,
    /// A trigger that is not to be claimed again.
    superseded: bool,
}

/// Unfinished messages, in order per incident; and those given up, for a replay.
#[derive(Debug, Default)]
pub(super) struct Messages {
    rows: BTreeMap<MessageId, Row>,
    queues: BTreeMap<IncidentId, VecDeque<MessageId>>,
    given_up: Vec<Message>,
}

impl Messages {
    pub(super) fn add(&mut self, message: Message) {
        self.queues
            .entry(message.incident_id)
            .or_default()
            .push_back(message.id);
        self.rows.insert(
            message.id,
            Row {
                message,
                token: 0,
                held: None,
                superseded: false,
            },
        );
    }

    pub(super) fn has(&self, id: MessageId) -> bool {
        self.rows.contains_key(&id) || self.given_up.iter().any(|message| message.id == id)
    }

    pub(super) fn supersede_triggers(&mut self, incident: IncidentId) {
        let mut over = Vec::new();
        for id in self.queues.get(&incident).into_iter().flatten() {
            if let Some(row) = self.rows.get_mut(id).filter(|row| row.message.is_trigger()) {
                row.superseded = true;
                if row.held.is_none() {
                    over.push(*id);
                }
            }
        }
        for id in over {
            self.finish(id);
        }
    }

    /// The oldest unfinished message of each incident, where it is due and not
    /// held: worse severities first, then what is due longer.
    pub(super) fn claim(&mut self, request: ClaimRequest) -> Vec<Claim> {
        let longest = request
            .now
            .saturating_add(request.lease_for.saturating_mul(2));
        self.reap(request.now, longest);
        let heads = self.queues.values().filter_map(|queue| queue.front());
        let due = |row: &&Row| row.held.is_none() && row.message.due_at <= request.now;
        let mut ready: BTreeSet<_> = heads
            .filter_map(|id| self.rows.get(id))
            .filter(due)
            .map(|row| (row.message.lane, row.message.due_at, row.message.id))
            .collect();
        let mut claims = Vec::new();
        while claims.len() < request.limit {
            let Some((_, _, id)) = ready.pop_first() else {
                break;
            };
            if let Some(row) = self.rows.get_mut(&id) {
                row.token += 1;
                let lease = Lease {
                    owner: request.owner,
                    token: row.token,
                };
                row.held = Some((lease, request.now.saturating_add(request.lease_for)));
                claims.push(Claim {
                    message: row.message.clone(),
                    lease,
                });
            }
        }
        claims
    }

    /// Takes back leases that ran out, and those that reach further than any
    /// lease does, because the clock went back.
    fn reap(&mut self, now: Timestamp, longest: Timestamp) {
        let mut over = Vec::new();
        for (id, row) in &mut self.rows {
            if row
                .held
                .is_some_and(|(_, until)| until <= now || longest < until)
            {
                row.held = None;
                if row.superseded {
                    over.push(*id);
                }
            }
        }
        for id in over {
            self.finish(id);
        }
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let heads = self.queues.values().filter_map(|queue| queue.front());
        heads
            .filter_map(|id| self.rows.get(id))
            .map(|row| row.held.map_or(row.message.due_at, |(_, until)| until))
            .min()
    }

    /// Whether the settlement's lease is still held.
    pub(super) fn check(&self, settlement: &Settlement) -> Result<(), StoreError> {
        match self.rows.get(&settlement.message).and_then(|row| row.held) {
            Some((lease, _)) if lease == settlement.lease => Ok(()),
            _ => Err(StoreError::LeaseLost),
        }
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        let Settlement {
            message: id,
            lease: _,
            outcome,
        } = settlement;
        match outcome {
            Settled::Done | Settled::Superseded => self.finish(id),
            Settled::GivenUp { log } => {
                if let Some(row) = self.rows.get(&id) {
                    self.given_up.push(Message {
                        log,
                        ..row.message.clone()
                    });
                }
                self.finish(id);
            }
            Settled::Later { due_at, log } => {
                let superseded = self.rows.get(&id).is_some_and(|row| row.superseded);
                if superseded {
                    return self.finish(id);
                }
                if let Some(row) = self.rows.get_mut(&id) {
                    row.held = None;
                    row.message.due_at = due_at;
                    row.message.log = log;
                }
            }
        }
    }

    pub(super) fn given_up(&self, which: GivenUp) -> Vec<Message> {
        let wanted = |message: &&Message| match which {
            GivenUp::Of(incident) => message.incident_id == incident,
            GivenUp::One(id) => message.id == id,
        };
        self.given_up.iter().filter(wanted).cloned().collect()
    }

    pub(super) fn is_given_up(&self, id: MessageId) -> bool {
        self.given_up.iter().any(|message| message.id == id)
    }

    /// Puts a message that was given up at the end of its incident's queue.
    pub(super) fn replay(&mut self, id: MessageId, due_at: Timestamp) {
        let Some(place) = self.given_up.iter().position(|message| message.id == id) else {
            return;
        };
        let message = self.given_up.remove(place);
        self.add(Message {
            due_at,
            log: Vec::new(),
            ..message
        });
    }

    fn finish(&mut self, id: MessageId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&row.message.incident_id) {
            queue.retain(|queued| *queued != id);
            if queue.is_empty() {
                self.queues.remove(&row.message.incident_id);
            }
        }
    }
}
