//! The table of all tenants of a month.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use incident_core::actor::{Action, Caller};
use incident_core::billing::{CappedCredit, CreditState};
use incident_core::sla::SlaStatement;
use incident_core::{Month, Percent, PeriodKind, TenantId};

use super::month_ledger::{MonthLedger, is_open};
use super::month_nav::MonthNav;
use super::sla_texts::SlaTexts;
use crate::http::page::Page;
use crate::http::params::{FromQuery, QueryParameter};
use crate::http::problem::{Problem, client_problems};
use crate::http::query::Query;
use crate::state::AppState;
use crate::web::filter::{CURSOR, FilterFields, as_params, query_of};
use crate::web::form::{Field, Summary, new_key};
use crate::web::frame::{Frame, Section};
use crate::web::numbers::{minutes, money, percent, percent_text, sums};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;
use crate::web::texts::{count, fill, grouped, number_of, plural};

/// Number of tenants on a page.
const TENANTS: usize = 200;

/// The fields that choose tenants and month.
const FILTERS: [&str; 2] = ["month", "tenant"];

/// The query of the table.
struct OverviewParams {
    month: Option<Month>,
    page: Page<String>,
}

impl FromQuery for OverviewParams {
    const PARAMETERS: &'static [QueryParameter] = &[
        QueryParameter::of::<Month>("month", "The month; this month if absent."),
        QueryParameter::of::<String>("tenant", "A part of the names of tenants."),
    ];

    fn from_query(query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            month: query.read("month")?,
            page: Page::read(query, TENANTS)?,
        })
    }
}

/// A row of the table.
struct OverviewRow {
    tenant: TenantId,
    href: String,
    /// The period, if it is not the month.
    period: Option<String>,
    outage: String,
    excluded: String,
    availability: String,
    target: String,
    is_missed: bool,
    credit: String,
    has_credit: bool,
    amount: Option<String>,
    states: Vec<String>,
    is_provisional: bool,
    /// The ids of the credits to decide about.
    open: Vec<String>,
    choose: String,
}

/// The foot of the table, over all tenants that match.
struct OverviewTotals {
    tenants: String,
    missed: String,
    amounts: Vec<String>,
    open: String,
}

/// The state of the month.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MonthState {
    /// It has not begun.
    Future,
    /// It goes on.
    Current,
    /// It is over.
    Over,
}

#[derive(Template)]
#[template(path = "sla/overview.html")]
struct CreditOverviewPage<'a> {
    frame: Frame<'a>,
    texts: &'static SlaTexts,
    month: Month,
    nav: MonthNav,
    state: MonthState,
    summary: Option<Summary>,
    notice: Option<String>,
    fields: [Field; 2],
    is_filtered: bool,
    rows: Vec<OverviewRow>,
    shown: String,
    next: Option<String>,
    is_first: bool,
    totals: OverviewTotals,
    fees_missing: Option<String>,
    may_decide: bool,
    all_open: String,
    recompute_help: String,
    key: String,
}

/// The statements of a page.
#[derive(Default)]
struct Found {
    statements: Vec<SlaStatement>,
    after: Option<String>,
    next_cursor: Option<String>,
}

/// The page of all tenants, for a person.
pub(super) struct Overview<'a> {
    /// The state of the application.
    pub(super) state: &'a AppState,
    /// The reader.
    pub(super) reader: &'a Reader,
    /// The person.
    pub(super) caller: &'a Caller,
}

impl Overview<'_> {
    /// Renders the page, with the problem of a form that was sent from it.
    ///
    /// # Errors
    /// Returns the problem of a store that fails.
    pub(super) async fn page(&self, fields: &FilterFields, sent: Option<Problem>) -> WebResult {
        let (state, reader) = (self.state, self.reader);
        let frame = Frame::of(state, reader, self.caller, Section::Credits).at("/sla");
        let texts = SlaTexts::of(reader.language);
        let now = frame.times.now;
        let params = read(fields);
        let this_month = Month::of(now);
        let month = params.as_ref().ok().and_then(|params| params.month);
        let month = month.unwrap_or(this_month);
        let month_state = self.month_state(month, now);
        let found = match (params, month_state) {
            (Err(problem), _) => Err(problem),
            (Ok(_), MonthState::Future) => Ok(Found::default()),
            (Ok(params), _) => {
                self.statements(month, fields.get("tenant"), params.page)
                    .await
            }
        };
        let (found, problem) = match client_problems(found)? {
            Ok(found) => (found, sent),
            Err(problem) => (Found::default(), Some(problem)),
        };
        let ledger = match found.statements.is_empty() {
            true => None,
            false => Some(MonthLedger::load(state, month, None).await?),
        };
        let status = problem.as_ref().map_or(StatusCode::OK, Problem::status);
        let rows: Vec<OverviewRow> = shown(&found)
            .map(|made| row(&frame, texts, month, made, ledger.as_ref()))
            .collect();
        let all_open: Vec<&str> = rows
            .iter()
            .flat_map(|row| &row.open)
            .map(String::as_str)
            .collect();
        let all_open = all_open.join(" ");
        let fields_shown = form_fields(texts, fields, month, problem.as_ref());
        let [month_field, tenant_field] = &fields_shown;
        let summary = problem
            .as_ref()
            .map(|problem| Summary::of(frame.common, problem, &[month_field, tenant_field]));
        let nav = MonthNav::new(
            &frame.times,
            state.incidents().contracts(),
            &frame.link("/sla"),
            month,
        );
        let page = CreditOverviewPage {
            month,
            state: month_state,
            summary,
            notice: notice(reader, texts, fields),
            is_filtered: !fields.get("tenant").is_empty(),
            is_first: fields.get(CURSOR).is_empty(),
            shown: range(reader, texts, &found, rows.len()),
            next: found
                .next_cursor
                .as_deref()
                .map(|cursor| fields.with(&FILTERS, (CURSOR, cursor))),
            totals: totals(reader, texts, &found.statements, ledger.as_ref()),
            fees_missing: fees_missing(reader, texts, &found.statements),
            may_decide: state.incidents().may(self.caller, Action::DecideCredit),
            recompute_help: fill(texts.recompute_help, &[("month", &nav.name)]),
            fields: fields_shown,
            key: new_key(),
            all_open,
            rows,
            nav,
            frame,
            texts,
        };
        WebPage::render(status, &page)
    }

    fn month_state(&self, month: Month, now: incident_core::Timestamp) -> MonthState {
        let contracts = self.state.incidents().contracts();
        if !contracts.has_begun(month, now) {
            return MonthState::Future;
        }
        match now < contracts.widest(month).end() {
            true => MonthState::Current,
            false => MonthState::Over,
        }
    }

    /// Returns the statements of all tenants that match, by the function of the API.
    async fn statements(
        &self,
        month: Month,
        wanted: &str,
        page: Page<String>,
    ) -> Result<Found, Problem> {
        let reports = self.state.incidents().reports();
        let mut statements = reports.statements(month, None).await?;
        let wanted = wanted.to_lowercase();
        statements.retain(|made| made.tenant.as_str().to_lowercase().contains(&wanted));
        let left = rest(&statements, page.after.as_deref());
        let last = left.get(TENANTS - 1).filter(|_| left.len() > TENANTS);
        Ok(Found {
            next_cursor: last.map(|last| page.cursor(&last.tenant.as_str().to_owned())),
            after: page.after,
            statements,
        })
    }
}

fn read(fields: &FilterFields) -> Result<OverviewParams, Problem> {
    let names = FILTERS.into_iter().chain([CURSOR]);
    as_params(names.map(|name| (name, fields.get(name))))
}

/// Returns the statements after a tenant.
fn rest<'s>(statements: &'s [SlaStatement], after: Option<&str>) -> &'s [SlaStatement] {
    let first =
        statements.partition_point(|made| after.is_some_and(|after| made.tenant.as_str() <= after));
    statements.get(first..).unwrap_or_default()
}

/// Returns the statements of the page.
fn shown(found: &Found) -> impl Iterator<Item = &SlaStatement> {
    let left = rest(&found.statements, found.after.as_deref());
    left.iter().take(TENANTS)
}

fn form_fields(
    texts: &'static SlaTexts,
    fields: &FilterFields,
    month: Month,
    problem: Option<&Problem>,
) -> [Field; 2] {
    let month_field = Field::month("month", texts.month).hint(texts.month_hint);
    let mut month_field = month_field.from(&fields.0, problem);
    if fields.get("month").is_empty() {
        month_field = month_field.value(&month.to_string());
    }
    let tenant = Field::line("tenant", texts.tenant).hint(texts.tenant_hint);
    [month_field, tenant.from(&fields.0, problem)]
}

/// Returns the outcome of a recomputation that led here.
fn notice(reader: &Reader, texts: &SlaTexts, fields: &FilterFields) -> Option<String> {
    let changed = fields.get("recomputed").parse().ok()?;
    Some(count(reader.language, texts.recomputed, changed))
}

fn range(reader: &Reader, texts: &SlaTexts, found: &Found, rows: usize) -> String {
    let language = reader.language;
    let all = number_of(found.statements.len());
    let before = all - number_of(rest(&found.statements, found.after.as_deref()).len());
    fill(
        plural(language, texts.shown, all),
        &[
            ("from", &grouped(language, before + 1)),
            ("to", &grouped(language, before + number_of(rows))),
            ("n", &grouped(language, all)),
        ],
    )
}

fn row(
    frame: &Frame<'_>,
    texts: &SlaTexts,
    month: Month,
    made: &SlaStatement,
    ledger: Option<&MonthLedger>,
) -> OverviewRow {
    let language = frame.reader.language;
    let credits: Vec<&CappedCredit> = ledger
        .map(|ledger| ledger.of(&made.tenant, made.period).collect())
        .unwrap_or_default();
    let open: Vec<String> = credits
        .iter()
        .filter(|credit| is_open(credit))
        .map(|credit| credit.row.id.to_string())
        .collect();
    let number = number_of(open.len());
    let tenant = made.tenant.as_str();
    let has_credit = made.credit_percent > Percent::ZERO;
    let path: String = form_urlencoded::byte_serialize(tenant.as_bytes()).collect();
    let path = path.replace('+', "%20");
    let text = month.to_string();
    let query = query_of([("month", text.as_str())].into_iter());
    OverviewRow {
        href: frame.link(&format!("/sla/{path}{query}")),
        period: (made.period.kind() != PeriodKind::Month)
            .then(|| fill(texts.of_period, &[("period", &made.period.to_string())])),
        outage: minutes(language, made.outage_us),
        excluded: minutes(language, made.excluded_us),
        availability: percent_text(language, &made.availability_percent),
        target: percent(language, made.target),
        is_missed: made.target_breached,
        credit: percent(language, made.credit_percent),
        amount: made.amount.map(|amount| money(language, amount)),
        states: states(frame, texts, &credits, has_credit),
        is_provisional: made.provisional,
        choose: fill(
            plural(language, texts.choose_credits, number),
            &[("n", &grouped(language, number)), ("tenant", tenant)],
        ),
        tenant: made.tenant.clone(),
        has_credit,
        open,
    }
}

/// Returns the states of the credits of a tenant in words, with their numbers where there are
/// several.
fn states(
    frame: &Frame<'_>,
    texts: &SlaTexts,
    credits: &[&CappedCredit],
    has_credit: bool,
) -> Vec<String> {
    let mut numbers: BTreeMap<CreditState, u64> = BTreeMap::new();
    let current = credits.iter().filter(|credit| {
        let state = credit.row.state;
        state != CreditState::Superseded && (state != CreditState::Estimated || is_open(credit))
    });
    for credit in current {
        *numbers.entry(credit.row.state).or_default() += 1;
    }
    if numbers.is_empty() {
        let text = match has_credit {
            true => texts.not_computed,
            false => texts.nothing_owed,
        };
        return vec![text.to_owned()];
    }
    let states = numbers.into_iter();
    states
        .map(|(state, number)| match number {
            1 => texts.credit_state(state).to_owned(),
            number => {
                let number = grouped(frame.reader.language, number);
                format!("{number} {}", texts.credit_state(state))
            }
        })
        .collect()
}

fn totals(
    reader: &Reader,
    texts: &SlaTexts,
    statements: &[SlaStatement],
    ledger: Option<&MonthLedger>,
) -> OverviewTotals {
    let language = reader.language;
    let missed = statements.iter().filter(|made| made.target_breached);
    let amounts = sums(statements.iter().filter_map(|made| made.amount));
    let open = statements.iter().flat_map(|made| {
        let ledger = ledger.into_iter();
        ledger.flat_map(|ledger| ledger.of(&made.tenant, made.period))
    });
    let open = open.filter(|credit| is_open(credit)).count();
    OverviewTotals {
        tenants: count(language, texts.totals, number_of(statements.len())),
        missed: count(language, texts.missed_by, number_of(missed.count())),
        amounts: amounts
            .into_iter()
            .map(|amount| money(language, amount))
            .collect(),
        open: count(language, texts.open_credits, number_of(open)),
    }
}

/// Returns a sentence about credits whose amount is not known, if there are any.
fn fees_missing(reader: &Reader, texts: &SlaTexts, statements: &[SlaStatement]) -> Option<String> {
    let without = |made: &&SlaStatement| made.credit_percent > Percent::ZERO && made.fee.is_none();
    let number = statements.iter().filter(without).count();
    let number = number_of(number);
    (number > 0).then(|| count(reader.language, texts.fees_missing, number))
}
