//! What one tenant is owed for one period, and why.

use super::count::{Counted, heaviest};
use super::credit::{availability_of, decimal_minutes, is_missed};
use super::scale::Row;
use super::{Basis, Downtime, Scale, SlaTerms};
use crate::{IncidentId, Money, Name, Percent, Period, TenantId, Timestamp, Window, Windows, Zone};

/// The part of an incident that hit a tenant.
#[derive(Clone, Debug)]
pub struct IncidentShare {
    /// The incident.
    pub incident: IncidentId,
    /// When it hit the tenant; until now where it goes on.
    pub outage: Windows,
    /// What its downtime weighs: 100 % for a whole outage, less for a partial one
    /// where the terms say so ([`SlaTerms::partial_weight`]).
    pub weight: Percent,
    /// Whether it goes on, so that the outage may still grow.
    pub open: bool,
}

/// One incident in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentLine {
    /// The incident.
    pub incident: IncidentId,
    /// What counts of it, in microseconds; for a contract per period, inside it.
    pub counted_us: u64,
    /// What its outage weighs.
    pub weight: Percent,
    /// Its own credit, where the contract is per incident and it ended in this
    /// period.
    pub credit: Option<Percent>,
}

/// What one tenant is owed for one period. Breach and credit are two facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaStatement {
    /// The tenant.
    pub tenant: TenantId,
    /// The month, quarter or year.
    pub period: Period,
    /// The zone of the calendar.
    pub zone: Zone,
    /// What one credit is computed from.
    pub basis: Basis,
    /// The terms it was computed with.
    pub terms_version: Name,
    /// The length of the period, in microseconds.
    pub period_us: u64,
    /// All outages of the period, overlaps once, in microseconds.
    pub joined_us: u64,
    /// What of them lies in maintenance.
    pub excluded_us: u64,
    /// What of them is too short to count.
    pub too_short_us: u64,
    /// What is left and counts, in microseconds.
    pub outage_us: u64,
    /// The same by weight.
    pub down: Downtime,
    /// The availability over the period, half-even to four decimals. For show.
    pub availability: Percent,
    /// The availability that was promised.
    pub target: Percent,
    /// Whether it was missed. Compared unrounded.
    pub target_breached: bool,
    /// What the table gives, before the cap.
    pub uncapped: Percent,
    /// The most that is credited.
    pub cap: Percent,
    /// What is owed, in percent of the period's fee.
    pub credit: Percent,
    /// The fee of the period, where it is known.
    pub fee: Option<Money>,
    /// What is owed; rounded once, half to even.
    pub amount: Option<Money>,
    /// Whether it may still change by itself: the period or an incident goes on.
    pub provisional: bool,
    /// The incidents that hit the tenant in the period, in the order given.
    pub incidents: Vec<IncidentLine>,
    /// The row of the table that was reached, in words.
    reached: Reached,
}

/// Where the credit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The credits of the incidents together.
    Sum,
    /// A row of the table, or none.
    Table(Option<Row>),
}

/// The statement of a tenant for a period. Pure and exact; `shares` are those that
/// have something in the period, in any order, and `now` tells whether the period
/// goes on.
///
/// ```
/// use incident_core::sla::{Basis, IncidentShare, SlaTerms, statement};
/// use incident_core::{IncidentId, Percent, TenantId, Timestamp, Window, Windows};
/// let at = |text: &str| text.parse::<Timestamp>();
/// let outage = |start, end| -> Result<IncidentShare, incident_core::Invalid> {
///     Ok(IncidentShare {
///         incident: "01a1fe7e-8565-7544-9512-dcd142c5f862".parse::<IncidentId>()?,
///         outage: Windows::from(Window::new(at(start)?, at(end)?)?),
///         weight: Percent::HUNDRED,
///         open: false,
///     })
/// };
/// // One outage, posted twice: 104 minutes and not 208.
/// let shares = [outage("2021-11-12T06:00:00Z", "2021-11-12T07:44:00Z")?,
///               outage("2021-11-12T06:00:00Z", "2021-11-12T07:44:00Z")?];
/// let terms = SlaTerms::default().per(Basis::PerMonth);
/// let now = at("2021-12-24T00:00:00Z")?;
/// let made = statement(&terms, &TenantId::new("tenant-fr")?, "2021-11".parse()?, &shares, None, now);
/// assert_eq!((made.outage_us / 60_000_000, made.credit.to_string()), (104, "10".to_owned()));
/// # Ok::<(), incident_core::Invalid>(())
/// ```
#[must_use]
pub fn statement(
    terms: &SlaTerms,
    tenant: &TenantId,
    period: Period,
    shares: &[IncidentShare],
    fee: Option<Money>,
    now: Timestamp,
) -> SlaStatement {
    let bounds = period.window(terms.zone());
    let period_us = bounds.micros();
    let all: Windows = windows_of(shares).collect();
    let Counted {
        windows,
        excluded,
        too_short,
    } = terms.counting().of(&all);
    let clipped = |set: &Windows| set.clip_iter(bounds).map(Window::micros).sum::<u64>();
    let weighed = shares.iter().map(|one| (&one.outage, one.weight));
    let down = heaviest(&windows, bounds, weighed);
    let incidents = lines(terms, period, bounds, shares);
    let (uncapped, reached) = match terms.basis() {
        Basis::PerIncident => {
            let own = incidents.iter().filter_map(|line| line.credit);
            (
                own.fold(Percent::ZERO, Percent::saturating_add),
                Reached::Sum,
            )
        }
        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => {
            let row = terms.scale().reached(down, period_us);
            (row.map_or(Percent::ZERO, Row::credit), Reached::Table(row))
        }
    };
    let credit = uncapped.min(terms.cap());
    SlaStatement {
        tenant: tenant.clone(),
        period,
        zone: terms.zone(),
        basis: terms.basis(),
        terms_version: terms.version().clone(),
        period_us,
        joined_us: clipped(&all),
        excluded_us: clipped(&excluded),
        too_short_us: clipped(&too_short),
        outage_us: clipped(&windows),
        down,
        availability: availability_of(down, period_us),
        target: terms.target(),
        target_breached: is_missed(terms.target(), down, period_us),
        uncapped,
        cap: terms.cap(),
        credit,
        fee,
        amount: fee.map(|fee| fee.share(credit)),
        provisional: now < bounds.end() || shares.iter().any(|one| one.open),
        incidents,
        reached,
    }
}

fn windows_of(shares: &[IncidentShare]) -> impl Iterator<Item = Window> + '_ {
    shares.iter().flat_map(|one| one.outage.as_slice()).copied()
}

fn lines(
    terms: &SlaTerms,
    period: Period,
    bounds: Window,
    shares: &[IncidentShare],
) -> Vec<IncidentLine> {
    let per_incident = terms.basis() == Basis::PerIncident;
    let line = |share: &IncidentShare| {
        let counted = terms.counted(&share.outage);
        let inside = counted.clip_iter(bounds).map(Window::micros).sum();
        let end = share.outage.end()?;
        let here = Period::of_end(end, period.kind(), terms.zone()) == period;
        let touches = share.outage.clip_iter(bounds).next().is_some();
        let own = || {
            let down = match terms.scale() {
                Scale::ByOutage(_) => counted.micros(),
                Scale::ByAvailability(_) => inside,
            };
            terms.credit_for(Downtime::at(down, share.weight), bounds.micros())
        };
        (touches || here).then(|| IncidentLine {
            incident: share.incident,
            counted_us: if per_incident {
                counted.micros()
            } else {
                inside
            },
            weight: share.weight,
            credit: (per_incident && here).then(own),
        })
    };
    shares.iter().filter_map(line).collect()
}

impl SlaStatement {
    /// Whole milliseconds of outage, rounded down. For show.
    #[must_use]
    pub const fn outage_ms(&self) -> u64 {
        self.outage_us / 1_000
    }

    /// Whole milliseconds in maintenance, rounded down. For show.
    #[must_use]
    pub const fn excluded_ms(&self) -> u64 {
        self.excluded_us / 1_000
    }

    /// Why: one line per step, from the outages to the amount.
    #[must_use]
    pub fn derivation(&self) -> Vec<String> {
        let minutes = |us: u64| format!("{} min", decimal_minutes(us));
        let mut steps = vec![format!(
            "{} ({}), terms {}: {}, promised {} %",
            self.period,
            self.zone,
            self.terms_version,
            basis(self.basis),
            self.target
        )];
        steps.extend(self.incidents.iter().map(incident));
        steps.push(format!(
            "outages together, overlaps once: {} of {}",
            minutes(self.joined_us),
            minutes(self.period_us)
        ));
        if self.excluded_us > 0 {
            steps.push(format!("less {} in maintenance", minutes(self.excluded_us)));
        }
        if self.too_short_us > 0 {
            let short = minutes(self.too_short_us);
            steps.push(format!(
                "less {short} in outages that are too short to count"
            ));
        }
        if self.joined_us != self.outage_us {
            steps.push(format!("counted: {}", minutes(self.outage_us)));
        }
        if self.down != Downtime::of(self.outage_us) {
            let weighed = minutes(self.down.micros());
            steps.push(format!("partial outages weighed: {weighed}"));
        }
        let verdict = if self.target_breached {
            "missed"
        } else {
            "kept"
        };
        steps.push(format!(
            "availability {} %: the promise of {} % is {verdict}",
            self.availability.to_fixed(),
            self.target
        ));
        steps.push(self.by_the_table());
        if self.credit < self.uncapped {
            steps.push(format!("at most {} %: {} %", self.cap, self.credit));
        }
        if let (Some(fee), Some(amount)) = (self.fee, self.amount) {
            steps.push(format!(
                "{} % of {} {} = {} {} in minor units, half to even",
                self.credit,
                fee.minor,
                fee.currency.code(),
                amount.minor,
                amount.currency.code()
            ));
        }
        if self.provisional {
            steps.push("provisional: the period or an incident is not over".to_owned());
        }
        steps
    }

    fn by_the_table(&self) -> String {
        let credit = self.uncapped;
        match self.reached {
            Reached::Sum => format!(
                "credits of the incidents that ended in {}: {credit} %",
                self.period
            ),
            Reached::Table(Some(Row::Outage(tier))) => {
                format!("from {} min on: {credit} %", tier.from_minutes)
            }
            Reached::Table(Some(Row::Availability(row))) => {
                let at = if row.inclusive {
                    "at or below"
                } else {
                    "below"
                };
                format!("{at} {} %: {credit} %", row.bound)
            }
            Reached::Table(None) => "no row of the table is reached: 0 %".to_owned(),
        }
    }
}

const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::PerIncident => "per incident",
        Basis::PerMonth => "per month",
        Basis::PerQuarter => "per quarter",
        Basis::PerYear => "per year",
    }
}

fn incident(line: &IncidentLine) -> String {
    let minutes = decimal_minutes(line.counted_us);
    let weight = match line.weight {
        Percent::HUNDRED => String::new(),
        weight => format!(", weighs {weight} %"),
    };
    let credit = line
        .credit
        .map_or_else(String::new, |credit| format!(": {credit} %"));
    format!("incident {}: {minutes} min{weight}{credit}", line.incident)
}
