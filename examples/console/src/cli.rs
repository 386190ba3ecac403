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
pub const COMMANDS: [CliCommand; 7] = [
    CliCommand {
        name: "demo",
        arguments: "",
        about: "play the reference scenario in memory, print what happened, keep serving",
        more: "Vendors and databases that are configured are left out: a demo wakes nobody and is kept nowhere.",
    },
    CliCommand {
        name: "migrate",
        arguments: "",
        about: "make or update the tables of DATABASE_URL",
        more: "Run it as the owner of the tables, before a new version serves. Several at a time wait for each other.\n\
               Exit code 0: the tables are up to date.",
    },
    CliCommand {
        name: "doctor",
        arguments: "",
        about: "say what is wrong with DATABASE_URL",
        more: "And whether statements and ledger agree, under the contracts of INCIDENT_POLICY, in the last 13 months.\n\
               Exit code 0: nothing is unsafe and all figures agree; 1: something is or differs, or cannot be asked.",
    },
    CliCommand {
        name: "verify",
        arguments: "",
        about: "check every timeline and the audit trail of DATABASE_URL",
        more: "Against the file of anchors INCIDENT_ANCHORS where it is set. Writes nothing.\n\
               Exit code 0: all is sound; 1: something was changed, removed or reordered.",
    },
    CliCommand {
        name: "outages",
        arguments: "MONTH [LAST]",
        about: "print the outages that the statements of these months are made of, for `sla`",
        more: "Out of DATABASE_URL, under the contracts of INCIDENT_POLICY; one that goes on ends now. Writes nothing.\n\
               A month that is credited with others, by a quarter's cap for example, needs the months of all of it.",
    },
    CliCommand {
        name: "sla",
        arguments: "FILE MONTH [--csv]",
        about: "print the statements of a month such as 2026-11, without a server",
        more: "FILE is a JSON array of outages {tenant_id, incident_id, start, end, partial, open}; the contracts are those of\n\
               INCIDENT_POLICY. --csv prints a table.",
    },
    CliCommand {
        name: "import",
        arguments: "statuspage FILE [--tenants NAME,...] [--dry-run]",
        about: "take the history of a status page (incidents.json) into DATABASE_URL",
        more: "As retrospective incidents that page nobody; again, it takes in what is new. scheduled-maintenances.json and\n\
               summary.json are read too: maintenance is no outage, and printed as exclusions. All tenants unless named.\n\
               --dry-run, or no DATABASE_URL: keeps nothing, and says how many incidents, minutes and credits it would be.\n\
               Exit code 0: all of the file was taken in; 1: the entries that it names were not, the others were.",
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
        (nothing)  serve the API on INCIDENT_BIND, by default 127.0.0.1:8080\n"
        .to_owned();
    for CliCommand { name, about, .. } in COMMANDS {
        let _ = writeln!(text, "  {name:<9}  {about}");
    }
    text.push_str(
        "\n  -h, --help, help [COMMAND]  print this, or the help of a command\n  \
           -V, --version               print the version\n\n\
         Settings come from the environment; see docs/configuration.md. None is needed.\n\
         SIGTERM, SIGHUP and Ctrl-C stop it within 10 s: what was accepted is\n\
         finished first; a second signal ends it at once.",
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
