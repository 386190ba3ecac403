//! The policy file: severities, SLA terms, public names and links.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use incident_axum::Links;
use incident_core::billing::CreditPolicy;
use incident_core::engine::{Incidents, IncidentsBuilder};
use incident_core::paging::{GateSettings, InboundPolicy};
use incident_core::policy::{
    BusinessCalendar, DeadlineTable, OverrideTable, Policy, PolicyTables, RuleTable,
    SeverityTables, TeamTable,
};
use incident_core::port::Store;
use incident_core::response::{Checklists, ClassificationRules, NamedChecklist};
use incident_core::sla::{Contract, Contracts, SlaTerms};
use incident_core::status_page::PublicNames;
use incident_core::{
    ChannelPattern, ChecklistKey, LinkTemplate, Money, Name, PublicText, ServiceId, TenantId,
    ValidationError,
};
use incident_pagers::{OpsGeniePriorities, PageTemplate, PagerDutySeverities, Responder};
use serde::Deserialize;

use crate::file::{POLICY_BYTES, read_text};
use crate::file_error;
use crate::policy_parts::{SlaTable, StatusPageTable};

/// Maximum number of tenants with terms of their own.
pub const MAX_AGREED: usize = 20_000;
/// Maximum number of contracts.
pub const MAX_CONTRACTS: usize = 1_000;
/// Maximum number of consecutive terms of one contract.
pub const MAX_TERMS: usize = 100;
/// Maximum number of services with a public name.
pub const MAX_NAMED: usize = 5_000;
/// Maximum number of details, and of responders, of a page.
pub const MAX_PAGED: usize = 50;

/// The contents of the policy file. Absent parts have built-in defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    severities: SeverityTables,
    deadlines: DeadlineTable,
    team: TeamTable,
    calendars: BTreeMap<Name, BusinessCalendar>,
    overrides: Vec<OverrideTable>,
    rules: Vec<RuleTable>,
    classification: ClassificationRules,
    /// Derived from the tables above when the file is read.
    #[serde(skip)]
    policy: Policy,
    sla: SlaTable,
    status_page: StatusPageTable,
    credits: CreditPolicy,
    contracts: BTreeMap<Name, NamedContract>,
    tenants: BTreeMap<TenantId, AgreedTerms>,
    /// Derived from `sla`, `contracts` and `tenants` when the file is read.
    #[serde(skip)]
    agreed: Contracts,
    services: BTreeMap<ServiceId, Service>,
    checklists: BTreeMap<ChecklistKey, NamedChecklist>,
    /// Derived from `checklists` when the file is read.
    #[serde(skip)]
    lists: Checklists,
    links: Links,
    pagers: PagersTable,
    /// Derived from `team` when the file is read.
    #[serde(skip)]
    channel: Option<ChannelPattern>,
    /// Derived from `pagers` and `links` when the file is read.
    #[serde(skip)]
    paging: PagingPolicy,
}

/// A contract: its terms, by validity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedContract {
    terms: Vec<SlaTerms>,
}

/// The terms agreed with a tenant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreedTerms {
    #[serde(default)]
    contract: Option<Name>,
    #[serde(default)]
    monthly_fee: Option<Money>,
}

/// The `pagers` table: the contents of pages, and the vendors' severities.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PagersTable {
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

/// The settings of the pager adapters.
#[derive(Clone, Debug, Default)]
pub struct PagingPolicy {
    /// The contents of every page besides the incident.
    pub template: PageTemplate,
    /// PagerDuty's severities for ours.
    pub severities: PagerDutySeverities,
    /// OpsGenie's priorities for our severities.
    pub priorities: OpsGeniePriorities,
    /// Responders to whom OpsGenie routes alerts.
    pub responders: Vec<Responder>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    public_name: PublicText,
}

impl PolicyFile {
    /// Reads the file.
    ///
    /// # Errors
    /// Returns a sentence that says what is wrong and where.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = read_text(path, POLICY_BYTES)
            .map_err(|error| format!("could not read the file: {error}"))?;
        Self::parse(&text)
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// Fails like [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut file: Self = file_error::read(text)?;
        file.derive()
            .map_err(|error| file_error::invalid(text, &error))?;
        Ok(file)
    }

    /// Derives what follows from the tables.
    fn derive(&mut self) -> Result<(), ValidationError> {
        self.check_sizes()?;
        self.check_names()?;
        self.channel = self.team.pattern().map_err(|error| {
            let field = format!("team/{}", error.field());
            error.at(field)
        })?;
        self.policy = self.tables().policy()?;
        self.lists = Checklists::named(&self.checklists)?;
        let template = self.template().map_err(|error| {
            let field = format!("pagers/{}", error.field());
            error.at(field)
        })?;
        self.paging = PagingPolicy {
            template,
            severities: self.pagers.pagerduty,
            priorities: self.pagers.opsgenie,
            responders: self.pagers.responders.clone(),
        };
        self.agreed = self.contracts_made()?;
        Ok(())
    }

    /// Takes the tables of the policy.
    fn tables(&mut self) -> PolicyTables {
        PolicyTables {
            severities: std::mem::take(&mut self.severities),
            deadlines: std::mem::take(&mut self.deadlines),
            team: std::mem::take(&mut self.team),
            calendars: std::mem::take(&mut self.calendars),
            overrides: std::mem::take(&mut self.overrides),
            rules: std::mem::take(&mut self.rules),
            classification: std::mem::take(&mut self.classification),
        }
    }

    /// Checks that no name is invisible: serde also accepts names that only old stored data may
    /// have.
    fn check_names(&self) -> Result<(), ValidationError> {
        for (id, service) in &self.services {
            id.check("services")?;
            let wrong = service.public_name.check("public_name");
            wrong.map_err(|wrong| wrong.at(format!("services/{id}/public_name")))?;
        }
        self.tenants
            .keys()
            .try_for_each(|tenant| tenant.check("tenants"))?;
        self.contracts
            .keys()
            .try_for_each(|name| name.check("contracts"))?;
        let terms = self.contracts.values().flat_map(|one| &one.terms);
        let mut versions = terms.chain([&self.sla.terms]).map(SlaTerms::version);
        versions.try_for_each(|version| version.check("version"))
    }

    /// Checks that no table has more entries than its maximum.
    fn check_sizes(&self) -> Result<(), ValidationError> {
        let terms = self.contracts.values().map(|one| one.terms.len());
        for (what, found, most) in [
            ("tenants", self.tenants.len(), MAX_AGREED),
            ("contracts", self.contracts.len(), MAX_CONTRACTS),
            ("terms", terms.max().unwrap_or(0), MAX_TERMS),
            ("services", self.services.len(), MAX_NAMED),
            ("pagers/details", self.pagers.details.len(), MAX_PAGED),
            ("pagers/responders", self.pagers.responders.len(), MAX_PAGED),
        ] {
            if found > most {
                return Err(ValidationError::new(
                    what,
                    format!("at most {most} entries"),
                ));
            }
        }
        Ok(())
    }

    fn contracts_made(&mut self) -> Result<Contracts, ValidationError> {
        let mut made = Contracts::standard(self.sla.terms.clone());
        for (name, contract) in std::mem::take(&mut self.contracts) {
            let field = |error: ValidationError| {
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

    fn template(&self) -> Result<PageTemplate, ValidationError> {
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

    /// Creates the builder of an engine that follows all of the file: every command has it from here, so
    /// that none of them goes by a default.
    pub fn engine(&self, store: Arc<dyn Store>) -> IncidentsBuilder {
        let mut builder = Incidents::builder(store)
            .policy(self.policy())
            .checklists(self.checklists())
            .contracts(self.contracts())
            .credit_policy(self.credits())
            .gate(self.gate())
            .inbound_policy(self.inbound_policy())
            .public_names(self.names());
        if !self.has_sla() {
            builder = builder.without_sla();
        }
        if !self.has_status_page() {
            builder = builder.without_status_page();
        }
        match self.channel() {
            Some(channel) => builder.channel_pattern(channel.clone()),
            None => builder,
        }
    }

    /// Returns the settings of the pager adapters.
    #[must_use]
    pub const fn paging(&self) -> &PagingPolicy {
        &self.paging
    }

    /// Returns the policy of the response.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy.clone()
    }

    /// Returns `true` unless the file switches SLA and credits off.
    #[must_use]
    pub const fn has_sla(&self) -> bool {
        self.sla.enabled
    }

    /// Returns `true` unless the file switches the status page off.
    #[must_use]
    pub const fn has_status_page(&self) -> bool {
        self.status_page.enabled
    }

    /// Returns the pattern of the channel of a new incident, if there is one.
    #[must_use]
    pub const fn channel(&self) -> Option<&ChannelPattern> {
        self.channel.as_ref()
    }

    /// Returns the checklists.
    #[must_use]
    pub fn checklists(&self) -> Checklists {
        self.lists.clone()
    }

    /// Returns the changes that are allowed in a vendor's own app.
    #[must_use]
    pub fn inbound_policy(&self) -> InboundPolicy {
        let shipped = InboundPolicy::default();
        InboundPolicy {
            acknowledge: self
                .pagers
                .acknowledged_there
                .unwrap_or(shipped.acknowledge),
            resolve: self.pagers.resolved_there.unwrap_or(shipped.resolve),
        }
    }

    /// Returns the rate limits of the pagers.
    #[must_use]
    pub fn gate(&self) -> GateSettings {
        GateSettings {
            per_minute: self.pagers.per_minute,
            ..GateSettings::default()
        }
    }

    /// Returns the contracts with the tenants.
    #[must_use]
    pub fn contracts(&self) -> Contracts {
        self.agreed.clone()
    }

    /// Returns the rules for approving credits.
    #[must_use]
    pub const fn credits(&self) -> CreditPolicy {
        self.credits
    }

    /// Returns the deep links.
    #[must_use]
    pub fn links(&self) -> Links {
        self.links.clone()
    }

    /// Returns the public names of services; `api` is "API" unless the file overrides it.
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
mod tests;
