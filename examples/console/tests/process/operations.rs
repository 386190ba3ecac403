//! The commands of `docs/operations.md`, in their order.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use incident_test_postgres::{Cluster, Database, Safety};

const PAGE: &str = include_str!("../../../../docs/operations.md");

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

/// Additional data for the dump: usage in partitions, and credits.
const MORE: &str = r#"
sys() { curl --silent --fail --header "Authorization: Bearer $TOKEN" --json "$2" "http://$INCIDENT_BIND/sys/$1"; }
sys usage-events '[{"tenant_id": "t", "user_id": "u", "service": "api", "occurred_at": "2020-01-01T00:00:00Z"}]'
made=$(sys incidents '{"title": "x", "severity": "SEV3", "affected_tenants": ["t"], "affected_services": ["api"]}')
id=$(echo "$made" | sed 's/.*"id":"\([0-9a-f-]*\)","number".*/\1/')
sys "incidents/$id/updates" '{"message": "over", "status": "resolved", "public_message": "It is over."}'
"#;

/// Returns the page's blocks of shell commands as one script. It stops at the first command that
/// fails, in a pipe or not.
fn script() -> String {
    let blocks: Vec<&str> = PAGE
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 9, "{} blocks", blocks.len());
    let script = format!(
        "set -euxo pipefail\n{AFTER}\n{CARGO}\n{}",
        blocks.join("\n")
    );
    // More data for the dump than one drill creates, before the first stop.
    script.replacen("kill -TERM", &format!("{MORE}\nkill -TERM"), 1)
}

/// Finds the folder of a PostgreSQL program: beside the server's own, or in the search path.
fn folder_of(cluster: &Cluster, program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = cluster.programs().map(Path::to_path_buf);
    let mut places = places.into_iter().chain(std::env::split_paths(&path));
    places.find(|place| place.join(program).is_file())
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// E7: every command of the page works as written, including a dump that is restored and verified
/// against the anchors, and a token rotation.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_of_operations_works() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let mut folders = Vec::new();
    for program in ["psql", "pg_dump", "pg_restore", "curl"] {
        let Some(folder) = folder_of(&cluster, program) else {
            eprintln!("skipped: there is no {program}");
            return;
        };
        folders.push(folder);
    }
    let (kept, restored) = (
        Database::create(&cluster, None).await.unwrap(),
        Database::create(&cluster, None).await.unwrap(),
    );
    let url = cluster.url(kept.name());
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_incident-console"));
    folders.insert(0, program.parent().unwrap().to_path_buf());
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
        .args(["-c", &script()])
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("CHECKOUT", concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("APP_URL", url.replace("postgres@", "app@"))
        .env("DATABASE_URL", url)
        .env("RESTORED_URL", cluster.url(restored.name()))
        .env("INCIDENT_BIND", format!("127.0.0.1:{}", free_port()))
        .env("INCIDENT_ANCHORS", folder.path().join("anchors"))
        .env("INCIDENT_TOKENS", "root:admin:the-first-token-0123")
        .env("TOKEN", "the-first-token-0123")
        .env("NEW_TOKEN", "the-second-token-0123")
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap())
        .await
        .unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    for told in [
        "incident-console ",
        "usage: incident-console migrate",
        "up to date",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    // Verified after the restore, against the anchors; and as after a promotion, on the copy and
    // without them.
    let sound = "timelines: 2 sound, 0 broken; ";
    let counts: Vec<&str> = said
        .split(sound)
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(counts.len(), 2, "{said}");
    assert!(counts[0].parse::<u64>().unwrap() >= 4, "{said}");
}
