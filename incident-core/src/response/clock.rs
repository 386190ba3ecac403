//! The clocks of a response: from when they run, and when their time is over.

use std::time::Duration;

use crate::incident::{Incident, Mode, Status};
use crate::policy::{ExecutiveUpdates, Limit, Policy, SeverityPolicy, Trigger};
use crate::{Timestamp, Window};

/// Time in which an authority is notified of a leak of personal data (GDPR, article 33(1)).
pub const AUTHORITY_WITHIN: Limit = Limit::minutes(72 * 60);

/// A clock that runs for an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The condition for which it runs.
    pub trigger: Trigger,
    /// Its start: 1, 2, ...; 0 for an acknowledgement without a page.
    pub epoch: u32,
    /// Time of the start.
    pub started_at: Timestamp,
    /// Time from which the deadline is at risk.
    pub at_risk_at: Option<Timestamp>,
    /// Time at which it is over; none if the policy makes no promise.
    pub deadline: Option<Timestamp>,
}

/// The state of a clock at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockState {
    /// Its deadline has passed.
    Overdue,
    /// Its deadline is near.
    AtRisk,
    /// It runs.
    Running,
}

impl ClockState {
    /// Returns its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::AtRisk => "at_risk",
            Self::Running => "running",
        }
    }
}

impl Clock {
    /// Returns its state at a time. A deadline is met at its own instant and overdue after it.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ClockState {
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at < now);
        match (passed(self.deadline), passed(self.at_risk_at)) {
            (true, _) => ClockState::Overdue,
            (false, true) => ClockState::AtRisk,
            (false, false) => ClockState::Running,
        }
    }
}

/// Returns the clocks that run for an incident, in the order of [`Trigger::ALL`].
///
/// A retrospective incident has none, and neither has a cancelled or merged one.
#[must_use]
pub fn clocks(incident: &Incident, policy: &Policy) -> Vec<Clock> {
    let over = matches!(incident.status, Status::Cancelled | Status::Merged);
    if over || incident.mode == Mode::Retrospective {
        return Vec::new();
    }
    let of = Running { incident, policy };
    let triggers = Trigger::ALL.into_iter();
    triggers.filter_map(|trigger| of.clock(trigger)).collect()
}

/// An incident with the policy by which its clocks run.
struct Running<'a> {
    incident: &'a Incident,
    policy: &'a Policy,
}

impl Running<'_> {
    fn clock(&self, trigger: Trigger) -> Option<Clock> {
        let live = self.incident.status.is_live();
        let clock = match trigger {
            Trigger::Declared => live.then(|| self.plain(trigger)),
            Trigger::Unacknowledged => self.unacknowledged(),
            Trigger::Unmitigated => {
                (live && self.incident.status != Status::Mitigated).then(|| self.plain(trigger))
            }
            Trigger::Unresolved => live.then(|| {
                let within = self.within(|severity| severity.resolve_within.as_ref());
                self.until(self.plain(trigger), within)
            }),
            Trigger::InternalUpdate => self.internal_update(),
            Trigger::PublicUpdate => self.public_update(),
            Trigger::ExecutiveUpdate => self.executive_update(),
            Trigger::PostMortem => self.post_mortem(),
            Trigger::Watch => self.watch(),
            Trigger::DataLeak => self.data_leak(),
            Trigger::DataLoss => self.data_loss(),
            Trigger::FinancialImpact => {
                let since = self
                    .incident
                    .facts
                    .revenue_per_hour
                    .map(|_| self.revenue_since());
                since
                    .filter(|_| live)
                    .map(|since| self.from(trigger, since))
            }
            Trigger::CustomerEvent => self.customer_event(),
        };
        // Clocks of a response do not run before it.
        clock.map(|clock| self.at_risk(clock))
    }

    /// Returns the start of the response: the declaration, or the last reopen.
    fn base(&self) -> Timestamp {
        let reopened = self.incident.reopened_at;
        reopened.map_or(self.incident.declared_at, |at| {
            at.max(self.incident.declared_at)
        })
    }

    fn epoch(&self) -> u32 {
        self.incident.clocks.reopenings.saturating_add(1)
    }

    fn from(&self, trigger: Trigger, started_at: Timestamp) -> Clock {
        Clock {
            trigger,
            epoch: self.epoch(),
            started_at,
            at_risk_at: None,
            deadline: None,
        }
    }

    fn plain(&self, trigger: Trigger) -> Clock {
        self.from(trigger, self.base())
    }

    fn until(&self, clock: Clock, deadline: impl Fn(Timestamp) -> Option<Timestamp>) -> Clock {
        Clock {
            deadline: deadline(clock.started_at),
            ..clock
        }
    }

    /// Returns a function from a start to the earliest deadline that the policy sets by a limit.
    fn within<'s>(
        &'s self,
        limit: impl Fn(&SeverityPolicy) -> Option<&Limit> + 's,
    ) -> impl Fn(Timestamp) -> Option<Timestamp> + 's {
        move |start| {
            let severity = self.policy.of(self.incident.severity);
            limit(severity).map(|limit| self.policy.deadline(limit, start))
        }
    }

    /// Adds the time from which a deadline is at risk: a share of the time until it.
    fn at_risk(&self, clock: Clock) -> Clock {
        let span = clock
            .deadline
            .and_then(|end| Window::non_empty(clock.started_at, end));
        let percent = u128::from(self.policy.at_risk_percent.min(100));
        let at_risk_at = span.map(|span| {
            let micros = u128::from(span.micros()) * percent / 100;
            let micros = u64::try_from(micros).unwrap_or(u64::MAX);
            span.start().saturating_add(Duration::from_micros(micros))
        });
        Clock {
            at_risk_at,
            ..clock
        }
    }

    fn unacknowledged(&self) -> Option<Clock> {
        let incident = self.incident;
        if !incident.status.is_live() || incident.is_acknowledged() {
            return None;
        }
        let paged = incident
            .paging
            .begun_at
            .filter(|_| incident.paging.epoch > 0);
        let clock = Clock {
            epoch: incident.paging.epoch,
            ..self.from(
                Trigger::Unacknowledged,
                paged.unwrap_or_else(|| self.base()),
            )
        };
        Some(self.until(
            clock,
            self.within(|severity| severity.acknowledge_within.as_ref()),
        ))
    }

    fn internal_update(&self) -> Option<Clock> {
        let deadline = self.incident.next_update_due_at?;
        if !self.incident.status.is_live() {
            return None;
        }
        let clock = self.incident.clocks.internal_update;
        Some(Clock {
            epoch: clock.epoch,
            deadline: Some(deadline),
            ..self.from(
                Trigger::InternalUpdate,
                clock.since.unwrap_or_else(|| self.base()),
            )
        })
    }

    fn public_update(&self) -> Option<Clock> {
        let incident = self.incident;
        let minutes = self
            .policy
            .of(incident.severity)
            .public_update_every_minutes?;
        if !incident.status.is_live() || !incident.status_page.public {
            return None;
        }
        let clock = incident.clocks.public_update;
        let since = clock.since.unwrap_or(incident.status_page.changed_at);
        let started = self.from(Trigger::PublicUpdate, since);
        let every = Limit::minutes(minutes);
        Some(Clock {
            epoch: clock.epoch,
            ..self.until(started, |start| Some(self.policy.deadline(&every, start)))
        })
    }

    fn executive_update(&self) -> Option<Clock> {
        let incident = self.incident;
        let last = incident.clocks.executive_update;
        match self.policy.of(incident.severity).executive_updates {
            ExecutiveUpdates::Never => None,
            ExecutiveUpdates::Daily => {
                let since = last
                    .since
                    .map_or(self.base(), |since| since.max(self.base()));
                let clock = Clock {
                    epoch: last.epoch.saturating_add(incident.clocks.reopenings),
                    ..self.from(Trigger::ExecutiveUpdate, since)
                };
                let daily = |start| Some(self.policy.deadline(&Limit::days(1), start));
                incident.status.is_live().then(|| self.until(clock, daily))
            }
            ExecutiveUpdates::AtStartAndEnd => {
                let ended = match incident.status {
                    Status::Resolved => Some(incident.resolved_at?),
                    Status::Closed => return None,
                    Status::Triage
                    | Status::Investigating
                    | Status::Identified
                    | Status::Mitigated
                    | Status::Cancelled
                    | Status::Merged => None,
                };
                // The start of the response, and its end, each with an epoch of its own.
                let owed_since = ended.map_or(self.base(), |end| end.max(self.base()));
                let is_given = last.since.is_some_and(|since| since >= owed_since);
                let clock = Clock {
                    epoch: self.epoch() * 2 + u32::from(ended.is_some()),
                    deadline: Some(owed_since),
                    ..self.from(Trigger::ExecutiveUpdate, owed_since)
                };
                (!is_given).then_some(clock)
            }
        }
    }

    fn post_mortem(&self) -> Option<Clock> {
        let incident = self.incident;
        let ended = matches!(incident.status, Status::Resolved | Status::Closed);
        let required = self.policy.of(incident.severity).post_mortem_required;
        if !ended || !required || incident.post_mortem.is_some() {
            return None;
        }
        let clock = self.from(Trigger::PostMortem, incident.resolved_at?);
        Some(self.until(
            clock,
            self.within(|severity| severity.post_mortem_within.as_ref()),
        ))
    }

    fn watch(&self) -> Option<Clock> {
        let minutes = self.policy.of(self.incident.severity).watch_minutes?;
        if self.incident.status != Status::Resolved {
            return None;
        }
        let clock = self.from(Trigger::Watch, self.incident.resolved_at?);
        let lasts = Limit::minutes(minutes);
        Some(self.until(clock, |start| Some(self.policy.deadline(&lasts, start))))
    }

    fn data_leak(&self) -> Option<Clock> {
        None
    }

    fn data_loss(&self) -> Option<Clock> {
        None
    }

    fn customer_event(&self) -> Option<Clock> {
        None
    }

    fn revenue_since(&self) -> Timestamp {
        let since = self.incident.clocks.revenue_since;
        since.unwrap_or(self.incident.declared_at)
    }
}
