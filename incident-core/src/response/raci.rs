//! The table of activities and roles: responsible, accountable, consulted, informed.

use crate::incident::ResponseRole;

/// An activity of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Declaring the start and the end of the incident.
    DeclareStartAndEnd,
    /// Setting priorities.
    SetPriorities,
    /// Authorising risky actions.
    AuthoriseRiskyActions,
    /// Deciding on escalation.
    DecideEscalation,
    /// Investigating.
    Investigate,
    /// Informing the team, customers and executives.
    Inform,
    /// Writing the timeline.
    WriteTimeline,
}

/// The involvement of a role in an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Involvement {
    /// Answers for it, and does it too.
    AccountableAndResponsible,
    /// Does it.
    Responsible,
    /// Answers for it.
    Accountable,
    /// Is asked for advice before.
    Consulted,
    /// Is informed.
    Informed,
}

impl Involvement {
    /// Returns the letters of the table: `A/R`, `R`, `A`, `C`, `I`.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::AccountableAndResponsible => "A/R",
            Self::Responsible => "R",
            Self::Accountable => "A",
            Self::Consulted => "C",
            Self::Informed => "I",
        }
    }
}

/// A row of the table: an activity, and the involvement of each role.
#[derive(Clone, Copy, Debug)]
pub struct RaciRow {
    /// The activity.
    pub activity: Activity,
    involvements: [Involvement; 6],
}

impl RaciRow {
    /// Lists the roles, in the order of [`ResponseRole::ALL`], with the involvement of each.
    pub fn roles(&self) -> impl Iterator<Item = (ResponseRole, Involvement)> + '_ {
        ResponseRole::ALL.into_iter().zip(self.involvements)
    }
}

const AR: Involvement = Involvement::AccountableAndResponsible;
const R: Involvement = Involvement::Responsible;
const A: Involvement = Involvement::Accountable;
const C: Involvement = Involvement::Consulted;
const I: Involvement = Involvement::Informed;

/// The table of activities and roles.
///
/// The incident commander declares start and end, sets priorities, authorises risky
/// actions and decides escalation; the tech lead investigates, the communicator informs, the scribe
/// writes the timeline. The commander answers for all of it.
///
/// Columns: commander, tech lead, communicator, scribe, subject-matter experts, responders.
pub const RACI: [RaciRow; 7] = [
    row(Activity::DeclareStartAndEnd, [AR, C, I, I, C, I]),
    row(Activity::SetPriorities, [AR, C, I, I, C, I]),
    row(Activity::AuthoriseRiskyActions, [AR, C, I, I, C, I]),
    row(Activity::DecideEscalation, [AR, C, I, I, C, I]),
    row(Activity::Investigate, [A, R, I, I, C, R]),
    row(Activity::Inform, [A, C, R, I, C, I]),
    row(Activity::WriteTimeline, [A, C, C, R, C, C]),
];

const fn row(activity: Activity, involvements: [Involvement; 6]) -> RaciRow {
    RaciRow {
        activity,
        involvements,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every activity has exactly one role that answers for it, the commander, and at least one
    /// that does it.
    #[test]
    fn one_role_answers_for_each_activity() {
        for row in RACI {
            let answers: Vec<_> = row
                .roles()
                .filter(|(_, how)| how.letters().contains('A'))
                .collect();
            assert_eq!(answers.len(), 1, "{:?}", row.activity);
            assert_eq!(answers[0].0, ResponseRole::IncidentCommander);
            assert!(row.roles().any(|(_, how)| how.letters().contains('R')));
        }
        let doer = |activity| {
            let row = RACI.iter().find(|row| row.activity == activity).unwrap();
            let mut doers = row.roles().filter(|(_, how)| how.letters().contains('R'));
            doers.next().unwrap().0
        };
        for (activity, role) in [
            (
                Activity::DeclareStartAndEnd,
                ResponseRole::IncidentCommander,
            ),
            (Activity::SetPriorities, ResponseRole::IncidentCommander),
            (
                Activity::AuthoriseRiskyActions,
                ResponseRole::IncidentCommander,
            ),
            (Activity::DecideEscalation, ResponseRole::IncidentCommander),
            (Activity::Investigate, ResponseRole::TechLead),
            (Activity::Inform, ResponseRole::Communicator),
            (Activity::WriteTimeline, ResponseRole::Scribe),
        ] {
            assert_eq!(doer(activity), role, "{activity:?}");
        }
    }
}
