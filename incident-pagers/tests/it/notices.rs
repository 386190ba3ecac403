//! The bytes of a notice: snapshots for each trigger, and what the guide shows.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use incident_core::incident::{Incident, RuleFired};
use incident_core::notice::Notice;
use incident_core::policy::Trigger;
use incident_core::port::Channel;
use incident_core::{LinkTemplate, Name, RuleName, Timestamp};
use incident_pagers::testing::NoticeReceiver;
use incident_pagers::{SigningSecret, WebhookChannel};
use serde_json::{Value, json};

use crate::channels::{channel_of, secret};

const WITHIN: Duration = Duration::from_secs(5);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns an incident that hits a service, with a responder.
pub(crate) fn an_incident() -> Incident {
    incident_with(&json!({}))
}

/// Returns the incident with other values.
fn incident_with(values: &Value) -> Incident {
    let (incident, ..) = incident_core::testing::an_incident();
    let mut state = serde_json::to_value(incident).unwrap();
    state["affected_services"] = json!(["api"]);
    state["responder"] = json!("anna");
    for (name, value) in values.as_object().unwrap() {
        state[name] = value.clone();
    }
    serde_json::from_value(state).unwrap()
}

/// Returns the notice of a level that nobody acknowledged in time.
pub(crate) fn a_notice() -> Notice {
    notice_of(Trigger::Unacknowledged)
}

fn notice_of(trigger: Trigger) -> Notice {
    let group = Name::new("backup").unwrap();
    Notice {
        incident_id: an_incident().id,
        fired: RuleFired {
            rule: RuleName::new(&trigger.name().replace('_', "-")).unwrap(),
            trigger,
            epoch: 1,
            n: 1,
            skipped: 0,
            due_at: at("2026-11-20T22:25:00Z"),
            late: false,
            notify: vec![group.clone()],
        },
        group,
        channel: Name::new("chat").unwrap(),
        fired_at: at("2026-11-20T22:25:00.250Z"),
    }
}

/// Returns the body that a receiver got.
async fn posted(notice: &Notice, incident: &Incident) -> Value {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let channel = channel_of(&receiver);
    channel.send(notice, incident, WITHIN).await.unwrap();
    let seen = receiver.requests().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.header("content-type")),
        ("POST", Some("application/json"))
    );
    let id = notice.message_id().to_string();
    assert_eq!(seen.header("webhook-id"), Some(&*id));
    seen.json().unwrap()
}

#[tokio::test]
async fn every_notice_is_as_it_was() {
    let mut bodies = BTreeMap::new();
    for trigger in Trigger::ALL {
        let body = posted(&notice_of(trigger), &an_incident()).await;
        assert_eq!(body["trigger"], trigger.name());
        bodies.insert(trigger.name(), body);
    }
    insta::assert_json_snapshot!("notices_by_trigger", bodies);
    let mut late = a_notice();
    late.fired.late = true;
    late.fired_at = at("2026-11-21T04:00:00Z");
    insta::assert_json_snapshot!("notice_late", posted(&late, &an_incident()).await);
    let title = "\u{202e}nwod IPA\n\"}, {\"<!channel> <b>&\u{7}\\ e\u{301}👩‍👩‍👧";
    let hostile = incident_with(&json!({"title": title}));
    let body = posted(&a_notice(), &hostile).await;
    assert_eq!(body["incident"]["title"], title);
    insta::assert_json_snapshot!("notice_hostile", body);
}

/// An attempt after the first has the same id, and tells the incident as it is then.
#[tokio::test]
async fn a_later_attempt_tells_the_incident_as_it_is() {
    let (first, worse) = (an_incident(), incident_with(&json!({"severity": "SEV1"})));
    let (before, after) = (
        posted(&a_notice(), &first).await,
        posted(&a_notice(), &worse).await,
    );
    assert_eq!(before["id"], after["id"]);
    assert_eq!(
        [&before, &after].map(|body| &body["incident"]["severity"]),
        [&json!("SEV2"), &json!("SEV1")]
    );
}

#[tokio::test]
async fn a_notice_links_to_the_incident_where_an_address_is_known() {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let page = LinkTemplate::new("https://console.example/incidents/{id}").unwrap();
    let builder = WebhookChannel::builder("chat".parse().unwrap(), receiver.base_url(), secret());
    let channel = builder
        .incident_url(move |one| page.fill(one.id, one.started_at, &one.affected_services))
        .build()
        .unwrap();
    let incident = an_incident();
    channel.send(&a_notice(), &incident, WITHIN).await.unwrap();
    let body = receiver.requests()[0].json().unwrap();
    let url = format!("https://console.example/incidents/{}", incident.id);
    assert_eq!(body["url"], *url);
    assert!(body["text"].as_str().unwrap().ends_with(&format!(" {url}")));
    let without = posted(&a_notice(), &incident).await;
    assert_eq!(without.get("url"), None);
}

fn guide() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/notices.md");
    std::fs::read_to_string(path).unwrap()
}

fn block(language: &str) -> String {
    let guide = guide();
    let begin = format!("```{language}\n");
    let (_, after) = guide.split_once(&begin).unwrap();
    after.split_once("\n```").unwrap().0.to_owned()
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

/// The request of the guide has the members of a real one, and its signature is valid.
#[tokio::test]
async fn the_documented_notice_is_a_real_one() {
    let documented = block("http");
    let (head, body) = documented.split_once("\n\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim_start_matches(": ").to_owned()
    };
    let value: Value = serde_json::from_str(body).unwrap();
    let mut real = posted(&a_notice(), &an_incident()).await;
    real["url"] = json!("");
    assert_eq!(members(&value), members(&real));
    assert_eq!(members(&value["incident"]), members(&real["incident"]));
    assert_eq!(value["id"], header("webhook-id"));
    let guide = guide();
    let secret = guide
        .split('`')
        .find(|word| word.starts_with("whsec_"))
        .unwrap();
    let seconds = header("webhook-timestamp").parse().unwrap();
    let secret = SigningSecret::new(secret).unwrap();
    let signature = secret.sign(&header("webhook-id"), seconds, body.as_bytes());
    assert_eq!(header("webhook-signature"), signature);
    for name in members(&value)
        .into_iter()
        .chain(members(&value["incident"]))
    {
        assert!(guide.contains(&format!("`{name}`")), "{name}");
    }
}

/// The program of the guide accepts what a channel sends, and nothing else.
#[tokio::test]
async fn the_documented_receiver_verifies_a_notice() {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let channel = channel_of(&receiver);
    channel
        .send(&a_notice(), &an_incident(), WITHIN)
        .await
        .unwrap();
    let seen = receiver.requests().remove(0);
    let header = |name: &str| seen.header(name).unwrap().to_owned();
    let now: i64 = header("webhook-timestamp").parse().unwrap();
    let body = String::from_utf8(seen.body.clone()).unwrap();
    let headers: BTreeMap<&str, String> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name, header(name)))
        .into();
    let (known, other) = (
        "whsec_YzRuNHJ5YzRuNHJ5YzRuNHJ5YzRuNHJ5",
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    );
    let wrong = [("webhook-signature", "v1,AAAA".to_owned())];
    let forged: BTreeMap<&str, String> = headers.clone().into_iter().chain(wrong).collect();
    let trials = [
        (json!([known]), &headers, body.clone(), now + 299, true),
        // While a secret is replaced, the receiver knows both.
        (json!([other, known]), &headers, body.clone(), now, true),
        (json!([other]), &headers, body.clone(), now, false),
        (json!([known]), &headers, body.clone() + " ", now, false),
        (json!([known]), &headers, body.clone(), now + 301, false),
        (json!([known]), &headers, body.clone(), now - 301, false),
        (json!([known]), &forged, body, now, false),
    ];
    let mut program = block("python");
    program += "\nimport json, sys\nfor secrets, headers, body, now in json.loads(sys.argv[1]):\n";
    program += "    print(is_ours(secrets, headers, body.encode(), now))\n";
    let arguments: Vec<Value> = trials
        .iter()
        .map(|(secrets, headers, body, now, _)| json!([secrets, headers, body, now]))
        .collect();
    let ran = Command::new("python3")
        .args(["-c", &program, &json!(arguments).to_string()])
        .stdin(Stdio::null())
        .output();
    let Ok(ran) = ran else {
        println!("NOT RUN: there is no python3");
        return;
    };
    let expected: String = trials
        .iter()
        .map(|(.., is_ours)| if *is_ours { "True\n" } else { "False\n" })
        .collect();
    let printed = String::from_utf8_lossy(&ran.stdout).replace("\r\n", "\n");
    assert_eq!(
        printed,
        expected,
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
