//! The frame of a page: its head, navigation and foot.

use std::time::Duration;

use incident_core::HttpsUrl;
use incident_core::actor::{Action, Caller};
use incident_core::incident::{Severity, Status};
use incident_core::paging::{Paging, PagingState};

use super::assets::Assets;
use super::common_texts::{CommonTexts, severity_mark};
use super::language::Language;
use super::page_error::target_and_error;
use super::reader::{Reader, Theme};
use super::texts::{count, fill, number_of};
use super::times::{Times, iso};
use crate::http::escape::{Html, isolated};
use crate::state::AppState;

/// Maximum time to learn the position in the event stream. Without it a page does not follow
/// changes that happen before its stream is open.
const POSITION: Duration = Duration::from_millis(200);

/// The part of the navigation that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Live incidents.
    Active,
    /// The list of all incidents.
    Incidents,
    /// Statements and credits.
    Credits,
    /// The audit trail.
    Audit,
    /// Pagers and test pages.
    Pagers,
    /// The console itself.
    About,
    /// Pages outside of the navigation.
    Other,
}

/// A link of the navigation.
#[derive(Debug)]
pub(crate) struct NavLink {
    pub(crate) href: String,
    pub(crate) text: &'static str,
    pub(crate) is_current: bool,
}

/// The signed-in person.
#[derive(Debug)]
pub(crate) struct SignedInPerson {
    pub(crate) name: String,
    pub(crate) role: &'static str,
}

/// The frame of a page.
#[derive(Debug)]
pub(crate) struct Frame<'s> {
    /// The reader.
    pub(crate) reader: Reader,
    /// The writer of times.
    pub(crate) times: Times,
    /// The shared texts.
    pub(crate) common: &'static CommonTexts,
    /// The name of the host.
    pub(crate) host: &'s str,
    /// The links of the host.
    pub(crate) links: &'s [(String, HttpsUrl)],
    /// The files.
    pub(crate) assets: &'s Assets,
    /// The signed-in person, if there is one.
    pub(crate) person: Option<SignedInPerson>,
    /// The navigation; empty without a person.
    pub(crate) nav: Vec<NavLink>,
    /// `true` if there is a status page.
    pub(crate) has_status_page: bool,
    /// `true` if the person may declare incidents.
    pub(crate) may_declare: bool,
    /// `true` if the page has a main button of its own, so that the one of the head is a plain one.
    pub(crate) has_main_button: bool,
    /// `true` if people sign in and out here, and not at the host's own login.
    pub(crate) has_sign_in: bool,
    /// `true` on the page that signs people in.
    pub(crate) is_sign_in: bool,
    /// The address at which the page can be opened again. That of a form cannot.
    pub(crate) address: String,
    /// The address of the event stream, if the page follows it.
    pub(crate) events: Option<String>,
}

impl<'s> Frame<'s> {
    /// Creates the frame of a page without a person.
    #[must_use]
    pub(crate) fn open(state: &'s AppState, reader: &Reader) -> Self {
        let look = state.look();
        Self {
            times: Times {
                zone: reader.zone,
                language: reader.language,
                now: state.incidents().reports().now(),
            },
            common: CommonTexts::of(reader.language),
            address: match reader.is_read {
                true => reader.here.clone(),
                false => reader.home().to_owned(),
            },
            reader: reader.clone(),
            host: look.name(),
            links: look.links(),
            assets: state.assets(),
            person: None,
            nav: Vec::new(),
            has_status_page: state.incidents().has_status_page(),
            may_declare: false,
            has_main_button: false,
            has_sign_in: state.sessions().is_some(),
            is_sign_in: false,
            events: None,
        }
    }

    /// Creates the frame of a page for a person.
    #[must_use]
    pub(crate) fn of(
        state: &'s AppState,
        reader: &Reader,
        caller: &Caller,
        section: Section,
    ) -> Self {
        let mut frame = Self::open(state, reader);
        frame.person = Some(SignedInPerson {
            name: caller.actor.name.to_string(),
            role: frame.common.role(caller.role),
        });
        frame.may_declare = state.incidents().may(caller, Action::Declare);
        frame.nav = frame.navigation(state, caller, section);
        frame
    }

    /// Names the page that answers a form.
    #[must_use]
    pub(crate) fn at(mut self, path: &str) -> Self {
        if !self.reader.is_read {
            self.address = self.reader.link(path);
        }
        self
    }

    /// Names the page that answers a form as the one of the same address that shows it.
    #[must_use]
    pub(crate) fn at_own_address(mut self) -> Self {
        self.address.clone_from(&self.reader.here);
        self
    }

    /// Lets the page follow the event stream. To be called before the page reads what it shows, so
    /// that no change falls between.
    #[must_use]
    pub(crate) async fn following(mut self, state: &AppState) -> Self {
        if let Some(feed) = &state.events {
            let address = self.reader.link("/sys/events");
            let position = feed.position(POSITION).await;
            self.events = Some(match position {
                Some(position) => format!("{address}?after={position}"),
                None => address,
            });
        }
        self
    }

    /// Leaves the main button to the page.
    #[must_use]
    pub(crate) fn with_main_button(mut self) -> Self {
        self.has_main_button = true;
        self
    }

    fn navigation(&self, state: &AppState, caller: &Caller, section: Section) -> Vec<NavLink> {
        let common = self.common;
        let all = [
            (Section::Active, self.home().to_owned(), common.active),
            (
                Section::Incidents,
                self.link("/incidents"),
                common.all_incidents,
            ),
            (Section::Credits, self.link("/sla"), common.credits),
            (Section::Audit, self.link("/audit"), common.audit),
            (Section::Pagers, self.link("/pagers"), common.pagers),
            (Section::About, self.link("/about"), common.about),
        ];
        all.into_iter()
            .filter(|(to, ..)| match to {
                Section::Audit => state.incidents().may(caller, Action::ReadAudit),
                Section::Credits => state.incidents().has_sla(),
                Section::Active
                | Section::Incidents
                | Section::Pagers
                | Section::About
                | Section::Other => true,
            })
            .map(|(to, href, text)| NavLink {
                href,
                text,
                is_current: to == section,
            })
            .collect()
    }

    /// Returns the address of a path of ours.
    #[must_use]
    pub(crate) fn link(&self, path: &str) -> String {
        self.reader.link(path)
    }

    /// Returns the address of the first page.
    #[must_use]
    pub(crate) fn home(&self) -> &str {
        self.reader.home()
    }

    /// Fills the placeholders of a text.
    #[must_use]
    pub(crate) fn fill(&self, text: &str, values: &[(&str, &str)]) -> String {
        fill(text, values)
    }

    /// Returns the first names of a list, and the number of the others of `total`.
    #[must_use]
    pub(crate) fn named(&self, names: &[&str], shown: usize, total: u64) -> String {
        let first = names.get(..shown).unwrap_or(names);
        let more = total.saturating_sub(number_of(first.len()));
        let first = first.join(", ");
        match more {
            0 => first,
            more => {
                let more = count(self.reader.language, self.common.and_more, more);
                format!("{first} {more}")
            }
        }
    }

    /// Returns the target of a page and its last error.
    #[must_use]
    pub(crate) fn target_and_error<'p>(&self, paging: &'p Paging) -> (&'p str, &'p str) {
        let (target, error) = target_and_error(paging);
        (target.unwrap_or_default(), error.unwrap_or_default())
    }

    /// Returns a text that somebody wrote, apart from the direction of those beside it.
    #[must_use]
    pub(crate) fn isolated(&self, text: &str) -> Html {
        isolated(text)
    }

    /// Returns the shape and the name of a severity.
    #[must_use]
    pub(crate) fn severity(&self, severity: &Severity) -> Html {
        severity_mark(*severity)
    }

    /// Returns the name of a status.
    #[must_use]
    pub(crate) fn status(&self, status: &Status) -> &'static str {
        self.common.status(*status)
    }

    /// Returns the name of the state of a page.
    #[must_use]
    pub(crate) fn paging(&self, state: &PagingState) -> &'static str {
        self.common.paging(*state)
    }

    /// Returns the sentence that names the zone of the times.
    #[must_use]
    pub(crate) fn zone_line(&self) -> String {
        fill(self.common.times_in, &[("zone", &self.times.zone())])
    }

    /// Returns all languages.
    #[must_use]
    pub(crate) fn languages(&self) -> [Language; 3] {
        Language::ALL
    }

    /// Returns all themes with their names.
    #[must_use]
    pub(crate) fn themes(&self) -> [(&'static str, &'static str, bool); 3] {
        let (common, chosen) = (self.common, self.reader.theme);
        [
            ("auto", common.theme_auto, chosen.is_none()),
            ("light", common.theme_light, chosen == Some(Theme::Light)),
            ("dark", common.theme_dark, chosen == Some(Theme::Dark)),
        ]
    }

    /// Returns the time of the page for its script.
    #[must_use]
    pub(crate) fn now(&self) -> String {
        iso(self.times.now)
    }
}
