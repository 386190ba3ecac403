//! Contracts of redactions: recorded, complete and permanent.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;

use super::outbox::{claim, settle};
use super::races::tasks;
use super::records::audit_of;
use super::sample::{at, declared, keep, message_id, page, plain, remember, updated};
use super::suggestions::suggestion;
use super::{SpawnAll, StoreBackend, WITHIN};
use crate::actor::Action;
use crate::audit::AuditOutcome;
use crate::chain::Verdict;
use crate::commit::{Commit, IncidentWrite, SuggestionWrite};
use crate::idempotency::{IdempotencyKey, StoredResponse};
use crate::incident::{Event, Incident};
use crate::outbox::{DeadLetterFilter, JobOutcome, MessageBody};
use crate::paging::PageAction;
use crate::policy::Policy;
use crate::port::{Store, StoreError, SuggestionQuery};
use crate::redaction::Redaction;
use crate::suggestion::Suggestion;
use crate::{Name, Text, Title, timeline};

/// The text that must be erased.
const SECRET: &str = "hunter2";

const ROUNDS: u64 = 20;

/// Returns the incident after a redaction of an entry as the engine does it, and the commit
/// with its audit entry.
fn redacting(before: &Incident, seq: u64) -> (Arc<Incident>, Commit) {
    let mut after = before.clone();
    after.apply(&Event::Redacted { seq }, 0, at(2_000), &Policy::default());
    let state = after.state_mut();
    state.version = state.version.next();
    state.revision = state.revision.next();
    let after = Arc::new(after);
    let mut record = audit_of(Some(before.id), 2_000);
    record.action = Action::Redact.name().to_owned();
    record.detail = BTreeMap::from([("seq".to_owned(), seq.to_string())]);
    let write = IncidentWrite {
        after: Arc::clone(&after),
        expected: Some(before.revision),
        entries: Vec::new(),
    };
    let commit = Commit {
        writes: vec![write],
        audit: vec![record],
        redacts: Some(Redaction::of(before, seq)),
        ..Commit::default()
    };
    (after, commit)
}

/// Returns an incident `n` with a secret in its title and summary, and its commit.
fn with_secret(n: u64, from: Option<&Suggestion>) -> (Arc<Incident>, Commit) {
    let (incident, mut commit) = declared(&plain(n));
    let mut incident = Incident::clone(&incident);
    let state = incident.state_mut();
    state.title = Title::new(&format!("{SECRET} is out")).unwrap();
    state.summary = Text::new(SECRET).unwrap();
    state.suggestion_id = from.map(|suggestion| suggestion.id);
    let incident = Arc::new(incident);
    commit.writes[0].after = Arc::clone(&incident);
    (incident, commit)
}

fn reply(incident: &Arc<Incident>) -> StoredResponse {
    StoredResponse::Incident {
        incident: Arc::clone(incident),
        seqs: vec![1],
        deduplicated: false,
    }
}

async fn pages_given_up(store: &dyn Store, n: u64) -> String {
    let kept = store
        .given_up(DeadLetterFilter::Message(message_id(n)), WITHIN)
        .await;
    format!("{:?}", kept.unwrap())
}

/// Checks that a redaction erases the text everywhere.
///
/// It is erased from the entry, the incident, every pending, leased or dead-lettered page,
/// every stored response and the suggestion; the chain still verifies.
pub async fn atomic_a_redaction_erases_every_copy<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let mut said = suggestion(1, "fr", 0);
    said.request.evidence = Some(Text::new(SECRET).unwrap());
    said.request.signal = Name::new(SECRET).unwrap();
    let suggested = StoredResponse::Suggestion {
        suggestion: said.clone(),
        repeated: false,
    };
    let open = Commit {
        suggestion: Some(SuggestionWrite::Open(said.clone())),
        remember: Some(remember("suggested", 0, 10_000, suggested)),
        ..Commit::default()
    };
    store.commit(open, WITHIN).await.unwrap();
    let (incident, mut commit) = with_secret(1, Some(&said));
    commit.suggestion = Some(SuggestionWrite::Use(said.id));
    commit.remember = Some(remember("declared", 0, 10_000, reply(&incident)));
    let pages = [
        (PageAction::Trigger, 1),
        (PageAction::Acknowledge, 2),
        (PageAction::Resolve, 3),
    ];
    commit.outbox = pages
        .map(|(action, n)| page(&incident, action, n, 0))
        .into();
    store.commit(commit, WITHIN).await.unwrap();
    // Another incident has the same text, which stays.
    let (other, mut beside) = with_secret(2, None);
    beside.outbox = vec![page(&other, PageAction::Trigger, 4, 5_000)];
    store.commit(beside, WITHIN).await.unwrap();
    // The first page is dead-lettered, the second is leased, the third waits.
    let given_up = claim(&*store, 0, 1).await.remove(0);
    let over = JobOutcome::DeadLettered { log: Vec::new() };
    settle(&*store, &given_up, over.clone()).await.unwrap();
    let held = claim(&*store, 1, 1).await.remove(0);
    assert_eq!(held.message.id, message_id(2));

    let (after, redaction) = redacting(&incident, 1);
    store.commit(redaction, WITHIN).await.unwrap();

    let entries = store.timeline(incident.id, 0, 9, WITHIN).await.unwrap();
    assert!(entries[0].is_redacted() && entries[0].texts.is_empty());
    let verdict = timeline::verify(incident.id, &entries, []);
    assert!(matches!(verdict, Verdict::Valid { .. }), "{verdict:?}");
    let stored = store.load(incident.id, WITHIN).await.unwrap().unwrap();
    assert_eq!(stored, after);
    settle(&*store, &held, over).await.unwrap();
    let waiting = claim(&*store, 2, 1).await.remove(0);
    assert_eq!(waiting.message.id, message_id(3));
    let mut everything = format!("{stored:?}{waiting:?}");
    everything += &pages_given_up(&*store, 1).await;
    everything += &pages_given_up(&*store, 2).await;
    for key in ["declared", "suggested"] {
        let key = remember(key, 0, 0, StoredResponse::Accepted(0)).key;
        let kept = store
            .find_response(&key, at(1), WITHIN)
            .await
            .unwrap()
            .unwrap();
        everything += &format!("{:?}", kept.reply);
    }
    let query = SuggestionQuery {
        before: None,
        limit: 9,
    };
    everything += &format!("{:?}", store.suggestions(&query, WITHIN).await.unwrap());
    assert!(!everything.contains(SECRET), "{everything}");
    // A page gets the texts that the incident has now.
    let MessageBody::Page(said) = &waiting.message.body else {
        panic!("{waiting:?}")
    };
    assert_eq!((&said.title, &said.summary), (&after.title, &after.summary));
    let untouched = claim(&*store, 5_000, 9).await;
    let of_other = untouched.iter().find(|one| one.message.id == message_id(4));
    assert!(format!("{of_other:?}").contains(SECRET));
}

/// Checks that no text is erased without the audit entry that records it. An entry about a
/// denied command does not count.
pub async fn atomic_a_redaction_is_on_record<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let (incident, commit) = with_secret(1, None);
    store.commit(commit, WITHIN).await.unwrap();
    let (_, redaction) = redacting(&incident, 1);
    let record = redaction.audit[0].clone();
    let mut denied = record.clone();
    denied.outcome = AuditOutcome::Denied;
    let mut of_another_entry = record.clone();
    of_another_entry
        .detail
        .insert("seq".to_owned(), "2".to_owned());
    let mut of_another_incident = record.clone();
    of_another_incident.incident_id = Some(super::sample::id(2));
    for audit in [
        Vec::new(),
        vec![denied],
        vec![of_another_entry],
        vec![of_another_incident],
    ] {
        let unrecorded = Commit {
            audit,
            ..redaction.clone()
        };
        let refused = store.commit(unrecorded, WITHIN).await;
        assert!(
            matches!(refused, Err(StoreError::Refused(_))),
            "{refused:?}"
        );
    }
    let entries = store.timeline(incident.id, 0, 9, WITHIN).await.unwrap();
    assert!(!entries[0].is_redacted());
    let missing = Commit {
        redacts: Some(Redaction {
            seq: 99,
            ..Redaction::of(&incident, 1)
        }),
        ..redaction.clone()
    };
    let refused = store.commit(missing, WITHIN).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    store.commit(redaction, WITHIN).await.unwrap();
    // Redacted again, the first audit entry is enough.
    let before = store.load(incident.id, WITHIN).await.unwrap().unwrap();
    let (_, mut again) = redacting(&before, 1);
    again.audit.clear();
    store.commit(again, WITHIN).await.unwrap();
}

/// Checks that a response about an incident that the commit does not write is stored only while
/// the incident is at the response's revision.
pub async fn isolated_a_reply_tells_the_incident_as_it_is<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let incident = keep(&*store, &plain(1)).await;
    let as_it_is = answering(&incident, "as it is");
    store.commit(as_it_is, WITHIN).await.unwrap();
    let (_, update) = updated(&incident, None, "moved");
    store.commit(update, WITHIN).await.unwrap();
    let late = store.commit(answering(&incident, "late"), WITHIN).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    let (never, _) = declared(&plain(9));
    let unknown = store.commit(answering(&never, "unknown"), WITHIN).await;
    assert!(matches!(unknown, Err(StoreError::Conflict)), "{unknown:?}");
}

/// Commits only a response that shows an incident.
fn answering(incident: &Arc<Incident>, key: &str) -> Commit {
    Commit {
        remember: Some(remember(key, 0, 10_000, reply(incident))),
        ..Commit::default()
    }
}

/// Checks that a response shows a suggestion as it is stored: its text was erased after it was
/// read.
pub async fn isolated_a_reply_tells_the_suggestion_as_it_is<B: StoreBackend>(_spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    let mut said = suggestion(1, "fr", 0);
    said.request.evidence = Some(Text::new(SECRET).unwrap());
    let open = Commit {
        suggestion: Some(SuggestionWrite::Open(said.clone())),
        ..Commit::default()
    };
    store.commit(open, WITHIN).await.unwrap();
    let repeated = |key: &str| Commit {
        remember: Some(remember(
            key,
            0,
            10_000,
            StoredResponse::Suggestion {
                suggestion: said.clone(),
                repeated: true,
            },
        )),
        ..Commit::default()
    };
    store.commit(repeated("open"), WITHIN).await.unwrap();
    let (incident, mut commit) = with_secret(2, Some(&said));
    commit.suggestion = Some(SuggestionWrite::Use(said.id));
    store.commit(commit, WITHIN).await.unwrap();
    let (_, redaction) = redacting(&incident, 1);
    store.commit(redaction, WITHIN).await.unwrap();
    let late = store.commit(repeated("late too"), WITHIN).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
}

/// Checks that no response that was read before a concurrent redaction is stored with the erased
/// text.
pub async fn isolated_no_reply_survives_a_concurrent_redaction<B: StoreBackend>(spawn: SpawnAll) {
    let (store, _guard) = B::open().await;
    for round in 10..10 + ROUNDS {
        let (incident, commit) = with_secret(round, None);
        store.commit(commit, WITHIN).await.unwrap();
        spawn(tasks(|n| {
            let (store, incident) = (Arc::clone(&store), Arc::clone(&incident));
            let keyed = answering(&incident, &format!("{round} {n}"));
            async move {
                let commit = if n == 3 {
                    redacting(&incident, 1).1
                } else {
                    keyed
                };
                match store.commit(commit, WITHIN).await {
                    Ok(_) => {}
                    Err(StoreError::Conflict) => assert_ne!(n, 3, "a redaction lost"),
                    Err(other) => panic!("{other:?}"),
                }
            }
            .boxed()
        }))
        .await;
        for n in 0..8 {
            let actor = super::sample::anna().name;
            let key = format!("{round} {n}");
            let key = IdempotencyKey {
                actor,
                key,
                fingerprint: [7; 32],
            };
            let kept = store.find_response(&key, at(1), WITHIN).await.unwrap();
            let said = format!("{kept:?}");
            assert!(!said.contains(SECRET), "{said}");
        }
    }
}
