//! The outage of a statement beside what its target allows, as a picture.

use askama::Template;
use askama::filters::Safe;
use incident_core::Percent;
use incident_core::sla::{
    Basis, Downtime, SlaStatement, SlaTerms, left_of_target, next_tier_after,
};

use super::sla_texts::SlaTexts;
use crate::http::escape::Html;
use crate::web::language::Language;
use crate::web::numbers::{minutes, percent};
use crate::web::texts::fill;

/// A bar of the outage, with a mark at what the target allows.
#[derive(Template)]
#[template(path = "sla/budget.html")]
pub(super) struct OutageBudget {
    heading: &'static str,
    sentence: String,
    rest: String,
    next: Option<String>,
    /// The width of the outage in percent of the picture.
    used: String,
    /// The place of the mark in percent of the picture.
    limit: String,
    is_missed: bool,
}

impl OutageBudget {
    /// Draws a statement under its terms.
    #[must_use]
    pub(super) fn new(
        language: Language,
        texts: &'static SlaTexts,
        terms: &SlaTerms,
        made: &SlaStatement,
    ) -> Self {
        let missing = Percent::HUNDRED.saturating_sub(terms.target());
        let allowed = Downtime::at(made.period_us, missing).micros();
        let used = made.down.micros();
        let left = left_of_target(terms, made.availability, Percent::HUNDRED);
        let rest = match left {
            Some(left) => fill(texts.budget_left, &[("left", &minutes(language, left))]),
            None => {
                let over = minutes(language, used.saturating_sub(allowed));
                fill(texts.budget_over, &[("over", &over)])
            }
        };
        // Under terms per incident each outage has steps of its own.
        let next = match terms.basis() {
            Basis::PerIncident => None,
            Basis::PerMonth | Basis::PerQuarter | Basis::PerYear => {
                next_tier_after(terms, made.down, made.period_us, Percent::HUNDRED)
            }
        };
        let scale = used.max(allowed).max(1);
        Self {
            heading: texts.budget,
            sentence: fill(
                texts.budget_used,
                &[
                    ("used", &minutes(language, used)),
                    ("allowed", &minutes(language, allowed)),
                ],
            ),
            rest,
            next: next.map(|next| {
                let (left, credit) = (
                    minutes(language, next.left_us),
                    percent(language, next.credit_percent),
                );
                fill(texts.next_step, &[("left", &left), ("percent", &credit)])
            }),
            used: share(used, scale),
            limit: share(allowed, scale),
            is_missed: left.is_none(),
        }
    }

    /// Returns the picture as HTML.
    #[must_use]
    pub(super) fn html(&self) -> Html {
        Safe(self.render().unwrap_or_default())
    }
}

/// Writes a part of a whole in percent, with one decimal.
fn share(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_written_in_percent() {
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(3, 3), "100.0%");
        assert_eq!(share(0, 0), "0.0%");
    }
}
