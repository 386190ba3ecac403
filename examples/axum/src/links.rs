//! Deep links of an incident: `[links]` of the policy file.

use std::collections::BTreeMap;
use std::fmt;

use incident_core::incident::Incident;
use incident_core::{LinkTemplate, ValidationError};
use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Links that are always present, configured or not, each with its title in a page.
const SHOWN: [(&str, &str); 2] = [("system_map", "System map"), ("firehose", "Firehose")];

/// Maximum number of links.
const MAX_LINKS: usize = 20;

/// The deep links of incidents, by name: a URL template, or one with a title.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, Link>")]
pub struct Links(BTreeMap<String, Link>);

#[derive(Clone, Debug)]
struct Link {
    title: Option<String>,
    url: LinkTemplate,
}

/// The links of one incident.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(transparent)]
#[schemars(rename = "Links")]
pub struct Filled<'a>(BTreeMap<&'a str, Option<String>>);

impl TryFrom<BTreeMap<String, Link>> for Links {
    type Error = ValidationError;

    fn try_from(links: BTreeMap<String, Link>) -> Result<Self, ValidationError> {
        let fits =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let is_name = |name: &String| (1..=40).contains(&name.len()) && name.bytes().all(fits);
        if !links.keys().all(is_name) {
            return Err(ValidationError::new(
                "links",
                "names of 1 to 40 characters from a-z, 0-9, `-` and `_`",
            ));
        }
        if links.len() > MAX_LINKS {
            return Err(ValidationError::new("links", "at most 20 links"));
        }
        Ok(Self(links))
    }
}

impl Links {
    /// Returns the links of an incident; the default links are null until they are configured.
    #[must_use]
    pub fn of(&self, incident: &Incident) -> Filled<'_> {
        let fill = |link: &Link| {
            let services = &incident.affected_services;
            link.url.fill(incident.id, incident.started_at, services)
        };
        let mut filled: BTreeMap<&str, Option<String>> =
            SHOWN.into_iter().map(|(name, _)| (name, None)).collect();
        filled.extend(
            self.0
                .iter()
                .map(|(name, link)| (name.as_str(), Some(fill(link)))),
        );
        Filled(filled)
    }

    /// Returns the configured links, each with its title, for use in pages.
    pub fn configured(&self) -> impl Iterator<Item = (&str, &LinkTemplate)> {
        self.0.iter().map(|(name, link)| {
            let known = SHOWN.into_iter().find(|(shown, _)| shown == name);
            let title = link.title.as_deref().or(known.map(|(_, title)| title));
            (title.unwrap_or(name), &link.url)
        })
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Titled {
            url: LinkTemplate,
            title: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Link;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or a table with `url` and `title`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<Link, E> {
                let url = LinkTemplate::new(url).map_err(E::custom)?;
                Ok(Link { title: None, url })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Link, A::Error> {
                let titled = Titled::deserialize(de::value::MapAccessDeserializer::new(map));
                titled.map(|Titled { url, title }| Link { title, url })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Links, toml::de::Error> {
        toml::from_str(text)
    }

    /// L10: links that are not configured are null, and more may be configured.
    #[test]
    fn links_are_null_until_they_are_configured() {
        let (incident, _, _) = incident_core::testing::an_incident();
        let shown = |links: &Links| serde_json::to_value(links.of(&incident)).unwrap();
        assert_eq!(
            shown(&Links::default()),
            serde_json::json!({"system_map": null, "firehose": null})
        );
        let links = read(
            r#"system_map = "https://map.example/?i={id}"
            [grafana]
            url = "https://grafana.example/d/1?from={from}"
            title = "Dashboard"
            [runbooks]
            url = "https://wiki.example/""#,
        )
        .unwrap();
        assert_eq!(
            shown(&links),
            serde_json::json!({
                "system_map": format!("https://map.example/?i={}", incident.id),
                "firehose": null,
                "grafana": format!("https://grafana.example/d/1?from={}", incident.started_at),
                "runbooks": "https://wiki.example/",
            })
        );
        let titles: Vec<&str> = links.configured().map(|(title, _)| title).collect();
        assert_eq!(titles, ["Dashboard", "runbooks", "System map"]);
    }

    #[test]
    fn wrong_links_are_refused() {
        for text in [
            "firehose = \"http://plain.example\"",
            "firehose = 7",
            "[grafana]\ntitle = \"x\"",
            "[grafana]\nurl = \"https://x.example\"\ncolour = \"red\"",
            "[Grafana]\nurl = \"https://x.example\"",
            "[\"a b\"]\nurl = \"https://x.example\"",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let many = |count: usize| {
            let one = |n: usize| format!("link-{n} = \"https://x.example/{n}\"\n");
            read(&(0..count).map(one).collect::<String>())
        };
        assert!(many(20).is_ok());
        assert!(
            many(21)
                .unwrap_err()
                .to_string()
                .contains("at most 20 links")
        );
    }
}
