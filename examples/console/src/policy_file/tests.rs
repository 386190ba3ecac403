//! Tests of the policy file.

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
    let guide = include_str!("../../../../docs/configuration.md");
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
    let guide = include_str!("../../../../docs/policy.md");
    let blocks: Vec<&str> = guide.split("```toml\n").skip(1).collect();
    assert_eq!(blocks.len(), 4);
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
        (
            "[classification]\nmost_users_percent = \"50\"\nmany_users_percent = \"60\"",
            "line 3: classification.many_users_percent: expected a percentage above zero and at most",
        ),
        (
            "[classification]\nmany_users_percent = \"a few\"",
            "line 2: classification.many_users_percent: expected a percentage from 0 to 100",
        ),
        (
            "[classification]\nmany_users_percent = 10",
            "line 2: classification.many_users_percent: invalid type: integer `10`, expected a string",
        ),
        (
            "\n[classification]\ncritical_revenue_per_hour = { minor = 2000000, currency = \"EUR\" }",
            "line 2: classification.major_revenue_per_hour: expected the currency of",
        ),
        (
            "[classification.major_revenue_per_hour]\nminor = 0\ncurrency = \"XAF\"",
            "line 1: classification.major_revenue_per_hour: expected an amount above zero",
        ),
        (
            "[classification]\nmajor_revenue_per_hour = { minor = 5, currency = \"euro\" }",
            "line 2: classification.major_revenue_per_hour.currency: expected an ISO 4217",
        ),
        (
            "[classification]\nfew_users_percent = \"5\"",
            "line 2: classification.few_users_percent: unknown field",
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

/// The engine of every command, not only that of the server, follows the file.
#[test]
fn an_engine_has_all_of_the_file() {
    let file = "[sla]\nenabled = false\n[status_page]\nenabled = false\n[severities.sev3]\npage = false\n[classification]\nmany_users_percent = \"5\"\n[credits]\nfour_eyes = true\n[services.login]\npublic_name = \"Sign-in\"\n[checklists.triage]\nitems = [{ id = \"real\", text = \"Is it real?\" }]\n";
    let file = PolicyFile::parse(file).unwrap();
    let engine = crate::storage::Storage::default().engine(&file).unwrap();
    assert!(!engine.has_sla() && !engine.has_status_page());
    assert_eq!(*engine.policy(), file.policy());
    assert_eq!(engine.policy().classification.many_users().ppm(), 50_000);
    assert!(engine.credit_policy().four_eyes);
    assert_eq!(*engine.checklists(), file.checklists());
    assert_eq!(engine.reports().named_services().count(), 2);
    let shipped = PolicyFile::parse("").unwrap();
    let engine = crate::storage::Storage::default().engine(&shipped).unwrap();
    assert!(engine.has_sla() && engine.has_status_page());
}
