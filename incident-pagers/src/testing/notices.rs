//! A mock receiver of notices: verifies signatures, and counts each notice once.

use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::MockVendor;
use super::book::{AlertBook, RecordedRequest};
use super::http::MockReply;
use super::rules::Rules;
use super::signature::is_signed;
use crate::SigningSecret;

/// A mock receiver of notices on a loopback port.
///
/// It stops when dropped, and takes the same [`Fault`](super::Fault)s as any [`MockVendor`]. A plan
/// is given the rule of a notice as its action, and its id as its key.
#[derive(Debug)]
pub struct NoticeReceiver {
    stand_in: MockVendor,
    counted: Arc<Mutex<Vec<CountedNotice>>>,
}

/// A notice that a mock receiver counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedNotice {
    /// The `webhook-id`.
    pub id: String,
    /// The body of its first attempt.
    pub body: Value,
    /// Number of attempts that were accepted, the first one included.
    pub times: usize,
}

impl NoticeReceiver {
    /// Starts a receiver that accepts notices signed with a secret.
    ///
    /// # Errors
    /// Fails if it cannot listen on a port.
    pub async fn start(secret: SigningSecret) -> io::Result<Self> {
        let counted = Arc::<Mutex<Vec<CountedNotice>>>::default();
        let rules = ReceiverRules {
            secret,
            counted: Arc::clone(&counted),
        };
        let stand_in = MockVendor::start(Box::new(rules)).await?;
        Ok(Self { stand_in, counted })
    }

    /// Returns the distinct notices that were accepted, in the order of their first attempts.
    #[must_use]
    pub fn counted(&self) -> Vec<CountedNotice> {
        lock(&self.counted).clone()
    }
}

impl Deref for NoticeReceiver {
    type Target = MockVendor;

    fn deref(&self) -> &MockVendor {
        &self.stand_in
    }
}

#[derive(Debug)]
struct ReceiverRules {
    secret: SigningSecret,
    counted: Arc<Mutex<Vec<CountedNotice>>>,
}

fn lock(counted: &Mutex<Vec<CountedNotice>>) -> MutexGuard<'_, Vec<CountedNotice>> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rules for ReceiverRules {
    fn attempt(&self, seen: &RecordedRequest) -> Option<(String, String)> {
        let rule = seen.json()?.get("rule")?.as_str()?.to_owned();
        Some((rule, seen.header("webhook-id")?.to_owned()))
    }

    fn account(&self, _seen: &RecordedRequest) -> Option<String> {
        Some(String::new())
    }

    fn taken(&self, _seen: &RecordedRequest) -> MockReply {
        MockReply::json(202, &json!({}))
    }

    fn throttled(&self, wait: Duration) -> MockReply {
        let mut reply = MockReply::json(429, &json!({"error": "too many requests"}));
        let seconds = wait.as_secs().saturating_add(1).to_string();
        reply.headers.push(("Retry-After".to_owned(), seconds));
        reply
    }

    fn handle(
        &mut self,
        seen: &RecordedRequest,
        _keys: Option<&[String]>,
        _book: &mut AlertBook,
    ) -> MockReply {
        if seen.method != "POST" {
            return MockReply::json(405, &json!({"error": "expected POST"}));
        }
        if !is_signed(seen, &self.secret) {
            return MockReply::json(401, &json!({"error": "the signature does not fit"}));
        }
        let id = seen.header("webhook-id").unwrap_or_default();
        let body = seen.json().filter(|body| body["id"] == id);
        let Some(body) = body else {
            return MockReply::json(422, &json!({"error": "expected a notice with this id"}));
        };
        let mut counted = lock(&self.counted);
        match counted.iter_mut().find(|one| one.id == id) {
            Some(known) => known.times += 1,
            None => counted.push(CountedNotice {
                id: id.to_owned(),
                body,
                times: 1,
            }),
        }
        MockReply::json(200, &json!({}))
    }
}
