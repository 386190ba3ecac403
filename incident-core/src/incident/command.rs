//! Commands: declarations, updates, and everything else that an incident takes.

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Affected, AlertRepeat, ApprovalStep, Change, ChangeRole, Facts, Incident, Mode, Priority,
    Severity, Source, Status, TickItem, VendorReport,
};
use crate::timeline::EntryKind;
use crate::{
    HttpsUrl, IncidentId, Name, PersonName, PublicText, RuleName, ServiceId, Statement,
    SuggestionId, Text, Timestamp, Title,
};

use super::{CommsSent, Publish};
use crate::paging::RetryOf;
use crate::policy::Policy;

/// A declaration of a new incident.
///
/// Its texts, names, times and list of tenants may come from serde, as in the body of a request:
/// they are checked when it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declare {
    /// The title, internal.
    pub title: Title,
    /// The severity.
    pub severity: Severity,
    /// The severity that was proposed, such as by [`classify`](crate::response::classify). If it is another one,
    /// the entry of the declaration and its audit entry name both.
    pub proposed_severity: Option<Severity>,
    /// The summary, internal.
    pub summary: Text,
    /// The services it hits.
    pub affected_services: Vec<ServiceId>,
    /// The tenants it hits.
    pub affected_tenants: Affected,
    /// Start of the impact; the time of the declaration if absent, and then marked as assumed.
    pub started_at: Option<Timestamp>,
    /// Time at which it was noticed.
    pub detected_at: Option<Timestamp>,
    /// The person responsible for the response; the declaring person if absent.
    pub responder: Option<PersonName>,
    /// Expected end.
    pub eta: Option<Timestamp>,
    /// Live, retrospective or drill.
    pub mode: Mode,
    /// The environment; production if absent.
    pub environment: Option<Name>,
    /// The source; if absent, the suggestion if there is one, else the team.
    pub source: Option<Source>,
    /// The suggestion that is followed.
    pub suggestion_id: Option<SuggestionId>,
    /// The alert it is for. A live incident that may stand for this alert is returned instead of
    /// creating a second one ([`may_stand_for`](super::may_stand_for)).
    pub alert_key: Option<Name>,
    /// The end of the impact, if it is over already.
    pub impact_ended_at: Option<Timestamp>,
    /// Time of the resolution. Only for a retrospective incident, which then begins resolved.
    pub resolved_at: Option<Timestamp>,
    /// If `true`, pages on-call; if `false`, does not. As the policy says if absent.
    pub page: Option<bool>,
    /// Link to a ticket in another system.
    pub tracker_url: Option<HttpsUrl>,
    /// The incident that this one repeats.
    pub recurrence_of: Option<IncidentId>,
    /// Optional facts.
    pub facts: Facts,
    /// The priority, in place of the one derived from impact and urgency.
    pub priority: Option<Priority>,
    /// The reason why its outage touches more than [`MAX_MONTHS`](super::limits::MAX_MONTHS)
    /// months. Needs the right [`LongOutage`](crate::actor::Action::LongOutage), as such an outage
    /// itself does, and becomes an entry.
    pub reason: Option<Statement>,
}

impl Declare {
    /// Returns `true` if it pages. `page` decides for a live incident, or else the policy of its
    /// severity; a drill pages only if `page` is `true`, a retrospective incident never.
    #[must_use]
    pub fn pages(&self, policy: &Policy) -> bool {
        match self.mode {
            Mode::Retrospective => false,
            Mode::Drill => self.page == Some(true),
            Mode::Live => self.page.unwrap_or_else(|| {
                let (services, tenants) = (&self.affected_services, &self.affected_tenants);
                policy.of_incident(services, tenants, self.severity).page()
            }),
        }
    }

    /// Returns the proposed severity if it was not followed.
    pub(crate) fn overridden(&self) -> Option<Severity> {
        self.proposed_severity
            .filter(|proposed| *proposed != self.severity)
    }

    /// Returns the outage from its start to its end, or to `now`.
    pub(super) fn span(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let end = self.impact_ended_at.or(self.resolved_at);
        (self.started_at.unwrap_or(now), end.unwrap_or(now))
    }

    /// Creates a declaration with the given title and severity, and defaults for the rest.
    #[must_use]
    pub fn new(title: Title, severity: Severity) -> Self {
        Self {
            title,
            severity,
            proposed_severity: None,
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
            priority: None,
            reason: None,
        }
    }
}

/// An update of the timeline, with or without a change of status.
///
/// Serde reads it from the body of a request: optional fields may be absent, and an unknown field
/// is an error. Its texts, names and times are checked again when it is decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The message to the team.
    pub message: Statement,
    /// The new status.
    pub status: Option<Status>,
    /// The new severity.
    pub severity: Option<Severity>,
    /// Expected end.
    pub eta: Option<Timestamp>,
    /// Time of the reported event; now if absent.
    pub occurred_at: Option<Timestamp>,
    /// The kind of entry; if absent, it follows from `corrects` and `comms_sent`.
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "Option<crate::timeline::UpdateKind>")
    )]
    pub kind: Option<EntryKind>,
    /// End of the impact.
    pub impact_ended_at: Option<Timestamp>,
    /// The reason; needed to reopen and to cancel.
    pub reason: Option<Statement>,
    /// The entry that this one corrects.
    pub corrects: Option<u64>,
    /// The incident that takes this one in; needed to merge.
    pub merged_into: Option<IncidentId>,
    /// The text that the public page may show.
    pub public_message: Option<PublicText>,
    /// A message that was sent.
    pub comms_sent: Option<CommsSent>,
}

impl Update {
    /// Creates an update with a message alone.
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

    /// Creates an update that changes the status.
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

/// A command on an existing incident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Acknowledges the incident.
    Acknowledge {
        /// Time of the acknowledgement; now if absent.
        at: Option<Timestamp>,
    },
    /// Adds an entry to the timeline.
    Update(Box<Update>),
    /// Takes in a vendor's report on an alert. Its entry does not count as an update that the team
    /// owes.
    Report(Box<VendorReport>),
    /// Sets fields to new values.
    Change(Vec<Change>),
    /// Sets fields to new values, with a reason why the outage touches more than
    /// [`MAX_MONTHS`](super::limits::MAX_MONTHS) months from then on.
    ChangeLong {
        /// The new values.
        changes: Vec<Change>,
        /// The reason for the long outage; it becomes an entry.
        reason: Statement,
    },
    /// Shows the incident to the public, or hides it.
    Publish(Publish),
    /// Links the post-mortem.
    LinkPostMortem {
        /// Address of the document.
        url: HttpsUrl,
    },
    /// Pages on-call once more.
    Page {
        /// The reason.
        reason: Statement,
    },
    /// Pages others than on-call, under a key of their own.
    Escalate {
        /// The rule that names them.
        rule: RuleName,
        /// The reason.
        reason: Statement,
    },
    /// Records that the users whose data was lost were written to.
    MarkUsersNotified {
        /// The letter: who wrote it, to whom, and by which channel.
        note: Statement,
    },
    /// Records that the authority was notified of a leak of data (GDPR, article 33).
    MarkAuthorityNotified {
        /// The notification: who sent it, to which authority, and by which channel.
        note: Statement,
    },
    /// Retries dead-lettered pages. The engine fills in the messages.
    RetryPage {
        /// The dead-lettered messages, in the order in which they were committed.
        given_up: Vec<RetryOf>,
    },
    /// Erases the free text of an entry.
    Redact {
        /// The number of the entry.
        seq: u64,
        /// The reason.
        reason: Statement,
    },
    /// Takes in an incident that is being merged into this one.
    TakeIn {
        /// The incident that ends, as it was before.
        source: Arc<Incident>,
    },
    /// Counts a repeat of an alert that the incident stands for.
    RepeatAlert(AlertRepeat),
    /// Links another incident that was declared for the same alert.
    Relate {
        /// The other incident.
        to: IncidentId,
        /// Its number for people.
        number: u64,
        /// The alert, if the other incident stands for it from now on.
        takes_over: Option<Name>,
    },
    /// Changes who holds a role in the response.
    ChangeRole(Box<ChangeRole>),
    /// Requests the approval of a risky action, or decides about one.
    Approve(ApprovalStep),
    /// Ticks an item of a checklist.
    Tick(Box<TickItem>),
}
