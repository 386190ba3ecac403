//! Users by minute, by service and by endpoint.

use incident_core::impact::{
    Breakdown, EndpointUsers, FirstHits, MINUTE_US, ServiceUsers, TOP_ENDPOINTS,
};
use incident_core::{ServiceId, Text, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;

use crate::client::{ClickHouseClient, ClientFailure};
use crate::question::SqlQuery;

/// Rows of a `JSONCompact` reply; 64-bit numbers are quoted.
#[derive(Deserialize)]
struct BreakdownAnswer<T> {
    data: Vec<T>,
}

pub(crate) async fn breakdown(
    server: &ClickHouseClient,
    question: &SqlQuery<'_>,
    deadline: Instant,
) -> Result<Breakdown, ClientFailure> {
    Ok(Breakdown {
        first_hits: first_hits(server, question, deadline).await?,
        by_service: services(server, question, deadline).await?,
        by_endpoint: endpoints(server, question, deadline).await?,
    }
    .ordered())
}

async fn first_hits(
    server: &ClickHouseClient,
    question: &SqlQuery<'_>,
    deadline: Instant,
) -> Result<Vec<FirstHits>, ClientFailure> {
    let sql = format!(
        "select intDiv(first, {MINUTE_US}) as minute, count() as users from \
         (select user_id, min(occurred_at) as first from {} group by user_id) group by minute",
        question.events("user_id, occurred_at")
    );
    let found: BreakdownAnswer<(String, String)> =
        server.ask(&sql, question.tables(), deadline).await?;
    let hits = found.data.iter().map(|(minute, users)| {
        let micros = number::<i64>(minute)?.saturating_mul(MINUTE_US);
        Ok(FirstHits {
            minute: Timestamp::from_micros(micros).map_err(unreadable)?,
            users: number(users)?,
        })
    });
    hits.collect()
}

async fn services(
    server: &ClickHouseClient,
    question: &SqlQuery<'_>,
    deadline: Instant,
) -> Result<Vec<ServiceUsers>, ClientFailure> {
    let sql = format!(
        "select service_id, uniqExact(user_id) as users from {} group by service_id",
        question.events("user_id, service_id")
    );
    let found: BreakdownAnswer<(String, String)> =
        server.ask(&sql, question.tables(), deadline).await?;
    let mut rows = Vec::with_capacity(found.data.len());
    for (service, users) in found.data {
        // A host's own view may hold names that are not valid here.
        if let Ok(service) = ServiceId::stored(&service) {
            let users = number(&users)?;
            rows.push(ServiceUsers { service, users });
        }
    }
    Ok(rows)
}

async fn endpoints(
    server: &ClickHouseClient,
    question: &SqlQuery<'_>,
    deadline: Instant,
) -> Result<Vec<EndpointUsers>, ClientFailure> {
    let sql = format!(
        "select service_id, endpoint, uniqExact(user_id) as users from {} where endpoint != '' \
         group by service_id, endpoint order by users desc, service_id, endpoint limit {TOP_ENDPOINTS}",
        question.events("user_id, service_id, endpoint")
    );
    let found: BreakdownAnswer<(String, String, String)> =
        server.ask(&sql, question.tables(), deadline).await?;
    let mut rows = Vec::with_capacity(found.data.len());
    for (service, endpoint, users) in found.data {
        if let (Ok(service), Ok(endpoint)) = (ServiceId::stored(&service), Text::stored(&endpoint))
        {
            rows.push(EndpointUsers {
                service,
                endpoint,
                users: number(&users)?,
            });
        }
    }
    Ok(rows)
}

pub(crate) fn number<T>(text: &str) -> Result<T, ClientFailure>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(unreadable)
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> ClientFailure {
    ClientFailure::Other(error.into())
}
