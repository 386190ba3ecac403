//! The usage source: counts over ClickHouse.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incident_core::TenantId;
use incident_core::impact::{Breakdown, ImpactCounts, ImpactQuery, MAX_DAYS, UserPage};
use incident_core::port::{TenantDirectory, UsageError, UsageSource};
use reqwest::Client;
use serde::Deserialize;
use tokio::time::Instant;

use crate::address::Address;
use crate::binary::RowBinary;
use crate::breakdown::{breakdown, number};
use crate::client::{ClickHouseClient, ClientFailure, External, client};
use crate::question::SqlQuery;
use crate::table::{self, DAY_US, OpenError};

/// Two standard deviations of `uniqCombined(17)`, in parts per million: a HyperLogLog of 2^17
/// cells, 2 × 1.04 / √2^17.
const RELATIVE_ERROR_PPM: u32 = 5_746;

/// Time that is reserved for reporting the size of a query that was too large.
const RESERVE: Duration = Duration::from_millis(300);

/// A usage source in ClickHouse. Clones share its state.
#[derive(Clone, Debug)]
pub struct ClickHouseUsage(pub(crate) Arc<ClickHouseSource>);

#[derive(Debug)]
pub(crate) struct ClickHouseSource {
    server: ClickHouseClient,
    /// Days that are known to have events.
    pub(crate) days: Mutex<BTreeSet<i64>>,
    most_days: usize,
}

/// A `JSONCompact` reply `with totals`: the totals are the merge of all states.
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
    /// Connects, creates the table if there is none, and checks its columns.
    ///
    /// # Errors
    /// Returns [`OpenError::Client`] if no HTTP client can be created,
    /// [`OpenError::Unreachable`] if the server cannot be reached or does not reply within
    /// `timeout`, [`OpenError::Refused`] if it refuses a statement, and [`OpenError::Column`]
    /// if the table lacks a column or has it with another type.
    pub async fn open(address: Address, timeout: Duration) -> Result<Self, OpenError> {
        let client = client(&address).map_err(OpenError::Client)?;
        Self::open_with(client, address, timeout).await
    }

    /// Connects as [`open`](Self::open) does, with a client of the host's. It must not follow
    /// redirects, as these would carry the password to another address.
    ///
    /// # Errors
    /// Fails as [`open`](Self::open) does, except for [`OpenError::Client`].
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

    /// Sets the maximum number of days with events: each day is a partition. A distributed
    /// table has no partitions of its own, and is not limited. Default: [`MAX_DAYS`].
    #[must_use]
    pub fn days_at_most(self, days: usize) -> Self {
        Self::with(self.0.server.clone(), days)
    }

    pub(crate) fn most_days(&self) -> usize {
        self.0.most_days
    }

    /// Returns the statement that creates the table of an address, for hosts whose server may
    /// not do so.
    #[must_use]
    pub fn ddl(address: &Address) -> String {
        table::ddl(address)
    }

    pub(crate) fn server(&self) -> &ClickHouseClient {
        &self.0.server
    }

    /// Counts the users of each tenant and of all of them, by an aggregate function.
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

    /// Converts the result of a query. One that took too long is refused with its size.
    async fn answered<T>(
        &self,
        found: Result<T, ClientFailure>,
        query: &ImpactQuery,
        question: &SqlQuery<'_>,
        end: Instant,
    ) -> Result<T, UsageError> {
        match found {
            Err(ClientFailure::Late) => Err(UsageError::QueryTimedOut {
                tenants: query.tenants().len(),
                events: self.size(question, end).await,
            }),
            other => Ok(other?),
        }
    }

    /// Returns the number of events of all tenants on the days of a query, if the server
    /// reports it by `end`. A distributed table has no parts of its own.
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

/// Converts the rows to counts for every tenant of the query, in its order and with zeros.
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

    async fn users(
        &self,
        query: &ImpactQuery,
        after: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Result<UserPage, UsageError> {
        let Some(question) = SqlQuery::of(query, &self.server().address.name()) else {
            return Ok(UserPage::default());
        };
        // The name is sent as a table, as no text of others stands in a statement.
        let mut rows = RowBinary::default();
        rows.text(after.unwrap_or_default());
        let mut tables = question.tables();
        tables.push(External {
            name: "page_start",
            structure: "name String",
            rows: rows.into_bytes(),
        });
        let sql = format!(
            "select distinct user_id from {} where user_id > (select name from page_start) \
             order by user_id limit {limit}",
            question.events("user_id")
        );
        let end = Instant::now() + timeout;
        let deadline = end - RESERVE.min(timeout / 5);
        let found = self.server().ask::<NameRows>(&sql, tables, deadline).await;
        let found = self.answered(found, query, &question, end).await?;
        let names = found.data.into_iter().map(|(name,)| name);
        Ok(UserPage::new(names.collect(), limit))
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
        // A host's own view may hold names that are not valid here.
        let names = found.data.iter();
        let names = names.filter_map(|(name,)| TenantId::stored(name).ok());
        Ok(names.collect())
    }
}
