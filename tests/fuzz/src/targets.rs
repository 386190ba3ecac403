//! Properties that hold for all external input, whatever its bytes are.
//!
//! One function per fuzz target, which panics if its property does not hold. The workspace
//! `tests/fuzz` feeds them from libFuzzer; `tests/it/data/fuzz_corpus.rs` replays the corpus.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::stream;
use http_body_util::BodyExt;
use incident_axum::Query;
use incident_axum::Tokens;
use incident_console::console::ConsoleBuilder;
use incident_console::import;
use incident_console::policy_file::PolicyFile;
use incident_core::engine::Incidents;
use incident_core::incident::Affected;
use incident_pagers::testing::Webhooks;
use incident_store_memory::MemoryStore;
use serde_json::Value;
use tower::ServiceExt;

/// A property of arbitrary bytes; panics if it does not hold.
pub type Target = fn(&[u8]);

/// The targets by name; the names are also those of their folders in `corpus/`.
pub const TARGETS: [(&str, Target); 7] = [
    ("pagerduty_webhook", pagerduty_webhook),
    ("opsgenie_webhook", opsgenie_webhook),
    ("queries", queries),
    ("policy", policy),
    ("usage_lines", usage_lines),
    ("tokens", tokens),
    ("statuspage_import", statuspage_import),
];

const SECRET: &str = "fuzz-secret-0123456789";
const TOKEN: &str = "fuzz-token-0123456789";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn console() -> Router {
    let settings: BTreeMap<&str, &str> = BTreeMap::from([
        ("PAGERDUTY_WEBHOOK_SECRET", SECRET),
        ("OPSGENIE_WEBHOOK_TOKEN", SECRET),
    ]);
    let get = |name: &str| settings.get(name).map(|value| (*value).to_owned());
    let parts = ConsoleBuilder {
        tokens: Tokens::parse(&format!("fuzz:admin:{TOKEN}")).unwrap(),
        hooks: incident_console::hooks::from_env(&get).unwrap(),
        ..ConsoleBuilder::default()
    };
    parts.build().unwrap().0.router()
}

/// Sends a request and reads the response; asserts that errors have problem details.
async fn send(router: Router, request: Request<Body>) -> (StatusCode, Bytes) {
    let answer = router.oneshot(request).await.unwrap();
    let (status, kind) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    if !status.is_success() {
        assert_eq!(kind.unwrap(), "application/problem+json", "{status}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], status.as_u16());
    }
    (status, body)
}

/// Checks that bytes signed by a vendor get a success status (after a 4xx PagerDuty drops the
/// event, and after three it stops deliveries), and that unsigned bytes are refused.
fn webhook(path: &str, header: (&str, &str), data: &[u8]) {
    let request = |header: Option<(&str, &str)>| {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/json");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        request.body(Body::from(data.to_vec())).unwrap()
    };
    block_on(async {
        let console = console();
        let signed = request(Some(header));
        let (status, _) = send(console.clone(), signed).await;
        let expected = if data.len() > 1024 * 1024 {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::ACCEPTED
        };
        assert_eq!(status, expected);
        let (status, _) = send(console, request(None)).await;
        assert!(status.is_client_error(), "{status}");
    });
}

pub fn pagerduty_webhook(data: &[u8]) {
    let signature = Webhooks::sign(SECRET, data);
    let header = ("x-pagerduty-signature", signature.as_str());
    webhook("/hooks/pagerduty", header, data);
}

pub fn opsgenie_webhook(data: &[u8]) {
    webhook("/hooks/opsgenie", ("authorization", SECRET), data);
}

/// Checks that a query is parsed the same way twice, that a cursor is valid only with its own
/// filters, and that no list responds to an odd query with a server error.
pub fn queries(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (raw, place) = text.split_once('\n').unwrap_or((&text, "place"));
    let allowed = ["status", "severity", "tenant", "q", "from", "to"];
    if let Ok(query) = Query::parse(Some(raw), &allowed) {
        let _ = (query.limit(), query.time("from"), query.flag("q"));
        if query.get("cursor").is_none() {
            let cursor = query.cursor_at(place);
            let with = |filters: &str| format!("{filters}&cursor={cursor}");
            // A cursor parameter without a value counts as absent.
            if let Ok(there) = Query::parse(Some(&with(raw)), &allowed) {
                assert_eq!(there.cursor().unwrap().as_deref(), Some(place));
            }
            if query.get("tenant").is_none() {
                let other = with(&format!("tenant=other&{raw}"));
                if let Ok(elsewhere) = Query::parse(Some(&other), &allowed) {
                    assert!(elsewhere.cursor().is_err());
                }
            }
        }
    }
    let lists = [
        "/sys/incidents",
        "/sys/audit",
        "/sys/sla/credits",
        "/sys/sla/statements",
        "/sys/incidents/suggestions",
    ];
    block_on(async {
        let console = console();
        for list in lists {
            let Ok(request) = Request::get(format!("{list}?{raw}"))
                .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
                .body(Body::empty())
            else {
                return;
            };
            let (status, _) = send(console.clone(), request).await;
            assert!(!status.is_server_error(), "{list}: {status}");
        }
    });
}

/// Checks that a policy file is refused with a message, or is usable in full.
pub fn policy(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match PolicyFile::parse(&text) {
        Err(why) => assert!(!why.trim().is_empty()),
        Ok(file) => {
            let store = std::sync::Arc::new(MemoryStore::default());
            assert!(file.engine(store).build().is_ok());
        }
    }
}

/// Checks that lines are counted the same however the body is split, and that an error names an
/// existing line.
pub fn usage_lines(data: &[u8]) {
    let (cut, lines) = data.split_first().unwrap_or((&1, &[]));
    let answer = |step: usize| {
        let pieces: Vec<Result<Bytes, std::io::Error>> = lines
            .chunks(step)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let request = Request::post("/sys/usage-events")
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
            .body(Body::from_stream(stream::iter(pieces)))
            .unwrap();
        let (status, body) = block_on(async { send(console(), request).await });
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let whole = answer(lines.len().max(1));
    assert_eq!(whole, answer(usize::from(*cut).max(1)));
    let (status, body) = whole;
    let said = |name: &str| body[name].as_u64().unwrap();
    let count = |lines: &[u8]| {
        // A byte order mark is not a line.
        let lines = lines.strip_prefix(b"\xef\xbb\xbf").unwrap_or(lines);
        let lines = lines.split(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
            .count() as u64
    };
    if status == StatusCode::ACCEPTED {
        assert_eq!(said("accepted"), count(lines));
    } else {
        assert!(matches!(status.as_u16(), 413 | 422), "{status}");
        let all = lines.split(|byte| *byte == b'\n').count() as u64;
        assert!((1..=all).contains(&said("line")), "{body}");
        assert!(said("accepted") < count(lines), "{body}");
    }
}

/// Checks that a list of tokens is refused without repeating a token, or that all its tokens are
/// known.
pub fn tokens(data: &[u8]) {
    let list = String::from_utf8_lossy(data);
    let secrets = list
        .split(',')
        .filter_map(|entry| entry.trim().splitn(3, ':').nth(2));
    let secrets: Vec<&str> = secrets.filter(|secret| secret.len() >= 16).collect();
    match Tokens::parse(&list) {
        Err(why) => {
            assert!(!why.trim().is_empty());
            // The message must be the same whatever the letters of a token. That it does not
            // contain the token proves nothing, because a token may be a part of the message.
            let masked = list.split(',').map(|entry| {
                let place = entry
                    .match_indices(':')
                    .nth(1)
                    .map_or(entry.len(), |(at, _)| at);
                let (named, token) = entry.split_at(place);
                let mask = |letter: char| {
                    if letter.is_ascii_alphanumeric() {
                        'x'
                    } else {
                        letter
                    }
                };
                format!("{named}{}", token.chars().map(mask).collect::<String>())
            });
            let masked = masked.collect::<Vec<_>>().join(",");
            // Two tokens may become equal when masked.
            if let Err(same) = Tokens::parse(&masked)
                && !same.contains("twice")
            {
                assert_eq!(same, why);
            }
        }
        Ok(tokens) => {
            let shown = format!("{tokens:?}");
            for secret in secrets {
                assert!(!shown.contains(secret));
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
                assert!(tokens.find(&headers).is_ok());
            }
        }
    }
}

/// Checks that a history is refused with a message, or that a second import of it changes nothing.
pub fn statuspage_import(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    block_on(async {
        let store = std::sync::Arc::new(MemoryStore::default());
        let incidents = Incidents::builder(store).build().unwrap();
        let tenants = Affected::These([].into());
        let mut quiet = |_: usize, _: usize| {};
        let now = "2026-11-26T00:00:00Z".parse().unwrap();
        match import::statuspage(&incidents, &text, &tenants, now, &mut quiet).await {
            Err(why) => assert!(!why.to_string().trim().is_empty()),
            Ok(first) => {
                let again = import::statuspage(&incidents, &text, &tenants, now, &mut quiet);
                let again = again.await.unwrap();
                assert_eq!((again.new_incidents, again.new_entries), (0, 0));
                assert_eq!(again.incidents, first.incidents);
            }
        }
    });
}
