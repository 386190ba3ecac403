//! The commands `migrate`, `doctor`, `verify` and `outages`, which only need the database.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use incident_core::anchor::AnchoredChain;
use incident_core::chain::Verdict;
use incident_core::engine::{self, AuditVerdict, BuildError, Incidents};
use incident_core::port::IncidentFilter;
use incident_core::{IncidentId, Month};
use incident_store_postgres::{FindingSeverity, PgStore, PgUsage};
use indicatif::ProgressBar;

use crate::anchor_file::AnchorFile;
use crate::policy_file::PolicyFile;
use crate::sessions;
use crate::storage::{DatabaseSettings, StorageError};
use crate::terminal::line;

/// The maintenance task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// Create or update the tables.
    Migrate,
    /// Report problems of the database.
    Doctor,
    /// Verify every timeline and the audit trail.
    Verify,
}

/// Time between two pictures of a task that goes on.
const TICK: Duration = Duration::from_millis(250);

/// Number of incidents read at a time.
const BATCH: usize = 200;

/// Number of months whose statements `doctor` compares with the ledger.
const MONTHS: u32 = 13;

/// Runs a task and prints the result. Returns whether everything is in order.
///
/// # Errors
/// Fails if the database cannot be used or `out` cannot be written to.
pub async fn run(
    task: Maintenance,
    database: &DatabaseSettings,
    policy: &PolicyFile,
    anchors: Option<AnchorFile>,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    match task {
        Maintenance::Migrate => {
            let waiting = waiting("migrating");
            let migrated = database.migrate().await;
            waiting.finish_and_clear();
            migrated?;
            sessions::migrate(database.pool(1))
                .await
                .map_err(|error| StorageError::Sessions(database.clone(), error))?;
            line(
                out,
                format_args!(
                    "the schemas `incident` and `incident_axum` of {database} are up to date"
                ),
            )?;
            Ok(true)
        }
        Maintenance::Doctor => {
            let safe = examine(database, out).await?;
            // Statements computed from damaged tables mean nothing.
            Ok(safe && figures(database, policy, out).await?)
        }
        Maintenance::Verify => verify(database, anchors, out).await,
    }
}

/// Shows on a terminal that a task of unknown length goes on.
fn waiting(task: &'static str) -> ProgressBar {
    let shown = ProgressBar::new_spinner().with_message(task);
    shown.enable_steady_tick(TICK);
    shown
}

async fn examine(
    database: &DatabaseSettings,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    database.reach().await?;
    let findings = database.examine(&database.pool(1)).await?;
    for finding in &findings {
        line(out, format_args!("{finding}"))?;
    }
    if findings.is_empty() {
        line(out, format_args!("no problems found in {database}"))?;
    }
    Ok(findings
        .iter()
        .all(|finding| finding.level != FindingSeverity::Unsafe))
}

/// Returns an engine that reads from a database.
///
/// # Errors
/// Never fails with these settings; fallible only because the builder is.
pub fn reader(database: &DatabaseSettings, policy: &PolicyFile) -> Result<Incidents, BuildError> {
    let builder = policy.engine(Arc::new(PgStore::new(database.pool(2))));
    let directory = Arc::new(PgUsage::new(database.pool(1)));
    builder.directory(directory).build()
}

/// Compares statements with the ledger, month by month, and prints the differences.
async fn figures(
    database: &DatabaseSettings,
    policy: &PolicyFile,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    if !policy.has_sla() {
        line(
            out,
            format_args!("there is no SLA: no statement is compared with the ledger"),
        )?;
        return Ok(true);
    }
    let incidents = reader(database, policy)?;
    let mut month = Some(Month::of(incidents.reports().now()));
    let (mut agree, mut compared) = (true, 0);
    while let Some(this) = month.filter(|_| compared < MONTHS) {
        for mismatch in incidents.reports().check_figures(this).await? {
            agree = false;
            line(out, format_args!("statement and ledger differ: {mismatch}"))?;
        }
        (month, compared) = (this.before(), compared + 1);
    }
    if agree {
        line(
            out,
            format_args!("statements and ledger agree for the last {compared} months"),
        )?;
    } else {
        line(
            out,
            format_args!(
                "a running server recomputes credits within seconds of a correction; if they still differ, or if terms or fees have changed, call POST /sys/sla/credits/recompute"
            ),
        )?;
    }
    Ok(agree)
}

/// Verifies everything, including that no anchored entry is missing.
async fn verify(
    database: &DatabaseSettings,
    anchors: Option<AnchorFile>,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    database.reach().await?;
    let damaged = anchors.as_ref().map_or(0, |file| file.damaged().len());
    let mut builder = Incidents::builder(Arc::new(PgStore::new(database.pool(2))));
    match anchors {
        Some(file) => {
            for number in file.damaged() {
                let path = file.path().display();
                line(out, format_args!("UNREADABLE line {number} of {path}"))?;
            }
            builder = builder.anchor_record(Arc::new(file));
        }
        None => line(
            out,
            format_args!(
                "no anchors: set INCIDENT_ANCHORS to detect entries removed from the end of a chain, or a chain rewritten as a whole"
            ),
        )?,
    }
    let incidents = builder.build()?;
    let timelines = verify_timelines(&incidents, database, out).await?;
    let audit = verify_audit(&incidents, database, out).await?;
    Ok(timelines && audit && damaged == 0)
}

async fn verify_timelines(
    incidents: &Incidents,
    database: &DatabaseSettings,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    let (mut sound, mut broken, mut anchored) = (0_u64, 0_u64, 0_u64);
    let failed = |error| StorageError::Verify(database.clone(), error);
    let ids = timelines(incidents).await.map_err(failed)?;
    let progress = ProgressBar::new(ids.len() as u64);
    for id in ids {
        progress.inc(1);
        match incidents
            .audit()
            .verify_timeline(id)
            .await
            .map_err(failed)?
        {
            Verdict::Valid {
                anchored: known, ..
            } => {
                sound += 1;
                anchored += known;
            }
            Verdict::Broken { seq, reason } => {
                broken += 1;
                progress.suspend(|| {
                    line(
                        out,
                        format_args!("BROKEN timeline of {id}: entry {seq}: {reason}"),
                    )
                })?;
            }
        }
    }
    progress.finish_and_clear();
    line(
        out,
        format_args!("timelines: {sound} valid, {broken} broken; {anchored} entries anchored"),
    )?;
    Ok(broken == 0)
}

/// Returns the existing incidents, and anchored ones that may be missing.
async fn timelines(incidents: &Incidents) -> Result<BTreeSet<IncidentId>, engine::Error> {
    let mut ids = BTreeSet::new();
    let mut filter = IncidentFilter {
        limit: BATCH,
        ..IncidentFilter::default()
    };
    loop {
        let batch = incidents.list(&filter).await?;
        ids.extend(batch.iter().map(|incident| incident.id));
        match batch.last() {
            Some(last) if batch.len() == BATCH => {
                filter.after = Some((last.declared_at, last.id));
            }
            _ => break,
        }
    }
    let mut after = None;
    loop {
        let batch = incidents.audit().anchored(after, BATCH).await?;
        ids.extend(batch.iter().filter_map(|chain| match chain {
            AnchoredChain::Timeline(id) => Some(*id),
            AnchoredChain::Audit(_) => None,
        }));
        after = batch.last().copied();
        if batch.len() < BATCH {
            return Ok(ids);
        }
    }
}

async fn verify_audit(
    incidents: &Incidents,
    database: &DatabaseSettings,
    out: &mut (impl Write + Send),
) -> Result<bool, Box<dyn Error>> {
    let failed = |error| StorageError::Verify(database.clone(), error);
    let waiting = waiting("verifying the audit trail");
    let verdict = incidents.audit().verify().await.map_err(failed)?;
    waiting.finish_and_clear();
    match verdict {
        AuditVerdict::Valid {
            chains,
            entries,
            anchored,
        } => {
            line(
                out,
                format_args!(
                    "audit: {chains} chains with {entries} entries, all valid; {anchored} entries anchored"
                ),
            )?;
            Ok(true)
        }
        AuditVerdict::Broken { chain, seq, reason } => {
            line(
                out,
                format_args!("BROKEN audit chain {chain}: entry {seq}: {reason}"),
            )?;
            Ok(false)
        }
    }
}
