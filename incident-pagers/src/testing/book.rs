//! What a stand-in keeps: alerts, wakes, requests.

use std::time::{Duration, Instant};

use serde_json::Value;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// It rings.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Closed,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The routing key or API key under which it was opened.
    pub account: String,
    /// The `dedup_key` or alias.
    pub key: String,
    /// Where it stands.
    pub state: AlertState,
    /// How often it was opened, repeats included.
    pub count: u32,
    /// The summary or message.
    pub summary: String,
    /// The severity or priority.
    pub severity: String,
    /// Notes that were added.
    pub notes: Vec<String>,
    /// Who acknowledged or closed it in the vendor's own app; none where a request
    /// or the time did.
    pub by: Option<String>,
    /// When it was opened.
    pub opened_at: Instant,
}

/// Somebody was woken: an alert opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WokenBy {
    /// When.
    pub at: Instant,
    /// The routing key or API key.
    pub account: String,
    /// The `dedup_key` or alias.
    pub key: String,
}

/// A request, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// When it had been read.
    pub at: Instant,
    /// `POST`, ...
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The status of the answer; none where none was sent.
    pub status: Option<u16>,
}

impl RecordedRequest {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(other, _)| other == name);
        header.map(|(_, value)| value.as_str())
    }

    /// The body, where it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Alerts and wakes of one vendor.
#[derive(Debug, Default)]
pub(super) struct AlertBook {
    pub(super) alerts: Vec<Alert>,
    pub(super) wakes: Vec<WokenBy>,
    /// Everything is taken, and nothing opened: a maintenance window.
    pub(super) suppressing: bool,
    /// After so long an alert closes by itself.
    pub(super) closes_after: Option<Duration>,
}

impl AlertBook {
    /// The alert of a key that is not closed: vendors deduplicate only those.
    pub(super) fn open(&mut self, account: &str, key: &str) -> Option<&mut Alert> {
        self.alerts.iter_mut().find(|alert| {
            alert.account == account && alert.key == key && alert.state != AlertState::Closed
        })
    }

    /// Closes what has been open for too long.
    pub(super) fn close_old(&mut self) {
        let Some(after) = self.closes_after else {
            return;
        };
        for alert in &mut self.alerts {
            if alert.opened_at.elapsed() >= after {
                alert.state = AlertState::Closed;
            }
        }
    }

    /// A person in the vendor's own app; whether there was an open alert.
    pub(super) fn touch(&mut self, key: &str, by: &str, state: AlertState) -> bool {
        let open = |alert: &&mut Alert| alert.key == key && alert.state != AlertState::Closed;
        let Some(alert) = self.alerts.iter_mut().find(open) else {
            return false;
        };
        alert.state = state;
        alert.by = Some(by.to_owned());
        true
    }

    /// Opens an alert and wakes somebody, or counts a repeat.
    pub(super) fn trigger(&mut self, mut new: Alert) {
        if let Some(open) = self.open(&new.account, &new.key) {
            open.count += 1;
            return;
        }
        if self.suppressing {
            return;
        }
        new.count = 1;
        self.wakes.push(WokenBy {
            at: Instant::now(),
            account: new.account.clone(),
            key: new.key.clone(),
        });
        self.alerts.push(new);
    }
}
