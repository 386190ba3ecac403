//! The texts about people who have to be notified of lost or leaked data.

use crate::web::texts::texts;

texts! {
    /// The texts about people who have to be notified of lost or leaked data.
    NotifiedTexts {
        users_title: "Record that users were notified", "Noter que les utilisateurs sont prévenus", "Benachrichtigung der Nutzer festhalten";
        users_help: "This page sends nothing. Once you have written to the users whose data was lost, record it here: it goes to the timeline, and nobody is reminded of it any more.", "Cette page n’envoie rien. Une fois prévenus les utilisateurs dont des données sont perdues, notez-le ici : c’est inscrit dans la chronologie, et les rappels cessent.", "Diese Seite sendet nichts. Sobald Sie den Nutzern geschrieben haben, deren Daten verloren gingen, halten Sie es hier fest: Es kommt in den Verlauf, und niemand wird mehr daran erinnert.";
        users_hint: "For example: letter of 20 November to 1,204 users, by mail. Name no user here.", "Par exemple : courriel du 20 novembre à 1 204 utilisateurs. N’y nommez aucun utilisateur.", "Zum Beispiel: E-Mail vom 20. November an 1.204 Nutzer. Nennen Sie hier keine Nutzer.";
        no_loss: "No loss of data is confirmed: there is nothing to record. Correct that fact first if it is wrong.", "Aucune perte de données n’est confirmée : il n’y a rien à noter. Corrigez d’abord ce fait s’il est faux.", "Kein Datenverlust ist bestätigt: Es gibt nichts festzuhalten. Ist das falsch, berichtigen Sie es zuerst.";
        authority_title: "Record that the authority was notified", "Noter que l’autorité est prévenue", "Benachrichtigung der Behörde festhalten";
        authority_help: "This page sends nothing. Once the data protection authority is notified, record it here: it goes to the timeline, and the clock of 72 hours (GDPR, article 33) stops.", "Cette page n’envoie rien. Une fois l’autorité de protection des données prévenue, notez-le ici : c’est inscrit dans la chronologie, et le délai de 72 heures (RGPD, article 33) s’arrête.", "Diese Seite sendet nichts. Sobald die Datenschutzbehörde benachrichtigt ist, halten Sie es hier fest: Es kommt in den Verlauf, und die Frist von 72 Stunden (DSGVO, Artikel 33) endet.";
        authority_hint: "For example: form sent to the authority, with its file number.", "Par exemple : formulaire envoyé à l’autorité, avec le numéro du dossier.", "Zum Beispiel: Meldung an die Behörde, mit ihrem Aktenzeichen.";
        no_leak: "No leak of data is suspected: there is nothing to record. Correct that fact first if it is wrong.", "Aucune fuite de données n’est soupçonnée : il n’y a rien à noter. Corrigez d’abord ce fait s’il est faux.", "Kein Datenleck ist vermutet: Es gibt nichts festzuhalten. Ist das falsch, berichtigen Sie es zuerst.";
        deadline: "Deadline", "Échéance", "Frist";
        known: "{person} recorded it already, {time}. What you write now becomes a further entry.", "{person} l’a déjà noté, {time}. Ce que vous écrivez devient une entrée de plus.", "{person} hat es schon festgehalten, {time}. Was Sie jetzt schreiben, wird ein weiterer Eintrag.";
        stale: "{person} recorded it while you wrote, {time}. Send yours again if it is to become a further entry.", "{person} l’a noté pendant votre saisie, {time}. Renvoyez le vôtre s’il doit devenir une entrée de plus.", "{person} hat es festgehalten, während Sie schrieben, {time}. Senden Sie Ihres noch einmal, wenn es ein weiterer Eintrag werden soll.";
        withdrawn: "This changed while you wrote. Look at it again, then send it.", "Cela a changé pendant votre saisie. Relisez, puis renvoyez.", "Das hat sich geändert, während Sie schrieben. Sehen Sie es noch einmal an, dann senden Sie es.";
        somebody: "Somebody", "Quelqu’un", "Jemand";
        note: "What was sent, and to whom", "Ce qui a été envoyé, et à qui", "Was an wen gesendet wurde";
        submit: "Record it", "Le noter", "Festhalten";
        export: "Export affected users (CSV)", "Exporter les utilisateurs touchés (CSV)", "Betroffene Nutzer exportieren (CSV)";
        export_help: "The list names people. Each export is noted in the audit trail.", "La liste nomme des personnes. Chaque export est noté dans l’audit.", "Die Liste nennt Menschen. Jeder Export steht im Protokoll.";
    }
}
