//! Tests of decisions, each by the smallest incident that shows it.

mod alerts;
mod applied;
mod approvals;
mod decisions;
mod lists;
mod merges;
mod overrides;
mod pages;
mod reports;
mod roles;
mod small;
mod ticks;
mod times;

use super::{Declare, Incident, Severity, Status};
use crate::paging::{Paging, PagingState};
use crate::testing::an_incident;
use crate::{Name, Timestamp, Title};

/// Creates a live SEV2 whose page was accepted and is not acknowledged.
fn paged() -> (Incident, Timestamp) {
    let (mut incident, _, now) = an_incident();
    incident.state_mut().paging = Paging {
        state: PagingState::Accepted,
        ..Paging::pending(1, now)
    };
    (incident, now)
}

fn with(change: impl FnOnce(&mut super::State)) -> Incident {
    let (mut incident, _) = paged();
    change(incident.state_mut());
    incident
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn asked() -> Declare {
    Declare {
        alert_key: Some(name("cpu")),
        ..Declare::new(Title::new("CPU").unwrap(), Severity::Sev1)
    }
}

fn resolved(state: &mut super::State) {
    state.status = Status::Resolved;
}
