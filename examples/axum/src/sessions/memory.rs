//! Sessions in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use incident_core::{PersonName, Timestamp};

use super::session::{Session, SessionId};
use super::store::{MAX_SESSIONS, SessionError, SessionStore};

/// Sessions in memory: they end with the process, and are not shared with other replicas. Clones
/// share everything.
#[derive(Clone, Debug, Default)]
pub struct MemorySessions(Arc<Mutex<HashMap<SessionId, Session>>>);

impl MemorySessions {
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn insert(&self, session: &Session) -> Result<(), SessionError> {
        let mut sessions = self.sessions();
        let others = sessions.values();
        let others = others.filter(|one| one.person == session.person && one.id != session.id);
        let mut ages: Vec<_> = others.map(|one| (one.created_at, one.id)).collect();
        ages.sort_unstable();
        let surplus = ages.len().saturating_sub(MAX_SESSIONS - 1);
        sessions.insert(session.id, session.clone());
        for (_, id) in ages.into_iter().take(surplus) {
            sessions.remove(&id);
        }
        Ok(())
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, SessionError> {
        Ok(self.sessions().get(&id).cloned())
    }

    async fn touch(&self, id: SessionId, used_at: Timestamp) -> Result<(), SessionError> {
        if let Some(session) = self.sessions().get_mut(&id) {
            session.used_at = session.used_at.max(used_at);
        }
        Ok(())
    }

    async fn remove(&self, id: SessionId) -> Result<(), SessionError> {
        self.sessions().remove(&id);
        Ok(())
    }

    async fn remove_all_of(&self, person: &PersonName) -> Result<u64, SessionError> {
        let mut sessions = self.sessions();
        let before = sessions.len();
        sessions.retain(|_, one| one.person != *person);
        Ok((before - sessions.len()).try_into().unwrap_or(u64::MAX))
    }

    async fn remove_expired(
        &self,
        created_before: Timestamp,
        used_before: Timestamp,
    ) -> Result<(), SessionError> {
        let is_valid =
            |one: &Session| one.created_at >= created_before && one.used_at >= used_before;
        self.sessions().retain(|_, one| is_valid(one));
        Ok(())
    }
}
