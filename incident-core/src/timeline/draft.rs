//! Entries before they are sealed.

use serde_json::Value;

use super::{EntryKind, StateMarks};
use crate::actor::Actor;
use crate::incident::{
    AlertRepeated, ApprovalChanged, Change, CommsSent, Event, FieldDelta, Incident, Retried,
    RetryOf, RiskApprovalState, RoleChanged, Severity, Status, TickItem, TookIn, Updated,
};
use crate::{PublicText, Text, Timestamp};

/// An entry as it will be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDraft {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Author of the entry.
    pub author: Actor,
    /// Time of the event, as the author states it.
    pub occurred_at: Timestamp,
    /// Time of recording; never before that of the previous entry.
    pub recorded_at: Timestamp,
    /// The message of the entry.
    pub message: Text,
    /// The status before, for a transition.
    pub status_from: Option<Status>,
    /// The status after, for a transition and the declaration.
    pub status_to: Option<Status>,
    /// A message that was sent.
    pub comms_sent: Option<CommsSent>,
    /// The text for the public.
    pub public_message: Option<PublicText>,
    /// The entry that it corrects.
    pub corrects: Option<u64>,
    /// Fields that changed with it.
    pub changes: Vec<FieldDelta>,
    /// The marks of the incident's new state; set by
    /// [`IncidentWrite::new`](crate::commit::IncidentWrite::new).
    pub marks: Option<StateMarks>,
}

impl EntryDraft {
    /// Creates an entry that has only a message and is recorded `now`.
    #[must_use]
    pub fn new(kind: EntryKind, author: Actor, now: Timestamp, message: Text) -> Self {
        Self {
            kind,
            author,
            occurred_at: now,
            recorded_at: now,
            message,
            status_from: None,
            status_to: None,
            comms_sent: None,
            public_message: None,
            corrects: None,
            changes: Vec::new(),
            marks: None,
        }
    }

    /// Returns the entry that records an event; `before` is the incident that it happened to.
    ///
    /// Returns nothing for an event that has no entry: a redaction, or a repeat of an alert that is
    /// not noted.
    pub(crate) fn of(
        event: &Event,
        before: &Incident,
        author: &Actor,
        now: Timestamp,
    ) -> Option<Self> {
        // A clock that steps back must not put an entry before the previous one.
        let now = now.max(before.last_recorded_at);
        let made = |kind, message: &str| Self::new(kind, author.clone(), now, Text::cut(message));
        Some(match event {
            Event::Declared { overridden } => declared(before, *overridden, author, now),
            Event::Acknowledged { at, by } => Self {
                occurred_at: *at,
                ..made(
                    EntryKind::Acknowledgement,
                    &format!("acknowledged by {}", by.name),
                )
            },
            Event::Updated(updated) => updated_entry(updated, before, made),
            Event::Observed {
                statement,
                occurred_at,
                ..
            } => Self {
                occurred_at: *occurred_at,
                ..made(EntryKind::Observation, statement.as_str())
            },
            Event::Changed(change) => {
                let delta = change.delta(before);
                Self {
                    changes: vec![delta.clone()],
                    ..made(EntryKind::Change, &delta.sentence())
                }
            }
            Event::Published(publish) => {
                let message = if publish.public {
                    "made public"
                } else {
                    "made private"
                };
                Self {
                    public_message: publish.message.clone(),
                    ..made(EntryKind::Visibility, message)
                }
            }
            Event::PostMortemLinked { url, .. } => {
                made(EntryKind::PostMortem, &format!("post-mortem linked: {url}"))
            }
            Event::UsersNotified { note, .. } => made(
                EntryKind::Action,
                &format!("affected users notified: {note}"),
            ),
            Event::AuthorityNotified { note, .. } => {
                made(EntryKind::Action, &format!("authority notified: {note}"))
            }
            Event::PageRequested { reason, epoch } => made(
                EntryKind::PageRequest,
                &format!("page {epoch} requested: {reason}"),
            ),
            Event::Escalated { rule, reason, .. } => made(
                EntryKind::PageRequest,
                &format!("escalated to {rule}: {reason}"),
            ),
            Event::RuleFired(fired) => made(EntryKind::PageRequest, &fired.sentence()),
            Event::PageRetried { messages } => made(EntryKind::PageRequest, &retried(messages)),
            Event::TookIn(taken) => took_in_entry(taken, before, made),
            Event::AlertRepeated(repeated) => return repeated_entry(repeated, before, made),
            Event::Related {
                number, takes_over, ..
            } => {
                let stands = match takes_over {
                    Some(_) => {
                        ", and holds its alert key from now on, because this one paged no one"
                    }
                    None => "",
                };
                made(
                    EntryKind::Observation,
                    &format!("incident #{number} was declared for the same alert{stands}"),
                )
            }
            Event::RoleChanged(changed) => Self {
                changes: vec![role_delta(changed)],
                ..made(EntryKind::RoleChange, &changed.sentence())
            },
            Event::ApprovalChanged(changed) => Self {
                changes: vec![approval_delta(changed)],
                ..made(EntryKind::Decision, &changed.sentence())
            },
            Event::Ticked { tick, .. } => Self {
                changes: vec![tick_delta(tick)],
                ..made(EntryKind::Checklist, &tick.sentence())
            },
            Event::Redacted { .. } => return None,
        })
    }
}

/// Returns the entry of an update, with its changes relative to the incident before it.
fn updated_entry(
    updated: &Updated,
    before: &Incident,
    made: impl FnOnce(EntryKind, &str) -> EntryDraft,
) -> EntryDraft {
    let mut message = updated.message.as_str().to_owned();
    if let Some(reason) = &updated.reason {
        message.push_str(&format!("\nReason: {reason}"));
    }
    let changes = updated.changes.iter();
    EntryDraft {
        occurred_at: updated.occurred_at,
        status_from: updated.transition.map(|transition| transition.from),
        status_to: updated.transition.map(|transition| transition.to),
        comms_sent: updated.comms_sent.clone(),
        public_message: updated.public_message.clone(),
        corrects: updated.corrects,
        changes: changes.map(|change| change.delta(before)).collect(),
        ..made(updated.kind, &message)
    }
}

fn took_in_entry(
    taken: &TookIn,
    before: &Incident,
    made: impl FnOnce(EntryKind, &str) -> EntryDraft,
) -> EntryDraft {
    let deltas = taken.changes.iter().map(|change| change.delta(before));
    let changes: Vec<FieldDelta> = deltas.collect();
    let mut message = format!(
        "merged incident #{} ({}) into this one",
        taken.number, taken.from
    );
    for delta in &changes {
        message.push_str(&format!("\n{}", delta.sentence()));
    }
    EntryDraft {
        changes,
        ..made(EntryKind::Change, &message)
    }
}

fn retried(messages: &[RetryOf]) -> String {
    let noun = |one: &RetryOf| match &one.of {
        Retried::Page {
            rule: Some(rule),
            action,
            ..
        } => format!("{} of {rule}", action.noun()),
        Retried::Page {
            rule: None, action, ..
        } => action.noun().to_owned(),
        Retried::Notice { rule, group } => format!("notice of {rule} to {group}"),
    };
    let what: Vec<String> = messages.iter().map(noun).collect();
    let is_page = |one: &RetryOf| matches!(one.of, Retried::Page { .. });
    let kind = if messages.iter().all(is_page) {
        "pages"
    } else {
        "messages"
    };
    format!("retried failed {kind}: {}", what.join(", "))
}

fn repeated_entry(
    repeated: &AlertRepeated,
    before: &Incident,
    made: impl Fn(EntryKind, &str) -> EntryDraft,
) -> Option<EntryDraft> {
    if !repeated.noted {
        return None;
    }
    let times = match repeated.count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let mut message = format!("the alert fired again, {times} so far");
    let raised = repeated.raised.map(|to| Change::Severity(to).delta(before));
    if let Some(delta) = &raised {
        message.push_str(&format!("; {}", delta.sentence()));
    }
    Some(EntryDraft {
        changes: raised.into_iter().collect(),
        ..made(EntryKind::Observation, &message)
    })
}

/// Returns the change of a role, as programs read it: `roles/tech_lead`.
fn role_delta(changed: &RoleChanged) -> FieldDelta {
    let holder = |one: &crate::PersonName| Value::from(one.as_ref());
    delta(
        format!("roles/{}", changed.role.name()),
        changed.from.as_ref().map(holder),
        changed.to.as_ref().map_or(Value::Null, holder),
    )
}

/// Returns the change of an approval, as programs read it: `approvals/3`.
fn approval_delta(changed: &ApprovalChanged) -> FieldDelta {
    delta(
        format!("approvals/{}", changed.number),
        changed.from.map(|from| Value::from(from.name())),
        Value::from(RiskApprovalState::name(changed.to)),
    )
}

/// Returns a tick, as programs read it: `checklists/triage/severity_set`.
fn tick_delta(tick: &TickItem) -> FieldDelta {
    let field = format!("checklists/{}/{}", tick.list, tick.item);
    delta(field, None, Value::from(true))
}

const fn delta(field: String, from: Option<Value>, to: Value) -> FieldDelta {
    FieldDelta {
        field,
        from,
        to,
        added: Vec::new(),
        removed: Vec::new(),
    }
}

fn declared(
    incident: &Incident,
    overridden: Option<Severity>,
    author: &Actor,
    now: Timestamp,
) -> EntryDraft {
    let to = |field: &str, to: Value| FieldDelta {
        field: field.to_owned(),
        from: None,
        to,
        added: Vec::new(),
        removed: Vec::new(),
    };
    let json = |value: Result<Value, serde_json::Error>| value.unwrap_or_default();
    let severity = incident.severity;
    let mut message = format!("declared {severity}: {}\n", incident.title);
    let mut changes = vec![
        to("severity", json(serde_json::to_value(severity))),
        to(
            "affected_services",
            json(serde_json::to_value(&incident.affected_services)),
        ),
        to(
            "affected_tenants",
            json(serde_json::to_value(&incident.affected_tenants)),
        ),
        to(
            "started_at",
            json(serde_json::to_value(incident.started_at)),
        ),
    ];
    if let Some(priority) = incident.priority_override {
        changes.push(to("priority", json(serde_json::to_value(priority))));
    }
    if let Some(proposed) = overridden {
        message.push_str(&format!(
            "{proposed} was proposed, declared as {severity}\n"
        ));
        changes.push(to(
            "proposed_severity",
            json(serde_json::to_value(proposed)),
        ));
    }
    message.push_str(incident.summary.as_str());
    EntryDraft {
        status_to: Some(incident.status),
        changes,
        ..EntryDraft::new(
            EntryKind::Declaration,
            author.clone(),
            now,
            Text::cut(message.trim_end()),
        )
    }
}
