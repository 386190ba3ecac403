//! The texts of entries of a timeline.

use incident_core::incident::Audience;

use crate::web::texts::texts;

texts! {
    /// The texts of entries of a timeline.
    EntryTexts {
        declared: "declared {severity}", "a déclaré {severity}", "hat {severity} gemeldet";
        overridden: "declared {severity}, while {proposed} was proposed", "a déclaré {severity}, alors que {proposed} était proposé", "hat {severity} gemeldet, obwohl {proposed} vorgeschlagen war";
        published: "published to the status page", "publication sur la page d’état", "auf der Statusseite veröffentlicht";
        hidden: "hidden from the status page", "retrait de la page d’état", "von der Statusseite genommen";
        page_again: "paged on-call again", "a de nouveau alerté l’astreinte", "hat die Bereitschaft erneut alarmiert";
        rule_fired: "{condition}; notifies {groups}", "{condition} ; prévient {groups}", "{condition}; benachrichtigt {groups}";
        rule_late: "late, was due", "en retard, échéance", "verspätet, fällig war";
        escalated: "escalated by the rule {rule}", "escalade par la règle {rule}", "nach der Regel {rule} eskaliert";
        users_notified: "notified the users whose data was lost", "a informé les utilisateurs dont des données sont perdues", "hat die Nutzer benachrichtigt, deren Daten verloren gingen";
        authority_notified: "notified the authority of the leak of data", "a informé l’autorité de la fuite de données", "hat die Behörde über das Datenleck informiert";
        took_in: "took in incident #{number}", "a absorbé l’incident #{number}", "hat Vorfall #{number} aufgenommen";
        reason: "Reason:", "Motif :", "Grund:";
        added: "added {items}", "ajout de {items}", "hinzugefügt: {items}";
        removed: "removed {items}", "retrait de {items}", "entfernt: {items}";
        recorded: "recorded {time}", "noté à {time}", "erfasst {time}";
        corrects: "corrects entry {seq}", "corrige l’entrée {seq}", "berichtigt Eintrag {seq}";
        corrected_by: "corrected by entry {seq}", "corrigé par l’entrée {seq}", "berichtigt durch Eintrag {seq}";
        redacted: "The text was erased. The entry itself stays, and its chain still verifies.", "Le texte a été effacé. L’entrée reste, et la chaîne se vérifie toujours.", "Der Text wurde gelöscht. Der Eintrag bleibt, und seine Kette lässt sich weiter prüfen.";
        customers_read: "For customers", "Pour les clients", "Für Kunden";
        informed: "{audience} informed by {channel}", "{audience} : informés par {channel}", "{audience} informiert über {channel}";
        internal: "Team", "Équipe", "Team";
        customers: "Customers", "Clients", "Kunden";
        executives: "Executives", "Direction", "Geschäftsführung";
        entry: "Entry {seq}", "Entrée {seq}", "Eintrag {seq}";
    }
}

impl EntryTexts {
    /// Returns the name of an audience.
    pub(super) const fn audience(&self, audience: Audience) -> &'static str {
        match audience {
            Audience::Internal => self.internal,
            Audience::Customers => self.customers,
            Audience::Executives => self.executives,
        }
    }
}
