//! What somebody asks.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Affected, AlertRepeat, Change, Facts, Incident, Mode, Severity, Source, Status, VendorReport,
};
use crate::timeline::EntryKind;
use crate::{
    HttpsUrl, IncidentId, Name, PersonName, PublicText, RuleName, ServiceId, Statement,
    SuggestionId, Text, Timestamp, Title,
};

use super::{CommsSent, Publish};
use crate::paging::RetryOf;
use crate::policy::Policy;

/// A new incident.
///
/// Its texts, names, times and list of tenants may come from serde, as in the body of a request:
/// they are checked when it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declare {
    /// The title, internal.
    pub title: Title,
    /// How bad it is.
    pub severity: Severity,
    /// What is known, internal.
    pub summary: Text,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The tenants it hits.
    pub affected_tenants: Affected,
    /// Start of the impact; the declaration if absent, and then marked assumed.
    pub started_at: Option<Timestamp>,
    /// When it was noticed.
    pub detected_at: Option<Timestamp>,
    /// Who answers for it; the declaring person if absent.
    pub responder: Option<PersonName>,
    /// When it should be over.
    pub eta: Option<Timestamp>,
    /// Live, entered afterwards, or an exercise.
    pub mode: Mode,
    /// Production if absent.
    pub environment: Option<Name>,
    /// Where it came from; the suggestion, if there is one, else the team.
    pub source: Option<Source>,
    /// The suggestion that is followed.
    pub suggestion_id: Option<SuggestionId>,
    /// The alert it is for. A live incident that may stand for it is the answer instead of
    /// a second one ([`may_stand_for`](super::may_stand_for)).
    pub alert_key: Option<Name>,
    /// The end of the impact, where it is over already.
    pub impact_ended_at: Option<Timestamp>,
    /// When it was resolved. Only for a retrospective one, which then begins resolved.
    pub resolved_at: Option<Timestamp>,
    /// Whether to page; as the policy says if absent.
    pub page: Option<bool>,
    /// A ticket elsewhere.
    pub tracker_url: Option<HttpsUrl>,
    /// The incident this one repeats.
    pub recurrence_of: Option<IncidentId>,
    /// Optional facts.
    pub facts: Facts,
    /// Why its outage touches more than
    /// [`MAX_MONTHS`](super::limits::MAX_MONTHS) months. Needs the right
    /// [`LongOutage`](crate::actor::Action::LongOutage), as such an outage itself does, and
    /// becomes an entry.
    pub reason: Option<Statement>,
}

impl Declare {
    /// Tells if it pages: a live one by its severity's policy unless it says so, a drill where it
    /// says so, a retrospective never.
    #[must_use]
    pub fn pages(&self, policy: &Policy) -> bool {
        match self.mode {
            Mode::Retrospective => false,
            Mode::Drill => self.page == Some(true),
            Mode::Live => self.page.unwrap_or(policy.of(self.severity).page),
        }
    }

    /// The outage from its start to its end, or to now.
    pub(super) fn span(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let end = self.impact_ended_at.or(self.resolved_at);
        (self.started_at.unwrap_or(now), end.unwrap_or(now))
    }

    /// A declaration with the given title and severity and nothing else.
    #[must_use]
    pub fn new(title: Title, severity: Severity) -> Self {
        Self {
            title,
            severity,
            summary: Text::default(),
            affected_services: Vec::new(),
            affected_tenants: Affected::default(),
            started_at: None,
            detected_at: None,
            responder: None,
            eta: None,
            mode: Mode::default(),
            environment: None,
            source: None,
            suggestion_id: None,
            alert_key: None,
            impact_ended_at: None,
            resolved_at: None,
            page: None,
            tracker_url: None,
            recurrence_of: None,
            facts: Facts::default(),
            reason: None,
        }
    }
}

/// An update of the timeline, with or without a change of status.
///
/// Serde reads it as the body of a request has it: what is optional may be absent, and an unknown
/// field is an error. Its texts, names and times are checked again when it is decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// What happened, for the team.
    pub message: Statement,
    /// The status from here on.
    pub status: Option<Status>,
    /// The severity from here on.
    pub severity: Option<Severity>,
    /// When it should be over.
    pub eta: Option<Timestamp>,
    /// When it happened; now if absent.
    pub occurred_at: Option<Timestamp>,
    /// What kind of entry; an update if absent.
    pub kind: Option<EntryKind>,
    /// When the impact ended.
    pub impact_ended_at: Option<Timestamp>,
    /// Why; needed to reopen and to cancel.
    pub reason: Option<Statement>,
    /// The entry that this one corrects.
    pub corrects: Option<u64>,
    /// The incident that takes this one in; needed to merge.
    pub merged_into: Option<IncidentId>,
    /// What the public page may show of it.
    pub public_message: Option<PublicText>,
    /// What was sent to whom.
    pub comms_sent: Option<CommsSent>,
}

impl Update {
    /// A plain update.
    #[must_use]
    pub const fn new(message: Statement) -> Self {
        Self {
            message,
            status: None,
            severity: None,
            eta: None,
            occurred_at: None,
            kind: None,
            impact_ended_at: None,
            reason: None,
            corrects: None,
            merged_into: None,
            public_message: None,
            comms_sent: None,
        }
    }

    /// An update that changes the status.
    #[must_use]
    pub const fn to_status(message: Statement, status: Status) -> Self {
        let mut update = Self::new(message);
        update.status = Some(status);
        update
    }
}

impl From<Update> for Command {
    fn from(update: Update) -> Self {
        Self::Update(Box::new(update))
    }
}

impl From<Publish> for Command {
    fn from(publish: Publish) -> Self {
        Self::Publish(publish)
    }
}

/// What may be asked of an incident that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Somebody takes it; `at` if not now.
    Acknowledge {
        /// When, if not now.
        at: Option<Timestamp>,
    },
    /// An entry of the timeline.
    Update(Box<Update>),
    /// What a vendor reports of an alert: at least an entry, which is no update
    /// that the team owes.
    Report(Box<VendorReport>),
    /// New values for fields.
    Change(Vec<Change>),
    /// The same with a reason why the outage touches more than
    /// [`MAX_MONTHS`](super::limits::MAX_MONTHS) months from then on.
    ChangeLong {
        /// The new values.
        changes: Vec<Change>,
        /// Why so many months; it becomes an entry.
        reason: Statement,
    },
    /// Show to the public, or hide.
    Publish(Publish),
    /// Link the post-mortem.
    LinkPostMortem {
        /// Where the document lies.
        url: HttpsUrl,
    },
    /// Page on-call once more.
    Page {
        /// Why.
        reason: Statement,
    },
    /// Page others than on-call, under a key of their own.
    Escalate {
        /// The rule that names them.
        rule: RuleName,
        /// Why.
        reason: Statement,
    },
    /// Try what was given up once more. The engine fills in what that is.
    RetryPage {
        /// What was given up, in the order in which it was committed.
        given_up: Vec<RetryOf>,
    },
    /// Erase the free text of an entry.
    Redact {
        /// Which entry.
        seq: u64,
        /// Why.
        reason: Statement,
    },
    /// Take in an incident that is being merged into this one.
    TakeIn {
        /// The incident that ends, as it was before.
        source: Arc<Incident>,
    },
    /// The alert for which it stands came again.
    RepeatAlert(AlertRepeat),
    /// Another incident was declared for the same alert.
    Relate {
        /// The other one.
        to: IncidentId,
        /// Its number for people.
        number: u64,
        /// The alert, where the other one stands for it from here on.
        takes_over: Option<Name>,
    },
}
