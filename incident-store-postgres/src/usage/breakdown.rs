//! The statements that break users down by minute, by service and by endpoint.

use incident_core::ServiceId;
use incident_core::impact::{Breakdown, EndpointUsers, FirstHits, ServiceUsers, TOP_ENDPOINTS};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::count::{QueryPlan, SPANS};
use super::table::quoted;
use crate::row;

/// Converts the result of reading a row to `None` if the host's table holds a value there that
/// no name type accepts.
fn named<T>(found: sqlx::Result<T>) -> Option<sqlx::Result<T>> {
    match found {
        Err(sqlx::Error::Decode(_)) => None,
        other => Some(other),
    }
}

impl QueryPlan<'_> {
    pub(super) async fn breakdown(&self, connection: &mut PgConnection) -> sqlx::Result<Breakdown> {
        let (service, endpoint) = self.breakdown_columns();
        let first_hits = self.first_hits(connection).await?;
        let (mut by_service, mut by_endpoint) = (Vec::new(), Vec::new());
        if let Some(service) = &service {
            by_service = self.services(connection, service).await?;
        }
        if let (Some(service), Some(endpoint)) = (service, endpoint) {
            by_endpoint = self.endpoints(connection, &service, &endpoint).await?;
        }
        Ok(Breakdown {
            first_hits,
            by_service,
            by_endpoint,
        }
        .ordered())
    }

    async fn first_hits(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<FirstHits>> {
        let at = quoted(&self.table().occurred_at);
        let events = self.events_with(&format!(", e.{at} as at"));
        let sql = format!(
            "select date_trunc('minute', first, 'UTC') as minute, count(*) as users from \
             (select e.u, min(e.at) as first from {SPANS} cross join lateral ({events}) e group by e.u) f \
             group by 1"
        );
        let rows = self.run(&sql, &self.all(), connection).await?;
        let hits = rows.iter().map(|one| {
            Ok(FirstHits {
                minute: row::time(one, "minute")?,
                users: row::count(one, "users")?,
            })
        });
        hits.collect()
    }

    async fn services(
        &self,
        connection: &mut PgConnection,
        service: &str,
    ) -> sqlx::Result<Vec<ServiceUsers>> {
        let events = self.events_with(&format!(", e.{service} as service"));
        let sql = format!(
            "select e.service, count(distinct e.u) as users from {SPANS} cross join lateral ({events}) e \
             where e.service is not null group by e.service"
        );
        let rows = self.run(&sql, &self.all(), connection).await?;
        let one = |one: &PgRow| {
            Ok(ServiceUsers {
                service: row::stored::<ServiceId>(one, "service")?,
                users: row::count(one, "users")?,
            })
        };
        rows.iter().filter_map(|found| named(one(found))).collect()
    }

    async fn endpoints(
        &self,
        connection: &mut PgConnection,
        service: &str,
        endpoint: &str,
    ) -> sqlx::Result<Vec<EndpointUsers>> {
        let events = self.events_with(&format!(
            ", e.{service} as service, e.{endpoint} as endpoint"
        ));
        let sql = format!(
            "select e.service, e.endpoint, count(distinct e.u) as users from {SPANS} \
             cross join lateral ({events}) e where e.service is not null and e.endpoint <> '' \
             group by e.service, e.endpoint \
             order by users desc, e.service collate \"C\", e.endpoint collate \"C\" limit {TOP_ENDPOINTS}"
        );
        let rows = self.run(&sql, &self.all(), connection).await?;
        let one = |one: &PgRow| {
            Ok(EndpointUsers {
                service: row::stored(one, "service")?,
                endpoint: row::stored(one, "endpoint")?,
                users: row::count(one, "users")?,
            })
        };
        rows.iter().filter_map(|found| named(one(found))).collect()
    }

    /// Returns the quoted columns of service and endpoint, if the table has them.
    fn breakdown_columns(&self) -> (Option<String>, Option<String>) {
        let table = self.table();
        let column = |name: &Option<String>| name.as_deref().map(quoted);
        (column(&table.service), column(&table.endpoint))
    }
}
