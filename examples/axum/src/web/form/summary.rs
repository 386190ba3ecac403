//! The summary of errors on top of a form that is shown again.

use askama::Template;
use askama::filters::Safe;

use super::field::Field;
use super::fields::is_reused;
use crate::http::escape::Html;
use crate::http::problem::{FieldError, Problem};
use crate::web::common_texts::CommonTexts;

/// An error of a form, with the field it leads to.
#[derive(Debug)]
struct SummaryItem {
    /// The id of the field; empty if the error is about no field of the form.
    anchor: &'static str,
    label: String,
    detail: String,
    is_english: bool,
}

/// The summary of errors on top of a form that is shown again: links to the fields, and the
/// assurance that nothing was lost.
#[derive(Debug, Template)]
#[template(path = "summary.html")]
pub(crate) struct Summary {
    common: &'static CommonTexts,
    title: &'static str,
    items: Vec<SummaryItem>,
}

impl Summary {
    /// Returns the summary as HTML.
    #[must_use]
    pub(crate) fn html(&self) -> Html {
        Safe(self.render().unwrap_or_default())
    }

    /// Creates the summary of a problem over the fields of a form.
    #[must_use]
    pub(crate) fn of(common: &'static CommonTexts, problem: &Problem, fields: &[&Field]) -> Self {
        if is_reused(problem) {
            return Self {
                common,
                title: common.already_sent,
                items: Vec::new(),
            };
        }
        let item = |error: &FieldError| {
            let name = error.pointer.strip_prefix('/').unwrap_or_default();
            let name = name.split('/').next().unwrap_or_default();
            let field = fields.iter().find(|field| field.name == name);
            let shown = field.and_then(|field| field.error());
            let (detail, is_translated) = shown.unwrap_or((&error.detail, false));
            SummaryItem {
                anchor: field.map_or("", |field| field.name),
                label: field.map_or_else(String::new, |field| field.label().to_owned()),
                detail: detail.to_owned(),
                is_english: !is_translated,
            }
        };
        let mut items: Vec<SummaryItem> = problem.errors().iter().map(item).collect();
        if items.is_empty() {
            items.push(SummaryItem {
                anchor: "",
                label: String::new(),
                detail: problem.detail().to_owned(),
                is_english: true,
            });
        }
        Self {
            common,
            title: common.summary_title,
            items,
        }
    }
}
