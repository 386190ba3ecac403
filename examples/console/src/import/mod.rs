//! `incident-console import statuspage FILE`: imports real histories as retrospective incidents,
//! without paging.
//!
//! Every write goes through the engine with an idempotency key made of the page's own ids, which
//! never expires: an import can be stopped and run again, and a second run over the same file
//! changes nothing. Posts that were edited at the source become new entries; nothing is
//! overwritten. A rejected entry is reported, and the others are imported.

mod oddity;
mod statuspage;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use incident_core::actor::{Actor, ActorKind, Caller, Role};
use incident_core::billing::CreditState;
use incident_core::engine::{
    CommandOutcome, Error as EngineError, IdempotencyKey, Incidents, RequestContext,
};
use incident_core::incident::{
    Affected, Change, Command, Declare, Facts, Incident, Mode, Status, Update,
};
use incident_core::port::CreditQuery;
use incident_core::sla::decimal_minutes;
use incident_core::timeline::{EntryKind, SysIncidentUpdateEntry};
use incident_core::{
    IncidentId, Name, Percent, PersonName, Statement, TEXT_BYTES, TITLE_CHARS, Text, Timestamp,
    Title, ValidationError, plain,
};

use crate::causes::At;

pub use oddity::Oddity;
use statuspage::{Contents, History, Post};
pub use statuspage::{MaintenanceWindows, Rejected};

/// Lifetime of an import's idempotency keys: longer than that of the imported data.
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// More entries than an imported incident has.
const ENTRIES: usize = 100_000;

/// The result of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// Incidents in the file.
    pub incidents: usize,
    /// Posts in the file.
    pub posts: usize,
    /// Incidents that were created.
    pub new_incidents: usize,
    /// Entries that were created.
    pub new_entries: usize,
    /// Ids of the affected incidents by oddity.
    pub odd: BTreeMap<Oddity, Vec<String>>,
    /// Announced maintenance, which is not an incident.
    pub maintenance: Vec<MaintenanceWindows>,
    /// The entries that were rejected.
    pub rejected: Vec<Rejected>,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} incidents with {} updates: {} incidents and {} timeline entries are new",
            self.incidents, self.posts, self.new_incidents, self.new_entries
        )?;
        for (odd, ids) in &self.odd {
            let shown: Vec<&str> = ids.iter().take(5).map(String::as_str).collect();
            let more = if ids.len() > shown.len() { ", ..." } else { "" };
            writeln!(
                f,
                "{:>6}  {} ({}{more})",
                ids.len(),
                odd.rule(),
                plain(&shown.join(", "))
            )?;
        }
        if !self.maintenance.is_empty() {
            writeln!(
                f,
                "{:>6}  scheduled maintenances, not imported as outages; if a contract excludes maintenance, add these to its `exclusions`:",
                self.maintenance.len()
            )?;
        }
        for one in &self.maintenance {
            // A JSON string is a valid TOML string.
            let reason = serde_json::to_string(&one.title).unwrap_or_default();
            let (reason, id) = (plain(&reason), plain(&one.id));
            match one.end {
                Some(end) => writeln!(
                    f,
                    "        {{ start = \"{}\", end = \"{end}\", reason = {reason} }}, # {id}",
                    one.start
                )?,
                None => writeln!(
                    f,
                    "        # {id}: {reason} from {}, without an end",
                    one.start
                )?,
            }
        }
        for Rejected { place, reason } in &self.rejected {
            writeln!(f, "REJECTED  {}: {}", plain(place), plain(reason))?;
        }
        Ok(())
    }
}

/// Computes the totals of an import, for a tenant affected by all its incidents.
///
/// # Errors
/// Fails if the store does not respond.
pub async fn figures(incidents: &Incidents) -> Result<ImportFigures, EngineError> {
    let mut figures = ImportFigures::default();
    for one in incidents.credits().list(&CreditQuery::default()).await? {
        let row = &one.row;
        if matches!(row.state, CreditState::Superseded) || row.incident_id.is_none() {
            continue;
        }
        figures.incidents += 1;
        figures.outage_us += row.outage_us;
        *figures.credits.entry(row.credit_percent).or_default() += 1;
    }
    Ok(figures)
}

/// The totals of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportFigures {
    /// Number of incidents that ended and count.
    pub incidents: usize,
    /// Sum of their outages, in microseconds.
    pub outage_us: u64,
    /// Number of incidents by the credit they earn, in percent, before caps.
    pub credits: BTreeMap<Percent, usize>,
}

impl fmt::Display for ImportFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = decimal_minutes(self.outage_us);
        writeln!(
            f,
            "{} resolved incidents, {minutes} min of outage in total; their credits for a tenant affected by all of them:",
            self.incidents
        )?;
        for (credit, count) in &self.credits {
            writeln!(f, "{count:>6}  with a credit of {credit} %")?;
        }
        Ok(())
    }
}

/// Imports the text of a file, read at `now`; `progress` is called with the number of processed
/// incidents.
///
/// The result lists the rejected entries with their places; all others were imported.
///
/// # Errors
/// Fails if a write to the store fails: the data imported until then stays, and the next run
/// continues.
pub async fn statuspage(
    incidents: &Incidents,
    text: &str,
    tenants: &Affected,
    now: Timestamp,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Imported, Box<dyn Error + Send + Sync>> {
    let Contents {
        histories,
        maintenance,
        rejected,
    } = statuspage::read(text, now);
    let mut done = Imported {
        incidents: histories.len(),
        maintenance,
        rejected,
        ..Imported::default()
    };
    let all = histories.len();
    for (at, history) in histories.into_iter().enumerate() {
        let (name, place) = (history.id.clone(), history.place.clone());
        match import(incidents, history, tenants, &mut done).await {
            Ok(()) => {}
            Err(EngineError::Refused(refusal)) => {
                let reason = refusal.to_string();
                done.rejected.push(Rejected { place, reason });
            }
            Err(error) => return Err(At::new(format!("incident {name}"), error).into()),
        }
        progress(at + 1, all);
    }
    Ok(done)
}

fn asking(key: &str, fingerprint: [u8; 32]) -> Result<RequestContext, EngineError> {
    let name = PersonName::new("import:statuspage")?;
    let caller = Caller {
        actor: Actor {
            kind: ActorKind::Integration,
            name,
        },
        role: Role::Commander,
    };
    let key = IdempotencyKey {
        actor: caller.actor.name.clone(),
        key: format!("statuspage {key}"),
        fingerprint,
    };
    Ok(RequestContext::new(caller)
        .with_key(key)
        .remembered_for(FOR_GOOD))
}

async fn import(
    incidents: &Incidents,
    history: History,
    tenants: &Affected,
    done: &mut Imported,
) -> Result<(), EngineError> {
    let mut odd = history.odd.clone();
    let title = title(&history, &mut odd)?;
    let nobody = Affected::default();
    let tenants = if history.is_harmless {
        &nobody
    } else {
        tenants
    };
    let mut facts = Facts::default();
    let label = Name::new("statuspage_id")?;
    facts.labels.insert(label, Text::cut(&history.id));
    let asked = Declare {
        facts,
        mode: Mode::Retrospective,
        started_at: Some(history.start),
        affected_services: history.services.clone(),
        affected_tenants: tenants.clone(),
        ..Declare::new(title.clone(), history.severity)
    };
    // The key alone identifies the incident; later changes are compared below.
    let declared = incidents
        .declare(&asking(&history.id, [0; 32])?, &asked)
        .await?;
    let id = declared.incident.id;
    if declared.replayed {
        let changes = [
            Change::Title(title),
            Change::Severity(history.severity),
            Change::StartedAt(history.start),
            Change::AffectedServices(history.services.clone()),
        ];
        changed(incidents, id, &changes, &mut odd, done).await?;
    } else {
        done.new_incidents += 1;
    }
    done.posts += history.updates.len();
    for post in &history.updates {
        let kept = publish(incidents, id, &history, post).await?;
        done.new_entries += usize::from(!kept.replayed);
        let of_post = [
            (kept.edited, Oddity::EditedPost),
            (kept.status_left_out, Oddity::StatusLeftOut),
            (post.body.trim().is_empty(), Oddity::NoWords),
            (post.body.len() > TEXT_BYTES, Oddity::TooLong),
        ];
        odd.extend(
            of_post
                .into_iter()
                .filter_map(|(is, one)| is.then_some(one)),
        );
    }
    end(incidents, id, &history, &mut odd, done).await?;
    odd.sort_unstable();
    odd.dedup();
    for one in odd {
        done.odd.entry(one).or_default().push(history.id.clone());
    }
    Ok(())
}

/// Returns the title: truncated if it is too long, and derived from the id if it is invalid.
fn title(history: &History, odd: &mut Vec<Oddity>) -> Result<Title, ValidationError> {
    Title::new(&history.title).or_else(|_| {
        let cut: String = history.title.chars().take(TITLE_CHARS).collect();
        if cut.len() < history.title.len()
            && let Ok(title) = Title::new(&cut)
        {
            odd.push(Oddity::TooLong);
            return Ok(title);
        }
        odd.push(Oddity::OtherTitle);
        Title::new(&format!("Incident {}", history.id))
    })
}

/// Updates fields to the page's current values, with an entry for each change.
async fn changed(
    incidents: &Incidents,
    id: IncidentId,
    changes: &[Change],
    odd: &mut Vec<Oddity>,
    done: &mut Imported,
) -> Result<(), EngineError> {
    let now = incidents.get(id).await?;
    let new: Vec<Change> = changes
        .iter()
        .filter(|one| !one.is_idle(&now))
        .cloned()
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    odd.push(Oddity::ChangedField);
    let fields: Vec<&str> = new.iter().map(Change::field).collect();
    let key = format!("{id} {} {}", now.version.0, fields.join(","));
    let kept = incidents
        .act(&asking(&key, [0; 32])?, id, &Command::Change(new))
        .await?;
    done.new_entries += kept.entries.len();
    Ok(())
}

#[derive(Default)]
struct Kept {
    replayed: bool,
    edited: bool,
    status_left_out: bool,
}

/// Adds a post as an entry; an edited post as a correction of its entry.
async fn publish(
    incidents: &Incidents,
    id: IncidentId,
    history: &History,
    post: &Post,
) -> Result<Kept, EngineError> {
    let key = format!("{} {}", history.id, post.key);
    let update = Update {
        occurred_at: Some(post.at),
        ..Update::new(said(post)?)
    };
    let with_status = |status| {
        let mut update = update.clone();
        update.status = Some(status);
        update.impact_ended_at = history.end.filter(|_| post.ends);
        update
    };
    let status = if post.ends {
        Some(Status::Resolved)
    } else {
        post.status
    };
    let context = asking(&key, post.fingerprint())?;
    let first = match status {
        Some(status) => act(incidents, &context, id, with_status(status)).await,
        None => act(incidents, &context, id, update.clone()).await,
    };
    match first {
        Ok(done) => Ok(Kept {
            replayed: done.replayed,
            ..Kept::default()
        }),
        Err(EngineError::IdempotencyKeyMismatch) => {
            correct(incidents, id, &key, history, post).await
        }
        // A status that is not allowed here, such as one after the end, is dropped; the text is
        // stored.
        Err(EngineError::Refused(_)) => {
            let done = act(incidents, &context, id, update).await?;
            Ok(Kept {
                replayed: done.replayed,
                status_left_out: !done.replayed,
                ..Kept::default()
            })
        }
        Err(error) => Err(error),
    }
}

async fn act(
    incidents: &Incidents,
    context: &RequestContext,
    id: IncidentId,
    update: Update,
) -> Result<CommandOutcome, EngineError> {
    incidents
        .act(context, id, &Command::Update(Box::new(update)))
        .await
}

/// Returns the text of a post: truncated if it is too long, and a placeholder if it is empty.
fn said(post: &Post) -> Result<Statement, ValidationError> {
    let cut = |_| Statement::new(Text::cut(&post.body).as_str());
    let none = |_| Statement::new("(a post without text)");
    Statement::new(&post.body).or_else(cut).or_else(none)
}

async fn correct(
    incidents: &Incidents,
    id: IncidentId,
    key: &str,
    history: &History,
    post: &Post,
) -> Result<Kept, EngineError> {
    let hash: String = post
        .fingerprint()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let entries = incidents.audit().timeline(id, 0, ENTRIES).await?;
    // Of several posts with the same time, the one at the same position.
    let before = history.updates.iter().take_while(|one| one.key != post.key);
    let place = before.filter(|one| one.at == post.at).count();
    let posted = |entry: &&SysIncidentUpdateEntry| {
        entry.fields.kind == EntryKind::Update && entry.fields.occurred_at == post.at
    };
    let original = entries.iter().filter(posted).nth(place);
    let update = Update {
        corrects: original.map(|entry| entry.seq),
        occurred_at: Some(post.at),
        ..Update::new(said(post)?)
    };
    let context = asking(&format!("{key} {hash}"), post.fingerprint())?;
    let done = act(incidents, &context, id, update).await?;
    Ok(Kept {
        replayed: done.replayed,
        edited: !done.replayed,
        ..Kept::default()
    })
}

/// Corrects the end if it differs from that of the last post, or if no post reports it.
async fn end(
    incidents: &Incidents,
    id: IncidentId,
    history: &History,
    odd: &mut Vec<Oddity>,
    done: &mut Imported,
) -> Result<(), EngineError> {
    let Some(end) = history.end else {
        return Ok(());
    };
    let now = incidents.get(id).await?;
    if now.status.is_live() {
        let update = Update {
            occurred_at: Some(end),
            impact_ended_at: Some(end),
            ..Update::to_status(
                Statement::new("the status page shows it as resolved")?,
                Status::Resolved,
            )
        };
        let kept = act(
            incidents,
            &asking(&format!("{} end", history.id), [0; 32])?,
            id,
            update,
        )
        .await?;
        done.new_entries += usize::from(!kept.replayed);
        return Ok(());
    }
    if is_over_at(&now, end) {
        return Ok(());
    }
    changed(
        incidents,
        id,
        &[Change::ImpactEndedAt(Some(end))],
        odd,
        done,
    )
    .await
}

fn is_over_at(incident: &Incident, end: Timestamp) -> bool {
    incident.impact_ended_at.or(incident.resolved_at) == Some(end)
}
