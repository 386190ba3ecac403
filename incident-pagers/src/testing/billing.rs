//! A mock billing system: verifies signatures, remembers keys for a while, and has a ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incident_core::CreditId;
use incident_core::billing::BilledCredit;
use serde::Deserialize;
use serde_json::json;

use super::MockVendor;
use super::book::{AlertBook, RecordedRequest};
use super::http::MockReply;
use super::rules::Rules;
use super::signature::is_signed;
use crate::SigningSecret;
use crate::billing::wire::{Held, LookupAnswer, LookupQuery};

/// A mock billing system on a loopback port.
///
/// It stops when dropped, and takes the same [`Fault`](super::Fault)s as any [`MockVendor`].
#[derive(Debug)]
pub struct Billing {
    stand_in: MockVendor,
    books: Arc<Mutex<Books>>,
}

#[derive(Debug, Default)]
struct Books {
    /// Every booked credit, in order. A credit that came twice is listed twice.
    ledger: Vec<BilledCredit>,
    /// The bodies of the batches whose keys are known.
    known: BTreeMap<String, Vec<u8>>,
    /// The bodies of all batches, by key, known or forgotten.
    bodies: BTreeMap<String, BTreeSet<Vec<u8>>>,
    can_be_asked: bool,
}

impl Billing {
    /// Starts a billing system that accepts batches signed with a secret.
    ///
    /// # Errors
    /// Fails if it cannot listen on a port.
    pub async fn start(secret: SigningSecret) -> io::Result<Self> {
        let books = Arc::new(Mutex::new(Books {
            can_be_asked: true,
            ..Books::default()
        }));
        let rules = BillingRules {
            secret,
            books: Arc::clone(&books),
        };
        let stand_in = MockVendor::start(Box::new(rules)).await?;
        Ok(Self { stand_in, books })
    }

    /// Returns every booked credit, in order. A credit that came twice is listed twice.
    #[must_use]
    pub fn ledger(&self) -> Vec<BilledCredit> {
        self.books().ledger.clone()
    }

    /// Removes every idempotency key, as after its window.
    pub fn forget_keys(&self) {
        self.books().known.clear();
    }

    /// Sets whether lookups are answered. If not, they get a 404.
    pub fn supports_lookup(&self, can: bool) {
        self.books().can_be_asked = can;
    }

    /// Adds a credit to the ledger without a request, as an operator of the billing system might.
    pub fn book(&self, credit: BilledCredit) {
        self.books().ledger.push(credit);
    }

    /// Removes a credit from the ledger.
    pub fn unbook(&self, key: CreditId) {
        self.books().ledger.retain(|one| one.key != key);
    }

    /// Counts the batches that came with different bytes under one key. It must be 0.
    #[must_use]
    pub fn altered(&self) -> usize {
        let books = self.books();
        books.bodies.values().filter(|all| all.len() > 1).count()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Billing {
    type Target = MockVendor;

    fn deref(&self) -> &MockVendor {
        &self.stand_in
    }
}

#[derive(Debug)]
struct BillingRules {
    secret: SigningSecret,
    books: Arc<Mutex<Books>>,
}

#[derive(Deserialize)]
struct ReceivedPayload {
    data: ReceivedData,
}

#[derive(Deserialize)]
struct ReceivedData {
    credits: Vec<BilledCredit>,
}

impl Rules for BillingRules {
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)> {
        let action = if seen.target.ends_with("/status") {
            "status"
        } else {
            "submit"
        };
        Some((action.to_owned(), seen.header("webhook-id")?.to_owned()))
    }

    fn account(&self, _seen: &RecordedRequest) -> Option<String> {
        None
    }

    fn taken(&self, _seen: &RecordedRequest) -> MockReply {
        MockReply::json(202, &json!({}))
    }

    fn throttled(&self, _wait: Duration) -> MockReply {
        MockReply::json(429, &json!({"error": "too many requests"}))
    }

    fn handle(
        &mut self,
        seen: &RecordedRequest,
        _keys: Option<&[String]>,
        _book: &mut AlertBook,
    ) -> MockReply {
        if !is_signed(seen, &self.secret) {
            return MockReply::json(401, &json!({"error": "the signature does not fit"}));
        }
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.target.ends_with("/status") {
            return books.status(seen);
        }
        books.submit(seen)
    }
}

impl Books {
    fn submit(&mut self, seen: &RecordedRequest) -> MockReply {
        let Ok(payload) = serde_json::from_slice::<ReceivedPayload>(&seen.body) else {
            return MockReply::json(422, &json!({"error": "this is no batch of credits"}));
        };
        let id = seen
            .header("idempotency-key")
            .unwrap_or_default()
            .to_owned();
        let bodies = self.bodies.entry(id.clone()).or_default();
        bodies.insert(seen.body.clone());
        if let Some(body) = self.known.get(&id) {
            return if *body == seen.body {
                MockReply::json(200, &json!({}))
            } else {
                MockReply::json(422, &json!({"error": "another batch has this key"}))
            };
        }
        self.known.insert(id, seen.body.clone());
        self.ledger.extend(payload.data.credits);
        MockReply::json(200, &json!({}))
    }

    fn status(&self, seen: &RecordedRequest) -> MockReply {
        if !self.can_be_asked {
            return MockReply::json(404, &json!({"error": "not found"}));
        }
        let Ok(question) = serde_json::from_slice::<LookupQuery>(&seen.body) else {
            return MockReply::json(422, &json!({"error": "this is no question"}));
        };
        let wanted = |one: &&BilledCredit| match &question {
            LookupQuery::Keys(keys) => keys.contains(&one.key),
            LookupQuery::Period(period) => one.period == *period,
        };
        let held = self.ledger.iter().filter(wanted).map(|one| Held {
            key: one.key,
            credit_percent: one.credit_percent,
            amount: one.amount,
        });
        let answer = LookupAnswer {
            held: held.collect(),
        };
        match serde_json::to_value(answer) {
            Ok(answer) => MockReply::json(200, &answer),
            Err(_) => MockReply::json(500, &json!({"error": "the ledger cannot be written"})),
        }
    }
}
