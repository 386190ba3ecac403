//! The mock vendors follow the vendors' rules; and the calls other than paging.

use incident_core::paging::{DeliveryResult, PageAction, PageEvent};
use incident_core::port::Pager;
use incident_core::testing::a_page;
use incident_pagers::testing::{AlertState, Fault, MockVendor};
use incident_pagers::{
    ApiKey, BaseUrl, OpsGenie, OpsGeniePriority, OpsGenieRegion, PagerDuty, PagerDutyRegion,
    RoutingKey, client_builder,
};
use serde_json::{Value, json};

use crate::vendors::{API_KEY, ROUTING_KEY, WITHIN, both, opsgenie};

async fn post(vendor: &MockVendor, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
    let client = client_builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let request = client
        .post(format!("{}{path}", vendor.base_url()))
        .json(body);
    let request = match key {
        Some(key) => request.header("Authorization", format!("GenieKey {key}")),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn a_wake_is_an_alert_that_opens() {
    use PageAction::{Acknowledge, Resolve, Trigger};
    for (vendor, pager) in both().await {
        for (action, wakes) in [
            (Resolve, 0),
            (Trigger, 1),
            (Trigger, 1),
            (Acknowledge, 1),
            (Trigger, 1),
            (Resolve, 1),
            (Acknowledge, 1),
            // Closed alerts are not remembered: this wakes again.
            (Trigger, 2),
        ] {
            pager.send(&a_page(action), WITHIN).await;
            assert_eq!(vendor.wakes().len(), wakes, "{action:?}");
        }
        let counts: Vec<_> = vendor
            .alerts()
            .iter()
            .map(|one| (one.state, one.count))
            .collect();
        assert_eq!(counts, [(AlertState::Closed, 3), (AlertState::Open, 1)]);
    }
}

#[tokio::test]
async fn pagerduty_refuses_what_it_refuses() {
    let vendor = MockVendor::pagerduty().await.unwrap();
    let good = json!({"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": "k",
        "payload": {"summary": "s", "source": "x", "severity": "critical"}});
    assert_eq!(post(&vendor, "/v2/enqueue", None, &good).await.0, 202);
    for (pointer, value, word) in [
        ("/routing_key", json!("short"), "routing_key"),
        ("/routing_key", json!("!".repeat(32)), "routing_key"),
        ("/event_action", json!("open"), "event_action"),
        ("/dedup_key", json!("k".repeat(256)), "dedup_key"),
        ("/payload", json!("text"), "payload"),
        ("/payload/summary", json!(" "), "summary"),
        ("/payload/summary", json!("s".repeat(1025)), "summary"),
        ("/payload/source", json!(""), "source"),
        ("/payload/severity", json!("Critical"), "severity"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let (status, body) = post(&vendor, "/v2/enqueue", None, &bad).await;
        assert_eq!(status, 400, "{pointer}");
        assert!(body["errors"][0].as_str().unwrap().contains(word), "{body}");
    }
    let mut long = good.clone();
    long["payload"]["custom_details"] = json!({"x": "x".repeat(512_000)});
    assert_eq!(post(&vendor, "/v2/enqueue", None, &long).await.0, 400);
    for images in [json!([{"src": "http://plain.example/x.png"}]), json!([{}])] {
        let mut bad = good.clone();
        bad["images"] = images;
        assert_eq!(post(&vendor, "/v2/enqueue", None, &bad).await.0, 400);
    }
    assert_eq!(post(&vendor, "/enqueue", None, &good).await.0, 404);
    assert_eq!(vendor.wakes().len(), 1);
}

#[tokio::test]
async fn opsgenie_refuses_what_it_refuses() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let good = json!({"message": "m", "alias": "a b/c"});
    assert_eq!(
        post(&vendor, "/v2/alerts", Some(API_KEY), &good).await.0,
        202
    );
    assert_eq!(post(&vendor, "/v2/alerts", None, &good).await.0, 401);
    for (field, value) in [
        ("message", json!(" ")),
        ("message", json!("m".repeat(131))),
        ("alias", json!("a".repeat(513))),
        ("description", json!("d".repeat(15_001))),
        ("tags", json!(vec!["t"; 21])),
        ("tags", json!(["t".repeat(51)])),
        ("details", json!({"nested": {"a": 1}})),
        ("details", json!({"number": 1})),
        ("details", json!({"long": "x".repeat(8_000)})),
        ("entity", json!("e".repeat(513))),
        ("source", json!("s".repeat(101))),
        ("user", json!("u".repeat(101))),
        ("note", json!("n".repeat(25_001))),
        ("priority", json!("P0")),
        ("responders", json!([{"id": "x"}])),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let (status, body) = post(&vendor, "/v2/alerts", Some(API_KEY), &bad).await;
        assert_eq!(status, 422, "{field}");
        assert!(body["errors"][field].is_string(), "{body}");
    }
    // By id, the default, an alias names nothing: the request is accepted without effect.
    let close = json!({});
    for (query, state) in [
        ("", AlertState::Open),
        ("?identifierType=alias", AlertState::Closed),
    ] {
        let path = format!("/v2/alerts/a%20b%2Fc/close{query}");
        assert_eq!(post(&vendor, &path, Some(API_KEY), &close).await.0, 202);
        assert_eq!(vendor.alerts()[0].state, state);
    }
}

#[tokio::test]
async fn opsgenie_tells_how_a_request_ended() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let client = client_builder()
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap();
    let get = async |path: String| {
        let request = client.get(format!("{}/v2/alerts/{path}", vendor.base_url()));
        let request = request.header("Authorization", format!("GenieKey {API_KEY}"));
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (status, body)
    };
    let pager = opsgenie(&vendor);
    let mut ids = Vec::new();
    for action in [PageAction::Resolve, PageAction::Trigger] {
        match pager.send(&a_page(action), WITHIN).await {
            DeliveryResult::Accepted(receipt) => ids.push(receipt.request_id.unwrap()),
            other @ (DeliveryResult::NotSent(_) | DeliveryResult::Unknown) => panic!("{other:?}"),
        }
    }
    let ends = [
        get(format!("requests/{}", ids[0])).await,
        get(format!("requests/{}", ids[1])).await,
    ];
    assert_eq!(
        (ends[0].0, &ends[0].1["data"]["success"]),
        (200, &json!(false))
    );
    assert_eq!(
        (ends[1].0, &ends[1].1["data"]["success"]),
        (200, &json!(true))
    );
    assert_eq!(get("requests/unknown".to_owned()).await.0, 404);
    let alias = a_page(PageAction::Trigger).dedup_key.replace(':', "%3A");
    let shown = get(format!("{alias}?identifierType=alias")).await.1;
    assert_eq!(shown["data"]["priority"], "P2");
}

#[tokio::test]
async fn notes_and_priorities_reach_the_open_alert() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let pager = opsgenie(&vendor);
    let page = a_page(PageAction::Trigger);
    let taken = |answer| assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
    taken(pager.send(&page, WITHIN).await);
    taken(pager.note(&page.dedup_key, "rolled back", WITHIN).await);
    taken(
        pager
            .set_priority(&page.dedup_key, OpsGeniePriority::P1, WITHIN)
            .await,
    );
    let alert = &vendor.alerts()[0];
    assert_eq!(
        (alert.notes.as_slice(), alert.severity.as_str()),
        (&["rolled back".to_owned()][..], "P1")
    );
    assert_eq!(vendor.wakes().len(), 1);
    // OpsGenie accepts them without an alert as well.
    taken(pager.note("sys-incident:none", "x", WITHIN).await);
}

/// A key with every character that has a meaning in a path.
#[tokio::test]
async fn odd_keys_name_the_same_alert_in_every_call() {
    for key in [
        "sys-incident:a/b?c#d%e f",
        "sys-incident:é👩‍👩‍👧",
        &"k".repeat(600),
    ] {
        for (vendor, pager) in both().await {
            for action in [
                PageAction::Trigger,
                PageAction::Acknowledge,
                PageAction::Resolve,
            ] {
                let page = PageEvent {
                    dedup_key: key.to_owned(),
                    ..a_page(action)
                };
                let answer = pager.send(&page, WITHIN).await;
                assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
            }
            let states: Vec<_> = vendor.alerts().iter().map(|alert| alert.state).collect();
            assert_eq!(
                states,
                [AlertState::Closed],
                "{key} at {}",
                pager.target_id()
            );
        }
    }
}

#[tokio::test]
async fn under_the_path_of_jira_service_management_all_is_the_same() {
    let vendor = MockVendor::opsgenie().await.unwrap();
    let url = BaseUrl::new(&format!("{}/jsm/ops/integration", vendor.base_url())).unwrap();
    let key = ApiKey::new(API_KEY).unwrap();
    let pager = OpsGenie::builder(key).base_url(url).build().unwrap();
    for action in [
        PageAction::Trigger,
        PageAction::Acknowledge,
        PageAction::Resolve,
    ] {
        let answer = pager.send(&a_page(action), WITHIN).await;
        assert!(matches!(answer, DeliveryResult::Accepted(_)), "{answer:?}");
    }
    let paths: Vec<_> = vendor
        .requests()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with("/jsm/ops/integration/v2/alerts"))
    );
    assert_eq!(vendor.alerts()[0].state, AlertState::Closed);
}

/// A region is an address; an account is an address and a key.
#[test]
fn regions_and_accounts() {
    let client = client_builder().tls_certs_only([]).build().unwrap();
    let pagerduty = |key: &str, region| {
        let key = RoutingKey::new(key).unwrap();
        let builder = PagerDuty::builder(key).client(client.clone());
        builder.region(region).build().unwrap()
    };
    let opsgenie = |region| {
        let builder = OpsGenie::builder(ApiKey::new(API_KEY).unwrap()).client(client.clone());
        builder.region(region).build().unwrap()
    };
    let us = pagerduty(ROUTING_KEY, PagerDutyRegion::Us);
    let eu = pagerduty(ROUTING_KEY, PagerDutyRegion::Eu);
    let other = pagerduty(&ROUTING_KEY.replace('0', "f"), PagerDutyRegion::Us);
    let urls = [
        us.base_url().to_string(),
        eu.base_url().to_string(),
        opsgenie(OpsGenieRegion::Us).base_url().to_string(),
        opsgenie(OpsGenieRegion::Eu).base_url().to_string(),
        opsgenie(OpsGenieRegion::Jsm).base_url().to_string(),
    ];
    assert_eq!(
        urls,
        [
            "https://events.pagerduty.com",
            "https://events.eu.pagerduty.com",
            "https://api.opsgenie.com",
            "https://api.eu.opsgenie.com",
            "https://api.atlassian.com/jsm/ops/integration",
        ]
    );
    let targets = [us.target_id(), eu.target_id(), other.target_id()];
    assert!(targets.iter().all(|target| target.name() == "pagerduty"));
    assert!(targets[0] != targets[1] && targets[0] != targets[2]);
    assert_eq!(
        us.target_id(),
        pagerduty(ROUTING_KEY, PagerDutyRegion::Us).target_id()
    );
}

#[tokio::test]
async fn a_stand_in_refuses_and_listens_again_as_often_as_it_is_told() {
    let (vendor, pager) = both().await.into_iter().next().unwrap();
    for round in 1..=5 {
        vendor.refuse().await.unwrap();
        vendor.refuse().await.unwrap();
        let refused = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert!(matches!(refused, DeliveryResult::NotSent(_)), "{refused:?}");
        vendor.listen().await.unwrap();
        vendor.listen().await.unwrap();
        let taken = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
        assert!(matches!(taken, DeliveryResult::Accepted(_)), "{taken:?}");
        assert_eq!(vendor.requests().len(), round);
    }
    vendor.plan(|attempt| match (attempt.action.as_str(), attempt.number) {
        ("trigger", 6) => Fault::ResetRead,
        _ => Fault::None,
    });
    let planned = pager.send(&a_page(PageAction::Trigger), WITHIN).await;
    assert_eq!(planned, DeliveryResult::Unknown);
}
