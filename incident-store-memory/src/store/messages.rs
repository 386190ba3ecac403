//! The outbox.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use incident_core::incident::{Incident, Severity};
use incident_core::outbox::{
    Backlog, Claim, DeadLetterFilter, JobOutcome, Lease, LeaseCompletion, Message, MessageBody,
};
use incident_core::paging::DeliveryLog;
use incident_core::port::{ClaimRequest, StoreError};
use incident_core::{IncidentId, MessageId, Timestamp};

#[derive(Debug)]
struct OutboxRow {
    message: Message,
    /// Its number in the order of commits and replays.
    ordinal: u64,
    token: u64,
    held: Option<(Lease, Timestamp)>,
    /// Set for a trigger or a resend that must not be claimed again.
    superseded: bool,
}

/// An incident, or none, and an ordering key: messages with the same one are done in order.
pub(super) type QueueKey = (Option<IncidentId>, String);

fn queue_key(message: &Message) -> QueueKey {
    (message.incident_id, message.ordering_key().into_owned())
}

/// Unfinished messages, in queues, and dead letters, which can be replayed.
#[derive(Debug, Default)]
pub(super) struct OutboxMessages {
    rows: BTreeMap<MessageId, OutboxRow>,
    queues: BTreeMap<QueueKey, VecDeque<MessageId>>,
    /// The oldest message of each queue, unless it is leased, by due time. One set per severity, so
    /// that a claim need not scan a whole alert storm.
    waiting: BTreeMap<Severity, BTreeSet<(Timestamp, MessageId)>>,
    /// Leased messages, by the end of their lease.
    held: BTreeSet<(Timestamp, MessageId)>,
    /// Dead letters by ordinal, each with the token of its last lease, from which a replay continues.
    given_up: BTreeMap<u64, (Message, u64)>,
    /// The ordinal of the newest message.
    newest: u64,
}

impl OutboxMessages {
    pub(super) fn add(&mut self, message: Message) {
        self.add_after(message, 0);
    }

    fn add_after(&mut self, message: Message, token: u64) {
        let (id, key) = (message.id, queue_key(&message));
        self.queues.entry(key.clone()).or_default().push_back(id);
        self.newest += 1;
        self.rows.insert(
            id,
            OutboxRow {
                message,
                ordinal: self.newest,
                token,
                held: None,
                superseded: false,
            },
        );
        self.enqueue_head(&key);
    }

    /// Adds the oldest message of a queue to those that wait, unless it is leased.
    fn enqueue_head(&mut self, key: &QueueKey) {
        let head = self.queues.get(key).and_then(VecDeque::front);
        if let Some(row) = head.and_then(|id| self.rows.get(id))
            && row.held.is_none()
        {
            let Message {
                id,
                priority,
                due_at,
                ..
            } = row.message;
            self.waiting
                .entry(priority)
                .or_default()
                .insert((due_at, id));
        }
    }

    fn dequeue_head(&mut self, priority: Severity, due_at: Timestamp, id: MessageId) {
        if let Some(waiting) = self.waiting.get_mut(&priority) {
            waiting.remove(&(due_at, id));
        }
    }

    pub(super) fn has(&self, id: MessageId) -> bool {
        self.rows.contains_key(&id) || self.is_given_up(id)
    }

    pub(super) fn supersede(&mut self, key: &QueueKey) {
        let mut over = Vec::new();
        for id in self.queues.get(key).into_iter().flatten() {
            if let Some(row) = self
                .rows
                .get_mut(id)
                .filter(|row| row.message.is_supersedable())
            {
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

    /// Sets an earlier due time for a message that is not leased, if it would be due later.
    pub(super) fn hasten(&mut self, id: MessageId, due_at: Timestamp) {
        let Some(row) = self.rows.get_mut(&id).filter(|row| row.held.is_none()) else {
            return;
        };
        let later = row.message.due_at;
        if later <= due_at {
            return;
        }
        row.message.due_at = due_at;
        let (priority, key) = (row.message.priority, queue_key(&row.message));
        self.dequeue_head(priority, later, id);
        self.enqueue_head(&key);
    }

    /// Claims the oldest unfinished message of each key, if it is due and not leased: worse
    /// severities first, then the longest overdue.
    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Vec<Claim> {
        let longest = request
            .now
            .saturating_add(request.lease_for.saturating_mul(2));
        self.reap(request.now, longest);
        let due = self.waiting.iter().flat_map(|(priority, waiting)| {
            let due = waiting.iter().take_while(|(due, _)| *due <= request.now);
            let due = due.filter(|(_, id)| !request.except.contains(id));
            due.map(move |(due, id)| (*priority, *due, *id))
        });
        let due: Vec<_> = due.take(request.limit).collect();
        let until = request.now.saturating_add(request.lease_for);
        let mut claims = Vec::new();
        for (priority, due_at, id) in due {
            self.dequeue_head(priority, due_at, id);
            if let Some(row) = self.rows.get_mut(&id) {
                row.token += 1;
                let lease = Lease {
                    owner: request.owner,
                    token: row.token,
                };
                row.held = Some((lease, until));
                self.held.insert((until, id));
                claims.push(Claim {
                    message: row.message.clone(),
                    lease,
                });
            }
        }
        claims
    }

    /// Ends leases that ran out, and those that reach further than any lease can, because the clock
    /// went back.
    fn reap(&mut self, now: Timestamp, longest: Timestamp) {
        let ran_out = self.held.iter().take_while(|(until, _)| *until <= now);
        let too_long = self.held.iter().rev();
        let too_long = too_long.take_while(|(until, _)| longest < *until);
        let over: Vec<MessageId> = ran_out.chain(too_long).map(|(_, id)| *id).collect();
        for id in over {
            self.release(id);
            if self.rows.get(&id).is_some_and(|row| row.superseded) {
                self.finish(id);
            }
        }
    }

    fn release(&mut self, id: MessageId) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        if let Some((_, until)) = row.held.take() {
            self.held.remove(&(until, id));
        }
        let key = queue_key(&row.message);
        self.enqueue_head(&key);
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.waiting.values().filter_map(BTreeSet::first);
        let held = self.held.first();
        waiting.chain(held).map(|(at, _)| *at).min()
    }

    /// Checks that the lease of a completion is still held.
    ///
    /// # Errors
    /// Returns [`StoreError::LeaseLost`] if it is not.
    pub(super) fn check(&self, settlement: &LeaseCompletion) -> Result<(), StoreError> {
        match self.rows.get(&settlement.message).and_then(|row| row.held) {
            Some((lease, _)) if lease == settlement.lease => Ok(()),
            _ => Err(StoreError::LeaseLost),
        }
    }

    pub(super) fn complete(&mut self, completion: LeaseCompletion) {
        let LeaseCompletion {
            message: id,
            lease: _,
            outcome,
        } = completion;
        match outcome {
            JobOutcome::Done | JobOutcome::Cancelled => self.finish(id),
            JobOutcome::DeadLettered { log } => {
                if let Some(row) = self.rows.get(&id) {
                    let message = Message {
                        log,
                        ..row.message.clone()
                    };
                    self.given_up.insert(row.ordinal, (message, row.token));
                }
                self.finish(id);
            }
            JobOutcome::Retry { due_at, log } => self.put_back(id, due_at, Some(log)),
            JobOutcome::Released { due_at } => self.put_back(id, due_at, None),
        }
    }

    fn put_back(&mut self, id: MessageId, due_at: Timestamp, log: Option<Vec<DeliveryLog>>) {
        if self.rows.get(&id).is_some_and(|row| row.superseded) {
            return self.finish(id);
        }
        if let Some(row) = self.rows.get_mut(&id) {
            row.message.due_at = due_at;
            if let Some(log) = log {
                row.message.log = log;
            }
        }
        self.release(id);
    }

    pub(super) fn backlog(&self) -> Backlog {
        let triggers = self.rows.values().filter(|row| row.message.is_trigger());
        let is_notice = |row: &&OutboxRow| matches!(row.message.body, MessageBody::Notice(_));
        let notices = self.rows.values().filter(is_notice);
        Backlog {
            unfinished: self.rows.len() as u64,
            given_up: self.given_up.len() as u64,
            oldest_page: triggers.map(|row| row.message.committed_at).min(),
            oldest_notice: notices.map(|row| row.message.committed_at).min(),
            clock_ahead: None,
        }
    }

    pub(super) fn given_up(&self, which: DeadLetterFilter) -> Vec<Message> {
        let wanted = |message: &&Message| match which {
            DeadLetterFilter::Incident(incident) => message.incident_id == Some(incident),
            DeadLetterFilter::NoIncident => message.incident_id.is_none(),
            DeadLetterFilter::Message(id) => message.id == id,
            DeadLetterFilter::First(_) => true,
        };
        let most = match which {
            DeadLetterFilter::First(most) => most,
            DeadLetterFilter::Incident(_)
            | DeadLetterFilter::NoIncident
            | DeadLetterFilter::Message(_) => usize::MAX,
        };
        let messages = self.given_up.values().map(|(message, _)| message);
        messages.filter(wanted).take(most).cloned().collect()
    }

    pub(super) fn is_given_up(&self, id: MessageId) -> bool {
        self.given_up.values().any(|(message, _)| message.id == id)
    }

    /// Moves a dead letter to the end of its key's queue.
    pub(super) fn replay(&mut self, id: MessageId, due_at: Timestamp) {
        let mut dead_letters = self.given_up.iter();
        let found = dead_letters.find(|(_, (message, _))| message.id == id);
        let Some(ordinal) = found.map(|(ordinal, _)| *ordinal) else {
            return;
        };
        let Some((message, token)) = self.given_up.remove(&ordinal) else {
            return;
        };
        let message = Message {
            due_at,
            log: Vec::new(),
            ..message
        };
        self.add_after(message, token);
    }

    /// Erases redacted text of an incident from messages that wait or are leased.
    pub(super) fn redact_waiting(&mut self, incident: &Incident) {
        let messages = self.rows.values_mut().map(|row| &mut row.message);
        messages
            .filter(|message| message.incident_id == Some(incident.id))
            .for_each(|message| message.body.redact(incident));
    }

    /// Erases redacted text of an incident from dead letters.
    pub(super) fn redact_given_up(&mut self, incident: &Incident) {
        let messages = self.given_up.values_mut().map(|(message, _)| message);
        messages
            .filter(|message| message.incident_id == Some(incident.id))
            .for_each(|message| message.body.redact(incident));
    }

    fn finish(&mut self, id: MessageId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        let (priority, due_at) = (row.message.priority, row.message.due_at);
        self.dequeue_head(priority, due_at, id);
        if let Some((_, until)) = row.held {
            self.held.remove(&(until, id));
        }
        let key = queue_key(&row.message);
        if let Some(queue) = self.queues.get_mut(&key) {
            queue.retain(|queued| *queued != id);
            if queue.is_empty() {
                self.queues.remove(&key);
            }
        }
        self.enqueue_head(&key);
    }
}
