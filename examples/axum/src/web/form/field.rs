//! A field of a form as a page shows it.

use crate::http::escape::Html;
use askama::Template;
use askama::filters::Safe;
use incident_core::Timestamp;

use super::fields::FormFields;
use super::json_body::{MISSING, items, local_date, local_date_time};
use crate::http::escape::as_typed;
use crate::http::problem::{FieldError, Problem};
use crate::web::common_texts::CommonTexts;

/// Least number of inputs of a list.
const MIN_INPUTS: usize = 3;

/// The control of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// A line of text.
    Line,
    /// Several lines of text.
    Area,
    /// Several inputs, each for an item of a list.
    Items,
    /// A local date and time.
    Time,
    /// A local date.
    Date,
    /// A month of a year.
    Month,
    /// One of some choices, all of them visible.
    Radio,
    /// One of some choices in a menu.
    Select,
    /// A box to check.
    Check,
}

/// A choice of a field.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// The value that is sent.
    pub(crate) value: String,
    /// The text as HTML.
    label: String,
    /// A line below it.
    pub(crate) note: String,
}

impl Choice {
    /// Creates a choice with a plain text.
    #[must_use]
    pub(crate) fn new(value: &str, label: &str) -> Self {
        Self::marked(value, as_typed(label), "")
    }

    /// Creates a choice with HTML and a line below it.
    #[must_use]
    pub(crate) fn marked(value: &str, label: Html, note: &str) -> Self {
        Self {
            value: value.to_owned(),
            label: label.0,
            note: note.to_owned(),
        }
    }

    fn label(&self) -> Html {
        Safe(self.label.clone())
    }
}

/// A field of a form, with its label, its value and its error.
#[derive(Debug, Template)]
#[template(path = "field.html")]
pub(crate) struct Field {
    /// The name under which it is sent; also its id.
    pub(crate) name: &'static str,
    label: String,
    control: Control,
    hint: String,
    value: String,
    /// The items of a list.
    items: Vec<String>,
    error: Option<String>,
    /// `true` if the error is in the language of the reader.
    is_error_translated: bool,
    choices: Vec<Choice>,
    /// Suggestions for a line of text.
    known: Vec<String>,
    is_required: bool,
    max: Option<usize>,
    mark: &'static str,
    /// The words for a required field that is empty.
    missing: &'static str,
    is_focused: bool,
}

impl Field {
    /// Returns the field as HTML.
    #[must_use]
    pub(crate) fn html(&self) -> Html {
        Safe(self.render().unwrap_or_default())
    }

    fn new(name: &'static str, label: &str, control: Control) -> Self {
        Self {
            name,
            label: label.to_owned(),
            control,
            hint: String::new(),
            value: String::new(),
            items: Vec::new(),
            error: None,
            is_error_translated: false,
            choices: Vec::new(),
            known: Vec::new(),
            is_required: false,
            max: None,
            mark: "",
            missing: MISSING,
            is_focused: false,
        }
    }

    /// Creates a field for a line of text.
    #[must_use]
    pub(crate) fn line(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Control::Line)
    }

    /// Creates a field for several lines of text.
    #[must_use]
    pub(crate) fn area(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Control::Area)
    }

    /// Creates a field for a list: an input per item, and some empty ones.
    #[must_use]
    pub(crate) fn items(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Control::Items)
    }

    /// Creates a field for a local date and time. Its hint names the zone.
    #[must_use]
    pub(crate) fn time(name: &'static str, label: &str, zone: &str) -> Self {
        Self::new(name, label, Control::Time).hint(zone)
    }

    /// Creates a field for a local date. Its hint names the zone.
    #[must_use]
    pub(crate) fn date(name: &'static str, label: &str, zone: &str) -> Self {
        Self::new(name, label, Control::Date).hint(zone)
    }

    /// Creates a field for a month. Browsers without a control for it show a line of text.
    #[must_use]
    pub(crate) fn month(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Control::Month)
    }

    /// Creates a group of choices, all of them visible.
    #[must_use]
    pub(crate) fn radio(name: &'static str, label: &str, choices: Vec<Choice>) -> Self {
        let field = Self::new(name, label, Control::Radio);
        Self { choices, ..field }
    }

    /// Creates a menu of choices.
    #[must_use]
    pub(crate) fn select(name: &'static str, label: &str, choices: Vec<Choice>) -> Self {
        let field = Self::new(name, label, Control::Select);
        Self { choices, ..field }
    }

    /// Creates a box to check.
    #[must_use]
    pub(crate) fn check(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Control::Check)
    }

    /// Sets the hint between label and control.
    #[must_use]
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    /// Sets the suggestions.
    #[must_use]
    pub(crate) fn known(mut self, known: Vec<String>) -> Self {
        self.known = known;
        self
    }

    /// Sets the maximum number of characters.
    #[must_use]
    pub(crate) const fn max(mut self, characters: usize) -> Self {
        self.max = Some(characters);
        self
    }

    /// Marks it as required. Browsers do not check it: the server does, in the reader's language.
    #[must_use]
    pub(crate) const fn required(mut self, common: &'static CommonTexts) -> Self {
        self.is_required = true;
        self.mark = common.required;
        self.missing = if matches!(self.control, Control::Radio) {
            common.missing_choice
        } else {
            common.missing
        };
        self
    }

    /// Marks it as optional.
    #[must_use]
    pub(crate) const fn optional(mut self, common: &'static CommonTexts) -> Self {
        self.mark = common.optional;
        self
    }

    /// Gives it the focus when the page opens, unless a field has an error.
    #[must_use]
    pub(crate) const fn focused(mut self) -> Self {
        self.is_focused = true;
        self
    }

    /// Sets the value.
    #[must_use]
    pub(crate) fn value(mut self, value: &str) -> Self {
        value.clone_into(&mut self.value);
        self
    }

    /// Sets the value as it was sent, and the error that names the field.
    #[must_use]
    pub(crate) fn from(mut self, fields: &FormFields, problem: Option<&Problem>) -> Self {
        fields.get(self.name).clone_into(&mut self.value);
        self.items = items(fields.all(self.name));
        self.error = problem.and_then(|problem| error_of(problem, self.name));
        if self.is_required && self.error.as_deref() == Some(MISSING) {
            self.error = Some(self.missing.to_owned());
            self.is_error_translated = true;
        }
        if problem.is_some() {
            self.is_focused = false;
        }
        self.keep_presentable();
        self
    }

    /// Marks the error as one in the language of the reader.
    #[must_use]
    pub(crate) fn translated(mut self) -> Self {
        self.is_error_translated = true;
        self
    }

    /// Writes a date or a time as its control shows it. Browsers show no other value, and say so in
    /// their console: what was typed then stands in the error.
    fn keep_presentable(&mut self) {
        let shown = match self.control {
            Control::Date => local_date(&self.value).map(|date| date.to_string()),
            Control::Time => local_date_time(&self.value)
                .map(|time| time.format("%Y-%m-%dT%H:%M").to_string())
                // An instant with its offset comes from programs, which show what they like.
                .or_else(|| {
                    let instant = self.value.parse::<Timestamp>();
                    instant.is_ok().then(|| self.value.clone())
                }),
            Control::Line
            | Control::Area
            | Control::Items
            | Control::Month
            | Control::Radio
            | Control::Select
            | Control::Check => return,
        };
        let typed = std::mem::replace(&mut self.value, shown.unwrap_or_default());
        if self.value.is_empty()
            && !typed.is_empty()
            && let Some(error) = &mut self.error
        {
            *error = format!("{error}: “{typed}”");
        }
    }

    /// Returns the label.
    #[must_use]
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Returns the error, and whether it is in the language of the reader.
    #[must_use]
    pub(super) fn error(&self) -> Option<(&str, bool)> {
        let error = self.error.as_deref()?;
        Some((error, self.is_error_translated))
    }

    /// Returns the inputs of a list, numbered from 1 on: its items, then empty ones.
    fn inputs(&self) -> Vec<(usize, Html)> {
        let count = (self.items.len() + 1).max(MIN_INPUTS);
        let empty = std::iter::repeat("");
        let texts = self.items.iter().map(String::as_str).chain(empty);
        (1..).zip(texts.map(as_typed)).take(count).collect()
    }

    fn is_chosen(&self, choice: &Choice) -> bool {
        choice.value == self.value
    }

    fn text(&self) -> Html {
        as_typed(&self.value)
    }

    fn described(&self) -> String {
        let mut ids = Vec::new();
        if self.error.is_some() {
            ids.push(format!("{}-error", self.name));
        }
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        ids.join(" ")
    }
}

/// Returns the error of a field, whose name is the first part of the pointer.
#[must_use]
pub(crate) fn error_of(problem: &Problem, name: &str) -> Option<String> {
    let of_field = |error: &&FieldError| {
        let path = error.pointer.strip_prefix('/').unwrap_or_default();
        path.split('/').next() == Some(name)
    };
    let detail = &problem.errors().iter().find(of_field)?.detail;
    // The field is named beside it.
    let words = detail.strip_prefix(name);
    let words = words.and_then(|rest| rest.strip_prefix(": "));
    Some(words.unwrap_or(detail).to_owned())
}
