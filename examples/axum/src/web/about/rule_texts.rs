//! The texts of the policy of the response.

use incident_core::policy::Trigger;

use crate::web::texts::texts;

texts! {
    /// The texts of the policy of the response.
    RuleTexts {
        promise: "Promise", "Engagement", "Zusage";
        acknowledge_within: "Acknowledged within", "Pris en compte en", "Bestätigt binnen";
        resolve_within: "Resolved within", "Résolu en", "Behoben binnen";
        public_update_every: "Update of the status page every, while public", "Point sur la page d’état toutes les, tant que public", "Meldung auf der Statusseite alle, solange öffentlich";
        executive_updates: "Updates for executives", "Points pour la direction", "Meldungen an die Leitung";
        at_start_and_end: "at the start and at the resolution", "au début et à la résolution", "zu Beginn und bei der Behebung";
        daily: "daily", "chaque jour", "täglich";
        post_mortem_within: "Post-mortem within", "Post-mortem en", "Nachbereitung binnen";
        watched: "Watched after the resolution for", "Surveillé après la résolution pendant", "Beobachtet nach der Behebung für";
        days: "{n} day | {n} days", "{n} jour | {n} jours", "{n} Tag | {n} Tage";
        hours: "{n}\u{a0}h | {n}\u{a0}h", "{n}\u{a0}h | {n}\u{a0}h", "{n}\u{a0}Std. | {n}\u{a0}Std.";
        minutes: "{n}\u{a0}min | {n}\u{a0}min", "{n}\u{a0}min | {n}\u{a0}min", "{n}\u{a0}Min. | {n}\u{a0}Min.";
        seconds: "{n}\u{a0}s | {n}\u{a0}s", "{n}\u{a0}s | {n}\u{a0}s", "{n}\u{a0}Sek. | {n}\u{a0}Sek.";
        times: "once | {n} times", "une fois | {n} fois", "einmal | {n}-mal";
        business_hours: "{time} of business hours ({calendar})", "{time} d’heures ouvrées ({calendar})", "{time} Geschäftszeit ({calendar})";
        risk: "A deadline is at risk after {percent} of the time until it. Days are counted in {zone}.", "Une échéance est menacée après {percent} du temps. Les jours sont comptés dans le fuseau {zone}.", "Eine Frist ist nach {percent} ihrer Zeit gefährdet. Tage werden in der Zone {zone} gezählt.";
        overrides: "For one service or tenant other promises hold; the strictest is in force. | For {n} services and tenants other promises hold; the strictest is in force.", "Pour un service ou client, d’autres engagements valent ; le plus strict l’emporte. | Pour {n} services et clients, d’autres engagements valent ; le plus strict l’emporte.", "Für einen Dienst oder Mandanten gelten andere Zusagen; die strengste gilt. | Für {n} Dienste und Mandanten gelten andere Zusagen; die strengste gilt.";
        thresholds: "Thresholds of the proposed severity", "Seuils de la gravité proposée", "Schwellen der vorgeschlagenen Schwere";
        thresholds_help: "For all services and tenants. Other reasons for a severity have no threshold.", "Pour tous les services et clients. Les autres raisons d’une gravité n’ont pas de seuil.", "Für alle Dienste und Mandanten. Andere Gründe für eine Schwere haben keine Schwelle.";
        threshold: "Fact", "Fait", "Angabe";
        users_hit: "Share of users hit", "Part des utilisateurs touchés", "Anteil betroffener Nutzer";
        revenue: "Revenue blocked per hour", "Revenu bloqué par heure", "Blockierter Umsatz je Stunde";
        more_than: "more than {limit}", "plus de {limit}", "mehr als {limit}";
        from: "{limit} or more", "{limit} ou plus", "{limit} oder mehr";
        less_than: "less than {limit}", "moins de {limit}", "weniger als {limit}";
        none: "none", "aucun", "keine";
        rules: "Escalation rules", "Règles d’escalade", "Eskalationsregeln";
        no_rules: "There are no rules: nobody but on-call is notified.", "Il n’y a pas de règles : seule l’astreinte est prévenue.", "Es gibt keine Regeln: Nur die Bereitschaft wird benachrichtigt.";
        rule: "Rule", "Règle", "Regel";
        when: "Condition", "Condition", "Bedingung";
        levels: "When, and who is notified", "Quand, et qui est prévenu", "Wann, und wer benachrichtigt wird";
        at_once: "at once", "aussitôt", "sofort";
        after: "after {time}", "après {time}", "nach {time}";
        at_risk: "when it is at risk", "quand l’échéance est menacée", "wenn die Frist gefährdet ist";
        after_risk: "{time} after it is at risk", "{time} après que l’échéance est menacée", "{time}, nachdem die Frist gefährdet ist";
        when_due: "at the deadline", "à l’échéance", "zur Frist";
        after_due: "{time} after the deadline", "{time} après l’échéance", "{time} nach der Frist";
        repeat: ", again every {every}, {times}", ", puis toutes les {every}, {times}", ", wieder alle {every}, {times}";
        at_least: ", at least {amount} an hour", ", au moins {amount} par heure", ", mindestens {amount} je Stunde";
        declared: "it is declared", "il est déclaré", "er ist gemeldet";
        unacknowledged: "nobody acknowledges it", "personne ne le prend en compte", "niemand bestätigt ihn";
        unmitigated: "it is neither mitigated nor resolved", "il n’est ni atténué ni résolu", "er ist weder entschärft noch behoben";
        unresolved: "it is not resolved", "il n’est pas résolu", "er ist nicht behoben";
        internal_update: "an update for the team is missing", "un point pour l’équipe manque", "eine Meldung an das Team fehlt";
        public_update: "an update of the status page is missing", "un point sur la page d’état manque", "eine Meldung auf der Statusseite fehlt";
        executive_update: "an update for executives is missing", "un point pour la direction manque", "eine Meldung an die Leitung fehlt";
        post_mortem: "the post-mortem is missing", "le post-mortem manque", "die Nachbereitung fehlt";
        watch: "it is resolved and watched", "il est résolu et surveillé", "er ist behoben und wird beobachtet";
        data_leak: "data may have leaked, and the authority is not notified (72 hours)", "des données ont pu fuir, et l’autorité n’est pas prévenue (72 heures)", "Daten sind womöglich abgeflossen, und die Behörde ist nicht benachrichtigt (72 Stunden)";
        data_loss: "data is lost, and the users are not notified", "des données sont perdues, et les utilisateurs ne sont pas prévenus", "Daten sind verloren, und die Nutzer sind nicht benachrichtigt";
        financial_impact: "revenue is lost", "du chiffre d’affaires est perdu", "Umsatz geht verloren";
        customer_event: "it blocks a customer on the day of their event", "il bloque un client le jour de son événement", "er blockiert einen Kunden am Tag seiner Veranstaltung";
    }
}

impl RuleTexts {
    /// Returns a condition in words.
    #[must_use]
    pub(crate) const fn condition(&self, when: Trigger) -> &'static str {
        match when {
            Trigger::Declared => self.declared,
            Trigger::Unacknowledged => self.unacknowledged,
            Trigger::Unmitigated => self.unmitigated,
            Trigger::Unresolved => self.unresolved,
            Trigger::InternalUpdate => self.internal_update,
            Trigger::PublicUpdate => self.public_update,
            Trigger::ExecutiveUpdate => self.executive_update,
            Trigger::PostMortem => self.post_mortem,
            Trigger::Watch => self.watch,
            Trigger::DataLeak => self.data_leak,
            Trigger::DataLoss => self.data_loss,
            Trigger::FinancialImpact => self.financial_impact,
            Trigger::CustomerEvent => self.customer_event,
        }
    }
}
