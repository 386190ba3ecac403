//! The check of the worker: rules, notices and pages that the policy asks for and that are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::due::{LATE_AFTER, due};
use crate::actor::Actor;
use crate::audit::AuditEntry;
use crate::incident::{FiredMark, Incident};
use crate::outbox::Backlog;
use crate::paging::{Paging, PagingState};
use crate::policy::Policy;
use crate::{RuleName, Timestamp};

/// Time after which something that is due and not done is missing: the worker looks every second,
/// and a vendor that fails is tried again within seconds.
pub const MISSING_AFTER: Duration = Duration::from_secs(5 * 60);

/// The audit action of a rule that fired.
pub(crate) const FIRE_RULE: &str = "fire_rule";
/// The audit action of a notice that was sent, cancelled or given up.
pub(crate) const NOTIFY: &str = "notify";

/// A level of a rule that fired, as the audit trail records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFiring {
    /// The rule.
    pub rule: RuleName,
    /// The start of the clock, and the level: 0 for the first one.
    pub place: (u32, u32),
    /// Time at which it was due.
    pub due_at: Option<Timestamp>,
    /// Time at which it fired.
    pub at: Timestamp,
    /// `true` if it fired late.
    pub late: bool,
    /// The groups that it notifies, as a list in words.
    pub groups: String,
    /// Number of notices that were committed with it.
    pub notices: u64,
    /// The notices that ended, in order: the group, the channel, and `sent`, `cancelled` or
    /// `given_up`.
    pub ended: Vec<EndedNotice>,
}

impl RecordedFiring {
    /// Returns the number of its notices that have not ended. One that was given up and retried ended
    /// more than once.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        let ended = self.ended.iter().map(|one| (&one.group, &one.channel));
        let ended: BTreeSet<_> = ended.collect();
        self.notices.saturating_sub(ended.len() as u64)
    }
}

/// A notice that is no longer tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedNotice {
    /// The group.
    pub group: String,
    /// The channel.
    pub channel: String,
    /// `sent`, `cancelled` or `given_up`.
    pub outcome: String,
    /// Time of the outcome.
    pub at: Timestamp,
}

/// Returns the firings that audit entries record, in their order, each with its notices, which come after
/// it. Other entries are ignored.
#[must_use]
pub fn recorded_firings(entries: &[AuditEntry]) -> Vec<RecordedFiring> {
    let mut firings: Vec<RecordedFiring> = Vec::new();
    for entry in entries {
        let payload = &entry.payload;
        let text = |name: &str| payload.detail.get(name).map(String::as_str);
        let number = |name: &str| text(name).and_then(|text| text.parse().ok());
        let (Some(rule), Some(epoch), Some(level)) = (
            text("rule").and_then(|rule| RuleName::stored(rule).ok()),
            number("epoch"),
            number("level"),
        ) else {
            continue;
        };
        let place = (epoch, level);
        match payload.action.as_str() {
            FIRE_RULE => firings.push(RecordedFiring {
                rule,
                place,
                due_at: text("due_at").and_then(|at| at.parse().ok()),
                at: payload.at,
                late: text("late") == Some("true"),
                groups: text("groups").unwrap_or_default().to_owned(),
                notices: text("notices").and_then(|n| n.parse().ok()).unwrap_or(0),
                ended: Vec::new(),
            }),
            NOTIFY => {
                let of = |one: &&mut RecordedFiring| one.rule == rule && one.place == place;
                if let Some(firing) = firings.iter_mut().find(of) {
                    firing.ended.push(EndedNotice {
                        group: text("group").unwrap_or_default().to_owned(),
                        channel: channel_of(&payload.actor).to_owned(),
                        outcome: text("outcome").unwrap_or_default().to_owned(),
                        at: payload.at,
                    });
                }
            }
            _ => {}
        }
    }
    firings
}

/// Returns the name of the channel that acts under an actor's name.
fn channel_of(actor: &Actor) -> &str {
    let name = actor.name.as_str();
    name.strip_prefix("channel:").unwrap_or(name)
}

/// Times before which everything that was committed has left the outbox: a page was accepted or given up,
/// and a notice was sent, cancelled or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedBefore {
    /// The time for pages.
    pub pages: Timestamp,
    /// The time for notices.
    pub notices: Timestamp,
}

impl EndedBefore {
    /// Returns the times of a backlog that was read after `now`.
    #[must_use]
    pub fn of(backlog: &Backlog, now: Timestamp) -> Self {
        let before = |oldest: Option<Timestamp>| oldest.unwrap_or(now).min(now);
        Self {
            pages: before(backlog.oldest_page),
            notices: before(backlog.oldest_notice),
        }
    }
}

/// Something that the policy asks for and that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A rule was due and has not fired, or its firing is not in the audit trail.
    Firing {
        /// The rule.
        rule: RuleName,
        /// Time at which it was due.
        since: Timestamp,
    },
    /// A notice was neither sent nor given up, and is no longer in the outbox.
    Notice {
        /// The rule.
        rule: RuleName,
        /// Time at which it fired.
        since: Timestamp,
    },
    /// A page was neither accepted nor given up, and is no longer in the outbox.
    Page {
        /// The rule; none for the page of the incident itself.
        rule: Option<RuleName>,
        /// Time at which it was committed.
        since: Timestamp,
    },
}

/// Returns what is missing for an incident, by what its audit trail records and not by its state.
/// Pure and total.
///
/// A worker has a minute for what a write made due.
///
/// `ended` is of a backlog that was read before the incident and its audit trail.
#[must_use]
pub fn missing(
    incident: &Incident,
    policy: &Policy,
    recorded: &[RecordedFiring],
    ended: EndedBefore,
    now: Timestamp,
) -> Vec<Missing> {
    let by = now.saturating_sub(MISSING_AFTER);
    // A write may have made a rule due in the past, such as a leak that was suspected hours ago.
    let is_new = now.since(incident.last_recorded_at) < LATE_AFTER;
    let due = due(&replayed(incident, recorded), policy, by);
    let mut found: Vec<Missing> = due
        .firings
        .into_iter()
        .filter(|_| !is_new)
        .map(|fired| Missing::Firing {
            rule: fired.rule,
            since: fired.due_at,
        })
        .collect();
    let is_lost = |committed: Timestamp, ended: Timestamp| committed <= by && committed < ended;
    let lost =
        |firing: &&RecordedFiring| is_lost(firing.at, ended.notices) && firing.unfinished() > 0;
    found.extend(recorded.iter().filter(lost).map(|firing| Missing::Notice {
        rule: firing.rule.clone(),
        since: firing.at,
    }));
    let escalations = incident.escalations.iter();
    let pages = escalations.map(|one| (Some(&one.rule), &one.paging));
    for (rule, paging) in pages.chain([(None, &incident.paging)]) {
        let lost = waiting_since(paging).filter(|since| is_lost(*since, ended.pages));
        found.extend(lost.map(|since| Missing::Page {
            rule: rule.cloned(),
            since,
        }));
    }
    found
}

/// Returns the commit time of a page that no pager has accepted yet and that was not given up.
fn waiting_since(paging: &Paging) -> Option<Timestamp> {
    let waits = matches!(paging.state, PagingState::Pending | PagingState::Failing);
    paging.begun_at.filter(|_| waits)
}

/// Returns the incident with the marks of the firings that are recorded, and no others.
fn replayed(incident: &Incident, recorded: &[RecordedFiring]) -> Incident {
    let mut marks: BTreeMap<RuleName, FiredMark> = BTreeMap::new();
    for firing in recorded {
        let (epoch, n) = firing.place;
        let mark = FiredMark {
            epoch,
            n,
            at: firing.at,
        };
        let newest = marks.entry(firing.rule.clone()).or_insert(mark);
        if (newest.epoch, newest.n) < firing.place {
            *newest = mark;
        }
    }
    let mut replayed = incident.clone();
    replayed.state_mut().clocks.fired = marks;
    replayed
}
