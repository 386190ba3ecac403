//! The life of sessions: sign-in, use, expiry, revocation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::Caller;
use incident_core::{PersonName, Timestamp};

use super::accounts::{Accounts, Login};
use super::session::{Secret, Session};
use super::store::{SessionError, SessionStore};
use crate::authenticate::AuthError;

/// Time without a request after which a session ends: a shift, so that nobody is signed out while
/// an incident lasts.
const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// Maximum age of a session: a week on call.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Minimum time between two writes of a session's last use.
const TOUCH_EVERY: Duration = Duration::from_secs(5 * 60);

/// The reason why the caller of a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionUse {
    /// A request, which keeps the session from ending by idleness.
    Request,
    /// A check of an open stream, which a page makes that nobody looks at.
    Check,
}

/// The sessions of people who use a browser, for [`IncidentApiBuilder::sessions`].
///
/// A sign-in with a token of the [`Accounts`] creates a session and sets a cookie that names it;
/// the store holds only its hash. A session ends when the person signs out, after 12 hours without
/// a request, after 7 days, when it is revoked, and when its login is withdrawn.
///
/// [`IncidentApiBuilder::sessions`]: crate::IncidentApiBuilder::sessions
///
/// ```
/// use std::sync::Arc;
///
/// use incident_axum::{MemorySessions, Sessions, Tokens};
///
/// let tokens = Tokens::parse("anna:responder:0123456789abcdef")?;
/// let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(tokens));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    accounts: Arc<dyn Accounts>,
    idle: Duration,
    lifetime: Duration,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("idle", &self.idle)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// Creates sessions in a store, for the people of `accounts`.
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>, accounts: Arc<dyn Accounts>) -> Self {
        Self {
            store,
            accounts,
            idle: IDLE,
            lifetime: LIFETIME,
        }
    }

    /// Sets the time without a request after which a session ends; 12 hours by default.
    #[must_use]
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the maximum age of a session; 7 days by default.
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Ends all sessions of a person, at every replica that shares the store, and returns their
    /// number. The person can sign in again with a valid login.
    ///
    /// # Errors
    /// Fails if the store is unavailable.
    pub async fn revoke(&self, person: &PersonName) -> Result<u64, SessionError> {
        self.store.remove_all_of(person).await
    }

    /// Returns the login of a typed token.
    ///
    /// # Errors
    /// Fails like [`Accounts::login`].
    pub(crate) async fn login(&self, token: &str) -> Result<Login, AuthError> {
        self.accounts.login(token).await
    }

    /// Creates a session, after removing expired ones and `previous`, the session that the browser
    /// had before: a secret that was planted there never becomes a person's.
    ///
    /// # Errors
    /// Returns [`AuthError::Unavailable`] if the store is unavailable.
    pub(crate) async fn start(
        &self,
        login: &Login,
        previous: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Secret, AuthError> {
        let secret = Secret::random();
        let session = Session {
            id: secret.id(),
            person: login.caller.actor.name.clone(),
            login: secret.digest(login),
            created_at: now,
            used_at: now,
        };
        let work = async {
            if let Some(previous) = previous {
                self.store.remove(previous.id()).await?;
            }
            let (created, used) = (
                now.saturating_sub(self.lifetime),
                now.saturating_sub(self.idle),
            );
            self.store.remove_expired(created, used).await?;
            self.store.insert(&session).await
        };
        work.await.map_err(|error| unavailable(&error))?;
        Ok(secret)
    }

    /// Returns the caller of a session, with the present role.
    ///
    /// # Errors
    /// Returns [`AuthError::Missing`] for a session that has ended, and
    /// [`AuthError::Unavailable`] if it cannot be found out.
    pub(crate) async fn caller(
        &self,
        secret: &Secret,
        now: Timestamp,
        purpose: SessionUse,
    ) -> Result<Caller, AuthError> {
        let found = self.store.find(secret.id()).await;
        let session = found.map_err(|error| unavailable(&error))?;
        let session = session.filter(|one| self.is_valid(one, now));
        let session = session.ok_or(AuthError::Missing)?;
        let logins = self.accounts.logins_of(&session.person).await?;
        let mut logins = logins.into_iter();
        let login = logins
            .find(|login| {
                login.caller.actor.name == session.person && secret.proves(login, &session.login)
            })
            .ok_or(AuthError::Missing)?;
        if purpose == SessionUse::Request
            && session.used_at <= now.saturating_sub(TOUCH_EVERY.min(self.idle / 4))
        {
            let touched = self.store.touch(session.id, now).await;
            touched.map_err(|error| unavailable(&error))?;
        }
        Ok(login.caller)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Returns [`AuthError::Unavailable`] if the store is unavailable: the session may still be
    /// valid.
    pub(crate) async fn end(&self, secret: &Secret) -> Result<(), AuthError> {
        let removed = self.store.remove(secret.id()).await;
        removed.map_err(|error| unavailable(&error))
    }

    fn is_valid(&self, session: &Session, now: Timestamp) -> bool {
        session.created_at > now.saturating_sub(self.lifetime)
            && session.used_at > now.saturating_sub(self.idle)
    }
}

fn unavailable(error: &SessionError) -> AuthError {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "sessions could not be read or written"
    );
    AuthError::Unavailable
}
