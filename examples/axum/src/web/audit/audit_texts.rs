//! The texts of the page of the audit trail.

use crate::web::texts::texts;

texts! {
    /// The texts of the page of the audit trail.
    AuditTexts {
        title: "Audit trail", "Journal d’audit", "Protokoll";
        help: "Every act and every refusal, newest first. Entries are linked by hashes; none can be changed or removed unnoticed.", "Chaque acte et chaque refus, les plus récents d’abord. Les entrées sont liées par des empreintes ; aucune ne peut être modifiée ou retirée sans que cela se voie.", "Jede Handlung und jede Ablehnung, die neueste zuerst. Die Einträge sind durch Prüfsummen verkettet; keiner lässt sich unbemerkt ändern oder entfernen.";
        chains: "State of the chains", "État des chaînes", "Zustand der Ketten";
        verify: "Verify all chains", "Vérifier toutes les chaînes", "Alle Ketten prüfen";
        verify_help: "Not verified on this page yet: it reads every entry, which takes a while.", "Pas encore vérifié ici : toutes les entrées sont lues, cela prend un moment.", "Hier noch nicht geprüft: Dafür wird jeder Eintrag gelesen, was etwas dauert.";
        valid: "All chains are as they were sealed", "Toutes les chaînes sont intactes", "Alle Ketten sind unverändert";
        valid_numbers: "{entries} entries in {chains} chains, verified {time}.", "{entries} entrées dans {chains} chaînes, vérifiées {time}.", "{entries} Einträge in {chains} Ketten, geprüft {time}.";
        anchored: "{n} of them are known to be those that were anchored outside the store.", "{n} d’entre elles correspondent à celles ancrées hors du stockage.", "{n} davon sind nachweislich die, die außerhalb des Speichers verankert wurden.";
        not_anchored: "Anchors are not read back here: they stand in the log or a file, and can be compared with incident-console verify.", "Les ancres ne sont pas relues ici : elles sont dans le journal ou un fichier, à comparer avec incident-console verify.", "Anker werden hier nicht gelesen: Sie stehen im Log oder in einer Datei und lassen sich mit incident-console verify vergleichen.";
        broken: "A chain is broken", "Une chaîne est rompue", "Eine Kette ist beschädigt";
        broken_at: "The first bad entry is number {seq} of the chain {chain}.", "La première entrée fautive est le numéro {seq} de la chaîne {chain}.", "Der erste fehlerhafte Eintrag ist Nummer {seq} der Kette {chain}.";
        broken_help: "Somebody changed, removed or reordered entries in the database, or it is damaged. Keep a copy of it, and compare it with a backup and the anchors.", "Quelqu’un a modifié, retiré ou déplacé des entrées dans la base, ou elle est endommagée. Gardez-en une copie et comparez-la à une sauvegarde et aux ancres.", "Jemand hat Einträge in der Datenbank geändert, entfernt oder vertauscht, oder sie ist beschädigt. Sichern Sie eine Kopie, und vergleichen Sie sie mit einer Sicherung und den Ankern.";
        actor: "Actor", "Auteur", "Handelnder";
        action: "Action", "Action", "Handlung";
        action_hint: "Its name in the trail, such as approve_credit", "Son nom dans le journal, par exemple approve_credit", "Ihr Name im Protokoll, etwa approve_credit";
        incident: "Incident", "Incident", "Vorfall";
        incident_hint: "Its id, or the address of its page", "Son identifiant, ou l’adresse de sa page", "Seine Kennung oder die Adresse seiner Seite";
        outcome: "Outcome", "Résultat", "Ergebnis";
        any: "Any", "Tous", "Jedes";
        allowed: "allowed", "autorisé", "erlaubt";
        denied: "denied", "refusé", "abgelehnt";
        from: "From", "Du", "Vom";
        to: "Up to", "Jusqu’au", "Bis zum";
        to_hint: "This day is included. {zone}", "Ce jour est compris. {zone}", "Dieser Tag zählt mit. {zone}";
        more_filters: "More filters", "Plus de filtres", "Weitere Filter";
        filter: "Filter", "Filtrer", "Filtern";
        clear: "Clear the filter", "Effacer le filtre", "Filter löschen";
        time: "Time", "Heure", "Zeit";
        details: "Details", "Détails", "Einzelheiten";
        shown: "{n} entry | {n} entries", "{n} entrée | {n} entrées", "{n} Eintrag | {n} Einträge";
        shown_more: "{n} entry on this page, more on the next | {n} entries on this page, more on the next", "{n} entrée sur cette page, d’autres sur la suivante | {n} entrées sur cette page, d’autres sur la suivante", "{n} Eintrag auf dieser Seite, weitere auf der nächsten | {n} Einträge auf dieser Seite, weitere auf der nächsten";
        empty: "No entry yet", "Aucune entrée pour l’instant", "Noch kein Eintrag";
        no_match: "No entry matches", "Aucune entrée ne correspond", "Kein Eintrag passt";
        seal: "Seal: number {seq} of its chain", "Sceau : numéro {seq} de sa chaîne", "Siegel: Nummer {seq} ihrer Kette";
        hash: "Hash", "Empreinte", "Prüfsumme";
        previous: "Of the entry before", "De l’entrée précédente", "Des Eintrags davor";
        person: "person", "personne", "Person";
        service: "service", "service", "Dienst";
        integration: "integration", "intégration", "Anbindung";
    }
}
