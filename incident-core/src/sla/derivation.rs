//! The derivation of a statement: each step follows from the one before it, with the displayed
//! figures.
//!
//! Lengths of time are exact, so that they can be added by hand; time that is left out is
//! subtracted from the figure before it; compared values are displayed on the side on which they
//! were found. `tests/it/sla/derivations.rs` computes every derivation again from its own text.

use super::count::Weighed;
use super::scale::TierRow;
use super::statement::{IncidentCredit, Reached};
use super::{Basis, Downtime, SlaStatement};
use crate::Percent;

/// Formats a length of time exactly.
fn time(us: u64) -> String {
    Downtime::of(us).to_string()
}

impl SlaStatement {
    /// Returns the steps from the outages to the amount, one per line of text.
    #[must_use]
    pub fn derivation(&self) -> Vec<String> {
        let mut steps = vec![format!(
            "{} ({}) has {}; terms {}: {}, target {} %",
            self.period,
            self.zone,
            time(self.period_us),
            self.terms_version,
            words(self.basis),
            self.target
        )];
        let lines = self.incidents.iter();
        steps.extend(
            lines.map(|line| format!("incident {}: {}", line.incident, time(line.outage_us))),
        );
        steps.push(self.joined());
        let left_out = [
            (self.excluded_us, "in maintenance"),
            (self.too_short_us, "in outages that are too short to count"),
        ];
        let mut left = self.joined_us;
        for (us, why) in left_out {
            if us > 0 {
                let before = time(left);
                left = left.saturating_sub(us);
                steps.push(format!(
                    "minus {} {why}: {before} - {} = {}",
                    time(us),
                    time(us),
                    time(left)
                ));
            }
        }
        if !self.weighed.is_whole() {
            steps.push(format!("weighted: {}", weighed(&self.weighed)));
        }
        steps.push(self.verdict());
        if self.basis == Basis::PerIncident {
            let own = |line: &super::IncidentLine| {
                let own = line.own.as_ref()?;
                Some(format!(
                    "credit of incident {}: {}",
                    line.incident,
                    own_credit(own)
                ))
            };
            steps.extend(self.incidents.iter().filter_map(own));
        }
        steps.push(self.credited());
        if self.credit_percent < self.uncapped {
            steps.push(format!(
                "capped at {} % of the fee: {} %",
                self.cap, self.credit_percent
            ));
        }
        if let (Some(fee), Some(amount)) = (self.fee, self.amount) {
            steps.push(format!(
                "{} % of {fee} = {amount}, rounded half to even",
                self.credit_percent
            ));
        }
        if self.provisional {
            steps.push("provisional: the period or an incident is not over".to_owned());
        }
        steps
    }

    /// Formats the union of the outages: overlapping time counts once.
    fn joined(&self) -> String {
        let sum: u64 = self.incidents.iter().map(|line| line.outage_us).sum();
        let (sum_text, joined) = (time(sum), time(self.joined_us));
        match sum.saturating_sub(self.joined_us) {
            0 => format!("total: {joined}"),
            twice => format!(
                "total: {sum_text} - {} that overlap = {joined}",
                time(twice)
            ),
        }
    }

    fn verdict(&self) -> String {
        let verdict = if self.target_breached {
            "missed"
        } else {
            "met"
        };
        format!(
            "availability: ({} - {}) / {} = {} %; the target of {} % is {verdict}",
            time(self.period_us),
            self.down,
            time(self.period_us),
            self.availability_percent,
            self.target
        )
    }

    fn credited(&self) -> String {
        match self.reached {
            Reached::Table(row) => by_the_table(row),
            Reached::Sum => {
                let own = self.incidents.iter().filter_map(|line| line.own.as_ref());
                let own: Vec<String> = own.map(|one| format!("{} %", one.credit_percent)).collect();
                match own.len() {
                    0 => format!("no incident ended in {}: 0 %", self.period),
                    1 => format!("credit: {} %", self.uncapped),
                    // The sum of percentages is at most 100.
                    _ if self.uncapped == Percent::HUNDRED => {
                        format!("total credits: {}, capped at 100 %", own.join(" + "))
                    }
                    _ => format!("total credits: {} = {} %", own.join(" + "), self.uncapped),
                }
            }
        }
    }
}

/// Formats the credit of one incident by itself.
fn own_credit(own: &IncidentCredit) -> String {
    let mut text = time(own.outage_us);
    for (us, why) in [
        (own.excluded_us, "in maintenance"),
        (own.too_short_us, "too short to count"),
    ] {
        if us > 0 {
            text.push_str(&format!(" - {} {why}", time(us)));
        }
    }
    let counted: u64 = own.weighed.parts().iter().map(|(_, us)| us).sum();
    if counted != own.outage_us {
        text.push_str(&format!(" = {}", time(counted)));
    }
    if !own.weighed.is_whole() {
        text.push_str(&format!(", weighted: {}", weighed(&own.weighed)));
    }
    format!("{text}; {}", by_the_table(own.row))
}

/// Formats the counted time by weight, and the sum.
fn weighed(parts: &Weighed) -> String {
    let terms = parts.parts().iter().map(|(weight, us)| match *weight {
        Percent::HUNDRED => time(*us),
        weight => format!("{} x {weight} %", time(*us)),
    });
    let terms: Vec<String> = terms.collect();
    format!("{} = {}", terms.join(" + "), parts.down())
}

/// Formats the row of the table that was reached, and its credit.
fn by_the_table(row: Option<TierRow>) -> String {
    match row {
        Some(TierRow::Outage(tier)) => {
            format!(
                "{} min or more: {} %",
                tier.from_minutes, tier.credit_percent
            )
        }
        Some(TierRow::Availability(row)) => {
            let at = if row.inclusive {
                "at or below"
            } else {
                "below"
            };
            format!("{at} {} %: {} %", row.bound, row.credit_percent)
        }
        None => "no row of the table is reached: 0 %".to_owned(),
    }
}

const fn words(basis: Basis) -> &'static str {
    match basis {
        Basis::PerIncident => "per incident",
        Basis::PerMonth => "per month",
        Basis::PerQuarter => "per quarter",
        Basis::PerYear => "per year",
    }
}

#[cfg(test)]
mod tests {
    use crate::sla::{IncidentShare, SlaTerms, Tier, statement};
    use crate::{IncidentId, Name, Percent, TenantId, Timestamp, Window, Windows};

    /// Returns the derivation for a number of incidents of an hour each, each credited `percent`.
    fn credited(incidents: u64, percent: u32) -> Vec<String> {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let start = at("2026-11-20T10:00:00Z");
        let hour = std::time::Duration::from_secs(3_600);
        let share = |n: u64| {
            let start = start.saturating_add(2 * hour * u32::try_from(n).unwrap());
            let window = Window::new(start, start.saturating_add(hour)).unwrap();
            IncidentShare {
                incident: IncidentId::from_uuid(uuid::Uuid::from_u64_pair(7 << 12, n)),
                outage: Windows::from(window),
                weight: Percent::HUNDRED,
                open: false,
            }
        };
        let shares: Vec<_> = (0..incidents).map(share).collect();
        let tier = Tier {
            from_minutes: 0,
            credit_percent: Percent::of_whole(percent).unwrap(),
        };
        let target = "99.9".parse().unwrap();
        let terms = SlaTerms::new(target, vec![tier], Name::new("t").unwrap()).unwrap();
        let tenant = TenantId::new("fr").unwrap();
        let now = at("2027-01-01T00:00:00Z");
        let made = statement(
            &terms,
            &tenant,
            "2026-11".parse().unwrap(),
            &shares,
            None,
            now,
        );
        made.unwrap().derivation()
    }

    #[test]
    fn credits_of_incidents_are_said_as_they_add_up() {
        for (incidents, percent, line) in [
            (1, 10, "credit: 10 %"),
            (2, 10, "total credits: 10 % + 10 % = 20 %"),
            (2, 50, "total credits: 50 % + 50 %, capped at 100 %"),
            (3, 40, "total credits: 40 % + 40 % + 40 %, capped at 100 %"),
        ] {
            let all = credited(incidents, percent);
            assert!(all.iter().any(|one| one == line), "{line}: {all:#?}");
        }
        let none = credited(0, 10);
        let line = "no incident ended in 2026-11: 0 %";
        assert!(none.iter().any(|one| one == line), "{none:#?}");
    }
}
