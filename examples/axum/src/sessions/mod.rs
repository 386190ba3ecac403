//! Sign-in: sessions of people who use a browser.

mod accounts;
pub(crate) mod cookie;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod session;
mod sign_in;
mod store;

pub use accounts::{Accounts, Login};
pub use memory::MemorySessions;
#[cfg(feature = "postgres")]
pub use postgres::PgSessions;
pub use session::{Session, SessionId};
pub(crate) use sign_in::SessionUse;
pub use sign_in::Sessions;
pub use store::{MAX_SESSIONS, SessionError, SessionStore};
