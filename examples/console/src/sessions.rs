//! Sessions of people who sign in: in the database, or in memory without one.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use incident_axum::{MemorySessions, PgSessions, SessionError, SessionId, SessionStore};
use incident_core::{PersonName, ValidationError};
use sqlx::PgPool;

use crate::terminal::line;

/// Returns the sessions in a database. If the table is missing or may not be used, they are in
/// memory, and a warning says what to do: tokens and pages work all the same.
pub(crate) async fn open(pool: PgPool) -> Arc<dyn SessionStore> {
    let sessions = PgSessions::new(pool);
    match usable(&sessions).await {
        Ok(()) => Arc::new(sessions),
        Err(error) => {
            tracing::warn!(
                error = &*error as &dyn Error,
                "sessions are in memory and end with this process; run `incident-console migrate` as the owner of the schema, and `select incident_axum.grant_to('ROLE')`"
            );
            Arc::new(MemorySessions::default())
        }
    }
}

/// Checks that this role may read and write the table.
async fn usable(sessions: &PgSessions) -> Result<(), Box<dyn Error + Send + Sync>> {
    sessions.migrate().await?;
    let nobody = SessionId([0; 32]);
    let work = async {
        sessions.find(nobody).await?;
        sessions.remove(nobody).await
    };
    work.await.map_err(|error: SessionError| error.into())
}

/// Creates the table of sessions in a database.
///
/// # Errors
/// Fails if it is missing and cannot be created.
pub(crate) async fn migrate(pool: PgPool) -> Result<(), sqlx::Error> {
    PgSessions::new(pool).migrate().await
}

/// Ends all sessions of a person, at all servers of a database.
///
/// # Errors
/// Fails if the name is invalid or the database cannot be used.
pub async fn sign_out(
    name: &str,
    pool: PgPool,
    out: &mut (impl Write + Send),
) -> Result<(), Box<dyn Error>> {
    let person: PersonName = name
        .parse()
        .map_err(|error: ValidationError| format!("sign-out: {error}"))?;
    let ended = PgSessions::new(pool).remove_all_of(&person).await?;
    line(out, format_args!("sessions of {person} ended: {ended}"))?;
    Ok(())
}
