//! The texts of the form for the fields of an incident.

use crate::web::texts::texts;

texts! {
    /// The texts of the form for the fields of an incident.
    EditTexts {
        title: "Edit fields of #{number}", "Modifier les champs de #{number}", "Felder von #{number} bearbeiten";
        help: "Each change becomes an entry of the timeline. Fields that you leave alone stay as they are.", "Chaque modification devient une entrée de la chronologie. Les champs non touchés restent tels quels.", "Jede Änderung wird ein Eintrag im Verlauf. Felder, die Sie nicht anfassen, bleiben, wie sie sind.";
        what: "What", "Quoi", "Was";
        place: "Where", "Où", "Wo";
        times: "When", "Quand", "Wann";
        facts: "Facts", "Faits", "Fakten";
        assessment: "Assessment", "Évaluation", "Einschätzung";
        services_hint: "One per line.", "Un par ligne.", "Eine Zeile je Dienst.";
        tenants_all: "All tenants", "Tous les clients", "Alle Mandanten";
        tenants_these: "Only these", "Seulement ceux-ci", "Nur diese";
        tenant_scope: "Which tenants are hit", "Quels clients sont touchés", "Welche Mandanten betroffen sind";
        tenants: "These tenants", "Ces clients", "Diese Mandanten";
        tenants_hint: "One per line. A part of the outage: name from 2026-11-20T21:00:00Z until 2026-11-20T22:00:00Z", "Un par ligne. Une partie de la panne : nom from 2026-11-20T21:00:00Z until 2026-11-20T22:00:00Z", "Eine Zeile je Mandant. Ein Teil der Störung: Name from 2026-11-20T21:00:00Z until 2026-11-20T22:00:00Z";
        many_tenants: "{n} tenants are listed. So long a list is changed through the API.", "{n} clients sont listés. Une liste aussi longue se modifie par l’API.", "{n} Mandanten sind aufgeführt. Eine so lange Liste ändern Sie über die API.";
        percent_hint: "Such as 12.5", "Par exemple 12,5", "Etwa 12,5";
        revenue_hint: "With the currency, such as {example}", "Avec la devise, par exemple {example}", "Mit Währung, etwa {example}";
        labels_hint: "One per line: name: value", "Une par ligne : nom : valeur", "Eine je Zeile: Name: Wert";
        unknown: "not known", "inconnu", "nicht bekannt";
        loss_note: "About the lost data", "À propos des données perdues", "Zu den verlorenen Daten";
        leak_note: "About the leaked data", "À propos de la fuite", "Zum Datenleck";
        reason: "Reason for an outage of more than 60 months", "Motif d’une panne de plus de 60 mois", "Grund für eine Störung von über 60 Monaten";
        save: "Save changes", "Enregistrer", "Änderungen speichern";
        stale: "Somebody changed this incident while you wrote", "Quelqu’un a modifié cet incident pendant votre saisie", "Jemand hat diesen Vorfall geändert, während Sie schrieben";
        stale_help: "Nothing of yours was saved, and nothing is lost. Fields that only the other person changed now have their value. Where both of you changed a field, yours is still in the form: keep it, or take the other one.", "Rien de vous n’a été enregistré, et rien n’est perdu. Les champs modifiés seulement par l’autre personne ont pris sa valeur. Là où vous avez tous deux modifié un champ, le vôtre est encore dans le formulaire : gardez-le, ou reprenez l’autre.", "Nichts von Ihnen wurde gespeichert, und nichts ist verloren. Felder, die nur die andere Person änderte, haben jetzt deren Wert. Wo Sie beide ein Feld änderten, steht Ihres noch im Formular: Behalten Sie es, oder nehmen Sie das andere.";
        both: "Changed by both of you", "Modifiés par vous deux", "Von Ihnen beiden geändert";
        field: "Field", "Champ", "Feld";
        yours: "Yours", "Le vôtre", "Ihres";
        stored: "Now stored", "Enregistré", "Gespeichert";
        taken: "Taken from the other person: {fields}.", "Repris de l’autre personne : {fields}.", "Von der anderen Person übernommen: {fields}.";
        empty: "empty", "vide", "leer";
    }
}
