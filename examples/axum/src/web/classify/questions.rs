//! The questions of the page, and the facts that follow from the answers.

use incident_core::Percent;
use incident_core::incident::{Level, LossState};
use incident_core::name::NAME_BYTES;
use incident_core::response::{ClassificationFact, ClassificationFacts, ClassificationRules};
use serde_json::json;

use super::classify_texts::ClassifyTexts;
use crate::http::problem::Problem;
use crate::web::amounts::{example_amount, read_amount, typed_amount};
use crate::web::form::{Choice, Field, FormFields, JsonBody, wire_word};
use crate::web::frame::Frame;
use crate::web::incident::words::WordTexts;

/// A block of questions under a heading.
pub(super) struct QuestionBlock {
    pub(super) heading: &'static str,
    pub(super) fields: Vec<Field>,
}

/// The questions with yes and no, by the names of their fields.
const YES_OR_NO: [&str; 11] = [
    "service_down",
    "core_action_blocked",
    "region_down",
    "critical_feature_down",
    "performance_degraded",
    "background_jobs_piling_up",
    "secondary_feature",
    "workaround",
    "cosmetic",
    "security_breach",
    "customer_event_day",
];
const OTHERS: [&str; 5] = [
    "users_hit_percent",
    "data_loss",
    "revenue_per_hour",
    "impact",
    "urgency",
];

/// Returns `true` if a question was answered.
pub(super) fn is_answered(sent: &FormFields) -> bool {
    let mut names = YES_OR_NO.iter().chain(&OTHERS);
    names.any(|name| !sent.get(name).trim().is_empty())
}

/// Creates the questions with the answers that were sent, and with the errors of a problem. The
/// currency of revenue is that of the rules.
pub(super) fn questions(
    frame: &Frame<'_>,
    rules: &ClassificationRules,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> [QuestionBlock; 4] {
    use ClassificationFact as Fact;
    let texts = ClassifyTexts::of(frame.reader.language);
    let words = WordTexts::of(frame.reader.language);
    let question = |fact| texts.question(fact, rules.currency());
    let yes_or_no = |name, fact| {
        let choices = [("", texts.open), ("yes", texts.yes), ("no", texts.no)];
        let choices = choices.map(|(value, label)| Choice::new(value, label));
        Field::select(name, &question(fact), choices.into())
    };
    let line = |name, fact| Field::line(name, &question(fact)).max(NAME_BYTES);
    let example = example_amount(frame.reader.language, rules.major_revenue());
    let revenue_hint = frame.fill(texts.revenue_hint, &[("example", &example)]);
    let losses = [LossState::None, LossState::Suspected, LossState::Confirmed];
    let losses = losses.map(|one| Choice::new(&wire_word(&one), words.loss(one)));
    let levels = [Level::Low, Level::Medium, Level::High];
    let levels = levels.map(|one| Choice::new(&wire_word(&one), words.level(one)));
    let or_open = |choices: &[Choice]| [&[Choice::new("", texts.open)], choices].concat();
    let blocks = [
        (
            texts.extent,
            vec![
                yes_or_no("service_down", Fact::ServiceDown),
                yes_or_no("core_action_blocked", Fact::CoreActionBlocked)
                    .hint(texts.core_action_hint),
                line("users_hit_percent", Fact::UsersHitPercent),
                yes_or_no("region_down", Fact::RegionDown),
            ],
        ),
        (
            texts.functions,
            vec![
                yes_or_no("critical_feature_down", Fact::CriticalFeatureDown)
                    .hint(texts.critical_feature_hint),
                yes_or_no("performance_degraded", Fact::PerformanceDegraded),
                yes_or_no("background_jobs_piling_up", Fact::BackgroundJobsPilingUp),
                yes_or_no("secondary_feature", Fact::SecondaryFeature),
                yes_or_no("workaround", Fact::Workaround),
                yes_or_no("cosmetic", Fact::Cosmetic),
            ],
        ),
        (
            texts.stakes,
            vec![
                Field::select("data_loss", texts.data_loss, or_open(&losses)),
                yes_or_no("security_breach", Fact::SecurityBreach),
                line("revenue_per_hour", Fact::RevenuePerHour).hint(&revenue_hint),
                yes_or_no("customer_event_day", Fact::CustomerEventDay),
            ],
        ),
        (
            texts.order,
            vec![
                Field::select("impact", texts.impact, or_open(&levels)),
                Field::select("urgency", texts.urgency, or_open(&levels)),
            ],
        ),
    ];
    blocks.map(|(heading, fields)| QuestionBlock {
        heading,
        fields: fields
            .into_iter()
            .map(|field| field.from(sent, problem))
            .collect(),
    })
}

/// Reads the answers as facts. An open question is no fact.
///
/// # Errors
/// Returns 422 with the answers that are invalid, revenue in another currency than that of the
/// rules among them.
pub(super) fn facts(
    sent: &FormFields,
    rules: &ClassificationRules,
) -> Result<ClassificationFacts, Problem> {
    let mut body = JsonBody::of(sent)
        .text("data_loss")
        .text("impact")
        .text("urgency");
    for name in YES_OR_NO {
        body = match sent.get(name) {
            "" => body,
            "yes" => body.with(name, true),
            "no" => body.with(name, false),
            other => body.with(name, other),
        };
    }
    let percent = sent.get("users_hit_percent").replace(',', ".");
    let percent = percent.trim().trim_end_matches('%').trim_end();
    if !percent.is_empty() {
        // Checked here, so that its error stands beside those of the other answers.
        body = match percent.parse::<Percent>() {
            Ok(percent) => body.with("users_hit_percent", json!(percent)),
            Err(wrong) => body.wrong(
                "users_hit_percent",
                &format!("expected {}", wrong.expected()),
            ),
        };
    }
    let revenue = sent.get("revenue_per_hour").trim();
    if !revenue.is_empty() {
        let currency = rules.currency();
        let amount = read_amount(revenue).filter(|amount| amount.currency == currency);
        body = match amount {
            Some(amount) => body.with("revenue_per_hour", json!(amount)),
            None => {
                let example = typed_amount(rules.major_revenue());
                let expected = format!(
                    "expected an amount in {currency}, the currency of the policy, such as {example}"
                );
                body.wrong("revenue_per_hour", &expected)
            }
        };
    }
    body.parse()
}
