//! The words for actions, as the audit trail and the table of permissions name them.

use super::texts::texts;

texts! {
    /// The words for actions.
    ActionTexts {
        read: "Read incidents and reports", "Lire les incidents et les rapports", "Vorfälle und Berichte lesen";
        read_audit: "Read and verify the audit trail", "Lire et vérifier le journal d’audit", "Protokoll lesen und prüfen";
        declare: "Declare an incident", "Déclarer un incident", "Einen Vorfall melden";
        declare_unpaged: "Declare a SEV1 or SEV2 without a page", "Déclarer un SEV1 ou SEV2 sans alerte", "SEV1 oder SEV2 ohne Alarm melden";
        acknowledge: "Acknowledge", "Prendre en charge", "Bestätigen";
        update: "Write an update", "Écrire un point", "Eine Meldung schreiben";
        change: "Change fields", "Modifier des champs", "Felder ändern";
        lower_severity: "Lower a severity", "Baisser une gravité", "Schwere senken";
        publish: "Publish or hide", "Publier ou masquer", "Veröffentlichen oder verbergen";
        link_post_mortem: "Link a post-mortem", "Lier un post-mortem", "Nachbereitung verknüpfen";
        page: "Page on-call again", "Alerter à nouveau l’astreinte", "Bereitschaft erneut alarmieren";
        close: "Close", "Clore", "Schließen";
        cancel: "Cancel", "Annuler", "Abbrechen";
        merge: "Merge", "Fusionner", "Zusammenführen";
        reopen: "Reopen", "Rouvrir", "Wieder öffnen";
        correct_ended: "Correct an incident that has ended", "Corriger un incident terminé", "Einen beendeten Vorfall berichtigen";
        long_outage: "Enter an outage over many months", "Saisir une panne sur de nombreux mois", "Einen Ausfall über viele Monate eintragen";
        redact: "Erase a text", "Effacer un texte", "Einen Text löschen";
        suggest: "Send a suggestion or an alert", "Envoyer une suggestion ou une alerte", "Einen Vorschlag oder Alarm senden";
        dismiss_suggestion: "Dismiss a suggestion", "Écarter une suggestion", "Einen Vorschlag verwerfen";
        record_usage: "Send usage events", "Envoyer des événements d’usage", "Nutzungsereignisse senden";
        decide_credit: "Decide about credits", "Décider des avoirs", "Über Gutschriften entscheiden";
        override_role: "Take a role from its holder", "Retirer un rôle à son titulaire", "Eine Rolle vom Inhaber übernehmen";
        change_role: "Change a role", "Changer un rôle", "Eine Rolle wechseln";
        request_approval: "Request an approval", "Demander une approbation", "Eine Freigabe beantragen";
        approve_action: "Approve a risky action", "Approuver une action risquée", "Einen riskanten Schritt freigeben";
        refuse_action: "Refuse a risky action", "Refuser une action risquée", "Einen riskanten Schritt ablehnen";
        withdraw_approval: "Withdraw a request for approval", "Retirer une demande d’approbation", "Einen Antrag auf Freigabe zurückziehen";
        tick: "Tick an item of a checklist", "Cocher un point d’une liste", "Einen Punkt einer Liste abhaken";
        approve_credit: "Approve a credit", "Approuver un avoir", "Eine Gutschrift genehmigen";
        waive_credit: "Waive a credit", "Renoncer à un avoir", "Auf eine Gutschrift verzichten";
        recompute_credits: "Recompute credits", "Recalculer les avoirs", "Gutschriften neu berechnen";
        issue_credits: "Issue credits", "Émettre des avoirs", "Gutschriften erteilen";
        resend_credits: "Submit a batch to billing again", "Transmettre à nouveau un lot", "Einen Stapel erneut übergeben";
        observe: "Vendor reported a change", "Changement signalé par le fournisseur", "Anbieter meldete eine Änderung";
        escalate: "Page an escalation rule", "Alerter selon une règle d’escalade", "Nach einer Eskalationsregel alarmieren";
        retry_page: "Retry a page", "Réessayer une alerte", "Einen Alarm erneut versuchen";
        take_in: "Take in a merged incident", "Reprendre un incident fusionné", "Einen zusammengeführten Vorfall übernehmen";
        repeat_alert: "Alert came again", "Alerte répétée", "Alarm kam erneut";
        mark_authority_notified: "Record that the authority was notified", "Noter que l’autorité est informée", "Meldung an die Behörde festhalten";
        fire_rule: "Escalation rule fired", "Règle d’escalade déclenchée", "Eskalationsregel ausgelöst";
        notify: "Notice was sent", "Avis envoyé", "Hinweis gesendet";
        mark_users_notified: "Record that users were notified", "Noter que les utilisateurs sont informés", "Benachrichtigung der Nutzer festhalten";
        export_users: "Export users whose data was lost", "Exporter les utilisateurs dont des données sont perdues", "Nutzer mit Datenverlust exportieren";
        relate: "Relate incidents", "Relier des incidents", "Vorfälle verbinden";
        page_trigger: "Page was sent", "Alerte envoyée", "Alarm gesendet";
        page_acknowledge: "Acknowledgement was sent", "Prise en charge transmise", "Bestätigung gesendet";
        page_resolve: "Resolution was sent", "Résolution transmise", "Erledigung gesendet";
        page_reprioritise: "Change of severity was sent", "Changement de gravité transmis", "Änderung der Schwere gesendet";
        page_coalesced: "Page waits behind another", "Alerte en attente derrière une autre", "Alarm wartet hinter einem anderen";
        page_unconfirmed: "Vendor has no alert of a page", "Le fournisseur n’a pas d’alerte", "Anbieter hat keinen Alarm dazu";
        test_pagers: "Send a test page", "Envoyer une alerte d’essai", "Einen Probealarm senden";
        test_pager: "Answer to a test page", "Réponse à une alerte d’essai", "Antwort auf einen Probealarm";
        denied_calls: "Refused many times", "Refusé de nombreuses fois", "Vielfach abgelehnt";
    }
}

/// The names of actions that the audit trail has, for suggestions.
pub(crate) const NAMES: [&str; 53] = [
    "acknowledge",
    "approve_action",
    "approve_credit",
    "cancel",
    "change",
    "change_role",
    "close",
    "correct_ended",
    "decide_credit",
    "declare",
    "declare_unpaged",
    "denied_calls",
    "escalate",
    "export_users",
    "fire_rule",
    "issue_credits",
    "link_post_mortem",
    "long_outage",
    "lower_severity",
    "mark_authority_notified",
    "mark_users_notified",
    "merge",
    "notify",
    "observe",
    "override_role",
    "page",
    "page_acknowledge",
    "page_coalesced",
    "page_reprioritise",
    "page_resolve",
    "page_trigger",
    "page_unconfirmed",
    "publish",
    "read",
    "read_audit",
    "recompute_credits",
    "record_usage",
    "redact",
    "refuse_action",
    "relate",
    "reopen",
    "repeat_alert",
    "request_approval",
    "resend_credits",
    "retry_page",
    "suggest",
    "take_in",
    "test_pager",
    "test_pagers",
    "tick",
    "update",
    "waive_credit",
    "withdraw_approval",
];

impl ActionTexts {
    /// Returns the words for an action by its name; none for one that is not known here.
    #[must_use]
    pub(crate) fn words(&self, name: &str) -> Option<&'static str> {
        Some(match name {
            "read" => self.read,
            "read_audit" => self.read_audit,
            "declare" => self.declare,
            "declare_unpaged" => self.declare_unpaged,
            "acknowledge" => self.acknowledge,
            "update" => self.update,
            "change" => self.change,
            "lower_severity" => self.lower_severity,
            "publish" => self.publish,
            "link_post_mortem" => self.link_post_mortem,
            "page" => self.page,
            "close" => self.close,
            "cancel" => self.cancel,
            "merge" => self.merge,
            "reopen" => self.reopen,
            "correct_ended" => self.correct_ended,
            "long_outage" => self.long_outage,
            "redact" => self.redact,
            "suggest" => self.suggest,
            "dismiss_suggestion" => self.dismiss_suggestion,
            "record_usage" => self.record_usage,
            "decide_credit" => self.decide_credit,
            "export_users" => self.export_users,
            "override_role" => self.override_role,
            other => return self.other_words(other),
        })
    }

    /// Returns the words for what is no right of a role.
    fn other_words(&self, name: &str) -> Option<&'static str> {
        Some(match name {
            "change_role" => self.change_role,
            "request_approval" => self.request_approval,
            "approve_action" => self.approve_action,
            "refuse_action" => self.refuse_action,
            "withdraw_approval" => self.withdraw_approval,
            "tick" => self.tick,
            "approve_credit" => self.approve_credit,
            "waive_credit" => self.waive_credit,
            "recompute_credits" => self.recompute_credits,
            "issue_credits" => self.issue_credits,
            "resend_credits" => self.resend_credits,
            "mark_authority_notified" => self.mark_authority_notified,
            "fire_rule" => self.fire_rule,
            "notify" => self.notify,
            "mark_users_notified" => self.mark_users_notified,
            "observe" => self.observe,
            "escalate" => self.escalate,
            "retry_page" => self.retry_page,
            "take_in" => self.take_in,
            "repeat_alert" => self.repeat_alert,
            "relate" => self.relate,
            "page_trigger" => self.page_trigger,
            "page_acknowledge" => self.page_acknowledge,
            "page_resolve" => self.page_resolve,
            "page_reprioritise" => self.page_reprioritise,
            "page_coalesced" => self.page_coalesced,
            "page_unconfirmed" => self.page_unconfirmed,
            "test_pagers" => self.test_pagers,
            "test_pager" => self.test_pager,
            "denied_calls" => self.denied_calls,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use incident_core::actor::Action;

    use super::*;
    use crate::web::language::Language;

    #[test]
    fn every_right_and_every_suggested_name_has_words() {
        let rights = Action::ALL.map(Action::name);
        for language in Language::ALL {
            let texts = ActionTexts::of(language);
            for name in rights.into_iter().chain(NAMES) {
                assert!(texts.words(name).is_some(), "{name}");
            }
            assert_eq!(texts.words("other"), None);
        }
    }
}
