//! The statement that lists users.

use sqlx::PgConnection;

use super::count::{QueryPlan, SPANS};
use crate::row;

impl QueryPlan<'_> {
    /// Lists the names of a page, in the order of their bytes.
    pub(super) async fn users(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
        let events = self.events();
        let (after, limit) = match self.has_services() {
            true => ("$8", "$9"),
            false => ("$7", "$8"),
        };
        let sql = format!(
            "select d.u from (select distinct e.u::text collate \"C\" as u from {SPANS} \
             cross join lateral ({events}) e) d where d.u > {after}::text collate \"C\" \
             order by d.u limit {limit}"
        );
        let rows = self.run(&sql, &self.all(), connection).await?;
        rows.iter().map(|one| row::get(one, "u")).collect()
    }
}
