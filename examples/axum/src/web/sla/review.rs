//! `POST /sla/credits/review`: the credits that were chosen, before anything is decided about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::actor::Caller;
use incident_core::billing::CappedCredit;
use incident_core::{CreditId, IncidentId, Month};

use super::incident_numbers::incident_numbers;
use super::month_ledger::{MonthLedger, signed_amount};
use super::overview::Overview;
use super::sla_texts::SlaTexts;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::filter::FilterFields;
use crate::web::form::{Field, FormFields, Submitted, Summary, new_key};
use crate::web::frame::{Frame, Section};
use crate::web::numbers::{money, percent, sums};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{count, number_of};

/// Maximum number of credits that are decided about at a time.
const CHOSEN: usize = 500;
/// Maximum length of a reason, in characters.
const REASON: usize = 1_024;

/// A decision that a form names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Approve.
    Approve,
    /// Waive, with a reason.
    Waive,
}

impl Verb {
    /// Returns the word of a form.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Waive => "waive",
        }
    }
}

/// The credits that a form names, and the decision about them.
#[derive(Debug)]
pub(super) struct ChosenCredits {
    /// The month.
    pub(super) month: Month,
    /// The decision.
    pub(super) verb: Verb,
    /// The ids, each once, in the order of the form.
    pub(super) ids: Vec<CreditId>,
}

impl ChosenCredits {
    /// Reads a form.
    ///
    /// # Errors
    /// Returns 422 for a month or a decision that is none, and for too many credits.
    pub(super) fn read(fields: &FormFields) -> Result<Self, Problem> {
        let month = fields.get("month").parse::<Month>();
        let month = month.map_err(|error| Problem::from(error.at("month")))?;
        let verb = match fields.get("decision") {
            "approve" => Verb::Approve,
            "waive" => Verb::Waive,
            _ => return Err(Problem::field("/decision", "expected approve or waive")),
        };
        let named = match fields.has("everything") {
            true => "all",
            false => "credit",
        };
        let words = fields.all(named).flat_map(str::split_whitespace);
        let mut seen = BTreeSet::new();
        let ids: Vec<CreditId> = words
            .filter_map(|word| word.parse().ok())
            .filter(|id| seen.insert(*id))
            .collect();
        if ids.len() > CHOSEN {
            let expected = format!("expected at most {CHOSEN} credits at a time");
            return Err(Problem::field("/credit", expected));
        }
        Ok(Self { month, verb, ids })
    }
}

/// A credit as a page of decisions shows it.
pub(super) struct CreditLine {
    /// The tenant.
    pub(super) tenant: String,
    /// The incident, with its number if that is known; none for a whole period.
    pub(super) incident: Option<(IncidentId, Option<u64>)>,
    /// The period.
    pub(super) period: String,
    /// `true` if it takes an issued credit back.
    pub(super) is_reversal: bool,
    /// The percentage.
    pub(super) percent: String,
    /// The amount, if it is known.
    pub(super) amount: Option<String>,
    /// The state in words.
    pub(super) state: &'static str,
}

impl CreditLine {
    /// Creates the line of a credit.
    pub(super) fn new(
        reader: &Reader,
        texts: &SlaTexts,
        numbers: &BTreeMap<IncidentId, u64>,
        credit: &CappedCredit,
    ) -> Self {
        let language = reader.language;
        let incident = credit.row.incident_id;
        Self {
            tenant: credit.row.tenant_id.to_string(),
            incident: incident.map(|id| (id, numbers.get(&id).copied())),
            period: credit.row.period.to_string(),
            is_reversal: credit.row.reverses.is_some(),
            percent: percent(language, credit.capped),
            amount: signed_amount(credit).map(|amount| money(language, amount)),
            state: texts.credit_state(credit.row.state),
        }
    }
}

#[derive(Template)]
#[template(path = "sla/review.html")]
struct ReviewPage<'a> {
    frame: Frame<'a>,
    texts: &'static SlaTexts,
    month: Month,
    verb: Verb,
    title: String,
    consequence: &'static str,
    lines: Vec<CreditLine>,
    sums: Vec<String>,
    ids: String,
    summary: Option<Summary>,
    reason: Field,
    key: String,
}

/// Handles `POST /sla/credits/review`. Nothing is changed.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::DecideCredit>,
) -> WebResult {
    let caller = &submitted.context().caller;
    let fields = &submitted.fields;
    let texts = SlaTexts::of(reader.language);
    let chosen = ChosenCredits::read(fields).and_then(|chosen| match chosen.ids.is_empty() {
        true => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "none_chosen",
            texts.none_chosen,
        )),
        false => Ok(chosen),
    });
    match chosen {
        Ok(chosen) => page(&state, &reader, caller, &chosen, fields, None).await,
        Err(problem) => {
            let overview = Overview {
                state: &state,
                reader: &reader,
                caller,
            };
            let fields = FilterFields(fields.clone());
            overview.page(&fields, Some(problem)).await
        }
    }
}

/// Renders the page, with the problem of its own form if that was sent.
///
/// # Errors
/// Returns the problem of a store that fails.
pub(super) async fn page(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    chosen: &ChosenCredits,
    fields: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Credits);
    let frame = frame.at(&format!("/sla?month={}", chosen.month));
    let texts = SlaTexts::of(reader.language);
    let language = reader.language;
    let ledger = MonthLedger::load(state, chosen.month, None).await?;
    let numbers = incident_numbers(state, chosen.month).await?;
    let found = chosen.ids.iter().filter_map(|id| ledger.find(*id));
    let found: Vec<&CappedCredit> = found.collect();
    let reason = Field::area("reason", texts.reason).hint(texts.reason_hint);
    let reason = reason
        .max(REASON)
        .required(frame.common)
        .from(fields, problem);
    let number = number_of(found.len());
    let (title, consequence) = match chosen.verb {
        Verb::Approve if state.incidents().has_billing() => {
            (texts.approve_title, texts.approve_issues)
        }
        Verb::Approve => (texts.approve_title, texts.approve_waits),
        Verb::Waive => (texts.waive_title, texts.waive_means),
    };
    let amounts = sums(found.iter().filter_map(|credit| signed_amount(credit)));
    let ids: Vec<String> = found
        .iter()
        .map(|credit| credit.row.id.to_string())
        .collect();
    let status = problem.map_or(StatusCode::OK, Problem::status);
    let page = ReviewPage {
        month: chosen.month,
        verb: chosen.verb,
        title: count(language, title, number),
        consequence,
        lines: found
            .iter()
            .map(|credit| CreditLine::new(reader, texts, &numbers, credit))
            .collect(),
        sums: amounts
            .into_iter()
            .map(|amount| money(language, amount))
            .collect(),
        ids: ids.join(" "),
        summary: problem.map(|problem| Summary::of(frame.common, problem, &[&reason])),
        reason,
        key: new_key(),
        frame,
        texts,
    };
    WebPage::render(status, &page)
}
