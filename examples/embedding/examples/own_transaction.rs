//! A row of the host's and an incident, committed together or not at all.
//!
//! Needs the PostgreSQL server programs: it starts a throw-away server. Run with `cargo run -p
//! incident-embedding --example own_transaction`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use incident_core::actor::{Caller, Role};
use incident_core::engine::{Incidents, PreparedCommand, RequestContext};
use incident_core::incident::{Declare, Severity};
use incident_pagers::LogPager;
use incident_store_postgres::{PgStore, migrate};
use incident_test_postgres::{Cluster, Database};
use sqlx::{Executor, PgPool, Row};

/// Runs the host's own work: records a customer's complaint with the incident that it opens.
async fn complain(
    pool: &PgPool,
    incidents: &Incidents,
    text: &str,
    change_my_mind: bool,
) -> Result<(), Box<dyn Error>> {
    let anna = Caller::person("anna".parse()?, Role::Responder);
    let asked = Declare::new(text.parse()?, Severity::Sev2);
    let prepared = PreparedCommand::declare(incidents, &RequestContext::new(anna), &asked).await?;

    let mut transaction = pool.begin().await?;
    sqlx::query("insert into complaints (said, incident_id) values ($1, $2)")
        .bind(text)
        .bind(prepared.incident().id.uuid())
        .execute(&mut *transaction)
        .await?;
    if change_my_mind {
        PgStore::commit_in(&mut transaction, &prepared).await?;
        transaction.rollback().await?; // neither
    } else {
        PgStore::commit_with(transaction, &prepared).await?; // both; and the page goes out
    }
    Ok(())
}

/// Runs the example; returns the numbers of complaints and of incidents.
async fn play(cluster: &Cluster) -> Result<(i64, i64), Box<dyn Error>> {
    let database = Database::create(cluster, None).await?;
    migrate(&database.options(), Duration::from_secs(30)).await?;
    let pool = database.pool(5).await?;
    pool.execute("create table complaints (said text not null, incident_id uuid not null)")
        .await?;
    let incidents = Incidents::builder(Arc::new(PgStore::new(pool.clone())))
        .pager(Arc::new(LogPager::default()))
        .build()?;
    complain(&pool, &incidents, "checkout is slow", false).await?;
    complain(&pool, &incidents, "never mind", true).await?;
    incidents.worker().drain().await?;

    let count =
        "select (select count(*) from complaints), (select count(*) from incident.incidents)";
    let row = pool.fetch_one(count).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (complaints, incidents) = play(Cluster::shared()).await?;
    println!("{complaints} complaint and {incidents} incident were kept");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn both_are_kept_or_neither() {
        let kept = super::play(incident_test_postgres::Cluster::shared()).await;
        assert_eq!(kept.unwrap(), (1, 1));
    }
}
