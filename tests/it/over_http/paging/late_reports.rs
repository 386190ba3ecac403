//! Late reports of vendors, over HTTP with signed webhooks: a report about an earlier page becomes
//! an entry and nothing else. The same holds for answers to queries.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_axum::WebhookSettings;
use incident_console::console::ConsoleBuilder;
use incident_console::policy_file::PolicyFile;
use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Command, Declare, Incident, Severity, Status, Update};
use incident_core::paging::{
    AlertStatus, Confirmation, DeliveryResult, NotSent, NotSentReason, PageAction, PageEvent,
    PagingState, Receipt, TargetId,
};
use incident_core::port::{PageCheck, Pager};
use incident_core::testing::{ManualClock, RecordingPager, update_to};
use incident_core::{IncidentId, RuleName};
use incident_pagers::inbound::WebhookSecret;
use incident_pagers::testing::{Delivered, Webhooks};
use serde_json::{Value, json};

use crate::over_http::harness::{COMMANDER, RESPONDER, Server, VIEWER, at, context, storage};

const SECRET: &str = "the-secret-of-this-webhook";
const TOKEN: &str = "the-token-of-this-webhook";

#[derive(Clone, Copy, Debug)]
enum Vendor {
    PagerDuty,
    OpsGenie,
}

const VENDORS: [Vendor; 2] = [Vendor::PagerDuty, Vendor::OpsGenie];

struct Setup {
    server: Server,
    others: Arc<RecordingPager>,
    hooks: Webhooks,
    path: String,
    events: u32,
}

async fn setup() -> Setup {
    let others = Arc::new(RecordingPager::named("others").unwrap());
    let rule: RuleName = "security".parse().unwrap();
    let parts = ConsoleBuilder {
        hooks: WebhookSettings {
            pagerduty: vec![WebhookSecret::new(SECRET).unwrap()],
            opsgenie: vec![WebhookSecret::new(TOKEN).unwrap()],
            ..WebhookSettings::default()
        },
        // Vendors are allowed all changes.
        policy: PolicyFile::parse("[pagers]\nresolved_there = true").unwrap(),
        escalations: [(rule, vec![others.clone() as Arc<dyn Pager>])].into(),
        ..ConsoleBuilder::default()
    };
    let server = Server::start_with(parts).await;
    let path = server.declare(&json!({"severity": "SEV1"})).await;
    server.paged(&path, "accepted").await;
    Setup {
        hooks: Webhooks::to(server.url("/hooks/pagerduty"), SECRET).unwrap(),
        server,
        others,
        path,
        events: 0,
    }
}

/// The same event in each vendor's terms.
const KINDS: [(&str, &str); 6] = [
    ("incident.acknowledged", "Acknowledge"),
    ("incident.resolved", "Close"),
    ("incident.unacknowledged", "UnAcknowledge"),
    ("incident.reassigned", "AssignOwnership"),
    ("incident.escalated", "Escalate"),
    ("incident.acknowledged", "Acknowledge"),
];

impl Setup {
    async fn incident(&self) -> Value {
        self.server.get(VIEWER, &self.path).await.is(200)
    }

    /// Delivers an event of a vendor with a time.
    async fn hears(
        &mut self,
        vendor: Vendor,
        (pagerduty, opsgenie): (&str, &str),
        rule: &str,
        time: &str,
    ) {
        self.events += 1;
        let id = self.path.rsplit('/').next().unwrap();
        let key = format!("sys-incident:{id}{rule}");
        let happened = at(time);
        match vendor {
            Vendor::PagerDuty => {
                let body = json!({"event": {"id": format!("01FK{}", self.events),
                    "event_type": pagerduty, "resource_type": "incident", "occurred_at": happened,
                    "agent": {"type": "user_reference", "summary": "Ben"}, "client": null,
                    "data": {"id": "Q1", "type": "incident", "incident_key": key,
                        "assignees": [{"summary": "Ann"}]}}});
                let delivered = self.hooks.deliver(&body.to_string()).await;
                assert_eq!(delivered, Delivered::Taken(202));
            }
            Vendor::OpsGenie => {
                let body = json!({"action": opsgenie, "source": {"name": self.events.to_string(), "type": "web"},
                    "alert": {"alertId": "a1", "alias": key, "username": "Ben", "owner": "Ann",
                        "updatedAt": happened.micros() * 1_000}});
                let headers = [("x-webhook-token", TOKEN)];
                let sent = Some(body.to_string().into_bytes());
                let post = reqwest::Method::POST;
                let answer = self
                    .server
                    .send(post, "", "/hooks/opsgenie", &headers, sent);
                answer.await.is(202);
            }
        }
    }

    async fn update(&self, body: Value) {
        let updates = format!("{}/updates", self.path);
        self.server.post(COMMANDER, &updates, &body).await.is(201);
    }

    async fn page(&self, body: Value) {
        let page = format!("{}/page", self.path);
        self.server.post(RESPONDER, &page, &body).await.is(202);
    }

    async fn resolve_and_reopen(&self) {
        self.server.clock.advance(Duration::from_secs(3_600));
        self.update(json!({"message": "fixed", "status": "resolved"}))
            .await;
        self.server.clock.advance(Duration::from_secs(3_600));
        self.update(
            json!({"message": "it is back", "status": "investigating", "reason": "errors"}),
        )
        .await;
    }

    /// Returns the timeline entries of vendors.
    async fn entries(&self) -> Vec<String> {
        let updates = format!("{}/updates?limit=200", self.path);
        let list = self.server.get(VIEWER, &updates).await.is(200);
        let of_vendors = list["items"].as_array().unwrap().iter().filter(|entry| {
            let author = entry["author"].as_str().unwrap();
            author.starts_with("pagerduty") || author.starts_with("opsgenie")
        });
        of_vendors
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the escalation that a person requested; rules of the policy have their own.
    async fn escalation(&self) -> Value {
        let shown = self.incident().await;
        let escalations = shown["escalations"].as_array().unwrap();
        let found = escalations.iter().find(|one| one["asked_by"] != "policy");
        found.cloned().unwrap_or_default()
    }

    /// Waits until the escalation targets have received this many requests, all results are recorded
    /// and the page of their rule is in a state.
    async fn others(&self, sent: usize, state: &str) -> Value {
        for _ in 0..1_500 {
            let received = self.sent().await.1;
            // The server's relay may have sent a request whose result it has not recorded yet.
            let backlog = self.server.store.backlog(Duration::from_secs(10)).await;
            let is_recorded = backlog.unwrap().unfinished == 0;
            let shown = self.escalation().await;
            if is_recorded && received >= sent && shown["paging"]["state"] == state {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.escalation().await);
    }

    /// Sends everything that is due; returns the numbers of requests to on-call and to the others.
    async fn sent(&self) -> (usize, usize) {
        self.server.incidents().worker().drain().await.unwrap();
        (self.server.pager.sent().len(), self.others.sent().len())
    }
}

/// A2: after a reopen and a second page, reports of every kind about the first page arrive two days
/// late.
#[tokio::test(flavor = "multi_thread")]
async fn late_reports_about_the_first_page_leave_the_second_unchanged() {
    for vendor in VENDORS {
        let mut it = setup().await;
        it.resolve_and_reopen().await;
        it.page(json!({"reason": "it is back"})).await;
        let before = it.server.paged(&it.path, "accepted").await;
        let sent = it.sent().await;
        it.server.clock.advance(Duration::from_secs(40 * 3_600));
        for kind in KINDS {
            it.hears(vendor, kind, "", "2026-11-20T23:30:00Z").await;
        }
        let shown = it.incident().await;
        for field in [
            "paging",
            "status",
            "acknowledged_at",
            "responder",
            "resolved_at",
        ] {
            assert_eq!(shown[field], before[field], "{vendor:?}: {field}");
        }
        assert_eq!(it.sent().await, sent, "{vendor:?}");
        let entries = it.entries().await;
        assert_eq!(entries.len(), KINDS.len(), "{vendor:?}");
        let said = |entry: &String| entry.starts_with("about an earlier page: ");
        assert!(entries.iter().all(said), "{entries:?}");
        // A report about the second page is applied.
        let words = ("incident.acknowledged", "Acknowledge");
        it.hears(vendor, words, "", "2026-11-21T02:00:00Z").await;
        assert_eq!(
            it.incident().await["acknowledged_at"],
            "2026-11-21T02:00:00Z"
        );
        let words = ("incident.resolved", "Close");
        it.hears(vendor, words, "", "2026-11-21T02:10:00Z").await;
        assert_eq!(it.incident().await["status"], "resolved");
        it.server.stop().await;
    }
}

/// A2: an acknowledgement of the first page does not stop the trigger of the second, which no
/// vendor has taken yet.
#[tokio::test(flavor = "multi_thread")]
async fn late_reports_do_not_stop_a_trigger_that_is_on_its_way() {
    for vendor in VENDORS {
        let mut it = setup().await;
        it.resolve_and_reopen().await;
        // The reopen has paged; the page after that is refused.
        it.server.paged(&it.path, "accepted").await;
        let refused = DeliveryResult::NotSent(NotSent {
            reason: NotSentReason::Unreachable,
            retry_after: Some(Duration::from_secs(60)),
        });
        it.server.pager.script(vec![refused; 3]);
        it.page(json!({"reason": "it is back"})).await;
        it.server.paged(&it.path, "failing").await;
        it.hears(vendor, KINDS[0], "", "2026-11-20T23:30:00Z").await;
        it.hears(vendor, KINDS[1], "", "2026-11-20T23:40:00Z").await;
        let mut shown = it.incident().await;
        for _ in 0..500 {
            it.server.clock.advance(Duration::from_secs(120));
            it.sent().await;
            shown = it.incident().await;
            if shown["paging"]["state"] == "accepted" {
                break;
            }
            // The server's relay may hold it.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(shown["paging"]["state"], "accepted", "{vendor:?}: {shown}");
        assert!(shown["paging"]["epoch"].as_u64().unwrap() > 1);
        let last = it.server.pager.sent().last().unwrap().clone();
        assert_eq!(last.action, PageAction::Trigger, "{vendor:?}");
        it.server.stop().await;
    }
}

/// A2: reopened without a page since: all reports are about earlier pages.
#[tokio::test(flavor = "multi_thread")]
async fn late_reports_about_an_escalation_before_the_reopen_are_entries() {
    for vendor in VENDORS {
        let mut it = setup().await;
        it.page(json!({"reason": "data may be out", "rule": "security"}))
            .await;
        it.others(1, "accepted").await;
        it.resolve_and_reopen().await;
        let before = it.others(2, "none").await;
        // Whatever time they have: no alert of the rule is open.
        for time in [
            "2026-11-20T23:30:00Z",
            "2026-11-21T00:59:00Z",
            "2026-11-21T01:00:00Z",
        ] {
            it.hears(vendor, KINDS[1], ":security", time).await;
        }
        assert_eq!(it.escalation().await, before, "{vendor:?}");
        it.page(json!({"reason": "again", "rule": "security"}))
            .await;
        let before = it.others(3, "accepted").await;
        it.hears(vendor, KINDS[1], ":security", "2026-11-21T00:10:00Z")
            .await;
        assert_eq!(it.escalation().await, before, "{vendor:?}");
        let entries = it.entries().await;
        let said = |entry: &String| entry.starts_with("about an earlier page: escalation security");
        assert!(
            entries.len() == 4 && entries.iter().all(said),
            "{entries:?}"
        );
        it.server.clock.advance(Duration::from_secs(60));
        it.hears(vendor, KINDS[1], ":security", "2026-11-21T01:00:30Z")
            .await;
        let closed = it.escalation().await["paging"]["closed_there_at"].clone();
        assert!(closed.is_string(), "{vendor:?}");
        it.server.stop().await;
    }
}

/// A vendor that responds slowly: meanwhile the incident is resolved, reopened and paged again.
struct Slow {
    target: TargetId,
    clock: Arc<ManualClock>,
    incidents: Mutex<Option<(Incidents, IncidentId)>>,
    answers: Mutex<Vec<AlertStatus>>,
    checks: Mutex<Vec<(u32, Confirmation)>>,
    asked_of: Mutex<Vec<u32>>,
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("slow")
    }
}

impl Slow {
    /// Runs the interruption once.
    async fn meanwhile(&self) {
        let found = self.incidents.lock().unwrap().take();
        if let Some((incidents, id)) = found {
            again(&incidents, id).await;
            // Long enough for the second page to be one that is queried.
            self.clock.advance(Duration::from_secs(90));
        }
    }
}

#[async_trait]
impl PageCheck for Slow {
    fn target_id(&self) -> TargetId {
        self.target.clone()
    }

    async fn check(&self, page: &PageEvent, _: &Receipt, _: Duration) -> Confirmation {
        self.asked_of.lock().unwrap().push(page.epoch);
        self.meanwhile().await;
        let known = self.checks.lock().unwrap();
        let known = known.iter().find(|(epoch, _)| *epoch == page.epoch);
        known.map_or(Confirmation::Unknown, |(_, answer)| *answer)
    }

    async fn status(&self, _: &str, _: Duration) -> AlertStatus {
        self.meanwhile().await;
        self.answers
            .lock()
            .unwrap()
            .pop()
            .unwrap_or(AlertStatus::Unknown)
    }
}

async fn act(incidents: &Incidents, id: IncidentId, command: Command) {
    incidents.act(&context(), id, &command).await.unwrap();
}

async fn again(incidents: &Incidents, id: IncidentId) {
    act(incidents, id, update_to(Status::Resolved, "fixed").unwrap()).await;
    let mut reopen = Update::to_status("it is back".parse().unwrap(), Status::Investigating);
    reopen.reason = Some("errors".parse().unwrap());
    act(incidents, id, Command::Update(Box::new(reopen))).await;
    let reason = "it is back".parse().unwrap();
    act(incidents, id, Command::Page { reason }).await;
    incidents.worker().drain().await.unwrap();
}

struct Asked {
    incidents: Incidents,
    id: IncidentId,
    slow: Arc<Slow>,
    clock: Arc<ManualClock>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
    _database: Option<incident_test_postgres::Database>,
}

async fn asked(resolve: bool) -> Asked {
    let pager = Arc::new(RecordingPager::named("recorder").unwrap());
    let clock = Arc::new(ManualClock::at(at("2026-11-21T03:00:00Z")));
    let slow = Arc::new(Slow {
        target: pager.target_id(),
        clock: clock.clone(),
        incidents: Mutex::default(),
        answers: Mutex::default(),
        checks: Mutex::default(),
        asked_of: Mutex::default(),
    });
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = alarms.clone();
    let (storage, database) = storage().await;
    let may = incident_core::paging::InboundPolicy {
        acknowledge: true,
        resolve,
    };
    let incidents = Incidents::builder(storage.store.clone())
        .clock(clock.clone())
        .pager(pager)
        .page_check(slow.clone())
        .inbound_policy(may)
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    let id = incidents
        .declare(&context(), &asked)
        .await
        .unwrap()
        .incident
        .id;
    incidents.worker().drain().await.unwrap();
    Asked {
        incidents,
        id,
        slow,
        clock,
        alarms,
        _database: database,
    }
}

impl Asked {
    async fn shown(&self) -> Incident {
        Incident::clone(&*self.incidents.get(self.id).await.unwrap())
    }

    fn meanwhile_again(&self) {
        *self.slow.incidents.lock().unwrap() = Some((self.incidents.clone(), self.id));
    }
}

/// A2: the answer to a query about one page does not count for the next.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_a_page_that_is_over_by_then_changes_nothing() {
    for answer in [
        AlertStatus::Acknowledged(None),
        AlertStatus::Closed(None),
        AlertStatus::Merged,
    ] {
        let it = asked(true).await;
        it.clock.advance(Duration::from_secs(90));
        it.slow.answers.lock().unwrap().push(answer.clone());
        it.meanwhile_again();
        it.incidents.worker().reconcile().await.unwrap();
        let shown = it.shown().await;
        assert!(shown.paging.epoch > 1);
        assert!(
            shown.status.is_live() && !shown.is_acknowledged(),
            "{answer:?}"
        );
        assert_eq!(shown.paging.closed_there_at, None, "{answer:?}");
        assert_eq!(*it.alarms.lock().unwrap(), [], "{answer:?}");
        let said = shown.last_seq;
        // The second page is queried later, and that answer counts.
        it.clock.advance(Duration::from_secs(400));
        it.slow
            .answers
            .lock()
            .unwrap()
            .push(AlertStatus::Acknowledged(None));
        it.incidents.worker().reconcile().await.unwrap();
        assert!(it.shown().await.is_acknowledged(), "{answer:?}");
        assert_eq!(it.shown().await.last_seq, said + 1);
    }
}

/// A2: an alert closed under the key may be that of the previous page if this page's alert was
/// never seen: an alarm is raised instead of a resolution.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_alert_resolves_only_where_it_is_certainly_that_of_this_page() {
    for seen in [false, true] {
        let it = asked(true).await;
        let answer = if seen {
            Confirmation::Opened
        } else {
            Confirmation::Unknown
        };
        *it.slow.checks.lock().unwrap() = vec![(2, answer), (3, answer)];
        again(&it.incidents, it.id).await;
        it.clock.advance(Duration::from_secs(5));
        it.incidents.worker().confirm().await.unwrap();
        it.clock.advance(Duration::from_secs(90));
        it.slow
            .answers
            .lock()
            .unwrap()
            .push(AlertStatus::Closed(None));
        it.incidents.worker().reconcile().await.unwrap();
        let shown = it.shown().await;
        assert_eq!(shown.status == Status::Resolved, seen);
        let closed = |alarm: &Alarm| matches!(alarm, Alarm::AlertClosedThere { .. });
        assert_eq!(it.alarms.lock().unwrap().iter().any(closed), !seen);
    }
}

/// A2, for confirmations: while the vendor is queried about one page, the next one is accepted. It
/// is queried as well, and the answer about the first does not apply to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_accepted_while_another_is_asked_about_is_asked_about_too() {
    let it = asked(false).await;
    it.clock.advance(Duration::from_secs(5));
    *it.slow.checks.lock().unwrap() = vec![
        (1, Confirmation::NotOpened),
        (2, Confirmation::Opened),
        (3, Confirmation::Opened),
    ];
    it.meanwhile_again();
    it.incidents.worker().confirm().await.unwrap();
    let shown = it.shown().await;
    assert_eq!(shown.paging.state, PagingState::Accepted);
    assert_eq!(shown.paging.unconfirmed_at, None);
    assert_eq!(*it.alarms.lock().unwrap(), []);
    it.clock.advance(Duration::from_secs(5));
    it.incidents.worker().confirm().await.unwrap();
    assert!(it.shown().await.paging.confirmed_at.is_some());
    let newest = it.shown().await.paging.epoch;
    assert_eq!(*it.slow.asked_of.lock().unwrap(), [1, newest]);
}
