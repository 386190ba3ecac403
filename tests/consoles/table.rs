//! The table of pages: each with its address and the states that it has.

/// A state of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has happened yet.
    Empty,
    /// 50 live incidents with the longest titles, 10,000 tenants, texts from right to left.
    Busy,
    /// No pager accepts a page.
    Failing,
    /// The store does not respond.
    Away,
    /// The demo.
    Tour,
}

impl State {
    /// Returns the name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Busy => "busy",
            Self::Failing => "failing",
            Self::Away => "away",
            Self::Tour => "tour",
        }
    }
}

/// A page.
#[derive(Debug)]
pub(crate) struct PageRow {
    /// The name, without blanks.
    pub(crate) name: &'static str,
    /// The address. `{incident}` and `{public}` are the ids of the incident that was declared first
    /// among the worst published ones, `{month}` and `{last_month}` are months.
    path: &'static str,
    /// Set if it needs an incident, which the empty state has none of.
    needs_incident: bool,
}

const fn page(name: &'static str, path: &'static str) -> PageRow {
    PageRow {
        name,
        path,
        needs_incident: false,
    }
}

const fn of_incident(name: &'static str, path: &'static str) -> PageRow {
    PageRow {
        name,
        path,
        needs_incident: true,
    }
}

/// All pages.
const PAGES: [PageRow; 21] = [
    page("list", "/"),
    page("incidents", "/incidents?status=all"),
    page("declare", "/incidents/new"),
    of_incident("incident", "/incidents/{incident}"),
    of_incident("incident-edit", "/incidents/{incident}/edit"),
    of_incident("incident-page", "/incidents/{incident}/page"),
    of_incident("incident-publish", "/incidents/{incident}/publish"),
    of_incident("incident-post-mortem", "/incidents/{incident}/post-mortem"),
    of_incident("incident-entry", "/incidents/{incident}/entries/1"),
    page("sla", "/sla?month={month}"),
    page("sla-last-month", "/sla?month={last_month}"),
    page("sla-tenant", "/sla/tenant-fr?month={last_month}"),
    page("audit", "/audit"),
    page("audit-verified", "/audit?verify=yes"),
    page("pagers", "/pagers"),
    page("about", "/about"),
    page("signin", "/signin"),
    page("docs", "/docs"),
    page("status", "/status"),
    of_incident("status-incident", "/status/incidents/{public}"),
    page("missing", "/incidents/0190a000-0000-7000-8000-000000000000"),
];

impl PageRow {
    /// Returns the path with what stands in the braces.
    pub(crate) fn path(&self, values: &[(&str, String)]) -> String {
        let mut path = self.path.to_owned();
        for (name, value) in values {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    /// Returns `true` if the page may have another status than 200.
    pub(crate) fn is_error(&self, state: State) -> bool {
        state == State::Away || self.name == "missing"
    }
}

/// Returns all pages of a state.
pub(crate) fn pages(state: State) -> impl Iterator<Item = &'static PageRow> {
    let pages = PAGES.iter();
    pages.filter(move |page| !(page.needs_incident && state == State::Empty))
}
