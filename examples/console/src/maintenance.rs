//! `incident-console migrate`, `doctor` and `verify`: for the database alone.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use incident_core::chain::Verdict;
use incident_core::engine::Incidents;
use incident_core::port::IncidentFilter;
use incident_store_postgres::{Level, PgStore};

use crate::storage::Database;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// Make or update the tables.
    Migrate,
    /// Say what is wrong with the database.
    Doctor,
    /// Check every timeline and the audit trail.
    Verify,
}

/// Incidents read at a time.
const BATCH: usize = 200;

/// Does it and says what came of it; whether all is well.
///
/// # Errors
/// The database cannot be used, or nothing can be written to `out`.
pub async fn run(
    task: Maintenance,
    database: &Database,
    out: &mut impl Write,
) -> Result<bool, Box<dyn Error>> {
    match task {
        Maintenance::Migrate => {
            database.migrate().await?;
            writeln!(out, "the schema `incident` of {database} is up to date")?;
            Ok(true)
        }
        Maintenance::Doctor => examine(database, out).await,
        Maintenance::Verify => verify(database, out).await,
    }
}

async fn examine(database: &Database, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    let findings = database.examine(&database.pool(1)).await?;
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    if findings.is_empty() {
        writeln!(out, "nothing is wrong with {database}")?;
    }
    Ok(findings
        .iter()
        .all(|finding| finding.level != Level::Unsafe))
}

async fn verify(database: &Database, out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    let store = PgStore::new(database.pool(2));
    let incidents = Incidents::builder(Arc::new(store)).build()?;
    let (mut sound, mut broken) = (0_u64, 0_u64);
    let mut filter = IncidentFilter {
        limit: BATCH,
        ..IncidentFilter::default()
    };
    loop {
        let batch = incidents.list(&filter).await?;
        for incident in &batch {
            match incidents.verify_timeline(incident.id).await? {
                Verdict::Valid(_) => sound += 1,
                Verdict::Broken { seq, reason } => {
                    broken += 1;
                    writeln!(
                        out,
                        "BROKEN timeline of {}: entry {seq}: {reason}",
                        incident.id
                    )?;
                }
            }
        }
        match batch.last() {
            Some(last) if batch.len() == BATCH => {
                filter.after = Some((last.declared_at, last.id));
            }
            _ => break,
        }
    }
    writeln!(out, "timelines: {sound} sound, {broken} broken")?;
    let audit = match incidents.verify_audit().await? {
        Ok((chains, entries)) => {
            writeln!(
                out,
                "audit: {chains} chains with {entries} entries, all sound"
            )?;
            true
        }
        Err((chain, Verdict::Broken { seq, reason })) => {
            writeln!(out, "BROKEN audit chain {chain}: entry {seq}: {reason}")?;
            false
        }
        Err((_, Verdict::Valid(_))) => true,
    };
    Ok(broken == 0 && audit)
}
