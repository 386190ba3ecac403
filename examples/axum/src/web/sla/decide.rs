//! `POST /sla/credits/decide`: decisions about credits, each with its result. One that fails stops no
//! other.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use incident_core::CreditId;
use incident_core::actor::Caller;
use incident_core::billing::{CappedCredit, CreditDecision};
use incident_core::engine::{CreditDecided, Error, IdempotencyKey, Incidents, RequestContext};
use incident_core::incident::Refusal;

use super::incident_numbers::incident_numbers;
use super::month_ledger::MonthLedger;
use super::review::{self, ChosenCredits, CreditLine, Verb};
use super::sla_texts::SlaTexts;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::requests::ReasonRequest;
use crate::state::AppState;
use crate::web::form::{FormFields, JsonBody, Submitted};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{fill, grouped, number_of};

/// A decision, or the reason why there is none.
type Decided = Result<CreditDecided, Error>;

/// The result of one decision.
struct DecisionLine {
    line: Option<CreditLine>,
    is_done: bool,
    text: String,
    /// `true` if the text is that of the server.
    is_english: bool,
}

#[derive(Template)]
#[template(path = "sla/results.html")]
struct ResultsPage<'a> {
    frame: Frame<'a>,
    texts: &'static SlaTexts,
    month: String,
    month_name: String,
    summary: String,
    lines: Vec<DecisionLine>,
}

/// Handles `POST /sla/credits/decide`.
pub(crate) async fn decide(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    submitted: Submitted<permission::DecideCredit>,
) -> WebResult {
    let caller = submitted.context().caller.clone();
    let fields = submitted.fields.clone();
    let chosen = ChosenCredits::read(&fields)?;
    let decision = match decision(chosen.verb, &fields) {
        Ok(decision) => decision,
        Err(problem) => {
            return review::page(&state, &reader, &caller, &chosen, &fields, Some(&problem)).await;
        }
    };
    let ids = chosen.ids.clone();
    let decided = submitted
        .run(|incidents, context, ()| async move {
            Ok(decide_all(&incidents, &context, ids, &decision).await)
        })
        .await?;
    results(&state, &reader, &caller, &chosen, &decided).await
}

/// Reads the decision of a form.
///
/// # Errors
/// Returns 422 for a waiver without a reason, or with one that is too long.
fn decision(verb: Verb, fields: &FormFields) -> Result<CreditDecision, Problem> {
    match verb {
        Verb::Approve => Ok(CreditDecision::Approve),
        Verb::Waive => {
            let body: ReasonRequest = JsonBody::of(fields).required("reason").parse()?;
            body.reason.check("reason").map_err(Problem::from)?;
            Ok(CreditDecision::Waive {
                reason: body.reason,
            })
        }
    }
}

/// Decides about each credit by itself, under a key of its own that follows from that of the form.
async fn decide_all(
    incidents: &Incidents,
    context: &RequestContext,
    ids: Vec<CreditId>,
    decision: &CreditDecision,
) -> Vec<(CreditId, Decided)> {
    let mut results = Vec::with_capacity(ids.len());
    for id in ids {
        let mut context = context.clone();
        context.key = context.key.and_then(|key| key_of(&key, id, decision));
        let decided = incidents.credits().decide(&context, id, decision).await;
        results.push((id, decided));
    }
    results
}

fn key_of(
    form: &IdempotencyKey,
    id: CreditId,
    decision: &CreditDecision,
) -> Option<IdempotencyKey> {
    let reason = match decision {
        CreditDecision::Approve => "",
        CreditDecision::Waive { reason } => reason.as_str(),
    };
    let key = format!("{}:{id}", form.key);
    let request = [decision.name().as_bytes(), reason.as_bytes()];
    IdempotencyKey::new(form.actor.clone(), &key, &request).ok()
}

async fn results(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    chosen: &ChosenCredits,
    decided: &[(CreditId, Decided)],
) -> WebResult {
    let frame = Frame::of(state, reader, caller, Section::Credits);
    let frame = frame.at(&format!("/sla?month={}", chosen.month));
    let texts = SlaTexts::of(reader.language);
    let ledger = MonthLedger::load(state, chosen.month, None).await?;
    let numbers = incident_numbers(state, chosen.month).await?;
    let lines: Vec<DecisionLine> = decided
        .iter()
        .map(|(id, decided)| {
            let credit = credit_of(decided).or(ledger.find(*id));
            let line = credit.map(|one| CreditLine::new(reader, texts, &numbers, one));
            decision_line(texts, line, decided)
        })
        .collect();
    let number = |is_done: bool| {
        let number = lines.iter().filter(|line| line.is_done == is_done).count();
        grouped(reader.language, number_of(number))
    };
    let numbers = [("done", number(true)), ("failed", number(false))];
    let [done, failed] = &numbers;
    let page = ResultsPage {
        month: chosen.month.to_string(),
        month_name: frame.times.month(chosen.month),
        summary: fill(
            texts.results_count,
            &[(done.0, &done.1), (failed.0, &failed.1)],
        ),
        lines,
        frame,
        texts,
    };
    WebPage::ok(&page)
}

/// Returns the credit as a decision left it.
fn credit_of(decided: &Decided) -> Option<&CappedCredit> {
    decided.as_ref().ok().map(|decided| &decided.credit)
}

fn decision_line(texts: &SlaTexts, line: Option<CreditLine>, decided: &Decided) -> DecisionLine {
    let (is_done, text, is_english) = match decided {
        Ok(decided) => {
            let state = texts.credit_state(decided.credit.row.state);
            (true, fill(texts.is_now, &[("state", state)]), false)
        }
        Err(error) => match refusal(texts, error) {
            Some(text) => (false, text.to_owned(), false),
            None => (false, error.client_message(), true),
        },
    };
    DecisionLine {
        line,
        is_done,
        text,
        is_english,
    }
}

/// Returns the reason of a refusal in the language of the reader, and who may do it instead.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other errors are not the reader's doing"
)]
fn refusal(texts: &SlaTexts, error: &Error) -> Option<&'static str> {
    let code = match error {
        Error::Refused(Refusal::WrongState { code, .. }) => *code,
        Error::NotFound(_) => return Some(texts.gone),
        Error::IdempotencyKeyMismatch => return Some(texts.refused_reused),
        _ => return None,
    };
    match code {
        "four_eyes" => Some(texts.refused_four_eyes),
        "provisional" => Some(texts.refused_provisional),
        "nothing_owed" => Some(texts.refused_nothing_owed),
        "credit_decided" => Some(texts.refused_decided),
        "reverse_first" => Some(texts.refused_reverse_first),
        _ => None,
    }
}
