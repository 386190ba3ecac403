//! Decisions on vendors' reports, compared with the current page of the incident.

use super::refusal::ended;
use super::update::update_of;
use super::{Event, Incident, Refusal, Status, Update, VendorReport};
use crate::Timestamp;
use crate::actor::Actor;
use crate::paging::{AlertSeen, Paging, PagingState, VendorEventKind};
use crate::policy::Policy;

/// The page that a report concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The incident's current page.
    Current,
    /// An earlier page, or one whose alert is over.
    Earlier,
}

fn about(paging: &Paging, report: &VendorReport) -> About {
    // Never paged: there is no earlier page either.
    if paging.epoch == 0 {
        return About::Current;
    }
    let other = report
        .polled_epoch
        .is_some_and(|epoch| epoch != paging.epoch);
    // Reopened, and not paged since.
    let over = paging.state == PagingState::None;
    let begun = paging.begun_at.unwrap_or(Timestamp::MIN);
    // A report cannot be about a page before the first one, however far the vendor's clock is
    // behind ours.
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
    if report.polled_epoch.is_some() && moot {
        return Ok(Vec::new());
    }
    // The vendor's clock may be ahead of ours.
    let at = report.event.at.map_or(now, |at| at.min(now));
    // Reports on escalations neither acknowledge nor resolve the incident.
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

/// Returns `true` if an answer brings nothing new: the webhook came while the vendor was polled, or
/// the incident ended.
fn is_known(incident: &Incident, paging: Option<&Paging>, what: &VendorEventKind) -> bool {
    if !incident.status.is_live() {
        return true;
    }
    match what.shows() {
        Some(AlertSeen::Closed) => paging.is_none_or(|paging| paging.closed_there_at.is_some()),
        Some(AlertSeen::Open) | None => incident.is_acknowledged(),
    }
}

/// Returns `true` if a resolution is certainly that of the current page. An answer to a poll has
/// the state of the key's newest alert. If the alert of this page was never seen, that may be the
/// closed one of the page before: no one is called any more either way, but the impact may go on.
fn is_certain(incident: &Incident, report: &VendorReport) -> bool {
    let paging = &incident.paging;
    report.polled_epoch.is_none() || paging.epoch <= 1 || paging.confirmed_at.is_some()
}
