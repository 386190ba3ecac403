//! What a vendor reports of an alert, and what it may change here.

use super::decide::{ended, update_of};
use super::{Event, Incident, Refusal, Status, Update};
use crate::actor::{Action, Actor};
use crate::paging::{AlertSeen, InboundPolicy, Paging, PagingState, VendorEvent, VendorEventKind};
use crate::policy::Policy;
use crate::{RuleName, Statement, Text, Timestamp, ValidationError};

/// Something that a vendor reports of an alert: by a webhook, which may come two
/// days late, or as the answer to a question.
///
/// It is judged against the page that the incident has when it is written. What
/// is older than that page was about an earlier one: an entry and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorReport {
    /// What happened there, and when by the vendor's clock; now if it does not say.
    pub event: VendorEvent,
    /// The escalation whose alert it is about; none for the incident's own.
    pub rule: Option<RuleName>,
    /// The page that the vendor was asked about; none for a webhook, which does
    /// not say which page it speaks of. The answer to a question about a page that
    /// is over, or that only repeats what is known, is no event at all.
    pub asked_of: Option<u32>,
    /// What the vendor may change here.
    pub policy: InboundPolicy,
}

impl VendorReport {
    /// The rights it needs, whatever it turns out to change.
    pub(super) fn rights(&self) -> Vec<Action> {
        let acknowledges =
            self.event.what == VendorEventKind::Acknowledged && self.policy.acknowledge;
        let mut rights = vec![Action::Update];
        rights.extend(acknowledges.then_some(Action::Acknowledge));
        rights
    }

    /// Its sentence for the timeline.
    fn sentence(&self, earlier: bool) -> Result<Statement, ValidationError> {
        let mut sentence = self.event.sentence();
        if let Some(rule) = &self.rule {
            sentence = format!("escalation {rule}: {sentence}");
        }
        // First, so that a long note cannot push it out.
        if earlier {
            sentence = format!("about an earlier page: {sentence}");
        }
        Statement::new(Text::cut(&sentence).as_str())
    }
}

/// Which page a report speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The one that the incident has now.
    Current,
    /// One before it, or one whose alert is over.
    Earlier,
}

fn about(paging: &Paging, report: &VendorReport) -> About {
    // Nobody was ever paged: there is no earlier page either.
    if paging.epoch == 0 {
        return About::Current;
    }
    let other = report.asked_of.is_some_and(|epoch| epoch != paging.epoch);
    // Reopened, and nobody was paged since.
    let over = paging.state == PagingState::None;
    let begun = paging.begun_at.unwrap_or(Timestamp::MIN);
    // Before the first page there is none that it could be about, however far the
    // vendor's clock is behind ours.
    let older = paging.epoch > 1 && report.event.at.is_some_and(|at| at < begun);
    if other || over || older {
        About::Earlier
    } else {
        About::Current
    }
}

/// Decides what follows from a vendor's report.
pub(super) fn report(
    incident: &Incident,
    report: &VendorReport,
    by: &Actor,
    now: Timestamp,
    policy: &Policy,
) -> Result<Vec<Event>, Refusal> {
    let paging = incident.paging_of(report.rule.as_ref());
    let earlier = paging.is_some_and(|paging| about(paging, report) == About::Earlier);
    let moot = earlier || is_known(incident, paging, &report.event.what);
    if report.asked_of.is_some() && moot {
        return Ok(Vec::new());
    }
    // The vendor's clock may be ahead of ours.
    let at = report.event.at.map_or(now, |at| at.min(now));
    // Those beyond on-call neither take the incident nor end it.
    let counts = !earlier && report.rule.is_none() && incident.status.is_live();
    let taken = incident.is_acknowledged();
    let what = &report.event.what;
    if *what == VendorEventKind::Acknowledged && counts && report.policy.acknowledge && !taken {
        return Ok(vec![Event::Acknowledged { at, by: by.clone() }]);
    }
    let resolves = counts && report.policy.resolve && is_certain(incident, report);
    if *what == VendorEventKind::Resolved && resolves {
        let update = Update::to_status(report.sentence(false)?, Status::Resolved);
        let updated = update_of(incident, &update, now, policy)?;
        return Ok(vec![Event::Updated(Box::new(updated))]);
    }
    if incident.status.is_final() {
        return Err(ended(incident));
    }
    let deserted = counts && !taken && *what == VendorEventKind::Resolved;
    Ok(vec![Event::Observed {
        statement: report.sentence(earlier)?,
        occurred_at: at,
        rule: report.rule.clone(),
        alert: what.shows().filter(|_| !earlier),
        deserted_at: deserted.then(|| report.event.vendor.clone()),
    }])
}

/// The webhook came while the vendor was asked, or the incident ended.
fn is_known(incident: &Incident, paging: Option<&Paging>, what: &VendorEventKind) -> bool {
    if !incident.status.is_live() {
        return true;
    }
    match what.shows() {
        Some(AlertSeen::Closed) => paging.is_none_or(|paging| paging.closed_there_at.is_some()),
        Some(AlertSeen::Open) | None => incident.is_acknowledged(),
    }
}

/// An answer tells the state of the key's newest alert. Where that of this page
/// was never seen, it may be the closed one of the page before: nobody is called
/// any more either way, but nobody said that it is over.
fn is_certain(incident: &Incident, report: &VendorReport) -> bool {
    let paging = &incident.paging;
    report.asked_of.is_none() || paging.epoch <= 1 || paging.confirmed_at.is_some()
}
