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
    /// Data was lost, other data leaked, and rules fired late.
    Response,
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
            Self::Response => "response",
        }
    }
}

/// Something that a visitor does on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Replaces the text of a field.
    Fill(&'static str, &'static str),
    /// Clicks.
    Click(&'static str),
    /// Clicks if there is such an element.
    ClickIfThere(&'static str),
    /// Waits for an element.
    Await(&'static str),
    /// Lets somebody else change the title of the incident.
    ChangeElsewhere,
}

use Act::{Await, ChangeElsewhere, Click, ClickIfThere, Fill};

/// A page.
#[derive(Debug)]
pub(crate) struct PageRow {
    /// The name, without blanks.
    pub(crate) name: &'static str,
    /// The address. `{incident}` and `{public}` are the ids of the incident that was declared first
    /// among the worst published ones, `{month}` and `{last_month}` are months. `{lost}`, `{leaked}`
    /// and `{late}` are incidents of [`State::Response`].
    path: &'static str,
    /// The acts of a visitor there, before the page is looked at.
    pub(crate) acts: &'static [Act],
    /// The states that it has.
    states: &'static [State],
}

const ALL: &[State] = &[
    State::Empty,
    State::Busy,
    State::Failing,
    State::Away,
    State::Tour,
];
const RESPONSE: &[State] = &[State::Response];
const WITH_INCIDENTS: &[State] = &[State::Busy, State::Failing, State::Away, State::Tour];

const fn page(name: &'static str, path: &'static str) -> PageRow {
    PageRow {
        name,
        path,
        acts: &[],
        states: ALL,
    }
}

const fn of_incident(name: &'static str, path: &'static str) -> PageRow {
    PageRow {
        states: WITH_INCIDENTS,
        ..page(name, path)
    }
}

/// Creates a page that a visitor has to act for.
const fn acted(
    name: &'static str,
    path: &'static str,
    states: &'static [State],
    acts: &'static [Act],
) -> PageRow {
    PageRow {
        name,
        path,
        acts,
        states,
    }
}

/// Ends of the names of pages that may have another status than 200.
const ERRORS: [&str; 3] = ["-refused", "-stale", "-tested"];

const INCIDENT: &str = "/incidents/{incident}";

/// All pages. Those that change something are the last ones.
const PAGES: [PageRow; 46] = [
    page("list", "/"),
    page("incidents", "/incidents"),
    page("incidents-none", "/incidents?q=nothing&status=resolved"),
    page("declare", "/incidents/new"),
    page("classify", "/incidents/classify"),
    page(
        "classify-proposed",
        "/incidents/classify?users_hit_percent=35&workaround=yes&revenue_per_hour=500000+XAF&customer_event_day=yes&impact=high&urgency=high",
    ),
    of_incident("incident", INCIDENT),
    of_incident("incident-edit", "/incidents/{incident}/edit"),
    of_incident("incident-page", "/incidents/{incident}/page"),
    of_incident("incident-publish", "/incidents/{incident}/publish"),
    of_incident("incident-post-mortem", "/incidents/{incident}/post-mortem"),
    of_incident("incident-roles", "/incidents/{incident}/roles"),
    of_incident("incident-approval", "/incidents/{incident}/approvals"),
    of_incident("incident-entry", "/incidents/{incident}/entries/1"),
    page("sla", "/sla?month={month}"),
    page("sla-last-month", "/sla?month={last_month}"),
    page("sla-tenant", "/sla/tenant-de?month={last_month}"),
    page("audit", "/audit"),
    page("audit-verified", "/audit?verify=yes"),
    page("pagers", "/pagers"),
    page("about", "/about"),
    page("signin", "/signin"),
    page("docs", "/docs"),
    page("status", "/status"),
    of_incident("status-incident", "/status/incidents/{public}"),
    page("missing", "/incidents/0190a000-0000-7000-8000-000000000000"),
    acted("incident-lost", "/incidents/{lost}", RESPONSE, &[]),
    acted("incident-leaked", "/incidents/{leaked}", RESPONSE, &[]),
    acted("incident-late", "/incidents/{late}", RESPONSE, &[]),
    acted(
        "users-notified-refused",
        "/incidents/{lost}/affected-users/notified",
        RESPONSE,
        &[Click("main .primary"), Await("#note-error")],
    ),
    acted(
        "authority-notified",
        "/incidents/{leaked}/authority/notified",
        RESPONSE,
        &[],
    ),
    acted(
        "tick-refused",
        "/incidents/{late}",
        RESPONSE,
        &[
            Fill("#note", "\u{200b}"),
            Click("#lists summary"),
            Click("#lists button"),
            Await("#note-error"),
        ],
    ),
    acted(
        "declare-chosen",
        "/incidents/new",
        &[State::Tour, State::Failing],
        &[Click("input[name=severity][value=SEV1]")],
    ),
    acted(
        "declare-refused",
        "/incidents/new",
        &[State::Empty, State::Tour],
        &[
            Fill("#title", "\u{200b}"),
            Fill("#affected_tenants", "tenant fr"),
            Click("main .primary"),
            Await(".summary"),
        ],
    ),
    acted(
        "classify-refused",
        "/incidents/classify?users_hit_percent=many&data_loss=perhaps&revenue_per_hour=500+EUR",
        &[State::Tour],
        &[],
    ),
    acted(
        "declare-proposed",
        "/incidents/new",
        &[State::Tour],
        &[
            Fill("#title", "Payments fail for all"),
            Click("button[formaction]"),
            Await("#users_hit_percent"),
            Fill("#users_hit_percent", "95"),
            Click("button[name=step]"),
            Await("button[name=take][value=proposal]"),
            Click("button[name=take][value=proposal]"),
            Await("#title"),
        ],
    ),
    acted(
        "audit-refused",
        "/audit?from=2026-11-31&actor=%E2%80%8B",
        &[State::Tour],
        &[],
    ),
    acted(
        "update-refused",
        INCIDENT,
        &[State::Tour],
        &[
            Fill("#public_message", "\u{200b}"),
            Click("#update .actions button"),
            Await("#message-error"),
        ],
    ),
    acted(
        "update-preview",
        INCIDENT,
        &[State::Busy, State::Tour],
        &[
            Fill("#message", "The provider has restarted its gateway."),
            Fill(
                "#public_message",
                "Payments work again for most customers. We watch them.",
            ),
            Click("#update .actions button"),
            Await("#update .note .primary"),
        ],
    ),
    acted(
        "roles-refused",
        "/incidents/{incident}/roles",
        &[State::Busy, State::Tour],
        &[
            Click("input[name=action][value=hand_over]"),
            Click("main .primary"),
            Await("#note-error"),
        ],
    ),
    acted(
        "edit-stale",
        "/incidents/{incident}/edit",
        &[State::Busy, State::Tour],
        &[
            ChangeElsewhere,
            Fill("#title", "Payments fail for all customers"),
            Click("main .primary"),
            Await(".summary table"),
        ],
    ),
    acted(
        "sla-review",
        "/sla?month={last_month}",
        &[State::Tour],
        &[
            Click("input[name=everything]"),
            Click("button[name=decision][value=approve]"),
            Await("main .primary"),
        ],
    ),
    acted(
        "sla-waiver-refused",
        "/sla?month={last_month}",
        &[State::Tour],
        &[
            Click("input[name=everything]"),
            Click("button[name=decision][value=waive]"),
            Await("#reason"),
            Click("main .primary"),
            Await("#reason-error"),
        ],
    ),
    acted(
        "sla-results",
        "/sla?month={last_month}",
        &[State::Tour],
        &[
            Click("input[name=credit]"),
            Click("button[name=decision][value=approve]"),
            Await("main .primary"),
            Click("main button.primary"),
            Await("main > p[role=status]"),
        ],
    ),
    acted(
        "list-dismissed",
        "/",
        &[State::Busy],
        &[
            Click("form[action$='/dismiss'] button"),
            Await("main > .note[role=status]"),
        ],
    ),
    acted(
        "pagers-tested",
        "/pagers",
        &[State::Failing, State::Tour],
        // A test page in progress leaves nothing to click.
        &[
            ClickIfThere("main form .primary"),
            Await("#results, .summary, #test ~ p[role=status]"),
        ],
    ),
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
        state == State::Away
            || self.name == "missing"
            || ERRORS.iter().any(|end| self.name.ends_with(end))
    }
}

/// Returns all pages of a state.
pub(crate) fn pages(state: State) -> impl Iterator<Item = &'static PageRow> {
    let pages = PAGES.iter();
    pages.filter(move |page| page.states.contains(&state))
}
