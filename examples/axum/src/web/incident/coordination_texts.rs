//! The texts about roles, approvals and checklists.

use incident_core::incident::{ResponseRole, RiskApprovalState, RoleStep};
use incident_core::response::{Activity, Warning};

use crate::web::frame::Frame;
use crate::web::texts::texts;

texts! {
    /// The texts about roles, approvals and checklists.
    CoordinationTexts {
        change_roles: "Change roles", "Changer les rôles", "Rollen wechseln";
        roles_title: "Change a role", "Changer un rôle", "Eine Rolle wechseln";
        holds: "{role}: {people}", "{role} : {people}", "{role}: {people}";
        no_changes: "The incident has ended: its roles no longer change.", "L’incident est terminé : ses rôles ne changent plus.", "Der Vorfall ist beendet: Seine Rollen wechseln nicht mehr.";
        step: "What happens", "Ce qui se passe", "Was geschieht";
        assume: "Assume a role", "Prendre un rôle", "Eine Rolle übernehmen";
        assume_note: "A free role, for yourself or another person.", "Un rôle libre, pour vous ou une autre personne.", "Eine freie Rolle, für Sie oder eine andere Person.";
        hand_over: "Hand a role over", "Transmettre un rôle", "Eine Rolle übergeben";
        hand_over_note: "To another person, with a note about what to watch.", "À une autre personne, avec une note sur ce qu’il faut surveiller.", "An eine andere Person, mit einer Notiz, worauf zu achten ist.";
        renounce: "Give a role up", "Quitter un rôle", "Eine Rolle abgeben";
        renounce_note: "An active incident keeps its commander: hand that role over.", "Un incident en cours garde son commandant : transmettez ce rôle.", "Ein aktiver Vorfall behält seine Einsatzleitung: Übergeben Sie diese Rolle.";
        role: "Role", "Rôle", "Rolle";
        person: "Person", "Personne", "Person";
        person_hint: "Left empty: you; in a handover, the person who holds the role.", "Vide : vous ; pour une transmission, la personne qui a le rôle.", "Leer: Sie; bei einer Übergabe die Person mit der Rolle.";
        to: "To whom", "À qui", "An wen";
        to_hint: "Only for a handover.", "Seulement pour une transmission.", "Nur bei einer Übergabe.";
        note: "Note", "Note", "Notiz";
        note_hint: "Goes to the timeline; needed for a handover.", "Va dans la chronologie ; nécessaire pour une transmission.", "Kommt in den Verlauf; bei einer Übergabe nötig.";
        roles_submit: "Change the role", "Changer le rôle", "Rolle wechseln";
        role_held: "Another person holds this role. Hand it over instead.", "Une autre personne a ce rôle. Transmettez-le plutôt.", "Eine andere Person hat diese Rolle. Übergeben Sie sie stattdessen.";
        role_held_already: "This person holds the role already.", "Cette personne a déjà ce rôle.", "Diese Person hat die Rolle schon.";
        role_not_held: "This person does not hold the role.", "Cette personne n’a pas ce rôle.", "Diese Person hat die Rolle nicht.";
        commander_needed: "An active incident keeps its commander. Hand the role over instead.", "Un incident en cours garde son commandant. Transmettez plutôt le rôle.", "Ein aktiver Vorfall behält seine Einsatzleitung. Übergeben Sie die Rolle stattdessen.";
        not_yours: "Only the person who holds the role, the commander of the incident or somebody with that right takes a role from its holder.", "Seule la personne qui a le rôle, le commandant de l’incident ou quelqu’un qui en a le droit retire un rôle à son titulaire.", "Nur wer die Rolle hat, die Einsatzleitung oder jemand mit diesem Recht nimmt eine Rolle ihrem Inhaber.";
        ended: "The incident has ended.", "L’incident est terminé.", "Der Vorfall ist beendet.";
        too_many: "This incident has as many of them as it can have.", "Cet incident en a autant qu’il peut en avoir.", "Dieser Vorfall hat so viele davon, wie er haben kann.";
        raci: "Who does what", "Qui fait quoi", "Wer was tut";
        raci_key: "R does it, A answers for it, C is consulted, I is informed.", "R le fait, A en répond, C est consulté, I est informé.", "R tut es, A verantwortet es, C wird gefragt, I wird informiert.";
        activity: "Activity", "Activité", "Aufgabe";
        declare_start_and_end: "Declare start and end", "Déclarer le début et la fin", "Beginn und Ende erklären";
        set_priorities: "Set priorities", "Fixer les priorités", "Prioritäten setzen";
        authorise_risky_actions: "Authorise risky actions", "Autoriser les actions risquées", "Riskante Schritte freigeben";
        decide_escalation: "Decide on escalation", "Décider de l’escalade", "Über Eskalation entscheiden";
        investigate: "Investigate", "Enquêter", "Untersuchen";
        inform: "Inform", "Informer", "Informieren";
        write_timeline: "Write the timeline", "Tenir la chronologie", "Den Verlauf schreiben";
        approvals: "Approvals", "Approbations", "Freigaben";
        no_approvals: "No risky action waits for an approval.", "Aucune action risquée n’attend d’approbation.", "Kein riskanter Schritt wartet auf eine Freigabe.";
        request: "Request an approval", "Demander une approbation", "Eine Freigabe beantragen";
        request_help: "The commander and one more person approve; you cannot. The approval is recorded, and nothing is done by itself.", "Le commandant et une autre personne approuvent ; vous ne le pouvez pas. L’approbation est notée, rien n’est fait automatiquement.", "Die Einsatzleitung und eine weitere Person geben frei; Sie selbst nicht. Die Freigabe wird festgehalten, von selbst geschieht nichts.";
        no_commander_yet: "Nobody commands this incident yet: it cannot be approved before somebody does.", "Personne ne commande encore cet incident : rien ne peut être approuvé d’ici là.", "Noch leitet niemand diesen Vorfall: Vorher kann nichts freigegeben werden.";
        requester_is_commander: "You command this incident: you approve, and somebody else requests.", "Vous commandez cet incident : vous approuvez, une autre personne demande.", "Sie leiten diesen Vorfall: Sie geben frei, jemand anderes beantragt.";
        text: "What is to be done", "Ce qui doit être fait", "Was getan werden soll";
        text_hint: "For example: roll back release 42.", "Par exemple : revenir sur la version 42.", "Zum Beispiel: Version 42 zurücknehmen.";
        request_submit: "Request the approval", "Demander l’approbation", "Freigabe beantragen";
        approval_title: "Approval {n}", "Approbation {n}", "Freigabe {n}";
        decide_title: "Decide about an approval", "Décider d’une approbation", "Über eine Freigabe entscheiden";
        erased: "(erased)", "(effacé)", "(gelöscht)";
        asked_by: "Requested by {person}", "Demandée par {person}", "Beantragt von {person}";
        as_commander: "Approved by {person}, commander", "Approuvée par {person}, commandant", "Freigegeben von {person}, Einsatzleitung";
        as_backup: "Approved by {person}", "Approuvée par {person}", "Freigegeben von {person}";
        refused_by: "Refused by {person}", "Refusée par {person}", "Abgelehnt von {person}";
        withdrawn_by: "Withdrawn by {person}", "Retirée par {person}", "Zurückgezogen von {person}";
        state_requested: "requested", "demandée", "beantragt";
        state_approved: "approved", "approuvée", "freigegeben";
        state_refused: "refused", "refusée", "abgelehnt";
        state_withdrawn: "withdrawn", "retirée", "zurückgezogen";
        decide: "Decide", "Décider", "Entscheiden";
        decision: "Decision", "Décision", "Entscheidung";
        approve: "Approve", "Approuver", "Freigeben";
        refuse: "Refuse", "Refuser", "Ablehnen";
        withdraw: "Withdraw the request", "Retirer la demande", "Antrag zurückziehen";
        reason: "Reason or note", "Motif ou note", "Grund oder Notiz";
        reason_hint: "Needed to refuse or to withdraw.", "Nécessaire pour refuser ou retirer.", "Zum Ablehnen oder Zurückziehen nötig.";
        decide_submit: "Record the decision", "Noter la décision", "Entscheidung festhalten";
        decided: "It is decided already.", "C’est déjà décidé.", "Es ist schon entschieden.";
        requester_cannot_approve: "You requested it: other people approve it.", "Vous l’avez demandée : d’autres l’approuvent.", "Sie haben sie beantragt: Andere geben sie frei.";
        already_approved: "You approved it: a second person is needed.", "Vous l’avez approuvée : il faut une seconde personne.", "Sie haben sie freigegeben: Eine zweite Person ist nötig.";
        commander_missing: "One person approved it: the second one has to be the commander.", "Une personne l’a approuvée : la seconde doit être le commandant.", "Eine Person gab sie frei: Die zweite muss die Einsatzleitung sein.";
        checklists: "Checklists", "Listes de contrôle", "Checklisten";
        no_lists: "No checklist applies now.", "Aucune liste ne s’applique maintenant.", "Jetzt gilt keine Checkliste.";
        progress: "{done} of {total}", "{done} sur {total}", "{done} von {total}";
        tick_hint: "Goes to the timeline with the item that you tick next.", "Va dans la chronologie avec le prochain point coché.", "Kommt mit dem nächsten abgehakten Punkt in den Verlauf.";
        no_item: "Choose the item to tick.", "Choisissez le point à cocher.", "Wählen Sie den Punkt, der abgehakt wird.";
        already_ticked: "The item is ticked already. Write the note as an update.", "Ce point est déjà coché. Écrivez la note comme point d’étape.", "Der Punkt ist schon abgehakt. Schreiben Sie die Notiz als Meldung.";
        tick: "Tick: {item}", "Cocher : {item}", "Abhaken: {item}";
        not_open: "This list does not apply now.", "Cette liste ne s’applique pas maintenant.", "Diese Liste gilt jetzt nicht.";
        to_remember: "Easily forgotten", "À ne pas oublier", "Leicht vergessen";
        no_commander: "Nobody commands this incident.", "Personne ne commande cet incident.", "Niemand leitet diesen Vorfall.";
        no_cause: "No cause is recorded.", "Aucune cause n’est notée.", "Keine Ursache ist eingetragen.";
        verify_incomplete: "Resolved with {done} of {total} items of the list before the resolution.", "Résolu avec {done} points sur {total} de la liste avant la résolution.", "Gelöst mit {done} von {total} Punkten der Liste vor der Lösung.";
        no_post_mortem: "No post-mortem is linked; it is needed before the incident can be closed.", "Aucun post-mortem n’est lié ; il en faut un pour clore l’incident.", "Kein Post-mortem ist verknüpft; ohne lässt sich der Vorfall nicht schließen.";
        entry_assumed: "{person} assumed the role {role}", "{person} a pris le rôle {role}", "{person} hat die Rolle {role} übernommen";
        entry_handed: "{person} handed the role {role} over to {to}", "{person} a transmis le rôle {role} à {to}", "{person} hat die Rolle {role} an {to} übergeben";
        entry_renounced: "{person} gave up the role {role}", "{person} a quitté le rôle {role}", "{person} hat die Rolle {role} abgegeben";
        entry_ticked: "ticked, {list}", "point coché, {list}", "abgehakt, {list}";
        entry_requested: "requested approval {n}", "a demandé l’approbation {n}", "hat Freigabe {n} beantragt";
        entry_approved: "gave approval {n}; one more person has to approve", "a donné l’approbation {n} ; il en faut une seconde", "hat Freigabe {n} erteilt; eine zweite Person fehlt noch";
        entry_complete: "gave approval {n}, which is complete", "a donné l’approbation {n}, désormais complète", "hat Freigabe {n} erteilt, sie ist vollständig";
        entry_refused: "refused approval {n}", "a refusé l’approbation {n}", "hat Freigabe {n} abgelehnt";
        entry_withdrawn: "withdrew the request for approval {n}", "a retiré la demande d’approbation {n}", "hat den Antrag auf Freigabe {n} zurückgezogen";
    }
}

impl CoordinationTexts {
    /// Returns the name of a step, and the line below it.
    pub(super) const fn role_step(&self, step: RoleStep) -> (&'static str, &'static str) {
        match step {
            RoleStep::Assume => (self.assume, self.assume_note),
            RoleStep::HandOver => (self.hand_over, self.hand_over_note),
            RoleStep::Renounce => (self.renounce, self.renounce_note),
        }
    }

    /// Returns the name of an activity.
    pub(super) const fn activity_word(&self, activity: Activity) -> &'static str {
        match activity {
            Activity::DeclareStartAndEnd => self.declare_start_and_end,
            Activity::SetPriorities => self.set_priorities,
            Activity::AuthoriseRiskyActions => self.authorise_risky_actions,
            Activity::DecideEscalation => self.decide_escalation,
            Activity::Investigate => self.investigate,
            Activity::Inform => self.inform,
            Activity::WriteTimeline => self.write_timeline,
        }
    }

    /// Returns the word for the state of an approval.
    pub(super) const fn approval_state(&self, state: RiskApprovalState) -> &'static str {
        match state {
            RiskApprovalState::Requested => self.state_requested,
            RiskApprovalState::Approved => self.state_approved,
            RiskApprovalState::Refused => self.state_refused,
            RiskApprovalState::Withdrawn => self.state_withdrawn,
        }
    }

    /// Returns the sentence for the code of a refusal.
    pub(super) fn refusal(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "role_held" => self.role_held,
            "role_held_already" => self.role_held_already,
            "role_not_held" => self.role_not_held,
            "commander_needed" => self.commander_needed,
            "forbidden" => self.not_yours,
            "incident_ended" => self.ended,
            "too_many_role_changes" | "too_many_approvals" | "too_many_ticks" => self.too_many,
            "requester_is_commander" => self.requester_is_commander,
            "requester_cannot_approve" | "requester_cannot_refuse" => self.requester_cannot_approve,
            "already_approved" => self.already_approved,
            "commander_missing" => self.commander_missing,
            "approval_decided" => self.decided,
            "checklist_not_open" => self.not_open,
            "already_ticked" => self.already_ticked,
            _ => return None,
        })
    }

    /// Returns a warning in words; none for an update that is overdue, which the head shows.
    pub(super) fn warning(&self, frame: &Frame<'_>, warning: &Warning) -> Option<String> {
        Some(match warning {
            Warning::UpdateOverdue { .. } => return None,
            Warning::NoCommander => self.no_commander.to_owned(),
            Warning::NoCause => self.no_cause.to_owned(),
            Warning::NoPostMortem => self.no_post_mortem.to_owned(),
            Warning::VerifyIncomplete { done, total } => {
                let (done, total) = (done.to_string(), total.to_string());
                let values = [("done", done.as_str()), ("total", total.as_str())];
                frame.fill(self.verify_incomplete, &values)
            }
        })
    }
}

/// All steps of a role, in the order of the form.
pub(super) const STEPS: [RoleStep; 3] = [RoleStep::Assume, RoleStep::HandOver, RoleStep::Renounce];

/// Returns the role of its name on the wire.
pub(super) fn role_of(name: &str) -> Option<ResponseRole> {
    ResponseRole::ALL
        .into_iter()
        .find(|role| role.name() == name)
}
