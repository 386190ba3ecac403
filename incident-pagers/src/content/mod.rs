//! The texts of a page, the same for every vendor.

pub(crate) mod template;
pub(crate) mod truncate;

use incident_core::incident::Mode;
use incident_core::paging::{PageEvent, Urgency};
use serde_json::{Map, Value};

pub use template::PageTemplate;

/// Returns the first line of a page, such as `[SEV1] API down`, short enough for a lock screen.
pub(crate) fn headline(page: &PageEvent, most: usize) -> String {
    truncate::single_line(&format!("{}{}", marks(page), shown_title(page)), most)
}

/// Returns a first line without free text, `[SEV1] Incident #17`, for a vendor that refused the
/// full one.
pub(crate) fn bare_headline(page: &PageEvent) -> String {
    format!("{}Incident #{}", marks(page), page.number)
}

/// Returns the prefix of the first line: drill, escalation rule, severity.
fn marks(page: &PageEvent) -> String {
    let drill = match page.mode {
        Mode::Drill => "[DRILL] ",
        Mode::Live | Mode::Retrospective => "",
    };
    let rule = page.rule.as_ref();
    let rule = rule.map_or_else(String::new, |rule| format!("[{rule}] "));
    format!("{drill}{rule}[{}] ", page.severity)
}

fn shown_title(page: &PageEvent) -> String {
    if truncate::is_blank(page.title.as_str()) {
        // People ignore a page without words, and vendors refuse it.
        return format!("Incident #{} (no title)", page.number);
    }
    page.title.as_str().to_owned()
}

/// Returns the names of the services on one line, or `None` if there are none.
pub(crate) fn services(page: &PageEvent, most: usize) -> Option<String> {
    let names: Vec<&str> = page.services.iter().map(AsRef::as_ref).collect();
    (!names.is_empty()).then(|| truncate::single_line(&names.join(", "), most))
}

/// Returns the urgency as it is sent to vendors.
pub(crate) const fn urgency(page: &PageEvent) -> &'static str {
    match page.urgency {
        Urgency::High => "high",
        Urgency::Low => "low",
    }
}

/// Returns the mode as it is sent to vendors.
pub(crate) const fn mode(page: &PageEvent) -> &'static str {
    match page.mode {
        Mode::Live => "live",
        Mode::Drill => "drill",
        Mode::Retrospective => "retrospective",
    }
}

/// Returns the class of the alert.
pub(crate) const fn class(page: &PageEvent) -> &'static str {
    match page.mode {
        Mode::Drill => "drill",
        Mode::Live | Mode::Retrospective => "incident",
    }
}

/// Returns the details that are never cut.
pub(crate) fn key_details(page: &PageEvent) -> Map<String, Value> {
    let mut details = Map::new();
    let mut put = |name: &str, value| details.insert(name.to_owned(), value);
    put("incident_id", page.incident_id.to_string().into());
    put("number", page.number.into());
    put("epoch", page.epoch.into());
    put("severity", page.severity.name().into());
    put("urgency", urgency(page).into());
    put("mode", mode(page).into());
    put("environment", page.environment.as_str().into());
    put("started_at", page.started_at.to_string().into());
    let tenants = page.tenants.map_or(Value::from("all"), Value::from);
    put("affected_tenants", tenants);
    details
}
