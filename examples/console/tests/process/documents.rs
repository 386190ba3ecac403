//! The output that README shows, and the commands of `docs/running.md`.

use std::io::BufReader;

use incident_test_postgres::{Cluster, Database, Safety};

use crate::shell::{self, blocks};
use crate::{Running, command, stop, until};

const README: &str = include_str!("../../../../README.md");
const RUNNING: &str = include_str!("../../../../docs/running.md");

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let shown = blocks(README, "text")[0];
    let mut child = Running::of(command().arg("demo"));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let printed = until(&mut lines, "Open http");
    stop(child);
    let mut rest = printed.iter();
    for line in shown.lines().skip(1) {
        assert!(
            rest.any(|one| one == line),
            "{line}\nis not in\n{printed:#?}"
        );
    }
}

/// Every command works as written, on one server in memory and one database.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_of_running_works() {
    let blocks = blocks(RUNNING, "sh");
    let [install, declare, database, statements] = blocks.as_slice() else {
        panic!("{} blocks", blocks.len())
    };
    assert!(declare.contains("TOKEN=...") && declare.contains("127.0.0.1:8080"));
    let address = shell::free_address();
    let declare = declare
        .replacen("TOKEN=...", "TOKEN=the-first-token-0123", 1)
        .replace("curl ", "curl --silent --fail-with-body ")
        .replace("127.0.0.1:8080", &address);
    let serve = r#"
        DATABASE_URL= incident-console > console.out 2>&1 & console=$!
        until curl --silent --fail "http://$INCIDENT_BIND/readyz" > ready.json; do kill -0 "$console"; sleep 0.2; done
    "#;
    let script = format!(
        "{install}\n{serve}\n{declare}\nkill $console; wait $console\n{database}\n{statements}"
    );
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let stored = Database::create(&cluster, None).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let Some(mut shell) = shell::script(&cluster, &["psql", "curl"], folder.path(), &script) else {
        return;
    };
    shell
        .env("DATABASE_URL", cluster.url(stored.name()))
        .env("INCIDENT_BIND", &address)
        .env("INCIDENT_TOKENS", "root:admin:the-first-token-0123");
    let printed = shell::output(shell).await;
    for part in [
        r#""status":"triage""#,
        "are up to date",
        "timelines: 0 valid, 0 broken",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}
