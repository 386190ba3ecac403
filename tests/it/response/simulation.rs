//! Three incidents over eight days: a raise, a reopen in the night in which the clocks go back, a
//! holiday, and six hours in which no worker runs. What fires is compared with a list that was
//! written by hand.

use std::sync::Arc;

use incident_core::incident::{Audience, Command, CommsSent, Declare, Severity, Status, Update};
use incident_core::policy::{BusinessCalendar, Length, Policy, TimeLimit};
use incident_core::port::Store;
use incident_store_memory::MemoryStore;
use incident_store_postgres::{PgStore, StoreClock};
use incident_test_postgres::{Cluster, Database};

use super::expected::{FIRED, groups};
use super::world::{Workers, World};
use crate::over_http::harness::{self, at};

/// The policy that ships, for a team in Paris that resolves a SEV3 within 24 of its business hours.
fn policy() -> Policy {
    let calendar: BusinessCalendar = serde_json::from_value(serde_json::json!({
        "timezone": "Europe/Paris",
        "hours": {
            "monday": ["09:00-12:00", "13:00-18:00"],
            "tuesday": ["09:00-12:00", "13:00-18:00"],
            "wednesday": ["09:00-12:00", "13:00-18:00"],
            "thursday": ["09:00-12:00", "13:00-18:00"],
            "friday": ["09:00-12:00", "13:00-18:00"],
        },
        "holidays_version": "test",
        "holidays": ["2026-10-26"],
    }))
    .unwrap();
    let mut policy = Policy {
        timezone: "Europe/Paris".parse().unwrap(),
        ..Policy::default()
    };
    policy.calendars.insert("paris".parse().unwrap(), calendar);
    policy.sev3.resolve_within = Some(TimeLimit {
        length: Length::Minutes(24 * 60),
        calendar: Some("paris".parse().unwrap()),
    });
    policy
}

enum Step {
    Declare(Severity),
    Acknowledge,
    Says(Box<Update>),
}

fn says(message: &str) -> Update {
    Update::new(message.parse().unwrap())
}

fn becomes(status: Status) -> Step {
    Step::Says(Box::new(Update::to_status("done".parse().unwrap(), status)))
}

/// Returns what people do, in order.
fn steps() -> Vec<(&'static str, char, Step)> {
    let mut executives = says("informed the executives");
    executives.comms_sent = Some(CommsSent {
        channel: "mail".parse().unwrap(),
        audience: Audience::Executives,
        summary: "we are on it".parse().unwrap(),
    });
    let mut raise = says("worse than we thought");
    raise.severity = Some(Severity::Sev1);
    let mut reopen = Update::to_status("it is back".parse().unwrap(), Status::Investigating);
    reopen.reason = Some("the errors are back".parse().unwrap());
    let says = |message| Step::Says(Box::new(says(message)));
    vec![
        ("2026-10-22T14:00:00Z", 'A', Step::Declare(Severity::Sev1)),
        ("2026-10-22T14:07:00Z", 'A', Step::Acknowledge),
        ("2026-10-22T14:20:00Z", 'A', becomes(Status::Investigating)),
        (
            "2026-10-22T14:33:00Z",
            'A',
            Step::Says(Box::new(executives)),
        ),
        ("2026-10-22T14:40:00Z", 'A', becomes(Status::Mitigated)),
        ("2026-10-22T15:00:00Z", 'B', Step::Declare(Severity::Sev2)),
        ("2026-10-22T15:10:00Z", 'B', Step::Acknowledge),
        ("2026-10-22T15:45:00Z", 'A', becomes(Status::Resolved)),
        ("2026-10-22T17:30:00Z", 'B', Step::Says(Box::new(raise))),
        ("2026-10-22T18:10:00Z", 'B', becomes(Status::Mitigated)),
        ("2026-10-22T18:20:00Z", 'B', becomes(Status::Resolved)),
        ("2026-10-23T13:00:00Z", 'C', Step::Declare(Severity::Sev3)),
        ("2026-10-23T14:12:00Z", 'C', Step::Acknowledge),
        ("2026-10-24T23:30:00Z", 'A', Step::Says(Box::new(reopen))),
        ("2026-10-24T23:50:00Z", 'A', Step::Acknowledge),
        ("2026-10-25T00:10:00Z", 'A', says("still looking")),
        ("2026-10-25T00:20:00Z", 'A', becomes(Status::Resolved)),
        ("2026-10-29T20:00:00Z", 'C', becomes(Status::Resolved)),
    ]
}

/// The hours in which no worker runs.
const DOWN: (&str, &str) = ("2026-10-28T00:00:00Z", "2026-10-28T06:00:00Z");

const END: &str = "2026-10-30T14:00:00Z";

/// Plays the eight days, and checks what fired and who was notified of it.
async fn play(store: Arc<dyn Store>, workers: Workers) {
    let mut world = World::new(store, policy(), workers);
    let mut steps = steps().into_iter().peekable();
    let (down, up) = (at(DOWN.0), at(DOWN.1));
    loop {
        let asked = steps.peek().map(|(time, ..)| at(time));
        let due = world.next_due().await;
        let due = due.map(|due| if due > down && due < up { up } else { due });
        // A person who acts at the time at which a rule fires comes first.
        let now = asked.into_iter().chain(due).min();
        let Some(now) = now.filter(|now| *now <= at(END)) else {
            break;
        };
        world.set(now);
        if let Some((_, letter, step)) = steps.next_if(|(time, ..)| at(time) == now) {
            take(&mut world, letter, &step).await;
            continue;
        }
        world.work().await;
    }
    let fired = world.fired().await;
    let expected: Vec<&str> = FIRED.lines().collect();
    let missing: Vec<_> = expected
        .iter()
        .filter(|line| !fired.iter().any(|one| one == *line))
        .collect();
    let more: Vec<_> = fired
        .iter()
        .filter(|line| !expected.contains(&line.as_str()))
        .collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "missing {missing:#?}, more {more:#?}"
    );
    assert_eq!(fired.len(), expected.len());
    let mut notices: Vec<String> = Vec::new();
    for line in expected {
        let words: Vec<&str> = line.split(' ').collect();
        let notified = groups(words[2], words[3]);
        assert!(!notified.is_empty(), "{line}");
        let line = line.trim_end_matches(" late");
        notices.extend(notified.iter().map(|group| format!("{line} {group}")));
    }
    notices.sort();
    assert_eq!(world.notices(), notices);
}

async fn take(world: &mut World, letter: char, step: &Step) {
    match step {
        Step::Declare(severity) => {
            let declare = Declare::new("API down".parse().unwrap(), *severity);
            world.declare(letter, &declare).await;
        }
        Step::Acknowledge => world.act(letter, &Command::Acknowledge { at: None }).await,
        Step::Says(update) => world.act(letter, &Command::Update(update.clone())).await,
    }
}

#[tokio::test]
async fn eight_days_in_memory() {
    play(Arc::new(MemoryStore::default()), Workers::One).await;
}

#[tokio::test]
async fn eight_days_with_a_restart_at_every_step() {
    play(Arc::new(MemoryStore::default()), Workers::Restarted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_days_on_postgres_with_a_worker_that_is_killed_at_each_step() {
    let template = harness::template().await;
    let database = Database::create(Cluster::shared(), Some(template))
        .await
        .unwrap();
    let pool = database.pool(4).await.unwrap();
    let store = PgStore::builder(pool).clock(StoreClock::Caller).build();
    play(Arc::new(store), Workers::TwoOfWhichOneIsKilled).await;
}
