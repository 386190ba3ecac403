//! The texts of the page of an incident.

use crate::web::texts::texts;

texts! {
    /// The texts of the page of an incident.
    IncidentTexts {
        started: "started", "début", "Beginn";
        assumed: "(assumed)", "(supposé)", "(angenommen)";
        elapsed: "for", "depuis", "seit";
        lasted: "lasted {time}", "a duré {time}", "dauerte {time}";
        eta: "expected end", "fin prévue", "Ende erwartet";
        tenants: "Tenants", "Clients", "Mandanten";
        no_tenants: "No tenant is named yet", "Aucun client nommé pour l’instant", "Noch kein Mandant genannt";
        services: "Services", "Services", "Dienste";
        responder: "Responder", "Responsable", "Zuständig";
        page: "Page", "Alerte", "Alarm";
        page_by: "{state} by {target}", "{state} par {target}", "{state} von {target}";
        page_tried: "{state}, tried last: {target}", "{state}, dernière tentative : {target}", "{state}, zuletzt versucht: {target}";
        page_took: "in {time}", "en {time}", "in {time}";
        seconds: "{n} s", "{n} s", "{n} s";
        page_overdue: "Nobody has accepted the page.", "Personne n’a accepté l’alerte.", "Niemand hat den Alarm angenommen.";
        page_unconfirmed: "The pager accepted the page and opened no alert: somebody may not have been called.", "L’outil d’alerte a accepté l’alerte sans rien ouvrir : personne n’a peut-être été appelé.", "Der Alarmdienst nahm den Alarm an und öffnete keinen: Vielleicht wurde niemand gerufen.";
        page_closed_there: "The alert was closed at the pager, although the incident goes on.", "L’alerte a été fermée dans l’outil d’alerte alors que l’incident continue.", "Der Alarm wurde beim Alarmdienst geschlossen, obwohl der Vorfall andauert.";
        page_grouped: "The page waits behind the open alert of another incident of the same service.", "L’alerte attend derrière celle, ouverte, d’un autre incident du même service.", "Der Alarm wartet hinter dem offenen Alarm eines anderen Vorfalls desselben Dienstes.";
        drill_note: "This is a drill: it is never published and never billed.", "Ceci est un exercice : jamais publié, jamais facturé.", "Dies ist eine Übung: nie veröffentlicht, nie abgerechnet.";
        drill_alone: "This is a drill.", "Ceci est un exercice.", "Dies ist eine Übung.";
        afterwards_note: "Retrospective: it paged nobody.", "Saisi après coup : personne n’a été alerté.", "Nachträglich erfasst: niemand wurde alarmiert.";
        cancelled_note: "Cancelled: {reason}.", "Annulé : {reason}.", "Abgebrochen: {reason}.";
        merged_note: "Merged into another incident, which goes on for both.", "Fusionné avec un autre incident, qui continue pour les deux.", "Mit einem anderen Vorfall zusammengeführt, der für beide weitergeht.";
        open_it: "Open it", "L’ouvrir", "Öffnen";
        matched: "This incident is already live for the same alert: your declaration was added to it, and no second one was made.", "Cet incident est déjà en cours pour la même alerte : votre déclaration y a été ajoutée, aucun second incident n’a été créé.", "Dieser Vorfall läuft schon für denselben Alarm: Ihre Meldung wurde ihm hinzugefügt, kein zweiter entstand.";
        acknowledge: "Acknowledge", "Prendre en charge", "Übernehmen";
        update: "Update", "Écrire un point", "Meldung schreiben";
        publish: "Publish to status page", "Publier sur la page d’état", "Auf Statusseite veröffentlichen";
        public_side: "Status page entry", "Entrée de la page d’état", "Eintrag der Statusseite";
        more: "More", "Plus", "Mehr";
        edit: "Edit fields", "Modifier les champs", "Felder bearbeiten";
        page_again: "Page on-call again", "Alerter de nouveau l’astreinte", "Bereitschaft erneut alarmieren";
        post_mortem: "Link post-mortem", "Lier le post-mortem", "Post-mortem verknüpfen";
        timeline: "Timeline", "Chronologie", "Verlauf";
        older: "{n} older entry | {n} older entries", "{n} entrée plus ancienne | {n} entrées plus anciennes", "{n} älterer Eintrag | {n} ältere Einträge";
        newest: "To the newest entries", "Vers les entrées récentes", "Zu den neuesten Einträgen";
        facts: "Facts", "Faits", "Fakten";
        people: "People", "Personnes", "Personen";
        acknowledged_by: "Acknowledged by", "Pris en charge par", "Übernommen von";
        links: "Links", "Liens", "Verweise";
        no_links: "No link is configured.", "Aucun lien n’est configuré.", "Kein Verweis ist eingerichtet.";
        bridge: "Join the call", "Rejoindre l’appel", "Zur Telefonkonferenz";
        ticket: "Ticket", "Ticket", "Ticket";
        post_mortem_link: "Post-mortem", "Post-mortem", "Post-mortem";
        post_mortem_missing: "A post-mortem is needed before it can be closed.", "Un post-mortem est nécessaire avant la clôture.", "Vor dem Schließen ist ein Post-mortem nötig.";
        related: "Related incidents", "Incidents liés", "Verwandte Vorfälle";
        recurrence_of: "Repeats", "Répétition de", "Wiederholt";
        merged_from: "Took in", "A absorbé", "Nahm auf";
        same_alert: "Same alert", "Même alerte", "Gleicher Alarm";
        merged_into: "Merged into", "Fusionné avec", "Zusammengeführt mit";
        repeats: "Its alert came {n} more time. | Its alert came {n} more times.", "Son alerte est revenue {n} fois. | Son alerte est revenue {n} fois.", "Sein Alarm kam noch {n} Mal. | Sein Alarm kam noch {n} Mal.";
        proof: "Proof", "Preuve", "Nachweis";
        entries: "{n} entry | {n} entries", "{n} entrée | {n} entrées", "{n} Eintrag | {n} Einträge";
        chain_valid: "Chain verified up to entry {seq}.", "Chaîne vérifiée jusqu’à l’entrée {seq}.", "Kette geprüft bis Eintrag {seq}.";
        chain_anchored: "Anchored outside up to entry {seq}.", "Ancrée à l’extérieur jusqu’à l’entrée {seq}.", "Außerhalb verankert bis Eintrag {seq}.";
        chain_unanchored: "Not anchored outside yet.", "Pas encore ancrée à l’extérieur.", "Noch nicht außerhalb verankert.";
        chain_broken: "The chain is broken at entry {seq}:", "La chaîne est rompue à l’entrée {seq} :", "Die Kette ist bei Eintrag {seq} gebrochen:";
        chain_unknown: "The chain could not be verified just now.", "La chaîne n’a pas pu être vérifiée à l’instant.", "Die Kette konnte gerade nicht geprüft werden.";
        verify: "Verify now", "Vérifier maintenant", "Jetzt prüfen";
        as_table: "As a table", "En tableau", "Als Tabelle";
        version: "Version {n}", "Version {n}", "Version {n}";
    }
}
