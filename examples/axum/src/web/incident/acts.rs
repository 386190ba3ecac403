//! The acts that a person may do with an incident in its state.

use incident_core::actor::{Action, Caller};
use incident_core::incident::{Incident, Mode, Severity, Status, TransitionKind};

use super::notified::{Notified, may_export};
use crate::state::AppState;

/// The acts that a page offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acts {
    pub(super) acknowledge: bool,
    /// Updates, or notes on what was done about an incident that has ended.
    pub(super) update: bool,
    pub(super) edit: bool,
    pub(super) page: bool,
    pub(super) publish: bool,
    pub(super) post_mortem: bool,
    pub(super) users_notified: bool,
    pub(super) authority_notified: bool,
    pub(super) export_users: bool,
    pub(super) roles: bool,
    pub(super) tick: bool,
}

impl Acts {
    /// Returns the acts that a person may do with an incident.
    pub(super) fn of(state: &AppState, caller: &Caller, incident: &Incident) -> Self {
        let may = |action| state.incidents().may(caller, action);
        let is_live = incident.status.is_live();
        let is_final = incident.status.is_final();
        Self {
            acknowledge: may(Action::Acknowledge) && is_live && !incident.is_acknowledged(),
            update: may(Action::Update),
            edit: may(Action::Change) && (!is_final || may(Action::CorrectEnded)),
            page: may(Action::Page) && is_live && incident.mode != Mode::Retrospective,
            publish: state.incidents().has_status_page()
                && may(Action::Publish)
                && incident.mode != Mode::Drill,
            post_mortem: may(Action::LinkPostMortem),
            users_notified: may(Action::Change) && Notified::Users.applies(incident),
            authority_notified: may(Action::Change) && Notified::Authority.applies(incident),
            export_users: may_export(state, caller, incident),
            roles: may(Action::Change) && !is_final,
            tick: may(Action::Update) && !is_final,
        }
    }

    /// Returns `true` if there are acts besides those with a button of their own.
    pub(super) const fn has_more(self) -> bool {
        self.edit
            || self.page
            || self.post_mortem
            || self.users_notified
            || self.authority_notified
            || self.export_users
    }
}

/// Returns the severities that a person may give an incident, the one that it has included.
pub(super) fn severities(
    state: &AppState,
    caller: &Caller,
    incident: &Incident,
) -> impl Iterator<Item = Severity> + use<> {
    let current = incident.severity;
    let may_lower = state.incidents().may(caller, Action::LowerSeverity);
    let all = Severity::ALL.into_iter();
    all.filter(move |one| may_lower || *one == current || one.is_worse_than(current))
}

/// Returns the statuses that a person may give an incident, without the one that it has.
#[must_use]
pub(super) fn next_statuses(state: &AppState, caller: &Caller, incident: &Incident) -> Vec<Status> {
    let may = |action| state.incidents().may(caller, action);
    let is_open = |to: &Status| match incident.status.step_to(*to) {
        None | Some(TransitionKind::Stay) => false,
        Some(TransitionKind::Move | TransitionKind::Resolve) => true,
        Some(TransitionKind::Reopen) => may(Action::Reopen),
        Some(TransitionKind::Close) => may(Action::Close),
        Some(TransitionKind::Cancel) => may(Action::Cancel),
        Some(TransitionKind::Merge) => may(Action::Merge),
    };
    Status::ALL.into_iter().filter(is_open).collect()
}
