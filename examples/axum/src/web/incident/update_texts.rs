//! The texts of the form for updates.

use crate::web::texts::texts;

texts! {
    /// The texts of the form for updates.
    UpdateTexts {
        title: "Write an update", "Écrire un point d’étape", "Meldung schreiben";
        note_title: "Note what was done", "Noter ce qui a été fait", "Notieren, was getan wurde";
        note_help: "This incident has ended. What was done afterwards can still be noted.", "Cet incident est terminé. Ce qui a été fait ensuite peut encore être noté.", "Dieser Vorfall ist beendet. Was danach getan wurde, lässt sich noch notieren.";
        message: "Message to the team", "Message à l’équipe", "Meldung an das Team";
        message_hint: "What happened, what you see, what comes next.", "Ce qui s’est passé, ce que vous voyez, la suite.", "Was geschah, was Sie sehen, was als Nächstes kommt.";
        status: "Status", "État", "Status";
        unchanged: "stays: {value}", "reste : {value}", "bleibt: {value}";
        eta: "Expected end", "Fin prévue", "Ende erwartet";
        next_update: "Next update due", "Prochain point prévu", "Nächste Meldung fällig";
        reason: "Why it is reopened", "Motif de la réouverture", "Warum er wieder geöffnet wird";
        cancel_reason: "Why it is cancelled", "Motif de l’annulation", "Warum er abgebrochen wird";
        merged_into: "Incident that takes this one in", "Incident qui absorbe celui-ci", "Vorfall, der diesen aufnimmt";
        merged_hint: "It keeps the worse severity, the earlier start, and the services and tenants of both.", "Il garde la gravité la plus forte, le début le plus tôt, les services et les clients des deux.", "Er behält die höhere Schwere, den früheren Beginn sowie Dienste und Mandanten beider.";
        impact_ended_at: "End of the impact", "Fin de l’impact", "Ende der Störung";
        impact_hint: "When resolving: if it ended earlier than now.", "À la résolution : si elle a eu lieu avant maintenant.", "Beim Beheben: falls sie früher als jetzt endete.";
        choose: "Choose", "Choisir", "Wählen";
        public_message: "Text for customers", "Texte pour les clients", "Text für Kunden";
        public_hint_public: "Shown on the status page exactly as written. Left empty, a change of status shows a standard sentence. You see the result before it is published.", "Affiché tel quel sur la page d’état. Sans texte, un changement d’état affiche une phrase standard. Vous verrez le résultat avant la publication.", "Erscheint wörtlich auf der Statusseite. Ohne Text zeigt ein neuer Status einen Standardsatz. Sie sehen das Ergebnis vor der Veröffentlichung.";
        public_hint_hidden: "The incident is not on the status page: the text waits there until it is published.", "L’incident n’est pas sur la page d’état : le texte attend sa publication.", "Der Vorfall steht nicht auf der Statusseite: Der Text wartet auf die Veröffentlichung.";
        more: "Severity, kind, time, who was informed", "Gravité, type, heure, personnes informées", "Schwere, Art, Zeit, wer informiert wurde";
        severity: "Severity", "Gravité", "Schwere";
        kind: "Kind of entry", "Type d’entrée", "Art des Eintrags";
        kind_automatic: "as fits the rest", "selon le reste", "passend zum Übrigen";
        occurred_at: "When it happened", "Quand c’est arrivé", "Wann es geschah";
        occurred_hint: "Left empty: now.", "Vide : maintenant.", "Leer: jetzt.";
        corrects: "Number of the entry that this corrects", "Numéro de l’entrée corrigée", "Nummer des berichtigten Eintrags";
        comms_audience: "Who was informed of it", "Qui en a été informé", "Wer davon informiert wurde";
        comms_nobody: "nobody yet", "personne pour l’instant", "noch niemand";
        comms_channel: "By which channel", "Par quel canal", "Auf welchem Weg";
        comms_hint: "Such as #ops, mail, phone.", "Par exemple #ops, courriel, téléphone.", "Etwa #ops, E-Mail, Telefon.";
        post: "Post update", "Publier le point", "Meldung senden";
        post_note: "Post note", "Noter", "Notiz senden";
        preview_title: "This is what customers will read", "Voici ce que liront les clients", "Das werden Kunden lesen";
        preview_help: "Nothing was sent yet. Post it as it is, or change it below.", "Rien n’est encore envoyé. Publiez-le tel quel, ou modifiez-le ci-dessous.", "Noch ist nichts gesendet. Senden Sie es so, oder ändern Sie es unten.";
        preview_hidden: "Customers see nothing yet: this text waits until the incident is published.", "Les clients ne voient encore rien : ce texte attend la publication de l’incident.", "Kunden sehen noch nichts: Dieser Text wartet, bis der Vorfall veröffentlicht wird.";
        post_public: "Post update and show it to customers", "Publier le point et le montrer aux clients", "Meldung senden und Kunden zeigen";
        correcting: "You correct entry {seq}. The old wording stays in the timeline.", "Vous corrigez l’entrée {seq}. L’ancien texte reste dans la chronologie.", "Sie berichtigen Eintrag {seq}. Der alte Wortlaut bleibt im Verlauf.";
    }
}
