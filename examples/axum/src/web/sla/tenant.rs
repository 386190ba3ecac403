//! `/sla/{tenant}`: the statement of one tenant for a month, its sources, and its credits.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use incident_core::actor::Action;
use incident_core::audit::Chain;
use incident_core::billing::{CappedCredit, CreditState};
use incident_core::incident::Outline;
use incident_core::port::{AuditQuery, IncidentFilter};
use incident_core::sla::{IncidentLine, SlaStatement};
use incident_core::{IncidentId, Month, Percent, PersonName, TenantId, Timestamp};

use super::budget::OutageBudget;
use super::month_ledger::{MonthLedger, is_open, signed_amount};
use super::month_nav::MonthNav;
use super::sla_texts::SlaTexts;
use super::tenant_target::TenantTarget;
use crate::http::authorized::Authorized;
use crate::http::permission;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::filter::FilterFields;
use crate::web::form::{Field, Summary};
use crate::web::frame::{Frame, Section};
use crate::web::numbers::{minutes, money, percent, percent_text};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{count, fill, grouped, number_of};

/// Maximum number of incidents whose titles are looked up.
const TITLES: usize = 200;
/// Maximum number of waivers whose reasons are looked up.
const WAIVERS: usize = 50;
/// Maximum number of audit entries that are read for one reason.
const ENTRIES: usize = 200;

/// An incident of a statement.
struct SourceLine {
    id: IncidentId,
    /// The number and the title, if they were found.
    found: Option<(u64, String)>,
    outage: String,
    own: Option<String>,
}

/// A row of the ledger.
struct LedgerLine {
    id: String,
    incident: Option<(IncidentId, Option<u64>)>,
    percent: String,
    amount: Option<String>,
    state: &'static str,
    /// `true` if it was replaced or owes nothing.
    is_other: bool,
    is_reversal: bool,
    author: String,
    approved: Option<(String, Timestamp)>,
    waived: Option<Waiver>,
    issued: Option<Timestamp>,
    billed: Option<Timestamp>,
    may_approve: bool,
    may_waive: bool,
}

/// A waiver, as the audit trail has it.
struct Waiver {
    by: String,
    at: Timestamp,
    reason: String,
}

/// A figure of a statement.
struct StatementFact {
    label: &'static str,
    value: String,
    /// `true` if it is the target, beside which stands whether it was met.
    is_target: bool,
}

/// A statement as the page shows it.
struct StatementView {
    facts: Vec<StatementFact>,
    is_missed: bool,
    is_provisional: bool,
    budget: OutageBudget,
    derivation: Vec<String>,
    sources: Vec<SourceLine>,
    ledger: Vec<LedgerLine>,
    others: Vec<LedgerLine>,
    others_count: String,
}

impl StatementView {
    /// Returns `true` if no incident hit the tenant and its ledger has no row.
    fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.ledger.is_empty() && self.others.is_empty()
    }
}

#[derive(Template)]
#[template(path = "sla/tenant.html")]
struct TenantPage<'a> {
    frame: Frame<'a>,
    texts: &'static SlaTexts,
    tenant: TenantId,
    month: Month,
    nav: MonthNav,
    is_future: bool,
    summary: Option<Summary>,
    view: Option<StatementView>,
    no_statement: String,
    back: String,
    has_four_eyes: bool,
    may_decide: bool,
}

/// Handles `GET /sla/{tenant}`.
pub(crate) async fn show(
    State(state): State<Arc<AppState>>,
    reader: Reader,
    Authorized {
        context,
        target: TenantTarget(tenant),
        ..
    }: Authorized<permission::Read, TenantTarget>,
    fields: FilterFields,
) -> WebResult {
    let frame = Frame::of(&state, &reader, &context.caller, Section::Credits);
    let texts = SlaTexts::of(reader.language);
    let now = frame.times.now;
    let (month, problem) = match fields.get("month") {
        "" => (Month::of(now), None),
        text => match text.parse::<Month>() {
            Ok(month) => (month, None),
            Err(error) => (Month::of(now), Some(Problem::from(error.at("month")))),
        },
    };
    let contracts = state.incidents().contracts();
    let is_future = !contracts.has_begun(month, now);
    let may = |action| state.incidents().may(&context.caller, action);
    let may_decide = may(Action::DecideCredit);
    let view = match problem.is_some() || is_future {
        true => None,
        false => {
            let reports = state.incidents().reports();
            let made = reports.statements(month, Some(&tenant)).await?;
            match made.into_iter().next() {
                Some(made) => {
                    let reads_audit = may(Action::ReadAudit);
                    let view = view(&state, &frame, texts, month, &made, reads_audit).await?;
                    (!view.is_empty()).then_some(view)
                }
                None => None,
            }
        }
    };
    let month_field = Field::month("month", texts.month).from(&fields.0, problem.as_ref());
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
    let here = frame.reader.here.split('?').next().unwrap_or_default();
    let nav = MonthNav::new(&frame.times, contracts, here, month);
    let name = [("month", nav.name.as_str())];
    let page = TenantPage {
        summary: problem
            .as_ref()
            .map(|problem| Summary::of(frame.common, problem, &[&month_field])),
        no_statement: fill(texts.no_statement_help, &name),
        back: fill(texts.back, &name),
        has_four_eyes: state.incidents().credit_policy().four_eyes,
        tenant,
        month,
        nav,
        is_future,
        view,
        may_decide,
        frame,
        texts,
    };
    WebPage::render(status, &page)
}

async fn view(
    state: &AppState,
    frame: &Frame<'_>,
    texts: &'static SlaTexts,
    month: Month,
    made: &SlaStatement,
    reads_audit: bool,
) -> Result<StatementView, Problem> {
    let language = frame.reader.language;
    let terms = state.incidents().contracts().terms_of(&made.tenant, month);
    let titles = titles(state, made).await?;
    let ledger = MonthLedger::load(state, month, Some(&made.tenant)).await?;
    let mut lines = Vec::new();
    let mut waivers = 0;
    for credit in ledger.of(&made.tenant, made.period) {
        let is_waived = credit.row.state == CreditState::Waived;
        let waived = match is_waived && reads_audit && waivers < WAIVERS {
            true => {
                waivers += 1;
                waiver(state, credit).await?
            }
            false => None,
        };
        lines.push(ledger_line(frame, texts, &titles, credit, waived));
    }
    let source = |line: &IncidentLine| SourceLine {
        id: line.incident,
        found: titles
            .get(&line.incident)
            .map(|one| (one.number, one.title.to_string())),
        outage: minutes(language, line.outage_us),
        own: line
            .own
            .as_ref()
            .map(|own| percent(language, own.credit_percent)),
    };
    let (others, ledger): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.is_other);
    let number = number_of(others.len());
    Ok(StatementView {
        others_count: count(language, texts.other_rows, number),
        others,
        facts: facts(frame, texts, made),
        is_missed: made.target_breached,
        is_provisional: made.provisional,
        budget: OutageBudget::new(language, texts, terms, made),
        derivation: made.derivation(),
        sources: made.incidents.iter().map(source).collect(),
        ledger,
    })
}

/// Returns the incidents of a statement, as far as they are found.
async fn titles(
    state: &AppState,
    made: &SlaStatement,
) -> Result<BTreeMap<IncidentId, Outline>, Problem> {
    let filter = IncidentFilter {
        tenant: Some(made.tenant.to_string()),
        touching: Some(made.period.window(made.zone)),
        limit: TITLES,
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    let found = state.incidents().list(&filter).await?;
    Ok(found.into_iter().map(|one| (one.id, one)).collect())
}

fn facts(frame: &Frame<'_>, texts: &'static SlaTexts, made: &SlaStatement) -> Vec<StatementFact> {
    let language = frame.reader.language;
    let mut facts = vec![
        (texts.period, format!("{} ({})", made.period, made.zone)),
        (
            texts.terms,
            format!("{}, {}", made.terms_version, texts.basis_name(made.basis)),
        ),
        (texts.outage, minutes(language, made.outage_us)),
    ];
    for (label, us) in [
        (texts.excluded, made.excluded_us),
        (texts.too_short, made.too_short_us),
    ] {
        if us > 0 {
            facts.push((label, minutes(language, us)));
        }
    }
    let availability = percent_text(language, &made.availability_percent);
    facts.push((texts.availability, availability));
    facts.push((texts.target, percent(language, made.target)));
    facts.push((texts.credit, percent(language, made.credit_percent)));
    let amount = |amount: Option<incident_core::Money>| {
        amount.map_or_else(|| texts.no_fee.to_owned(), |amount| money(language, amount))
    };
    facts.push((texts.fee, amount(made.fee)));
    if made.credit_percent > Percent::ZERO {
        facts.push((texts.amount, amount(made.amount)));
    }
    let facts = facts.into_iter();
    facts
        .map(|(label, value)| StatementFact {
            is_target: label == texts.target,
            label,
            value,
        })
        .collect()
}

/// Finds the waiver of a credit in the audit trail.
async fn waiver(state: &AppState, credit: &CappedCredit) -> Result<Option<Waiver>, Problem> {
    let query = AuditQuery {
        chain: Some(Chain::of(credit.row.incident_id)),
        action: Some("waive_credit".to_owned()),
        newest_first: true,
        limit: ENTRIES,
        skip_unreadable: true,
        ..AuditQuery::default()
    };
    let id = credit.row.id.to_string();
    let entries = state.incidents().audit().list(&query).await?;
    let found = entries
        .into_iter()
        .find(|entry| entry.payload.detail.get("credit") == Some(&id));
    Ok(found.map(|entry| Waiver {
        by: PersonName::to_string(&entry.payload.actor.name),
        at: entry.payload.at,
        reason: entry
            .payload
            .detail
            .get("reason")
            .cloned()
            .unwrap_or_default(),
    }))
}

/// Returns `true` if a row was replaced or owes nothing.
fn is_other(credit: &CappedCredit) -> bool {
    match credit.row.state {
        CreditState::Superseded => true,
        CreditState::Estimated => !is_open(credit),
        CreditState::Approved | CreditState::Waived | CreditState::Issued => false,
    }
}

fn ledger_line(
    frame: &Frame<'_>,
    texts: &'static SlaTexts,
    titles: &BTreeMap<IncidentId, Outline>,
    credit: &CappedCredit,
    waived: Option<Waiver>,
) -> LedgerLine {
    let language = frame.reader.language;
    let row = &credit.row;
    let is_approved = row.state == CreditState::Approved;
    let revision = grouped(language, row.revision.into());
    let granted = row.granted.as_ref();
    let issued = row.issued.as_ref();
    LedgerLine {
        id: row.id.to_string(),
        incident: row
            .incident_id
            .map(|id| (id, titles.get(&id).map(|one| one.number))),
        percent: percent(language, credit.capped),
        amount: signed_amount(credit).map(|amount| money(language, amount)),
        state: match is_other(credit) && row.state == CreditState::Estimated {
            true => texts.nothing_owed,
            false => texts.credit_state(row.state),
        },
        is_other: is_other(credit),
        is_reversal: row.reverses.is_some(),
        author: fill(
            texts.computed_by,
            &[("name", row.author.as_str()), ("n", &revision)],
        ),
        approved: granted.map(|granted| {
            let name = [("name", granted.by.as_str())];
            (fill(texts.approved_by, &name), granted.at)
        }),
        waived,
        issued: issued.map(|issued| issued.at),
        billed: issued.and_then(|issued| issued.accepted_at),
        may_approve: is_open(credit),
        may_waive: is_open(credit) || (is_approved && row.reverses.is_none()),
    }
}
