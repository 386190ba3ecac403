//! Output of the process: values cannot break out of a line, and files are private to their owner.

use std::io::{BufReader, Read};
use std::time::Duration;

use serde_json::json;

use crate::{Running, command, stop, until};

/// A title that would start a line of its own, reverse the text and clear the screen.
const FORGED: &str = "API down\n2026-11-20T23:00:00.000000Z ERROR forged\u{202e}\u{2066}\u{200f}\u{1b}[2J\u{9b}2J\u{2028}\r";

/// Asserts that a text contains no terminal control and no forged line.
fn is_plain(text: &str) {
    for (number, line) in text.lines().enumerate() {
        assert!(
            !line.starts_with("2026-11-20T23:00:00.000000Z ERROR") && !line.starts_with("BROKEN"),
            "line {number} is forged: {line}"
        );
        let odd = line.chars().find(|c| {
            c.is_control() || matches!(*c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(odd, None, "in line {number}: {line:?}");
    }
}

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String, String) {
    let mut console = command();
    console.args(arguments);
    for (name, value) in settings {
        console.env(name, value);
    }
    let output = console.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// S9: a title with a line break and bidirectional control characters stays in its line of the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_title_forges_no_line_of_the_log() {
    let token = "token-0123456789-token";
    let mut console = command();
    console.env("INCIDENT_TOKENS", format!("root:admin:{token}"));
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().trim_start_matches("listening on ");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let created = client
        .post(format!("{address}/sys/incidents"))
        .bearer_auth(token)
        .json(&json!({"title": FORGED, "severity": "SEV1"}))
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut stderr = child.stderr.take().unwrap();
    stop(child);
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert!(log.contains("PAGE: API down\\n2026"), "{log}");
    is_plain(&log);
}

/// S9: neither a name, an id nor a path can forge a line of a command's output or error.
#[test]
fn what_is_given_forges_no_line_of_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let outages = folder.path().join("outages.json");
    let one = json!([{"tenant_id": "a\u{202e}b", "incident_id": "01a1fe7e-8565-7544-9512-dcd142c5f862",
        "start": "2026-01-20T10:00:00Z", "end": "2026-01-20T14:00:00Z"}]);
    std::fs::write(&outages, one.to_string()).unwrap();
    let outages = outages.to_str().unwrap();
    let (well, said, error) = run(&["sla", outages, "2026-01"], &[]);
    assert!(well && said.contains("a\\u202eb"), "{said}{error}");
    is_plain(&said);
    let read: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(read[0]["tenant_id"], "a\u{202e}b");
    let (well, said, error) = run(&["sla", outages, "2026-01", "--csv"], &[]);
    assert!(well && said.contains("a\\u{202e}b"), "{said}{error}");
    is_plain(&said.replace("\r\n", "\n"));

    let history = folder.path().join("incidents.json");
    let post = json!({"id": "u1", "status": "investigating", "body": "We look.", "created_at": "2026-01-10T08:00:00Z"});
    let open = json!([{"id": FORGED, "name": FORGED, "status": "investigating", "impact": "minor", "page_id": "p",
        "created_at": "2026-01-10T08:00:00Z", "started_at": "2026-01-10T08:00:00Z", "resolved_at": null,
        "components": [], "incident_updates": [post]}]);
    std::fs::write(&history, open.to_string()).unwrap();
    let (_, said, error) = run(&["import", "statuspage", history.to_str().unwrap()], &[]);
    assert!(
        format!("{said}{error}").contains("forged"),
        "nothing was quoted: {said}{error}"
    );
    is_plain(&said);
    is_plain(&error);

    let nowhere = format!("/nonexistent/{}", FORGED.replace('\0', ""));
    for (arguments, settings) in [
        (vec!["sla", nowhere.as_str(), "2026-01"], vec![]),
        (vec!["import", "statuspage", nowhere.as_str()], vec![]),
        (vec![], vec![("INCIDENT_POLICY", nowhere.as_str())]),
        (vec![], vec![("INCIDENT_ANCHORS", nowhere.as_str())]),
        (vec![], vec![("INCIDENT_BILLING_FILE", nowhere.as_str())]),
    ] {
        let (well, said, error) = run(&arguments, &settings);
        assert!(!well && !error.is_empty(), "{said}");
        is_plain(&said);
        is_plain(&error);
    }
}

/// S14: files created by the process are private to their owner, and a file with other content
/// stops the startup, is named and stays unchanged.
#[test]
fn files_are_made_for_their_owner_and_foreign_ones_are_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for name in ["INCIDENT_BILLING_FILE", "INCIDENT_ANCHORS"] {
        let path = folder.path().join(name);
        let shown = path.to_str().unwrap();
        for foreign in ["somebody,else\r\n1,2\r\n", "no end of line"] {
            std::fs::write(&path, foreign).unwrap();
            let (well, _, error) = run(&[], &[(name, shown)]);
            assert!(!well, "{name}");
            assert!(error.contains(name) && error.contains(shown), "{error}");
            assert_eq!(error.trim_end().lines().count(), 1, "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
        std::fs::remove_file(&path).unwrap();
        let mut console = command();
        console.env(name, shown);
        let mut child = Running::of(&mut console);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        until(&mut lines, "listening on ");
        stop(child);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}: {mode:o}");
    }
}

/// With `INCIDENT_LOG_FORMAT=json` each line of the log is an object, and those of a request have
/// its id and its trace.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_on_request_and_names_the_request() {
    let mut console = command();
    console
        .env("INCIDENT_LOG_FORMAT", "json")
        .env("OPSGENIE_WEBHOOK_TOKEN", "0123456789abcdef");
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on ");
    let address = seen.last().unwrap().rsplit(' ').next().unwrap().to_owned();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(format!("{address}/hooks/opsgenie"))
        .bearer_auth("0123456789abcdef")
        .header("x-request-id", "from-the-proxy")
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
        .body("no JSON\nat all")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["x-request-id"], "from-the-proxy");
    let mut stderr = child.stderr.take().unwrap();
    stop(child);
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let invalid = lines
        .iter()
        .find(|line| line["message"] == "invalid webhook");
    let invalid = invalid.unwrap_or_else(|| panic!("{log}"));
    assert_eq!(invalid["level"], "WARN");
    assert_eq!(invalid["span"]["id"], "from-the-proxy");
    assert_eq!(invalid["span"]["trace_id"], trace);
    assert_eq!(invalid["span"]["method"], "POST");
}
