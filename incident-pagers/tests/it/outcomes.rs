//! The outcome of each answer and each failure: accepted, not sent, or unknown.

use std::time::{Duration, Instant};

use incident_core::paging::{DeliveryResult, NotSent, NotSentReason, PageAction};
use incident_core::port::Pager;
use incident_core::testing::a_page;
use incident_pagers::testing::{CannedResponse, Fault, MockVendor};
use incident_pagers::{BaseUrl, PagerDuty, RoutingKey, client_builder};

use crate::vendors::{ROUTING_KEY, WITHIN, both, opsgenie, pagerduty};

const fn not_sent(reason: NotSentReason) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason,
        retry_after: None,
    })
}

const fn later(seconds: u64) -> DeliveryResult {
    DeliveryResult::NotSent(NotSent {
        reason: NotSentReason::RateLimited,
        retry_after: Some(Duration::from_secs(seconds)),
    })
}

/// Removes the vendor's receipt from an accepted answer.
fn kind(answer: DeliveryResult) -> DeliveryResult {
    match answer {
        DeliveryResult::Accepted(_) => DeliveryResult::Accepted(Default::default()),
        other @ (DeliveryResult::NotSent(_) | DeliveryResult::Unknown) => other,
    }
}

#[tokio::test]
async fn by_status_code() {
    use NotSentReason::{RateLimited, Rejected, Unauthorized, Unavailable};
    let accepted = DeliveryResult::Accepted(Default::default());
    let answer = |canned| Fault::Answer(canned);
    let table = [
        (Fault::status(202), accepted.clone()),
        (
            answer(CannedResponse::status(202).body("<html>")),
            accepted.clone(),
        ),
        // A captive portal is not the vendor.
        (Fault::status(200), DeliveryResult::Unknown),
        (
            answer(CannedResponse::status(200).body("<html>")),
            DeliveryResult::Unknown,
        ),
        (Fault::status(204), DeliveryResult::Unknown),
        (Fault::status(301), not_sent(Unavailable)),
        (Fault::status(304), not_sent(Unavailable)),
        (Fault::status(307), not_sent(Unavailable)),
        (Fault::status(400), not_sent(Rejected)),
        (Fault::status(401), not_sent(Unauthorized)),
        (Fault::status(402), not_sent(Unauthorized)),
        (Fault::status(403), not_sent(Unauthorized)),
        (Fault::status(404), not_sent(Rejected)),
        (Fault::status(405), not_sent(Rejected)),
        (Fault::status(408), DeliveryResult::Unknown),
        (Fault::status(409), not_sent(Rejected)),
        (Fault::status(413), not_sent(Rejected)),
        (Fault::status(422), not_sent(Rejected)),
        (Fault::status(429), not_sent(RateLimited)),
        (
            answer(CannedResponse::status(429).header("Retry-After", "7")),
            later(7),
        ),
        (
            answer(CannedResponse::status(429).header("X-RateLimit-Period-In-Sec", "30")),
            later(30),
        ),
        (
            answer(CannedResponse::status(429).header("RateLimit-Reset", "12")),
            later(12),
        ),
        (
            answer(CannedResponse::status(429).header("Retry-After", "soon")),
            not_sent(RateLimited),
        ),
        (Fault::status(500), DeliveryResult::Unknown),
        (Fault::status(501), not_sent(Rejected)),
        (Fault::status(502), DeliveryResult::Unknown),
        (
            answer(CannedResponse::status(502).after_accepting()),
            DeliveryResult::Unknown,
        ),
        (Fault::status(503), DeliveryResult::Unknown),
        (Fault::status(504), DeliveryResult::Unknown),
        (Fault::status(599), DeliveryResult::Unknown),
    ];
    for (vendor, pager) in both().await {
        let mut requests = 0;
        for (fault, expected) in &table {
            // A page refused for its body is sent once more with a minimal body.
            let refused = [400, 413, 422].map(Fault::status);
            let times = 1 + usize::from(refused.contains(fault));
            requests += times;
            vendor.script(vec![fault.clone(); times]);
            let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
            assert_eq!(kind(answer), *expected, "{}: {fault:?}", pager.target_id());
        }
        assert_eq!(vendor.requests().len(), requests);
        // Only the request that was accepted before the 502 opened an alert.
        assert_eq!(vendor.wakes().len(), 1);
    }
}

#[tokio::test]
async fn by_failure_phase() {
    for (vendor, pager) in both().await {
        let trigger = a_page(PageAction::Trigger);
        let send = async |timeout| kind(pager.send(&trigger, timeout).await);
        for (fault, taken) in [
            (Fault::ResetUnread, false),
            (Fault::ResetRead, false),
            (Fault::AcceptThenLose, true),
        ] {
            vendor.script([fault.clone()]);
            assert_eq!(send(WITHIN).await, DeliveryResult::Unknown, "{fault:?}");
            assert_eq!(vendor.wakes().len(), usize::from(taken), "{fault:?}");
        }
        let soon = Duration::from_millis(200);
        for fault in [
            Fault::BlackHole,
            Fault::Sleep(Duration::from_secs(3)),
            Fault::Drip(Duration::from_millis(50)),
        ] {
            vendor.script([fault.clone()]);
            let started = Instant::now();
            assert_eq!(send(soon).await, DeliveryResult::Unknown, "{fault:?}");
            assert!(started.elapsed() < Duration::from_secs(2), "{fault:?}");
        }
        vendor.refuse().await.unwrap();
        let unreachable = not_sent(NotSentReason::Unreachable);
        assert_eq!(send(WITHIN).await, unreachable);
        vendor.listen().await.unwrap();
        assert!(matches!(send(WITHIN).await, DeliveryResult::Accepted(_)));
        assert_eq!(vendor.wakes().len(), 1);
    }
}

/// The status decides; a body that never ends changes nothing and costs little.
#[tokio::test]
async fn an_endless_body_is_cut() {
    for (vendor, pager) in both().await {
        vendor.script([Fault::HugeBody(64 * 1024 * 1024)]);
        let started = Instant::now();
        let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_not_waited_for() {
    for (vendor, pager) in both().await {
        // The head takes about two seconds, and so may the body.
        vendor.script([Fault::Drip(Duration::from_millis(20))]);
        let started = Instant::now();
        let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
        assert!(started.elapsed() < WITHIN);
    }
}

/// A load balancer that closes an idle connection just as a page is sent makes its outcome
/// unknown, so idle connections are dropped before that.
#[tokio::test]
async fn connections_are_used_again_and_dropped_when_idle() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let pager = pagerduty(&vendor);
    for (pause, connections) in [(0, 1), (1, 1), (5, 2)] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
        assert_eq!(vendor.connections(), connections, "after {pause} s");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_a_client_that_follows_one_is_not_believed() {
    let elsewhere = MockVendor::pagerduty().await.unwrap();
    let vendor = MockVendor::pagerduty().await.unwrap();
    let to = format!("{}/v2/enqueue", elsewhere.base_url());
    let trigger = a_page(PageAction::Trigger);
    vendor.script([Fault::redirect(&to), Fault::redirect(&to)]);
    let answer = pagerduty(&vendor).send(&trigger, WITHIN).await;
    assert_eq!(answer, not_sent(NotSentReason::Unavailable));
    assert!(elsewhere.requests().is_empty());
    let follows = PagerDuty::builder(RoutingKey::new(ROUTING_KEY).unwrap())
        .base_url(vendor.base_url())
        .client(
            client_builder()
                .tls_certs_only([])
                .redirect(reqwest::redirect::Policy::limited(3))
                .build()
                .unwrap(),
        )
        .build()
        .unwrap();
    assert_eq!(
        follows.send(&trigger, WITHIN).await,
        DeliveryResult::Unknown
    );
}

/// A connection that cannot be made in time, or not secured, has sent nothing.
#[tokio::test]
async fn before_the_connection_stands_nothing_was_sent() {
    // The accept queue is full, so the system drops further connections.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let connect = tokio::net::TcpStream::connect(address);
        waiting.push(tokio::time::timeout(Duration::from_millis(200), connect).await);
    }
    let key = || RoutingKey::new(ROUTING_KEY).unwrap();
    let pager = PagerDuty::builder(key())
        .base_url(BaseUrl::new(&format!("http://{address}")).unwrap())
        .build()
        .unwrap();
    let started = Instant::now();
    let trigger = a_page(PageAction::Trigger);
    let answer = pager.send(&trigger, Duration::from_secs(10)).await;
    assert_eq!(answer, not_sent(NotSentReason::Unreachable));
    let took = started.elapsed();
    assert!((2..5).contains(&took.as_secs()), "{took:?}");

    let plain = MockVendor::pagerduty().await.unwrap();
    let secured = plain.base_url().to_string().replace("http:", "https:");
    let pager = PagerDuty::builder(key())
        .base_url(BaseUrl::new(&secured).unwrap())
        .client(client_builder().tls_certs_only([]).build().unwrap())
        .build()
        .unwrap();
    let answer = pager.send(&trigger, WITHIN).await;
    assert_eq!(answer, not_sent(NotSentReason::Unreachable));
}

#[tokio::test]
async fn a_refused_key_is_told_from_a_refused_page() {
    for (vendor, pager) in both().await {
        vendor.only_keys(["another"]);
        let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert_eq!(answer, not_sent(NotSentReason::Unauthorized));
    }
}

#[tokio::test]
async fn what_is_gone_at_the_vendor_is_called_off() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let pager = opsgenie(&vendor);
    let gone =
        CannedResponse::status(404).body(r#"{"message":"No alert","took":0,"requestId":"1"}"#);
    let lost = CannedResponse::status(404).body("<html>nginx</html>");
    vendor.script([
        Fault::Answer(gone.clone()),
        Fault::Answer(lost),
        Fault::Answer(gone),
    ]);
    let close = a_page(PageAction::Resolve);
    assert!(matches!(
        pager.send(&close, WITHIN).await,
        DeliveryResult::Accepted(_)
    ));
    // A 404 of another server: the address is wrong.
    assert_eq!(
        pager.send(&close, WITHIN).await,
        not_sent(NotSentReason::Rejected)
    );
    let create = a_page(PageAction::Trigger);
    assert_eq!(
        pager.send(&create, WITHIN).await,
        not_sent(NotSentReason::Rejected)
    );
}

#[tokio::test]
async fn the_receipt_is_the_vendors_id_of_the_request() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let answer = opsgenie(&vendor)
        .send(&a_page(PageAction::Trigger), WITHIN)
        .await;
    let DeliveryResult::Accepted(receipt) = answer else {
        panic!("{answer:?}");
    };
    assert!(
        receipt
            .request_id
            .unwrap()
            .starts_with("00000000-0000-4000-")
    );
    let vendor = MockVendor::pagerduty().await.unwrap();
    vendor.script([Fault::Answer(
        CannedResponse::status(202).header("X-Request-Id", "abc"),
    )]);
    let answer = pagerduty(&vendor)
        .send(&a_page(PageAction::Trigger), WITHIN)
        .await;
    let DeliveryResult::Accepted(receipt) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(receipt.request_id.as_deref(), Some("abc"));
}

#[tokio::test]
async fn a_body_that_is_refused_is_followed_by_the_shortest_page() {
    for (vendor, pager) in both().await {
        for (number, status) in [400, 413, 422].into_iter().enumerate() {
            vendor.script([Fault::status(status)]);
            let page = incident_core::paging::PageEvent {
                dedup_key: format!("sys-incident:{number}"),
                ..a_page(PageAction::Trigger)
            };
            let answer = pager.send(&page, WITHIN).await;
            assert!(
                matches!(&answer, DeliveryResult::Accepted(receipt) if receipt.reduced),
                "{answer:?}"
            );
        }
        assert_eq!((vendor.requests().len(), vendor.wakes().len()), (6, 3));
        let sent = vendor.requests().last().unwrap().json().unwrap();
        insta::assert_json_snapshot!(format!("shortest_{}", pager.target_id()), sent);
        // Both requests are one page: the second one decides its outcome.
        vendor.script([Fault::status(422), Fault::AcceptThenLose]);
        let answer = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert_eq!(answer, DeliveryResult::Unknown);
        // A resolve has no shorter body to fall back to.
        vendor.script([Fault::status(422)]);
        let answer = pager.send(&a_page(PageAction::Resolve), WITHIN).await;
        assert_eq!(answer, not_sent(NotSentReason::Rejected));
    }
}
