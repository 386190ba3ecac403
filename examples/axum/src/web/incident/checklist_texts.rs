//! The texts of the checklists that ship.

use incident_core::ChecklistKey;
use incident_core::response::{ChecklistItem, Checklists};

use crate::web::texts::texts;

texts! {
    /// The texts of the checklists that ship.
    ChecklistTexts {
        triage: "Triage", "Tri", "Erste Einschätzung";
        quick_checks: "Quick checks", "Vérifications rapides", "Schnelle Prüfungen";
        war_room: "War room", "Cellule de crise", "Krisenraum";
        verify: "Before the resolution", "Avant la résolution", "Vor der Lösung";
        watch: "Watch after the resolution", "Surveillance après la résolution", "Beobachtung nach der Lösung";
        real_incident: "It is a real incident and not a false positive", "C’est un vrai incident et non une fausse alerte", "Es ist ein echter Vorfall und kein Fehlalarm";
        scope_known: "Scope, users and business impact are known", "L’étendue, les utilisateurs et l’impact métier sont connus", "Umfang, Nutzer und geschäftliche Folgen sind bekannt";
        severity_set: "The severity is set", "La gravité est fixée", "Die Schwere ist festgelegt";
        commander_named: "An incident commander is named", "Un commandant est désigné", "Eine Einsatzleitung ist benannt";
        channel_opened: "A channel is open (#incident-YYYY-MM-DD-NNN)", "Un canal est ouvert (#incident-AAAA-MM-JJ-NNN)", "Ein Kanal ist offen (#incident-JJJJ-MM-TT-NNN)";
        stakeholders_informed: "Stakeholders are informed", "Les parties prenantes sont informées", "Die Beteiligten sind informiert";
        application: "Application checked", "Application vérifiée", "Anwendung geprüft";
        queues: "Queues checked", "Files d’attente vérifiées", "Warteschlangen geprüft";
        cache: "Cache checked", "Cache vérifié", "Zwischenspeicher geprüft";
        database: "Database checked", "Base de données vérifiée", "Datenbank geprüft";
        logs: "Logs checked", "Journaux vérifiés", "Protokolle geprüft";
        monitoring: "Monitoring checked", "Supervision vérifiée", "Überwachung geprüft";
        environments: "It is known if staging is hit too, or production only", "On sait si la préproduction est touchée aussi, ou la production seule", "Bekannt ist, ob auch die Testumgebung betroffen ist oder nur die Produktion";
        bridge_open: "The bridge call is open", "La conférence est ouverte", "Die Konferenz ist offen";
        people_invited: "Commander, tech lead and experts are invited", "Commandant, responsable technique et experts sont invités", "Einsatzleitung, technische Leitung und Fachleute sind eingeladen";
        link_shared: "The link is shared", "Le lien est partagé", "Der Link ist verteilt";
        scribe_ready: "The scribe is ready", "Le secrétaire est prêt", "Das Protokoll ist bereit";
        dashboard_shared: "The dashboard is shared", "Le tableau de bord est partagé", "Das Dashboard ist geteilt";
        access_confirmed: "Access is confirmed", "Les accès sont confirmés", "Die Zugänge sind bestätigt";
        rules_on_show: "The rules are on show: the commander leads, one speaker at a time, mitigation first, no blame, document as it happens", "Les règles sont affichées : le commandant dirige, une personne parle à la fois, limiter l’impact d’abord, pas de reproche, noter au fil de l’eau", "Die Regeln sind sichtbar: Die Einsatzleitung führt, einer spricht, zuerst eindämmen, keine Schuldzuweisung, laufend festhalten";
        instances_healthy: "All instances are healthy", "Toutes les instances sont saines", "Alle Instanzen sind gesund";
        health_endpoint: "The health endpoint answers", "Le point de santé répond", "Der Health-Endpunkt antwortet";
        critical_endpoints: "The critical endpoints answer", "Les points d’accès critiques répondent", "Die kritischen Endpunkte antworten";
        error_rate: "The error rate is back to normal", "Le taux d’erreur est revenu à la normale", "Die Fehlerrate ist wieder normal";
        user_flow: "One real user flow works", "Un parcours utilisateur réel fonctionne", "Ein echter Nutzerablauf funktioniert";
        regression_test: "A regression test exists, or is an action", "Un test de non-régression existe, ou est une action", "Ein Regressionstest besteht oder ist eine Aufgabe";
        no_new_alert: "No new alert for one hour", "Aucune nouvelle alerte depuis une heure", "Seit einer Stunde kein neuer Alarm";
        metrics_stable: "Metrics are stable for one hour", "Les métriques sont stables depuis une heure", "Die Messwerte sind seit einer Stunde stabil";
        no_spike: "No spike for one hour", "Aucun pic depuis une heure", "Seit einer Stunde keine Spitze";
    }
}

impl ChecklistTexts {
    /// Returns the name of a list in the language of the reader; that of the policy if it does not
    /// ship.
    pub(super) fn list<'n>(&self, name: &'n ChecklistKey) -> &'n str {
        match name.as_ref() {
            "triage" => self.triage,
            "quick_checks" => self.quick_checks,
            "war_room" => self.war_room,
            "verify" => self.verify,
            "watch" => self.watch,
            other => other,
        }
    }

    /// Returns the text of an item in the language of the reader; that of the policy if it is
    /// another one than ships.
    pub(super) fn item<'i>(&self, list: &ChecklistKey, item: &'i ChecklistItem) -> &'i str {
        let shipped = Checklists::is_shipped(list, item);
        let translated = self.shipped(item.id.as_ref()).filter(|_| shipped);
        translated.unwrap_or_else(|| item.text.as_ref())
    }

    fn shipped(&self, id: &str) -> Option<&'static str> {
        Some(match id {
            "real_incident" => self.real_incident,
            "scope_known" => self.scope_known,
            "severity_set" => self.severity_set,
            "commander_named" => self.commander_named,
            "channel_opened" => self.channel_opened,
            "stakeholders_informed" => self.stakeholders_informed,
            "application" => self.application,
            "queues" => self.queues,
            "cache" => self.cache,
            "database" => self.database,
            "logs" => self.logs,
            "monitoring" => self.monitoring,
            "environments" => self.environments,
            "bridge_open" => self.bridge_open,
            "people_invited" => self.people_invited,
            "link_shared" => self.link_shared,
            "scribe_ready" => self.scribe_ready,
            "dashboard_shared" => self.dashboard_shared,
            "access_confirmed" => self.access_confirmed,
            "rules_on_show" => self.rules_on_show,
            "instances_healthy" => self.instances_healthy,
            "health_endpoint" => self.health_endpoint,
            "critical_endpoints" => self.critical_endpoints,
            "error_rate" => self.error_rate,
            "user_flow" => self.user_flow,
            "regression_test" => self.regression_test,
            "no_new_alert" => self.no_new_alert,
            "metrics_stable" => self.metrics_stable,
            "no_spike" => self.no_spike,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::language::Language;

    /// A shipped item without a translation, or with another English text, is found here.
    #[test]
    fn every_shipped_item_has_its_text() {
        let lists = Checklists::default();
        let all = || {
            lists
                .iter()
                .flat_map(|list| list.items.iter().map(move |item| (list, item)))
        };
        assert_eq!(all().count(), 29);
        for (list, item) in all() {
            let english = ChecklistTexts::of(Language::English);
            assert_eq!(
                english.shipped(item.id.as_ref()),
                Some(item.text.as_ref()),
                "{}",
                item.id
            );
            for language in [Language::French, Language::German] {
                let texts = ChecklistTexts::of(language);
                assert_ne!(
                    texts.item(&list.name, item),
                    item.text.as_str(),
                    "{}",
                    item.id
                );
                assert_ne!(texts.list(&list.name), list.name.as_ref());
            }
        }
    }

    /// A host's own text is shown as it is, also under a shipped id.
    #[test]
    fn a_replaced_item_keeps_its_text() {
        let lists = Checklists::default();
        let list = lists.iter().next().unwrap();
        let mine = ChecklistItem {
            id: list.items[0].id.clone(),
            text: incident_core::Text::new("Is it real?").unwrap(),
        };
        let texts = ChecklistTexts::of(Language::German);
        assert_eq!(texts.item(&list.name, &mine), "Is it real?");
    }
}
