//! Statements: the credit that one tenant is owed for one period, with its derivation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::count::{Weighed, clipped};
use super::scale::TierRow;
use super::{Availability, Basis, Downtime, SlaTerms};
use crate::{
    IncidentId, Money, Name, Percent, Period, TenantId, Timestamp, ValidationError, Window,
    Windows, Zone,
};

/// The part of an incident that affected a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentShare {
    /// The incident. One that affected a tenant wholly at first and partly later has two shares.
    pub incident: IncidentId,
    /// The windows in which the tenant was affected; up to now while the incident is open.
    pub outage: Windows,
    /// The weight of the downtime: 100 % for a whole outage, less for a partial one where the terms
    /// say so ([`SlaTerms::partial_weight`]).
    pub weight: Percent,
    /// `true` while the incident is open, so that the outage may still grow.
    pub open: bool,
}

pub(super) const ALWAYS: Window = Window::spanning(Timestamp::MIN, Timestamp::MAX);

/// Clips shares to a time range.
pub(super) fn clip_shares(shares: &mut [IncidentShare], within: Window) {
    if within == ALWAYS {
        return;
    }
    for share in shares {
        share.outage = share.outage.clip(within);
    }
}

/// One incident in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncidentLine {
    /// The incident.
    pub incident: IncidentId,
    /// The time for which it affected the tenant in the period, in microseconds, before the terms
    /// leave anything out.
    pub outage_us: u64,
    /// Its own credit, if the contract is per incident and the incident ended in this period.
    pub own: Option<IncidentCredit>,
}

/// The credit of an incident by itself, under terms per incident.
///
/// It covers the whole outage, including parts in earlier periods that have such terms too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncidentCredit {
    /// The time for which it affected the tenant, in microseconds, before the terms leave anything
    /// out.
    pub outage_us: u64,
    /// The part in maintenance, in microseconds.
    pub excluded_us: u64,
    /// The part that is too short to count, in microseconds.
    pub too_short_us: u64,
    /// The counted part, by weight.
    pub(super) weighed: Weighed,
    /// The credit, in percent of the period's fee.
    pub credit_percent: Percent,
    pub(super) row: Option<TierRow>,
}

/// The credit that one tenant is owed for one period. Breach and credit are two separate facts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlaStatement {
    /// The tenant.
    pub tenant: TenantId,
    /// The month, quarter or year.
    pub period: Period,
    /// The zone of the calendar.
    pub zone: Zone,
    /// The basis of one credit.
    pub basis: Basis,
    /// The version of the terms.
    pub terms_version: Name,
    /// The length of the period, in microseconds.
    pub period_us: u64,
    /// The union of all outages in the period, in microseconds; overlaps count once.
    pub joined_us: u64,
    /// The part of the union in maintenance, in microseconds.
    pub excluded_us: u64,
    /// The part of the union that is too short to count, in microseconds.
    pub too_short_us: u64,
    /// The part of the union that counts, in microseconds.
    pub outage_us: u64,
    /// The part of the union that counts, by weight.
    pub down: Downtime,
    /// The availability over the period.
    pub availability: Availability,
    /// The availability in percent, with four decimals or more.
    ///
    /// The text is on the same side of the target and of the table's bounds as the exact value:
    /// [`SlaTerms::format_availability`].
    pub availability_percent: String,
    /// The promised availability.
    pub target: Percent,
    /// `true` if the target was missed; compared unrounded.
    pub target_breached: bool,
    /// The credit by the table, before the cap.
    pub uncapped: Percent,
    /// The cap: the maximum credit.
    pub cap: Percent,
    /// The credit that is owed, in percent of the period's fee.
    pub credit_percent: Percent,
    /// The fee of the period, if it is known.
    pub fee: Option<Money>,
    /// The amount that is owed, if the fee is known; rounded once, half to even.
    pub amount: Option<Money>,
    /// `true` if the statement may still change by itself: the period or an incident is not over.
    pub provisional: bool,
    /// The incidents that affected the tenant in the period, in the order given.
    pub incidents: Vec<IncidentLine>,
    /// The counted part, by weight.
    pub(super) weighed: Weighed,
    /// The source of the credit.
    pub(super) reached: Reached,
}

/// The source of a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// The sum of the incidents' credits.
    Sum,
    /// A row of the table; `None` if no row is reached.
    Table(Option<TierRow>),
}

/// Computes the statement of a tenant for a period.
///
/// Pure and exact; `now` decides whether the period is over.
///
/// `shares` are all that lie in the period, in any order. Where the terms leave out short outages,
/// they include those that touch one of them across the period's edge, so that midnight makes no
/// outage short.
///
/// ```
/// use incident_core::sla::{Basis, IncidentShare, SlaTerms, statement};
/// use incident_core::{IncidentId, Percent, TenantId, Timestamp, Window, Windows};
/// let at = |text: &str| text.parse::<Timestamp>();
/// let outage = |start, end| -> Result<IncidentShare, incident_core::ValidationError> {
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
/// let terms = SlaTerms::default().per(Basis::PerMonth)?;
/// let (tenant, now) = (TenantId::new("tenant-fr")?, at("2021-12-24T00:00:00Z")?);
/// let made = statement(&terms, &tenant, "2021-11".parse()?, &shares, None, now)?;
/// assert_eq!((made.outage_us / 60_000_000, made.credit_percent.to_string()), (104, "10".to_owned()));
/// // A month is no period of a contract per quarter.
/// let terms = terms.per(Basis::PerQuarter)?;
/// assert!(statement(&terms, &tenant, "2021-11".parse()?, &shares, None, now).is_err());
/// # Ok::<(), incident_core::ValidationError>(())
/// ```
///
/// # Errors
/// Fails if the period is not of the length that the terms use.
pub fn statement(
    terms: &SlaTerms,
    tenant: &TenantId,
    period: Period,
    shares: &[IncidentShare],
    fee: Option<Money>,
    now: Timestamp,
) -> Result<SlaStatement, ValidationError> {
    let kind = terms.basis().period();
    if period.kind() != kind {
        let (version, basis) = (terms.version(), terms.basis().name());
        let expected = format!("a {}, because terms {version} are {basis}", kind.name());
        return Err(ValidationError::new("period", expected));
    }
    Ok(of_period(terms, tenant, period, shares, fee, now))
}

/// Computes the statement of a period whose length is that of the terms.
pub(super) fn of_period(
    terms: &SlaTerms,
    tenant: &TenantId,
    period: Period,
    shares: &[IncidentShare],
    fee: Option<Money>,
    now: Timestamp,
) -> SlaStatement {
    let bounds = period.window(terms.zone());
    let period_us = bounds.micros();
    let all = joined(shares);
    let counted = terms.counted(&all);
    let (joined_us, outage_us) = (clipped(&all, bounds), clipped(&counted, bounds));
    let excluded_us = clipped(&terms.counting().in_maintenance(&all), bounds);
    let weighed = Weighed::of(&counted, bounds, by_weight(shares));
    let down = weighed.down();
    let incidents = lines(terms, bounds, shares);
    let (uncapped, reached) = match terms.basis() {
        Basis::PerIncident => {
            let own = incidents.iter().filter_map(|line| line.own.as_ref());
            let sum = own.fold(Percent::ZERO, |sum, one| {
                sum.saturating_add(one.credit_percent)
            });
            (sum, Reached::Sum)
        }
        Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => {
            let row = terms.scale().reached(down, period_us);
            (
                row.map_or(Percent::ZERO, TierRow::credit),
                Reached::Table(row),
            )
        }
    };
    let credit = uncapped.min(terms.cap());
    let availability = Availability::new(down, period_us);
    SlaStatement {
        tenant: tenant.clone(),
        period,
        zone: terms.zone(),
        basis: terms.basis(),
        terms_version: terms.version().clone(),
        period_us,
        joined_us,
        excluded_us,
        // Time that is neither in maintenance nor counted.
        too_short_us: joined_us - excluded_us - outage_us,
        outage_us,
        down,
        availability,
        availability_percent: terms.format_availability(availability),
        target: terms.target(),
        target_breached: availability.misses(terms.target()),
        uncapped,
        cap: terms.cap(),
        credit_percent: credit,
        fee,
        amount: fee.map(|fee| fee.share(credit)),
        provisional: now < bounds.end() || shares.iter().any(|one| one.open),
        incidents,
        weighed,
        reached,
    }
}

/// Returns the union of the outages; copies only if there are several.
fn joined(shares: &[IncidentShare]) -> Cow<'_, Windows> {
    match shares {
        [one] => Cow::Borrowed(&one.outage),
        several => Cow::Owned(windows_of(several).collect()),
    }
}

fn windows_of(shares: &[IncidentShare]) -> impl Iterator<Item = Window> + '_ {
    shares.iter().flat_map(|one| one.outage.as_slice()).copied()
}

fn by_weight(shares: &[IncidentShare]) -> impl Iterator<Item = (&Windows, Percent)> + Clone {
    shares.iter().map(|one| (&one.outage, one.weight))
}

/// Lists a line for each incident that affected the tenant in the period, or ended in it.
fn lines(terms: &SlaTerms, bounds: Window, shares: &[IncidentShare]) -> Vec<IncidentLine> {
    let shares = one_after_another(shares);
    let of_one = shares.chunk_by(|a, b| a.incident == b.incident);
    of_one
        .filter_map(|shares| line(terms, bounds, shares))
        .collect()
}

/// Groups the shares by incident, in the order of each incident's first share.
fn one_after_another(shares: &[IncidentShare]) -> Cow<'_, [IncidentShare]> {
    if shares.len() <= FEW && have_no_incident_twice(shares) {
        return Cow::Borrowed(shares);
    }
    let mut places: BTreeMap<IncidentId, usize> = BTreeMap::new();
    for (place, share) in shares.iter().enumerate() {
        places.entry(share.incident).or_insert(place);
    }
    if places.len() == shares.len() {
        return Cow::Borrowed(shares);
    }
    let mut sorted = shares.to_vec();
    sorted.sort_by_key(|share| places.get(&share.incident).copied());
    Cow::Owned(sorted)
}

/// Maximum number of shares that are compared pairwise, which is faster than a map.
const FEW: usize = 16;

fn have_no_incident_twice(shares: &[IncidentShare]) -> bool {
    let mut rest = shares;
    while let [one, others @ ..] = rest {
        if others.iter().any(|other| other.incident == one.incident) {
            return false;
        }
        rest = others;
    }
    true
}

/// Returns the line of one incident; `shares` are all of its shares.
fn line(terms: &SlaTerms, bounds: Window, shares: &[IncidentShare]) -> Option<IncidentLine> {
    let incident = shares.first()?.incident;
    let outage = joined(shares);
    let end = outage.end()?;
    let outage_us = clipped(&outage, bounds);
    // As in `Period::of_end`: an outage that ends with a period belongs to that period.
    let ended_here = bounds.start() < end && end <= bounds.end();
    let per_incident = terms.basis() == Basis::PerIncident;
    (outage_us > 0 || ended_here).then(|| IncidentLine {
        incident,
        outage_us,
        own: (per_incident && ended_here).then(|| own_credit(terms, bounds, &outage, shares)),
    })
}

/// Computes the credit of an incident by itself, over all periods that its parts lie in.
fn own_credit(
    terms: &SlaTerms,
    bounds: Window,
    outage: &Windows,
    shares: &[IncidentShare],
) -> IncidentCredit {
    let counted = terms.counted(outage);
    let (outage_us, counted_us) = (outage.micros(), counted.micros());
    let excluded_us = terms.counting().in_maintenance(outage).micros();
    let always = Window::spanning(Timestamp::MIN, Timestamp::MAX);
    let weighed = Weighed::of(&counted, always, by_weight(shares));
    let row = terms.scale().reached(weighed.down(), bounds.micros());
    IncidentCredit {
        outage_us,
        excluded_us,
        too_short_us: outage_us - excluded_us - counted_us,
        weighed,
        credit_percent: row.map_or(Percent::ZERO, TierRow::credit),
        row,
    }
}

impl SlaStatement {
    /// Returns whole milliseconds of outage, rounded down, for display.
    #[must_use]
    pub const fn outage_ms(&self) -> u64 {
        self.outage_us / 1_000
    }

    /// Returns whole milliseconds in maintenance, rounded down, for display.
    #[must_use]
    pub const fn excluded_ms(&self) -> u64 {
        self.excluded_us / 1_000
    }
}
