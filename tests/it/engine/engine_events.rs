//! Engine events: notification of commits, with their effects on the relay and on the public page.

use std::sync::{Arc, Mutex};

use incident_core::IncidentId;
use incident_core::actor::Role;
use incident_core::engine::{Incidents, RequestContext};
use incident_core::incident::{Command, Declare, Publish, Severity, Status, Update};
use incident_core::paging::{DeliveryResult, Receipt};
use incident_core::testing::{RecordingPager, caller};
use incident_core::timeline::TextName;
use incident_store_memory::MemoryStore;

/// An event: the incidents, whether messages are pending, whether the public page changed.
type Received = (Vec<IncidentId>, bool, bool);

fn engine() -> (Incidents, Arc<Mutex<Vec<Received>>>) {
    let received: Arc<Mutex<Vec<Received>>> = Arc::default();
    let sink = Arc::clone(&received);
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .on_event(move |event| {
            let event = (event.incidents.clone(), event.outbox, event.public);
            sink.lock().unwrap().push(event);
        })
        .build()
        .unwrap();
    (incidents, received)
}

/// The page is in the outbox when the event reports it: the event wakes the relay, which does not
/// wait for its next poll.
#[tokio::test]
async fn an_event_says_whether_messages_wait_and_whether_the_public_page_changed() {
    let (incidents, received) = engine();
    let context = RequestContext::new(caller("anna", Role::Commander).unwrap());
    let declare = async |severity, page| {
        let asked = Declare {
            page,
            ..Declare::new("API down".parse().unwrap(), severity)
        };
        incidents
            .declare(&context, &asked)
            .await
            .unwrap()
            .incident
            .id
    };
    let paging = declare(Severity::Sev1, None).await;
    let silent = declare(Severity::Sev1, Some(false)).await;
    let act = async |id, command| {
        incidents.act(&context, id, &command).await.unwrap();
    };
    let note = Update::new("looking".parse().unwrap());
    act(silent, Command::Update(Box::new(note))).await;
    let publish = Publish {
        public: true,
        title: None,
        message: None,
    };
    act(silent, Command::Publish(publish)).await;
    // Two incidents in one commit: the public one ends, and the other one becomes public.
    let merge = Update {
        merged_into: Some(paging),
        reason: Some("the same".parse().unwrap()),
        ..Update::to_status("the same".parse().unwrap(), Status::Merged)
    };
    act(silent, Command::Update(Box::new(merge))).await;
    let expected = [
        (vec![paging], true, false),
        (vec![silent], false, false),
        (vec![silent], false, false),
        (vec![silent], false, true),
        (vec![silent, paging], false, true),
    ];
    assert_eq!(*received.lock().unwrap(), expected);
}

/// The outcome of a page is a commit like any other: the event names its incident, and the timeline
/// describes the vendor's response.
#[tokio::test]
async fn the_outcome_of_a_page_is_told_with_its_incident() {
    let received: Arc<Mutex<Vec<IncidentId>>> = Arc::default();
    let sink = Arc::clone(&received);
    let pager = Arc::new(RecordingPager::named("pagerduty").unwrap());
    pager.script([DeliveryResult::Accepted(Receipt {
        request_id: None,
        reduced: true,
    })]);
    let incidents = Incidents::builder(Arc::new(MemoryStore::default()))
        .pager(pager)
        .on_event(move |event| sink.lock().unwrap().extend(&event.incidents))
        .build()
        .unwrap();
    let context = RequestContext::new(caller("anna", Role::Commander).unwrap());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let asked = Declare::new("API down".parse().unwrap(), Severity::Sev1);
        ids.push(
            incidents
                .declare(&context, &asked)
                .await
                .unwrap()
                .incident
                .id,
        );
        received.lock().unwrap().clear();
        incidents.worker().drain().await.unwrap();
        assert_eq!(*received.lock().unwrap(), ids[ids.len() - 1..]);
    }
    for (id, short) in ids.into_iter().zip([true, false]) {
        let entries = incidents.audit().timeline(id, 0, 10).await.unwrap();
        let messages: Vec<_> = entries
            .iter()
            .filter_map(|entry| entry.text(TextName::Message))
            .collect();
        let accepted = messages
            .iter()
            .find(|text| text.contains("accepted by pagerduty"));
        let shortest = accepted.unwrap().contains("in shortened form");
        assert_eq!(shortest, short, "{messages:?}");
    }
}
