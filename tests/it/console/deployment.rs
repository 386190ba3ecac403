//! The samples of `examples/console/deploy`: a systemd unit and a container file.

use std::collections::BTreeMap;
use std::path::Path;

use incident_console::names::SETTINGS;

const UNIT: &str = include_str!("../../../examples/console/deploy/incident-console.service");
const CONTAINER: &str = include_str!("../../../examples/console/deploy/Containerfile");
const PAGE: &str = include_str!("../../../docs/operations.md");

/// Parses a unit (systemd.syntax(7)): sections of `NAME=VALUE` lines, and comments.
fn unit() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let mut section = "";
    let mut found = BTreeMap::new();
    for line in UNIT.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').unwrap();
            assert!(["Unit", "Service", "Install"].contains(&section), "{line}");
            continue;
        }
        let (name, value) = line.split_once('=').unwrap();
        assert!(found.insert((section, name), value).is_none(), "{line}");
    }
    found
}

#[test]
fn the_unit_starts_the_binary_and_gives_it_time_to_stop() {
    let unit = unit();
    let service = |name| unit[&("Service", name)];
    assert_eq!(service("ExecStart"), "/usr/local/bin/incident-console");
    let check = service("ExecStartPre").strip_prefix(service("ExecStart"));
    assert_eq!(check, Some(" check-config"));
    assert_eq!(service("Restart"), "always");
    // A stop ends within 10 s (`docs/limits.md`).
    assert!(service("TimeoutStopSec").parse::<u32>().unwrap() > 10);
    assert!(service("LimitNOFILE").parse::<u32>().unwrap() >= 1_024);
    assert_eq!(service("NoNewPrivileges"), "yes");
    assert!(PAGE.contains(UNIT), "docs/operations.md shows another unit");
}

/// An instruction of a container file, with its arguments.
fn instructions() -> Vec<(&'static str, &'static str)> {
    let lines = CONTAINER.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).collect()
}

#[test]
fn the_container_builds_the_binary_and_runs_it_without_rights() {
    let instructions = instructions();
    let known = [
        "FROM",
        "RUN",
        "WORKDIR",
        "COPY",
        "USER",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
    ];
    for (name, _) in &instructions {
        assert!(known.contains(name), "{name}");
    }
    let of = |wanted: &str| {
        let found = instructions.iter().filter(|(name, _)| *name == wanted);
        found.map(|(_, arguments)| *arguments).collect::<Vec<_>>()
    };
    let stages = of("FROM");
    let [build, run] = stages[..] else {
        panic!("{stages:?}")
    };
    assert!(build.ends_with(" AS build") && !run.contains(" AS "));
    let copied = of("COPY");
    assert_eq!(copied[0], ". .");
    let [from, source, target] = copied[1].split(' ').collect::<Vec<_>>()[..] else {
        panic!("{copied:?}")
    };
    assert_eq!(from, "--from=build");
    // `cargo install --root FOLDER` puts programs into FOLDER/bin.
    let install = of("RUN")
        .into_iter()
        .find(|run| run.starts_with("cargo install"))
        .unwrap();
    let root = install
        .split("--root ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap();
    assert_eq!(source, format!("{root}/bin/incident-console"));
    let path = install.split("--path ").nth(1).unwrap();
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    assert!(package.join("Cargo.toml").is_file(), "{path}");
    let entry: Vec<String> = serde_json::from_str(of("ENTRYPOINT")[0]).unwrap();
    assert_eq!(
        entry,
        [Path::new(target).file_name().unwrap().to_str().unwrap()]
    );
    let user: u32 = of("USER")[0].split(':').next().unwrap().parse().unwrap();
    assert_ne!(user, 0);
    let (setting, address) = of("ENV")[0].split_once('=').unwrap();
    assert!(SETTINGS.contains(&setting), "{setting}");
    assert_eq!(address.rsplit(':').next(), Some(of("EXPOSE")[0]));
    assert_eq!(of("STOPSIGNAL"), ["SIGTERM"]);
    assert!(
        PAGE.contains(CONTAINER),
        "docs/operations.md shows another file"
    );
}
