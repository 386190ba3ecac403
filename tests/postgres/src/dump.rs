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
        let beside = cluster.programs().map(|folder| folder.join("pg_dump"));
        let program = beside.unwrap_or_else(|| "pg_dump".into());
        let asked = Command::new(program)
            .args(["--data-only", "--inserts", "--schema", schema])
            .arg(format!("--dbname={}", cluster.url(self.name())))
            .stdin(Stdio::null())
            .output();
        match asked {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(output) => Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.rows(schema).await.map_err(io::Error::other)
            }
            Err(error) => Err(error),
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
