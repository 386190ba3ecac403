//! Confirmation of deliveries: an accepted page may have opened no alert, so vendors are queried.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::IncidentId;
use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Command, Declare, Severity};
use incident_core::paging::{InboundPolicy, PagingState};
use incident_core::port::{AuditQuery, PageCheck, Pager};
use incident_core::testing::ManualClock;
use incident_pagers::testing::{CannedResponse, Fault, MockVendor};
use incident_pagers::{ApiKey, OpsGenie, PagerDuty, PagerDutyRest, RoutingKey};
use incident_test_postgres::Database;

use crate::over_http::harness::{at, context, storage};

pub(crate) struct Setup {
    pub(crate) incidents: Incidents,
    build: Box<dyn Fn() -> Incidents + Send + Sync>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) alarms: Arc<Mutex<Vec<Alarm>>>,
    pub(crate) vendor: MockVendor,
    _database: Option<Database>,
}

#[derive(Clone, Copy)]
pub(crate) enum Vendor {
    PagerDuty,
    OpsGenie,
}

pub(crate) async fn setup(kind: Vendor) -> Setup {
    setup_with(kind, InboundPolicy::default()).await
}

/// Creates a setup in which the vendor may make the given changes.
pub(crate) async fn setup_with(kind: Vendor, may: InboundPolicy) -> Setup {
    type Both = (Arc<dyn Pager>, Arc<dyn PageCheck>);
    let (vendor, (pager, check)): (MockVendor, Both) = match kind {
        Vendor::PagerDuty => {
            let vendor = MockVendor::pagerduty().await.unwrap();
            let key = RoutingKey::new("0123456789abcdef0123456789abcdef").unwrap();
            let base = vendor.base_url();
            let pager = PagerDuty::builder(key)
                .base_url(base.clone())
                .build()
                .unwrap();
            let rest = PagerDutyRest::new("rest-token", Some(base), None).unwrap();
            let check = rest.checking(pager.target_id());
            (vendor, (Arc::new(pager), Arc::new(check)))
        }
        Vendor::OpsGenie => {
            let vendor = MockVendor::opsgenie().await.unwrap();
            let key = ApiKey::new("eb243592-faa2-4ba2-a551q-1afdf565c889").unwrap();
            let pager = OpsGenie::builder(key)
                .base_url(vendor.base_url())
                .build()
                .unwrap();
            let pager = Arc::new(pager);
            (vendor, (pager.clone(), pager))
        }
    };
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let (storage, database) = storage().await;
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let (heard, time) = (alarms.clone(), clock.clone());
    let build = Box::new(move || {
        let heard = heard.clone();
        Incidents::builder(storage.store.clone())
            .clock(time.clone())
            .pager(pager.clone())
            .page_check(check.clone())
            .inbound_policy(may)
            .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
            .build()
            .unwrap()
    });
    Setup {
        incidents: build(),
        build,
        clock,
        alarms,
        vendor,
        _database: database,
    }
}

impl Setup {
    pub(crate) async fn declare(&self) -> IncidentId {
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        let id = self
            .incidents
            .declare(&context(), &asked)
            .await
            .unwrap()
            .incident
            .id;
        self.incidents.worker().drain().await.unwrap();
        let shown = self.incidents.get(id).await.unwrap();
        assert_eq!(shown.paging.state, PagingState::Accepted);
        id
    }

    /// Advances the clock, polling every few seconds as the loop does.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds / 5 {
            self.clock.advance(Duration::from_secs(5));
            self.incidents.worker().confirm().await.unwrap();
        }
    }

    async fn verdict(&self, id: IncidentId) -> (bool, bool) {
        let paging = self.incidents.get(id).await.unwrap().paging.clone();
        (
            paging.confirmed_at.is_some(),
            paging.unconfirmed_at.is_some(),
        )
    }

    /// Counts the vendor's status queries.
    fn questions(&self) -> usize {
        let requests = self.vendor.requests();
        requests.iter().filter(|seen| seen.method == "GET").count()
    }
}

pub(crate) const VENDORS: [Vendor; 2] = [Vendor::PagerDuty, Vendor::OpsGenie];

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_there_is_confirmed_once_and_asked_for_no_more() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        let id = it.declare().await;
        assert_eq!(it.verdict(id).await, (false, false));
        it.pass(60).await;
        assert_eq!((it.verdict(id).await, it.questions()), ((true, false), 1));
        let entries = it
            .incidents
            .audit()
            .timeline(id, 0, 50)
            .await
            .unwrap()
            .len();
        it.pass(300).await;
        assert_eq!(it.questions(), 1);
        assert_eq!(
            it.incidents
                .audit()
                .timeline(id, 0, 50)
                .await
                .unwrap()
                .len(),
            entries
        );
        assert_eq!(*it.alarms.lock().unwrap(), []);
    }
}

/// Edge case 18: during a maintenance window a vendor accepts pages and opens no alert.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_accepted_and_opened_nothing_raises_an_alarm() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        it.vendor.suppress(true);
        let id = it.declare().await;
        it.pass(115).await;
        // OpsGenie reports it at once; with PagerDuty it shows when no alert appears.
        let early = matches!(vendor, Vendor::OpsGenie);
        assert_eq!(it.verdict(id).await, (false, early));
        it.pass(15).await;
        assert_eq!(it.verdict(id).await, (false, true));
        let expected = Alarm::PageUnconfirmed {
            incident_id: id,
            target: it
                .incidents
                .get(id)
                .await
                .unwrap()
                .paging
                .target
                .clone()
                .unwrap(),
        };
        assert_eq!(*it.alarms.lock().unwrap(), [expected]);
        let entries = it.incidents.audit().timeline(id, 0, 50).await.unwrap();
        let last = entries.last().unwrap();
        let text = last
            .text(incident_core::timeline::TextName::Message)
            .unwrap();
        assert!(text.contains("opened no alert"), "{text}");
        let all = AuditQuery {
            limit: 50,
            ..AuditQuery::default()
        };
        let audit = it.incidents.audit().list(&all).await.unwrap();
        let noted = audit
            .iter()
            .filter(|entry| entry.payload.action == "page_unconfirmed");
        assert_eq!(noted.count(), 1);
        let asked = it.questions();
        it.pass(300).await;
        assert_eq!(
            (it.questions(), it.alarms.lock().unwrap().len()),
            (asked, 1)
        );
        assert_eq!(it.vendor.wakes().len(), 0);
    }
}

/// Edge case 17: the outcome of a request is reported late, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_slow_to_tell_is_asked_again_and_one_that_does_not_raises_no_alarm() {
    let it = setup(Vendor::OpsGenie).await;
    let id = it.declare().await;
    let waits = CannedResponse::status(404)
        .header("X-Opsgenie-Errortype", "RequestNotProcessed")
        .body(
            r#"{"message":"Request not found. It might not be processed, yet.","requestId":"1"}"#,
        );
    it.vendor.script(vec![Fault::Answer(waits.clone()); 3]);
    it.pass(10).await;
    assert_eq!(it.verdict(id).await, (false, false));
    it.pass(60).await;
    assert_eq!((it.verdict(id).await, it.questions()), ((true, false), 4));

    // Only errors, foreign alerts and nonsense: the outcome stays unknown.
    let second = it.declare().await;
    let nonsense = [
        CannedResponse::status(502),
        CannedResponse::status(404).body("<html>"),
        CannedResponse::status(200).body("<html>"),
        CannedResponse::status(200).body("{}"),
        CannedResponse::status(401),
    ];
    it.vendor
        .script(nonsense.iter().cycle().take(40).cloned().map(Fault::Answer));
    it.pass(200).await;
    assert_eq!(it.verdict(second).await, (false, false));
    assert_eq!(*it.alarms.lock().unwrap(), []);
    // It was polled for a while, and is not any more.
    let asked = it.questions();
    assert!(asked > 4 + 3, "{asked}");
    it.pass(300).await;
    assert_eq!(it.questions(), asked);
    it.vendor.script([]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_somebody_took_is_not_asked_about() {
    for vendor in VENDORS {
        let it = setup(vendor).await;
        it.vendor.suppress(true);
        let id = it.declare().await;
        let command = Command::Acknowledge { at: None };
        it.incidents.act(&context(), id, &command).await.unwrap();
        it.pass(200).await;
        assert_eq!((it.verdict(id).await, it.questions()), ((false, false), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_asks_about_what_the_last_one_sent() {
    for vendor in VENDORS {
        let mut it = setup(vendor).await;
        it.vendor.suppress(true);
        let id = it.declare().await;
        it.incidents = (it.build)();
        it.pass(130).await;
        assert_eq!(it.verdict(id).await, (false, true));
    }
}

/// A7: a process that was already running takes over the confirmation of pages whose sender is
/// gone; while the sender runs, the sender polls first.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_runs_already_asks_about_what_one_sent_that_is_gone() {
    for vendor in VENDORS {
        let mut it = setup(vendor).await;
        let sender = std::mem::replace(&mut it.incidents, (it.build)());
        // Its first poll was before there was anything to find.
        it.pass(60).await;
        it.vendor.suppress(true);
        let other = std::mem::replace(&mut it.incidents, sender);
        let id = it.declare().await;
        it.incidents = other;
        it.pass(55).await;
        assert_eq!(it.questions(), 0, "left to the sender");
        it.pass(130).await;
        assert_eq!(it.verdict(id).await, (false, true));
        assert_eq!(it.alarms.lock().unwrap().len(), 1);
    }
}
