//! The policy file: severities, SLA terms, public names and links.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use incident_axum::Links;
use incident_core::billing::CreditPolicy;
use incident_core::paging::{GateSettings, InboundPolicy};
use incident_core::policy::{
    BusinessCalendar, DeadlineTable, OverrideTable, Policy, PolicyTables, RuleTable,
    SeverityTables, TeamTable,
};
use incident_core::response::{Checklists, NamedChecklist};
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
            [checklists.triage]
            items = [{ id = "real", text = "Is it real?" }]
            [checklists.dunning]
            applies = "resolved"
            severities = ["SEV1"]
            items = [{ id = "paused", text = "Dunning is paused" }]
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
        let lists = file.checklists();
        let names: Vec<(&str, usize)> = lists
            .iter()
            .map(|list| (list.name.as_ref(), list.items.len()))
            .collect();
        assert_eq!(names.first(), Some(&("triage", 1)));
        assert_eq!(names.last(), Some(&("dunning", 1)));
        assert_eq!(names.len(), 6);
        assert_eq!(file.gate().per_minute.map(NonZeroU32::get), Some(120));
        assert_eq!(
            file.contracts().standard_terms().target().to_string(),
            "99.5"
        );
        let (incident, _, _) = incident_core::testing::an_incident();
        let shown = serde_json::to_value(file.links().of(&incident)).unwrap();
        let link = format!("https://map.example/?i={}", incident.id);
        assert_eq!(shown["system_map"], link);
        assert_eq!(file.links().configured().count(), 1);
        let paging = file.paging();
        assert_eq!(paging.severities.sev3, Some(PagerDutySeverity::Critical));
        assert_eq!(paging.priorities.sev4, OpsGeniePriority::P5);
        assert_eq!(paging.responders.len(), 1);
        assert_ne!(paging.template, PageTemplate::default());
    }

    /// Every example of the guide is a policy that the server takes.
    #[test]
    fn the_examples_of_the_guide_are_policies() {
        let guide = include_str!("../../../docs/configuration.md");
        let blocks: Vec<&str> = guide.split("```toml\n").skip(1).collect();
        assert_eq!(blocks.len(), 4);
        for block in blocks {
            let example = block.split("```").next().unwrap_or_default();
            assert!(PolicyFile::parse(example).is_ok(), "{example}");
        }
    }

    /// Every example of the guide is a policy that the server takes, and its error is what a
    /// server says.
    #[test]
    fn the_examples_of_the_policy_guide_are_policies() {
        let guide = include_str!("../../../docs/policy.md");
        let blocks: Vec<&str> = guide.split("```toml\n").skip(1).collect();
        assert_eq!(blocks.len(), 3);
        for block in blocks {
            let example = block.split("```").next().unwrap_or_default();
            let file = PolicyFile::parse(example).unwrap();
            assert_ne!(file.policy(), Policy::default());
        }
        let wrong = "[[rules]]\nname = \"unacknowledged\"\nwhen = \"unacknowledged\"\nlevels = [\n    { from = \"deadline\", after_minutes = 10, notify = [\"backup\"] },\n    { from = \"deadline\", after_minutes = 10, notify = [\"lead\"] },\n]\n";
        let error = PolicyFile::parse(wrong).unwrap_err();
        assert!(
            guide.contains(&format!("policy.toml: {error}\n")),
            "{error}"
        );
    }

    #[test]
    fn unknown_and_invalid_settings_are_named() {
        for (text, named) in [
            ("[sverities]", "sverities"),
            (
                "[sla]\ntarget_percent = \"99.9\"\nversion = \"x\"\ntiers = [{ from_minutes = 5, credit_percent = \"0\" }]",
                "line 4: sla.tiers[0].from_minutes",
            ),
            ("[tenants.x]\ncontract = \"gold\"", "tenants.x.contract"),
            ("[tenants.x]\nmonthly_fee = { minor = 5 }", "currency"),
            (
                "[tenants.x]\nmonthly_fee = { minor = 5, currency = \"euro\" }",
                "currency",
            ),
            ("[contracts.gold]\nterms = []", "contracts.gold.terms"),
            (
                "[checklists.dunning]\nitems = [{ id = \"a\", text = \"b\" }]",
                "checklists.dunning.applies",
            ),
            (
                "[checklists.triage]\nitems = [{ id = \"a\", text = \"b\" }, { id = \"a\", text = \"c\" }]",
                "checklists.triage.items[1].id",
            ),
            (
                "[checklists.triage]\nitems = [{ id = \"A-1\", text = \"b\" }]",
                "1 to 40 characters",
            ),
            ("[services.api]\npublic_name = \"\"", "public_name"),
            (
                "[services.api]\npublic_name = \"\\u200b\"",
                "services.api.public_name",
            ),
            ("[services.\"\\u3164\"]\npublic_name = \"x\"", "services"),
            (
                "[tenants.\"\\u2060\"]\nmonthly_fee = { minor = 1, currency = \"EUR\" }",
                "tenants",
            ),
            ("[pagers]\nclient = \"\\u3164\"", "pagers.client"),
            ("[links]\nfirehose = \"http://plain.example\"", "firehose"),
            ("[pagers]\nclient = \" \"", "pagers.client"),
            ("[pagers]\nper_minute = 0", "per_minute"),
            (
                "[severities.sev1]\naccept_within_seconds = \"soon\"",
                "never",
            ),
            ("[pagers]\ndetails = { number = \"1\" }", "pagers.detail"),
            (
                "[severities.sev2]\nresolve_within = { minutes = 0 }",
                "line 2: severities.sev2.resolve_within.minutes: expected a number",
            ),
            (
                "[severities.sev2]\npage = true\nresolve_within = \"soon\"",
                "line 3: severities.sev2.resolve_within: expected { minutes = 5 }",
            ),
            (
                "[severities.sev2]\nresolve_within = { minutes = 5, calendar = \"office\" }",
                "line 2: severities.sev2.resolve_within.calendar: expected the name",
            ),
            (
                "[team]\ntimezone = \"Europe/Pari\"",
                "line 2: team.timezone: expected",
            ),
            (
                "[calendars.office]\ntimezone = \"Mars\"\nhours = { monday = [\"09:00-10:00\"] }",
                "line 2: calendars.office.timezone: expected",
            ),
            (
                "[calendars.office]\ntimezone = \"UTC\"\nhours = {}",
                "line 3: calendars.office.hours: expected opening hours",
            ),
            (
                "[calendars.office]\ntimezone = \"UTC\"\n[calendars.office.hours]\nmonday = [\"10:00-09:00\"]",
                "line 4: calendars.office.hours.monday",
            ),
            (
                "\n[[overrides]]\n[overrides.sev2]\npage = true",
                "line 2: overrides[0]: expected a service",
            ),
            (
                "[[overrides]]\nservice = \"api\"\n[overrides.sev2]\nwatch_minutes = 0",
                "line 4: overrides[0].sev2.watch_minutes: expected",
            ),
            (
                "[[rules]]\nname = \"watch\"\nenabled = false\n[[rules]]\nname = \"watch\"\nenabled = false",
                "line 5: rules[1].name: expected a name that no other rule has",
            ),
            (
                "[[rules]]\nname = \"one\"\nwhen = \"declared\"\n[[rules.levels]]\nnotify = []",
                "line 5: rules.one.levels[0].notify: expected at least one group",
            ),
            (
                "[[rules]]\nname = \"one\"\nwhen = \"late\"",
                "line 3: rules[0].when: unknown variant `late`",
            ),
            ("[pagers.pagerduty]\nsev1 = \"Critical\"", "sev1"),
            ("[pagers.opsgenie]\nsev1 = \"P0\"", "sev1"),
            ("[team]\nchannel = \"#{day}\"", "team.channel"),
            ("[team]\nchannel = \"\"", "team.channel"),
            ("[team]\ntimezone = \"Mars/Base\"", "timezone"),
            ("[team]\nchannels = \"x\"", "channels"),
            ("[status_page]\nenabled = \"no\"", "enabled"),
            ("[status_page]\non = false", "unknown field"),
            ("[sla]\nenabled = 0", "enabled"),
            ("[pagers]\nresponders = [{ type = \"team\" }]", "responder"),
            (
                "[pagers]\nresponders = [{ type = \"team\", id = \"\" }]",
                "responder",
            ),
        ] {
            let error = PolicyFile::parse(text).unwrap_err();
            assert!(error.contains(named), "{error}");
            assert!(error.starts_with("line "), "{error}");
        }
    }
}
