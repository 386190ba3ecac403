//! The content of a database as text.

use std::io;
use std::process::{Command, Stdio};

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use crate::{Cluster, Database};

impl Database {
    /// Returns the data of a schema as `pg_dump` writes it, or the rows of each table if that
    /// program is missing.
    ///
    /// # Errors
    /// Fails if the server refuses, or the program fails.
    pub async fn dump(&self, cluster: &Cluster, schema: &str) -> io::Result<String> {
        match self.pg_dump(cluster, schema, "--data-only") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.rows(schema).await.map_err(io::Error::other)
            }
            dumped => dumped,
        }
    }

    /// Returns a schema with its data as `pg_dump` writes it, without owners.
    ///
    /// # Errors
    /// Fails if the program is missing or fails.
    pub fn dump_with_tables(&self, cluster: &Cluster, schema: &str) -> io::Result<String> {
        self.pg_dump(cluster, schema, "--no-owner")
    }

    fn pg_dump(&self, cluster: &Cluster, schema: &str, option: &str) -> io::Result<String> {
        let beside = cluster.programs().map(|folder| folder.join("pg_dump"));
        let output = Command::new(beside.unwrap_or_else(|| "pg_dump".into()))
            .args([option, "--inserts", "--schema", schema])
            .arg(format!("--dbname={}", cluster.url(self.name())))
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(io::Error::other(error))
        }
    }

    async fn rows(&self, schema: &str) -> sqlx::Result<String> {
        let mut connection = self.options().connect().await?;
        let tables = format!(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = '{schema}'"
        );
        let mut text = String::new();
        for table in connection.fetch_all(AssertSqlSafe(tables)).await? {
            let name: String = table.try_get("name")?;
            let rows = format!("select t::text as row from {name} t");
            for row in connection.fetch_all(AssertSqlSafe(rows)).await? {
                text.push_str(row.try_get("row")?);
                text.push('\n');
            }
        }
        Ok(text)
    }
}
