//! The texts that all pages share.

use askama::filters::Safe;
use incident_core::actor::Role;
use incident_core::incident::{Severity, Status};
use incident_core::paging::PagingState;

use super::texts::texts;
use crate::http::escape::Html;

texts! {
    /// The texts that all pages share.
    CommonTexts {
        skip: "Skip to the content", "Aller au contenu", "Zum Inhalt";
        main_menu: "Pages", "Pages", "Seiten";
        active: "Active", "En cours", "Aktiv";
        all_incidents: "All incidents", "Tous les incidents", "Alle Vorfälle";
        credits: "SLA and credits", "SLA et avoirs", "SLA und Gutschriften";
        audit: "Audit", "Audit", "Protokoll";
        pagers: "Pagers", "Alertes", "Alarmierung";
        about: "About", "À propos", "Über";
        declare: "Declare incident", "Déclarer un incident", "Vorfall melden";
        status_page: "Status page", "Page d’état", "Statusseite";
        settings: "Display", "Affichage", "Anzeige";
        language: "Language", "Langue", "Sprache";
        zone: "Time zone", "Fuseau horaire", "Zeitzone";
        zone_hint: "A name of the tz database, such as Europe/Paris", "Un nom de la base tz, par exemple Europe/Paris", "Ein Name der tz-Datenbank, etwa Europe/Paris";
        theme: "Theme", "Thème", "Farben";
        theme_auto: "As the device", "Comme l’appareil", "Wie das Gerät";
        theme_light: "Light", "Clair", "Hell";
        theme_dark: "Dark", "Sombre", "Dunkel";
        apply: "Apply", "Appliquer", "Übernehmen";
        sign_in: "Sign in", "Se connecter", "Anmelden";
        sign_out: "Sign out", "Se déconnecter", "Abmelden";
        sign_out_everywhere: "Sign out everywhere", "Se déconnecter partout", "Überall abmelden";
        times_in: "Times in {zone}", "Heures : {zone}", "Zeiten in {zone}";
        signed_out: "You are signed out: this page no longer follows changes.", "Vous êtes déconnecté : cette page ne suit plus les changements.", "Sie sind abgemeldet: Diese Seite folgt Änderungen nicht mehr.";
        server_says: "What the server says", "Réponse du serveur", "Antwort des Servers";
        reload: "Reload", "Recharger", "Neu laden";
        summary_title: "Some fields need attention", "Certains champs sont à corriger", "Einige Felder brauchen Aufmerksamkeit";
        already_sent: "This form was sent already, and was not sent again. Look first at what it did.", "Ce formulaire a déjà été envoyé ; il ne l’a pas été de nouveau. Regardez d’abord ce qu’il a fait.", "Dieses Formular wurde schon gesendet und nicht noch einmal. Sehen Sie zuerst, was es bewirkt hat.";
        nothing_sent: "Nothing was changed. Your text is still here.", "Rien n’a été modifié. Votre texte est toujours là.", "Nichts wurde geändert. Ihr Text ist noch da.";
        required: "required", "obligatoire", "Pflichtfeld";
        missing: "Fill this in", "À remplir", "Bitte ausfüllen";
        missing_choice: "Choose one", "Choisissez une option", "Bitte auswählen";
        optional: "optional", "facultatif", "freiwillig";
        none: "none", "aucun", "keine";
        nobody: "Nobody yet", "Personne encore", "Noch niemand";
        all_tenants: "all tenants", "tous les clients", "alle Mandanten";
        and_more: "+{n} more", "+{n} autres", "+{n} weitere";
        next_page: "Next page", "Page suivante", "Nächste Seite";
        first_page: "First page", "Première page", "Erste Seite";
        role_viewer: "viewer", "lecture", "Leser";
        role_responder: "responder", "intervenant", "Einsatz";
        role_commander: "commander", "commandement", "Leitung";
        role_admin: "admin", "administration", "Verwaltung";
        role_billing: "billing", "facturation", "Abrechnung";
        status_triage: "triage", "tri", "Sichtung";
        status_investigating: "investigating", "en cours d’analyse", "in Untersuchung";
        status_identified: "identified", "cause identifiée", "Ursache gefunden";
        status_mitigated: "mitigated", "atténué", "eingedämmt";
        status_resolved: "resolved", "résolu", "behoben";
        status_closed: "closed", "clos", "geschlossen";
        status_cancelled: "cancelled", "annulé", "abgebrochen";
        status_merged: "merged", "fusionné", "zusammengeführt";
        page_none: "no page", "pas d’alerte", "kein Alarm";
        page_pending: "sending", "envoi", "wird gesendet";
        page_accepted: "accepted", "acceptée", "angenommen";
        page_failing: "failing", "en échec", "schlägt fehl";
        page_given_up: "given up", "abandonnée", "aufgegeben";
        page_superseded: "not needed", "inutile", "nicht nötig";
    }
}

impl CommonTexts {
    /// Returns the name of a status.
    #[must_use]
    pub(crate) const fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Triage => self.status_triage,
            Status::Investigating => self.status_investigating,
            Status::Identified => self.status_identified,
            Status::Mitigated => self.status_mitigated,
            Status::Resolved => self.status_resolved,
            Status::Closed => self.status_closed,
            Status::Cancelled => self.status_cancelled,
            Status::Merged => self.status_merged,
        }
    }

    /// Returns the name of the state of a page.
    #[must_use]
    pub(crate) const fn paging(&self, state: PagingState) -> &'static str {
        match state {
            PagingState::None => self.page_none,
            PagingState::Pending => self.page_pending,
            PagingState::Accepted => self.page_accepted,
            PagingState::Failing => self.page_failing,
            PagingState::GivenUp => self.page_given_up,
            PagingState::Superseded => self.page_superseded,
        }
    }

    /// Returns the name of a role.
    #[must_use]
    pub(crate) const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Viewer => self.role_viewer,
            Role::Responder => self.role_responder,
            Role::Commander => self.role_commander,
            Role::Admin => self.role_admin,
            Role::Billing => self.role_billing,
        }
    }
}

/// Returns the shape of a severity: each has another one, so that colour is never alone. The word
/// stands beside it.
#[must_use]
pub(crate) fn severity_mark(severity: Severity) -> Html {
    let (class, shape) = match severity {
        Severity::Sev1 => ("sev1", "<path d=\"M1 1h12v12H1z\" fill=\"currentColor\"/>"),
        Severity::Sev2 => (
            "sev2",
            "<path d=\"M7 1l6.5 12H.5z\" fill=\"currentColor\"/>",
        ),
        Severity::Sev3 => (
            "sev3",
            "<circle cx=\"7\" cy=\"7\" r=\"5\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\"/>",
        ),
        Severity::Sev4 => (
            "sev4",
            "<circle cx=\"7\" cy=\"7\" r=\"3\" fill=\"currentColor\"/>",
        ),
    };
    Safe(format!(
        "<span class=\"sev {class}\"><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">{shape}</svg>{severity}</span>"
    ))
}
