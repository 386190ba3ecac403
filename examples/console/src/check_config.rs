//! `incident-console check-config`: the settings, without starting anything.

use std::error::Error;

use crate::anchor_file;
use crate::config::Config;
use crate::hooks;
use crate::storage::{store_line, usage_line};

/// Builds everything that the settings describe, connects to nothing, and returns a line for each
/// part that a server would use.
///
/// # Errors
/// Returns the first setting that a start would refuse, with what was expected.
pub fn lines(config: Config) -> Result<Vec<String>, Box<dyn Error>> {
    let policy = config.policy_file()?;
    let pagers = config.pagers.build(policy.paging())?;
    config.escalations.build(policy.paging())?;
    let channel = config.channels.startup_line();
    config.channels.build(config.external_url.as_ref())?;
    let billing = config.billing.startup_line();
    config.billing.build()?;
    let mut lines = vec![format!("address: {}", config.bind)];
    let base = config.external_url.as_ref();
    lines.extend(base.map(|url| format!("base URL: {url}")));
    lines.push(store_line(config.database.as_ref()));
    lines.extend(config.usage.as_ref().map(usage_line));
    let anchors = config.anchors.as_deref();
    lines.extend(anchors.map(anchor_file::startup_line));
    let path = config.policy.as_ref();
    lines.extend(path.map(|path| format!("policy: {}", path.display())));
    lines.extend(pagers.startup_lines);
    lines.extend(hooks::startup_lines(&config.hooks).map(str::to_owned));
    lines.push(channel);
    lines.extend(billing);
    if config.tokens.is_none() {
        lines.push("tokens: none; an admin token is made and printed at each start".to_owned());
    }
    lines.push("the settings are valid".to_owned());
    Ok(lines)
}
