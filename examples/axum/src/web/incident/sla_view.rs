//! The outage of an incident and what it costs, as a card of its page.

use std::time::Duration;

use incident_core::Timestamp;
use incident_core::engine::{Error, SlaReport, SlaRow};
use incident_core::incident::Incident;
use incident_core::sla::decimal_minutes;

use super::chart::{ChartLabels, strip};
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::frame::Frame;
use crate::web::numbers::{decimal, percent_text};
use crate::web::texts::{count, number_of, texts};

/// Number of tenants with a row of their own.
const NAMED: usize = 20;

texts! {
    /// The texts about the outage and its credits.
    OutageTexts {
        title: "SLA", "SLA", "SLA";
        outage: "{n} min of outage", "{n} min d’interruption", "{n} min Ausfall";
        windows: "Outage over time", "Interruption dans le temps", "Ausfall im Verlauf";
        from: "From", "Du", "Von";
        until: "Until", "Au", "Bis";
        open: "now", "maintenant", "jetzt";
        target_met: "Target of {target} still met, {left} left", "Objectif de {target} encore tenu, reste {left}", "Ziel von {target} noch erfüllt, {left} übrig";
        target_met_over: "Target of {target} met", "Objectif de {target} tenu", "Ziel von {target} erfüllt";
        target_missed: "Target of {target} missed", "Objectif de {target} manqué", "Ziel von {target} verfehlt";
        credit: "Credit: {credit}", "Avoir : {credit}", "Gutschrift: {credit}";
        no_credit: "No credit is owed", "Aucun avoir n’est dû", "Keine Gutschrift fällig";
        next: "{left} left before {credit}", "{left} avant {credit}", "noch {left} bis {credit}";
        alone: "From this incident alone, for the tenant that it hit longest.", "Du fait de ce seul incident, pour le client touché le plus longtemps.", "Nur aus diesem Vorfall, für den am längsten betroffenen Mandanten.";
        by_tenant: "By tenant", "Par client", "Je Mandant";
        tenant: "Tenant", "Client", "Mandant";
        minutes: "Minutes", "Minutes", "Minuten";
        target: "Target", "Objectif", "Ziel";
        met: "met", "tenu", "erfüllt";
        missed: "missed", "manqué", "verfehlt";
        credit_head: "Credit", "Avoir", "Gutschrift";
        more_tenants: "{n} more tenant | {n} more tenants", "{n} autre client | {n} autres clients", "{n} weiterer Mandant | {n} weitere Mandanten";
        excluded: "It does not count for the SLA: {reason}.", "Il ne compte pas pour le SLA : {reason}.", "Er zählt nicht für das SLA: {reason}.";
        drill: "a drill", "un exercice", "eine Übung";
        cancelled: "cancelled", "annulé", "abgebrochen";
        merged: "counted with the incident it was merged into", "compté avec l’incident fusionné", "zählt mit dem Vorfall, in den er einging";
        environment: "environment {name}", "environnement {name}", "Umgebung {name}";
        nobody: "No tenant is named, so nothing is owed yet.", "Aucun client n’est nommé, rien n’est donc dû.", "Kein Mandant ist genannt, also ist nichts fällig.";
        unknown: "The credits cannot be computed just now:", "Les avoirs ne peuvent pas être calculés à l’instant :", "Die Gutschriften lassen sich gerade nicht berechnen:";
    }
}

/// A window of the outage.
pub(super) struct WindowRow {
    pub(super) from: Html,
    pub(super) until: Option<Html>,
    pub(super) minutes: String,
}

/// The credit of a tenant.
#[derive(Clone, Debug)]
pub(super) struct TenantRow {
    pub(super) tenant: String,
    pub(super) minutes: String,
    pub(super) is_missed: bool,
    pub(super) credit: String,
}

/// The card.
pub(super) struct SlaView {
    pub(super) texts: &'static OutageTexts,
    pub(super) minutes: String,
    pub(super) chart: Html,
    pub(super) windows: Vec<WindowRow>,
    /// Sentences about the tenant that was hit longest.
    pub(super) lines: Vec<String>,
    pub(super) is_missed: bool,
    pub(super) tenants: Vec<TenantRow>,
    pub(super) more_tenants: Option<String>,
    /// The server's words about a report that could not be made.
    pub(super) error: Option<String>,
}

impl SlaView {
    /// Computes the card. If the report fails, the card shows the error.
    pub(super) async fn load(state: &AppState, frame: &Frame<'_>, incident: &Incident) -> Self {
        let report = state.incidents().reports().sla_impact(incident.id).await;
        Self::new(frame, incident, report)
    }

    fn new(frame: &Frame<'_>, incident: &Incident, report: Result<SlaReport, Error>) -> Self {
        let language = frame.reader.language;
        let texts = OutageTexts::of(language);
        let now = frame.times.now;
        let outage = incident.outage(now);
        let mut view = Self {
            texts,
            minutes: {
                let minutes = decimal(language, &minutes(outage.micros()));
                frame.fill(texts.outage, &[("n", &minutes)])
            },
            chart: chart(frame, texts, incident),
            windows: windows(frame, incident),
            lines: Vec::new(),
            is_missed: false,
            tenants: Vec::new(),
            more_tenants: None,
            error: None,
        };
        match report {
            Ok(report) => view.add(frame, incident, &report),
            Err(error) => view.error = Some(error.to_string()),
        }
        view
    }

    fn add(&mut self, frame: &Frame<'_>, incident: &Incident, report: &SlaReport) {
        let (texts, language) = (self.texts, frame.reader.language);
        if let Some(reason) = &report.excluded {
            let environment = frame.fill(texts.environment, &[("name", reason)]);
            let reason = match reason.as_str() {
                "drill" => texts.drill,
                "cancelled" => texts.cancelled,
                "merged" => texts.merged,
                _ => &environment,
            };
            self.lines
                .push(frame.fill(texts.excluded, &[("reason", reason)]));
            return;
        }
        let longest = report.rows.iter().max_by_key(|row| row.outage_us);
        let Some(longest) = longest else {
            self.lines.push(texts.nobody.to_owned());
            return;
        };
        self.is_missed = longest.target_breached;
        self.lines = lines(frame, texts, incident, longest);
        let mut rows: Vec<&SlaRow> = report.rows.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.outage_us));
        let shown = rows.iter().take(NAMED).map(|row| TenantRow {
            tenant: row.tenant_id.to_string(),
            minutes: decimal(language, &minutes(row.outage_us)),
            is_missed: row.target_breached,
            credit: percent_text(language, &row.credit_percent.to_string()),
        });
        self.tenants = shown.collect();
        let more = number_of(rows.len().saturating_sub(NAMED));
        self.more_tenants = (more > 0).then(|| count(language, texts.more_tenants, more));
    }
}

fn lines(frame: &Frame<'_>, texts: &OutageTexts, incident: &Incident, row: &SlaRow) -> Vec<String> {
    let language = frame.reader.language;
    let is_live = incident.status.is_live();
    let target = percent_text(language, &row.target.to_string());
    let left = |us: u64| {
        let minutes = decimal(language, &minutes(us));
        format!("{minutes}\u{a0}min")
    };
    let met = match row.target_left_us {
        None => frame.fill(texts.target_missed, &[("target", &target)]),
        Some(us) if is_live => frame.fill(
            texts.target_met,
            &[("target", &target), ("left", &left(us))],
        ),
        Some(_) => frame.fill(texts.target_met_over, &[("target", &target)]),
    };
    let credit = match row.credit_percent {
        incident_core::Percent::ZERO => texts.no_credit.to_owned(),
        credit => {
            let credit = percent_text(language, &credit.to_string());
            frame.fill(texts.credit, &[("credit", &credit)])
        }
    };
    let mut lines = vec![met, credit];
    if let Some(next) = row.next_tier.filter(|_| is_live) {
        let credit = percent_text(language, &next.credit_percent.to_string());
        let left = left(next.left_us);
        lines.push(frame.fill(texts.next, &[("left", &left), ("credit", &credit)]));
    }
    lines
}

/// Returns minutes with at most one decimal, never rounded up to a threshold.
fn minutes(us: u64) -> String {
    // A tenth of a minute.
    const TENTH: u64 = 6_000_000;
    decimal_minutes(us / TENTH * TENTH)
}

fn windows(frame: &Frame<'_>, incident: &Incident) -> Vec<WindowRow> {
    let row = |start: &Timestamp, end: Option<Timestamp>| {
        let length = end.unwrap_or(frame.times.now).since(*start);
        let us = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
        WindowRow {
            from: frame.times.full(start),
            until: end.map(|end| frame.times.full(&end)),
            minutes: decimal(frame.reader.language, &minutes(us)),
        }
    };
    let intervals = incident.intervals();
    intervals
        .iter()
        .map(|one| row(&one.start, one.end))
        .collect()
}

fn chart(frame: &Frame<'_>, texts: &OutageTexts, incident: &Incident) -> Html {
    let now = frame.times.now;
    let windows = incident.outage(now);
    let start = windows.start().unwrap_or(incident.started_at);
    let end = incident.over_at().unwrap_or(now);
    let end = windows.end().map_or(end, |last| last.max(end));
    // A picture needs some length.
    let end = end.max(start.saturating_add(Duration::from_secs(60)));
    let labels = ChartLabels {
        id: "outage-title",
        title: texts.windows,
        from: &frame.times.short(start),
        to: &frame.times.short(end),
    };
    strip(&labels, &windows, (start, end))
}
