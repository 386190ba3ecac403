//! Billing sinks: their contract, the meaning of statuses, the bytes on the wire, and recovery of
//! a file after a crash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incident_core::billing::{Batch, BilledCredit, Lookup, Submission};
use incident_core::conformance::BillingBackend;
use incident_core::paging::{NotSent, NotSentReason};
use incident_core::port::{BillingSink, LookupBy};
use incident_core::testing::ManualClock;
use incident_core::{CreditId, MessageId};
use incident_pagers::testing::{Billing, CannedResponse, Fault};
use incident_pagers::{FileSink, HttpSink, SigningSecret};
use serde_json::{Value, json};

use crate::lines::Lines;

const WITHIN: Duration = Duration::from_secs(5);

fn secret() -> SigningSecret {
    SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn sink_of(billing: &Billing) -> HttpSink {
    let sink = HttpSink::builder(billing.base_url(), secret());
    sink.build().unwrap()
}

fn key(n: u8) -> CreditId {
    format!("01a1fe7e-8565-7544-9512-dcd142c5f8{n:02x}")
        .parse()
        .unwrap()
}

fn credit(n: u8) -> BilledCredit {
    let value = json!({
        "key": key(n), "tenant_id": "=HYPERLINK(\"x\")", "incident_id": null, "period": "2026-Q4", "revision": 1,
        "credit_percent": "-2.5", "amount": {"minor": -125, "currency": "EUR"}, "reverses": key(200),
        "outage_ms": 2_700_000, "terms_version": "gold, 1", "approved_by": "bill", "approved_at": "2026-11-21T00:00:00Z",
    });
    serde_json::from_value(value).unwrap()
}

fn batch(n: u8, credits: &[u8]) -> Batch {
    let id: MessageId = format!("01a1fe7e-8565-7544-9512-dcd142c5e8{n:02x}")
        .parse()
        .unwrap();
    let credits: Vec<_> = credits.iter().copied().map(credit).collect();
    Batch::freeze(id, "2026-11-21T00:00:01Z".parse().unwrap(), &credits).unwrap()
}

struct OverHttp;

#[async_trait]
impl BillingBackend for OverHttp {
    type Guard = Billing;

    async fn open() -> (Arc<dyn BillingSink>, Billing) {
        let billing = Billing::start(secret()).await.unwrap();
        (Arc::new(sink_of(&billing)), billing)
    }

    async fn reopen(guard: &Billing) -> Arc<dyn BillingSink> {
        Arc::new(sink_of(guard))
    }

    async fn black_hole() -> Option<(Arc<dyn BillingSink>, Billing)> {
        let (sink, billing) = Self::open().await;
        billing.plan(|_| Fault::BlackHole);
        Some((sink, billing))
    }
}

struct IntoAFile;

#[async_trait]
impl BillingBackend for IntoAFile {
    type Guard = tempfile::TempDir;

    async fn open() -> (Arc<dyn BillingSink>, Self::Guard) {
        let folder = tempfile::tempdir().unwrap();
        (Self::reopen(&folder).await, folder)
    }

    async fn reopen(guard: &Self::Guard) -> Arc<dyn BillingSink> {
        Arc::new(FileSink::new(guard.path().join("credits.csv")).unwrap())
    }

    async fn black_hole() -> Option<(Arc<dyn BillingSink>, Self::Guard)> {
        None
    }
}

mod over_http {
    incident_core::billing_conformance!(super::OverHttp);
}

mod into_a_file {
    incident_core::billing_conformance!(super::IntoAFile);
}

#[tokio::test]
async fn a_batch_is_signed_and_sent_again_byte_by_byte() {
    let billing = Billing::start(secret()).await.unwrap();
    let sink = sink_of(&billing);
    billing.script([Fault::AcceptThenLose]);
    assert_eq!(
        sink.submit(&batch(1, &[1, 2]), WITHIN).await,
        Submission::Unknown
    );
    let again = sink.submit(&batch(1, &[1, 2]), WITHIN).await;
    assert_eq!(again, Submission::Accepted);
    let seen = billing.requests();
    assert_eq!(seen[0].body, seen[1].body);
    assert_eq!(seen[0].body, batch(1, &[1, 2]).body().as_bytes());
    for seen in &seen {
        for header in ["webhook-id", "idempotency-key"] {
            let id = batch(1, &[1]).id().to_string();
            assert_eq!(seen.header(header), Some(id.as_str()));
        }
    }
    assert_eq!((billing.ledger().len(), billing.altered()), (2, 0));
    let body: Value = serde_json::from_slice(&seen[0].body).unwrap();
    insta::assert_json_snapshot!("credits_issued", body);
    // A batch with another signature is refused and held back.
    let other = SigningSecret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
    let stranger = HttpSink::builder(billing.base_url(), other)
        .build()
        .unwrap();
    let refused = Submission::NotSent(NotSent {
        reason: NotSentReason::Unauthorized,
        retry_after: None,
    });
    assert_eq!(stranger.submit(&batch(2, &[3]), WITHIN).await, refused);
    // A clock that is far off is refused as well.
    let late = ManualClock::at("2020-01-01T00:00:00Z".parse().unwrap());
    let late = HttpSink::builder(billing.base_url(), secret()).clock(Arc::new(late));
    assert_eq!(
        late.build().unwrap().submit(&batch(2, &[3]), WITHIN).await,
        refused
    );
    assert_eq!(billing.ledger().len(), 2);
}

#[tokio::test]
async fn statuses_say_what_certainly_was_not_taken() {
    let billing = Billing::start(secret()).await.unwrap();
    let sink = sink_of(&billing);
    let refused = |reason, seconds: Option<u64>| {
        Submission::NotSent(NotSent {
            reason,
            retry_after: seconds.map(Duration::from_secs),
        })
    };
    use NotSentReason::{RateLimited, Rejected, Unauthorized, Unavailable, Unreachable};
    for (status, expected) in [
        (400, refused(Rejected, None)),
        (401, refused(Unauthorized, None)),
        (403, refused(Unauthorized, None)),
        (404, refused(Rejected, None)),
        (408, Submission::Unknown),
        (409, refused(Unavailable, None)),
        (422, refused(Rejected, None)),
        (425, refused(Unavailable, None)),
        (307, refused(Rejected, None)),
        (500, Submission::Unknown),
        (502, Submission::Unknown),
        (503, refused(Unavailable, None)),
        (504, Submission::Unknown),
    ] {
        billing.script([Fault::status(status)]);
        assert_eq!(
            sink.submit(&batch(1, &[1]), WITHIN).await,
            expected,
            "{status}"
        );
    }
    billing.script([Fault::Answer(
        CannedResponse::status(429).header("Retry-After", "7"),
    )]);
    let throttled = sink.submit(&batch(1, &[1]), WITHIN).await;
    assert_eq!(throttled, refused(RateLimited, Some(7)));
    billing.refuse().await.unwrap();
    assert_eq!(
        sink.submit(&batch(1, &[1]), WITHIN).await,
        refused(Unreachable, None)
    );
    billing.listen().await.unwrap();
    // A sink without lookup is not the same as one that holds nothing.
    billing.supports_lookup(false);
    assert_eq!(
        sink.lookup(LookupBy::Keys(&[key(1)]), WITHIN).await,
        Lookup::Unsupported
    );
    billing.supports_lookup(true);
    for fault in [Fault::status(500), Fault::ResetRead] {
        billing.script([fault]);
        assert_eq!(
            sink.lookup(LookupBy::Keys(&[key(1)]), WITHIN).await,
            Lookup::Unavailable
        );
    }
    assert_eq!(billing.ledger(), []);
}

/// A receiver that repeats the secret, or writes more than a person reads, fills no log with it.
#[tokio::test]
async fn no_log_of_a_sink_holds_its_secret() {
    let lines = Lines::default();
    let billing = Billing::start(secret()).await.unwrap();
    let sink = sink_of(&billing);
    let key = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let said = format!("whsec_{key}\nERROR forged {}{key}", "x".repeat(270));
    billing.script([Fault::Answer(CannedResponse::status(422).body(&said))]);
    let batch = batch(1, &[1]);
    let answer = lines.read(sink.submit(&batch, WITHIN)).await;
    assert!(matches!(answer, Submission::NotSent(_)), "{answer:?}");
    let log = lines.text();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("rejected"))
        .collect();
    assert!(lines.len() == 1 && lines[0].len() < 1_000, "{log}");
    assert!(!log.lines().any(|line| line.starts_with("ERROR")), "{log}");
    assert!(!log.contains("MfKQ") && !log.contains("LaLaSw"), "{log}");
}

/// Crashes at every byte of the file: each credit is in the file once.
#[tokio::test]
async fn a_line_that_was_cut_short_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.csv");
    let sink = FileSink::new(&path).unwrap();
    assert_eq!(
        sink.submit(&batch(1, &[1]), WITHIN).await,
        Submission::Accepted
    );
    let first = std::fs::read(&path).unwrap();
    assert_eq!(
        sink.submit(&batch(2, &[2, 3]), WITHIN).await,
        Submission::Accepted
    );
    let whole = std::fs::read(&path).unwrap();
    insta::assert_snapshot!("credits_file", String::from_utf8(whole.clone()).unwrap());
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        for batch in [batch(1, &[1]), batch(2, &[2, 3])] {
            assert_eq!(sink.submit(&batch, WITHIN).await, Submission::Accepted);
        }
        assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {length}");
    }
    assert!(first.starts_with(b"key,batch,tenant_id,"));
}

/// A14: waiting for a lock of another process ends within the deadline, and nothing is written by
/// then.
#[tokio::test]
async fn a_lock_that_is_kept_is_waited_for_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.csv");
    let sink = FileSink::new(&path).unwrap();
    sink.prepare().unwrap();
    let other = std::fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let timeout = Duration::from_millis(600);
    let begun = Instant::now();
    let answer = sink.submit(&batch(1, &[1]), timeout).await;
    let unavailable = NotSentReason::Unavailable;
    assert!(
        matches!(answer, Submission::NotSent(not) if not.reason == unavailable),
        "{answer:?}"
    );
    let keys = [key(1)];
    assert_eq!(
        sink.lookup(LookupBy::Keys(&keys), timeout).await,
        Lookup::Unavailable
    );
    assert!(begun.elapsed() < 2 * timeout, "{:?}", begun.elapsed());
    other.unlock().unwrap();
    let answer = sink.submit(&batch(1, &[1]), WITHIN).await;
    assert_eq!(answer, Submission::Accepted);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
}

/// S14: a file with other content is left as it is by every operation; a new file is readable by
/// its owner alone.
#[tokio::test]
async fn a_file_of_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credits.csv");
    let sink = FileSink::new(&path).unwrap();
    let foreign: [&[u8]; 8] = [
        b"name,amount\r\nx,1\r\n",
        b"name,amount",
        b"root:x:0:0:root:/root:/bin/sh",
        b"\n",
        b"key,batch,tenant\r\n",
        // Headers with fewer columns or with another line end.
        b"key,batch,tenant_id,incident_id,period\r\n",
        b"key\n",
        &[0xff, 0, 0xfe],
    ];
    for bytes in foreign {
        std::fs::write(&path, bytes).unwrap();
        let error = sink.prepare().unwrap_err();
        assert!(error.to_string().contains("head"), "{error}");
        let answer = sink.submit(&batch(1, &[1]), WITHIN).await;
        assert_eq!(answer, Submission::Unknown);
        let held = sink.lookup(LookupBy::Keys(&[key(1)]), WITHIN).await;
        assert_eq!(held, Lookup::Unavailable);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::remove_file(&path).unwrap();
    sink.prepare().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    }
    let answer = sink.submit(&batch(1, &[1]), WITHIN).await;
    assert_eq!(answer, Submission::Accepted);
    // A file that is empty, or was created with another umask, is used as it is.
    std::fs::write(&path, b"").unwrap();
    let answer = sink.submit(&batch(1, &[1]), WITHIN).await;
    assert_eq!(answer, Submission::Accepted);
}
