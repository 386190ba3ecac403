//! The policy file: severities, SLA terms, public names, links.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use incident_core::billing::CreditPolicy;
use incident_core::incident::Incident;
use incident_core::paging::{GateSettings, HeedPolicy};
use incident_core::policy::Policy;
use incident_core::sla::{Contract, Contracts, SlaTerms};
use incident_core::status_page::PublicNames;
use incident_core::{Invalid, LinkTemplate, Money, Name, PublicText, ServiceId, TenantId};
use incident_pagers::{OpsGeniePriorities, PageTemplate, PagerDutySeverities, Responder};
use serde::Deserialize;

/// Everything the file may hold. What is absent is as built in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    severities: Policy,
    sla: SlaTerms,
    credits: CreditPolicy,
    contracts: BTreeMap<Name, NamedContract>,
    tenants: BTreeMap<TenantId, Agreed>,
    /// Made of `sla`, `contracts` and `tenants` when the file is read.
    #[serde(skip)]
    agreed: Contracts,
    services: BTreeMap<ServiceId, Service>,
    links: Links,
    pagers: Pagers,
    /// Made of `pagers` and `links` when the file is read.
    #[serde(skip)]
    paging: Paging,
}

/// A kind of contract: its terms by validity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedContract {
    terms: Vec<SlaTerms>,
}

/// What was agreed with a tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agreed {
    #[serde(default)]
    contract: Option<Name>,
    #[serde(default)]
    monthly_fee: Option<Money>,
}

/// What pages carry, and in which words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pagers {
    acknowledged_there: Option<bool>,
    resolved_there: Option<bool>,
    per_minute: Option<NonZeroU32>,
    source: Option<String>,
    client: Option<String>,
    client_url: Option<LinkTemplate>,
    details: BTreeMap<String, String>,
    images: BTreeMap<String, LinkTemplate>,
    pagerduty: PagerDutySeverities,
    opsgenie: OpsGeniePriorities,
    responders: Vec<Responder>,
}

/// What the adapters are made with.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// What every page carries besides the incident.
    pub template: PageTemplate,
    /// PagerDuty's words for our severities.
    pub severities: PagerDutySeverities,
    /// OpsGenie's words for our severities.
    pub priorities: OpsGeniePriorities,
    /// Whom OpsGenie routes alerts to.
    pub responders: Vec<Responder>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    public_name: PublicText,
}

/// Where the deep links of an incident lead. Without one, an example.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    system_map: Option<LinkTemplate>,
    firehose: Option<LinkTemplate>,
}

impl Links {
    /// The dashboard's system map, for the time and scope of an incident.
    #[must_use]
    pub fn system_map(&self, incident: &Incident) -> String {
        fill(self.system_map.as_ref(), "system-map", incident)
    }

    /// The live event stream, for the time and scope of an incident.
    #[must_use]
    pub fn firehose(&self, incident: &Incident) -> String {
        fill(self.firehose.as_ref(), "firehose", incident)
    }

    /// Those that were configured, with a word for each: pages carry them.
    pub fn configured(&self) -> impl Iterator<Item = (&'static str, &LinkTemplate)> {
        [
            ("System map", &self.system_map),
            ("Firehose", &self.firehose),
        ]
        .into_iter()
        .filter_map(|(text, link)| Some((text, link.as_ref()?)))
    }
}

fn fill(template: Option<&LinkTemplate>, room: &str, incident: &Incident) -> String {
    let example = || {
        let query = "incident={id}&from={from}&services={services}";
        LinkTemplate::new(&format!("https://dashboard.example/{room}?{query}"))
    };
    template
        .cloned()
        .or_else(|| example().ok())
        .map_or_else(String::new, |link| {
            link.fill(
                incident.id,
                incident.started_at,
                &incident.affected_services,
            )
        })
}

impl PolicyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and where.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the file cannot be read: {error}"))?;
        Self::parse(&text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let template = file.template();
        file.paging = Paging {
            template: template.map_err(|error| format!("pagers.{error}"))?,
            severities: file.pagers.pagerduty,
            priorities: file.pagers.opsgenie,
            responders: file.pagers.responders.clone(),
        };
        file.agreed = file.contracts_made().map_err(|error| error.to_string())?;
        Ok(file)
    }

    fn contracts_made(&mut self) -> Result<Contracts, Invalid> {
        let mut made = Contracts::standard(self.sla.clone());
        for (name, contract) in std::mem::take(&mut self.contracts) {
            let field = |error: Invalid| {
                let field = format!("contracts/{name}/{}", error.field());
                error.at(field)
            };
            let contract = Contract::versions(contract.terms).map_err(field)?;
            made = made.with_contract(name.clone(), contract);
        }
        for (tenant, agreed) in std::mem::take(&mut self.tenants) {
            made = made.with_tenant(tenant, agreed.contract, agreed.monthly_fee)?;
        }
        Ok(made)
    }

    fn template(&self) -> Result<PageTemplate, Invalid> {
        let (mut template, from) = (PageTemplate::default(), &self.pagers);
        if let Some(source) = &from.source {
            template = template.source(source)?;
        }
        if let Some(client) = &from.client {
            template = template.client(client)?;
        }
        if let Some(url) = &from.client_url {
            template = template.client_url(url.clone());
        }
        for (text, link) in self.links.configured() {
            template = template.link(text, link.clone())?;
        }
        for (alt, image) in &from.images {
            template = template.image(alt, image.clone())?;
        }
        for (name, value) in &from.details {
            template = template.detail(name, value)?;
        }
        Ok(template)
    }

    /// What the adapters of pagers are made with.
    #[must_use]
    pub const fn paging(&self) -> &Paging {
        &self.paging
    }

    /// The policy per severity.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.severities
    }

    /// What people may change in a vendor's own app.
    #[must_use]
    pub fn heed(&self) -> HeedPolicy {
        let shipped = HeedPolicy::default();
        HeedPolicy {
            acknowledge: self
                .pagers
                .acknowledged_there
                .unwrap_or(shipped.acknowledge),
            resolve: self.pagers.resolved_there.unwrap_or(shipped.resolve),
        }
    }

    /// What each pager takes in a minute.
    #[must_use]
    pub fn gate(&self) -> GateSettings {
        GateSettings {
            per_minute: self.pagers.per_minute,
            ..GateSettings::default()
        }
    }

    /// What was agreed with which tenant.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        self.agreed.clone()
    }

    /// Who may approve which credits.
    #[must_use]
    pub const fn credits(&self) -> CreditPolicy {
        self.credits
    }

    /// Where deep links lead.
    #[must_use]
    pub fn links(&self) -> Links {
        self.links.clone()
    }

    /// The public names of services; `api` is "API" unless the file says otherwise.
    #[must_use]
    pub fn names(&self) -> PublicNames {
        let built_in = match (ServiceId::new("api"), PublicText::new("API")) {
            (Ok(id), Ok(name)) => PublicNames::default().with(id, name),
            _ => PublicNames::default(),
        };
        self.services.iter().fold(built_in, |names, (id, service)| {
            names.with(id.clone(), service.public_name.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use incident_pagers::{OpsGeniePriority, PagerDutySeverity};

    use super::*;

    #[test]
    fn a_file_replaces_what_it_names() {
        let file = PolicyFile::parse(
            r#"
            [severities.sev3]
            page = false
            [severities.sev1]
            accept_within_seconds = 30
            [sla]
            target_percent = "99.5"
            version = "gold-2"
            tiers = [{ from_minutes = 0, credit_percent = "5" }]
            [contracts.gold]
            terms = [{ target_percent = "99.95", version = "gold-1", basis = "per_month", timezone = "Europe/Paris", availability_tiers = [{ below_percent = "99.95", credit_percent = "15" }] }]
            [tenants.tenant-fr]
            contract = "gold"
            monthly_fee = { minor = 125000, currency = "EUR" }
            [services.login]
            public_name = "Sign-in"
            [links]
            system_map = "https://map.example/?i={id}"
            [pagers]
            per_minute = 120
            source = "petanque.life"
            client = "Petanque Life console"
            client_url = "https://console.example/incidents/{id}"
            details = { region = "eu-west" }
            images = { "Errors" = "https://graphs.example/{id}.png" }
            responders = [{ type = "schedule", id = "4513b7ea" }]
            [pagers.pagerduty]
            sev3 = "critical"
            [pagers.opsgenie]
            sev4 = "P5"
            "#,
        )
        .unwrap();
        assert!(!file.policy().sev3.page && file.policy().sev1.page);
        assert_eq!(file.policy().sev1.accept_within_seconds, Some(30));
        assert_eq!(file.gate().per_minute.map(NonZeroU32::get), Some(120));
        assert_eq!(
            file.contracts().standard_terms().target().to_string(),
            "99.5"
        );
        let (incident, _, _) = incident_core::testing::an_incident();
        let link = file.links().system_map(&incident);
        assert_eq!(link, format!("https://map.example/?i={}", incident.id));
        assert!(
            file.links()
                .firehose(&incident)
                .contains("dashboard.example")
        );
        assert_eq!(file.links().configured().count(), 1);
        let paging = file.paging();
        assert_eq!(paging.severities.sev3, Some(PagerDutySeverity::Critical));
        assert_eq!(paging.priorities.sev4, OpsGeniePriority::P5);
        assert_eq!(paging.responders.len(), 1);
        assert_ne!(paging.template, PageTemplate::default());
    }

    #[test]
    fn unknown_and_crooked_settings_are_named() {
        for (text, named) in [
            ("[sverities]", "sverities"),
            (
                "[sla]\ntarget_percent = \"99.9\"\nversion = \"x\"\ntiers = [{ from_minutes = 5, credit_percent = \"0\" }]",
                "tiers/0/from_minutes",
            ),
            ("[tenants.x]\ncontract = \"gold\"", "tenants/x/contract"),
            ("[tenants.x]\nmonthly_fee = { minor = 5 }", "currency"),
            (
                "[tenants.x]\nmonthly_fee = { minor = 5, currency = \"euro\" }",
                "currency",
            ),
            ("[contracts.gold]\nterms = []", "contracts/gold/terms"),
            ("[services.api]\npublic_name = \"\"", "public_name"),
            ("[links]\nfirehose = \"http://plain.example\"", "firehose"),
            ("[pagers]\nclient = \" \"", "pagers.client"),
            ("[pagers]\nper_minute = 0", "per_minute"),
            (
                "[severities.sev1]\naccept_within_seconds = \"soon\"",
                "never",
            ),
            ("[pagers]\ndetails = { number = \"1\" }", "pagers.detail"),
            ("[pagers.pagerduty]\nsev1 = \"Critical\"", "sev1"),
            ("[pagers.opsgenie]\nsev1 = \"P0\"", "sev1"),
            ("[pagers]\nresponders = [{ type = \"team\" }]", "responder"),
            (
                "[pagers]\nresponders = [{ type = \"team\", id = \"\" }]",
                "responder",
            ),
        ] {
            let error = PolicyFile::parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
