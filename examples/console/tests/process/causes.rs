//! Messages of the command line when the database cannot be used, and silence when idle.

use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident_test_postgres::{Cluster, Database, Safety};
use sqlx::{ConnectOptions, Executor};

use crate::{Running, command, until};

/// A status page's history without incidents.
const HISTORY: &str = r#"{"page": {"id": "p", "name": "x"}, "incidents": []}"#;

/// Runs a command against a database; returns stdout, or stderr if it failed.
fn run(url: &str, arguments: &[&str]) -> Result<String, String> {
    let mut console = command();
    console.args(arguments).env("DATABASE_URL", url);
    let output = console.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

/// Asserts that the first line names the setting, that each cause has a line of its own and one of
/// them is `cause`, that no line is repeated, and that the last line is advice.
fn explained(what: &str, told: &str, cause: &str, advice: &str) {
    let lines: Vec<&str> = told.trim_end().lines().collect();
    assert!(
        lines[0].starts_with("incident-console: DATABASE_URL: "),
        "{what}: {told}"
    );
    assert!(lines.len() >= 3, "{what}: {told}");
    let causes = &lines[1..lines.len() - 1];
    assert!(
        causes.iter().all(|line| line.starts_with("  because: ")),
        "{what}: {told}"
    );
    assert!(
        causes.iter().any(|line| line.contains(cause)),
        "{what}: {told}"
    );
    for pair in causes.windows(2) {
        assert!(
            !pair[0].ends_with(pair[1].trim_start_matches("  because: ")),
            "{what}: {told}"
        );
    }
    let last = lines[lines.len() - 1];
    assert!(
        last.starts_with("  hint: ") && last.contains(advice),
        "{what}: {told}"
    );
    // The line number in the server's source helps no operator.
    assert!(!told.contains(" at line "), "{what}: {told}");
}

/// L13: `verify` before `migrate` failed with "store error", and a role without rights
/// with "permission denied ... at line 3655". Every command prints the causes, one per line, and
/// advice.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_why_the_database_cannot_be_used_and_what_to_do() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.json");
    std::fs::write(&file, HISTORY).unwrap();
    let import = ["import", "statuspage", file.to_str().unwrap()];
    let all: [&[&str]; 5] = [&["migrate"], &["doctor"], &["verify"], &import, &[]];

    // Nothing listens there: commands that wait for a server wait for half a minute.
    let dead = tempfile::tempdir().unwrap();
    let away = format!("postgres://app@localhost/x?host={}", dead.path().display());
    let waiting: Vec<_> = all
        .into_iter()
        .map(|arguments| {
            let (away, arguments) = (away.clone(), arguments.iter().map(|one| (*one).to_owned()));
            let arguments: Vec<String> = arguments.collect();
            std::thread::spawn(move || {
                let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
                (format!("{words:?}"), run(&away, &words).unwrap_err())
            })
        })
        .collect();

    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let nowhere = cluster.url("nowhere");
    for arguments in all {
        let told = run(&nowhere, arguments).unwrap_err();
        explained(
            &format!("{arguments:?}"),
            &told,
            "\"nowhere\" does not exist",
            "createdb nowhere",
        );
    }
    // `verify` runs before the migration; the other commands migrate.
    let told = run(&url, &["verify"]).unwrap_err();
    explained(
        "verify",
        &told,
        "incident.incidents",
        "incident-console migrate",
    );
    let found = run(&url, &["doctor"]).unwrap_err();
    assert_eq!(found, "", "what the doctor finds is on stdout");

    run(&url, &["migrate"]).unwrap();
    let mut owner = database.options().connect().await.unwrap();
    owner.execute("create role stranger login").await.unwrap();
    let stranger = url.replace("postgres://postgres@", "postgres://stranger@");
    for arguments in [&["doctor"][..], &["verify"], &["migrate"], &import, &[]] {
        let told = run(&stranger, arguments).unwrap_err();
        explained(
            &format!("{arguments:?}"),
            &told,
            "permission denied for ",
            "incident.grant_to('stranger')",
        );
    }
    owner
        .execute("select incident.grant_to('stranger')")
        .await
        .unwrap();
    run(&stranger, &["verify"]).unwrap();
    // As if a later migration were missing.
    owner
        .execute("drop procedure incident.commit; alter table incident.incidents rename to was_incidents")
        .await
        .unwrap();
    let told = run(&stranger, &["verify"]).unwrap_err();
    explained(
        "verify",
        &told,
        "incident.incidents",
        "incident-console migrate",
    );

    for waits in waiting {
        let (what, told) = waits.join().unwrap();
        explained(
            &what,
            &told,
            "No such file or directory",
            "check the host and port",
        );
    }
}

/// S12: a standby and a read-only database are reported at startup.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_stops_the_start_and_is_not_ready() {
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    run(&url, &["migrate"]).unwrap();
    let mut owner = database.options().connect().await.unwrap();
    let standby = cluster.standby(Safety::Durable).unwrap();
    let followed = standby.url(database.name());
    // Waits for the migration to be replicated, too.
    for _ in 0..300 {
        if run(&followed, &["verify"]).is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let set_so = format!(
        "alter database \"{}\" set default_transaction_read_only = on",
        database.name()
    );
    owner.execute(sqlx::AssertSqlSafe(set_so)).await.unwrap();
    for (url, word) in [
        (&followed, "standby"),
        (&url, "default_transaction_read_only"),
    ] {
        let told = run(url, &[]).unwrap_err();
        assert!(
            told.contains("DATABASE_URL") && told.contains(word),
            "{told}"
        );
        let mut doctor = command();
        let found = doctor
            .arg("doctor")
            .env("DATABASE_URL", url)
            .output()
            .unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        assert!(
            found.starts_with("unsafe: ") && found.contains(word),
            "{found}"
        );
        // A read-only console may still be started.
        let mut console = command();
        console
            .env("DATABASE_URL", url)
            .env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1");
        let mut child = Running::of(&mut console);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let seen = until(&mut lines, "listening on ");
        let address = seen.last().unwrap().trim_start_matches("listening on ");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client
            .get(format!("{address}/readyz"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 503);
        let body = answer.text().await.unwrap();
        assert!(body.contains("read-only") && body.contains(word), "{body}");
    }
}

/// L12: an idle console used to write one line a second to its own log and one to the server's. Six
/// seconds here, which include every pass of the relay; a minute in the long tier.
#[tokio::test(flavor = "multi_thread")]
async fn while_there_is_nothing_to_do_nobody_writes_a_line() {
    let long = std::env::var_os("INCIDENT_TEST_LONG").is_some();
    let idle = Duration::from_secs(if long { 60 } else { 6 });
    let cluster = Cluster::start(Safety::Durable).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let mut console = command();
    console.env("DATABASE_URL", cluster.url(database.name()));
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    until(&mut lines, "listening on ");
    let log = Arc::new(Mutex::new(Vec::new()));
    let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    let mut owner = database.options().connect().await.unwrap();
    // Lines about the migration are not those of an idle console.
    owner.execute("checkpoint").await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (before, server) = (log.lock().unwrap().len(), cluster.log().unwrap().len());
    tokio::time::sleep(idle).await;
    let ours = log.lock().unwrap()[before..].to_vec();
    let theirs = cluster.log().unwrap()[server..].to_owned();
    println!(
        "{idle:?} idle: {} lines of ours, {} of the server's",
        ours.len(),
        theirs.lines().count()
    );
    assert!(ours.is_empty(), "{ours:#?}");
    assert!(theirs.is_empty(), "{theirs}");
}
