//! Cells of tables that people open in a spreadsheet.

use std::borrow::Cow;

/// A text as a cell of CSV, with an apostrophe before what a spreadsheet would take for
/// a formula (OWASP, "CSV Injection").
///
/// ```
/// use incident_core::cell;
/// assert_eq!(cell("=cmd()"), "'=cmd()");
/// assert_eq!(cell("tenant-fr"), "tenant-fr");
/// ```
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
