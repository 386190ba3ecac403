//! Limits of settings: a value beyond them stops the startup with a message.

use std::fmt::Write as _;

use incident_console::config::Config;
use incident_console::file::read_text;
use incident_console::policy_file::PolicyFile;

use super::listed;
use super::table::Row;

listed! {
    without a server:
    "tokens" => tokens,
    "a token" => token,
    "rules and keys of escalations" => escalations,
    "keys of a vendor" => vendor_keys,
    "secrets of a hook" => secrets,
    "the policy file" => policy_file,
    "a file of outages or a history" => imported_file,
    "contracts" => contracts,
    "terms of a contract" => terms,
    "tenants with a contract" => agreed,
    "services with a public name" => named,
    "links" => links,
    "details of a page" => details,
    "images of a page" => images,
    "responders of a page" => responders,
}

/// Tries an environment setting at its limit and one beyond.
fn setting(row: &Row, of: impl Fn(usize) -> String) {
    let (_, variable) = row.code.split_once(' ').unwrap();
    let read = |count: usize| {
        let value = of(count);
        Config::from_env(|name| (name == variable).then(|| value.clone()))
    };
    let most = row.number();
    assert!(read(most).is_ok(), "{}: {:?}", row.name, read(most).err());
    let refused = read(most + 1).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("{variable}: ")), "{refused}");
    assert!(refused.contains(&most.to_string()), "{refused}");
}

fn list(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

fn tokens(row: &Row) {
    setting(row, |count| {
        list(count, |n| format!("a{n}:viewer:token-{n:016}"))
    });
}

fn token(row: &Row) {
    setting(row, |bytes| format!("anna:viewer:{}", "t".repeat(bytes)));
}

fn escalations(row: &Row) {
    setting(row, |count| list(count, |n| format!("rule-{n}")));
}

fn vendor_keys(row: &Row) {
    setting(row, |count| list(count, |n| format!("{n:032x}")));
}

fn secrets(row: &Row) {
    setting(row, |count| {
        list(count, |n| format!("a-secret-of-a-webhook-{n:04}"))
    });
}

/// Tries a part of the policy file at its limit and one beyond.
fn policy(row: &Row, of: impl Fn(usize) -> String) {
    let most = row.number();
    let read = |count| PolicyFile::parse(&of(count));
    assert!(read(most).is_ok(), "{}: {:?}", row.name, read(most).err());
    let refused = read(most + 1).unwrap_err();
    assert!(
        refused.contains(&most.to_string()),
        "{}: {refused}",
        row.name
    );
}

/// Returns this many lines of the file.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{}", line(n));
        text
    })
}

const TERMS: &str =
    r#"target_percent = "99.9", tiers = [{ from_minutes = 0, credit_percent = "0" }]"#;

fn contracts(row: &Row) {
    policy(row, |count| {
        lines(count, |n| {
            format!("[contracts.c{n}]\nterms = [{{ {TERMS}, version = \"v\" }}]")
        })
    });
}

fn terms(row: &Row) {
    let of_year = |n: usize| {
        let year = |n: usize| format!("{:04}-01-01T00:00:00Z", 1990 + n);
        let (from, until) = (year(n), year(n + 1));
        format!(
            "{{ {TERMS}, version = \"v{n}\", valid_from = \"{from}\", valid_until = \"{until}\" }}"
        )
    };
    policy(row, |count| {
        format!("[contracts.c]\nterms = [{}]", list(count, of_year))
    });
}

fn agreed(row: &Row) {
    let fee = "monthly_fee = { minor = 1, currency = \"EUR\" }";
    policy(row, |count| {
        lines(count, |n| format!("[tenants.t{n}]\n{fee}"))
    });
}

fn named(row: &Row) {
    policy(row, |count| {
        lines(count, |n| format!("[services.s{n}]\npublic_name = \"S\""))
    });
}

fn links(row: &Row) {
    policy(row, |count| {
        format!(
            "[links]\n{}",
            lines(count, |n| format!("l{n} = \"https://x.example/\""))
        )
    });
}

fn details(row: &Row) {
    policy(row, |count| {
        format!(
            "[pagers.details]\n{}",
            lines(count, |n| format!("d{n} = \"x\""))
        )
    });
}

fn images(row: &Row) {
    policy(row, |count| {
        format!(
            "[pagers.images]\n{}",
            lines(count, |n| format!("i{n} = \"https://x.example/\""))
        )
    });
}

fn responders(row: &Row) {
    policy(row, |count| {
        let all = list(count, |n| format!("{{ type = \"team\", id = \"t{n}\" }}"));
        format!("[pagers]\nresponders = [{all}]")
    });
}

/// Tries the size of a file that is read by one of our functions.
fn file(row: &Row, read: impl Fn(&std::path::Path) -> Result<(), String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let of = |bytes: usize| std::fs::write(&path, "#".repeat(bytes)).unwrap();
    of(row.number());
    assert_eq!(read(&path), Ok(()), "{}", row.name);
    of(row.number() + 1);
    let refused = read(&path).unwrap_err();
    assert!(refused.contains("larger than"), "{}: {refused}", row.name);
}

fn policy_file(row: &Row) {
    file(row, |path| PolicyFile::read(path).map(drop));
}

fn imported_file(row: &Row) {
    let most = u64::try_from(row.number()).unwrap();
    assert_eq!(most, incident_console::file::IMPORT_BYTES);
    file(row, |path| {
        read_text(path, most)
            .map(drop)
            .map_err(|error| error.to_string())
    });
}
