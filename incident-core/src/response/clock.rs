//! The clocks of a response: from when they run, and when their time is over.

use crate::Timestamp;
use crate::incident::{Incident, Mode, Status};
use crate::policy::{DueTimes, IncidentPolicy, Policy, Trigger};

/// A clock that runs for an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseClock {
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

impl ResponseClock {
    /// Returns the clock with a deadline, if there is one.
    fn until(self, times: Option<DueTimes>) -> Self {
        Self {
            at_risk_at: times.map(|times| times.at_risk_at),
            deadline: times.map(|times| times.due_at),
            ..self
        }
    }

    /// Returns the times of its deadline, if it has one.
    pub(super) fn times(&self) -> Option<DueTimes> {
        Some(DueTimes {
            at_risk_at: self.at_risk_at?,
            due_at: self.deadline?,
        })
    }

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
pub fn clocks(incident: &Incident, policy: &Policy) -> Vec<ResponseClock> {
    let over = matches!(incident.status, Status::Cancelled | Status::Merged);
    if over || incident.mode == Mode::Retrospective {
        return Vec::new();
    }
    let of = Running {
        incident,
        policy: incident.policy(policy),
    };
    let triggers = Trigger::ALL.into_iter();
    triggers.filter_map(|trigger| of.clock(trigger)).collect()
}

/// An incident with the policy by which its clocks run.
struct Running<'a> {
    incident: &'a Incident,
    policy: IncidentPolicy<'a>,
}

impl Running<'_> {
    fn clock(&self, trigger: Trigger) -> Option<ResponseClock> {
        let live = self.incident.status.is_live();
        match trigger {
            Trigger::Declared => live.then(|| self.plain(trigger)),
            Trigger::Unacknowledged => self.unacknowledged(),
            Trigger::Unmitigated => {
                (live && self.incident.status != Status::Mitigated).then(|| self.plain(trigger))
            }
            Trigger::Unresolved => live.then(|| self.timed(self.plain(trigger))),
            Trigger::InternalUpdate => self.internal_update(),
            Trigger::PublicUpdate => self.public_update(),
            Trigger::ExecutiveUpdate => self.executive_update(),
            Trigger::PostMortem => self.post_mortem(),
            Trigger::Watch => self.watch(),
            Trigger::DataLeak => self.data_leak(),
            Trigger::DataLoss => self.data_loss(),
            Trigger::FinancialImpact => {
                let lost = self.incident.facts.revenue_per_hour.filter(|_| live);
                lost.map(|_| self.from(trigger, self.revenue_since()))
            }
            Trigger::CustomerEvent => self.customer_event(),
        }
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

    fn from(&self, trigger: Trigger, started_at: Timestamp) -> ResponseClock {
        ResponseClock {
            trigger,
            epoch: self.epoch(),
            started_at,
            at_risk_at: None,
            deadline: None,
        }
    }

    /// Returns a clock with the deadline that the policy sets for its trigger.
    fn timed(&self, clock: ResponseClock) -> ResponseClock {
        clock.until(self.policy.due_times(clock.trigger, clock.started_at))
    }

    fn plain(&self, trigger: Trigger) -> ResponseClock {
        self.from(trigger, self.base())
    }

    fn unacknowledged(&self) -> Option<ResponseClock> {
        let incident = self.incident;
        if !incident.status.is_live() || incident.is_acknowledged() {
            return None;
        }
        let paged = incident.paging.begun_at;
        let paged = paged.filter(|_| incident.paging.epoch > 0);
        let clock = ResponseClock {
            epoch: incident.paging.epoch,
            ..self.from(
                Trigger::Unacknowledged,
                paged.unwrap_or_else(|| self.base()),
            )
        };
        Some(self.timed(clock))
    }

    fn internal_update(&self) -> Option<ResponseClock> {
        let due_at = self.incident.next_update_due_at?;
        if !self.incident.status.is_live() {
            return None;
        }
        let clock = self.incident.clocks.internal_update;
        let since = clock.since.unwrap_or_else(|| self.base());
        let started = ResponseClock {
            epoch: clock.epoch,
            ..self.from(Trigger::InternalUpdate, since)
        };
        // A person may have set a time that is no whole period after the last update.
        let times = self.policy.times_after(since, due_at.since(since));
        Some(started.until(Some(DueTimes { due_at, ..times })))
    }

    fn public_update(&self) -> Option<ResponseClock> {
        let incident = self.incident;
        self.policy.public_update_every()?;
        if !incident.status.is_live() || !incident.status_page.public {
            return None;
        }
        let clock = incident.clocks.public_update;
        let since = clock.since.unwrap_or(incident.status_page.changed_at);
        let started = ResponseClock {
            epoch: clock.epoch,
            ..self.from(Trigger::PublicUpdate, since)
        };
        Some(self.timed(started))
    }

    /// Returns the clock of the update that executives are owed: the one at the start or at the
    /// end, or else the next daily one.
    fn executive_update(&self) -> Option<ResponseClock> {
        self.executive_report().or_else(|| self.executive_summary())
    }

    /// Returns the clock of the update at the start of the response, or at its end. Each has an
    /// epoch of its own.
    fn executive_report(&self) -> Option<ResponseClock> {
        let incident = self.incident;
        let ended = incident.status == Status::Resolved;
        if !self.policy.executive_at_start_and_end() || incident.status == Status::Closed {
            return None;
        }
        let end = incident.resolved_at.filter(|_| ended);
        let owed_since = end.map_or(self.base(), |end| end.max(self.base()));
        let last = incident.clocks.executive_update.since;
        if last.is_some_and(|last| last >= owed_since) {
            return None;
        }
        let clock = ResponseClock {
            epoch: self.epoch() * 2 + u32::from(ended),
            ..self.from(Trigger::ExecutiveUpdate, owed_since)
        };
        Some(self.timed(clock))
    }

    fn executive_summary(&self) -> Option<ResponseClock> {
        let incident = self.incident;
        if !incident.status.is_live() || !self.policy.executive_daily() {
            return None;
        }
        let last = incident.clocks.executive_update;
        let since = last
            .since
            .map_or(self.base(), |since| since.max(self.base()));
        let clock = ResponseClock {
            epoch: last.epoch.saturating_add(incident.clocks.reopenings),
            ..self.from(Trigger::ExecutiveUpdate, since)
        };
        Some(clock.until(Some(self.policy.daily_by(since))))
    }

    fn post_mortem(&self) -> Option<ResponseClock> {
        let incident = self.incident;
        let ended = matches!(incident.status, Status::Resolved | Status::Closed);
        if !ended || !self.policy.post_mortem_required() || incident.post_mortem.is_some() {
            return None;
        }
        Some(self.timed(self.from(Trigger::PostMortem, incident.resolved_at?)))
    }

    fn watch(&self) -> Option<ResponseClock> {
        self.policy.watch()?;
        if self.incident.status != Status::Resolved {
            return None;
        }
        Some(self.timed(self.from(Trigger::Watch, self.incident.resolved_at?)))
    }

    /// Returns the clock of a leak of data: an authority is notified within 72 hours (GDPR, article
    /// 33). It also runs after the resolution.
    fn data_leak(&self) -> Option<ResponseClock> {
        let since = self.incident.data_leak_suspected_at?;
        let is_notified = self.incident.authority_notified_at.is_some();
        (!is_notified).then(|| self.timed(self.from(Trigger::DataLeak, since)))
    }

    fn data_loss(&self) -> Option<ResponseClock> {
        let since = self.incident.data_loss_confirmed_at?;
        let is_notified = self.incident.affected_users_notified_at.is_some();
        (!is_notified).then(|| self.from(Trigger::DataLoss, since))
    }

    fn customer_event(&self) -> Option<ResponseClock> {
        let is_set = self.incident.facts.customer_event_day == Some(true);
        let since = self.incident.clocks.customer_event_since;
        let since = since.unwrap_or(self.incident.declared_at);
        let live = self.incident.status.is_live();
        (live && is_set).then(|| self.from(Trigger::CustomerEvent, since))
    }

    fn revenue_since(&self) -> Timestamp {
        let since = self.incident.clocks.revenue_since;
        since.unwrap_or(self.incident.declared_at)
    }
}
