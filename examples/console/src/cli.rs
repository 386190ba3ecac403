//! The command line: its commands and their help texts.

use std::fmt::Write as _;

/// A command and its help text.
#[derive(Clone, Copy, Debug)]
pub struct CliCommand {
    /// Name of the command.
    pub name: &'static str,
    /// Arguments after the name.
    pub arguments: &'static str,
    /// One-line summary.
    pub about: &'static str,
    /// Remaining help text.
    pub more: &'static str,
}

/// All commands. Without a command the program serves.
pub const COMMANDS: [CliCommand; 11] = [
    CliCommand {
        name: "demo",
        arguments: "",
        about: "serve a console in memory that is full of incidents, and print the address to open",
        more: "Needs no login: requests without one are those of anna, an admin. So it listens on loopback addresses only.\n\
               Ignores configured pagers, databases and policies: a demo pages no one and stores nothing.",
    },
    CliCommand {
        name: "check-config",
        arguments: "",
        about: "check the settings and the policy file, and print what a server would use",
        more: "Connects to nothing. Exit code 0: a server would accept them; 1: the setting that it would refuse is named.",
    },
    CliCommand {
        name: "policy",
        arguments: "check [FILE] [--service NAME] [--tenant NAME] [--from TIME] | show",
        about: "print who would be notified when, and warn of holes in the policy; or print the one that ships",
        more: "check reads FILE, or else INCIDENT_POLICY, or else the policy that ships. It prints, for each severity, who is\n\
               notified when if nobody does anything, from TIME (2026-11-20T16:00:00Z; now if absent) on, for an incident of\n\
               these services and tenants; then what is valid and unwise: holes, loops, everyone at once.\n\
               show prints the policy that ships, with comments, to begin a file with.\n\
               Exit code 0: a server would accept the policy; 1: the line and the field that it would refuse are named.",
    },
    CliCommand {
        name: "explain",
        arguments: "INCIDENT",
        about: "print for one incident why each escalation rule fired or did not",
        more: "INCIDENT is a number such as 41, or an id. Reads the database at DATABASE_URL, and uses the policy that its servers\n\
               put in force last. Prints the clocks that run, the rules that fired with the outcome of their notices, and the\n\
               state of each rule: when it fires next, or why it does not. Writes nothing.",
    },
    CliCommand {
        name: "migrate",
        arguments: "",
        about: "create or update the tables in DATABASE_URL",
        more: "Run it as the owner of the schema before you start a new version. Concurrent runs wait for each other.\n\
               Exit code 0: the schema is up to date.",
    },
    CliCommand {
        name: "doctor",
        arguments: "",
        about: "check the database at DATABASE_URL for problems",
        more: "Also compares the statements of the last 13 months with the ledger, under the contracts in INCIDENT_POLICY.\n\
               Exit code 0: the database is safe and all figures agree; 1: it is unsafe, a figure differs, or the check failed.",
    },
    CliCommand {
        name: "verify",
        arguments: "",
        about: "verify every timeline and the audit trail in the database at DATABASE_URL",
        more: "Compares them with the anchors in INCIDENT_ANCHORS, if set. Writes nothing.\n\
               Exit code 0: all are valid; 1: an entry was changed, removed or reordered, or the check failed.",
    },
    CliCommand {
        name: "sign-out",
        arguments: "NAME",
        about: "end all sessions of a person at the servers of DATABASE_URL",
        more: "The person can sign in again with a valid token: to keep somebody out, leave the token out of INCIDENT_TOKENS\n\
               and restart, which ends the sessions of that token too.",
    },
    CliCommand {
        name: "outages",
        arguments: "MONTH [LAST]",
        about: "print the outages behind the statements of these months, as input for `sla`",
        more: "Reads the database at DATABASE_URL, under the contracts in INCIDENT_POLICY; an ongoing outage counts up to now.\n\
               Writes nothing. If credits depend on several months, as under a quarterly cap, name all months of that period.",
    },
    CliCommand {
        name: "sla",
        arguments: "FILE MONTH [--csv]",
        about: "print the statements of a month such as 2026-11, without a server",
        more: "FILE is a JSON array of outages {tenant_id, incident_id, start, end, partial, open}; the contracts are read from\n\
               INCIDENT_POLICY. --csv prints CSV instead of JSON.",
    },
    CliCommand {
        name: "import",
        arguments: "statuspage FILE [--tenants NAME,...] [--dry-run]",
        about: "import the history of a status page (incidents.json) into the database at DATABASE_URL",
        more: "Incidents are imported as retrospective and page no one; a second run imports only what is new. FILE may also be\n\
               scheduled-maintenances.json or summary.json: maintenance is no outage, and is printed as exclusions.\n\
               Without --tenants, all tenants are affected. With --dry-run, or without DATABASE_URL, it stores nothing and\n\
               prints how many incidents, minutes and credits the import would create.\n\
               Exit code 0: the whole file was imported; 1: the listed incidents were rejected, the others were imported.",
    },
];

/// The action that the arguments request.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation<'a> {
    /// Print this text and exit.
    Print(String),
    /// Serve.
    Serve,
    /// Run a command with its arguments.
    Run(&'static str, &'a [&'a str]),
    /// An unknown command or option: print this text and fail.
    Unknown(String),
}

/// Parses the arguments of the program.
#[must_use]
pub fn read<'a>(arguments: &'a [&'a str]) -> Invocation<'a> {
    match *arguments {
        [] => Invocation::Serve,
        ["-V" | "--version"] => Invocation::Print(version()),
        ["-h" | "--help" | "help"] => Invocation::Print(help()),
        ["help", name] => match command(name) {
            Some(command) => Invocation::Print(help_of(command)),
            None => Invocation::Unknown(help()),
        },
        [name, ref rest @ ..] => match command(name) {
            Some(command) => run(command, rest),
            None => Invocation::Unknown(help()),
        },
    }
}

fn run<'a>(command: &CliCommand, rest: &'a [&'a str]) -> Invocation<'a> {
    let asks = |long: &str, short: &str| rest.iter().any(|one| *one == long || *one == short);
    if asks("--help", "-h") {
        return Invocation::Print(help_of(command));
    }
    if asks("--version", "-V") {
        return Invocation::Print(version());
    }
    if command.arguments.is_empty() && !rest.is_empty() {
        return Invocation::Unknown(help_of(command));
    }
    Invocation::Run(command.name, rest)
}

fn command(name: &str) -> Option<&'static CliCommand> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn version() -> String {
    format!("incident-console {}", env!("CARGO_PKG_VERSION"))
}

/// Returns the help text of the program.
fn help() -> String {
    let mut text = "usage: incident-console [COMMAND]\n\n  \
        (nothing)     serve the API on INCIDENT_BIND, by default 127.0.0.1:8080\n"
        .to_owned();
    for CliCommand { name, about, .. } in COMMANDS {
        let _ = writeln!(text, "  {name:<12}  {about}");
    }
    text.push_str(
        "\n  -h, --help, help [COMMAND]  print this, or the help of a command\n  \
           -V, --version               print the version\n\n\
         Settings are environment variables, all optional; see docs/configuration.md.\n\
         SIGTERM, SIGHUP and Ctrl-C stop it within 10 s: accepted requests and pages\n\
         are finished first. A second signal stops it at once.",
    );
    text
}

fn help_of(command: &CliCommand) -> String {
    let CliCommand {
        name,
        arguments,
        about,
        more,
    } = command;
    let usage = format!("usage: incident-console {name} {arguments}");
    format!("{}\n\n  {about}\n\n{more}", usage.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E7: the program and every command have a help text, and the program has a version.
    #[test]
    fn help_and_version_are_there_for_every_command() {
        let version = Invocation::Print(version());
        assert_eq!(read(&["--version"]), version);
        for asked in [&["--help"][..], &["-h"], &["help"]] {
            let Invocation::Print(text) = read(asked) else {
                unreachable!("{asked:?} is help")
            };
            for command in COMMANDS {
                assert!(text.contains(command.about), "{text}");
            }
        }
        for command in COMMANDS {
            let help = Invocation::Print(help_of(&command));
            for asked in [
                vec![command.name, "--help"],
                vec![command.name, "-h"],
                vec![command.name, "some", "--help"],
                vec!["help", command.name],
            ] {
                assert_eq!(read(&asked), help, "{asked:?}");
            }
            assert_eq!(read(&[command.name, "--version"]), version);
            let extra = [command.name, "extra"];
            let is_run = matches!(read(&extra), Invocation::Run(..));
            assert_eq!(is_run, !command.arguments.is_empty());
        }
        for unknown in [&["serv"][..], &["help", "serv"], &["-x"]] {
            assert!(
                matches!(read(unknown), Invocation::Unknown(text) if text.starts_with("usage"))
            );
        }
    }
}
