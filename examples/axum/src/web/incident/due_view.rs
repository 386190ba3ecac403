//! The view of what is due for an incident: its clocks, the rules that fired, and those that wait for it.

use incident_core::incident::{FiredMark, Incident};
use incident_core::paging::{Escalation, PagingState, TargetId};
use incident_core::policy::Trigger;
use incident_core::response::{ClockState, ResponseClock, RuleState, Silence};
use incident_core::{Name, RuleName};

use super::act_texts::ActTexts;
use super::acts::Acts;
use super::notified::Notified;
use super::notified_texts::NotifiedTexts;
use super::targets::names;
use crate::http::escape::Html;
use crate::state::AppState;
use crate::web::about::rule_texts::RuleTexts;
use crate::web::countdown::Countdown;
use crate::web::due_texts::DueTexts;
use crate::web::frame::Frame;

/// The view of what is due for an incident.
pub(super) struct DueView {
    pub(super) texts: &'static DueTexts,
    pub(super) lines: Vec<DueLine>,
    /// The pages on which duties are recorded as done, with the words on the links.
    pub(super) acts: Vec<(String, &'static str)>,
    /// Rules that fired, the last firing first.
    pub(super) fired: Vec<FiredRule>,
    pub(super) rules: Vec<WaitingRule>,
}

/// Something that is to be done.
pub(super) struct DueLine {
    pub(super) what: &'static str,
    pub(super) time: Option<Countdown>,
    pub(super) at: Option<Html>,
    pub(super) is_at_risk: bool,
}

/// A rule that fired.
pub(super) struct FiredRule {
    pub(super) name: String,
    pub(super) level: String,
    pub(super) at: Html,
    /// Time at which it was due, if it was late.
    pub(super) late_since: Option<Html>,
    /// The condition, who was notified, and who was paged.
    pub(super) details: Vec<String>,
}

/// A rule that waits.
pub(super) struct WaitingRule {
    pub(super) name: String,
    /// The time at which it fires next.
    pub(super) next: Html,
    /// The groups that are notified then.
    pub(super) notifies: String,
}

impl DueView {
    /// Creates the view of an incident.
    pub(super) fn new(
        state: &AppState,
        frame: &Frame<'_>,
        incident: &Incident,
        acts: Acts,
    ) -> Self {
        let texts = DueTexts::of(frame.reader.language);
        let (due, rules) = state.incidents().reports().due_of(incident);
        let mut lines: Vec<(ResponseClock, DueLine)> = due
            .clocks
            .into_iter()
            .filter_map(|clock| Some((clock, line(frame, texts, &clock)?)))
            .collect();
        lines.sort_by_key(|(clock, _)| (clock.deadline.is_none(), clock.deadline));
        let due_acts = lines.iter().map(|(clock, _)| clock.trigger);
        let due_acts = due_acts.filter_map(|trigger| act(frame, incident, acts, trigger));
        Self {
            texts,
            acts: due_acts.collect(),
            lines: lines.into_iter().map(|(_, line)| line).collect(),
            fired: fired(state, frame, incident, &rules),
            rules: rules.iter().filter_map(|one| waiting(frame, one)).collect(),
        }
    }

    /// Returns `true` if there is nothing to show.
    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.fired.is_empty() && self.rules.is_empty()
    }
}

/// Returns the page on which a person records that something was done, if there is one.
fn act(
    frame: &Frame<'_>,
    incident: &Incident,
    acts: Acts,
    trigger: Trigger,
) -> Option<(String, &'static str)> {
    let notified = Notified::of(trigger)?;
    let may = match notified {
        Notified::Users => acts.users_notified,
        Notified::Authority => acts.authority_notified,
    };
    may.then(|| {
        let path = format!("/incidents/{}/{}", incident.id, notified.path());
        let texts = NotifiedTexts::of(frame.reader.language);
        (frame.link(&path), notified.title(texts))
    })
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

/// Returns `true` if a page went to the targets of a rule because the rule fired.
pub(super) fn is_fired(incident: &Incident, escalation: &Escalation) -> bool {
    escalation.is_by_policy() && incident.clocks.fired.contains_key(&escalation.rule)
}

/// Returns a rule that waits; none for one that does not fire any more.
fn waiting(frame: &Frame<'_>, state: &RuleState) -> Option<WaitingRule> {
    let next = state.next.as_ref()?;
    Some(WaitingRule {
        name: state.rule.to_string(),
        next: frame.times.time(&next.due_at),
        notifies: listed(&next.notify),
    })
}

/// Returns the rules that fired, the last firing first.
fn fired(
    state: &AppState,
    frame: &Frame<'_>,
    incident: &Incident,
    rules: &[RuleState],
) -> Vec<FiredRule> {
    let texts = DueTexts::of(frame.reader.language);
    let targets = state.incidents().paging().escalation_rules();
    let mut marks: Vec<(&RuleName, &FiredMark)> = incident.clocks.fired.iter().collect();
    marks.sort_by_key(|(_, mark)| std::cmp::Reverse(mark.at));
    let view = |(rule, mark): (&RuleName, &FiredMark)| {
        let firing = incident.clocks.firings.get(rule);
        let known = rules.iter().find(|one| one.rule == *rule);
        let is_over = known.is_some_and(|one| one.silent == Some(Silence::Exhausted));
        let trigger = firing.map(|one| one.trigger);
        let trigger = trigger.or_else(|| known.map(|one| one.trigger));
        let mut details: Vec<String> = Vec::new();
        details.extend(trigger.map(|trigger| {
            let condition = RuleTexts::of(frame.reader.language).condition(trigger);
            condition.to_owned()
        }));
        details.extend(firing.map(|one| {
            let groups = listed(&one.notify);
            frame.fill(texts.notified, &[("groups", &groups)])
        }));
        let targets = targets.iter().find(|(name, _)| name == rule);
        let targets = targets.map_or(&[][..], |(_, targets)| targets);
        details.push(paged(frame, incident, rule, targets));
        details.extend(is_over.then(|| texts.exhausted.to_owned()));
        let level = u64::from(mark.n) + 1;
        FiredRule {
            name: rule.to_string(),
            level: frame.fill(texts.level, &[("n", &level.to_string())]),
            at: frame.times.time(&mark.at),
            late_since: firing
                .filter(|one| one.late)
                .map(|one| frame.times.time(&one.due_at)),
            details,
        }
    };
    marks.into_iter().map(view).collect()
}

/// Returns what became of the page to the targets of a rule.
fn paged(frame: &Frame<'_>, incident: &Incident, rule: &RuleName, targets: &[TargetId]) -> String {
    let texts = DueTexts::of(frame.reader.language);
    let paging = incident.paging_of(Some(rule)).map(|paging| paging.state);
    let state = frame.paging(&paging.unwrap_or(PagingState::None));
    if targets.is_empty() {
        return state.to_owned();
    }
    let targets = names(ActTexts::of(frame.reader.language), targets);
    frame.fill(texts.paged, &[("targets", &targets), ("state", state)])
}

fn listed(groups: &[Name]) -> String {
    let groups: Vec<&str> = groups.iter().map(Name::as_str).collect();
    groups.join(", ")
}
