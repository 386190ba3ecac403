//! The texts of what is due.

use incident_core::policy::Trigger;

use super::texts::texts;

texts! {
    /// The texts of what is due.
    DueTexts {
        title: "Due and escalations", "À faire et escalades", "Fälliges und Eskalationen";
        nothing: "Nothing is due.", "Rien n’est dû.", "Nichts ist fällig.";
        overdue: "overdue by {time}", "en retard de {time}", "überfällig seit {time}";
        due_in: "in {time}", "dans {time}", "in {time}";
        at_risk: "soon due", "bientôt dû", "bald fällig";
        no_deadline: "without a deadline", "sans échéance", "ohne Frist";
        acknowledge: "Acknowledge", "Prise en charge", "Bestätigung";
        resolve: "Resolve", "Résolution", "Behebung";
        update: "Update", "Point", "Meldung";
        status_page: "Status page", "Page d’état", "Statusseite";
        executives: "Executives", "Direction", "Leitung";
        post_mortem: "Post-mortem", "Post-mortem", "Nachbereitung";
        watch: "Watch until", "Surveillance jusqu’à", "Beobachten bis";
        authority: "Notify the authority", "Prévenir l’autorité", "Behörde benachrichtigen";
        users: "Notify the affected users", "Prévenir les utilisateurs touchés", "Betroffene Nutzer benachrichtigen";
        fired: "Escalated", "Escalades faites", "Eskaliert";
        level: "level {n}", "niveau {n}", "Stufe {n}";
        late: "late, was due", "en retard, échéance", "verspätet, fällig war";
        notified: "notified: {groups}", "prévenus : {groups}", "benachrichtigt: {groups}";
        paged: "page through {targets}: {state}", "alerte par {targets} : {state}", "Alarm über {targets}: {state}";
        waiting: "What comes next", "La suite", "Was als Nächstes kommt";
        rule: "Rule", "Règle", "Regel";
        next: "Next", "Ensuite", "Als Nächstes";
        notifies: "Notifies", "Prévient", "Benachrichtigt";
        exhausted: "no further level", "plus d’autre niveau", "keine weitere Stufe";
    }
}

impl DueTexts {
    /// Returns what is to be done in time; none for a condition that only escalates.
    #[must_use]
    pub(crate) const fn duty(&self, trigger: Trigger) -> Option<&'static str> {
        Some(match trigger {
            Trigger::Unacknowledged => self.acknowledge,
            Trigger::Unresolved => self.resolve,
            Trigger::InternalUpdate => self.update,
            Trigger::PublicUpdate => self.status_page,
            Trigger::ExecutiveUpdate => self.executives,
            Trigger::PostMortem => self.post_mortem,
            Trigger::Watch => self.watch,
            Trigger::DataLeak => self.authority,
            Trigger::DataLoss => self.users,
            Trigger::Declared
            | Trigger::Unmitigated
            | Trigger::FinancialImpact
            | Trigger::CustomerEvent => return None,
        })
    }
}
