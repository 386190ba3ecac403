//! The page that helps to choose a severity.

use serde_json::json;

use super::incident::{between, hidden, key_of, led_to, must_be_refused};
use super::{must_not_be_english, page, page_in, submit, submit_in};
use crate::over_http::harness::{ADMIN, IN_EUROS, RESPONDER, Server, VIEWER};

const FORM: &str = "/incidents/new";
const CLASSIFY: &str = "/incidents/classify";

/// The text of a declaration goes to the questions and comes back with the proposal, and a
/// declaration that does not follow it says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_with_the_proposal() {
    let server = Server::start().await;
    let key = key_of(&server, RESPONDER, FORM).await;
    // More than an address can hold.
    let summary = "since the \"deploy\" <b>\n".repeat(500);
    let typed = [
        ("key", key.as_str()),
        ("title", "Payments <fail> for all"),
        ("affected_services", "payments"),
        ("affected_services", "api"),
        ("affected_services", ""),
        ("affected_tenants", "club-fr"),
        ("summary", summary.as_str()),
        ("source", "customer"),
    ];
    let shown = submit(&server, RESPONDER, CLASSIFY, &typed).await;
    assert!(
        shown.text.contains("Nothing is proposed yet"),
        "{}",
        shown.text
    );
    assert_eq!(hidden(&shown, "key"), key);
    assert!(!shown.text.contains("value=\"proposal\""));
    let answers = [
        ("step", "classify"),
        ("users_hit_percent", "35 %"),
        ("workaround", "yes"),
        ("security_breach", "no"),
    ];
    let all: Vec<_> = typed.into_iter().chain(answers).collect();
    let shown = submit(&server, RESPONDER, CLASSIFY, &all).await;
    assert_eq!(shown.status, 200);
    let proposal = between(&shown, "id=\"proposal\"", "</section>");
    for part in [
        "SEV2",
        "35% of users are hit, at least 20%",
        "there is a workaround",
        "11 questions are open",
        "Declare as SEV2",
    ] {
        assert!(proposal.contains(part), "{part}: {proposal}");
    }
    // The answers stay, and so does what was typed.
    assert!(shown.text.contains("value=\"35 %\""), "{}", shown.text);
    assert!(
        shown
            .text
            .contains("value=\"Payments &lt;fail&gt; for all\"")
    );
    let taken: Vec<_> = all.into_iter().chain([("take", "proposal")]).collect();
    let form = submit(&server, RESPONDER, CLASSIFY, &taken).await;
    assert_eq!(form.status, 200);
    assert_eq!(hidden(&form, "key"), key);
    assert_eq!(hidden(&form, "proposed_severity"), "SEV2");
    assert!(
        form.text.contains("value=\"SEV2\" checked"),
        "{}",
        form.text
    );
    assert!(form.text.contains("SEV2 was proposed from your answers."));
    assert!(
        form.text
            .contains("value=\"Payments &lt;fail&gt; for all\"")
    );
    assert!(
        form.text.contains(
            &summary
                .trim_end()
                .replace('&', "&amp;")
                .replace('"', "&quot;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
        )
    );
    for name in ["payments", "api", "club-fr"] {
        assert!(form.text.contains(&format!("value=\"{name}\"")), "{name}");
    }
    // Nothing has been declared, and nobody was paged.
    let listed = server.get(VIEWER, "/sys/incidents").await.is(200);
    assert_eq!(listed["items"], json!([]));
    let audit = server.get(ADMIN, "/sys/audit").await.is(200);
    assert_eq!(audit["items"], json!([]));
    let declared: Vec<_> = typed
        .into_iter()
        .chain([("proposed_severity", "SEV2"), ("severity", "SEV3")])
        .collect();
    let web = led_to(&submit(&server, RESPONDER, FORM, &declared).await).to_owned();
    let incident = server.get(VIEWER, &format!("/sys{web}")).await.is(200);
    assert_eq!(incident["severity"], "SEV3");
    for (language, sentence) in [
        ("en", "declared SEV3, while SEV2 was proposed"),
        ("fr", "a déclaré SEV3, alors que SEV2 était proposé"),
        ("de", "hat SEV3 gemeldet, obwohl SEV2 vorgeschlagen war"),
    ] {
        let shown = page_in(&server, VIEWER, &web, language).await;
        assert!(shown.text.contains(sentence), "{sentence}: {}", shown.text);
        assert!(
            !shown.text.contains("was proposed, declared as"),
            "{language}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_back_without_a_proposal_has_what_was_typed() {
    let server = Server::start().await;
    let typed = [
        ("title", "Exports hang"),
        ("severity", "SEV4"),
        ("service_down", "yes"),
        ("take", "nothing"),
    ];
    let form = submit(&server, RESPONDER, CLASSIFY, &typed).await;
    assert_eq!(form.status, 200);
    assert!(
        form.text.contains("value=\"Exports hang\""),
        "{}",
        form.text
    );
    assert!(form.text.contains("value=\"SEV4\" checked"));
    assert!(!form.text.contains("name=\"proposed_severity\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_stand_beside_their_questions_and_the_text_stays() {
    let server = Server::start().await;
    for (field, wrong) in [
        ("service_down", "perhaps"),
        ("users_hit_percent", "many"),
        ("users_hit_percent", "101"),
        ("revenue_per_hour", "500"),
        ("revenue_per_hour", "1.5 XAF"),
        ("revenue_per_hour", "500 EUR"),
        ("data_loss", "some"),
        ("impact", "huge"),
    ] {
        for more in [("step", "classify"), ("take", "proposal")] {
            let fields = [("title", "5xx \"here\" <script>"), (field, wrong), more];
            let refused = submit(&server, RESPONDER, CLASSIFY, &fields).await;
            must_be_refused(&refused, 422, field, "5xx &quot;here&quot; &lt;script&gt;");
        }
        let query = format!("{CLASSIFY}?{}", super::form(&[(field, wrong)]));
        let refused = page(&server, RESPONDER, &query).await;
        assert_eq!(refused.status, 422, "{field}");
    }
    // All of them are named at once.
    let fields = [
        ("users_hit_percent", "many"),
        ("revenue_per_hour", "500"),
        ("data_loss", "some"),
    ];
    let refused = submit(&server, RESPONDER, CLASSIFY, &fields).await;
    for (field, _) in fields {
        must_be_refused(&refused, 422, field, "value=\"many\"");
    }
    server.stop().await;
}

/// Every reason has its words in each language.
#[tokio::test(flavor = "multi_thread")]
async fn reasons_are_in_the_language_of_the_reader() {
    let server = Server::start().await;
    let cases = [
        (
            "service_down=yes",
            "SEV1",
            "entièrement en panne",
            "ganz ausgefallen ist",
        ),
        (
            "core_action_blocked=yes",
            "SEV1",
            "bloquée pour tout un rôle",
            "einer Rolle blockiert ist",
        ),
        (
            "users_hit_percent=90.5",
            "SEV1",
            "90,5\u{a0}% des utilisateurs sont touchés, plus de 90\u{a0}%",
            "mehr als 90\u{a0}%",
        ),
        (
            "users_hit_percent=90",
            "SEV2",
            "au moins 20\u{a0}%",
            "mindestens 20\u{a0}%",
        ),
        (
            "users_hit_percent=19,9",
            "SEV3",
            "moins de 20\u{a0}%",
            "weniger als 20\u{a0}%",
        ),
        (
            "data_loss=confirmed",
            "SEV1",
            "des données sont perdues",
            "Daten verloren sind",
        ),
        (
            "data_loss=suspected",
            "SEV1",
            "peut-être perdues",
            "vielleicht Daten verloren sind",
        ),
        (
            "security_breach=yes",
            "SEV1",
            "une intrusion est en cours",
            "im Gange ist",
        ),
        (
            "revenue_per_hour=1000001+XAF",
            "SEV1",
            "par heure sont bloqués, plus de",
            "je Stunde blockiert sind, mehr als",
        ),
        (
            "revenue_per_hour=1000000+XAF",
            "SEV2",
            "par heure sont bloqués, au moins",
            "je Stunde blockiert sind, mindestens",
        ),
        (
            "critical_feature_down=yes",
            "SEV2",
            "une fonction critique est en panne",
            "kritische Funktion ausgefallen ist",
        ),
        (
            "performance_degraded=yes",
            "SEV2",
            "les performances sont gravement",
            "die Leistung stark beeinträchtigt ist",
        ),
        (
            "background_jobs_piling_up=yes",
            "SEV2",
            "des tâches de fond critiques",
            "sich kritische Hintergrundaufgaben",
        ),
        (
            "region_down=yes",
            "SEV2",
            "une région est en panne",
            "eine Region ausgefallen ist",
        ),
        (
            "customer_event_day=yes",
            "SEV2",
            "au moins SEV2",
            "mindestens SEV2",
        ),
        (
            "secondary_feature=yes",
            "SEV3",
            "une fonction secondaire est touchée",
            "eine Nebenfunktion betroffen ist",
        ),
        (
            "workaround=yes",
            "SEV3",
            "il existe un contournement",
            "es einen Umweg gibt",
        ),
        (
            "cosmetic=yes",
            "SEV4",
            "c’est cosmétique ou un cas limite",
            "es kosmetisch oder ein Randfall ist",
        ),
        (
            "service_down=no",
            "SEV3",
            "aucune règle n’indique",
            "keine Regel für eine andere",
        ),
    ];
    for (query, severity, french, german) in cases {
        let path = format!("{CLASSIFY}?{query}");
        for (language, sentence, button) in [
            ("fr", french, format!("Déclarer en {severity}")),
            ("de", german, format!("Als {severity} melden")),
            ("en", "", format!("Declare as {severity}")),
        ] {
            let shown = page_in(&server, RESPONDER, &path, language).await;
            assert_eq!(shown.status, 200, "{query}");
            let proposal = between(&shown, "id=\"proposal\"", "</section>");
            assert!(
                proposal.contains(sentence),
                "{query} {language}: {proposal}"
            );
            assert!(proposal.contains(&button), "{query} {language}: {proposal}");
            if language != "en" {
                must_not_be_english(&shown);
                for english in [
                    "Because",
                    "hit",
                    "Propose",
                    "not known",
                    "blocked",
                    "questions are open",
                ] {
                    assert!(
                        !proposal.contains(english),
                        "{query} {language} {english}: {proposal}"
                    );
                }
            }
        }
    }
    let floor = page(
        &server,
        RESPONDER,
        &format!("{CLASSIFY}?cosmetic=yes&customer_event_day=yes&impact=high&urgency=low"),
    )
    .await;
    let proposal = between(&floor, "id=\"proposal\"", "</section>");
    assert!(proposal.contains("raises it to SEV2"), "{proposal}");
    assert!(proposal.contains("Priority P3"), "{proposal}");
    let plain = page(
        &server,
        RESPONDER,
        &format!("{CLASSIFY}?service_down=yes&customer_event_day=yes"),
    )
    .await;
    assert!(!plain.text.contains("raises it to SEV2"));
    server.stop().await;
}

/// Figures and currency are those of the policy, in the form of the reader.
#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_those_of_the_policy() {
    let server = Server::start_under(IN_EUROS).await;
    let cases = [
        (
            "users_hit_percent=50.0001",
            "SEV1",
            "50.0001% of users are hit, more than 50%",
            "50,0001\u{a0}% des utilisateurs sont touchés, plus de 50\u{a0}%",
            "50,0001\u{a0}% der Nutzer betroffen sind, mehr als 50\u{a0}%",
        ),
        (
            "users_hit_percent=50",
            "SEV2",
            "50% of users are hit, at least 10%",
            "50\u{a0}% des utilisateurs sont touchés, au moins 10\u{a0}%",
            "50\u{a0}% der Nutzer betroffen sind, mindestens 10\u{a0}%",
        ),
        (
            "users_hit_percent=10",
            "SEV2",
            "10% of users are hit, at least 10%",
            "10\u{a0}% des utilisateurs sont touchés, au moins 10\u{a0}%",
            "10\u{a0}% der Nutzer betroffen sind, mindestens 10\u{a0}%",
        ),
        (
            "users_hit_percent=9,9999",
            "SEV3",
            "9.9999% of users are hit, less than 10%",
            "9,9999\u{a0}% des utilisateurs sont touchés, moins de 10\u{a0}%",
            "9,9999\u{a0}% der Nutzer betroffen sind, weniger als 10\u{a0}%",
        ),
        (
            "revenue_per_hour=20000.01+EUR",
            "SEV1",
            "€20,000.01 an hour is blocked, more than €20,000.00",
            "20\u{202f}000,01\u{a0}€ par heure sont bloqués, plus de 20\u{202f}000,00\u{a0}€",
            "20.000,01\u{a0}€ je Stunde blockiert sind, mehr als 20.000,00\u{a0}€",
        ),
        (
            "revenue_per_hour=20000+EUR",
            "SEV2",
            "€20,000.00 an hour is blocked, at least €2,000.00",
            "20\u{202f}000,00\u{a0}€ par heure sont bloqués, au moins 2\u{202f}000,00\u{a0}€",
            "20.000,00\u{a0}€ je Stunde blockiert sind, mindestens 2.000,00\u{a0}€",
        ),
        (
            "revenue_per_hour=2000,00+eur",
            "SEV2",
            "€2,000.00 an hour is blocked, at least €2,000.00",
            "2\u{202f}000,00\u{a0}€ par heure sont bloqués, au moins 2\u{202f}000,00\u{a0}€",
            "2.000,00\u{a0}€ je Stunde blockiert sind, mindestens 2.000,00\u{a0}€",
        ),
        (
            "revenue_per_hour=1999.99+EUR",
            "SEV3",
            "no rule speaks for another severity",
            "aucune règle n’indique une autre gravité",
            "keine Regel für eine andere Schwere spricht",
        ),
    ];
    for (query, severity, english, french, german) in cases {
        let path = format!("{CLASSIFY}?{query}");
        for (language, sentence) in [("en", english), ("fr", french), ("de", german)] {
            let shown = page_in(&server, RESPONDER, &path, language).await;
            assert_eq!(shown.status, 200, "{query}");
            let proposal = between(&shown, "id=\"proposal\"", "</section>");
            assert!(proposal.contains(sentence), "{sentence}: {proposal}");
            let button = "value=\"proposal\" class=\"primary\">";
            let (_, button) = proposal.split_once(button).unwrap();
            assert!(
                button.split('<').next().unwrap().contains(severity),
                "{query}: {button}"
            );
        }
        let (field, value) = query.replace('+', " ").split_once('=').map(owned).unwrap();
        let taken = [(field.as_str(), value.as_str()), ("take", "proposal")];
        let form = submit(&server, RESPONDER, CLASSIFY, &taken).await;
        assert_eq!(hidden(&form, "proposed_severity"), severity, "{query}");
    }
    for (language, label, hint) in [
        (
            "en",
            "Revenue blocked per hour, in EUR",
            "With its currency, such as 2000.00 EUR.",
        ),
        (
            "fr",
            "Revenu bloqué par heure, en EUR",
            "Avec sa devise, par exemple 2000,00 EUR.",
        ),
        (
            "de",
            "Blockierter Umsatz je Stunde, in EUR",
            "Mit Währung, etwa 2000,00 EUR.",
        ),
    ] {
        let path = format!("{CLASSIFY}?workaround=yes");
        let shown = page_in(&server, RESPONDER, &path, language).await;
        assert!(shown.text.contains(hint), "{hint}: {}", shown.text);
        // Of the field, and of the open question.
        assert_eq!(shown.text.matches(label).count(), 2, "{}", shown.text);
        assert!(!shown.text.contains("XAF"), "{}", shown.text);
    }
    // The form for the fact has an example in that currency too.
    let incident = server.declare(&json!({})).await;
    let edit = format!("{}/edit", incident.trim_start_matches("/sys"));
    let shown = page(&server, RESPONDER, &edit).await;
    let hint = "With the currency, such as 2000.00 EUR";
    assert!(shown.text.contains(hint), "{}", shown.text);
    let fields = [("title", "<b>"), ("revenue_per_hour", "9000000 XAF")];
    let refused = submit(&server, RESPONDER, CLASSIFY, &fields).await;
    must_be_refused(&refused, 422, "revenue_per_hour", "&lt;b&gt;");
    let expected = "expected an amount in EUR, the currency of the policy, such as 2000.00 EUR";
    assert!(refused.text.contains(expected), "{}", refused.text);
    assert!(
        refused.text.contains("value=\"9000000 XAF\""),
        "{}",
        refused.text
    );
    server.stop().await;
}

fn owned((field, value): (&str, &str)) -> (String, String) {
    (field.to_owned(), value.to_owned())
}

/// The form leads to the questions, and Enter in one of its fields still declares.
#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_a_declaration_offers_help() {
    let server = Server::start().await;
    for (language, words) in [
        ("en", "Help me choose"),
        ("fr", "Aidez-moi à choisir"),
        ("de", "Hilfe bei der Wahl"),
    ] {
        let form = page_in(&server, RESPONDER, FORM, language).await;
        let help = format!("<button formaction=\"/incidents/classify\">{words}</button>");
        assert!(form.text.contains(&help), "{}", form.text);
        let first = between(
            &form,
            "<form method=\"post\" action=\"/incidents/new\"",
            "</form>",
        );
        let first = first.split("<button").nth(1).unwrap();
        assert!(!first.contains("formaction"), "{first}");
        let asked = submit_in(&server, RESPONDER, CLASSIFY, &[], language).await;
        assert_eq!(asked.status, 200);
    }
    server.stop().await;
}
