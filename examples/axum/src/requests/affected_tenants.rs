//! The affected tenants of a request.

use std::borrow::Cow;

use incident_core::incident::{Affected, AffectedTenant, MAX_TENANTS};
use incident_core::{TenantId, Timestamp, ValidationError};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// The affected tenants: `"all"`, or a list of names and objects.
#[derive(Debug)]
pub(super) enum AffectedTenantsRequest {
    All,
    These(Vec<AffectedTenant>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AffectedTenantPart")]
struct TenantObject {
    tenant_id: TenantId,
    #[serde(default)]
    from: Option<Timestamp>,
    #[serde(default)]
    until: Option<Timestamp>,
}

/// Deserializes one tenant: a name, or an object.
struct OneTenant;

impl<'de> DeserializeSeed<'de> for OneTenant {
    type Value = AffectedTenant;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<AffectedTenant, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneTenant {
    type Value = AffectedTenant;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a tenant id or an object {tenant_id, from?, until?}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<AffectedTenant, E> {
        let id = TenantId::new(name).map_err(E::custom)?;
        Ok(AffectedTenant::whole(id))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<AffectedTenant, A::Error> {
        let TenantObject {
            tenant_id,
            from,
            until,
        } = Deserialize::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(AffectedTenant {
            tenant_id,
            from,
            until,
        })
    }
}

impl JsonSchema for AffectedTenantsRequest {
    fn schema_name() -> Cow<'static, str> {
        "AffectedTenants".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<TenantId>();
        let object = generator.subschema_for::<TenantObject>();
        json_schema!({
            "description": "All tenants, or names of tenants, or tenants that are affected for a part of the outage.",
            "anyOf": [
                { "type": "string", "enum": ["all"] },
                { "type": "array", "items": { "anyOf": [name, object] }, "maxItems": MAX_TENANTS },
            ],
        })
    }
}

impl<'de> Deserialize<'de> for AffectedTenantsRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Many;
        impl<'de> Visitor<'de> for Many {
            type Value = AffectedTenantsRequest;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of tenants or \"all\"")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<AffectedTenantsRequest, E> {
                if word == "all" {
                    Ok(AffectedTenantsRequest::All)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(""), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<AffectedTenantsRequest, A::Error> {
                let mut tenants = Vec::new();
                while let Some(tenant) = list.next_element_seed(OneTenant)? {
                    tenants.push(tenant);
                }
                Ok(AffectedTenantsRequest::These(tenants))
            }
        }
        deserializer.deserialize_any(Many)
    }
}

impl AffectedTenantsRequest {
    /// Checks the list by the rules for new data.
    ///
    /// # Errors
    /// Returns the first invalid tenant, by its position in the request.
    pub(super) fn checked(self) -> Result<Affected, ValidationError> {
        match self {
            Self::All => Ok(Affected::All),
            Self::These(list) => {
                // Checked before sorting, so that positions are those of the request.
                for (nth, one) in list.iter().enumerate() {
                    let wrong = one.tenant_id.check("affected_tenants");
                    wrong.map_err(|wrong| wrong.at(format!("affected_tenants/{nth}")))?;
                }
                Affected::these(list)
            }
        }
    }
}
