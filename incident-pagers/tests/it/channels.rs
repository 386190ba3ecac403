//! Channels: their contract, the meaning of statuses, and what their logs hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incident_core::Name;
use incident_core::conformance::{ChannelBackend, ReceiverPlan};
use incident_core::incident::Incident;
use incident_core::notice::Notice;
use incident_core::port::{Channel, ChannelError};
use incident_core::testing::ManualClock;
use incident_pagers::testing::{CannedResponse, Fault, NoticeReceiver};
use incident_pagers::{BaseUrl, LogChannel, SigningSecret, WebhookChannel, client_builder};

use crate::lines::Lines;
use crate::notices::{a_notice, an_incident};

const WITHIN: Duration = Duration::from_secs(5);

/// Repeated, so that a part of it is found as well.
const SECRET: &str = "whsec_YzRuNHJ5YzRuNHJ5YzRuNHJ5YzRuNHJ5";
const TOKEN: &str = "c4n4ry0c4n4ry0c4n4ry";

pub(crate) fn secret() -> SigningSecret {
    SigningSecret::new(SECRET).unwrap()
}

/// Returns the address of a receiver, with a token as incoming webhooks of chats have it.
fn address(receiver: &NoticeReceiver) -> BaseUrl {
    let address = format!("{}/services/{TOKEN}", receiver.base_url());
    BaseUrl::new(&address).unwrap()
}

pub(crate) fn channel_of(receiver: &NoticeReceiver) -> WebhookChannel {
    let name = Name::new("chat").unwrap();
    let builder = WebhookChannel::builder(name, address(receiver), secret());
    builder.build().unwrap()
}

/// Returns an answer that repeats what the receiver got, and what it should not know.
fn repeating(status: u16) -> CannedResponse {
    let body = format!("Cannot POST /services/{TOKEN}: {TOKEN} {SECRET}\nERROR forged");
    CannedResponse::status(status).body(&body)
}

struct Posted;

#[async_trait]
impl ChannelBackend for Posted {
    type Guard = NoticeReceiver;

    async fn open() -> (Arc<dyn Channel>, NoticeReceiver) {
        let receiver = NoticeReceiver::start(secret()).await.unwrap();
        (Arc::new(channel_of(&receiver)), receiver)
    }

    async fn plan(receiver: &NoticeReceiver, plan: ReceiverPlan) -> bool {
        receiver.plan(move |_| match plan {
            ReceiverPlan::Accept => Fault::None,
            ReceiverPlan::AcceptAndLose => Fault::AcceptThenLose,
            ReceiverPlan::Refuse => Fault::Answer(repeating(410)),
            ReceiverPlan::Wait(wait) => {
                let seconds = wait.as_secs().to_string();
                Fault::Answer(repeating(429).header("Retry-After", &seconds))
            }
            ReceiverPlan::BlackHole => Fault::BlackHole,
        });
        true
    }

    async fn counted(receiver: &NoticeReceiver) -> Option<usize> {
        Some(receiver.counted().len())
    }

    async fn lines(receiver: &NoticeReceiver) -> Option<Vec<String>> {
        let counted = receiver.counted().into_iter();
        let text = |body: serde_json::Value| body["text"].as_str().unwrap().to_owned();
        Some(counted.map(|one| text(one.body)).collect())
    }

    fn secrets(_receiver: &NoticeReceiver) -> Vec<String> {
        [SECRET, &SECRET["whsec_".len()..], TOKEN]
            .map(str::to_owned)
            .to_vec()
    }
}

/// A log channel whose lines are read.
#[derive(Debug)]
struct ReadLog {
    channel: LogChannel,
    lines: Lines,
}

#[async_trait]
impl Channel for ReadLog {
    fn name(&self) -> &Name {
        self.channel.name()
    }

    async fn send(
        &self,
        notice: &Notice,
        incident: &Incident,
        timeout: Duration,
    ) -> Result<(), ChannelError> {
        let sending = self.channel.send(notice, incident, timeout);
        self.lines.read(sending).await
    }
}

struct Logged;

#[async_trait]
impl ChannelBackend for Logged {
    type Guard = Lines;

    async fn open() -> (Arc<dyn Channel>, Lines) {
        let lines = Lines::default();
        let channel = ReadLog {
            channel: LogChannel::new().unwrap(),
            lines: lines.clone(),
        };
        (Arc::new(channel), lines)
    }

    async fn plan(_lines: &Lines, plan: ReceiverPlan) -> bool {
        plan == ReceiverPlan::Accept
    }

    /// A log shows every attempt.
    async fn counted(_lines: &Lines) -> Option<usize> {
        None
    }

    async fn lines(lines: &Lines) -> Option<Vec<String>> {
        Some(lines.text().lines().map(str::to_owned).collect())
    }

    fn secrets(_lines: &Lines) -> Vec<String> {
        Vec::new()
    }
}

mod posted {
    incident_core::channel_conformance!(super::Posted);
}

mod logged {
    incident_core::channel_conformance!(super::Logged);
}

fn unavailable(reason: &str, seconds: Option<u64>) -> Result<(), ChannelError> {
    Err(ChannelError::Unavailable {
        reason: reason.to_owned(),
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// The table of `WebhookChannel`, row by row.
#[tokio::test]
async fn statuses_are_sent_tried_again_or_rejected() {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let channel = channel_of(&receiver);
    let (notice, incident) = (a_notice(), an_incident());
    let later = |status: u16| unavailable(&format!("HTTP status {status}"), None);
    let rejected = |status: u16| Err(ChannelError::Rejected(format!("HTTP status {status}")));
    let mut table: Vec<(Fault, Result<(), ChannelError>)> = Vec::new();
    for status in [200, 201, 202, 204, 299] {
        table.push((Fault::status(status), Ok(())));
    }
    for status in [302, 303, 307, 408, 425, 429, 500, 501, 502, 503, 504, 599] {
        table.push((Fault::status(status), later(status)));
    }
    for status in [
        300, 301, 304, 308, 400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 451,
    ] {
        table.push((Fault::status(status), rejected(status)));
    }
    for status in [429, 503] {
        let reason = format!("HTTP status {status}");
        let waits = |value: &str| {
            let answer = CannedResponse::status(status).header("Retry-After", value);
            Fault::Answer(answer.header("Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
        };
        table.push((waits("7"), unavailable(&reason, Some(7))));
        let date = waits("Sun, 06 Nov 1994 08:51:37 GMT");
        table.push((date, unavailable(&reason, Some(120))));
        table.push((waits("soon"), later(status)));
    }
    // What the body says, and how long it is, changes nothing.
    let page = CannedResponse::status(200).body("<html>not here</html>");
    table.push((Fault::Answer(page), Ok(())));
    table.push((Fault::HugeBody(1 << 20), Ok(())));
    for (fault, expected) in &table {
        receiver.script([fault.clone()]);
        let answer = channel.send(&notice, &incident, WITHIN).await;
        assert_eq!(answer, *expected, "{fault:?}");
    }
    assert_eq!(receiver.requests().len(), table.len());
}

/// Without an answer, a notice is tried again, whatever became of it.
#[tokio::test]
async fn without_an_answer_it_is_tried_again() {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let channel = channel_of(&receiver);
    let (notice, incident) = (a_notice(), an_incident());
    let send = async |timeout| channel.send(&notice, &incident, timeout).await;
    for (fault, counted) in [
        (Fault::ResetUnread, 0),
        (Fault::ResetRead, 0),
        (Fault::AcceptThenLose, 1),
    ] {
        receiver.script([fault.clone()]);
        let answer = send(WITHIN).await;
        assert!(
            matches!(
                answer,
                Err(ChannelError::Unavailable {
                    retry_after: None,
                    ..
                })
            ),
            "{fault:?}: {answer:?}"
        );
        assert_eq!(receiver.counted().len(), counted, "{fault:?}");
    }
    for fault in [
        Fault::BlackHole,
        Fault::Sleep(Duration::from_secs(3)),
        Fault::Drip(Duration::from_millis(50)),
    ] {
        receiver.script([fault.clone()]);
        let started = Instant::now();
        let answer = send(Duration::from_millis(200)).await;
        let expected = unavailable("timed out waiting for a response", None);
        assert_eq!(answer, expected, "{fault:?}");
        assert!(started.elapsed() < Duration::from_secs(2), "{fault:?}");
    }
    // The status came, so the notice is sent, and the rest of the body is not waited for.
    receiver.script([Fault::EndlessBody]);
    let started = Instant::now();
    assert_eq!(send(WITHIN).await, Ok(()));
    assert!(started.elapsed() < Duration::from_secs(4));
    receiver.refuse().await.unwrap();
    let answer = send(WITHIN).await;
    assert!(
        matches!(answer, Err(ChannelError::Unavailable { .. })),
        "{answer:?}"
    );
    receiver.listen().await.unwrap();
    assert_eq!(send(WITHIN).await, Ok(()));
    assert_eq!(receiver.counted().len(), 1);
}

/// A redirect would carry a signed notice to another address, also with a client of the host's own
/// that follows it.
#[tokio::test]
async fn no_redirect_is_followed() {
    let (receiver, elsewhere) = (
        NoticeReceiver::start(secret()).await.unwrap(),
        NoticeReceiver::start(secret()).await.unwrap(),
    );
    let (notice, incident) = (a_notice(), an_incident());
    let location = elsewhere.base_url().to_string();
    let channel = channel_of(&receiver);
    for (status, is_rejected) in [
        (301, true),
        (302, false),
        (303, false),
        (307, false),
        (308, true),
    ] {
        let answer = CannedResponse::status(status).header("Location", &location);
        receiver.script([Fault::Answer(answer)]);
        let error = channel.send(&notice, &incident, WITHIN).await.unwrap_err();
        let rejected = matches!(error, ChannelError::Rejected(_));
        assert_eq!(rejected, is_rejected, "{error:?}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
    let policy = reqwest::redirect::Policy::limited(3);
    let following = client_builder().no_proxy().redirect(policy);
    let name = Name::new("chat").unwrap();
    let builder = WebhookChannel::builder(name, address(&receiver), secret());
    let following = builder.client(following.build().unwrap()).build().unwrap();
    receiver.script([Fault::redirect(&location)]);
    let error = following
        .send(&notice, &incident, WITHIN)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ChannelError::Unavailable { .. }),
        "{error:?}"
    );
}

/// The signature covers id, time and body, and is valid for five minutes around its time.
#[tokio::test]
async fn notices_are_signed_for_five_minutes() {
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let (notice, incident) = (a_notice(), an_incident());
    let send = async |secret: &str, offset: i64| {
        let seconds = chrono::Utc::now().timestamp() + offset;
        let now = incident_core::Timestamp::from_micros(seconds * 1_000_000).unwrap();
        let name = Name::new("chat").unwrap();
        let secret = SigningSecret::new(secret).unwrap();
        let builder = WebhookChannel::builder(name, address(&receiver), secret);
        let channel = builder.clock(Arc::new(ManualClock::at(now))).build();
        channel.unwrap().send(&notice, &incident, WITHIN).await
    };
    let refused = Err(ChannelError::Rejected("HTTP status 401".to_owned()));
    assert_eq!(
        send("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", 0).await,
        refused
    );
    for offset in [-320, 320, -86_400] {
        assert_eq!(send(SECRET, offset).await, refused, "{offset}");
    }
    assert_eq!(receiver.counted(), []);
    for offset in [-280, 0, 280] {
        assert_eq!(send(SECRET, offset).await, Ok(()), "{offset}");
    }
    let counted = receiver.counted();
    assert_eq!((counted.len(), counted[0].times), (1, 3));
    assert_eq!(counted[0].id, notice.message_id().to_string());
    // The same body under another id, or another body under the same signature, is not signed.
    let seen = receiver.requests().pop().unwrap();
    let client = client_builder().no_proxy().build().unwrap();
    let altered = seen.body.iter().rev().copied().collect::<Vec<u8>>();
    for (id, body) in [("other", seen.body.clone()), (&*counted[0].id, altered)] {
        let request = client
            .post(receiver.base_url().to_string())
            .header("webhook-id", id)
            .header(
                "webhook-timestamp",
                seen.header("webhook-timestamp").unwrap(),
            )
            .header(
                "webhook-signature",
                seen.header("webhook-signature").unwrap(),
            );
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{id}");
    }
}

/// Neither logs nor errors nor debug prints hold the secret or the address, whatever a receiver
/// answers; and no answer begins a line of its own, or is longer than a person reads.
#[tokio::test]
async fn no_log_of_a_channel_holds_a_secret() {
    let lines = Lines::default();
    let receiver = NoticeReceiver::start(secret()).await.unwrap();
    let builder = WebhookChannel::builder("chat".parse().unwrap(), address(&receiver), secret());
    let mut printed = format!("{builder:?}");
    let channel = builder.build().unwrap();
    printed += &format!("{channel:?}");
    let long = "x".repeat(290) + TOKEN + &"y".repeat(64 * 1024);
    let faults = [
        Fault::None,
        Fault::Answer(repeating(400)),
        Fault::Answer(repeating(302).header("Location", &address(&receiver).to_string())),
        Fault::Answer(repeating(429).header("Retry-After", TOKEN)),
        Fault::Answer(repeating(500)),
        Fault::Answer(CannedResponse::status(503).body(&long)),
        Fault::ResetRead,
        Fault::AcceptThenLose,
        Fault::BlackHole,
    ];
    let (notice, incident) = (a_notice(), an_incident());
    let sending = async {
        let mut printed = String::new();
        for fault in faults {
            receiver.script([fault]);
            let soon = Duration::from_millis(500);
            let answer = channel.send(&notice, &incident, soon).await;
            printed += &format!("{answer:?}");
        }
        receiver.refuse().await.unwrap();
        let answer = channel.send(&notice, &incident, WITHIN).await;
        printed + &format!("{answer:?}")
    };
    printed += &lines.read(sending).await;
    let log = lines.text();
    let refused = log.lines().filter(|line| line.contains("did not take"));
    assert_eq!(refused.count(), 5, "{log}");
    assert!(!log.lines().any(|line| line.starts_with("ERROR")), "{log}");
    assert!(log.lines().all(|line| line.len() < 1_000), "{log}");
    for (place, text) in [("log", log), ("debug prints", printed)] {
        // Reqwest and hyper log through `log`, which `secrets.rs` reads.
        let found = text.lines().find(|line| {
            ["c4n4ry", "YzRuNHJ5", "services"]
                .iter()
                .any(|part| line.contains(part))
        });
        assert_eq!(found, None, "{place}");
    }
}
