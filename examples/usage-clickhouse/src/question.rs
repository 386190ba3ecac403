//! Usage queries as statements.

use incident_core::Window;
use incident_core::impact::{ImpactQuery, TenantWindows};

use crate::binary::RowBinary;
use crate::client::External;

/// Maximum number of windows in the text of a statement, if all tenants have the same ones.
const INLINE: usize = 16;

/// A usage query as its statements take it: a subquery for the events, and the external tables
/// that are sent with it.
#[derive(Debug)]
pub(crate) struct SqlQuery<'a> {
    query: &'a ImpactQuery,
    /// The tenants that have windows.
    asked: Vec<&'a TenantWindows>,
    /// The windows, if all tenants have the same ones and these fit into the statement.
    common: Option<&'a [Window]>,
    from: String,
}

impl<'a> SqlQuery<'a> {
    /// Creates the parts of a statement; `None` if no tenant has a window.
    pub(crate) fn of(query: &'a ImpactQuery, table: &str) -> Option<Self> {
        let has = |one: &&TenantWindows| !one.windows.as_slice().is_empty();
        let asked: Vec<_> = query.tenants().iter().filter(has).collect();
        let first = asked.first()?.windows.as_slice();
        let same = |one: &&TenantWindows| one.windows.as_slice() == first;
        let common = (first.len() <= INLINE && asked.iter().all(same)).then_some(first);
        Some(Self {
            query,
            asked,
            common,
            from: table.to_owned(),
        })
    }

    /// Returns the subquery for the events that count, with these columns.
    pub(crate) fn events(&self, columns: &str) -> String {
        let (table, filter) = (&self.from, self.filter());
        let tenants = "tenant_id in (select tenant_id from asked)";
        if let Some(windows) = self.common {
            let inside: Vec<String> = windows.iter().map(within).collect();
            let inside = inside.join(" or ");
            return format!(
                "(select {columns} from {table} where {tenants} and ({inside}){filter})"
            );
        }
        // Each tenant's own windows, after the bounds of all windows.
        let bounds = self.bounds().map_or_else(String::new, |(start, end)| {
            format!(" and occurred_at >= {start} and occurred_at < {end}")
        });
        format!(
            "(select {columns} from (select tenant_id, user_id, occurred_at, service_id, endpoint \
             from {table} where {tenants}{bounds}{filter}) all inner join \
             (select tenant_id, start_at, end_at from asked) using tenant_id \
             where occurred_at >= start_at and occurred_at < end_at)"
        )
    }

    fn filter(&self) -> String {
        let mut filter = String::new();
        if self.query.services.is_some() {
            filter.push_str(" and service_id in (select service_id from wanted)");
        }
        if self.query.failed_only {
            filter.push_str(" and failed = 1");
        }
        filter
    }

    /// Returns the start and the end of all windows, in microseconds.
    pub(crate) fn bounds(&self) -> Option<(i64, i64)> {
        let windows = || self.asked.iter().flat_map(|one| one.windows.as_slice());
        let start = windows().map(|window| window.start().micros()).min()?;
        let end = windows().map(|window| window.end().micros()).max()?;
        Some((start, end))
    }

    /// Returns the external tables of a statement over [`events`](Self::events).
    pub(crate) fn tables(&self) -> Vec<External> {
        let mut rows = RowBinary::default();
        for one in &self.asked {
            let tenant = one.tenant.as_str();
            if self.common.is_some() {
                rows.text(tenant);
                continue;
            }
            for window in one.windows.as_slice() {
                rows.text(tenant)
                    .int64(window.start().micros())
                    .int64(window.end().micros());
            }
        }
        let mut tables = vec![External {
            name: "asked",
            structure: if self.common.is_some() {
                "tenant_id String"
            } else {
                "tenant_id String, start_at Int64, end_at Int64"
            },
            rows: rows.into_bytes(),
        }];
        if let Some(services) = &self.query.services {
            let mut rows = RowBinary::default();
            for service in services {
                rows.text(service.as_str());
            }
            tables.push(External {
                name: "wanted",
                structure: "service_id String",
                rows: rows.into_bytes(),
            });
        }
        tables
    }
}

fn within(window: &Window) -> String {
    let (start, end) = (window.start().micros(), window.end().micros());
    format!("(occurred_at >= {start} and occurred_at < {end})")
}
