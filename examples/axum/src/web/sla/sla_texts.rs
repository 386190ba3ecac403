//! The texts of the pages of SLA and credits.

use incident_core::billing::CreditState;
use incident_core::sla::Basis;

use crate::web::texts::texts;

texts! {
    /// The texts of the pages of SLA and credits.
    SlaTexts {
        title: "SLA and credits", "SLA et avoirs", "SLA und Gutschriften";
        month: "Month", "Mois", "Monat";
        month_hint: "Year and month, such as 2026-11", "Année et mois, par exemple 2026-11", "Jahr und Monat, etwa 2026-11";
        show: "Show", "Afficher", "Anzeigen";
        tenant: "Tenant", "Client", "Mandant";
        tenant_hint: "A part of the name", "Une partie du nom", "Ein Teil des Namens";
        outage: "Outage", "Panne", "Ausfall";
        excluded: "Excluded", "Exclu", "Ausgenommen";
        availability: "Availability", "Disponibilité", "Verfügbarkeit";
        target: "Target", "Objectif", "Ziel";
        met: "met", "atteint", "erreicht";
        missed: "missed", "manqué", "verfehlt";
        credit: "Credit", "Avoir", "Gutschrift";
        amount: "Amount", "Montant", "Betrag";
        state: "State", "État", "Stand";
        choose: "Choose", "Choisir", "Wählen";
        choose_credits: "Choose {n} credit of {tenant} | Choose {n} credits of {tenant}", "Choisir {n} avoir de {tenant} | Choisir {n} avoirs de {tenant}", "{n} Gutschrift von {tenant} wählen | {n} Gutschriften von {tenant} wählen";
        choose_all: "All that can be chosen on this page", "Tout ce qui peut être choisi sur cette page", "Alles, was auf dieser Seite wählbar ist";
        review_approval: "Approve what is chosen …", "Approuver la sélection …", "Gewählte genehmigen …";
        review_waiver: "Waive what is chosen …", "Renoncer à la sélection …", "Auf gewählte verzichten …";
        of_period: "of {period}", "sur {period}", "in {period}";
        no_fee: "fee unknown", "tarif inconnu", "Entgelt unbekannt";
        nothing_owed: "nothing owed", "rien à créditer", "nichts geschuldet";
        not_computed: "not computed yet", "pas encore calculé", "noch nicht berechnet";
        provisional: "provisional", "provisoire", "vorläufig";
        estimated: "to decide", "à décider", "zu entscheiden";
        approved: "approved", "approuvé", "genehmigt";
        waived: "waived", "abandonné", "verzichtet";
        issued: "issued", "émis", "erteilt";
        superseded: "replaced", "remplacé", "ersetzt";
        reversal: "reversal", "annulation", "Storno";
        totals: "All {n} tenant | All {n} tenants", "{n} client au total | {n} clients au total", "{n} Mandant insgesamt | {n} Mandanten insgesamt";
        missed_by: "{n} missed | {n} missed", "{n} manqué | {n} manqués", "{n} verfehlt | {n} verfehlt";
        open_credits: "{n} to decide | {n} to decide", "{n} à décider | {n} à décider", "{n} zu entscheiden | {n} zu entscheiden";
        shown: "{from} to {to} of {n} tenant | {from} to {to} of {n} tenants", "{from} à {to} sur {n} client | {from} à {to} sur {n} clients", "{from} bis {to} von {n} Mandant | {from} bis {to} von {n} Mandanten";
        export: "Export CSV", "Exporter en CSV", "Als CSV exportieren";
        future: "This month has not begun", "Ce mois n’a pas commencé", "Dieser Monat hat noch nicht begonnen";
        future_help: "There are no outages of a month to come, and so no credits.", "Un mois à venir n’a pas de pannes, donc pas d’avoirs.", "Ein künftiger Monat hat keine Ausfälle und damit keine Gutschriften.";
        empty: "No outage in {month}", "Aucune panne en {month}", "Kein Ausfall im {month}";
        empty_help: "No incident hit a tenant in this month. Every target was met, and nothing is owed.", "Aucun incident n’a touché un client ce mois-ci. Tous les objectifs sont atteints, rien n’est à créditer.", "In diesem Monat traf kein Vorfall einen Mandanten. Alle Ziele sind erreicht, und nichts ist geschuldet.";
        no_match: "No tenant matches", "Aucun client ne correspond", "Kein Mandant passt";
        goes_on: "The month goes on: all figures are provisional until it is over.", "Le mois n’est pas terminé : tous les chiffres sont provisoires.", "Der Monat läuft noch: Alle Zahlen sind bis zu seinem Ende vorläufig.";
        fees_missing: "{n} tenant has a credit and no known fee, so its amount is missing in the totals. Set monthly_fee in the policy file. | {n} tenants have a credit and no known fee, so their amounts are missing in the totals. Set monthly_fee in the policy file.", "{n} client a un avoir sans tarif connu : son montant manque dans les totaux. Définissez monthly_fee dans le fichier de règles. | {n} clients ont un avoir sans tarif connu : leurs montants manquent dans les totaux. Définissez monthly_fee dans le fichier de règles.", "{n} Mandant hat eine Gutschrift, aber kein bekanntes Entgelt: Sein Betrag fehlt in den Summen. Setzen Sie monthly_fee in der Richtliniendatei. | {n} Mandanten haben eine Gutschrift, aber kein bekanntes Entgelt: Ihre Beträge fehlen in den Summen. Setzen Sie monthly_fee in der Richtliniendatei.";
        recompute: "Recompute credits", "Recalculer les avoirs", "Gutschriften neu berechnen";
        recompute_help: "Computes the credits of {month} under the terms that are configured now. Credits that were not issued are replaced and lose their approval if their figure changes; issued ones are reversed beside a new one. Unchanged ones stay as they are.", "Calcule les avoirs de {month} selon les conditions configurées maintenant. Les avoirs non émis sont remplacés et perdent leur approbation si leur montant change ; les avoirs émis sont annulés par un nouvel avoir. Les autres restent tels quels.", "Berechnet die Gutschriften für {month} nach den jetzt eingestellten Bedingungen. Nicht erteilte werden ersetzt und verlieren ihre Genehmigung, wenn sich ihre Zahl ändert; erteilte werden storniert und neu erfasst. Unveränderte bleiben.";
        recomputed: "Recomputed: {n} change. | Recomputed: {n} changes.", "Recalcul terminé : {n} changement. | Recalcul terminé : {n} changements.", "Neu berechnet: {n} Änderung. | Neu berechnet: {n} Änderungen.";
        none_chosen: "Choose at least one credit.", "Choisissez au moins un avoir.", "Wählen Sie mindestens eine Gutschrift.";
        back: "Back to {month}", "Retour à {month}", "Zurück zu {month}";
        per_incident: "per incident", "par incident", "je Vorfall";
        per_month: "per month", "par mois", "je Monat";
        per_quarter: "per quarter", "par trimestre", "je Quartal";
        per_year: "per year", "par année", "je Jahr";
        period: "Period", "Période", "Zeitraum";
        terms: "Terms", "Conditions", "Bedingungen";
        fee: "Fee of the period", "Tarif de la période", "Entgelt des Zeitraums";
        too_short: "Too short to count", "Trop court pour compter", "Zu kurz zum Zählen";
        no_statement: "No outage of this tenant", "Aucune panne de ce client", "Kein Ausfall dieses Mandanten";
        no_statement_help: "No incident hit this tenant in {month}: the target was met, and nothing is owed.", "Aucun incident n’a touché ce client en {month} : l’objectif est atteint, rien n’est à créditer.", "Kein Vorfall traf diesen Mandanten im {month}: Das Ziel ist erreicht, und nichts ist geschuldet.";
        budget: "Outage and the target", "Panne et objectif", "Ausfall und Ziel";
        budget_used: "{used} of outage; the target allows {allowed}", "{used} de panne ; l’objectif permet {allowed}", "{used} Ausfall; das Ziel erlaubt {allowed}";
        budget_left: "{left} left before the target is missed", "Il reste {left} avant de manquer l’objectif", "Noch {left}, bis das Ziel verfehlt ist";
        budget_over: "{over} over what the target allows", "{over} de plus que ce que l’objectif permet", "{over} mehr, als das Ziel erlaubt";
        next_step: "{left} left before a credit of {percent}", "Il reste {left} avant un avoir de {percent}", "Noch {left} bis zu einer Gutschrift von {percent}";
        derivation: "Derivation, step by step", "Calcul, étape par étape", "Herleitung, Schritt für Schritt";
        incidents: "Incidents it comes from", "Incidents à l’origine", "Zugrunde liegende Vorfälle";
        incident: "Incident", "Incident", "Vorfall";
        own_credit: "Own credit", "Avoir propre", "Eigene Gutschrift";
        ledger: "Ledger", "Registre", "Buch";
        ledger_empty: "There is no row yet: credits are computed when an incident or the period ends.", "Aucune ligne : les avoirs sont calculés à la fin de l’incident ou de la période.", "Noch keine Zeile: Gutschriften werden am Ende des Vorfalls oder des Zeitraums berechnet.";
        other_rows: "{n} row that was replaced or owes nothing | {n} rows that were replaced or owe nothing", "{n} ligne remplacée ou sans avoir | {n} lignes remplacées ou sans avoir", "{n} ersetzte Zeile oder eine ohne Gutschrift | {n} ersetzte Zeilen oder solche ohne Gutschrift";
        computed_by: "Because of {name}, revision {n}", "Suite à {name}, révision {n}", "Wegen {name}, Fassung {n}";
        decided: "Decided", "Décision", "Entscheidung";
        approved_by: "approved by {name}", "approuvé par {name}", "genehmigt von {name}";
        waived_by: "waived by {name}", "abandonné par {name}", "verzichtet von {name}";
        issued_on: "issued", "émis", "erteilt";
        billed_on: "in billing since", "en facturation depuis", "in der Abrechnung seit";
        whole_period: "Whole period", "Période entière", "Ganzer Zeitraum";
        four_eyes_rule: "Four eyes: whoever declared, ended or corrected an incident may not approve its credits.", "Quatre yeux : qui a déclaré, terminé ou corrigé un incident n’approuve pas ses avoirs.", "Vier Augen: Wer einen Vorfall meldete, beendete oder berichtigte, genehmigt dessen Gutschriften nicht.";
        approve: "Approve", "Approuver", "Genehmigen";
        waive: "Waive", "Renoncer", "Verzichten";
        approve_title: "Approve {n} credit | Approve {n} credits", "Approuver {n} avoir | Approuver {n} avoirs", "{n} Gutschrift genehmigen | {n} Gutschriften genehmigen";
        waive_title: "Waive {n} credit | Waive {n} credits", "Renoncer à {n} avoir | Renoncer à {n} avoirs", "Auf {n} Gutschrift verzichten | Auf {n} Gutschriften verzichten";
        approve_issues: "Approved credits are frozen with their amount and submitted to billing with the next batch. After that they can only be reversed.", "Les avoirs approuvés sont figés avec leur montant et transmis à la facturation avec le prochain lot. Ensuite ils ne peuvent qu’être annulés.", "Genehmigte Gutschriften werden mit ihrem Betrag festgehalten und mit dem nächsten Stapel an die Abrechnung übergeben. Danach lassen sie sich nur noch stornieren.";
        approve_waits: "Approved credits are frozen with their amount. No billing is configured, so they wait.", "Les avoirs approuvés sont figés avec leur montant. Aucune facturation n’est configurée : ils attendent.", "Genehmigte Gutschriften werden mit ihrem Betrag festgehalten. Es ist keine Abrechnung eingerichtet, daher warten sie.";
        waive_means: "Waived credits are never issued. The tenant gets nothing for them.", "Les avoirs abandonnés ne sont jamais émis. Le client ne reçoit rien.", "Auf diese Gutschriften wird verzichtet: Sie werden nie erteilt, und der Mandant erhält dafür nichts.";
        sum: "Sum", "Somme", "Summe";
        reason: "Reason", "Motif", "Grund";
        reason_hint: "It is stored in the audit trail.", "Il est conservé dans le journal d’audit.", "Er wird im Protokoll festgehalten.";
        cancel: "Back without a decision", "Revenir sans décider", "Zurück ohne Entscheidung";
        results: "Result", "Résultat", "Ergebnis";
        results_count: "{done} done, {failed} not", "{done} effectués, {failed} non", "{done} erledigt, {failed} nicht";
        result_done: "done", "fait", "erledigt";
        result_failed: "not done", "non fait", "nicht erledigt";
        is_now: "is now {state}", "est maintenant : {state}", "ist jetzt: {state}";
        gone: "This credit is not in this month any more; it may have been replaced.", "Cet avoir n’est plus dans ce mois ; il a peut-être été remplacé.", "Diese Gutschrift steht nicht mehr in diesem Monat; vielleicht wurde sie ersetzt.";
        refused_four_eyes: "You recomputed this credit, or declared, ended or corrected one of its incidents. Another person who may decide about credits has to approve it.", "Vous avez recalculé cet avoir, ou déclaré, terminé ou corrigé l’un de ses incidents. Une autre personne habilitée doit l’approuver.", "Sie haben diese Gutschrift neu berechnet oder einen ihrer Vorfälle gemeldet, beendet oder berichtigt. Eine andere berechtigte Person muss sie genehmigen.";
        refused_provisional: "The incident or the period is not over, so the credit is provisional.", "L’incident ou la période n’est pas terminé : l’avoir est provisoire.", "Der Vorfall oder der Zeitraum ist nicht zu Ende, daher ist die Gutschrift vorläufig.";
        refused_nothing_owed: "The credit is 0 %: there is nothing to approve.", "L’avoir est de 0 % : il n’y a rien à approuver.", "Die Gutschrift ist 0 %: Es gibt nichts zu genehmigen.";
        refused_decided: "Somebody has decided about it already, or it was replaced. Look at its present state.", "Une décision a déjà été prise, ou l’avoir a été remplacé. Regardez son état actuel.", "Darüber ist schon entschieden, oder sie wurde ersetzt. Sehen Sie ihren jetzigen Stand an.";
        refused_reverse_first: "Decide about the reversal of the earlier credit first.", "Décidez d’abord de l’annulation de l’avoir précédent.", "Entscheiden Sie zuerst über das Storno der früheren Gutschrift.";
        refused_reused: "This form was sent already with another decision. Choose again.", "Ce formulaire a déjà été envoyé avec une autre décision. Choisissez à nouveau.", "Dieses Formular wurde schon mit einer anderen Entscheidung gesendet. Wählen Sie neu.";
    }
}

impl SlaTexts {
    /// Returns the name of the state of a credit.
    #[must_use]
    pub(super) const fn credit_state(&self, state: CreditState) -> &'static str {
        match state {
            CreditState::Estimated => self.estimated,
            CreditState::Approved => self.approved,
            CreditState::Waived => self.waived,
            CreditState::Issued => self.issued,
            CreditState::Superseded => self.superseded,
        }
    }

    /// Returns the name of the basis of credits.
    #[must_use]
    pub(super) const fn basis_name(&self, basis: Basis) -> &'static str {
        match basis {
            Basis::PerIncident => self.per_incident,
            Basis::PerMonth => self.per_month,
            Basis::PerQuarter => self.per_quarter,
            Basis::PerYear => self.per_year,
        }
    }
}
