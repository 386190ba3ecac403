//! The table of pages: each with its address and the states in which it is taken.

use std::fmt;

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
    pub(crate) const ALL: [Self; 5] = [
        Self::Empty,
        Self::Busy,
        Self::Failing,
        Self::Away,
        Self::Tour,
    ];

    const fn name(self) -> &'static str {
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
    name: &'static str,
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
const PAGES: [PageRow; 14] = [
    page("list", "/"),
    page("incidents", "/incidents?status=all"),
    page("declare", "/incidents/new"),
    of_incident("incident", "/incidents/{incident}"),
    page("sla", "/sla?month={month}"),
    page("sla-last-month", "/sla?month={last_month}"),
    page("audit", "/audit"),
    page("pagers", "/pagers"),
    page("about", "/about"),
    page("signin", "/signin"),
    page("docs", "/docs"),
    page("status", "/status"),
    of_incident("status-incident", "/status/incidents/{public}"),
    page("missing", "/incidents/0190a000-0000-7000-8000-000000000000"),
];

/// The pictures of the README: the name of each, and that of its copy.
pub(crate) const KEPT: [(&str, &str); 6] = [
    ("tour/list-1280-light", "list"),
    ("tour/incident-1280-light", "incident"),
    ("tour/sla-1280-dark", "credits"),
    ("tour/status-1280-light", "status"),
    ("tour/list-390-dark", "list-on-a-phone"),
    ("tour/declare-390-light", "declare-on-a-phone"),
];

/// A width with the height of a device that has it, in CSS pixels: a phone and a desktop.
const SIZES: [(u32, u32); 2] = [(390, 844), (1_280, 800)];

/// A picture to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    pub(crate) state: State,
    page: &'static PageRow,
    pub(crate) size: (u32, u32),
    pub(crate) dark: bool,
}

impl Picture {
    /// Returns the name of the file without its ending.
    pub(crate) fn name(&self) -> String {
        let theme = if self.dark { "dark" } else { "light" };
        let Self {
            state, page, size, ..
        } = self;
        format!("{}/{}-{}-{theme}", state.name(), page.name, size.0)
    }

    /// Returns the path with what stands in the braces.
    pub(crate) fn path(&self, values: &[(&str, String)]) -> String {
        let mut path = self.page.path.to_owned();
        for (name, value) in values {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    /// Returns `true` if the page may have another status than 200.
    pub(crate) fn is_error(&self) -> bool {
        self.state == State::Away || self.page.name == "missing"
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Returns all pictures of a state.
pub(crate) fn pictures(state: State) -> impl Iterator<Item = Picture> {
    let pages = PAGES.iter();
    let pages = pages.filter(move |page| !(page.needs_incident && state == State::Empty));
    pages.flat_map(move |page| {
        SIZES.into_iter().flat_map(move |size| {
            [false, true].map(|dark| Picture {
                state,
                page,
                size,
                dark,
            })
        })
    })
}
