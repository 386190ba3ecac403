//! Recovery from lost webhooks and from reordered vendor queues: vendors are queried, or the
//! message is resent.

use std::time::Duration;

use incident_core::IncidentId;
use incident_core::engine::Alarm;
use incident_core::incident::{Command, Incident, Status};
use incident_core::paging::{InboundPolicy, PagingState, dedup_key};
use incident_core::testing::update_to;
use incident_core::timeline::TextName;
use incident_pagers::testing::{AlertState, CannedResponse, Fault};

use crate::over_http::harness::context;
use crate::over_http::paging::delivery_confirmation::{Setup, VENDORS, Vendor, setup, setup_with};

impl Setup {
    /// Advances the clock by minutes, querying the vendor about once in each as the loop does.
    async fn minutes(&self, minutes: u64) {
        for _ in 0..minutes {
            self.clock.advance(Duration::from_secs(60));
            self.incidents.worker().drain().await.unwrap();
            self.incidents.worker().reconcile().await.unwrap();
        }
    }

    async fn shown(&self, id: IncidentId) -> Incident {
        Incident::clone(&*self.incidents.get(id).await.unwrap())
    }

    /// Counts the entries that contain a text.
    async fn said(&self, id: IncidentId, words: &str) -> usize {
        let entries = self.incidents.audit().timeline(id, 0, 200).await.unwrap();
        let texts = entries
            .iter()
            .filter_map(|entry| entry.text(TextName::Message));
        texts.filter(|text| text.contains(words)).count()
    }

    async fn resolve(&self, id: IncidentId) {
        let command = update_to(Status::Resolved, "fixed").unwrap();
        self.incidents.act(&context(), id, &command).await.unwrap();
        self.incidents.worker().drain().await.unwrap();
    }

    fn requests(&self) -> usize {
        self.vendor.requests().len()
    }
}

const fn name(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::PagerDuty => "pagerduty",
        Vendor::OpsGenie => "opsgenie",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_whose_webhook_was_lost_is_asked_for_and_taken_in_once() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        let id = it.declare().await;
        it.minutes(2).await;
        assert!(!it.shown(id).await.is_acknowledged());
        assert!(it.vendor.acknowledge_there(&dedup_key(id, None), "Bob"));
        it.minutes(6).await;
        let shown = it.shown(id).await;
        assert!(shown.is_acknowledged());
        let by = format!("{}:Bob", name(vendor));
        assert_eq!(
            shown.acknowledged_by.as_ref().map(|by| by.as_str()),
            Some(&*by)
        );
        assert_eq!(it.said(id, &format!("acknowledged by {by}")).await, 1);
        // The page is acknowledged: there is nothing more to query.
        let asked = it.requests();
        it.minutes(30).await;
        assert_eq!(it.requests(), asked);
        assert_eq!(*it.alarms.lock().unwrap(), []);
    }
}

/// If vendors may resolve, an alert closed there ends an acknowledged incident, even though the
/// webhook was lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_whose_webhook_was_lost_ends_an_incident_that_somebody_has() {
    for vendor in VENDORS {
        let may = InboundPolicy {
            acknowledge: true,
            resolve: true,
        };
        let it = setup_with(vendor, may).await;
        let id = it.declare().await;
        it.minutes(2).await;
        let taken = Command::Acknowledge { at: None };
        it.incidents.act(&context(), id, &taken).await.unwrap();
        it.minutes(6).await;
        assert!(it.shown(id).await.status.is_live());
        assert!(it.vendor.close_there(&dedup_key(id, None), "Bob"));
        it.minutes(6).await;
        assert_eq!(it.shown(id).await.status, Status::Resolved);
        assert_eq!(*it.alarms.lock().unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_was_closed_there_while_nobody_has_the_incident_raises_an_alarm() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        let id = it.declare().await;
        match vendor {
            Vendor::PagerDuty => assert!(it.vendor.close_there(&dedup_key(id, None), "Bob")),
            // Closed by a timeout, not by a person.
            Vendor::OpsGenie => it.vendor.close_after(Duration::ZERO),
        }
        it.minutes(8).await;
        let shown = it.shown(id).await;
        // By default a closed alert says nothing about the impact.
        assert!(shown.status.is_live() && !shown.is_acknowledged());
        assert!(shown.paging.closed_there_at.is_some());
        let vendor = name(vendor);
        assert_eq!(it.said(id, &format!("alert resolved at {vendor}")).await, 1);
        let expected = Alarm::AlertClosedThere {
            incident_id: id,
            vendor: vendor.parse().unwrap(),
        };
        assert_eq!(*it.alarms.lock().unwrap(), [expected]);
        let asked = it.requests();
        it.minutes(30).await;
        assert_eq!(
            (it.requests(), it.said(id, "alert resolved").await),
            (asked, 1)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vendors_are_asked_seldom_and_their_nonsense_changes_nothing() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        let id = it.declare().await;
        let before = it.requests();
        it.minutes(30).await;
        assert_eq!(it.requests() - before, 6, "every five minutes");
        let nonsense = [
            CannedResponse::status(502),
            CannedResponse::status(200).body("<html>"),
            CannedResponse::status(200).body("{}"),
            CannedResponse::status(200).body(r#"{"data": 7, "incidents": [7]}"#),
            CannedResponse::status(404).body("<html>"),
            CannedResponse::status(401).body("{}"),
        ];
        it.vendor.script(nonsense.map(Fault::Answer));
        let revision = it.shown(id).await.revision;
        it.minutes(30).await;
        assert_eq!(it.shown(id).await.revision, revision);
        it.resolve(id).await;
        let asked = it.requests();
        it.minutes(30).await;
        // At most one more resolution, and no query.
        assert!(it.requests() - asked <= 1);
    }
}

/// Edge case 5: both are accepted, and processed in reverse order.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_that_overtook_its_trigger_is_told_again_and_closes_the_alert() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        it.vendor.script([Fault::Overtaken]);
        let id = it.declare().await;
        it.resolve(id).await;
        let key = dedup_key(id, None);
        let state = || {
            let alerts = it.vendor.alerts();
            alerts
                .iter()
                .find(|alert| alert.key == key)
                .map(|alert| alert.state)
        };
        assert_eq!(state(), Some(AlertState::Open), "turned round");
        it.clock.advance(Duration::from_secs(29));
        it.incidents.worker().drain().await.unwrap();
        assert_eq!(state(), Some(AlertState::Open));
        it.minutes(1).await;
        assert_eq!(state(), Some(AlertState::Closed));
        let requests = it.requests();
        it.minutes(30).await;
        assert_eq!(it.requests(), requests, "twice is enough");
        assert_eq!(it.said(id, "resolution accepted").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolution_is_not_told_again_once_the_incident_has_a_newer_page() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        let id = it.declare().await;
        it.resolve(id).await;
        let mut reopen = incident_core::incident::Update::to_status(
            "it is back".parse().unwrap(),
            Status::Investigating,
        );
        reopen.reason = Some("it came back".parse().unwrap());
        let reopen = Command::Update(Box::new(reopen));
        it.incidents.act(&context(), id, &reopen).await.unwrap();
        let page = Command::Page {
            reason: "it is back".parse().unwrap(),
        };
        it.incidents.act(&context(), id, &page).await.unwrap();
        it.incidents.worker().drain().await.unwrap();
        it.minutes(3).await;
        assert_eq!(it.shown(id).await.paging.state, PagingState::Accepted);
        let alerts = it.vendor.alerts();
        let states: Vec<AlertState> = alerts.iter().map(|alert| alert.state).collect();
        assert_eq!(states, [AlertState::Closed, AlertState::Open]);
    }
}
