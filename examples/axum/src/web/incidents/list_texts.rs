//! The texts of the list of all incidents.

use crate::web::texts::texts;

texts! {
    /// The texts of the list of all incidents.
    IncidentListTexts {
        title: "All incidents", "Tous les incidents", "Alle Vorfälle";
        search: "Words in title or summary", "Mots du titre ou du résumé", "Wörter in Titel oder Zusammenfassung";
        status: "Status", "État", "Status";
        any_status: "Any status", "Tous les états", "Jeder Status";
        only_active: "Active", "En cours", "Aktiv";
        only_resolved: "Resolved", "Résolus", "Behoben";
        severity: "Severity", "Gravité", "Schwere";
        any_severity: "Any severity", "Toutes les gravités", "Jede Schwere";
        service: "Service", "Service", "Dienst";
        tenant: "Tenant", "Client", "Mandant";
        from: "Declared from", "Déclarés à partir du", "Gemeldet ab";
        to: "Declared up to", "Déclarés jusqu’au", "Gemeldet bis";
        to_hint: "This day is included. {zone}", "Ce jour est compris. {zone}", "Dieser Tag zählt mit. {zone}";
        more_filters: "More filters", "Plus de filtres", "Weitere Filter";
        filter: "Filter", "Filtrer", "Filtern";
        clear: "Clear the filter", "Effacer le filtre", "Filter löschen";
        shown: "{n} incident | {n} incidents", "{n} incident | {n} incidents", "{n} Vorfall | {n} Vorfälle";
        shown_more: "{n} incident on this page, more on the next | {n} incidents on this page, more on the next", "{n} incident sur cette page, d’autres sur la suivante | {n} incidents sur cette page, d’autres sur la suivante", "{n} Vorfall auf dieser Seite, weitere auf der nächsten | {n} Vorfälle auf dieser Seite, weitere auf der nächsten";
        incident: "Incident", "Incident", "Vorfall";
        tenants: "Tenants", "Clients", "Mandanten";
        responder: "Responder", "Responsable", "Zuständig";
        started: "Started", "Début", "Beginn";
        ended: "Ended", "Fin", "Ende";
        duration: "Duration", "Durée", "Dauer";
        is_public: "public", "public", "öffentlich";
        no_responder: "Nobody", "Personne", "Niemand";
        still_open: "goes on", "en cours", "dauert an";
        empty: "No incident yet", "Aucun incident pour l’instant", "Noch kein Vorfall";
        empty_help: "Incidents stay here, with their timeline. When something breaks, declare it.", "Les incidents restent ici, avec leur chronologie. Si quelque chose casse, déclarez-le.", "Vorfälle bleiben hier, mit ihrem Verlauf. Geht etwas kaputt, melden Sie es.";
        no_match: "No incident matches", "Aucun incident ne correspond", "Kein Vorfall passt";
        no_match_help: "There are incidents, but none that fits this filter.", "Il y a des incidents, mais aucun ne correspond à ce filtre.", "Es gibt Vorfälle, aber keinen, der zu diesem Filter passt.";
        end: "There are no more incidents", "Il n’y a plus d’incidents", "Es gibt keine weiteren Vorfälle";
    }
}
