//! The demo: a busy console that needs no login, on this machine only.

use std::collections::BTreeSet;
use std::io::{BufReader, Read};

use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};

use crate::{Running, command, stop, until};

/// A running demo: its process, its address, and what it printed.
struct RunningDemo {
    child: Running,
    address: String,
    printed: String,
    http: Client,
}

impl RunningDemo {
    fn start() -> Self {
        let mut child = Running::of(command().arg("demo").env("RUST_LOG", "error"));
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let printed = until(&mut lines, "The page about payments").join("\n");
        assert!(child.try_wait().unwrap().is_none());
        let (_, rest) = printed.split_once("Open ").unwrap();
        let (address, _) = rest.split_once("/ in a browser").unwrap();
        Self {
            child,
            address: address.to_owned(),
            http: Client::builder().no_proxy().build().unwrap(),
            printed,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.address));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().unwrap().clone()
    }

    /// Returns the token that is printed for a person.
    fn token(&self, person: &str) -> &str {
        let (_, rest) = self.printed.split_once(&format!("{person} (")).unwrap();
        let (_, rest) = rest.split_once(") ").unwrap();
        rest.split([',', '\n']).next().unwrap()
    }
}

fn names(items: &[Value], member: &str) -> BTreeSet<String> {
    let names = items.iter().map(|one| one[member].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_demo_is_a_busy_console_with_something_in_every_state() {
    let demo = RunningDemo::start();
    for figure in [
        "38 minutes for tenant-fr: 0 % credit",
        "45 minutes for tenant-de: 10 % credit",
        "counted     1247 unique users",
        "valid: true",
    ] {
        assert!(demo.printed.contains(figure), "{}", demo.printed);
    }
    let all = demo.items("/sys/incidents?status=all&limit=100").await;
    assert!(all.len() >= 14, "{}", all.len());
    let states = [
        "investigating",
        "identified",
        "triage",
        "mitigated",
        "resolved",
        "closed",
        "cancelled",
        "merged",
    ];
    assert_eq!(names(&all, "status"), states.map(str::to_owned).into());
    assert_eq!(names(&all, "severity").len(), 4);
    let of = |title: &str| -> &Value {
        let found = all
            .iter()
            .find(|one| one["title"].as_str().unwrap().contains(title));
        found.unwrap_or_else(|| panic!("{title}"))
    };
    let failing = of("Payments fail for all");
    assert_eq!(failing["severity"], "SEV1");
    assert_eq!(failing["paging"]["state"], "failing");
    let live = of("API errors");
    assert_eq!(
        (&live["severity"], &live["public"]),
        (&json!("SEV2"), &json!(true))
    );
    // The clock of the demo is that of this machine now.
    let now = demo.get("/public/status/active").await["generated_at"].clone();
    assert!(
        live["next_update_due_at"].as_str() > now.as_str(),
        "{live} {now}"
    );
    let overdue = of("passkeys")["next_update_due_at"].clone();
    assert!(overdue.as_str() < now.as_str(), "{overdue} {now}");
    let mut modes = BTreeSet::new();
    for one in &all {
        let path = format!("/sys/incidents/{}", one["id"].as_str().unwrap());
        let mode = demo.get(&path).await["mode"].clone();
        modes.insert(mode.as_str().unwrap().to_owned());
    }
    assert_eq!(
        modes,
        ["drill", "live", "retrospective"].map(str::to_owned).into()
    );
    let waiting = demo.items("/sys/incidents/suggestions").await;
    assert!(
        waiting.iter().any(|one| one["state"] == "open"),
        "{waiting:?}"
    );

    let credits = demo.items("/sys/sla/credits?limit=200").await;
    let states = names(&credits, "state");
    for state in ["approved", "estimated", "waived"] {
        assert!(states.contains(state), "{states:?}");
    }
    assert!(names(&credits, "period").len() >= 2);
    let id = live["id"].as_str().unwrap();
    let path = format!("/sys/incidents/{id}/affected-users/breakdown");
    let minutes = demo.get(&path).await["first_hits"]
        .as_array()
        .unwrap()
        .len();
    assert!(minutes > 20, "{minutes}");
    let verdict = demo.get("/sys/audit/verify").await;
    assert_eq!(verdict["valid"], true, "{verdict}");
    stop(demo.child);
}

#[tokio::test]
async fn visitors_of_the_demo_are_anna_and_others_sign_in() {
    let demo = RunningDemo::start();
    let declare = |token: Option<&str>| {
        let request = demo.http.post(format!("{}/sys/incidents", demo.address));
        let request = request.json(&json!({"title": "Tried", "severity": "SEV4"}));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let declared = declare(None).send().await.unwrap();
    assert_eq!(declared.status(), StatusCode::CREATED);
    let declared: Value = declared.json().await.unwrap();
    assert_eq!(declared["responder"], "anna");
    // An admin, who may also decide about credits.
    demo.get("/sys/audit").await;
    let path = format!("{}/sys/sla/credits/recompute", demo.address);
    let recomputed = demo.http.post(path).json(&json!({"month": "2026-01"}));
    assert_eq!(recomputed.send().await.unwrap().status(), StatusCode::OK);
    for (token, expected) in [
        (demo.token("ben"), StatusCode::CREATED),
        (demo.token("dora"), StatusCode::FORBIDDEN),
        (demo.token("carla"), StatusCode::FORBIDDEN),
        ("unknown-0123456789", StatusCode::UNAUTHORIZED),
    ] {
        let answer = declare(Some(token)).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{token}");
    }
    // A page of another site that reaches this machine under a name of its own.
    let rebound = declare(None).header(header::HOST, "evil.example");
    assert_eq!(
        rebound.send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let other_site = declare(None).header("sec-fetch-site", "cross-site");
    assert_eq!(
        other_site.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    stop(demo.child);
}

#[test]
fn the_demo_is_for_this_machine_only() {
    let mut demo = command();
    demo.arg("demo").env("INCIDENT_BIND", "0.0.0.0:0");
    let mut child = Running::of(&mut demo);
    assert!(!child.wait().unwrap().success());
    let mut error = String::new();
    let mut output = child.stderr.take().unwrap();
    output.read_to_string(&mut error).unwrap();
    for part in ["INCIDENT_BIND 0.0.0.0:0: ", "expected a loopback address"] {
        assert!(error.contains(part), "{error}");
    }
}
