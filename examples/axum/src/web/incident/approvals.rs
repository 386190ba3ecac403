//! Approvals of risky actions: the card on the page of an incident, and the pages that request one
//! and decide about it.

use std::sync::Arc;

use axum::extract::State;
use incident_core::IncidentId;
use incident_core::actor::{Action, ActorKind, Caller};
use incident_core::incident::{
    ApprovalStep, Command, Incident, Refusal, RiskApproval, RiskApprovalState,
};

use super::act_page::ActPage;
use super::coordination_texts::CoordinationTexts;
use crate::http::authorized::Authorized;
use crate::http::escape::{Html, as_typed};
use crate::http::params::Params;
use crate::http::permission;
use crate::http::problem::{Problem, client_problems};
use crate::http::target::{ApprovalTarget, ExistingIncident};
use crate::requests::ReasonRequest;
use crate::requests::coordination::{ApprovalRequest, NoteRequest};
use crate::state::AppState;
use crate::web::form::{Choice, Field, FormFields, JsonBody, Submitted};
use crate::web::frame::Frame;
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// A line about an approval: what happened, and its time.
pub(super) struct ApprovalLine {
    pub(super) text: String,
    pub(super) at: Html,
}

/// An approval as the card shows it.
pub(super) struct ApprovalView {
    pub(super) number: String,
    pub(super) title: String,
    /// The action, as the person wrote it; none once it was erased.
    pub(super) text: Option<String>,
    pub(super) state: &'static str,
    pub(super) lines: Vec<ApprovalLine>,
    /// `true` if the reader may decide about it.
    pub(super) may_decide: bool,
}

/// Returns the approvals of an incident, the newest first.
pub(super) fn approvals(
    state: &AppState,
    frame: &Frame<'_>,
    caller: &Caller,
    incident: &Incident,
) -> Vec<ApprovalView> {
    let texts = CoordinationTexts::of(frame.reader.language);
    let all = incident.approvals.iter().rev().map(|one| {
        let number = one.number.to_string();
        ApprovalView {
            title: frame.fill(texts.approval_title, &[("n", &number)]),
            number,
            text: one.text.as_ref().map(ToString::to_string),
            state: texts.approval_state(one.state),
            lines: lines(frame, texts, one),
            may_decide: !decisions(state, caller, incident, one).is_empty(),
        }
    });
    all.collect()
}

/// Returns `true` if a person may request an approval.
pub(super) fn may_request(state: &AppState, caller: &Caller, incident: &Incident) -> bool {
    state.incidents().may(caller, Action::Update)
        && !incident.status.is_final()
        && !is_commander(caller, incident)
}

fn is_commander(caller: &Caller, incident: &Incident) -> bool {
    caller.actor.kind == ActorKind::Person && incident.commander() == Some(&caller.actor.name)
}

fn lines(
    frame: &Frame<'_>,
    texts: &CoordinationTexts,
    approval: &RiskApproval,
) -> Vec<ApprovalLine> {
    let line = |text: &str, person: &str, at| ApprovalLine {
        text: frame.fill(text, &[("person", person)]),
        at: frame.times.time(at),
    };
    let mut lines = vec![line(
        texts.asked_by,
        approval.requested_by.as_str(),
        &approval.requested_at,
    )];
    lines.extend(approval.given.iter().map(|one| {
        let text = if one.as_commander {
            texts.as_commander
        } else {
            texts.as_backup
        };
        line(text, one.by.as_str(), &one.at)
    }));
    lines.extend(approval.ended.as_ref().map(|one| {
        let text = match approval.state {
            RiskApprovalState::Withdrawn => texts.withdrawn_by,
            RiskApprovalState::Requested
            | RiskApprovalState::Approved
            | RiskApprovalState::Refused => texts.refused_by,
        };
        line(text, one.by.as_str(), &one.at)
    }));
    lines
}

/// A decision about an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ApprovalDecision {
    Approve,
    Refuse,
    Withdraw,
}

impl ApprovalDecision {
    const ALL: [Self; 3] = [Self::Approve, Self::Refuse, Self::Withdraw];

    const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
        }
    }

    const fn label(self, texts: &CoordinationTexts) -> &'static str {
        match self {
            Self::Approve => texts.approve,
            Self::Refuse => texts.refuse,
            Self::Withdraw => texts.withdraw,
        }
    }
}

/// Returns the decisions that a person may take about an approval now.
fn decisions(
    state: &AppState,
    caller: &Caller,
    incident: &Incident,
    approval: &RiskApproval,
) -> Vec<ApprovalDecision> {
    let is_open = approval.state == RiskApprovalState::Requested && !incident.status.is_final();
    if !is_open || !state.incidents().may(caller, Action::Update) {
        return Vec::new();
    }
    let actor = &caller.actor;
    let approves = actor.kind == ActorKind::Person
        && approval
            .obstacle(&actor.name, incident.commander())
            .is_none();
    let is_requester = approval.requested_by == actor.name;
    let may = |decision: &ApprovalDecision| match decision {
        ApprovalDecision::Approve => approves,
        ApprovalDecision::Refuse => !is_requester,
        ApprovalDecision::Withdraw => is_requester,
    };
    ApprovalDecision::ALL.into_iter().filter(may).collect()
}

/// Handles `GET /incidents/{id}/approvals`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: id,
        ..
    }: Authorized<permission::Update, IncidentId>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    request_form(&state, &reader, &context.caller, id, &nothing, None).await
}

/// Handles `POST /incidents/{id}/approvals`.
pub(crate) async fn post(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Update, ExistingIncident>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, ExistingIncident(id)) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let done = match JsonBody::of(&fields).required("text").parse() {
        Ok(ApprovalRequest { text }) => {
            let step = ApprovalStep::Request { text };
            submitted.act(Command::Approve(step)).await
        }
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{id}#card-approvals")),
        )),
        Err(problem) => request_form(&state, &reader, &caller, id, &fields, Some(&problem)).await,
    }
}

async fn request_form(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    id: IncidentId,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let incident = state.incidents().get(id).await?;
    let texts = CoordinationTexts::of(reader.language);
    let mut page = ActPage::new(state, reader, caller, &incident, texts.request);
    if incident.status.is_final() {
        page.lines.push(texts.ended.to_owned());
        return page.respond(problem);
    }
    page.lines.push(texts.request_help.to_owned());
    if incident.commander().is_none() {
        page.lines.push(texts.no_commander_yet.to_owned());
    }
    if is_commander(caller, &incident) {
        page.lines.push(texts.requester_is_commander.to_owned());
    }
    let placed = placed(texts, "text", problem);
    let problem = placed.as_ref().or(problem);
    let text = Field::area("text", texts.text)
        .hint(texts.text_hint)
        .required(page.frame.common)
        .focused()
        .from(sent, problem);
    let text = match &placed {
        Some(_) => text.translated(),
        None => text,
    };
    page.with_form(&[text], sent, problem, texts.request_submit)
        .respond(problem)
}

/// Returns a refusal at the field that it is shown beside, in the language of the reader.
fn placed(texts: &CoordinationTexts, field: &str, problem: Option<&Problem>) -> Option<Problem> {
    let problem = problem?;
    let text = texts.refusal(problem.code())?;
    Some(problem.clone().at(format!("/{field}"), text))
}

/// Handles `GET /incidents/{id}/approvals/{number}`.
pub(crate) async fn show_one(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context, target, ..
    }: Authorized<permission::Update, ApprovalTarget>,
    _: Params<()>,
) -> WebResult {
    let nothing = FormFields::default();
    decide_form(&state, &reader, &context.caller, target, &nothing, None).await
}

/// Handles `POST /incidents/{id}/approvals/{number}`.
pub(crate) async fn decide(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    mut submitted: Submitted<permission::Update, ApprovalTarget>,
) -> WebResult {
    submitted.at_any_version();
    let (fields, target) = (submitted.fields.clone(), submitted.target);
    let caller = submitted.context().caller.clone();
    let done = match step_of(&fields, target.number) {
        Ok(step) => {
            let run = submitted.run(|incidents, context, ApprovalTarget { id, .. }| async move {
                incidents.act(&context, id, &Command::Approve(step)).await
            });
            run.await
        }
        Err(problem) => Err(problem),
    };
    match client_problems(done)? {
        Ok(_) => Ok(WebPage::see_other(
            &reader.link(&format!("/incidents/{}#card-approvals", target.id)),
        )),
        Err(problem) => {
            decide_form(&state, &reader, &caller, target, &fields, Some(&problem)).await
        }
    }
}

fn step_of(fields: &FormFields, number: u32) -> Result<ApprovalStep, Problem> {
    let chosen = fields.get("decision");
    let decision = ApprovalDecision::ALL
        .into_iter()
        .find(|one| one.name() == chosen);
    let wrong = || Problem::field("/decision", "expected approve, refuse or withdraw");
    Ok(match decision.ok_or_else(wrong)? {
        ApprovalDecision::Approve => {
            let note = fields.get("reason").trim();
            let body = JsonBody::of(fields);
            let body = match note {
                "" => body,
                note => body.with("note", note),
            };
            let NoteRequest { note } = body.parse().map_err(|problem: Problem| {
                problem.at_fields(|pointer| (pointer == "/note").then_some("reason"))
            })?;
            ApprovalStep::Approve { number, note }
        }
        ApprovalDecision::Refuse => {
            let ReasonRequest { reason } = JsonBody::of(fields).required("reason").parse()?;
            ApprovalStep::Refuse { number, reason }
        }
        ApprovalDecision::Withdraw => {
            let ReasonRequest { reason } = JsonBody::of(fields).required("reason").parse()?;
            ApprovalStep::Withdraw { number, reason }
        }
    })
}

async fn decide_form(
    state: &AppState,
    reader: &Reader,
    caller: &Caller,
    target: ApprovalTarget,
    sent: &FormFields,
    problem: Option<&Problem>,
) -> WebResult {
    let incident = state.incidents().get(target.id).await?;
    let found = incident.approval(target.number);
    let approval = found.ok_or_else(|| Problem::not_found("approval"))?;
    let texts = CoordinationTexts::of(reader.language);
    let mut page = ActPage::new(state, reader, caller, &incident, texts.decide_title);
    let number = approval.number.to_string();
    let title = page.frame.fill(texts.approval_title, &[("n", &number)]);
    let text = approval
        .text
        .as_ref()
        .map_or(texts.erased, |text| text.as_str());
    page.lines.push(format!("{title}: {text}"));
    let lines = lines(&page.frame, texts, approval);
    page.lines.extend(lines.into_iter().map(|line| line.text));
    let decisions = decisions(state, caller, &incident, approval);
    if !decisions.contains(&ApprovalDecision::Approve) {
        let obstacle = approval.obstacle(&caller.actor.name, incident.commander());
        let why = obstacle.and_then(|refusal| {
            let Refusal::WrongState { code, .. } = refusal else {
                return None;
            };
            texts.refusal(code)
        });
        page.lines.extend(why.map(str::to_owned));
    }
    if decisions.is_empty() {
        return page.respond(problem);
    }
    let placed = placed(texts, "decision", problem);
    let problem = placed.as_ref().or(problem);
    let choices = decisions
        .iter()
        .map(|one| Choice::marked(one.name(), as_typed(one.label(texts)), ""));
    let decision = Field::radio("decision", texts.decision, choices.collect());
    let mut reason = Field::area("reason", texts.reason).hint(texts.reason_hint);
    let needs_reason = [
        ApprovalDecision::Refuse.name(),
        ApprovalDecision::Withdraw.name(),
    ];
    if needs_reason.contains(&sent.get("decision")) {
        reason = reason.required(page.frame.common);
    }
    let fields = [decision, reason].map(|field| {
        let field = field.from(sent, problem);
        match &placed {
            Some(_) if field.name == "decision" => field.translated(),
            _ => field,
        }
    });
    page.with_form(&fields, sent, problem, texts.decide_submit)
        .respond(problem)
}
