//! A page with one act on an incident: what will happen, then the form that does it.

use askama::Template;
use incident_core::actor::Caller;
use incident_core::incident::Incident;

use super::act_texts::ActTexts;
use super::customers::CustomerView;
use crate::http::escape::Html;
use crate::http::problem::Problem;
use crate::state::AppState;
use crate::web::countdown::Countdown;
use crate::web::form::{Field, FormFields, Summary, form_key, new_key};
use crate::web::frame::{Frame, Section};
use crate::web::page::{WebPage, WebResult};
use crate::web::reader::Reader;

/// The text that customers read, with a heading.
pub(super) struct ShownToCustomers {
    pub(super) title: &'static str,
    pub(super) view: CustomerView,
    /// `true` if it is what the form leads to, so that it stands before the button.
    pub(super) is_preview: bool,
}

/// A second, destructive act, which needs no field.
pub(super) struct OtherAct {
    pub(super) title: &'static str,
    pub(super) help: &'static str,
    pub(super) submit: &'static str,
    /// The value of the field `step`.
    pub(super) step: &'static str,
}

/// A deadline that the act meets.
pub(super) struct ActDeadline {
    pub(super) name: &'static str,
    pub(super) time: Countdown,
    pub(super) at: Html,
}

/// A link that belongs to the act.
pub(super) struct ActLink {
    pub(super) href: String,
    pub(super) text: &'static str,
    pub(super) help: &'static str,
}

/// The page.
#[derive(Template)]
#[template(path = "incident/act.html")]
pub(super) struct ActPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) texts: &'static ActTexts,
    pub(super) title: &'static str,
    pub(super) number: String,
    pub(super) incident: &'a Incident,
    pub(super) back: String,
    /// The consequences, line by line.
    pub(super) lines: Vec<String>,
    pub(super) deadline: Option<ActDeadline>,
    pub(super) link: Option<ActLink>,
    pub(super) customers: Option<ShownToCustomers>,
    pub(super) summary: Option<Html>,
    pub(super) key: String,
    pub(super) seen: String,
    pub(super) fields: Vec<Html>,
    /// The words on the main button; none if the act is not possible now.
    pub(super) submit: Option<&'static str>,
    /// The words on the button that only shows the result.
    pub(super) preview: Option<&'static str>,
    pub(super) other: Option<OtherAct>,
}

impl<'a> ActPage<'a> {
    /// Creates the page about an incident, without a form.
    pub(super) fn new(
        state: &'a AppState,
        reader: &Reader,
        caller: &Caller,
        incident: &'a Incident,
        title: &'static str,
    ) -> Self {
        let frame = Frame::of(state, reader, caller, Section::Incidents);
        let frame = frame.with_main_button().at_own_address();
        let texts = ActTexts::of(reader.language);
        let number = incident.number.to_string();
        Self {
            back: frame.fill(texts.back, &[("number", &number)]),
            frame,
            texts,
            title,
            number,
            incident,
            lines: Vec::new(),
            deadline: None,
            link: None,
            customers: None,
            summary: None,
            key: new_key(),
            seen: String::new(),
            fields: Vec::new(),
            submit: None,
            preview: None,
            other: None,
        }
    }

    /// Adds the form, as it was sent if it was.
    pub(super) fn with_form(
        mut self,
        fields: &[Field],
        sent: &FormFields,
        problem: Option<&Problem>,
        submit: &'static str,
    ) -> Self {
        if let Some(problem) = problem {
            let all: Vec<&Field> = fields.iter().collect();
            let summary = Summary::of(self.frame.common, problem, &all);
            self.summary = Some(summary.html());
        }
        self.key = form_key(sent, problem);
        self.fields = fields.iter().map(Field::html).collect();
        self.submit = Some(submit);
        self
    }

    /// Responds with the page.
    ///
    /// # Errors
    /// Returns 500 if the template fails.
    pub(super) fn respond(&self, problem: Option<&Problem>) -> WebResult {
        let status = problem.map_or(axum::http::StatusCode::OK, Problem::status);
        WebPage::render(status, self)
    }
}
