//! The form for the fields of an incident.

use incident_core::TEXT_BYTES;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Affected, Incident, Level, LossState, Priority, Scope, Severity};
use incident_core::name::{NAME_BYTES, TITLE_CHARS};
use incident_core::response::ClassificationRules;
use serde::Serialize;

use super::edit_texts::EditTexts;
use super::marks::Values;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::amounts::example_amount;
use crate::web::form::{Choice, Field, FormFields, wire_word};
use crate::web::frame::Frame;
use crate::web::incident::acts::severities;
use crate::web::incident::words::WordTexts;
use crate::web::texts::count;

/// The fields by group.
pub(super) struct EditFields {
    pub(super) what: Vec<Field>,
    pub(super) place: Vec<Field>,
    /// The sentence about a list of tenants that is too long for the form.
    pub(super) many_tenants: Option<String>,
    pub(super) times: Vec<Field>,
    pub(super) facts: Vec<Field>,
    pub(super) assessment: Vec<Field>,
}

impl EditFields {
    /// Returns all fields.
    pub(super) fn all(&self) -> Vec<&Field> {
        let groups = [
            &self.what,
            &self.place,
            &self.times,
            &self.facts,
            &self.assessment,
        ];
        groups.into_iter().flatten().collect()
    }
}

/// The parts that the fields are made of.
struct FieldMaker<'a> {
    frame: &'a Frame<'a>,
    texts: &'static EditTexts,
    words: &'static WordTexts,
    values: FormFields,
    problem: Option<&'a Problem>,
    /// Those of the policy, whose currency an example has.
    thresholds: &'a ClassificationRules,
}

/// Creates the fields with some values, and with the errors of a problem.
pub(super) fn edit_fields(
    state: &AppState,
    frame: &Frame<'_>,
    caller: &Caller,
    incident: &Incident,
    values: &Values,
    problem: Option<&Problem>,
) -> EditFields {
    let language = frame.reader.language;
    let mut fields = FormFields::default();
    for (name, value) in values {
        fields.set(name, value.clone());
    }
    let maker = FieldMaker {
        frame,
        texts: EditTexts::of(language),
        words: WordTexts::of(language),
        values: fields,
        problem,
        thresholds: &state.incidents().policy().classification,
    };
    let may = |action| state.incidents().may(caller, action);
    let has_list = values.contains_key("affected_tenants");
    let rows = incident.affected_tenants.rows();
    EditFields {
        what: maker.what(severities(state, caller, incident)),
        place: maker.place(has_list),
        many_tenants: rows
            .filter(|_| !has_list && incident.affected_tenants != Affected::All)
            .map(|rows| count(language, maker.texts.many_tenants, rows)),
        times: maker.times(may(Action::LongOutage)),
        facts: maker.facts(),
        assessment: maker.assessment(),
    }
}

impl FieldMaker<'_> {
    fn filled(&self, fields: Vec<Field>) -> Vec<Field> {
        let fields = fields.into_iter();
        fields
            .map(|field| field.from(&self.values, self.problem))
            .collect()
    }

    fn line(&self, name: &'static str, max: usize) -> Field {
        Field::line(name, self.words.field(name)).max(max)
    }

    fn area(&self, name: &'static str) -> Field {
        Field::area(name, self.words.field(name)).max(TEXT_BYTES)
    }

    fn what(&self, severities: impl Iterator<Item = Severity>) -> Vec<Field> {
        let severities = severities.map(|one| Choice::new(one.name(), one.name()));
        self.filled(vec![
            self.line("title", TITLE_CHARS).required(self.frame.common),
            Field::select("severity", self.words.severity, severities.collect()),
            self.area("summary"),
            self.line("responder", NAME_BYTES),
            self.line("tracker_url", TEXT_BYTES),
            self.line("channel", NAME_BYTES),
            self.line("bridge_url", TEXT_BYTES),
            self.line("vendor_reference", NAME_BYTES),
        ])
    }

    fn place(&self, has_list: bool) -> Vec<Field> {
        let texts = self.texts;
        let services = Field::area("affected_services", self.words.affected_services);
        let mut fields = vec![services.hint(texts.services_hint)];
        if has_list {
            let choices = vec![
                Choice::new("these", texts.tenants_these),
                Choice::new("all", texts.tenants_all),
            ];
            fields.push(Field::radio("tenant_scope", texts.tenant_scope, choices));
            let tenants = Field::area("affected_tenants", texts.tenants);
            fields.push(tenants.hint(texts.tenants_hint));
        }
        self.filled(fields)
    }

    fn times(&self, may_be_long: bool) -> Vec<Field> {
        let zone = self.frame.times.zone();
        let names = [
            "started_at",
            "detected_at",
            "impact_ended_at",
            "eta",
            "next_update_due_at",
            "post_mortem_at",
        ];
        let times = names.map(|name| {
            let field = Field::time(name, self.words.field(name), &zone);
            match name {
                "started_at" => field.required(self.frame.common),
                _ => field,
            }
        });
        let mut fields = Vec::from(times);
        if may_be_long {
            fields.push(Field::line("reason", self.texts.reason).optional(self.frame.common));
        }
        self.filled(fields)
    }

    fn facts(&self) -> Vec<Field> {
        self.filled(vec![
            self.area("symptom"),
            self.area("impact_text"),
            self.area("cause"),
            self.area("resolution"),
            self.area("next_steps"),
            Field::area("data_loss_note", self.texts.loss_note).max(TEXT_BYTES),
            Field::area("data_leak_note", self.texts.leak_note).max(TEXT_BYTES),
            Field::area("labels", self.words.labels).hint(self.texts.labels_hint),
        ])
    }

    fn assessment(&self) -> Vec<Field> {
        let (texts, words) = (self.texts, self.words);
        let scopes = [Scope::All, Scope::Regions, Scope::Segments];
        let levels = [Level::Low, Level::Medium, Level::High];
        let priorities = [Priority::P1, Priority::P2, Priority::P3, Priority::P4];
        let losses = [LossState::None, LossState::Suspected, LossState::Confirmed];
        let language = self.frame.reader.language;
        let example = example_amount(language, self.thresholds.major_revenue());
        self.filled(vec![
            self.menu("scope", &scopes.map(|one| (one, words.scope_word(one)))),
            self.menu("impact", &levels.map(|one| (one, words.level(one)))),
            self.menu("urgency", &levels.map(|one| (one, words.level(one)))),
            self.menu_or(
                "priority",
                words.priority_derived,
                &priorities.map(|one| (one, one.name())),
            ),
            self.line("users_hit_percent", NAME_BYTES)
                .hint(texts.percent_hint),
            self.line("revenue_per_hour", NAME_BYTES).hint(
                &self
                    .frame
                    .fill(texts.revenue_hint, &[("example", &example)]),
            ),
            self.line("failure_class", NAME_BYTES),
            self.menu("data_loss", &losses.map(|one| (one, words.loss(one)))),
            self.menu("data_leak", &losses.map(|one| (one, words.leak(one)))),
            self.menu(
                "customer_event_day",
                &["true", "false"].map(|one| (one, words.yes_or_no(one == "true"))),
            ),
        ])
    }

    /// Creates a menu whose first choice is that the value is not known.
    fn menu<T: Serialize, const N: usize>(
        &self,
        name: &'static str,
        known: &[(T, &'static str); N],
    ) -> Field {
        self.menu_or(name, self.texts.unknown, known)
    }

    /// Creates a menu whose first choice is that no value is set.
    fn menu_or<T: Serialize, const N: usize>(
        &self,
        name: &'static str,
        unset: &str,
        known: &[(T, &'static str); N],
    ) -> Field {
        let unknown = Choice::new("", unset);
        let known = known
            .iter()
            .map(|(value, label)| Choice::new(&wire_word(value), label));
        let choices = std::iter::once(unknown).chain(known).collect();
        Field::select(name, self.words.field(name), choices)
    }
}
