//! Runs the shell commands of a document, as a reader would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use incident_test_postgres::Cluster;

/// Shell trap that ends background processes when a command fails.
const AFTER: &str = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT";

/// Replacement of `cargo install`, except in the long tier: it checks the package, its lock file
/// and its program without a build that takes minutes.
const CARGO: &str = r#"
cargo() {
    [ "$1 $2 $3" = "install --locked --path" ]
    if [ -n "${INCIDENT_TEST_LONG:-}" ]; then
        command cargo install --locked --path "$CHECKOUT/$4" --debug --offline --root "$PWD/installed"
        PATH="$PWD/installed/bin:$PATH"
    else
        command cargo metadata --locked --offline --no-deps --format-version 1 \
            --manifest-path "$CHECKOUT/$4/Cargo.toml" | grep -q '"name":"incident-console","src_path"'
    fi
}
"#;

/// Returns the code blocks of a document in one language.
pub(crate) fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let start = format!("```{language}\n");
    let blocks = page.split(start.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// Finds the folder of a PostgreSQL program: beside the server's own, or in the search path.
fn folder_of(cluster: &Cluster, program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = cluster.programs().map(Path::to_path_buf);
    let mut places = places.into_iter().chain(std::env::split_paths(&path));
    places.find(|place| place.join(program).is_file())
}

/// Returns an address of loopback that nothing listens on.
pub(crate) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Prepares a shell that runs a script and stops at the first command that fails, in a pipe or
/// not. Returns `None`, with a line that says why, where one of the programs is missing.
pub(crate) fn script(
    cluster: &Cluster,
    programs: &[&str],
    folder: &Path,
    script: &str,
) -> Option<Command> {
    let console = Path::new(env!("CARGO_BIN_EXE_incident-console"));
    let mut folders = vec![console.parent().unwrap().to_path_buf()];
    for program in programs {
        let Some(folder) = folder_of(cluster, program) else {
            eprintln!("skipped: there is no {program}");
            return None;
        };
        folders.push(folder);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("INCIDENT_") && !name.starts_with("INCIDENT_TEST_") {
            shell.env_remove(name);
        }
    }
    shell
        .args([
            "-c",
            &format!("set -euxo pipefail\n{AFTER}\n{CARGO}\n{script}"),
        ])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("CHECKOUT", concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::null());
    Some(shell)
}

/// Runs a script to its end and returns what it prints.
pub(crate) async fn output(mut shell: Command) -> String {
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap());
    let output = output.await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    printed
}
