//! Changed keys and removed pagers, with pages still open under them; and resent messages.

use std::sync::Arc;
use std::time::Duration;

use incident_core::IncidentId;
use incident_core::engine::{Alarm, Incidents};
use incident_core::incident::{Declare, Severity, Status};
use incident_core::paging::{DeliveryResult, PageAction, TargetId};
use incident_core::testing::{ManualClock, RecordingPager, update_to};
use incident_store_memory::MemoryStore;

use crate::over_http::harness::context;
use crate::over_http::paging::pages::actions;

/// Pages two incidents and ends them: the key changes while the alert of the first is open.
pub(crate) async fn over_a_change_of_the_key(
    before: &Incidents,
    after: &Incidents,
) -> [IncidentId; 2] {
    let context = context();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    let first = before.declare(&context, &asked).await.unwrap().incident.id;
    before.worker().drain().await.unwrap();
    let second = after.declare(&context, &asked).await.unwrap().incident.id;
    after.worker().drain().await.unwrap();
    for id in [first, second] {
        let over = update_to(Status::Resolved, "over").unwrap();
        after.act(&context, id, &over).await.unwrap();
    }
    after.worker().drain().await.unwrap();
    [first, second]
}

#[tokio::test]
async fn what_an_older_key_opened_is_called_off_under_that_key() {
    let account = |name: &str| TargetId::new("vendor").unwrap().in_account(name).unwrap();
    let old = Arc::new(RecordingPager::of(account("old")));
    let new = Arc::new(RecordingPager::of(account("new")));
    let store = Arc::new(MemoryStore::default());
    let before = Incidents::builder(store.clone())
        .pager(old.clone())
        .build()
        .unwrap();
    let after = Incidents::builder(store)
        .pager(new.clone())
        .retired_pager(old.clone())
        .build()
        .unwrap();
    let [first, second] = over_a_change_of_the_key(&before, &after).await;
    for (pager, id) in [(&old, first), (&new, second)] {
        assert_eq!(actions(pager), [PageAction::Trigger, PageAction::Resolve]);
        assert!(pager.sent().iter().all(|page| page.incident_id == id));
    }
    assert_eq!(
        after
            .get(first)
            .await
            .unwrap()
            .paging
            .target
            .as_ref()
            .unwrap()
            .name(),
        "vendor"
    );
}

/// A page that an older key may have opened is retried under that key first: another target could
/// wake a second person.
#[tokio::test]
async fn an_older_key_that_may_have_a_page_is_asked_first() {
    let account = |name: &str| TargetId::new("vendor").unwrap().in_account(name).unwrap();
    let old = Arc::new(RecordingPager::of(account("old")));
    let new = Arc::new(RecordingPager::of(account("new")));
    old.script([DeliveryResult::Unknown]);
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(ManualClock::at("2026-11-21T03:00:00Z".parse().unwrap()));
    let context = context();
    let before = Incidents::builder(store.clone())
        .clock(clock.clone())
        .pager(old.clone())
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    before.declare(&context, &asked).await.unwrap();
    before.worker().drain().await.unwrap();
    let after = Incidents::builder(store)
        .clock(clock.clone())
        .pager(new.clone())
        .retired_pager(old.clone())
        .build()
        .unwrap();
    // A page that the older key never had goes to the current key.
    after.declare(&context, &asked).await.unwrap();
    clock.advance(Duration::from_secs(5));
    after.worker().drain().await.unwrap();
    assert_eq!((old.sent().len(), old.wakes()), (2, 1));
    assert_eq!((new.sent().len(), new.wakes()), (1, 1));
    assert_ne!(old.sent()[0].incident_id, new.sent()[0].incident_id);
}

#[tokio::test]
async fn an_alert_whose_pager_is_gone_raises_an_alarm_instead_of_being_forgotten() {
    use std::sync::Mutex;
    let store = Arc::new(MemoryStore::default());
    let context = context();
    let before = Incidents::builder(store.clone())
        .pager(Arc::new(RecordingPager::named("left").unwrap()))
        .build()
        .unwrap();
    let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
    let id = before.declare(&context, &asked).await.unwrap().incident.id;
    before.worker().drain().await.unwrap();
    let alarms = Arc::new(Mutex::new(Vec::new()));
    let heard = alarms.clone();
    let after = Incidents::builder(store)
        .pager(Arc::new(RecordingPager::named("new").unwrap()))
        .on_event(move |notice| heard.lock().unwrap().extend(notice.alarm.clone()))
        .build()
        .unwrap();
    let over = update_to(Status::Resolved, "over").unwrap();
    after.act(&context, id, &over).await.unwrap();
    after.worker().drain().await.unwrap();
    let expected = Alarm::PageGivenUp {
        incident_id: id,
        action: PageAction::Resolve,
        target: Some(TargetId::new("left").unwrap()),
    };
    assert_eq!(*alarms.lock().unwrap(), [expected]);
}

/// A resolution that follows soon after the acceptance of its trigger is resent, as vendors may
/// process the two in reverse order; nothing else is resent.
#[tokio::test]
async fn only_a_resolution_that_came_soon_goes_out_again() {
    for (seconds, resolutions) in [(30, 2), (90, 1)] {
        let pager = Arc::new(RecordingPager::named("vendor").unwrap());
        let clock = Arc::new(ManualClock::at("2026-11-21T03:00:00Z".parse().unwrap()));
        let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
            .clock(clock.clone())
            .pager(pager.clone())
            .build()
            .unwrap();
        let context = context();
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        let id = incidents
            .declare(&context, &asked)
            .await
            .unwrap()
            .incident
            .id;
        let passes = async || {
            for _ in 0..5 {
                incidents.worker().drain().await.unwrap();
                clock.advance(Duration::from_secs(seconds));
            }
        };
        incidents.worker().drain().await.unwrap();
        clock.advance(Duration::from_secs(seconds));
        incidents.worker().drain().await.unwrap();
        assert_eq!(actions(&pager), [PageAction::Trigger], "{seconds}");
        let over = update_to(Status::Resolved, "over").unwrap();
        incidents.act(&context, id, &over).await.unwrap();
        passes().await;
        let sent = actions(&pager);
        assert_eq!(sent.len(), 1 + resolutions, "{seconds}: {sent:?}");
        assert!(sent[1..].iter().all(|one| *one == PageAction::Resolve));
    }
}
