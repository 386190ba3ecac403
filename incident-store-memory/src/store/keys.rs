//! Stored responses by idempotency key, until they expire.

use std::collections::{BTreeMap, BTreeSet};

use incident_core::Timestamp;
use incident_core::idempotency::{IdempotencyKey, IdempotencyRecord};

/// Maximum number of stored responses. Beyond it the one that would expire first is dropped: a
/// request under its key then counts as a new one.
pub(super) const MAX_KEYS: usize = 100_000;

/// Stored responses by key, and in the order in which they expire.
#[derive(Debug, Default)]
pub(super) struct Keys {
    replies: BTreeMap<IdempotencyKey, IdempotencyRecord>,
    expiring: BTreeSet<(Timestamp, IdempotencyKey)>,
}

impl Keys {
    pub(super) fn get(&self, key: &IdempotencyKey) -> Option<&IdempotencyRecord> {
        self.replies.get(key)
    }

    pub(super) fn replies_mut(&mut self) -> impl Iterator<Item = &mut IdempotencyRecord> {
        self.replies.values_mut()
    }

    /// Stores a response, and drops those that had expired when it was made.
    pub(super) fn insert(&mut self, remember: IdempotencyRecord) {
        let (key, now, expires_at) = (remember.key.clone(), remember.made_at, remember.expires_at);
        self.expiring.insert((expires_at, key.clone()));
        if let Some(before) = self.replies.insert(key.clone(), remember)
            && before.expires_at != expires_at
        {
            self.expiring.remove(&(before.expires_at, key));
        }
        while let Some((expires_at, _)) = self.expiring.first()
            && (*expires_at <= now || self.replies.len() > MAX_KEYS)
            && let Some((_, key)) = self.expiring.pop_first()
        {
            self.replies.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use incident_core::PersonName;
    use incident_core::idempotency::StoredResponse;

    use super::*;

    fn remember(n: usize, made_at: Timestamp, lasts: u64) -> IdempotencyRecord {
        IdempotencyRecord {
            key: IdempotencyKey {
                actor: PersonName::new("anna").unwrap(),
                key: format!("key-{n}"),
                fingerprint: [0; 32],
            },
            made_at,
            expires_at: made_at.saturating_add(Duration::from_secs(lasts)),
            reply: StoredResponse::Accepted(1),
        }
    }

    /// S11: expired keys are removed, and there are never more than `MAX_KEYS`.
    #[test]
    fn keys_expire_and_are_bounded() {
        let start: Timestamp = "2026-11-20T22:00:00Z".parse().unwrap();
        let mut keys = Keys::default();
        for n in 0..MAX_KEYS + 5 {
            keys.insert(remember(n, start, 3_600 + u64::try_from(n).unwrap()));
        }
        assert_eq!(keys.replies.len(), MAX_KEYS);
        assert!(keys.get(&remember(4, start, 1).key).is_none());
        assert!(keys.get(&remember(5, start, 1).key).is_some());
        let later = start.saturating_add(Duration::from_secs(24 * 3_600 * 30));
        keys.insert(remember(0, later, 60));
        assert_eq!((keys.replies.len(), keys.expiring.len()), (1, 1));
        // The same key with a later expiry expires once, at the later time.
        keys.insert(remember(0, later, 600));
        let past_the_first = later.saturating_add(Duration::from_secs(300));
        keys.insert(remember(1, past_the_first, 60));
        assert_eq!((keys.replies.len(), keys.expiring.len()), (2, 2));
    }
}
