//! `incident-console check-config`: the settings, without starting anything.

use std::error::Error;

use crate::config::Config;
use crate::hooks;
use crate::policy_file::PolicyFile;

/// Builds everything that the settings describe, connects to nothing, and returns a line for each
/// part that a server would use.
///
/// # Errors
/// Returns the first setting that a start would refuse, with what was expected.
pub fn lines(config: Config) -> Result<Vec<String>, Box<dyn Error>> {
    let policy = match &config.policy {
        Some(path) => {
            PolicyFile::read(path).map_err(|reason| format!("INCIDENT_POLICY: {reason}"))?
        }
        None => PolicyFile::default(),
    };
    let pagers = config.pagers.build(policy.paging())?;
    config.escalations.build(policy.paging())?;
    let billing = config.billing.startup_line();
    config.billing.build()?;
    let mut lines = vec![format!("address: {}", config.bind)];
    lines.push(match &config.database {
        Some(database) => format!("store: PostgreSQL, {database}"),
        None => "store: in memory; everything is lost at exit".to_owned(),
    });
    let usage = config.usage.as_ref();
    lines.extend(usage.map(|address| format!("usage: ClickHouse, {address}")));
    let anchors = config.anchors.as_ref();
    lines.extend(anchors.map(|path| format!("anchors: {}", path.display())));
    let path = config.policy.as_ref();
    lines.extend(path.map(|path| format!("policy: {}", path.display())));
    lines.extend(pagers.startup_lines);
    lines.extend(hooks::startup_lines(&config.hooks).map(str::to_owned));
    lines.extend(billing);
    if config.tokens.is_none() {
        lines.push("tokens: none; an admin token is made and printed at each start".to_owned());
    }
    lines.push("the settings are valid".to_owned());
    Ok(lines)
}
