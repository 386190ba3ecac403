//! The texts of the pages with one act on an incident.

use crate::web::texts::texts;

texts! {
    /// The texts of the pages with one act on an incident.
    ActTexts {
        back: "Back to #{number}", "Retour à #{number}", "Zurück zu #{number}";
        page_title: "Page on-call again", "Alerter de nouveau l’astreinte", "Bereitschaft erneut alarmieren";
        page_through: "Pages on-call through {targets}.", "Alerte l’astreinte par {targets}.", "Alarmiert die Bereitschaft über {targets}.";
        then: ", then ", ", puis ", ", dann ";
        no_pager: "No pager is configured: nobody is called. The reason goes to the timeline.", "Aucun outil d’alerte n’est configuré : personne n’est appelé. Le motif va dans la chronologie.", "Kein Alarmdienst ist eingerichtet: Niemand wird gerufen. Der Grund kommt in den Verlauf.";
        log_only: "Only the log pager is configured: nobody is called.", "Seul le journal est configuré comme outil d’alerte : personne n’est appelé.", "Nur das Protokoll ist als Alarmdienst eingerichtet: Niemand wird gerufen.";
        wakes: "High urgency: this wakes somebody.", "Urgence haute : quelqu’un est réveillé.", "Hohe Dringlichkeit: Jemand wird geweckt.";
        informs: "Low urgency: this informs on-call, and wakes nobody.", "Urgence basse : l’astreinte est informée, personne n’est réveillé.", "Niedrige Dringlichkeit: Die Bereitschaft wird informiert, niemand geweckt.";
        last_page: "Last page: {state}.", "Dernière alerte : {state}.", "Letzter Alarm: {state}.";
        whom: "Whom to page", "Qui alerter", "Wen alarmieren";
        on_call: "On-call", "L’astreinte", "Die Bereitschaft";
        rule_of: "Through {targets}", "Par {targets}", "Über {targets}";
        rule_alone: "No pager: the rule is noted in the timeline, and people are informed in another way.", "Sans outil d’alerte : la règle est notée dans la chronologie, les personnes sont informées autrement.", "Ohne Alarmdienst: Die Regel steht im Verlauf, und die Leute werden anders informiert.";
        page_reason: "Why", "Motif", "Grund";
        page_reason_hint: "The person who is called reads it.", "La personne appelée le lira.", "Wer gerufen wird, liest ihn.";
        page_submit: "Page now", "Alerter maintenant", "Jetzt alarmieren";
        not_live: "Only an active incident can page somebody.", "Seul un incident en cours peut alerter quelqu’un.", "Nur ein aktiver Vorfall kann jemanden alarmieren.";
        publish_title: "Publish to the status page", "Publier sur la page d’état", "Auf der Statusseite veröffentlichen";
        publish_again: "Status page entry", "Entrée de la page d’état", "Eintrag der Statusseite";
        public_title: "Title for customers", "Titre pour les clients", "Titel für Kunden";
        public_title_hint: "Left empty: the title stays as it is, or names the services.", "Vide : le titre reste tel quel, ou nomme les services.", "Leer: Der Titel bleibt, oder er nennt die Dienste.";
        public_message: "Message for customers", "Message pour les clients", "Meldung für Kunden";
        public_message_hint: "Shown exactly as written. Left empty: no new line.", "Affiché tel quel. Vide : pas de nouvelle ligne.", "Erscheint wörtlich. Leer: keine neue Zeile.";
        will_read: "Customers will read exactly this", "Les clients liront exactement ceci", "Kunden werden genau das lesen";
        publish_changed: "The text below changed since you saw it. Look at it again, then publish.", "Le texte ci-dessous a changé depuis que vous l’avez vu. Relisez-le, puis publiez.", "Der Text unten hat sich geändert, seit Sie ihn sahen. Sehen Sie ihn noch einmal an, dann veröffentlichen Sie.";
        publish_submit: "Publish to status page", "Publier sur la page d’état", "Auf Statusseite veröffentlichen";
        publish_update: "Show this to customers", "Montrer ceci aux clients", "Kunden das zeigen";
        preview: "Preview", "Aperçu", "Vorschau";
        hide_title: "Hide it from the status page", "Le retirer de la page d’état", "Von der Statusseite nehmen";
        hide_help: "Everything that customers read about it now is no longer shown. The texts stay here, and come back when it is published again.", "Tout ce que les clients en lisent n’est plus affiché. Les textes restent ici et reviennent à la prochaine publication.", "Alles, was Kunden jetzt darüber lesen, verschwindet. Die Texte bleiben hier und kommen wieder, wenn er erneut veröffentlicht wird.";
        hide_submit: "Hide from status page", "Retirer de la page d’état", "Von Statusseite nehmen";
        post_mortem_title: "Link the post-mortem", "Lier le post-mortem", "Post-mortem verknüpfen";
        post_mortem_help: "The address of the document. It goes to the timeline and, for severities that need one, allows the incident to be closed.", "L’adresse du document. Elle va dans la chronologie et, pour les gravités qui l’exigent, permet de clore l’incident.", "Die Adresse des Dokuments. Sie kommt in den Verlauf und erlaubt, wo eines nötig ist, das Schließen.";
        post_mortem_now: "Linked now: {url}", "Lié actuellement : {url}", "Jetzt verknüpft: {url}";
        url: "Address", "Adresse", "Adresse";
        url_hint: "It begins with https://", "Elle commence par https://", "Sie beginnt mit https://";
        post_mortem_submit: "Link post-mortem", "Lier le post-mortem", "Post-mortem verknüpfen";
        cancel: "Cancel", "Annuler", "Abbrechen";
        entry_title: "Entry {seq} of #{number}", "Entrée {seq} de #{number}", "Eintrag {seq} von #{number}";
        entry_happened: "Happened", "Survenu", "Geschehen";
        entry_recorded: "Recorded", "Noté", "Erfasst";
        entry_hash: "Hash", "Empreinte", "Hash";
        entry_previous: "Hash of the entry before", "Empreinte de l’entrée précédente", "Hash des Eintrags davor";
        entry_by: "Author", "Auteur", "Autor";
        correct: "Correct this entry", "Corriger cette entrée", "Diesen Eintrag berichtigen";
        redact_title: "Erase its text", "Effacer son texte", "Seinen Text löschen";
        redact_help: "The text is erased for ever, here and wherever it was copied: pages that wait, remembered answers, the public page. The entry stays, with its author and its time.", "Le texte est effacé pour toujours, ici et partout où il a été copié : alertes en attente, réponses mémorisées, page publique. L’entrée reste, avec son auteur et son heure.", "Der Text wird für immer gelöscht, hier und wo er sonst steht: in wartenden Alarmen, gemerkten Antworten, auf der öffentlichen Seite. Der Eintrag bleibt, mit Autor und Zeit.";
        redact_fields: "These fields of the incident are emptied with it: {fields}.", "Ces champs de l’incident sont vidés avec lui : {fields}.", "Diese Felder des Vorfalls werden damit geleert: {fields}.";
        redact_public_title: "The title for customers is erased with it.", "Le titre pour les clients est effacé avec lui.", "Der Titel für Kunden wird damit gelöscht.";
        redact_approval: "The text of the approval is erased with it.", "Le texte de l’approbation est effacé avec lui.", "Der Text der Freigabe wird damit gelöscht.";
        redact_lines: "{n} text that customers read is erased with it. | {n} texts that customers read are erased with it.", "{n} texte lu par les clients est effacé avec lui. | {n} textes lus par les clients sont effacés avec lui.", "{n} Text für Kunden wird damit gelöscht. | {n} Texte für Kunden werden damit gelöscht.";
        redact_not: "What was sent already, such as pages at the vendor, cannot be erased.", "Ce qui est déjà parti, comme les alertes chez le fournisseur, ne peut pas être effacé.", "Was schon gesendet wurde, etwa Alarme beim Anbieter, lässt sich nicht löschen.";
        redact_reason: "Why (stays in the audit trail)", "Motif (reste dans l’audit)", "Grund (bleibt im Protokoll)";
        redact_submit: "Erase the text for ever", "Effacer le texte pour toujours", "Text für immer löschen";
    }
}
