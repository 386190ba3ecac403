//! Pager settings from the environment, and the pagers built from them.

use std::cell::RefCell;
use std::sync::Arc;

use incident_core::ValidationError;
use incident_core::port::{PageCheck, Pager};
use incident_pagers::{
    ApiKey, BaseUrl, LogPager, OpsGenie, PagerBuildError, PagerDuty, PagerDutyRest, RoutingKey,
};

use crate::config_error::ConfigError;
use crate::policy_file::PagingPolicy;

pub(crate) const ROUTING_KEY: &str = "PAGERDUTY_ROUTING_KEY";
pub(crate) const PAGERDUTY_URL: &str = "PAGERDUTY_URL";
const API_KEY: &str = "OPSGENIE_API_KEY";
pub(crate) const OPSGENIE_URL: &str = "OPSGENIE_URL";
const ORDER: &str = "INCIDENT_PAGERS";

/// Maximum number of keys of a vendor, including retired ones.
pub const MAX_KEYS: usize = 20;

/// The pager settings.
#[derive(Debug, Default)]
pub struct PagerSettings {
    pagerduty: Option<Vendor<RoutingKey>>,
    opsgenie: Option<Vendor<ApiKey>>,
    /// Configured pagers, in the order in which they are tried.
    order: Vec<Kind>,
}

/// A configured vendor: its first key pages, the others only close the alerts they opened.
#[derive(Debug)]
struct Vendor<K> {
    keys: Vec<K>,
    url: Option<BaseUrl>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PagerDuty,
    OpsGenie,
    Log,
}

/// The pagers, ready to use.
#[derive(Debug, Default)]
pub struct Pagers {
    /// Pagers in the order in which they are tried.
    pub current: Vec<Arc<dyn Pager>>,
    /// Retired pagers: they open no alert, and close the ones they opened.
    pub retired: Vec<Arc<dyn Pager>>,
    /// The vendor APIs that report whether a page arrived.
    pub checks: Vec<Arc<dyn PageCheck>>,
    /// The lines to print at startup: the pagers and their addresses, without keys.
    pub startup_lines: Vec<String>,
}

impl PagerSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Returns the first setting that cannot be used, by name and without its value.
    pub fn from_env(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let pagerduty = vendor(get, ROUTING_KEY, PAGERDUTY_URL, |key| RoutingKey::new(key))?;
        let opsgenie = vendor(get, API_KEY, OPSGENIE_URL, |key| ApiKey::new(key))?;
        let configured = |kind: &Kind| match kind {
            Kind::PagerDuty => pagerduty.is_some(),
            Kind::OpsGenie => opsgenie.is_some(),
            Kind::Log => true,
        };
        let order = match get(ORDER) {
            Some(list) => {
                let order: Vec<Kind> = order(&list)?.into_iter().filter(configured).collect();
                if order.is_empty() {
                    let reason = format!(
                        "none of these pagers is configured: set {ROUTING_KEY} or {API_KEY}"
                    );
                    return Err(ConfigError::new(ORDER, reason));
                }
                order
            }
            None => {
                let vendors = [Kind::PagerDuty, Kind::OpsGenie];
                let order: Vec<Kind> = vendors.into_iter().filter(configured).collect();
                if order.is_empty() {
                    vec![Kind::Log]
                } else {
                    order
                }
            }
        };
        Ok(Self {
            pagerduty,
            opsgenie,
            order,
        })
    }

    /// Returns whether a vendor is configured.
    #[must_use]
    pub const fn wake_people(&self) -> bool {
        self.pagerduty.is_some() || self.opsgenie.is_some()
    }

    /// Creates the pagers.
    ///
    /// # Errors
    /// Fails if an HTTP client cannot be created or a key is given twice.
    pub fn build(self, paging: &PagingPolicy) -> Result<Pagers, ConfigError> {
        let Self {
            pagerduty,
            opsgenie,
            order,
        } = self;
        let names = (ROUTING_KEY, PAGERDUTY_URL);
        let pagerduty = made(pagerduty, names, |key, url| {
            let pager = paging_by_pagerduty(key, url, paging)?;
            Ok((pager.base_url().to_string(), Arc::new(pager)))
        })?;
        let checks = RefCell::new(Vec::new());
        let opsgenie = made(opsgenie, (API_KEY, OPSGENIE_URL), |key, url| {
            let pager = Arc::new(paging_by_opsgenie(key, url, paging)?);
            let check: Arc<dyn PageCheck> = Arc::<OpsGenie>::clone(&pager);
            checks.borrow_mut().push(check);
            Ok((pager.base_url().to_string(), pager))
        })?;
        let log: Made = vec![(String::new(), Arc::new(LogPager::default()))];
        let made = [
            (Kind::PagerDuty, pagerduty),
            (Kind::OpsGenie, opsgenie),
            (Kind::Log, log),
        ];
        Ok(Pagers {
            checks: checks.into_inner(),
            ..arranged(&order, made)
        })
    }
}

pub(crate) fn paging_by_pagerduty(
    key: RoutingKey,
    url: Option<BaseUrl>,
    paging: &PagingPolicy,
) -> Result<PagerDuty, PagerBuildError> {
    let builder = PagerDuty::builder(key)
        .severities(paging.severities)
        .template(paging.template.clone());
    match url {
        Some(url) => builder.base_url(url).build(),
        None => builder.build(),
    }
}

pub(crate) fn paging_by_opsgenie(
    key: ApiKey,
    url: Option<BaseUrl>,
    paging: &PagingPolicy,
) -> Result<OpsGenie, PagerBuildError> {
    let builder = OpsGenie::builder(key)
        .priorities(paging.priorities)
        .template(paging.template.clone());
    let responders = paging.responders.iter().cloned();
    let builder = responders.fold(builder, |builder, one| builder.responder(one));
    match url {
        Some(url) => builder.base_url(url).build(),
        None => builder.build(),
    }
}

impl Pagers {
    /// Adds checks of PagerDuty pages through its REST API.
    #[must_use]
    pub fn checked_by(mut self, rest: &PagerDutyRest) -> Self {
        let targets = self.current.iter().map(|pager| pager.target_id());
        let checks = targets
            .filter(|target| target.name() == PagerDuty::NAME)
            .map(|target| Arc::new(rest.checking(target)) as Arc<dyn PageCheck>);
        self.checks.extend(checks);
        self
    }
}

/// The pagers of a vendor, one per key, each with its address.
type Made = Vec<(String, Arc<dyn Pager>)>;

fn made<K, P: Pager + 'static>(
    vendor: Option<Vendor<K>>,
    (keys, url): (&'static str, &'static str),
    build: impl Fn(K, Option<BaseUrl>) -> Result<(String, Arc<P>), PagerBuildError>,
) -> Result<Made, ConfigError> {
    let Some(vendor) = vendor else {
        return Ok(Vec::new());
    };
    let mut made: Made = Vec::new();
    for key in vendor.keys {
        let (address, pager) =
            build(key, vendor.url.clone()).map_err(|error| unbuilt(&error, url))?;
        if made
            .iter()
            .any(|(_, other)| other.target_id() == pager.target_id())
        {
            return Err(ConfigError::new(keys, "a key is listed twice"));
        }
        made.push((address, pager));
    }
    Ok(made)
}

/// Converts a build error. Keys and addresses are already checked, so an invalid value is from the
/// policy file.
pub(crate) fn unbuilt(error: &PagerBuildError, url: &'static str) -> ConfigError {
    if let PagerBuildError::Invalid(invalid) = error {
        ConfigError::new("INCIDENT_POLICY", format!("pagers.{invalid}"))
    } else {
        ConfigError::new(url, error.to_string())
    }
}

fn arranged(order: &[Kind], made: [(Kind, Made); 3]) -> Pagers {
    let mut pagers = Pagers::default();
    let mut ordered = Vec::new();
    for (kind, made) in made {
        let place = order.iter().position(|one| *one == kind);
        let mut keys = made.into_iter();
        match (place, kind) {
            (Some(place), _) => ordered.extend(keys.next().map(|first| (place, first))),
            // A log pager that is not in the order has opened no alerts to close.
            (None, Kind::Log) => continue,
            (None, Kind::PagerDuty | Kind::OpsGenie) => {}
        }
        pagers.retired.extend(keys.map(|(_, pager)| pager));
    }
    ordered.sort_by_key(|(place, _)| *place);
    let mut names = Vec::new();
    for (_, (address, pager)) in ordered {
        let name = pager.target_id();
        names.push(if address.is_empty() {
            format!("{name}, which writes pages to the log and pages no one")
        } else {
            format!("{name} at {address}")
        });
        pagers.current.push(pager);
    }
    pagers
        .startup_lines
        .push(format!("pager: {}", names.join("; then ")));
    if !pagers.retired.is_empty() {
        let count = pagers.retired.len();
        let line = format!(
            "pager: {count} more key(s), used only to acknowledge and resolve alerts that they opened"
        );
        pagers.startup_lines.push(line);
    }
    pagers
}

fn vendor<K>(
    get: &dyn Fn(&str) -> Option<String>,
    keys: &'static str,
    url: &'static str,
    read: impl Fn(&str) -> Result<K, ValidationError>,
) -> Result<Option<Vendor<K>>, ConfigError> {
    let wrong = |variable| {
        move |error: ValidationError| {
            ConfigError::new(variable, format!("expected {}", error.expected()))
        }
    };
    let base = base_url(get, url)?;
    let Some(list) = get(keys) else {
        return match base {
            Some(_) => Err(ConfigError::new(url, format!("also set {keys}"))),
            None => Ok(None),
        };
    };
    if list.split(',').count() > MAX_KEYS {
        let reason = format!("expected at most {MAX_KEYS} keys");
        return Err(ConfigError::new(keys, reason));
    }
    let keys = list
        .split(',')
        .map(|key| read(key.trim()).map_err(wrong(keys)))
        .collect::<Result<_, _>>()?;
    Ok(Some(Vendor { keys, url: base }))
}

/// Reads the address of a vendor's API, if it is overridden.
pub(crate) fn base_url(
    get: &dyn Fn(&str) -> Option<String>,
    variable: &'static str,
) -> Result<Option<BaseUrl>, ConfigError> {
    let wrong = |error: ValidationError| {
        ConfigError::new(variable, format!("expected {}", error.expected()))
    };
    let text = get(variable);
    text.map(|text| BaseUrl::new(&text).map_err(wrong))
        .transpose()
}

fn order(list: &str) -> Result<Vec<Kind>, ConfigError> {
    let mut order = Vec::new();
    for name in list.split(',') {
        let kind = match name.trim() {
            PagerDuty::NAME => Kind::PagerDuty,
            OpsGenie::NAME => Kind::OpsGenie,
            "log" => Kind::Log,
            _ => {
                let reason = "expected pagerduty, opsgenie and log, separated by commas";
                return Err(ConfigError::new(ORDER, reason));
            }
        };
        if order.contains(&kind) {
            return Err(ConfigError::new(ORDER, "a pager is listed twice"));
        }
        order.push(kind);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use incident_pagers::{Responder, ResponderKind};

    use super::*;

    const KEY: &str = "c4n4ry0c4n4ry0c4n4ry0c4n4ry0c4n4";
    const OLD: &str = "0ldc4n4ry0ldc4n4ry0ldc4n4ry0ld00";
    const LOCAL: &str = "http://127.0.0.1:9";

    fn pagers(settings: &[(&str, &str)]) -> Result<Pagers, ConfigError> {
        let get = |name: &str| {
            let found = settings.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        PagerSettings::from_env(&get)?.build(&PagingPolicy::default())
    }

    fn names(pagers: &[Arc<dyn Pager>]) -> Vec<String> {
        pagers
            .iter()
            .map(|pager| pager.target_id().to_string())
            .collect()
    }

    #[test]
    fn the_order_is_that_of_the_configured_ones() {
        let both = [
            (ROUTING_KEY, KEY),
            (PAGERDUTY_URL, LOCAL),
            (API_KEY, "genie"),
            (OPSGENIE_URL, LOCAL),
        ];
        let with = |more: &[(&'static str, &'static str)]| pagers(&[&both, more].concat()).unwrap();
        assert_eq!(names(&pagers(&[]).unwrap().current), ["log"]);
        assert_eq!(names(&with(&[]).current), ["pagerduty", "opsgenie"]);
        let swapped = with(&[(ORDER, "opsgenie, pagerduty")]);
        assert_eq!(names(&swapped.current), ["opsgenie", "pagerduty"]);
        assert_eq!(
            swapped.startup_lines,
            ["pager: opsgenie at http://127.0.0.1:9; then pagerduty at http://127.0.0.1:9"]
        );
        // Pagers that are configured but not in the order still close the alerts they opened.
        let one = with(&[(ORDER, "opsgenie,log")]);
        assert_eq!(names(&one.current), ["opsgenie", "log"]);
        assert_eq!(names(&one.retired), ["pagerduty"]);
        let only = pagers(&[
            (ROUTING_KEY, KEY),
            (PAGERDUTY_URL, LOCAL),
            (ORDER, "opsgenie,pagerduty"),
        ]);
        assert_eq!(names(&only.unwrap().current), ["pagerduty"]);
    }

    #[test]
    fn of_several_keys_the_first_pages() {
        let list = format!("{KEY}, {OLD}");
        let pagers = pagers(&[(ROUTING_KEY, &list), (PAGERDUTY_URL, LOCAL)]).unwrap();
        assert_eq!(names(&pagers.current), ["pagerduty"]);
        assert_eq!(names(&pagers.retired), ["pagerduty"]);
        assert_ne!(pagers.current[0].target_id(), pagers.retired[0].target_id());
        assert!(pagers.startup_lines[1].contains("1 more key"));
        assert!(!format!("{pagers:?}").contains("c4n4ry"));
    }

    #[test]
    fn wrong_settings_are_refused_by_name_and_without_their_value() {
        let twice = format!("{KEY},{KEY}");
        for (settings, name) in [
            (vec![(ROUTING_KEY, "c4n4ry")], ROUTING_KEY),
            (
                vec![(ROUTING_KEY, KEY), (PAGERDUTY_URL, "http://c4n4ry.example")],
                PAGERDUTY_URL,
            ),
            (vec![(PAGERDUTY_URL, LOCAL)], PAGERDUTY_URL),
            (
                vec![(ROUTING_KEY, &twice), (PAGERDUTY_URL, LOCAL)],
                ROUTING_KEY,
            ),
            (vec![(ROUTING_KEY, "c4n4ry,,")], ROUTING_KEY),
            (vec![(API_KEY, "c4n4ry c4n4ry")], API_KEY),
            (
                vec![(API_KEY, "k"), (OPSGENIE_URL, "https://u:c4n4ry@x.example")],
                OPSGENIE_URL,
            ),
            (vec![(OPSGENIE_URL, LOCAL)], OPSGENIE_URL),
            (vec![(ORDER, "c4n4ry")], ORDER),
            (vec![(ORDER, "log,log")], ORDER),
            (vec![(ORDER, "pagerduty")], ORDER),
        ] {
            let error = pagers(&settings).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(!error.contains("c4n4ry"), "{error}");
        }
    }

    #[test]
    fn what_the_policy_file_says_too_much_of_is_its_fault() {
        let one = Responder::by_id(ResponderKind::Team, "x").unwrap();
        let paging = PagingPolicy {
            responders: vec![one; 51],
            ..PagingPolicy::default()
        };
        let get = |name: &str| (name == API_KEY).then(|| "genie".to_owned());
        let settings = PagerSettings::from_env(&get).unwrap();
        let error = settings.build(&paging).unwrap_err().to_string();
        assert_eq!(
            error,
            "INCIDENT_POLICY: pagers.responders: expected at most 50 responders"
        );
    }
}
