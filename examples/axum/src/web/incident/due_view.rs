//! The view of what is due for an incident: its clocks, and the rules that wait for it.

use incident_core::incident::Incident;
use incident_core::policy::Trigger;
use incident_core::response::{ClockState, ResponseClock, RuleState, Silence};

use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::countdown::Countdown;
use crate::web::due_texts::DueTexts;
use crate::web::frame::Frame;

/// The view of what is due for an incident.
pub(super) struct DueView {
    pub(super) texts: &'static DueTexts,
    pub(super) lines: Vec<DueLine>,
    pub(super) rules: Vec<WaitingRule>,
}

/// Something that is to be done.
pub(super) struct DueLine {
    pub(super) what: &'static str,
    pub(super) time: Option<Countdown>,
    pub(super) at: Option<Html>,
    pub(super) is_at_risk: bool,
}

/// A rule that fired or waits.
pub(super) struct WaitingRule {
    pub(super) name: String,
    /// The last time at which it fired.
    pub(super) fired: Option<Html>,
    /// The time at which it fires next.
    pub(super) next: Option<Html>,
    /// The groups that are notified then.
    pub(super) notifies: String,
    /// The reason why it does not fire any more.
    pub(super) over: Option<&'static str>,
}

impl DueView {
    /// Creates the view of an incident.
    pub(super) fn new(state: &AppState, frame: &Frame<'_>, incident: &Incident) -> Self {
        let texts = DueTexts::of(frame.reader.language);
        let (due, rules) = state.incidents().reports().due_of(incident);
        let mut lines: Vec<(ResponseClock, DueLine)> = due
            .clocks
            .into_iter()
            .filter_map(|clock| Some((clock, line(frame, texts, &clock)?)))
            .collect();
        lines.sort_by_key(|(clock, _)| (clock.deadline.is_none(), clock.deadline));
        Self {
            texts,
            lines: lines.into_iter().map(|(_, line)| line).collect(),
            rules: rules
                .iter()
                .filter_map(|one| rule(frame, texts, one))
                .collect(),
        }
    }
}

fn line(frame: &Frame<'_>, texts: &'static DueTexts, clock: &ResponseClock) -> Option<DueLine> {
    let what = texts.duty(clock.trigger)?;
    let state = clock.state(frame.times.now);
    // A watch that is over is nothing to do.
    if clock.trigger == Trigger::Watch && state == ClockState::Overdue {
        return None;
    }
    // A clock without a deadline is no duty, but for users who have to be written to.
    if clock.deadline.is_none() && clock.trigger != Trigger::DataLoss {
        return None;
    }
    Some(DueLine {
        what,
        time: clock
            .deadline
            .map(|at| Countdown::new(frame, at, texts.overdue, texts.due_in)),
        at: clock.deadline.map(|at| frame.times.time(&at)),
        is_at_risk: state == ClockState::AtRisk && clock.trigger != Trigger::Watch,
    })
}

/// Returns a rule that fired or waits; none for one that has nothing to do with the incident.
fn rule(frame: &Frame<'_>, texts: &'static DueTexts, state: &RuleState) -> Option<WaitingRule> {
    if state.fired.is_none() && state.next.is_none() {
        return None;
    }
    let next = state.next.as_ref();
    let groups: Vec<&str> = next
        .map(|next| next.notify.iter().map(|group| group.as_str()).collect())
        .unwrap_or_default();
    Some(WaitingRule {
        name: state.rule.to_string(),
        fired: state.fired.map(|mark| frame.times.time(&mark.at)),
        next: next.map(|next| frame.times.time(&next.due_at)),
        notifies: groups.join(", "),
        over: state.silent.and_then(|silence| match silence {
            Silence::Exhausted => Some(texts.exhausted),
            Silence::NoDeadline => Some(texts.no_limit),
            Silence::Mode | Silence::Severity | Silence::Environment | Silence::Condition => None,
        }),
    })
}
