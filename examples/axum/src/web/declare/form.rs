//! The fields of a declaration.

use incident_core::actor::{Action, Caller};
use incident_core::incident::{Mode, Severity, Source};
use incident_core::name::{NAME_BYTES, TITLE_CHARS};
use incident_core::{TEXT_BYTES, Timestamp};

use super::declare_texts::DeclareTexts;
use super::known::KnownNames;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::common_texts::{CommonTexts, severity_mark};
use crate::web::form::{Choice, Field, FormFields, wire_word};
use crate::web::frame::Frame;
use crate::web::incident::words::WordTexts;

/// The fields by block.
pub(super) struct DeclareFields {
    pub(super) what: Vec<Field>,
    pub(super) place: Vec<Field>,
    pub(super) say: Vec<Field>,
    pub(super) rare: Vec<Field>,
}

impl DeclareFields {
    /// Creates the fields as they were sent, and with the errors of a problem.
    pub(super) fn new(
        state: &AppState,
        frame: &Frame<'_>,
        caller: &Caller,
        known: KnownNames,
        sent: &FormFields,
        problem: Option<&Problem>,
    ) -> Self {
        let texts = DeclareTexts::of(frame.reader.language);
        let filled = |fields: Vec<Field>| {
            let fields = fields.into_iter();
            fields.map(|field| field.from(sent, problem)).collect()
        };
        let zone = frame.times.zone();
        let started = format!("{} {zone}", texts.started_hint);
        Self {
            what: filled(what(texts, frame.common)),
            place: filled(place(texts, known)),
            say: filled(vec![
                Field::area("summary", texts.summary)
                    .hint(texts.summary_hint)
                    .optional(frame.common)
                    .max(TEXT_BYTES),
                Field::time("started_at", texts.started_at, &started),
            ]),
            rare: filled(rare(state, frame, caller, texts)),
        }
    }

    /// Returns all fields.
    pub(super) fn all(&self) -> Vec<&Field> {
        let blocks = [&self.what, &self.place, &self.say, &self.rare];
        blocks.into_iter().flatten().collect()
    }
}

fn what(texts: &DeclareTexts, common: &'static CommonTexts) -> Vec<Field> {
    let severities =
        Severity::ALL.map(|one| Choice::marked(one.name(), severity_mark(one), texts.meaning(one)));
    vec![
        Field::line("title", texts.name)
            .hint(texts.name_hint)
            .required(common)
            .max(TITLE_CHARS)
            .focused(),
        Field::radio("severity", texts.severity, severities.into()).required(common),
    ]
}

fn place(texts: &DeclareTexts, known: KnownNames) -> Vec<Field> {
    vec![
        Field::items("affected_services", texts.services)
            .hint(texts.services_hint)
            .known(known.services),
        Field::items("affected_tenants", texts.tenants)
            .hint(texts.tenants_hint)
            .known(known.tenants),
        Field::check("all_tenants", texts.tenants_all),
    ]
}

fn rare(state: &AppState, frame: &Frame<'_>, caller: &Caller, texts: &DeclareTexts) -> Vec<Field> {
    let words = WordTexts::of(frame.reader.language);
    let zone = frame.times.zone();
    let modes = [Mode::Live, Mode::Retrospective, Mode::Drill];
    let modes = modes.map(|one| Choice::new(one.name(), words.mode(one)));
    let sources = [
        Source::Team,
        Source::Monitoring,
        Source::Customer,
        Source::Partner,
        Source::Suggestion,
    ];
    let sources = sources.map(|one| Choice::new(&wire_word(&one), words.source(one)));
    let pages = [
        ("", texts.page_policy),
        ("true", texts.page_yes),
        ("false", texts.page_no),
    ];
    let pages = pages.map(|(value, label)| Choice::new(value, label));
    let mut fields = vec![
        Field::select("mode", texts.mode, modes.into()),
        Field::select("source", texts.source, sources.into()),
        Field::select("page", texts.page, pages.into()),
        Field::line("responder", texts.responder)
            .hint(texts.responder_hint)
            .max(NAME_BYTES),
        Field::time("eta", texts.eta, &zone),
        Field::time("detected_at", texts.detected_at, &zone),
        Field::time("impact_ended_at", texts.impact_ended_at, &zone),
        Field::time("resolved_at", texts.resolved_at, &zone),
        Field::line("environment", texts.environment)
            .hint(match state.incidents().has_sla() {
                true => texts.environment_hint,
                false => texts.environment_alone,
            })
            .max(NAME_BYTES),
        Field::line("alert_key", texts.alert_key)
            .hint(texts.alert_hint)
            .max(NAME_BYTES),
        Field::line("tracker_url", texts.tracker_url).max(TEXT_BYTES),
    ];
    if state.incidents().may(caller, Action::LongOutage) {
        fields.push(Field::line("reason", texts.reason));
    }
    fields
}

/// Fills in what a suggestion proposes.
pub(super) fn fill_in(
    fields: &mut FormFields,
    frame: &Frame<'_>,
    suggestion: &incident_core::suggestion::Suggestion,
) {
    let request = &suggestion.request;
    let evidence = request.evidence.as_ref();
    let observed: Timestamp = request.observed_at;
    fields.set("title", suggestion.title());
    fields.set("severity", Severity::Sev3.name());
    fields.set("affected_services", request.service.as_str());
    fields.set("affected_tenants", request.tenant.as_str());
    fields.set("summary", evidence.map_or("", |text| text.as_str()));
    fields.set("started_at", frame.times.field(observed));
    fields.set("source", "suggestion");
    fields.set("suggestion_id", suggestion.id.to_string());
}
