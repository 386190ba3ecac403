//! The table of usage events: `incident.usage_events`, or the host's.

use incident_core::ValidationError;

/// A table of usage events and its columns.
///
/// Names are checked and quoted: every identifier that PostgreSQL accepts is allowed, and
/// nothing else enters a statement.
///
/// ```
/// use incident_store_postgres::UsageTable;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let table = UsageTable::new("public", "ApiUsageEvent")?
///     .tenant("tenantId")?
///     .user("userId")?
///     .occurred_at("createdAt")?
///     .service("endpointGroup")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageTable {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) occurred_at: String,
    pub(crate) service: Option<String>,
    pub(crate) failed: Option<String>,
    pub(crate) endpoint: Option<String>,
}

impl UsageTable {
    /// Creates the description of a host's table, with the columns `tenant_id`, `user_id` and
    /// `occurred_at`, and none for service, endpoint or failed calls.
    ///
    /// # Errors
    /// Fails if a name is not a PostgreSQL identifier of 1 to 63 bytes without NUL.
    pub fn new(schema: &str, table: &str) -> Result<Self, ValidationError> {
        Ok(Self {
            schema: identifier("schema", schema)?,
            table: identifier("table", table)?,
            tenant: "tenant_id".to_owned(),
            user: "user_id".to_owned(),
            occurred_at: "occurred_at".to_owned(),
            service: None,
            failed: None,
            endpoint: None,
        })
    }

    /// Returns `incident.usage_events`, which [`migrate`](crate::migrate) creates.
    #[must_use]
    pub fn own() -> Self {
        Self {
            schema: crate::migrate::SCHEMA.to_owned(),
            table: "usage_events".to_owned(),
            tenant: "tenant_id".to_owned(),
            user: "user_id".to_owned(),
            occurred_at: "occurred_at".to_owned(),
            service: Some("service".to_owned()),
            failed: Some("failed".to_owned()),
            endpoint: Some("endpoint".to_owned()),
        }
    }

    /// Sets the column of the tenant: text, `uuid` or an integer.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn tenant(self, column: &str) -> Result<Self, ValidationError> {
        let tenant = identifier("tenant", column)?;
        Ok(Self { tenant, ..self })
    }

    /// Sets the column of the user, of any type.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn user(self, column: &str) -> Result<Self, ValidationError> {
        let user = identifier("user", column)?;
        Ok(Self { user, ..self })
    }

    /// Sets the column of the time: `timestamptz`.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn occurred_at(self, column: &str) -> Result<Self, ValidationError> {
        let occurred_at = identifier("occurred_at", column)?;
        Ok(Self {
            occurred_at,
            ..self
        })
    }

    /// Sets the column of the service: text.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn service(self, column: &str) -> Result<Self, ValidationError> {
        let service = Some(identifier("service", column)?);
        Ok(Self { service, ..self })
    }

    /// Sets the column that is true for failed calls: `boolean`.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn failed(self, column: &str) -> Result<Self, ValidationError> {
        let failed = Some(identifier("failed", column)?);
        Ok(Self { failed, ..self })
    }

    /// Sets the column of the called endpoint: text.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn endpoint(self, column: &str) -> Result<Self, ValidationError> {
        let endpoint = Some(identifier("endpoint", column)?);
        Ok(Self { endpoint, ..self })
    }

    /// Returns the table's quoted name for use in a statement.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }
}

fn identifier(field: &'static str, name: &str) -> Result<String, ValidationError> {
    if (1..=63).contains(&name.len()) && !name.contains('\0') {
        Ok(name.to_owned())
    } else {
        Err(ValidationError::new(
            field,
            "a name of 1 to 63 bytes without NUL",
        ))
    }
}

/// Quotes an identifier as PostgreSQL does.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_never_anything_else() {
        let table = UsageTable::new("public", "a\"; drop table x; --").unwrap();
        assert_eq!(table.name(), "\"public\".\"a\"\"; drop table x; --\"");
        for wrong in ["", "a\0b", &"x".repeat(64)] {
            assert!(UsageTable::new("public", wrong).is_err());
            assert!(UsageTable::own().tenant(wrong).is_err());
        }
    }
}
