//! Search for the server's program.

use std::env;
use std::path::{Path, PathBuf};

/// Error message with the ways to get a server program.
pub(crate) const MISSING: &str = "no ClickHouse server was found: run scripts/test, which installs one, \
     or install it (apt install clickhouse-server, brew install clickhouse), \
     or set CLICKHOUSE_BIN to its program, or INCIDENT_TEST_CLICKHOUSE_URL to a server";

/// Finds the server's program, and the argument that precedes its options: `clickhouse-server`,
/// or `clickhouse server`, from `CLICKHOUSE_BIN`, the search path, or the folders of packages.
#[must_use]
pub fn found() -> Option<(PathBuf, Option<&'static str>)> {
    let of = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let command = (name == "clickhouse").then_some("server");
        path.is_file().then_some((path, command))
    };
    if let Some(given) = env::var_os("CLICKHOUSE_BIN") {
        return of(given.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    places.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clickhouse"));
    let names = ["clickhouse-server", "clickhouse"];
    places
        .iter()
        .flat_map(|place| names.map(|name| place.join(name)))
        .find_map(of)
}
