//! No event about an earlier page changes a later one, in whatever order vendors deliver and
//! whatever people do meanwhile.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_core::engine::{EngineEvent, Error, Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Incident, Severity, Status, Update};
use incident_core::paging::{InboundPolicy, PagingState, VendorEvent, VendorEventKind, dedup_key};
use incident_core::policy::Policy;
use incident_core::port::Clock;
use incident_core::testing::{ManualClock, RecordingPager, update_to};
use incident_core::{IncidentId, Name, RuleName};
use incident_store_memory::MemoryStore;
use proptest::prelude::*;

use crate::over_http::harness::{at, context};

#[derive(Clone, Debug)]
enum Step {
    /// An event occurs at the vendor; its webhook is pending from then on.
    Happens(VendorEventKind, bool),
    /// A pending webhook is delivered, or a delivered one is redelivered.
    Comes(prop::sample::Index),
    Act(Command),
    Pass(u64),
    Drain,
}

fn rule() -> RuleName {
    "security".parse().unwrap()
}

fn what() -> impl Strategy<Value = VendorEventKind> {
    prop::sample::select(vec![
        VendorEventKind::Acknowledged,
        VendorEventKind::Acknowledged,
        VendorEventKind::Resolved,
        VendorEventKind::Resolved,
        VendorEventKind::Unacknowledged,
        VendorEventKind::Merged,
        VendorEventKind::Reopened,
        VendorEventKind::Reassigned(vec!["Cleo".to_owned()]),
        VendorEventKind::Escalated(Vec::new()),
        VendorEventKind::Reprioritised(None),
        VendorEventKind::Noted("a note".to_owned()),
    ])
}

fn reopen() -> Command {
    let mut update = Update::to_status("it is back".parse().unwrap(), Status::Investigating);
    update.reason = Some("errors again".parse().unwrap());
    Command::Update(Box::new(update))
}

fn act() -> impl Strategy<Value = Command> {
    let reason = || "again".parse().unwrap();
    prop_oneof![
        Just(Command::Acknowledge { at: None }),
        Just(update_to(Status::Resolved, "fixed").unwrap()),
        Just(reopen()),
        Just(Command::Page { reason: reason() }),
        Just(Command::Escalate {
            rule: rule(),
            reason: reason()
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (what(), prop::bool::weighted(0.25)).prop_map(|(what, rule)| Step::Happens(what, rule)),
        4 => any::<prop::sample::Index>().prop_map(Step::Comes),
        4 => act().prop_map(Step::Act),
        1 => (1_u64..90_000).prop_map(Step::Pass),
        2 => Just(Step::Drain),
    ]
}

/// A pending event, with the page that it is about.
#[derive(Clone, Debug)]
struct Sent {
    event: VendorEvent,
    rule: Option<RuleName>,
    epoch: u32,
    came: bool,
}

struct World {
    incidents: Incidents,
    id: IncidentId,
    clock: Arc<ManualClock>,
    notices: Arc<Mutex<Vec<EngineEvent>>>,
    context: RequestContext,
    may: InboundPolicy,
    sent: Vec<Sent>,
}

async fn world(may: InboundPolicy, page_on_reopen: bool) -> World {
    let clock = Arc::new(ManualClock::at(at("2026-11-20T23:00:00Z")));
    let notices = Arc::new(Mutex::new(Vec::new()));
    let event = notices.clone();
    let mut policy = Policy::default();
    policy.sev2.page_on_reopen = page_on_reopen;
    let pager = |name: &str| Arc::new(RecordingPager::named(name).unwrap());
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .clock(clock.clone())
        .pager(pager("recorder"))
        .escalation(rule(), vec![pager("others")])
        .inbound_policy(may)
        .policy(policy)
        .on_event(move |notice: &EngineEvent| event.lock().unwrap().push(notice.clone()))
        .build()
        .unwrap();
    let context = context();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev2);
    let done = incidents.declare(&context, &asked).await.unwrap();
    World {
        id: done.incident.id,
        incidents,
        clock,
        notices,
        context,
        may,
        sent: Vec::new(),
    }
}

impl World {
    async fn shown(&self) -> Incident {
        Incident::clone(&*self.incidents.get(self.id).await.unwrap())
    }

    async fn happens(&mut self, what: VendorEventKind, of_rule: bool) {
        let rule = of_rule.then(rule);
        let shown = self.shown().await;
        let Some(paging) = shown.paging_of(rule.as_ref()) else {
            return;
        };
        let number = self.sent.len();
        self.sent.push(Sent {
            event: VendorEvent {
                vendor: Name::new("pagerduty").unwrap(),
                event_id: Name::new(&format!("event {number}")).unwrap(),
                dedup_key: Some(dedup_key(self.id, rule.as_ref())),
                vendor_id: None,
                what,
                by: None,
                at: Some(self.clock.now()),
                digest: [0; 32],
                echo: false,
            },
            epoch: paging.epoch,
            rule,
            came: false,
        });
        self.clock.advance(Duration::from_secs(1));
    }

    async fn comes(&mut self, index: usize) {
        let one = self.sent[index].clone();
        let old = self.clock.now().since(one.event.at.unwrap()) > Duration::from_secs(6 * 86_400);
        let before = self.shown().await;
        self.notices.lock().unwrap().clear();
        self.incidents
            .signals()
            .vendor_event(&one.event)
            .await
            .unwrap();
        let after = self.shown().await;
        let notices = std::mem::take(&mut *self.notices.lock().unwrap());
        let alarms = notices.iter().filter(|notice| notice.alarm.is_some());
        let (alarms, sends) = (alarms.count(), notices.iter().any(|notice| notice.outbox));
        if one.came || old {
            assert_eq!((&after, alarms, sends), (&before, 0, false), "{one:?}");
            return;
        }
        self.sent[index].came = true;
        let paging = before.paging_of(one.rule.as_ref()).unwrap();
        let over = paging.epoch > 0 && paging.state == PagingState::None;
        if one.epoch != paging.epoch || over {
            assert!(alarms == 0 && !sends, "{one:?}");
            assert_eq!(after.paging, before.paging, "{one:?}");
            assert_eq!(after.escalations, before.escalations, "{one:?}");
            assert_eq!(after.status, before.status, "{one:?}");
            assert_eq!(after.acknowledged_at, before.acknowledged_at, "{one:?}");
            assert_eq!(after.last_seq, before.last_seq + 1, "an entry");
            return;
        }
        self.has_its_effect(&one, &before, &after, alarms);
    }

    fn has_its_effect(&self, one: &Sent, before: &Incident, after: &Incident, alarms: usize) {
        let own = one.rule.is_none() && before.status.is_live();
        let free = own && !before.is_acknowledged();
        let acknowledges = one.event.what == VendorEventKind::Acknowledged && self.may.acknowledge;
        assert_eq!(
            after.is_acknowledged(),
            before.is_acknowledged() || free && acknowledges
        );
        let closes = own && one.event.what == VendorEventKind::Resolved;
        let resolves = closes && self.may.resolve;
        let live = before.status.is_live() && !resolves;
        assert_eq!(after.status.is_live(), live, "{one:?}");
        assert_eq!(alarms, usize::from(closes && free && !resolves), "{one:?}");
        assert_eq!(after.last_seq, before.last_seq + 1, "one entry");
        let closed = |shown: &Incident| {
            let paging = shown.paging_of(one.rule.as_ref()).unwrap();
            paging.closed_there_at.is_some()
        };
        match one.event.what.shows() {
            Some(_) if resolves || free && acknowledges => {}
            Some(seen) => {
                let is_closed = seen == incident_core::paging::AlertSeen::Closed;
                assert_eq!(closed(after), is_closed, "{one:?}");
            }
            None => assert_eq!(closed(after), closed(before)),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Happens(what, of_rule) => self.happens(what, of_rule).await,
            Step::Comes(which) if !self.sent.is_empty() => {
                self.comes(which.index(self.sent.len())).await;
            }
            Step::Comes(_) => {}
            Step::Act(command) => {
                match self.incidents.act(&self.context, self.id, &command).await {
                    Ok(_) | Err(Error::Refused(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
                self.clock.advance(Duration::from_secs(1));
            }
            Step::Pass(seconds) => self.clock.advance(Duration::from_secs(seconds)),
            Step::Drain => drop(self.incidents.worker().drain().await.unwrap()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]
    /// A2: over all orders of vendor events, each bound to a page and a time, and of reopens,
    /// pages, escalations, acknowledgements and resolutions by people. An event about an earlier
    /// page changes nothing of a later one, raises no alarm and sends nothing; one about the
    /// current page has its effect exactly once.
    #[test]
    fn an_event_of_an_earlier_page_is_an_entry_and_nothing_else(
        steps in prop::collection::vec(step(), 1..40),
        resolve in any::<bool>(),
        acknowledge in prop::bool::weighted(0.8),
        page_on_reopen in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let mut world = world(InboundPolicy { acknowledge, resolve }, page_on_reopen).await;
            for step in steps {
                world.step(step).await;
            }
            // Pending events are delivered in the end, and all of them are redelivered once.
            for _ in 0..2 {
                for index in 0..world.sent.len() {
                    world.comes(index).await;
                }
            }
        });
    }
}

/// Returns the number of cases, which is larger in the long tier.
fn cases() -> u32 {
    if std::env::var_os("INCIDENT_TEST_LONG").is_some() {
        20_000
    } else {
        500
    }
}
