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

/// `policy check` prints who would be notified when, names what it refuses with line and field, and
/// warns of the rest; `policy show` prints a policy to begin with.
#[test]
fn a_policy_is_checked_and_explained() {
    let run = |arguments: &[&str], settings: &[(&str, &str)]| {
        let mut check = command();
        check.args(arguments).envs(settings.iter().copied());
        let output = check.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let path = path.to_str().unwrap();
    let (code, shown, error) = run(&["policy", "show"], &[]);
    assert!(code == Some(0) && error.is_empty(), "{error}");
    std::fs::write(path, shown).unwrap();

    // What is shown is what ships, from a file, from the settings and built in.
    let from = ["--from", "2026-11-20T16:00:00Z"];
    let check = ["policy", "check", from[0], from[1]];
    let (code, built_in, _) = run(&check, &[]);
    assert_eq!(code, Some(0));
    let (_, of_settings, _) = run(&check, &[("INCIDENT_POLICY", path)]);
    let (_, of_file, _) = run(&["policy", "check", path, from[0], from[1]], &[]);
    assert_eq!(of_settings, of_file);
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().skip(1).map(str::to_owned);
        lines
            .take_while(|line| !line.starts_with("warnings"))
            .collect()
    };
    assert_eq!(lines(&built_in), lines(&of_file));
    let row = |row: &str| row.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = built_in.lines().map(row).collect();
    for expected in [
        "SEV1 more than 90 % of users, or more than 1,000,000 XAF an hour",
        "SEV2 from 20 % of users, or from 100,000 XAF an hour on",
        "SEV1",
        "at once 2026-11-20 16:00 UTC on-call page, which wakes people",
        "at once 2026-11-20 16:00 UTC team, cto declared (sev1-declared)",
        "15 min 2026-11-20 16:15 UTC lead not acknowledged, 10 min late (unacknowledged)",
        "1 h 30 min 2026-11-20 17:30 UTC commander not resolved, soon late (unresolved)",
        "7 d 2026-11-27 16:00 UTC lead no post-mortem, due (post-mortem), again every 1 d, 7 times",
        "3 d 2026-11-23 16:00 UTC security-officer, legal, management data leak, authority not notified, due (data-leak)",
    ] {
        assert!(
            rows.iter().any(|row| row == expected),
            "{expected}: {built_in}"
        );
    }
    assert!(of_file.contains(": rules.sev1-declared.levels[0]: notifies everyone at once: team"));
    assert!(
        of_file.contains("no channel and no pager serves backup, "),
        "{of_file}"
    );
    let pager = (
        "INCIDENT_ESCALATIONS",
        "financial-impact:pagerduty:0123456789abcdef0123456789abcdef",
    );
    let (_, served, _) = run(&check, &[pager]);
    assert!(
        built_in.contains(" ceo, ") && !served.contains("serves backup, ceo, "),
        "{served}"
    );

    // A channel for all groups leaves none unserved, and no other warning.
    let notices = [
        (
            "INCIDENT_NOTICES_URL",
            "https://chat.example/services/c4n4ry",
        ),
        (
            "INCIDENT_NOTICES_SECRET",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
    ];
    let (code, served, error) = run(&check, &notices);
    assert!(code == Some(0) && error.is_empty(), "{error}");
    assert!(!served.contains("no channel"), "{served}");
    let warnings = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .skip_while(|line| !line.starts_with("warnings"));
        lines.skip(1).map(str::to_owned).collect()
    };
    let mut expected = warnings(&built_in);
    expected.retain(|line| !line.contains("no channel"));
    assert!(!expected.is_empty() && expected.len() < warnings(&built_in).len());
    assert_eq!(warnings(&served), expected);
    let (_, printed, _) = run(&["check-config"], &notices);
    assert!(
        printed.contains("notices: posted to https://chat.example\n"),
        "{printed}"
    );

    // Business hours, an override, and a hole with its line.
    std::fs::write(
        path,
        "[team]\ntimezone = \"Europe/Paris\"\n[calendars.office]\ntimezone = \"Europe/Paris\"\nhours = { monday = [\"09:00-12:00\"], friday = [\"09:00-18:00\"] }\n[severities.sev3]\nacknowledge_within = { minutes = 120, calendar = \"office\" }\n[severities.sev4]\nresolve_within = { days = 2 }\n[[overrides]]\ntenant = \"tenant-fr\"\n[overrides.sev3]\nacknowledge_within = { minutes = 7 }\n[classification]\nmany_users_percent = \"12.5\"\ncritical_revenue_per_hour = { minor = 2000000, currency = \"EUR\" }\nmajor_revenue_per_hour = { minor = 200000, currency = \"EUR\" }\n",
    )
    .unwrap();
    let (code, hours, error) = run(&["policy", "check", path, from[0], from[1]], &[]);
    assert!(code == Some(0) && error.is_empty(), "{error}");
    // From Friday at 17:00 one hour is left.
    let monday = "2026-11-23 10:00 Europe/Paris  backup";
    assert!(hours.contains(monday), "{hours}");
    let hole = "line 9: severities.sev4.resolve_within: ";
    assert!(hours.contains(hole), "{hours}");
    for expected in [
        "from 12.5 % of users, or from 2,000.00 EUR an hour on",
        "rules.financial-impact.at_least: compares lost revenue in another currency than [classification], which has EUR",
    ] {
        assert!(hours.contains(expected), "{expected}: {hours}");
    }
    let of_tenant = [
        "policy",
        "check",
        path,
        from[0],
        from[1],
        "--tenant",
        "tenant-fr",
    ];
    let (_, strict, _) = run(&of_tenant, &[]);
    assert!(
        strict.contains("2026-11-20 17:07 Europe/Paris  backup"),
        "{strict}"
    );

    // Errors, of the file and of the arguments.
    std::fs::write(
        path,
        "[[rules]]\nname = \"one\"\nwhen = \"declared\"\nlevels = [\n  { notify = [] },\n]\n",
    )
    .unwrap();
    let expected = format!(
        "incident-console: {path}: line 5: rules.one.levels[0].notify: expected at least one group\n"
    );
    let (code, printed, error) = run(&["policy", "check", path], &[]);
    assert!(code == Some(1) && printed.is_empty());
    assert_eq!(error, expected);
    let (code, _, error) = run(&["check-config"], &[("INCIDENT_POLICY", path)]);
    let of_setting =
        "INCIDENT_POLICY: line 5: rules.one.levels[0].notify: expected at least one group";
    assert!(code == Some(1) && error.contains(of_setting), "{error}");
    for wrong in [
        &["policy"][..],
        &["policy", "lint"],
        &["policy", "check", "--loud"],
    ] {
        let (code, printed, error) = run(wrong, &[]);
        assert!(
            code == Some(1)
                && printed.is_empty()
                && error.contains("policy: expected show, or check"),
            "{error}"
        );
    }
    let (code, _, error) = run(&["policy", "check", "nowhere.toml"], &[]);
    assert!(
        code == Some(1) && error.contains("nowhere.toml: could not read the file"),
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
