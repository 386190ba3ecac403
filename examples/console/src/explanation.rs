//! `incident-console explain`: for one incident, the reason why each escalation rule fired or did not.

use std::error::Error;
use std::fmt;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use incident_core::engine::{self, Incidents};
use incident_core::incident::{Incident, Mode};
use incident_core::policy::{Policy, PolicyRecord};
use incident_core::port::IncidentFilter;
use incident_core::response::{ClockState, Due, RecordedFiring, ResponseClock, RuleState};
use incident_core::{IncidentId, Timestamp, Zone};
use incident_store_postgres::PgStore;

use crate::config::Config;
use crate::policy_check::{local, names, span};
use crate::storage::DatabaseSettings;
use crate::terminal::lines;

/// Number of incidents that are read at a time.
const BATCH: usize = 200;

/// Explains an incident, by its number or id, under the policy that the servers of the database put in
/// force last.
///
/// # Errors
/// Fails if `DATABASE_URL` is not set, the database cannot be used, or there is no such incident.
pub async fn explain(
    incident: &str,
    config: &Config,
    out: &mut (impl Write + Send),
) -> Result<(), Box<dyn Error>> {
    let database = config
        .database
        .as_ref()
        .ok_or("DATABASE_URL is required for this command")?;
    database.reach().await?;
    let store = Arc::new(PgStore::new(database.pool(2)));
    let engine = Incidents::builder(Arc::<PgStore>::clone(&store)).build()?;
    let in_force = engine.worker().policy_at(engine.reports().now()).await?;
    let policy = match &in_force {
        Some(record) => record.policy()?,
        None => config.policy_file()?.policy(),
    };
    let zone = policy.timezone;
    let engine = Incidents::builder(store).policy(policy.clone()).build()?;
    let id = find(&engine, incident, database).await?;
    let incident = match engine.get(id).await {
        Err(engine::Error::NotFound(_)) => return Err(no_incident(id, database)),
        found => found?,
    };
    let (due, rules) = engine.reports().due_of(&incident);
    let explanation = Explanation {
        incident: &incident,
        due: &due,
        rules: &rules,
        fired: &engine.reports().recorded_firings(id).await?,
        zone,
        now: engine.reports().now(),
    };
    let mut text = explanation.head();
    text.push_str(&policy_line(in_force.as_ref(), &policy));
    text.push_str(&explanation.clocks());
    text.push_str(&explanation.fired());
    text.push_str(&explanation.rules());
    lines(out, text.trim_end())?;
    Ok(())
}

/// Finds an incident by its id, or by its number with or without `#`.
async fn find(
    engine: &Incidents,
    text: &str,
    database: &DatabaseSettings,
) -> Result<IncidentId, Box<dyn Error>> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let number: u64 = text
        .trim_start_matches('#')
        .parse()
        .map_err(|_| "explain: expected the number or the id of an incident")?;
    let mut filter = IncidentFilter {
        limit: BATCH,
        // The one that is looked for may be readable.
        skip_unreadable: true,
        ..IncidentFilter::default()
    };
    loop {
        let batch = engine.list(&filter).await?;
        if let Some(found) = batch.iter().find(|one| one.number == number) {
            return Ok(found.id);
        }
        filter.after = batch.last().map(|last| (last.declared_at, last.id));
        if batch.len() < BATCH {
            return Err(no_incident(number, database));
        }
    }
}

fn no_incident(incident: impl fmt::Display, database: &DatabaseSettings) -> Box<dyn Error> {
    format!("explain: there is no incident {incident} in {database}").into()
}

fn policy_line(in_force: Option<&PolicyRecord>, policy: &Policy) -> String {
    match in_force {
        Some(record) => {
            let hash = record.hash.to_string();
            let short = hash.get(..12).unwrap_or(&hash);
            let since = local(policy.timezone, record.since);
            format!("policy in force since {since}, hash {short}\n")
        }
        None => "no server has put a policy in force; that of the settings is used\n".to_owned(),
    }
}

/// An incident with all that its explanation is made of.
struct Explanation<'a> {
    incident: &'a Incident,
    due: &'a Due,
    rules: &'a [RuleState],
    fired: &'a [RecordedFiring],
    zone: Zone,
    now: Timestamp,
}

impl Explanation<'_> {
    fn head(&self) -> String {
        let incident = self.incident;
        let mode = match incident.mode {
            Mode::Live => "",
            Mode::Drill => "drill, ",
            Mode::Retrospective => "retrospective, ",
        };
        format!(
            "#{} {} {}\n{mode}{}, declared at {}, environment {}\n",
            incident.number,
            incident.severity,
            incident_core::plain(incident.title.as_str()),
            incident.status,
            self.at(incident.declared_at),
            incident.environment,
        )
    }

    fn at(&self, time: Timestamp) -> String {
        local(self.zone, time)
    }

    /// Writes the distance of a time from now.
    fn distance(&self, time: Timestamp) -> String {
        let minutes = |later: Timestamp, earlier| later.since(earlier).as_secs() / 60;
        match (minutes(time, self.now), minutes(self.now, time)) {
            (0, 0) => "now".to_owned(),
            (left, 0) => format!("in {}", span(left)),
            (_, past) => format!("{} ago", span(past)),
        }
    }

    fn clocks(&self) -> String {
        let mut text = format!("\nclocks at {}\n", self.at(self.now));
        let row = |clock: &ResponseClock| {
            let until = clock.deadline.map_or_else(
                || "no deadline".to_owned(),
                |at| format!("due {} ({})", self.at(at), self.distance(at)),
            );
            let state = match clock.state(self.now) {
                ClockState::Overdue => "overdue",
                ClockState::AtRisk => "at risk",
                ClockState::Running => "running",
            };
            let (trigger, since) = (clock.trigger, self.at(clock.started_at));
            format!("  {}: {state} since {since}, {until}\n", trigger.name())
        };
        text.extend(self.due.clocks.iter().map(row));
        if self.due.clocks.is_empty() {
            text.push_str("  none\n");
        }
        text
    }

    fn fired(&self) -> String {
        let mut text = "\nfired, by the audit trail\n".to_owned();
        for firing in self.fired {
            let late = if firing.late { ", late" } else { "" };
            let due = firing.due_at.map(|at| self.at(at)).unwrap_or_default();
            let (_, level) = firing.place;
            let _ = writeln!(
                text,
                "  {}  {}, level {}: due {due}{late}; notifies {}",
                self.at(firing.at),
                firing.rule,
                u64::from(level) + 1,
                firing.groups,
            );
            for notice in &firing.ended {
                let (group, channel) = (&notice.group, &notice.channel);
                let at = self.at(notice.at);
                let _ = writeln!(text, "    {group} by {channel}: {} {at}", notice.outcome);
            }
            let waiting = firing.unfinished();
            if waiting > 0 {
                let _ = writeln!(text, "    notices that have not ended: {waiting}");
            }
        }
        if self.fired.is_empty() {
            text.push_str("  none\n");
        }
        text
    }

    fn rules(&self) -> String {
        let mut text = "\nrules\n".to_owned();
        for state in self.rules {
            let outcome = match (&state.next, state.silent) {
                (Some(next), _) => format!(
                    "level {} fires at {} ({}); notifies {}",
                    u64::from(next.n) + 1,
                    self.at(next.due_at),
                    self.distance(next.due_at),
                    names(&next.notify),
                ),
                (None, Some(silence)) => format!("does not fire: {}", silence.sentence()),
                (None, None) => "does not fire".to_owned(),
            };
            let _ = writeln!(text, "  {}: {outcome}", state.rule);
        }
        text
    }
}
