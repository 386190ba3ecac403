//! Terms of the SLA and permissions, as lines of tables.

use incident_core::actor::{Action, Role};
use incident_core::engine::Incidents;
use incident_core::sla::{Basis, Scale, SlaTerms};

use super::about_texts::AboutTexts;
use crate::web::action_texts::ActionTexts;
use crate::web::language::Language;
use crate::web::numbers::{minutes, percent};
use crate::web::texts::fill;

/// A step of the credits.
pub(super) struct TierLine {
    /// The condition.
    pub(super) condition: String,
    /// The credit.
    pub(super) credit: String,
}

/// The roles that may do an action.
pub(super) struct PermissionLine {
    /// The action in words.
    pub(super) action: &'static str,
    /// The name of the action.
    pub(super) name: &'static str,
    /// For each role, in their order, whether it may.
    pub(super) allowed: Vec<bool>,
}

/// Returns the basis of credits with its cap.
pub(super) fn basis(language: Language, texts: &AboutTexts, terms: &SlaTerms) -> String {
    let text = match terms.basis() {
        Basis::PerIncident => texts.per_incident,
        Basis::PerMonth => texts.per_month,
        Basis::PerQuarter => texts.per_quarter,
        Basis::PerYear => texts.per_year,
    };
    fill(text, &[("cap", &percent(language, terms.cap()))])
}

/// Returns the steps of the credits, in the order of the terms.
pub(super) fn tiers(language: Language, texts: &AboutTexts, terms: &SlaTerms) -> Vec<TierLine> {
    match terms.scale() {
        Scale::ByOutage(tiers) => tiers
            .iter()
            .map(|tier| TierLine {
                condition: fill(
                    texts.step_outage,
                    &[("minutes", &minutes(language, tier.from_us()))],
                ),
                credit: percent(language, tier.credit_percent),
            })
            .collect(),
        Scale::ByAvailability(rows) => rows
            .iter()
            .map(|row| {
                let text = match row.inclusive {
                    true => texts.step_at,
                    false => texts.step_below,
                };
                TierLine {
                    condition: fill(text, &[("percent", &percent(language, row.bound))]),
                    credit: percent(language, row.credit_percent),
                }
            })
            .collect(),
    }
}

/// Returns a line per action of the parts that the host runs.
pub(super) fn permissions(actions: &ActionTexts, incidents: &Incidents) -> Vec<PermissionLine> {
    let table = incidents.permissions();
    let runs = |action: &Action| {
        (*action != Action::DecideCredit || incidents.has_sla())
            && (*action != Action::Publish || incidents.has_status_page())
    };
    Action::ALL
        .into_iter()
        .filter(runs)
        .map(|action| PermissionLine {
            action: actions.words(action.name()).unwrap_or(action.name()),
            name: action.name(),
            allowed: Role::ALL
                .into_iter()
                .map(|(role, _)| table.allows(role, action))
                .collect(),
        })
        .collect()
}
