//! Tests of the number of open streams.

use std::sync::Arc;

use axum::http::header;
use axum::response::IntoResponse;
use incident_core::PersonName;
use incident_core::actor::Actor;

use super::super::slots::StreamSlots;

fn actor(name: &str) -> Actor {
    Actor::person(PersonName::new(name).unwrap())
}

/// H19: a slot is free again as soon as its stream is gone, and no caller takes all.
#[test]
fn a_caller_does_not_take_all_streams_and_a_closed_one_is_free() {
    let slots = Arc::new(StreamSlots::default());
    slots.limit(4);
    let (anna, bob) = (actor("anna"), actor("bob"));
    let mut open: Vec<_> = (0..3).map(|_| slots.take(&anna).unwrap()).collect();
    let refused = slots.take(&anna).unwrap_err();
    assert_eq!(refused.status(), 429);
    let response = refused.into_response();
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    open.extend((0..1).map(|_| slots.take(&bob).unwrap()));
    let refused = slots.take(&bob).unwrap_err();
    assert_eq!(refused.status(), 503);
    assert_eq!(slots.open(), 4);
    open.truncate(2);
    assert_eq!(slots.open(), 2);
    open.push(slots.take(&anna).unwrap());
    assert_eq!(slots.take(&anna).unwrap_err().status(), 429);
    drop(open);
    assert_eq!(slots.open(), 0);
}

#[test]
fn so_many_streams_are_open_unless_the_host_sets_another_number() {
    let slots = Arc::new(StreamSlots::default());
    let names = ["anna", "bob"].map(actor);
    let open: Vec<_> = (0..4_000)
        .map(|number| slots.take(&names[number % 2]).unwrap())
        .collect();
    assert_eq!(slots.take(&actor("carl")).unwrap_err().status(), 503);
    drop(open);
}
