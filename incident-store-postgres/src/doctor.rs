//! Diagnosis of a database, in sentences.

use std::fmt;
use std::time::Duration;

use incident_core::Timestamp;
use incident_core::port::StoreError;
use sqlx::{PgConnection, PgPool, Row};

use crate::access::{PgServer, read};
use crate::migrate::{LATEST, functions_are_current};
use crate::read_only;
use crate::row;
use crate::usage::UsageTable;

/// The oldest supported version of the server, as `server_version_num`.
const OLDEST: i32 = 140_000;

/// Maximum difference between the clocks of this process and the server that is not reported.
const SKEW: Duration = Duration::from_secs(2);

/// Size, in pages, below which a table of usage events is not checked: it is read quickly
/// anyway.
const FEW_PAGES: i64 = 1_000;

/// Maximum number of partitions that is not reported: somewhat more than three years of days.
const MANY_PARTITIONS: i64 = 1_200;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingSeverity {
    /// Commits that were acknowledged may be lost or changed, or no commit is possible at all.
    Unsafe,
    /// The database works, but worse than it should.
    Warning,
}

/// One problem, with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: FindingSeverity,
    /// The problem in a sentence.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            FindingSeverity::Unsafe => "unsafe",
            FindingSeverity::Warning => "warning",
        };
        write!(f, "{level}: {}", self.message)
    }
}

/// Examines the server, the schema and the role, as the store's own connections see them, and
/// the table of usage events. Findings are sorted, the worst first; nothing is changed.
///
/// # Errors
/// Fails if the server does not reply within `timeout`, or refuses a statement.
pub async fn doctor(
    pool: &PgPool,
    usage: &UsageTable,
    now: Timestamp,
    timeout: Duration,
) -> Result<Vec<Finding>, StoreError> {
    let server = &PgServer::new(pool.clone());
    let mut findings = read!(server, timeout, |connection| examine(
        connection, usage, now
    ))?;
    findings.sort_by_key(|finding| finding.level);
    Ok(findings)
}

async fn examine(
    connection: &mut PgConnection,
    usage: &UsageTable,
    now: Timestamp,
) -> sqlx::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    settings(connection, now, &mut findings).await?;
    if let Some(reason) = read_only::reason(connection).await? {
        push(&mut findings, FindingSeverity::Unsafe, reason);
    }
    if schema(connection, &mut findings).await? {
        guards(connection, &mut findings).await?;
        role(connection, &mut findings).await?;
        index(connection, usage, &mut findings).await?;
        collation(connection, usage, &mut findings).await?;
        visibility(connection, usage, &mut findings).await?;
        partitions(connection, usage, &mut findings).await?;
    }
    Ok(findings)
}

fn push(findings: &mut Vec<Finding>, level: FindingSeverity, message: impl Into<String>) {
    let message = message.into();
    findings.push(Finding { level, message });
}

async fn settings(
    connection: &mut PgConnection,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) -> sqlx::Result<()> {
    let sql = "select current_setting('server_version_num')::int as version, \
               current_setting('server_encoding') as encoding, current_setting('fsync') as fsync, \
               current_setting('full_page_writes') as full_page_writes, \
               current_setting('synchronous_commit') as synchronous_commit, \
               (extract(epoch from clock_timestamp()) * 1000000)::bigint as clock";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    if row::get::<i32>(&row, "version")? < OLDEST {
        push(
            findings,
            FindingSeverity::Unsafe,
            "the server is older than PostgreSQL 14; upgrade it",
        );
    }
    if row::get::<&str>(&row, "encoding")? != "UTF8" {
        push(
            findings,
            FindingSeverity::Unsafe,
            "the encoding of the database is not UTF8; create a database with encoding UTF8",
        );
    }
    for (setting, why) in [
        (
            "fsync",
            "a crash of the machine can lose transactions that were reported as committed",
        ),
        (
            "full_page_writes",
            "a crash of the machine can corrupt data files",
        ),
        (
            "synchronous_commit",
            "a crash of the server can lose transactions that were reported as committed",
        ),
    ] {
        if row::get::<&str>(&row, setting)? == "off" {
            push(
                findings,
                FindingSeverity::Unsafe,
                format!("{setting} is off: {why}; turn it on"),
            );
        }
    }
    let skew = Duration::from_micros(row::get::<i64>(&row, "clock")?.abs_diff(now.micros()));
    if skew > SKEW {
        let message = format!(
            "the server's clock differs from this host's by {} s; synchronize both",
            skew.as_secs()
        );
        push(findings, FindingSeverity::Warning, message);
    }
    Ok(())
}

/// Reports problems of the schema. Returns `true` if it exists at this version or a newer one.
async fn schema(connection: &mut PgConnection, findings: &mut Vec<Finding>) -> sqlx::Result<bool> {
    let there = "select to_regclass('incident._migrations') is not null as there";
    if !sqlx::query(there)
        .fetch_one(&mut *connection)
        .await?
        .try_get::<bool, _>("there")?
    {
        push(
            findings,
            FindingSeverity::Unsafe,
            "the schema `incident` does not exist; run the migration",
        );
        return Ok(false);
    }
    let sql = "select coalesce(max(version), 0) as version from incident._migrations where success";
    let version: i64 = sqlx::query(sql)
        .fetch_one(&mut *connection)
        .await?
        .try_get("version")?;
    if version < LATEST {
        push(
            findings,
            FindingSeverity::Unsafe,
            format!(
                "the schema `incident` is at version {version}, but this program needs {LATEST}; run the migration"
            ),
        );
        return Ok(false);
    }
    if !functions_are_current(connection).await? {
        push(
            findings,
            FindingSeverity::Unsafe,
            "the functions in the schema `incident` do not match this program; run the migration",
        );
    }
    if version > LATEST {
        push(
            findings,
            FindingSeverity::Warning,
            format!(
                "the schema `incident` is at version {version}, but this program knows only {LATEST}; update this program soon"
            ),
        );
    }
    Ok(true)
}

/// The guards that the migrations create: table and name of each trigger.
const GUARDS: [(&str, &str); 15] = [
    ("incidents", "never_lost"),
    ("incidents", "never_emptied"),
    ("timeline", "follows"),
    ("timeline", "append_only"),
    ("timeline", "never_emptied"),
    ("timeline_texts", "never_changed"),
    ("timeline_texts", "never_emptied"),
    ("timeline_texts", "only_redacted"),
    ("audit", "follows"),
    ("audit", "append_only"),
    ("audit", "never_emptied"),
    ("outbox", "never_emptied"),
    ("credits", "never_lost"),
    ("credits", "never_emptied"),
    ("credits", "never_taken_back"),
];

async fn guards(connection: &mut PgConnection, findings: &mut Vec<Finding>) -> sqlx::Result<()> {
    let sql = "select c.relname::text as on_table, t.tgname::text as name from pg_trigger t \
               join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace \
               where n.nspname = 'incident' and not t.tgisinternal and t.tgenabled = 'A'";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let on: Vec<(String, String)> = rows
        .iter()
        .map(|row| Ok((row.try_get("on_table")?, row.try_get("name")?)))
        .collect::<sqlx::Result<_>>()?;
    for (table, name) in GUARDS {
        if !on.iter().any(|(t, n)| t == table && n == name) {
            let message = format!(
                "the trigger {name} of incident.{table} is not set to ENABLE ALWAYS; run: alter table incident.{table} enable always trigger {name}"
            );
            push(findings, FindingSeverity::Unsafe, message);
        }
    }
    Ok(())
}

async fn role(connection: &mut PgConnection, findings: &mut Vec<Finding>) -> sqlx::Result<()> {
    let sql = "select current_user::text as name, r.rolsuper as super, \
               pg_has_role(current_user, (select relowner from pg_class where oid = 'incident.timeline'::regclass), 'usage') as owner, \
               has_table_privilege(current_user, 'incident.timeline_texts', 'delete') as deletes, \
               has_function_privilege(current_user, 'incident.erase_texts(uuid, bigint)', 'execute') as erases \
               from pg_roles r where r.rolname = current_user";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    let name: &str = row::get(&row, "name")?;
    if row::get::<bool>(&row, "super")? || row::get::<bool>(&row, "owner")? {
        let message = format!(
            "the role {name} can disable the triggers; connect as a role that owns nothing, granted by the owner of the schema: select incident.grant_to('...')"
        );
        push(findings, FindingSeverity::Warning, message);
        return Ok(());
    }
    if row::get::<bool>(&row, "deletes")? {
        let message = format!(
            "the role {name} can delete texts; to reset its privileges, run as the owner of the schema: select incident.grant_to('{name}')"
        );
        push(findings, FindingSeverity::Warning, message);
    }
    if !row::get::<bool>(&row, "erases")? {
        let message = format!(
            "the role {name} cannot redact texts; run as the owner of the schema: select incident.grant_to('{name}')"
        );
        push(findings, FindingSeverity::Warning, message);
    }
    Ok(())
}

async fn index(
    connection: &mut PgConnection,
    usage: &UsageTable,
    findings: &mut Vec<Finding>,
) -> sqlx::Result<()> {
    let sql = "select exists (select 1 from pg_index i \
               join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace \
               join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] and a.attname = $3 \
               join pg_attribute b on b.attrelid = c.oid and b.attnum = i.indkey[1] and b.attname = $4 \
               where n.nspname = $1 and c.relname = $2 and i.indisvalid and i.indpred is null) as there";
    let row = sqlx::query(sql)
        .bind(&usage.schema)
        .bind(&usage.table)
        .bind(&usage.tenant)
        .bind(&usage.occurred_at)
        .fetch_one(connection)
        .await?;
    if !row::get::<bool>(&row, "there")? {
        let message = format!(
            "{} has no index on ({}, {}), so counting users reads the whole table; create one that also includes {}",
            usage.name(),
            usage.tenant,
            usage.occurred_at,
            usage.user
        );
        push(findings, FindingSeverity::Warning, message);
    }
    Ok(())
}

async fn collation(
    connection: &mut PgConnection,
    usage: &UsageTable,
    findings: &mut Vec<Finding>,
) -> sqlx::Result<()> {
    // The column's collation, or the database's if the column has the default one.
    let sql = "select a.attname::text as name, case when l.collname = 'default' \
                   then (select datcollate from pg_database where datname = current_database()) else l.collcollate end as collation \
               from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
               join pg_collation l on l.oid = a.attcollation \
               where n.nspname = $1 and c.relname = $2 and a.attname = any($3)";
    let rows = sqlx::query(sql)
        .bind(&usage.schema)
        .bind(&usage.table)
        .bind(vec![usage.tenant.clone(), usage.user.clone()])
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let (name, collation): (&str, Option<&str>) =
            (row::get(row, "name")?, row::get(row, "collation")?);
        if let Some(collation) =
            collation.filter(|one| !matches!(*one, "C" | "POSIX" | "C.UTF-8" | "C.utf8"))
        {
            let message = format!(
                "{}.{name} uses the collation {collation}, which makes counting users two to eight times slower; use collate \"C\"",
                usage.name()
            );
            push(findings, FindingSeverity::Warning, message);
        }
    }
    Ok(())
}

/// Reports pages that are not marked as all-visible: an index-only scan has to read them from
/// the table.
async fn visibility(
    connection: &mut PgConnection,
    usage: &UsageTable,
    findings: &mut Vec<Finding>,
) -> sqlx::Result<()> {
    // The table itself, or its partitions.
    let sql = "select coalesce(sum(c.relpages), 0)::bigint as pages, coalesce(sum(c.relallvisible), 0)::bigint as visible \
               from pg_class c where c.relkind = 'r' and (c.oid = to_regclass($1) \
                   or c.oid in (select inhrelid from pg_inherits where inhparent = to_regclass($1)))";
    let row = sqlx::query(sql)
        .bind(usage.name())
        .fetch_one(connection)
        .await?;
    let (pages, visible): (i64, i64) = (row::get(&row, "pages")?, row::get(&row, "visible")?);
    if pages >= FEW_PAGES && visible * 2 < pages {
        let message = format!(
            "{} of {pages} table pages of {} are not marked all-visible, so counting users reads them; run VACUUM, and let autovacuum run more often",
            pages - visible,
            usage.name()
        );
        push(findings, FindingSeverity::Warning, message);
    }
    Ok(())
}

/// Reports too many partitions: planning a query over all times then takes longer than many
/// queries run.
async fn partitions(
    connection: &mut PgConnection,
    usage: &UsageTable,
    findings: &mut Vec<Finding>,
) -> sqlx::Result<()> {
    let sql = "select count(*) as n from pg_inherits where inhparent = to_regclass($1)";
    let row = sqlx::query(sql)
        .bind(usage.name())
        .fetch_one(connection)
        .await?;
    let partitions: i64 = row::get(&row, "n")?;
    if partitions > MANY_PARTITIONS {
        let message = format!(
            "{} has {partitions} partitions; drop those of days that are no longer needed",
            usage.name()
        );
        push(findings, FindingSeverity::Warning, message);
    }
    Ok(())
}
