//! Counting.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::TenantId;
use incident_core::impact::{Breakdown, ImpactCounts, ImpactQuery, MAX_DAYS};
use incident_core::port::{TenantDirectory, UsageError, UsageSource};
use reqwest::Client;
use serde::Deserialize;
use tokio::time::Instant;

use crate::address::Address;
use crate::breakdown::{breakdown, number};
use crate::client::{ClickHouseClient, ClientFailure, client};
use crate::question::SqlQuery;
use crate::table::{self, DAY_US, OpenError};

/// Two standard deviations of `uniqCombined(17)`, in parts of a million: a HyperLogLog of
/// 2^17 cells, 2 × 1.04 / √2^17.
const RELATIVE_ERROR_PPM: u32 = 5_746;

/// How much of the time is left for saying how large a question was.
const RESERVE: Duration = Duration::from_millis(300);

/// Usage events in ClickHouse. Clones share it.
#[derive(Clone, Debug)]
pub struct ClickHouseUsage(pub(crate) Arc<ClickHouseSource>);

#[derive(Debug)]
pub(crate) struct ClickHouseSource {
    server: ClickHouseClient,
    /// Days that are known to have events.
    pub(crate) days: Mutex<BTreeSet<i64>>,
    most_days: usize,
}

/// A `JSONCompact` answer `with totals`: the totals are the merge of all states.
#[derive(Deserialize)]
struct CountRow {
    data: Vec<(String, String)>,
    totals: Option<(String, String)>,
}

#[derive(Deserialize)]
struct NameRows {
    data: Vec<(String,)>,
}

impl ClickHouseUsage {
    /// Connects, makes the table where there is none, and looks whether it fits.
    ///
    /// # Errors
    /// The server does not answer or refuses, or the table has other columns.
    pub async fn open(address: Address, timeout: Duration) -> Result<Self, OpenError> {
        let client = client(&address).map_err(OpenError::Client)?;
        Self::open_with(client, address, timeout).await
    }

    /// The same with a client of the host's. It must not follow redirects: they would
    /// carry the password to another address.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(
        client: Client,
        address: Address,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let mut server = ClickHouseClient::new(client, address);
        table::prepare(&mut server, Instant::now() + timeout).await?;
        Ok(Self::with(server, MAX_DAYS))
    }

    fn with(server: ClickHouseClient, most_days: usize) -> Self {
        Self(Arc::new(ClickHouseSource {
            server,
            days: Mutex::default(),
            most_days,
        }))
    }

    /// Keeps events of so many days at most, [`MAX_DAYS`] if not given: each day is a
    /// partition. A table over shards has no partitions of its own, and is not counted.
    #[must_use]
    pub fn days_at_most(self, days: usize) -> Self {
        Self::with(self.0.server.clone(), days)
    }

    pub(crate) fn most_days(&self) -> usize {
        self.0.most_days
    }

    /// The statement that makes the table of an address, for hosts whose server may not.
    #[must_use]
    pub fn ddl(address: &Address) -> String {
        table::ddl(address)
    }

    pub(crate) fn server(&self) -> &ClickHouseClient {
        &self.0.server
    }

    /// The users of each tenant and of all of them, by an aggregate function.
    async fn counted(
        &self,
        query: &ImpactQuery,
        function: &str,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let Some(question) = SqlQuery::of(query, &self.server().address.name()) else {
            return counts(query, Vec::new(), None).map_err(UsageError::from);
        };
        let sql = format!(
            "select tenant_id, {function}(user_id) as users from {} group by tenant_id with totals",
            question.events("tenant_id, user_id")
        );
        let end = Instant::now() + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = self
            .server()
            .ask::<CountRow>(&sql, question.tables(), deadline)
            .await;
        let found = found.and_then(|found| counts(query, found.data, found.totals));
        self.answered(found, query, &question, end).await
    }

    /// A question that took too long is refused with its size.
    async fn answered<T>(
        &self,
        found: Result<T, ClientFailure>,
        query: &ImpactQuery,
        question: &SqlQuery<'_>,
        end: Instant,
    ) -> Result<T, UsageError> {
        match found {
            Err(ClientFailure::Late) => Err(UsageError::TimedOut {
                tenants: query.tenants().len(),
                events: self.size(question, end).await,
            }),
            other => Ok(other?),
        }
    }

    /// How many events of all tenants lie on the days of a question, where that is told
    /// by the end. A table of several shards has no parts of its own.
    async fn size(&self, question: &SqlQuery<'_>, end: Instant) -> Option<u64> {
        let (first, last) = question.bounds()?;
        let address = &self.server().address;
        let sql = format!(
            "select 'rows', toString(sum(rows)) from system.parts where active and database = '{}' and table = '{}' \
             and toInt64(partition) between {} and {}",
            address.database,
            address.table,
            first.div_euclid(DAY_US),
            last.div_euclid(DAY_US)
        );
        let found = self
            .server()
            .ask::<CountRow>(&sql, Vec::new(), end)
            .await
            .ok()?;
        let (_, rows) = found.data.first()?;
        rows.parse().ok().filter(|rows| *rows > 0)
    }
}

/// Every tenant of the question in its order, zeros too.
fn counts(
    query: &ImpactQuery,
    found: Vec<(String, String)>,
    totals: Option<(String, String)>,
) -> Result<ImpactCounts, ClientFailure> {
    let users: HashMap<String, String> = found.into_iter().collect();
    let mut counts = Vec::with_capacity(query.tenants().len());
    for one in query.tenants() {
        let users = users.get(one.tenant.as_str());
        counts.push(users.map_or(Ok(0), |users| number(users))?);
    }
    let total = totals.map_or(Ok(0), |(_, users)| number(&users))?;
    Ok(ImpactCounts::exact(query, counts, total))
}

#[async_trait]
impl UsageSource for ClickHouseUsage {
    fn name(&self) -> &'static str {
        "clickhouse"
    }

    async fn unique_users(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        self.counted(query, "uniqExact", timeout).await
    }

    async fn estimates(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<ImpactCounts, UsageError> {
        let found = self.counted(query, "uniqCombined(17)", timeout).await?;
        Ok(found.with_relative_error(RELATIVE_ERROR_PPM))
    }

    async fn breakdown(
        &self,
        query: &ImpactQuery,
        timeout: Duration,
    ) -> Result<Breakdown, UsageError> {
        let Some(question) = SqlQuery::of(query, &self.server().address.name()) else {
            return Ok(Breakdown::default());
        };
        let end = Instant::now() + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = breakdown(self.server(), &question, deadline).await;
        self.answered(found, query, &question, end).await
    }
}

#[async_trait]
impl TenantDirectory for ClickHouseUsage {
    async fn tenants(&self, timeout: Duration) -> Result<Vec<TenantId>, UsageError> {
        let sql = format!(
            "select tenant_id from {} group by tenant_id",
            self.server().address.name()
        );
        let deadline = Instant::now() + timeout;
        let found: NameRows = self.server().ask(&sql, Vec::new(), deadline).await?;
        // A host's own view may hold what is no name here.
        let names = found.data.iter();
        let names = names.filter_map(|(name,)| TenantId::stored(name).ok());
        Ok(names.collect())
    }
}
