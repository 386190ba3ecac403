//! Escalation settings from the environment: targets besides on-call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use incident_core::port::Pager;
use incident_core::{RuleName, ValidationError};
use incident_pagers::{ApiKey, BaseUrl, OpsGenie, PagerDuty, RoutingKey};

use crate::config_error::ConfigError;
use crate::pagers::{
    OPSGENIE_URL, PAGERDUTY_URL, base_url, paging_by_opsgenie, paging_by_pagerduty, unbuilt,
};
use crate::policy_file::PagingPolicy;

const RULES: &str = "INCIDENT_ESCALATIONS";

/// Maximum number of rules and keys. An incident stores one page for each rule.
pub const MAX_RULES: usize = 50;

/// Rules with the keys of their targets.
#[derive(Debug, Default)]
pub struct EscalationSettings {
    rules: BTreeMap<RuleName, Vec<Key>>,
    pagerduty: Option<BaseUrl>,
    opsgenie: Option<BaseUrl>,
}

#[derive(Debug)]
enum Key {
    PagerDuty(RoutingKey),
    OpsGenie(ApiKey),
}

/// Rules with their pagers.
pub type Escalations = BTreeMap<RuleName, Vec<Arc<dyn Pager>>>;

impl EscalationSettings {
    /// Reads `rule`, `rule:pagerduty:KEY` and `rule:opsgenie:KEY`, separated by commas. The keys of
    /// a rule are tried in order. A rule without a key only adds an entry to the timeline.
    ///
    /// # Errors
    /// Fails if an item cannot be parsed. The error does not contain the key.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let Some(list) = get(RULES) else {
            return Ok(Self::default());
        };
        let mut rules: BTreeMap<RuleName, Vec<Key>> = BTreeMap::new();
        if list.split(',').count() > MAX_RULES {
            let reason = format!("expected at most {MAX_RULES} entries");
            return Err(ConfigError::new(RULES, reason));
        }
        for item in list.split(',') {
            let (rule, key) =
                rule(item.trim()).map_err(|reason| ConfigError::new(RULES, reason))?;
            rules.entry(rule).or_default().extend(key);
        }
        Ok(Self {
            rules,
            pagerduty: base_url(get, PAGERDUTY_URL)?,
            opsgenie: base_url(get, OPSGENIE_URL)?,
        })
    }

    /// Returns the same rules without targets: the demo must not wake anyone.
    #[must_use]
    pub fn muted(mut self) -> Self {
        self.rules.values_mut().for_each(Vec::clear);
        self
    }

    /// Returns the rules that have a pager.
    #[must_use]
    pub fn rules_with_keys(&self) -> BTreeSet<RuleName> {
        let rules = self.rules.iter().filter(|(_, keys)| !keys.is_empty());
        rules.map(|(rule, _)| rule.clone()).collect()
    }

    /// Creates the pagers.
    ///
    /// # Errors
    /// Fails if an HTTP client cannot be created, or if a rule has two keys of one vendor.
    pub fn build(self, paging: &PagingPolicy) -> Result<Escalations, ConfigError> {
        // The responders belong to on-call; an escalation goes to the team that owns its key.
        let paging = PagingPolicy {
            responders: Vec::new(),
            ..paging.clone()
        };
        let mut built = Escalations::new();
        for (rule, keys) in self.rules {
            let pagers: &mut Vec<Arc<dyn Pager>> = built.entry(rule).or_default();
            for key in keys {
                let pager: Arc<dyn Pager> = match key {
                    Key::PagerDuty(key) => {
                        let pager = paging_by_pagerduty(key, self.pagerduty.clone(), &paging);
                        Arc::new(pager.map_err(|error| unbuilt(&error, PAGERDUTY_URL))?)
                    }
                    Key::OpsGenie(key) => {
                        let pager = paging_by_opsgenie(key, self.opsgenie.clone(), &paging);
                        Arc::new(pager.map_err(|error| unbuilt(&error, OPSGENIE_URL))?)
                    }
                };
                let name = pager.target_id();
                if pagers
                    .iter()
                    .any(|other| other.target_id().name() == name.name())
                {
                    let reason = format!("the same rule has two keys for {}", name.name());
                    return Err(ConfigError::new(RULES, reason));
                }
                pagers.push(pager);
            }
        }
        Ok(built)
    }
}

fn rule(item: &str) -> Result<(RuleName, Option<Key>), String> {
    let wrong = |error: ValidationError| format!("expected {}", error.expected());
    let (name, key) = match item.split_once(':') {
        Some((name, key)) => (name, Some(key)),
        None => (item, None),
    };
    let name = RuleName::new(name).map_err(wrong)?;
    let key = match key.map(|key| key.split_once(':')) {
        None => None,
        Some(Some((PagerDuty::NAME, key))) => {
            Some(Key::PagerDuty(RoutingKey::new(key).map_err(wrong)?))
        }
        Some(Some((OpsGenie::NAME, key))) => Some(Key::OpsGenie(ApiKey::new(key).map_err(wrong)?)),
        Some(_) => return Err("expected RULE, RULE:pagerduty:KEY or RULE:opsgenie:KEY".to_owned()),
    };
    Ok((name, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c4n4ry0c4n4ry0c4n4ry0c4n4ry0c4n4";

    fn built(list: &str) -> Result<Escalations, ConfigError> {
        let get = |name: &str| (name == RULES).then(|| list.to_owned());
        EscalationSettings::from_env(&get)?.build(&PagingPolicy::default())
    }

    #[test]
    fn rules_have_keys_or_are_entries_only() {
        let rules = built(&format!(
            "security:pagerduty:{KEY}, security:opsgenie:genie,legal"
        ))
        .unwrap();
        let told: Vec<(String, Vec<String>)> = rules
            .iter()
            .map(|(rule, pagers)| {
                let names = pagers.iter().map(|pager| pager.target_id().to_string());
                (rule.to_string(), names.collect())
            })
            .collect();
        let security = vec!["pagerduty".to_owned(), "opsgenie".to_owned()];
        let expected = [
            ("legal".to_owned(), vec![]),
            ("security".to_owned(), security),
        ];
        assert_eq!(told, expected);
        assert!(!format!("{rules:?}").contains("c4n4ry"));
        let get = |name: &str| (name == RULES).then(|| format!("security:pagerduty:{KEY},legal"));
        let settings = EscalationSettings::from_env(&get).unwrap();
        assert_eq!(
            settings.rules_with_keys(),
            ["security".parse().unwrap()].into()
        );
        let muted = settings.muted();
        assert_eq!(
            muted.build(&PagingPolicy::default()).unwrap()["security"].len(),
            0
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_the_key() {
        for list in [
            "Security".to_owned(),
            "probe".to_owned(),
            "security:".to_owned(),
            format!("security:{KEY}"),
            format!("security:telegram:{KEY}"),
            "security:pagerduty:c4n4ry".to_owned(),
            "security:opsgenie:c4n4ry c4n4ry".to_owned(),
            format!("security:pagerduty:{KEY},security:pagerduty:0{}", &KEY[1..]),
            "legal,,".to_owned(),
        ] {
            let error = built(&list).unwrap_err().to_string();
            assert!(
                error.starts_with(RULES) && !error.contains("c4n4ry"),
                "{error}"
            );
        }
    }
}
