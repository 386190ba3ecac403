//! The texts of the page on which people declare an incident.

use incident_core::incident::Severity;

use crate::web::texts::texts;

texts! {
    /// The texts of the page on which people declare an incident.
    DeclareTexts {
        title: "Declare an incident", "Déclarer un incident", "Vorfall melden";
        what: "What is wrong", "Que se passe-t-il", "Was ist los";
        place: "Where", "Où", "Wo";
        say: "What is known", "Ce que l’on sait", "Was bekannt ist";
        name: "Title", "Titre", "Titel";
        name_hint: "In one line, for the team: what does not work, and for whom. Customers do not see it.", "En une ligne, pour l’équipe : ce qui ne marche pas, et pour qui. Les clients ne le voient pas.", "In einer Zeile, für das Team: was nicht geht und für wen. Kunden sehen ihn nicht.";
        severity: "Severity", "Gravité", "Schwere";
        sev1: "Critical: down for everybody, or data at risk.", "Critique : tout le monde est touché, ou des données sont en danger.", "Kritisch: für alle ausgefallen, oder Daten in Gefahr.";
        sev2: "Major: an important function fails for many.", "Majeur : une fonction importante échoue pour beaucoup.", "Erheblich: Eine wichtige Funktion fällt für viele aus.";
        sev3: "Minor: impaired, or few are hit; work goes on.", "Mineur : dégradé, ou peu de touchés ; on peut travailler.", "Gering: gestört, oder wenige betroffen; die Arbeit geht weiter.";
        sev4: "Low: hardly anybody notices.", "Faible : presque personne ne le remarque.", "Niedrig: Kaum jemand merkt es.";
        services: "Services", "Services", "Dienste";
        services_hint: "Known ones are suggested; others may be typed.", "Les services connus sont proposés ; d’autres peuvent être saisis.", "Bekannte werden vorgeschlagen, andere lassen sich eingeben.";
        tenants: "Tenants", "Clients", "Mandanten";
        tenants_hint: "Those that are known to be hit. More can be added later.", "Ceux que l’on sait touchés. D’autres peuvent être ajoutés plus tard.", "Die, von denen man es weiß. Weitere lassen sich später ergänzen.";
        tenants_all: "All tenants are hit", "Tous les clients sont touchés", "Alle Mandanten sind betroffen";
        summary: "Summary", "Résumé", "Zusammenfassung";
        summary_hint: "What you see, since when, what was tried. It can be written later.", "Ce que vous voyez, depuis quand, ce qui a été tenté. Cela peut s’écrire plus tard.", "Was Sie sehen, seit wann, was versucht wurde. Das geht auch später.";
        started_at: "Started at", "Début", "Beginn";
        started_hint: "Left empty: now, and marked as assumed.", "Vide : maintenant, et marqué comme supposé.", "Leer: jetzt, und als angenommen vermerkt.";
        rare: "Rarely needed", "Rarement utile", "Selten nötig";
        mode: "Mode", "Mode", "Art";
        source: "Reported by", "Signalé par", "Gemeldet durch";
        page: "Page on-call", "Alerter l’astreinte", "Bereitschaft alarmieren";
        page_policy: "as the severity says", "selon la gravité", "wie die Schwere es vorsieht";
        page_yes: "yes", "oui", "ja";
        page_no: "no", "non", "nein";
        detected_at: "Noticed at", "Détecté à", "Bemerkt um";
        impact_ended_at: "Impact ended at", "Fin de l’impact", "Ende der Störung";
        resolved_at: "Resolved at (retrospective only)", "Résolu à (saisi après coup seulement)", "Behoben um (nur nachträglich)";
        eta: "Expected end", "Fin prévue", "Ende erwartet";
        responder: "Responder", "Responsable", "Zuständig";
        responder_hint: "Left empty: you.", "Vide : vous.", "Leer: Sie.";
        environment: "Environment", "Environnement", "Umgebung";
        environment_hint: "Left empty: production. Only production counts for the SLA.", "Vide : production. Seule la production compte pour le SLA.", "Leer: production. Nur production zählt für das SLA.";
        alert_key: "Key of the alert", "Clé de l’alerte", "Schlüssel des Alarms";
        alert_hint: "A live incident for the same alert takes this declaration in.", "Un incident en cours pour la même alerte absorbe cette déclaration.", "Ein laufender Vorfall für denselben Alarm nimmt diese Meldung auf.";
        tracker_url: "Ticket", "Ticket", "Ticket";
        reason: "Reason for an outage of more than 60 months", "Motif d’une panne de plus de 60 mois", "Grund für eine Störung von über 60 Monaten";
        happens: "What the button does", "Ce que fait le bouton", "Was der Knopf bewirkt";
        choose_first: "Choose a severity to see who is paged.", "Choisissez une gravité pour voir qui est alerté.", "Wählen Sie eine Schwere, um zu sehen, wer alarmiert wird.";
        pages_nobody: "{severity} pages nobody.", "{severity} n’alerte personne.", "{severity} alarmiert niemanden.";
        updates: "An update for the team is due every {n} min.", "Un point pour l’équipe est dû toutes les {n} min.", "Alle {n} Min. ist eine Meldung an das Team fällig.";
        no_updates: "No rhythm of updates is promised.", "Aucun rythme de points n’est promis.", "Kein Rhythmus der Meldungen ist zugesagt.";
        needs_post_mortem: "A post-mortem is needed to close it.", "Un post-mortem est nécessaire pour le clore.", "Zum Schließen ist ein Post-mortem nötig.";
        overridden: "For some services and tenants other promises hold.", "Pour certains services et clients, d’autres engagements valent.", "Für manche Dienste und Mandanten gelten andere Zusagen.";
        environment_alone: "Left empty: production.", "Vide : production.", "Leer: production.";
        customers: "Customers see nothing yet: publishing is a step of its own.", "Les clients ne voient encore rien : la publication est une étape à part.", "Kunden sehen noch nichts: Das Veröffentlichen ist ein eigener Schritt.";
        commander: "You become its commander.", "Vous en devenez le commandant.", "Sie werden Einsatzleitung.";
        submit: "Declare incident", "Déclarer l’incident", "Vorfall melden";
        shortcut: "or press", "ou appuyez sur", "oder drücken Sie";
        help: "Help me choose", "Aidez-moi à choisir", "Hilfe bei der Wahl";
        proposed: "{severity} was proposed from your answers. If you declare another severity, the timeline says so.", "{severity} a été proposé d’après vos réponses. Si vous déclarez une autre gravité, la chronologie le dira.", "{severity} wurde nach Ihren Antworten vorgeschlagen. Wenn Sie eine andere Schwere melden, steht das im Verlauf.";
        suggestion: "Filled in from the suggestion {signal} of {service} × {tenant}.", "Rempli à partir de la suggestion {signal} de {service} × {tenant}.", "Ausgefüllt aus dem Vorschlag {signal} von {service} × {tenant}.";
        suggestion_gone: "This suggestion was used or dismissed already, or has expired: it cannot be declared from again.", "Cette suggestion a déjà servi, a été écartée ou a expiré : on ne peut plus déclarer à partir d’elle.", "Dieser Vorschlag wurde schon verwendet oder verworfen, oder er ist abgelaufen: Aus ihm lässt sich nicht mehr melden.";
        suggestion_live: "An incident of the same service and tenant is live already.", "Un incident du même service et du même client est déjà en cours.", "Ein Vorfall desselben Dienstes und Mandanten läuft schon.";
        open_it: "Open it", "L’ouvrir", "Öffnen";
    }
}

impl DeclareTexts {
    /// Returns the line about a severity.
    pub(super) const fn meaning(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Sev1 => self.sev1,
            Severity::Sev2 => self.sev2,
            Severity::Sev3 => self.sev3,
            Severity::Sev4 => self.sev4,
        }
    }
}
