//! The texts of the page that helps to choose a severity.

use incident_core::Currency;
use incident_core::response::{ClassificationFact, ClassificationReason};

use crate::web::frame::Frame;
use crate::web::numbers::{money, percent};
use crate::web::texts::{fill, texts};

texts! {
    /// The texts of the page that helps to choose a severity.
    ClassifyTexts {
        title: "How bad is it?", "Quelle est la gravité ?", "Wie schwer ist es?";
        lead: "Answer what you know, and leave the rest open: an open question is never taken for a no. You decide in the end.", "Répondez à ce que vous savez et laissez le reste ouvert : une question ouverte n’est jamais comptée comme un non. La décision vous revient.", "Beantworten Sie, was Sie wissen, und lassen Sie den Rest offen: Eine offene Frage zählt nie als Nein. Am Ende entscheiden Sie.";
        extent: "How far it reaches", "Quelle étendue", "Wie weit es reicht";
        functions: "What does not work", "Ce qui ne marche pas", "Was nicht geht";
        stakes: "What is at stake", "Ce qui est en jeu", "Was auf dem Spiel steht";
        order: "For the priority", "Pour la priorité", "Für die Priorität";
        open: "not known", "inconnu", "nicht bekannt";
        yes: "yes", "oui", "ja";
        no: "no", "non", "nein";
        service_down: "A service is fully down", "Un service est entièrement en panne", "Ein Dienst ist ganz ausgefallen";
        core_action: "A core action is blocked for everybody of one role", "Une action essentielle est bloquée pour tout un rôle", "Eine Kernfunktion ist für alle einer Rolle blockiert";
        core_action_hint: "Such as all guests or all administrators, even while the service answers.", "Par exemple tous les invités ou tous les administrateurs, même si le service répond.", "Etwa für alle Gäste oder alle Verwalter, auch wenn der Dienst antwortet.";
        users_hit: "Share of users hit, in percent", "Part des utilisateurs touchés, en pour cent", "Anteil betroffener Nutzer in Prozent";
        region_down: "One region is down", "Une région est en panne", "Eine Region ist ausgefallen";
        critical_feature: "A critical feature is down", "Une fonction critique est en panne", "Eine kritische Funktion ist ausgefallen";
        critical_feature_hint: "Login, payment, upload.", "Connexion, paiement, envoi de fichiers.", "Anmeldung, Zahlung, Hochladen.";
        performance: "Performance is severely degraded", "Les performances sont gravement dégradées", "Die Leistung ist stark beeinträchtigt";
        jobs: "Critical background jobs pile up", "Des tâches de fond critiques s’accumulent", "Kritische Hintergrundaufgaben stauen sich";
        secondary: "A secondary feature is hit", "Une fonction secondaire est touchée", "Eine Nebenfunktion ist betroffen";
        workaround: "There is a workaround", "Il existe un contournement", "Es gibt einen Umweg";
        cosmetic: "It is cosmetic, or an edge case", "C’est cosmétique, ou un cas limite", "Es ist kosmetisch oder ein Randfall";
        data_loss: "Lost data", "Données perdues", "Datenverlust";
        breach: "A security breach is active", "Une intrusion est en cours", "Ein Sicherheitsvorfall ist im Gange";
        revenue: "Revenue blocked per hour, in {currency}", "Revenu bloqué par heure, en {currency}", "Blockierter Umsatz je Stunde, in {currency}";
        revenue_hint: "With its currency, such as {example}.", "Avec sa devise, par exemple {example}.", "Mit Währung, etwa {example}.";
        event_day: "It blocks a paying customer on the day of their event", "Un client payant est bloqué le jour de son événement", "Ein zahlender Kunde ist am Tag seiner Veranstaltung blockiert";
        impact: "Impact on users", "Impact sur les utilisateurs", "Schwere für Nutzer";
        urgency: "Urgency", "Urgence", "Dringlichkeit";
        propose: "Propose a severity", "Proposer une gravité", "Schwere vorschlagen";
        propose_again: "Propose again", "Proposer à nouveau", "Neu vorschlagen";
        answer: "Proposal", "Proposition", "Vorschlag";
        no_answer: "Nothing is proposed yet. Nothing is declared by this page either.", "Rien n’est encore proposé. Cette page ne déclare rien non plus.", "Noch ist nichts vorgeschlagen. Diese Seite meldet auch nichts.";
        because: "Because", "Parce que", "Weil";
        floor: "The day of a customer’s event raises it to SEV2.", "Le jour de l’événement d’un client l’élève à SEV2.", "Der Tag der Veranstaltung eines Kunden hebt es auf SEV2.";
        doubt: "The worst reason wins: in doubt the higher severity.", "La raison la plus grave l’emporte : dans le doute, la gravité supérieure.", "Der schwerste Grund zählt: im Zweifel die höhere Schwere.";
        priority: "Priority {priority}, by impact and urgency.", "Priorité {priority}, selon l’impact et l’urgence.", "Priorität {priority}, nach Schwere für Nutzer und Dringlichkeit.";
        unanswered: "{n} question is open | {n} questions are open", "{n} question reste ouverte | {n} questions restent ouvertes", "{n} Frage ist offen | {n} Fragen sind offen";
        declare_as: "Declare as {severity}", "Déclarer en {severity}", "Als {severity} melden";
        next: "Takes you back to the form with what you typed. Nobody is paged before you declare there.", "Vous ramène au formulaire avec ce que vous avez saisi. Personne n’est alerté avant que vous n’y déclariez.", "Bringt Sie mit allem, was Sie eingegeben haben, zum Formular zurück. Alarmiert wird erst, wenn Sie dort melden.";
        back: "Back without a proposal", "Revenir sans proposition", "Zurück ohne Vorschlag";
        service_down_why: "a service is fully down", "un service est entièrement en panne", "ein Dienst ganz ausgefallen ist";
        core_action_why: "a core action is blocked for everybody of one role", "une action essentielle est bloquée pour tout un rôle", "eine Kernfunktion für alle einer Rolle blockiert ist";
        most_users_why: "{hit} of users are hit, more than {limit}", "{hit} des utilisateurs sont touchés, plus de {limit}", "{hit} der Nutzer betroffen sind, mehr als {limit}";
        data_lost_why: "data was lost", "des données sont perdues", "Daten verloren sind";
        data_suspected_why: "data may have been lost", "des données sont peut-être perdues", "vielleicht Daten verloren sind";
        breach_why: "a security breach is active", "une intrusion est en cours", "ein Sicherheitsvorfall im Gange ist";
        critical_revenue_why: "{lost} an hour is blocked, more than {limit}", "{lost} par heure sont bloqués, plus de {limit}", "{lost} je Stunde blockiert sind, mehr als {limit}";
        many_users_why: "{hit} of users are hit, at least {limit}", "{hit} des utilisateurs sont touchés, au moins {limit}", "{hit} der Nutzer betroffen sind, mindestens {limit}";
        critical_feature_why: "a critical feature is down", "une fonction critique est en panne", "eine kritische Funktion ausgefallen ist";
        performance_why: "performance is severely degraded", "les performances sont gravement dégradées", "die Leistung stark beeinträchtigt ist";
        jobs_why: "critical background jobs pile up", "des tâches de fond critiques s’accumulent", "sich kritische Hintergrundaufgaben stauen";
        region_why: "one region is down", "une région est en panne", "eine Region ausgefallen ist";
        major_revenue_why: "{lost} an hour is blocked, at least {limit}", "{lost} par heure sont bloqués, au moins {limit}", "{lost} je Stunde blockiert sind, mindestens {limit}";
        event_day_why: "a paying customer is blocked on the day of their event: at least SEV2", "un client payant est bloqué le jour de son événement : au moins SEV2", "ein zahlender Kunde am Tag seiner Veranstaltung blockiert ist: mindestens SEV2";
        few_users_why: "{hit} of users are hit, less than {limit}", "{hit} des utilisateurs sont touchés, moins de {limit}", "{hit} der Nutzer betroffen sind, weniger als {limit}";
        secondary_why: "a secondary feature is hit", "une fonction secondaire est touchée", "eine Nebenfunktion betroffen ist";
        workaround_why: "there is a workaround", "il existe un contournement", "es einen Umweg gibt";
        no_rule_why: "no rule speaks for another severity, and it is not known to be cosmetic", "aucune règle n’indique une autre gravité, et rien ne dit que c’est cosmétique", "keine Regel für eine andere Schwere spricht und nicht bekannt ist, dass es kosmetisch ist";
        cosmetic_why: "it is cosmetic or an edge case", "c’est cosmétique ou un cas limite", "es kosmetisch oder ein Randfall ist";
    }
}

impl ClassifyTexts {
    /// Returns the question about a fact. Revenue is asked for in a currency.
    pub(super) fn question(&self, fact: ClassificationFact, currency: Currency) -> String {
        let text = match fact {
            ClassificationFact::ServiceDown => self.service_down,
            ClassificationFact::CoreActionBlocked => self.core_action,
            ClassificationFact::UsersHitPercent => self.users_hit,
            ClassificationFact::DataLoss => self.data_loss,
            ClassificationFact::SecurityBreach => self.breach,
            ClassificationFact::RevenuePerHour => {
                return fill(self.revenue, &[("currency", currency.code())]);
            }
            ClassificationFact::CriticalFeatureDown => self.critical_feature,
            ClassificationFact::PerformanceDegraded => self.performance,
            ClassificationFact::BackgroundJobsPilingUp => self.jobs,
            ClassificationFact::RegionDown => self.region_down,
            ClassificationFact::SecondaryFeature => self.secondary,
            ClassificationFact::Workaround => self.workaround,
            ClassificationFact::Cosmetic => self.cosmetic,
            ClassificationFact::CustomerEventDay => self.event_day,
        };
        text.to_owned()
    }

    /// Returns a reason as the end of a sentence.
    pub(super) fn reason(&self, frame: &Frame<'_>, reason: &ClassificationReason) -> String {
        use ClassificationReason as Reason;
        let language = frame.reader.language;
        let shares = |text, hit, limit| {
            let (hit, limit) = (percent(language, hit), percent(language, limit));
            frame.fill(text, &[("hit", &hit), ("limit", &limit)])
        };
        let amounts = |text, lost, limit| {
            let (lost, limit) = (money(language, lost), money(language, limit));
            frame.fill(text, &[("lost", &lost), ("limit", &limit)])
        };
        let text = match *reason {
            Reason::MostUsersHit { hit, above } => return shares(self.most_users_why, hit, above),
            Reason::ManyUsersHit { hit, from } => return shares(self.many_users_why, hit, from),
            Reason::FewUsersHit { hit, below } => return shares(self.few_users_why, hit, below),
            Reason::CriticalRevenue { lost, above } => {
                return amounts(self.critical_revenue_why, lost, above);
            }
            Reason::MajorRevenue { lost, from } => {
                return amounts(self.major_revenue_why, lost, from);
            }
            Reason::ServiceDown => self.service_down_why,
            Reason::CoreActionBlocked => self.core_action_why,
            Reason::DataLost => self.data_lost_why,
            Reason::DataLossSuspected => self.data_suspected_why,
            Reason::SecurityBreach => self.breach_why,
            Reason::CriticalFeatureDown => self.critical_feature_why,
            Reason::PerformanceDegraded => self.performance_why,
            Reason::BackgroundJobsPilingUp => self.jobs_why,
            Reason::RegionDown => self.region_why,
            Reason::CustomerEventDay => self.event_day_why,
            Reason::SecondaryFeature => self.secondary_why,
            Reason::Workaround => self.workaround_why,
            Reason::NoRule => self.no_rule_why,
            Reason::Cosmetic => self.cosmetic_why,
        };
        text.to_owned()
    }
}
