//! The JSON of a notice.

use incident_core::incident::{Incident, Severity, Status};
use incident_core::notice::Notice;
use incident_core::policy::Trigger;
use incident_core::{
    IncidentId, MessageId, Name, PersonName, RuleName, ServiceId, Timestamp, Title, plain,
};
use serde::Serialize;

/// The body of a notice.
#[derive(Debug, Serialize)]
pub(super) struct NoticeBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: MessageId,
    group: &'a Name,
    rule: &'a RuleName,
    trigger: Trigger,
    level: u32,
    due_at: Timestamp,
    fired_at: Timestamp,
    late: bool,
    incident: IncidentBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    text: String,
}

#[derive(Debug, Serialize)]
struct IncidentBody<'a> {
    id: IncidentId,
    number: u64,
    title: &'a Title,
    severity: Severity,
    status: Status,
    environment: &'a Name,
    affected_services: &'a [ServiceId],
    responder: Option<&'a PersonName>,
    started_at: Timestamp,
    declared_at: Timestamp,
}

impl<'a> NoticeBody<'a> {
    pub(super) fn new(notice: &'a Notice, incident: &'a Incident, url: Option<String>) -> Self {
        let fired = &notice.fired;
        let late = match fired.late {
            true => format!(" (late: it was due at {})", fired.due_at),
            false => String::new(),
        };
        let link = url
            .as_ref()
            .map_or_else(String::new, |url| format!(" {url}"));
        Self {
            kind: "incident.rule_fired",
            id: notice.message_id(),
            group: &notice.group,
            rule: &fired.rule,
            trigger: fired.trigger,
            level: fired.n,
            due_at: fired.due_at,
            fired_at: notice.fired_at,
            late: fired.late,
            incident: IncidentBody {
                id: incident.id,
                number: incident.number,
                title: &incident.title,
                severity: incident.severity,
                status: incident.status,
                environment: &incident.environment,
                affected_services: &incident.affected_services,
                responder: incident.responder.as_ref(),
                started_at: incident.started_at,
                declared_at: incident.declared_at,
            },
            url,
            text: format!(
                "{} #{} {}: {}{late}{link}",
                incident.severity,
                incident.number,
                // Escaped, so that a title cannot begin a line of its own in a chat.
                plain(incident.title.as_str()),
                fired.trigger.sentence()
            ),
        }
    }
}
