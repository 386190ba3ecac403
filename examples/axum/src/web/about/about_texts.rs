//! The texts of the page about the console.

use incident_core::paging::Urgency;

use crate::web::texts::texts;

texts! {
    /// The texts of the page about the console.
    AboutTexts {
        title: "About this console", "À propos de cette console", "Über diese Konsole";
        process: "Process", "Processus", "Prozess";
        version: "Version", "Version", "Version";
        ready: "Readiness", "Disponibilité", "Bereitschaft";
        is_ready: "ready: the store answers and takes writes", "prêt : le stockage répond et accepte les écritures", "bereit: Der Speicher antwortet und nimmt Änderungen an";
        not_ready: "not ready", "pas prêt", "nicht bereit";
        clock: "Clock of the store", "Horloge du stockage", "Uhr des Speichers";
        clock_ahead: "{ms} ms ahead of this process", "{ms} ms en avance sur ce processus", "{ms} ms vor diesem Prozess";
        clock_behind: "{ms} ms behind this process", "{ms} ms en retard sur ce processus", "{ms} ms hinter diesem Prozess";
        store: "Store", "Stockage", "Speicher";
        unnamed: "not named by the host", "non nommé par l’hôte", "vom Betreiber nicht benannt";
        streams: "Open event streams", "Flux d’événements ouverts", "Offene Ereignisströme";
        no_streams: "none: pages do not follow changes", "aucun : les pages ne suivent pas les changements", "keine: Seiten folgen Änderungen nicht";
        zones: "Time zones", "Fuseaux horaires", "Zeitzonen";
        zones_version: "tz database {version}, built in", "base tz {version}, intégrée", "tz-Datenbank {version}, eingebaut";
        links: "For programs", "Pour les programmes", "Für Programme";
        api: "The API as a page", "L’API en page", "Die API als Seite";
        openapi: "The API as OpenAPI document", "L’API en document OpenAPI", "Die API als OpenAPI-Dokument";
        metrics: "Metrics for Prometheus", "Métriques pour Prometheus", "Metriken für Prometheus";
        policy: "Response policy in force", "Règles d’intervention en vigueur", "Geltende Einsatzregeln";
        pages: "Declaration pages on-call", "La déclaration alerte l’astreinte", "Meldung alarmiert Bereitschaft";
        urgency: "Urgency", "Urgence", "Dringlichkeit";
        high: "high: wakes people", "haute : réveille", "hoch: weckt";
        low: "low: informs", "basse : informe", "niedrig: informiert";
        accept_within: "Accepted within", "Acceptée en", "Angenommen binnen";
        update_every: "Update for the team every", "Point pour l’équipe toutes les", "Meldung an das Team alle";
        post_mortem: "Closing needs a post-mortem", "Clore exige un post-mortem", "Schließen braucht Nachbereitung";
        on_reopen: "Pages again when reopened", "Alerte à la réouverture", "Alarm bei Wiedereröffnung";
        on_raise: "Pages when raised to it", "Alerte si la gravité y monte", "Alarm bei Anhebung";
        yes: "yes", "oui", "ja";
        no: "no", "non", "nein";
        never: "no promise", "sans engagement", "kein Versprechen";
        terms: "Standard terms of the SLA", "Conditions standard du SLA", "Standardbedingungen des SLA";
        terms_help: "For tenants without a contract of their own. Each statement names the terms that it follows.", "Pour les clients sans contrat propre. Chaque relevé nomme ses conditions.", "Für Mandanten ohne eigenen Vertrag. Jede Aufstellung nennt ihre Bedingungen.";
        terms_version: "Version", "Version", "Fassung";
        target: "Target", "Objectif", "Ziel";
        basis: "Credits", "Avoirs", "Gutschriften";
        per_incident: "per incident, at most {cap} a month", "par incident, au plus {cap} par mois", "je Vorfall, höchstens {cap} im Monat";
        per_month: "per month, at most {cap}", "par mois, au plus {cap}", "je Monat, höchstens {cap}";
        per_quarter: "per quarter, at most {cap}", "par trimestre, au plus {cap}", "je Quartal, höchstens {cap}";
        per_year: "per year, at most {cap}", "par année, au plus {cap}", "je Jahr, höchstens {cap}";
        calendar: "Calendar", "Calendrier", "Kalender";
        step: "From", "À partir de", "Ab";
        step_outage: "{minutes} of outage", "{minutes} de panne", "{minutes} Ausfall";
        step_below: "availability below {percent}", "disponibilité inférieure à {percent}", "Verfügbarkeit unter {percent}";
        step_at: "availability of {percent} or less", "disponibilité de {percent} ou moins", "Verfügbarkeit von {percent} oder weniger";
        credit: "Credit, of the fee", "Avoir, du tarif", "Gutschrift, vom Entgelt";
        approval: "Approval of credits", "Approbation des avoirs", "Genehmigung von Gutschriften";
        by_person: "A person approves every credit.", "Une personne approuve chaque avoir.", "Jede Gutschrift genehmigt eine Person.";
        by_policy: "Credits up to {percent} are approved without a person, once the incident is over.", "Les avoirs jusqu’à {percent} sont approuvés sans intervention, une fois l’incident terminé.", "Gutschriften bis {percent} werden ohne Person genehmigt, sobald der Vorfall vorbei ist.";
        four_eyes: "Four eyes: whoever declared, ended or corrected an incident may not approve its credits.", "Quatre yeux : qui a déclaré, terminé ou corrigé un incident n’approuve pas ses avoirs.", "Vier Augen: Wer einen Vorfall meldete, beendete oder berichtigte, genehmigt dessen Gutschriften nicht.";
        billing: "Approved credits are submitted to billing.", "Les avoirs approuvés sont transmis à la facturation.", "Genehmigte Gutschriften gehen an die Abrechnung.";
        no_billing: "No billing is configured: approved credits wait.", "Aucune facturation n’est configurée : les avoirs approuvés attendent.", "Keine Abrechnung ist eingerichtet: Genehmigte Gutschriften warten.";
        permissions: "Permissions of the roles", "Droits des rôles", "Rechte der Rollen";
        action: "Action", "Action", "Handlung";
        may: "yes", "oui", "ja";
        may_not: "no", "non", "nein";
    }
}

impl AboutTexts {
    /// Returns the name of an urgency.
    #[must_use]
    pub(super) const fn urgency_words(&self, urgency: Urgency) -> &'static str {
        match urgency {
            Urgency::High => self.high,
            Urgency::Low => self.low,
        }
    }
}
