//! Tables of the policy file about the parts that a team runs.

use std::fmt;

use incident_core::sla::SlaTerms;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The key that switches a part off.
const ENABLED: &str = "enabled";

/// The `sla` table: the terms of tenants without a contract, and whether there is SLA at all.
#[derive(Debug)]
pub(crate) struct SlaTable {
    pub(crate) enabled: bool,
    pub(crate) terms: SlaTerms,
}

impl Default for SlaTable {
    fn default() -> Self {
        Self {
            enabled: true,
            terms: SlaTerms::default(),
        }
    }
}

impl<'de> Deserialize<'de> for SlaTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SlaVisitor)
    }
}

/// Reads `enabled` itself and leaves every other key to the terms, which refuse unknown ones at
/// their line of the file.
struct SlaVisitor;

impl<'de> Visitor<'de> for SlaVisitor {
    type Value = SlaTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SlaTable, A::Error> {
        let (mut enabled, mut has_terms) = (None, false);
        let rest = WithoutEnabled {
            map,
            enabled: &mut enabled,
            has_terms: &mut has_terms,
        };
        let read = SlaTerms::deserialize(MapAccessDeserializer::new(rest));
        Ok(SlaTable {
            enabled: enabled.unwrap_or(true),
            // A table that names no term has those that ship.
            terms: match enabled {
                Some(_) if !has_terms => SlaTerms::default(),
                Some(_) | None => read?,
            },
        })
    }
}

/// The entries of a table besides `enabled`.
struct WithoutEnabled<'a, A> {
    map: A,
    enabled: &'a mut Option<bool>,
    has_terms: &'a mut bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutEnabled<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != ENABLED {
                *self.has_terms = true;
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            *self.enabled = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// The `status_page` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StatusPageTable {
    pub(crate) enabled: bool,
}

impl Default for StatusPageTable {
    fn default() -> Self {
        Self { enabled: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sla(text: &str) -> Result<SlaTable, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    const TERMS: &str = "target_percent = \"99.5\"\nversion = \"x\"\ntiers = [{ from_minutes = 0, credit_percent = \"5\" }]\n";

    #[test]
    fn terms_may_stand_beside_the_switch_or_alone() {
        let shipped = SlaTerms::default();
        let alone = sla(TERMS).unwrap();
        assert!(alone.enabled && alone.terms.target().to_string() == "99.5");
        for (text, enabled) in [("enabled = false", false), ("enabled = true", true)] {
            let bare = sla(text).unwrap();
            assert_eq!((bare.enabled, &bare.terms), (enabled, &shipped));
            for both in [format!("{text}\n{TERMS}"), format!("{TERMS}{text}")] {
                let both = sla(&both).unwrap();
                assert_eq!((both.enabled, &both.terms), (enabled, &alone.terms));
            }
        }
    }

    #[test]
    fn errors_name_the_line_and_what_is_wrong() {
        for (text, named) in [
            ("enabled = \"no\"", "line 1"),
            ("enabled = false\ntarget = 1", "unknown field `target`"),
            ("enabled = false\ntarget_percent = \"x\"", "line 2"),
            ("enabled = false\ntarget_percent = \"99\"", "missing field"),
            ("", "missing field"),
        ] {
            let error = sla(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
