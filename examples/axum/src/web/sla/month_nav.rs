//! The way to the months around one.

use incident_core::Month;
use incident_core::sla::Contracts;

use crate::web::filter::query_of;
use crate::web::times::Times;

/// A link to a month.
pub(super) struct MonthLink {
    /// The address.
    pub(super) href: String,
    /// The month in words.
    pub(super) name: String,
}

/// A month in words, and the links to the months around it.
pub(super) struct MonthNav {
    /// The month in words.
    pub(super) name: String,
    /// The month before.
    pub(super) before: Option<MonthLink>,
    /// The month after, if it has begun.
    pub(super) next: Option<MonthLink>,
}

impl MonthNav {
    /// Creates the navigation of a page at an address.
    #[must_use]
    pub(super) fn new(times: &Times, contracts: &Contracts, address: &str, month: Month) -> Self {
        let link = |month: Month| {
            let text = month.to_string();
            let query = query_of([("month", text.as_str())].into_iter());
            MonthLink {
                href: format!("{address}{query}"),
                name: times.month(month),
            }
        };
        let begun = |month: &Month| contracts.has_begun(*month, times.now);
        Self {
            name: times.month(month),
            before: month.before().map(link),
            next: month.next().filter(begun).map(link),
        }
    }
}
