//! Records of a mock vendor: alerts, wakes, requests.

use std::time::{Duration, Instant};

use serde_json::Value;

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// The alert is open, and no one has acknowledged it.
    Open,
    /// The alert is acknowledged.
    Acknowledged,
    /// The alert is closed.
    Closed,
}

/// An alert at a mock vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The routing key or API key under which it was opened.
    pub account: String,
    /// The `dedup_key` or alias.
    pub key: String,
    /// The state of the alert.
    pub state: AlertState,
    /// Number of times it was opened, repeats included.
    pub count: u32,
    /// The summary or message.
    pub summary: String,
    /// The severity or priority.
    pub severity: String,
    /// Notes that were added.
    pub notes: Vec<String>,
    /// The person who acknowledged or closed it in the vendor's own app; `None` if a request or a
    /// timeout did.
    pub by: Option<String>,
    /// Time at which it was opened.
    pub opened_at: Instant,
}

/// A wake: an alert opened, and a person was woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WokenBy {
    /// Time of the wake.
    pub at: Instant,
    /// The routing key or API key.
    pub account: String,
    /// The `dedup_key` or alias.
    pub key: String,
}

/// A request, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// Time at which it was read completely.
    pub at: Instant,
    /// The method, such as `POST`.
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// Header names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The status of the answer; `None` if none was sent.
    pub status: Option<u16>,
}

impl RecordedRequest {
    /// Returns the value of a header. `name` is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(other, _)| other == name);
        header.map(|(_, value)| value.as_str())
    }

    /// Returns the body, if it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The alerts and wakes of one vendor.
#[derive(Debug, Default)]
pub(super) struct AlertBook {
    pub(super) alerts: Vec<Alert>,
    pub(super) wakes: Vec<WokenBy>,
    /// If `true`, requests are accepted and open no alert, as in a maintenance window.
    pub(super) suppressing: bool,
    /// Time after which an alert closes by itself.
    pub(super) closes_after: Option<Duration>,
}

impl AlertBook {
    /// Returns the alert of a key that is not closed: vendors deduplicate only those.
    pub(super) fn open(&mut self, account: &str, key: &str) -> Option<&mut Alert> {
        self.alerts.iter_mut().find(|alert| {
            alert.account == account && alert.key == key && alert.state != AlertState::Closed
        })
    }

    /// Closes alerts that were opened `closes_after` ago or earlier.
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

    /// Sets the state of an alert as a person in the vendor's own app does. Returns `false` if
    /// there is no open alert of the key.
    pub(super) fn touch(&mut self, key: &str, by: &str, state: AlertState) -> bool {
        let open = |alert: &&mut Alert| alert.key == key && alert.state != AlertState::Closed;
        let Some(alert) = self.alerts.iter_mut().find(open) else {
            return false;
        };
        alert.state = state;
        alert.by = Some(by.to_owned());
        true
    }

    /// Opens an alert and records a wake, or counts a repeat of an open alert.
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
