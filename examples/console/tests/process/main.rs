//! The binary as a process: starts without settings, refuses wrong ones, plays the demo, stops on a
//! signal.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share, fail by panicking"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

mod billing;
mod causes;
mod connections;
mod database;
mod demo;
mod documents;
mod events;
mod explanation;
mod lines;
mod memory;
mod notices;
mod operations;
mod poolers;
mod sessions;
mod settings;
mod shell;
mod stops;
mod test_pages;
mod vendors;

fn command() -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_incident-console")))
}

/// Returns the command run by a shell that first runs a script, such as one that sets a limit or
/// ignores a signal.
fn after(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script}; exec \"$0\"")]);
    shell.arg(env!("CARGO_BIN_EXE_incident-console"));
    prepared(shell)
}

fn prepared(mut command: Command) -> Command {
    for name in incident_console::names::SETTINGS {
        command.env_remove(name);
    }
    command
        .env("INCIDENT_BIND", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads lines until one starts with a text; returns all of them.
fn until(lines: &mut BufReader<ChildStdout>, start: &str) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "the process ended: {seen:?}"
        );
        seen.push(line.trim_end().to_owned());
        if line.starts_with(start) {
            return seen;
        }
    }
}

/// A console process that is killed when the test ends.
struct Running(Child);

impl Running {
    fn of(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn stop(mut child: Running) {
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(25),
            "the process did not stop"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_serves_with_no_settings_at_all_and_stops_on_a_signal() {
    let mut child = Running::of(&mut command());
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on http://").join("\n");
    for said in ["in memory", "pager: log", "admin token"] {
        assert!(seen.contains(said), "{seen}");
    }
    stop(child);
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_sentence_and_no_secret() {
    for (name, value) in [
        ("INCIDENT_BIND", "nowhere"),
        ("INCIDENT_TOKENS", "anna:boss:canary-canary-canary"),
        ("INCIDENT_POLICY", "/nonexistent/policy.toml"),
        ("DATABASE_URL", "mysql://user:canary@host/db"),
        ("PAGERDUTY_ROUTING_KEY", "canary"),
        ("PAGERDUTY_URL", "http://canary.example"),
        ("OPSGENIE_API_KEY", "canary canary"),
        ("OPSGENIE_URL", "http://127.0.0.1:9/canary"),
        ("INCIDENT_PAGERS", "pagerduty"),
    ] {
        let mut child = Running::of(command().env(name, value));
        assert!(!child.wait().unwrap().success(), "{name}");
        let mut error = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        assert!(error.contains(name) && !error.contains("canary"), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}
