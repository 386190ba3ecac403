//! The program's help and version, and its handling of invalid settings.

use std::ffi::OsStr;
use std::io::{BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use incident_console::cli::COMMANDS;

use crate::{Running, command, stop, until};

/// Runs a command to its end; returns its exit code, stdout and stderr.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// E7: every command has a help text, the program has a version, and unknown commands are reported.
#[test]
fn the_program_and_every_command_have_help_and_a_version() {
    let version = format!("incident-console {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        run(&["--version"]),
        (Some(0), version.clone(), String::new())
    );
    for asked in [&["--help"][..], &["help"], &["-h"]] {
        let (code, said, _) = run(asked);
        assert!(
            code == Some(0) && said.starts_with("usage: incident-console [COMMAND]"),
            "{said}"
        );
    }
    for one in COMMANDS {
        let usage = format!("usage: incident-console {}", one.name);
        for asked in [
            vec![one.name, "--help"],
            vec!["help", one.name],
            vec![one.name, "x", "-h"],
        ] {
            let (code, said, errors) = run(&asked);
            assert!(code == Some(0) && errors.is_empty(), "{asked:?}: {errors}");
            assert!(
                said.starts_with(&usage) && said.contains(one.about),
                "{said}"
            );
        }
        assert_eq!(run(&[one.name, "--version"]).1, version);
    }
    for asked in [
        &["serve"][..],
        &["help", "serve"],
        &["doctor", "all"],
        &["--colour"],
    ] {
        let (code, said, errors) = run(asked);
        assert!(
            code == Some(2) && said.is_empty() && errors.starts_with("usage"),
            "{errors}"
        );
    }
}

/// Starts with a setting that stops the startup; returns the line of the error.
fn stopped(name: &str, value: &OsStr) -> String {
    let mut child = Running::of(command().env(name, value));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{name} does not stop it"
        );
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(!status.success(), "{name}");
    let mut error = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut error).unwrap();
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

/// L11: a name that nearly matches a setting stops the startup and names that setting; one that
/// only shares a prefix is a warning.
#[test]
fn a_misspelt_setting_stops_the_start() {
    for (name, meant) in [
        ("PAGERDUTY_ROUTING_KEYS", "PAGERDUTY_ROUTING_KEY"),
        ("INCIDENT_POLICYY", "INCIDENT_POLICY"),
        ("INCIDENT_TOKEN", "INCIDENT_TOKENS"),
    ] {
        let error = stopped(name, OsStr::new("canary"));
        assert!(
            error.contains(&format!("{meant}: ")) && error.contains(name),
            "{error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
    let mut console = command();
    console
        .env("INCIDENT_COLOUR", "canary")
        .env("OPSGENIE_TEAM", "canary")
        .env("INCIDENT_TEST_LONG", "1")
        .env("INCIDENT_SERVICE_HOST", "10.0.0.1")
        .env("INCIDENT_SERVICE_PORT_HTTP", "80")
        .env("INCIDENT_PORT", "tcp://10.0.0.1:80")
        .env("INCIDENT_PORT_80_TCP_PROTO", "tcp");
    let mut child = Running::of(&mut console);
    let mut stderr = child.stderr.take().unwrap();
    until(
        &mut BufReader::new(child.stdout.take().unwrap()),
        "listening on ",
    );
    stop(child);
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    let warned: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("INCIDENT_COLOUR"))
        .collect();
    let [warning] = warned.as_slice() else {
        unreachable!("one warning: {log}")
    };
    assert!(
        warning.contains("WARN") && warning.contains("OPSGENIE_TEAM"),
        "{warning}"
    );
    assert!(
        !log.contains("canary") && !log.contains("INCIDENT_PORT"),
        "{log}"
    );
    // A command that does not serve prints the warning too.
    let output = command()
        .env("INCIDENT_COLOUR", "x")
        .arg("doctor")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.lines().any(|line| line.contains("INCIDENT_COLOUR")),
        "{errors}"
    );
}

/// A value that is not text does not count as absent: without tokens one would be generated.
#[test]
fn a_setting_that_is_no_text_stops_the_start() {
    let error = stopped(
        "INCIDENT_TOKENS",
        OsStr::from_bytes(b"anna:admin:\xff0123456789abcdef"),
    );
    assert!(
        error.contains("INCIDENT_TOKENS: ") && error.contains("UTF-8"),
        "{error}"
    );
}

/// E7: a host name works like an address.
#[test]
fn it_listens_on_the_name_of_a_host() {
    let mut child = Running::of(command().env("INCIDENT_BIND", "localhost:0"));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on http://");
    let address = seen
        .last()
        .unwrap()
        .trim_start_matches("listening on http://");
    std::net::TcpStream::connect(address).unwrap();
    stop(child);
    let error = stopped("INCIDENT_BIND", OsStr::new("no-such-host.invalid:8080"));
    assert!(
        error.contains("INCIDENT_BIND no-such-host.invalid:8080: "),
        "{error}"
    );
}

#[test]
fn the_store_in_memory_may_be_named() {
    let mut child = Running::of(command().env("INCIDENT_DATA", "memory"));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on http://").join("\n");
    assert!(seen.contains("store: in memory"), "{seen}");
    stop(child);
    let error = stopped("INCIDENT_DATA", OsStr::new("/var/lib/incident"));
    assert!(error.contains("INCIDENT_DATA: expected memory"), "{error}");
}

/// S10: the size of a file that is read whole is limited; the file is sparse, so it takes no space
/// here.
#[test]
fn files_of_any_size_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(incident_console::file::IMPORT_BYTES + 1)
        .unwrap();
    let path = path.to_str().unwrap();
    for asked in [
        vec!["sla", path, "2026-01"],
        vec!["import", "statuspage", path],
    ] {
        let (code, _, errors) = run(&asked);
        assert!(
            code == Some(1) && errors.contains("larger than 64 MiB"),
            "{errors}"
        );
    }
    let policy = folder.path().join("policy.toml");
    let file = std::fs::File::create(&policy).unwrap();
    file.set_len(incident_console::file::POLICY_BYTES + 1)
        .unwrap();
    let error = stopped("INCIDENT_POLICY", policy.as_os_str());
    assert!(
        error.contains("INCIDENT_POLICY: ") && error.contains("larger than 4 MiB"),
        "{error}"
    );
}

/// `check-config` names the setting that a start would refuse, and connects to nothing.
#[test]
fn settings_are_checked_without_a_start() {
    let run = |settings: &[(&str, &str)]| {
        let mut check = command();
        check.arg("check-config").envs(settings.iter().copied());
        let output = check.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.success(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (well, said, error) = run(&[]);
    assert!(well && error.is_empty(), "{error}");
    assert!(
        said.contains("store: in memory") && said.contains("pager: log"),
        "{said}"
    );
    assert!(said.ends_with("the settings are valid\n"), "{said}");

    // A server would wait for this database.
    let database = ("DATABASE_URL", "postgres://app:canary@db.invalid/incident");
    let pager = ("PAGERDUTY_ROUTING_KEY", "0123456789abcdef0123456789abcdef");
    let (well, said, error) = run(&[database, pager]);
    assert!(well && error.is_empty(), "{error}");
    assert!(
        said.contains("store: PostgreSQL, incident at db.invalid:5432"),
        "{said}"
    );
    assert!(
        said.contains("pager: pagerduty") && !said.contains("canary"),
        "{said}"
    );

    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "[severities.sev9]\n").unwrap();
    for (name, value) in [
        ("INCIDENT_POLICY", policy.to_str().unwrap()),
        ("INCIDENT_BIND", "everywhere"),
        ("INCIDENT_TOKENS", "anna:boss:canary-canary-canary"),
    ] {
        let (well, said, error) = run(&[(name, value)]);
        assert!(!well && said.is_empty(), "{name}: {said}");
        assert!(error.contains(name) && !error.contains("canary"), "{error}");
    }
}
