//! Names of the settings, and detection of misspelt ones in the environment.

use std::ffi::OsString;

use crate::config_error::ConfigError;

/// All settings of the console.
pub const SETTINGS: [&str; 29] = [
    "DATABASE_URL",
    "INCIDENT_ALLOW_UNSAFE_DATABASE",
    "INCIDENT_ANCHORS",
    "INCIDENT_BASE_URL",
    "INCIDENT_BILLING_FILE",
    "INCIDENT_BILLING_KEY_WINDOW_HOURS",
    "INCIDENT_BILLING_SECRET",
    "INCIDENT_BILLING_URL",
    "INCIDENT_BIND",
    "INCIDENT_DATA",
    "INCIDENT_ESCALATIONS",
    "INCIDENT_LOG_FORMAT",
    "INCIDENT_NOTICES_SECRET",
    "INCIDENT_NOTICES_URL",
    "INCIDENT_PAGERS",
    "INCIDENT_POLICY",
    "INCIDENT_TOKENS",
    "INCIDENT_TRUSTED_PROXIES",
    "OPSGENIE_API_KEY",
    "OPSGENIE_URL",
    "OPSGENIE_WEBHOOK_TOKEN",
    "PAGERDUTY_API_TOKEN",
    "PAGERDUTY_API_URL",
    "PAGERDUTY_ROUTING_KEY",
    "PAGERDUTY_URL",
    "PAGERDUTY_WEBHOOK_SECRET",
    "RUST_LOG",
    "SLACK_SIGNING_SECRET",
    "USAGE_URL",
];

/// Prefixes of our settings that other programs rarely use.
const PREFIXES: [&str; 4] = ["INCIDENT_", "PAGERDUTY_", "OPSGENIE_", "SLACK_"];

/// Length below which a setting resembles too many other names.
const SHORT_NAME: usize = 10;

/// Maximum number of names in a warning.
const TOLD: usize = 20;

/// Checks the names of an environment for misspelt settings.
///
/// Ignoring one would silently lose pages or incidents. Returns the other names with one of our
/// prefixes, for a warning.
///
/// # Errors
/// Returns the first misspelt name, with the setting that was meant.
pub fn check(names: impl IntoIterator<Item = OsString>) -> Result<Vec<String>, ConfigError> {
    let mut unknown = Vec::new();
    for name in names {
        let name = name.to_string_lossy();
        if SETTINGS.contains(&&*name) || is_for_others(&name) {
            continue;
        }
        if let Some(meant) = SETTINGS.into_iter().find(|setting| is_like(setting, &name)) {
            let reason = format!(
                "unknown setting in the environment: {}; rename or unset it",
                name.escape_debug()
            );
            return Err(ConfigError::new(meant, reason));
        }
        if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && unknown.len() < TOLD {
            unknown.push(name.escape_debug().to_string());
        }
    }
    unknown.sort();
    Ok(unknown)
}

/// Returns whether a name belongs to our tests, or is one that an orchestrator derives from a
/// service name (Kubernetes and Docker links: `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT_HTTP`,
/// `NAME_PORT`, `NAME_PORT_8080_TCP_ADDR`).
fn is_for_others(name: &str) -> bool {
    let transports = ["_TCP", "_UDP", "_SCTP"];
    let of_a_port = name
        .split_once("_PORT_")
        .is_some_and(|(_, rest)| transports.iter().any(|transport| rest.contains(transport)));
    name.starts_with("INCIDENT_TEST_")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || of_a_port
}

/// Returns whether a name is a setting with at most two typing errors, ignoring case.
fn is_like(setting: &str, name: &str) -> bool {
    let most = if setting.len() < SHORT_NAME { 1 } else { 2 };
    // The distance is at least the difference in length, so others need no comparison.
    setting.len().abs_diff(name.len()) <= most
        && distance(setting.as_bytes(), name.to_ascii_uppercase().as_bytes()) <= most
}

/// Counts the characters to insert, delete, replace or transpose with the next one to turn one text
/// into the other (optimal string alignment).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = at(&last, j) + usize::from(from != to);
            let mut least = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    at(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(names: &[&str]) -> Result<Vec<String>, String> {
        let names = names.iter().map(OsString::from);
        check(names).map_err(|error| error.to_string())
    }

    #[test]
    fn distances_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "xabc", 1),
            ("abc", "xyz", 3),
            ("INCIDENT_POLICY", "INCIDNET_POLICYY", 2),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
    }

    /// L11: a misspelt setting stops the startup and is named; a name that only shares a prefix is
    /// a warning, and injected names of orchestrators are ignored.
    #[test]
    fn misspelt_settings_are_found() {
        for (name, meant) in [
            ("PAGERDUTY_ROUTING_KEYS", "PAGERDUTY_ROUTING_KEY"),
            ("PAGERDUTY_ROUTNIG_KEY", "PAGERDUTY_ROUTING_KEY"),
            ("PAGER_DUTY_ROUTING_KEY", "PAGERDUTY_ROUTING_KEY"),
            ("INCIDENT_POLICYY", "INCIDENT_POLICY"),
            ("INCIDNET_POLICY", "INCIDENT_POLICY"),
            ("INCIDENTS_TOKEN", "INCIDENT_TOKENS"),
            ("incident_policy", "INCIDENT_POLICY"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("OPSGENIE_APIKEY", "OPSGENIE_API_KEY"),
            ("RUST_LGO", "RUST_LOG"),
            ("USAGE_URLS", "USAGE_URL"),
        ] {
            let error = checked(&[name]).unwrap_err();
            assert!(
                error.starts_with(&format!("{meant}: ")) && error.contains(name),
                "{error}"
            );
        }
        let quiet = [
            "PATH",
            "IMAGE_URL",
            "TEST_LOG",
            "INCIDENT_TEST_LONG",
            "INCIDENT_PORT",
            "INCIDENT_CONSOLE_SERVICE_HOST",
            "INCIDENT_CONSOLE_SERVICE_PORT_HTTP",
            "INCIDENT_CONSOLE_PORT_8080_TCP_ADDR",
            "SLACK_PORT_53_UDP",
            "INCIDENT_BIND",
        ];
        assert_eq!(checked(&quiet).unwrap(), Vec::<String>::new());
        let warned = ["INCIDENT_COLOUR", "PAGERDUTY_TEAM", "PATH", "INCIDENT_A\nB"];
        assert_eq!(
            checked(&warned).unwrap(),
            ["INCIDENT_A\\nB", "INCIDENT_COLOUR", "PAGERDUTY_TEAM"]
        );
        for setting in SETTINGS {
            assert!(checked(&[setting]).is_ok());
        }
    }

    /// Every setting that is read is in the list, and `docs/configuration.md` documents all of them.
    #[test]
    fn the_list_of_settings_is_whole() {
        let guide = include_str!("../../../docs/configuration.md");
        let sources = [
            include_str!("config.rs"),
            include_str!("pagers.rs"),
            include_str!("escalations.rs"),
            include_str!("billing.rs"),
            include_str!("channels.rs"),
            include_str!("hooks.rs"),
        ];
        for setting in SETTINGS {
            assert!(guide.contains(setting), "{setting}");
            let quoted = format!("\"{setting}\"");
            assert!(
                sources.iter().any(|source| source.contains(&quoted)),
                "{setting}"
            );
        }
        let is_name = |text: &&str| {
            let begins = PREFIXES.iter().any(|prefix| text.starts_with(prefix));
            begins
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        let mut read = 0;
        for source in sources {
            for name in source.split('"').filter(is_name) {
                assert!(SETTINGS.contains(&name), "{name}");
                read += 1;
            }
        }
        assert!(read > 20);
    }
}
