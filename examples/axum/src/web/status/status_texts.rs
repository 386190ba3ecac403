//! The texts of the status page.

use askama::filters::Safe;
use incident_core::status_page::{Indicator, PublicStatus, StandardText};

use crate::http::escape::Html;
use crate::web::texts::texts;

texts! {
    /// The texts of the status page.
    StatusTexts {
        status: "status", "état des services", "Status";
        operational: "All systems operational", "Tous les systèmes fonctionnent", "Alle Systeme funktionieren";
        minor_overall: "Minor service disruption", "Perturbation mineure du service", "Geringe Störung";
        major_overall: "Major service disruption", "Perturbation majeure du service", "Erhebliche Störung";
        critical_overall: "Critical service outage", "Panne critique du service", "Kritischer Ausfall";
        minor: "Minor", "Mineur", "Gering";
        major: "Major", "Majeur", "Erheblich";
        critical: "Critical", "Critique", "Kritisch";
        investigating: "Investigating", "En cours d’analyse", "In Untersuchung";
        identified: "Identified", "Cause identifiée", "Ursache gefunden";
        monitoring: "Monitoring", "Sous surveillance", "Unter Beobachtung";
        resolved: "Resolved", "Résolu", "Behoben";
        is_investigated: "We are investigating this incident.", "Nous analysons cet incident.", "Wir untersuchen diesen Vorfall.";
        is_identified: "The cause has been identified.", "La cause a été identifiée.", "Die Ursache ist gefunden.";
        is_monitored: "A fix is in place and we are monitoring the results.", "Un correctif est en place et nous en surveillons les effets.", "Eine Abhilfe ist eingerichtet, und wir beobachten die Wirkung.";
        is_resolved: "This incident has been resolved.", "Cet incident est résolu.", "Dieser Vorfall ist behoben.";
        is_closed: "This incident has been closed.", "Cet incident est clos.", "Dieser Vorfall ist geschlossen.";
        disruption: "Service disruption", "Perturbation du service", "Störung";
        disruption_of: "Service disruption: {services}", "Perturbation du service : {services}", "Störung: {services}";
        live: "Current incidents", "Incidents en cours", "Aktuelle Vorfälle";
        and_others: "and {n} more incident | and {n} more incidents", "et {n} autre incident | et {n} autres incidents", "und {n} weiterer Vorfall | und {n} weitere Vorfälle";
        services: "Services", "Services", "Dienste";
        started: "Started", "Début", "Beginn";
        ended: "Ended", "Fin", "Ende";
        eta: "Expected end", "Fin prévue", "Erwartetes Ende";
        impact: "Impact", "Impact", "Auswirkung";
        state: "State", "État", "Stand";
        updates: "Updates", "Messages", "Meldungen";
        no_updates: "There is no update yet.", "Il n’y a pas encore de message.", "Es gibt noch keine Meldung.";
        whole: "Read the whole update", "Lire le message entier", "Ganze Meldung lesen";
        older: "{n} older update is not shown. | {n} older updates are not shown.", "{n} message plus ancien n’est pas affiché. | {n} messages plus anciens ne sont pas affichés.", "{n} ältere Meldung wird nicht gezeigt. | {n} ältere Meldungen werden nicht gezeigt.";
        past: "Past 14 days", "14 derniers jours", "Letzte 14 Tage";
        in_utc: "Days and times are in UTC.", "Les jours et les heures sont en UTC.", "Tage und Zeiten sind in UTC.";
        nothing: "No incidents reported.", "Aucun incident signalé.", "Keine Vorfälle gemeldet.";
        went_on: "{n} incident of an earlier day went on. | {n} incidents of earlier days went on.", "{n} incident d’un jour précédent se poursuivait. | {n} incidents de jours précédents se poursuivaient.", "{n} Vorfall eines früheren Tages dauerte an. | {n} Vorfälle früherer Tage dauerten an.";
        not_over: "In progress", "En cours", "Dauert an";
        omitted: "{n} further incident is not shown. | {n} further incidents are not shown.", "{n} autre incident n’est pas affiché. | {n} autres incidents ne sont pas affichés.", "{n} weiterer Vorfall wird nicht gezeigt. | {n} weitere Vorfälle werden nicht gezeigt.";
        last_change: "Last change", "Dernier changement", "Letzte Änderung";
        all_incidents: "All current and past incidents", "Tous les incidents en cours et passés", "Alle aktuellen und früheren Vorfälle";
        copy: "The data of this page cannot be reached at the moment. You see a copy of {time} UTC, {age} old.", "Les données de cette page sont inaccessibles en ce moment. Vous voyez une copie du {time} UTC, vieille de {age}.", "Die Daten dieser Seite sind gerade nicht erreichbar. Sie sehen eine Kopie vom {time} UTC, {age} alt.";
        not_found: "There is no such incident", "Cet incident n’existe pas", "Diesen Vorfall gibt es nicht";
        not_found_help: "The address may be incomplete, or the incident is no longer public.", "L’adresse est peut-être incomplète, ou l’incident n’est plus public.", "Die Adresse ist vielleicht unvollständig, oder der Vorfall ist nicht mehr öffentlich.";
        unavailable: "The status cannot be shown at the moment", "L’état ne peut pas être affiché en ce moment", "Der Status kann gerade nicht angezeigt werden";
        unavailable_help: "This says nothing about our services: only this page cannot reach its data. Reload it in a few seconds.", "Cela ne dit rien de nos services : seule cette page n’atteint pas ses données. Rechargez-la dans quelques secondes.", "Das sagt nichts über unsere Dienste: Nur diese Seite erreicht ihre Daten nicht. Laden Sie sie in einigen Sekunden neu.";
    }
}

impl StatusTexts {
    /// Returns the overall state as a sentence.
    pub(super) const fn overall(&self, indicator: Indicator) -> &'static str {
        match indicator {
            Indicator::None => self.operational,
            Indicator::Minor => self.minor_overall,
            Indicator::Major => self.major_overall,
            Indicator::Critical => self.critical_overall,
        }
    }

    /// Returns the name of a status.
    pub(super) const fn name(&self, status: PublicStatus) -> &'static str {
        match status {
            PublicStatus::Investigating => self.investigating,
            PublicStatus::Identified => self.identified,
            PublicStatus::Monitoring => self.monitoring,
            PublicStatus::Resolved => self.resolved,
        }
    }

    /// Returns the sentence that stands where no text was written.
    pub(super) const fn standard(&self, text: StandardText) -> &'static str {
        match text {
            StandardText::Investigating => self.is_investigated,
            StandardText::Identified => self.is_identified,
            StandardText::Monitoring => self.is_monitored,
            StandardText::Resolved => self.is_resolved,
            StandardText::Closed => self.is_closed,
        }
    }

    /// Returns the shape of an impact with its word.
    pub(super) fn mark(&self, impact: Indicator) -> Html {
        let word = match impact {
            Indicator::None => "",
            Indicator::Minor => self.minor,
            Indicator::Major => self.major,
            Indicator::Critical => self.critical,
        };
        Safe(format!(
            "<span class=\"impact {}\">{} {word}</span>",
            class(impact),
            shape(impact)
        ))
    }
}

/// Returns the class of an impact in the style sheet.
pub(super) const fn class(impact: Indicator) -> &'static str {
    match impact {
        Indicator::None => "ok",
        Indicator::Minor => "minor",
        Indicator::Major => "major",
        Indicator::Critical => "critical",
    }
}

/// Returns the shape of an impact: each has another one, so that colour is never alone.
pub(super) fn shape(impact: Indicator) -> String {
    let path = match impact {
        Indicator::None => {
            "<path d=\"M2 7.5 5.5 11 12 3\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\"/>"
        }
        Indicator::Minor => {
            "<circle cx=\"7\" cy=\"7\" r=\"5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\"/>"
        }
        Indicator::Major => "<path d=\"M7 1l6.5 12H.5z\" fill=\"currentColor\"/>",
        Indicator::Critical => "<path d=\"M1 1h12v12H1z\" fill=\"currentColor\"/>",
    };
    format!("<svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">{path}</svg>")
}
