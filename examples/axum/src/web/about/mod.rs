//! `/about`: version, store, readiness, and the policy in force in the words of the domain.

mod about_texts;
mod policy_lines;
mod response_lines;
pub(super) mod rule_texts;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use incident_core::actor::Role;
use incident_core::{Zone, sla::SlaTerms};

use self::about_texts::AboutTexts;
use self::policy_lines::{PermissionLine, TierLine};
use self::response_lines::{EscalationLine, PromiseLine};
use self::rule_texts::RuleTexts;
use super::action_texts::ActionTexts;
use super::frame::{Frame, Section};
use super::numbers::{percent, percent_text};
use super::page::{WebPage, WebResult};
use super::reader::Reader;
use super::texts::{count, fill, grouped, number_of};
use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::state::AppState;

/// The readiness of the process.
struct ReadinessLines {
    /// The problem, in the words of the server, if it is not ready.
    problem: Option<String>,
    /// The difference of the clocks, if there is one.
    clock: Option<String>,
}

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage<'a> {
    frame: Frame<'a>,
    texts: &'static AboutTexts,
    version: &'static str,
    store: &'a str,
    store_facts: &'a [String],
    readiness: ReadinessLines,
    streams: Option<String>,
    zones: String,
    has_metrics: bool,
    rule_texts: &'static RuleTexts,
    promises: Vec<PromiseLine>,
    risk: String,
    overrides: Option<String>,
    thresholds: Vec<PromiseLine>,
    rules: Vec<EscalationLine>,
    /// The terms of tenants without a contract, if there is SLA.
    terms: Option<&'a SlaTerms>,
    target: String,
    basis: String,
    tiers: Vec<TierLine>,
    approval: Vec<String>,
    roles: Vec<&'static str>,
    permissions: Vec<PermissionLine>,
}

/// Handles `GET /about`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized { context, .. }: Authorized<permission::Read>,
) -> WebResult {
    let frame = Frame::of(&state, &reader, &context.caller, Section::About);
    let language = reader.language;
    let texts = AboutTexts::of(language);
    let rule_texts = RuleTexts::of(language);
    let incidents = state.incidents();
    let policy = incidents.policy();
    let terms = incidents.contracts().standard_terms();
    let streams = state.events.as_ref().map(|feed| {
        let open = number_of(feed.open_streams());
        grouped(language, open)
    });
    let page = AboutPage {
        version: env!("CARGO_PKG_VERSION"),
        store: state.store_name().unwrap_or(texts.unnamed),
        store_facts: state.store_facts(),
        readiness: readiness(&state, &reader, texts).await,
        streams,
        zones: fill(texts.zones_version, &[("version", Zone::DATABASE)]),
        has_metrics: state.metrics().is_some(),
        promises: response_lines::promises(language, texts, policy, incidents.has_status_page()),
        risk: fill(
            rule_texts.risk,
            &[
                (
                    "percent",
                    &percent_text(language, &policy.at_risk_percent.to_string()),
                ),
                ("zone", policy.timezone.name()),
            ],
        ),
        overrides: match number_of(policy.overrides.len()) {
            0 => None,
            number => Some(count(language, rule_texts.overrides, number)),
        },
        thresholds: response_lines::thresholds(language, &policy.classification),
        rules: response_lines::rules(language, policy, incidents.has_status_page()),
        rule_texts,
        target: percent(language, terms.target()),
        basis: policy_lines::basis(language, texts, terms),
        tiers: policy_lines::tiers(language, texts, terms),
        approval: approval(&state, &reader, texts),
        roles: Role::ALL
            .into_iter()
            .map(|(role, _)| frame.common.role(role))
            .collect(),
        permissions: policy_lines::permissions(ActionTexts::of(language), incidents),
        terms: incidents.has_sla().then_some(terms),
        frame,
        texts,
    };
    WebPage::ok(&page)
}

/// Examines the process as `/readyz` does. A store that is away is a finding, and no error.
async fn readiness(state: &AppState, reader: &Reader, texts: &AboutTexts) -> ReadinessLines {
    match state.incidents().worker().health().await {
        Ok(health) => ReadinessLines {
            problem: None,
            clock: health.clock_ahead.map(|micros| {
                let text = match micros < 0 {
                    true => texts.clock_behind,
                    false => texts.clock_ahead,
                };
                let millis = grouped(reader.language, micros.unsigned_abs() / 1_000);
                fill(text, &[("ms", &millis)])
            }),
        },
        Err(error) => ReadinessLines {
            problem: Some(Problem::from(error).detail().to_owned()),
            clock: None,
        },
    }
}

/// Returns the rules for approving credits, as sentences.
fn approval(state: &AppState, reader: &Reader, texts: &AboutTexts) -> Vec<String> {
    let rules = state.incidents().credit_policy();
    let by_whom = match rules.approve_up_to {
        Some(most) => {
            let most = percent(reader.language, most);
            fill(texts.by_policy, &[("percent", &most)])
        }
        None => texts.by_person.to_owned(),
    };
    let mut sentences = vec![by_whom];
    if rules.four_eyes {
        sentences.push(texts.four_eyes.to_owned());
    }
    let billing = match state.incidents().has_billing() {
        true => texts.billing,
        false => texts.no_billing,
    };
    sentences.push(billing.to_owned());
    sentences
}
