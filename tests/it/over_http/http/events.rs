//! The event stream: as the guide shows it, and from commands to events.

use std::time::Duration;

use incident_console::console::ConsoleBuilder;
use incident_console::server::Limits;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::over_http::harness::{ADMIN, COMMANDER, Server, VIEWER};
use crate::over_http::raw::Raw;

const GUIDE: &str = include_str!("../../../../docs/http-api.md");

/// Reads whole frames of a stream until they contain these texts.
async fn read(stream: &mut Response, texts: &[&str]) -> String {
    let mut text = String::new();
    let reading = async {
        while !(text.ends_with("\n\n") && texts.iter().all(|one| text.contains(one))) {
            let chunk = stream.chunk().await.unwrap().unwrap();
            text += std::str::from_utf8(&chunk).unwrap();
        }
    };
    timeout(Duration::from_secs(10), reading).await.unwrap();
    text
}

async fn stream(server: &Server, path: &str) -> Response {
    server.response(Method::GET, VIEWER, path, &[], None).await
}

/// Returns the part of a text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap().1;
    rest.split_once(end).unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_as_the_guide_shows_it() {
    let server = Server::start().await;
    let path = server
        .declare(&json!({"severity": "SEV4", "page": false}))
        .await;
    let mut stream = stream(&server, "/sys/events").await;
    let head = read(&mut stream, &["id: "]).await;
    let body = json!({"public": true});
    server
        .post(COMMANDER, &format!("{path}/public"), &body)
        .await
        .is(200);
    let event = read(&mut stream, &["event: change"]).await;

    let shown = between(GUIDE, "```text\n", "```");
    let (epoch, seq) = between(&head, "id: ", "\n").split_once('-').unwrap();
    let next = seq.parse::<u64>().unwrap() + 1;
    let id = path.rsplit('/').next().unwrap();
    let expected = shown
        .replace("5f1c09b7a2d3e486-41", &format!("{epoch}-{seq}"))
        .replace("5f1c09b7a2d3e486-42", &format!("{epoch}-{next}"))
        .replace("0190a000-0000-7000-8000-000000000000", id);
    assert_eq!(format!("{head}{event}"), format!("{expected}\n"));
    drop(stream);
    server.stop().await;
}

/// Each command that changes an incident is an event about it, a merge about both.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_on_an_incident_is_an_event() {
    let server = Server::start().await;
    let quiet = json!({"severity": "SEV4", "page": false});
    let (path, other) = (server.declare(&quiet).await, server.declare(&quiet).await);
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mut stream = stream(&server, "/sys/events").await;
    read(&mut stream, &["id: "]).await;
    let other_id = id(&other);
    for (route, body, about) in [
        ("/acknowledge", json!({}), vec![id(&path)]),
        ("/updates", json!({"message": "x"}), vec![id(&path)]),
        (
            "/updates",
            json!({"message": "x", "status": "merged", "merged_into": other_id}),
            vec![id(&path), id(&other)],
        ),
    ] {
        server.post(ADMIN, &format!("{path}{route}"), &body).await;
        // On PostgreSQL a merge is two events, in any order.
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        let events = read(&mut stream, &about).await;
        for data in events
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
        {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["public"], false);
        }
    }
    server.stop().await;
}

/// H19: no deadline of connections ends a stream, and none makes room for clients that are not known;
/// streams leave room for other requests, and one that the client closes is free at once.
#[tokio::test(flavor = "multi_thread")]
async fn streams_outlive_deadlines_and_leave_room() {
    const SHORT: Duration = Duration::from_millis(300);
    let limits = Limits {
        head: SHORT,
        body: SHORT,
        idle: SHORT,
        write: SHORT,
        connections: Some(16),
    };
    let parts = ConsoleBuilder {
        limits,
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let path = server
        .declare(&json!({"severity": "SEV4", "page": false}))
        .await;
    // Of sixteen connections twelve may be streams, and nine of them those of one caller.
    let mut open = Vec::new();
    for _ in 0..9 {
        let mut stream = stream(&server, "/sys/events").await;
        read(&mut stream, &["id: "]).await;
        open.push(stream);
    }
    assert_eq!(stream(&server, "/sys/events").await.status(), 429);
    let mut strangers = Vec::new();
    for _ in 0..30 {
        strangers.push(Raw::to(server.address()).await);
        tokio::time::sleep(SHORT / 10).await;
    }
    tokio::time::sleep(SHORT).await;
    let update = json!({"message": "x"});
    server.update(COMMANDER, &path, &update).await;
    for stream in &mut open {
        read(stream, &["event: change"]).await;
    }
    drop(open.pop());
    let mut again = None;
    for _ in 0..100 {
        let response = stream(&server, "/sys/events").await;
        if response.status() == 200 {
            again = Some(response);
            break;
        }
        tokio::time::sleep(SHORT / 30).await;
    }
    assert!(again.is_some());
    server.stop().await;
}
