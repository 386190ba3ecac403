//! The texts of the pages of pagers.

use incident_core::paging::{NotSentReason, PageAction, Urgency};

use crate::web::texts::texts;

texts! {
    /// The texts of the pages of pagers.
    PagerTexts {
        title: "Pagers", "Alertes", "Alarmierung";
        on_call: "On-call, in the order in which they are tried", "Astreinte, dans l’ordre des essais", "Bereitschaft, in der Reihenfolge der Versuche";
        no_targets: "No pager is configured: pages wake nobody.", "Aucun système d’alerte n’est configuré : personne n’est réveillé.", "Keine Alarmierung ist eingerichtet: Niemand wird geweckt.";
        only_log: "Pages are written to the log only and wake nobody. Set PAGERDUTY_ROUTING_KEY or OPSGENIE_API_KEY.", "Les alertes ne sont écrites que dans le journal et ne réveillent personne. Définissez PAGERDUTY_ROUTING_KEY ou OPSGENIE_API_KEY.", "Alarme stehen nur im Log und wecken niemanden. Setzen Sie PAGERDUTY_ROUTING_KEY oder OPSGENIE_API_KEY.";
        order: "Order", "Ordre", "Reihenfolge";
        target: "Target", "Destination", "Ziel";
        state: "State", "État", "Zustand";
        last_accepted: "Last accepted", "Dernière acceptée", "Zuletzt angenommen";
        last_failure: "Last failure", "Dernier échec", "Letzter Fehler";
        last_minute: "Requests in the last minute", "Requêtes de la dernière minute", "Anfragen der letzten Minute";
        kind_pagerduty: "PagerDuty, Events API v2", "PagerDuty, Events API v2", "PagerDuty, Events API v2";
        kind_opsgenie: "OpsGenie, Alert API", "OpsGenie, Alert API", "OpsGenie, Alert API";
        kind_log: "log lines, which wake nobody", "lignes de journal, qui ne réveillent personne", "Logzeilen, die niemanden wecken";
        kind_other: "a pager of the host", "un système de l’hôte", "eine Alarmierung des Betreibers";
        is_down: "down", "en panne", "ausgefallen";
        down_help: "pages go to the next target at once", "les alertes vont aussitôt à la destination suivante", "Alarme gehen sofort an das nächste Ziel";
        waits: "asked to wait until", "demande d’attendre jusqu’à", "bittet zu warten bis";
        works: "works", "fonctionne", "arbeitet";
        untried: "not tried yet", "pas encore essayé", "noch nicht versucht";
        failed_last: "failed last time", "dernier essai en échec", "zuletzt fehlgeschlagen";
        process_note: "As this process knows it since its start; other replicas have their own view.", "Vu par ce processus depuis son démarrage ; les autres répliques ont leur propre vue.", "Wie dieser Prozess es seit seinem Start weiß; andere Replikate haben ihre eigene Sicht.";
        rules: "Escalation rules", "Règles d’escalade", "Eskalationsregeln";
        rule: "Rule", "Règle", "Regel";
        rule_targets: "Targets", "Destinations", "Ziele";
        rule_without: "no pager: a line of the timeline only", "aucune alerte : une ligne de chronologie seulement", "keine Alarmierung: nur eine Zeile im Verlauf";
        no_rules: "No rule is configured. Set INCIDENT_ESCALATIONS to page others than on-call.", "Aucune règle n’est configurée. Définissez INCIDENT_ESCALATIONS pour alerter d’autres personnes.", "Keine Regel ist eingerichtet. Setzen Sie INCIDENT_ESCALATIONS, um andere als die Bereitschaft zu alarmieren.";
        retired: "Retired targets, which only close what they opened", "Destinations retirées, qui ne ferment que leurs propres alertes", "Abgelöste Ziele, die nur schließen, was sie öffneten";
        open_pages: "Pages that are open", "Alertes ouvertes", "Offene Alarme";
        no_open_pages: "No page is on its way, and none fails.", "Aucune alerte n’est en route, aucune n’échoue.", "Kein Alarm ist unterwegs, keiner schlägt fehl.";
        severity: "Severity", "Gravité", "Schwere";
        incident: "Incident", "Incident", "Vorfall";
        page: "Page", "Alerte", "Alarm";
        attempts: "Attempts", "Essais", "Versuche";
        next_attempt: "Next attempt", "Prochain essai", "Nächster Versuch";
        dead_letters: "Dead letters", "Messages abandonnés", "Aufgegebene Nachrichten";
        dead_help: "They are no longer tried by themselves. Mend the cause first: a retry of a page wakes people only if its incident still needs them.", "Elles ne sont plus essayées automatiquement. Corrigez d’abord la cause : un nouvel essai ne réveille que si l’incident le demande encore.", "Sie werden nicht mehr von selbst versucht. Beheben Sie zuerst die Ursache: Ein neuer Versuch weckt nur, wenn der Vorfall es noch braucht.";
        dead_more: "{n} of {all} are shown.", "{n} sur {all} affichés.", "{n} von {all} werden gezeigt.";
        no_dead: "There are none.", "Il n’y en a pas.", "Es gibt keine.";
        message: "Message", "Message", "Nachricht";
        since: "Since", "Depuis", "Seit";
        last_result: "Last result", "Dernier résultat", "Letztes Ergebnis";
        retry: "Try again", "Réessayer", "Erneut versuchen";
        retried: "The page is tried again.", "L’alerte est de nouveau essayée.", "Der Alarm wird erneut versucht.";
        no_message: "There is no such dead letter any more; somebody may have retried it.", "Ce message abandonné n’existe plus ; quelqu’un l’a peut-être réessayé.", "Diese aufgegebene Nachricht gibt es nicht mehr; vielleicht hat sie jemand erneut versucht.";
        unwanted: "The page is not needed any more: the incident is acknowledged or over.", "L’alerte n’est plus nécessaire : l’incident est pris en charge ou terminé.", "Der Alarm ist nicht mehr nötig: Der Vorfall ist bestätigt oder vorbei.";
        action_trigger: "page on-call", "alerte de l’astreinte", "Alarm der Bereitschaft";
        action_acknowledge: "acknowledgement", "prise en charge", "Bestätigung";
        action_resolve: "resolution", "résolution", "Erledigung";
        action_reprioritise: "change of severity", "changement de gravité", "Änderung der Schwere";
        of_rule: "rule {rule}", "règle {rule}", "Regel {rule}";
        job_credits: "credits to compute", "avoirs à calculer", "zu berechnende Gutschriften";
        job_billing: "credits to submit to billing", "avoirs à transmettre à la facturation", "Gutschriften für die Abrechnung";
        job_notice: "notice to {group} over {channel}", "avis à {group} par {channel}", "Hinweis an {group} über {channel}";
        job_test: "end of a test page", "fin d’une alerte d’essai", "Ende eines Probealarms";
        test: "Send a test page", "Envoyer une alerte d’essai", "Probealarm senden";
        test_who: "Goes to {targets} at the same time. Whoever is on call there is notified, as for a real incident; customers see nothing. It says that it is a test, and is resolved after {seconds} seconds.", "Part vers {targets} en même temps. La personne d’astreinte est avertie comme pour un vrai incident ; les clients ne voient rien. Elle indique qu’il s’agit d’un essai et se termine après {seconds} secondes.", "Geht gleichzeitig an {targets}. Wer dort Bereitschaft hat, wird wie bei einem echten Vorfall benachrichtigt; Kunden sehen nichts. Der Alarm nennt sich Probe und endet nach {seconds} Sekunden.";
        urgency: "Urgency", "Urgence", "Dringlichkeit";
        urgency_high: "High", "Haute", "Hoch";
        urgency_low: "Low", "Basse", "Niedrig";
        high_note: "As for SEV1 and SEV2: wakes people, at night too.", "Comme pour SEV1 et SEV2 : réveille, même la nuit.", "Wie bei SEV1 und SEV2: weckt, auch nachts.";
        low_note: "As for SEV3 and SEV4: informs, and wakes nobody.", "Comme pour SEV3 et SEV4 : informe, ne réveille personne.", "Wie bei SEV3 und SEV4: informiert und weckt niemanden.";
        test_button: "Send the test page", "Envoyer l’alerte d’essai", "Probealarm jetzt senden";
        test_open: "A test page is in progress. Another one can be sent in {seconds} seconds.", "Une alerte d’essai est en cours. Une autre pourra partir dans {seconds} secondes.", "Ein Probealarm läuft. Der nächste ist in {seconds} Sekunden möglich.";
        test_results: "Result of the test page", "Résultat de l’alerte d’essai", "Ergebnis des Probealarms";
        test_none: "No target is configured, so nothing was sent.", "Aucune destination n’est configurée : rien n’a été envoyé.", "Kein Ziel ist eingerichtet, daher wurde nichts gesendet.";
        test_check: "Accepted means that the vendor took it. Ask the person on call whether it arrived.", "Acceptée veut dire que le fournisseur l’a prise. Demandez à la personne d’astreinte si elle est arrivée.", "Angenommen heißt, dass der Anbieter ihn hat. Fragen Sie die Bereitschaft, ob er ankam.";
        answer: "Answer", "Réponse", "Antwort";
        took: "Took", "Durée", "Dauer";
        accepted: "accepted", "acceptée", "angenommen";
        not_sent: "not sent", "non envoyée", "nicht gesendet";
        unknown: "unknown: no answer came in time", "inconnue : aucune réponse à temps", "unbekannt: keine Antwort in der Zeit";
        try_in: "try again in {seconds} s", "réessayer dans {seconds} s", "in {seconds} s erneut versuchen";
        reason_unreachable: "unreachable", "injoignable", "nicht erreichbar";
        reason_rate_limited: "too many requests", "trop de requêtes", "zu viele Anfragen";
        reason_unavailable: "unavailable", "indisponible", "nicht verfügbar";
        reason_rejected: "rejected the page", "a refusé l’alerte", "lehnte den Alarm ab";
        reason_unauthorized: "rejected the key", "a refusé la clé", "lehnte den Schlüssel ab";
        reason_not_configured: "no longer configured", "n’est plus configuré", "nicht mehr eingerichtet";
    }
}

impl PagerTexts {
    /// Returns the reason why a page was not sent.
    #[must_use]
    pub(super) const fn reason(&self, reason: NotSentReason) -> &'static str {
        match reason {
            NotSentReason::Unreachable => self.reason_unreachable,
            NotSentReason::RateLimited => self.reason_rate_limited,
            NotSentReason::Unavailable => self.reason_unavailable,
            NotSentReason::Rejected => self.reason_rejected,
            NotSentReason::Unauthorized => self.reason_unauthorized,
            NotSentReason::NotConfigured => self.reason_not_configured,
        }
    }

    /// Returns the name of the action of a page.
    #[must_use]
    pub(super) const fn action(&self, action: PageAction) -> &'static str {
        match action {
            PageAction::Trigger => self.action_trigger,
            PageAction::Acknowledge => self.action_acknowledge,
            PageAction::Resolve => self.action_resolve,
            PageAction::Reprioritise => self.action_reprioritise,
        }
    }

    /// Returns the kind of a target. Its name says it: vendors have fixed ones.
    #[must_use]
    pub(super) fn kind_of(&self, name: &str) -> &'static str {
        match name {
            "pagerduty" => self.kind_pagerduty,
            "opsgenie" => self.kind_opsgenie,
            "log" => self.kind_log,
            _ => self.kind_other,
        }
    }

    /// Returns the name of an urgency.
    #[must_use]
    pub(super) const fn urgency_name(&self, urgency: Urgency) -> &'static str {
        match urgency {
            Urgency::High => self.urgency_high,
            Urgency::Low => self.urgency_low,
        }
    }
}
