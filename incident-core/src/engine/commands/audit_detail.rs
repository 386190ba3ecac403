//! The name and the detail of a command in the audit trail.

use std::collections::BTreeMap;

use crate::incident::{Change, Command, Event, RoleStep};
use crate::redaction;

impl Command {
    /// Returns the command's name in the audit trail.
    pub(in crate::engine) const fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Update(_) => "update",
            Self::Report(_) => "observe",
            Self::Change(_) | Self::ChangeLong { .. } => "change",
            Self::MarkUsersNotified { .. } => "mark_users_notified",
            Self::MarkAuthorityNotified { .. } => "mark_authority_notified",
            Self::Publish(_) => "publish",
            Self::LinkPostMortem { .. } => "link_post_mortem",
            Self::Page { .. } => "page",
            Self::Escalate { .. } => "escalate",
            Self::Redact { .. } => redaction::ACTION,
            Self::RetryPage { .. } => "retry_page",
            Self::TakeIn { .. } => "take_in",
            Self::RepeatAlert(_) => "repeat_alert",
            Self::Relate { .. } => "relate",
            Self::ChangeRole(_) => "change_role",
            Self::Approve(step) => step.name(),
            Self::Tick(_) => "tick",
        }
    }

    /// Returns the command's name, given its events: a vendor report is named after the change it
    /// caused.
    pub(in crate::engine) fn name_of(&self, events: &[Event]) -> &'static str {
        match (self, events) {
            (Self::Report(_), [Event::Acknowledged { .. }]) => "acknowledge",
            (Self::Report(_), [Event::Updated(_)]) => "update",
            _ => self.name(),
        }
    }

    /// Returns the audit detail of a command and its events.
    pub(in crate::engine) fn audit_detail(&self, events: &[Event]) -> BTreeMap<String, String> {
        let mut detail = self.detail_of_command();
        if let (Self::Report(_), [Event::Updated(updated)]) = (self, events)
            && let Some(transition) = updated.transition
        {
            detail.insert("status".to_owned(), transition.to.to_string());
        }
        detail
    }

    /// Returns the audit detail of a command. It has no free text, except the reason of a redaction
    /// and the address of a post-mortem, which it proves.
    fn detail_of_command(&self) -> BTreeMap<String, String> {
        let mut detail = BTreeMap::new();
        let mut note = |name: &str, value: String| detail.insert(name.to_owned(), value);
        match self {
            Self::Update(update) => {
                if let Some(status) = update.status {
                    note("status", status.to_string());
                }
                if let Some(severity) = update.severity {
                    note("severity", severity.to_string());
                }
                if let Some(into) = update.merged_into {
                    note("merged_into", into.to_string());
                }
            }
            Self::Change(changes) | Self::ChangeLong { changes, .. } => {
                let fields: Vec<&str> = changes.iter().map(Change::field).collect();
                note("fields", fields.join(","));
            }
            Self::Publish(publish) => {
                note("public", publish.public.to_string());
            }
            Self::LinkPostMortem { url } => {
                note("url", url.to_string());
            }
            Self::Redact { seq, reason } => {
                note(redaction::SEQ, seq.to_string());
                note("reason", reason.to_string());
            }
            Self::Escalate { rule, .. } => {
                note("rule", rule.to_string());
            }
            Self::RetryPage { given_up } => {
                let ids: Vec<String> = given_up.iter().map(|one| one.message.to_string()).collect();
                note("messages", ids.join(","));
            }
            Self::TakeIn { source } => {
                note("from", source.id.to_string());
            }
            Self::RepeatAlert(repeat) => {
                note("severity", repeat.severity.to_string());
            }
            Self::Relate { to, .. } => {
                note("to", to.to_string());
            }
            Self::ChangeRole(change) => {
                let role = change.role.name();
                let step = match change.action {
                    RoleStep::Assume => "assume",
                    RoleStep::HandOver => "hand_over",
                    RoleStep::Renounce => "renounce",
                };
                note("role", format!("{step} {role}"));
            }
            Self::Approve(step) => {
                if let Some(number) = step.number() {
                    note("approval", number.to_string());
                }
            }
            Self::Tick(tick) => {
                note("item", format!("{}/{}", tick.list, tick.item));
            }
            Self::Acknowledge { .. }
            | Self::Report(_)
            | Self::MarkUsersNotified { .. }
            | Self::MarkAuthorityNotified { .. }
            | Self::Page { .. } => {}
        }
        detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Publish, Severity, Status, Update};
    use crate::{HttpsUrl, IncidentId, RuleName, Statement};

    fn noted(command: &Command) -> String {
        let detail = command.audit_detail(&[]).into_iter();
        let pairs: Vec<String> = detail
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join(" ")
    }

    fn words(text: &str) -> Statement {
        Statement::new(text).unwrap()
    }

    /// The audit trail names what was done, and has none of the texts that came with it.
    #[test]
    fn particulars_tell_what_was_done_and_none_of_its_words() {
        let id = IncidentId::from_uuid(uuid::Uuid::nil());
        let update = Update {
            severity: Some(Severity::Sev1),
            merged_into: Some(id),
            reason: Some(words("secret")),
            ..Update::to_status(words("secret"), Status::Merged)
        };
        let url = HttpsUrl::new("https://wiki.example/1").unwrap();
        for (command, expected) in [
            (
                Command::Update(Box::new(update)),
                format!("merged_into={id} severity=SEV1 status=merged"),
            ),
            (
                Command::Update(Box::new(Update::new(words("secret")))),
                String::new(),
            ),
            (
                Command::Change(vec![Change::Eta(None), Change::Responder(None)]),
                "fields=eta,responder".to_owned(),
            ),
            (
                Command::Publish(Publish {
                    public: true,
                    title: None,
                    message: None,
                }),
                "public=true".to_owned(),
            ),
            (
                Command::LinkPostMortem { url },
                "url=https://wiki.example/1".to_owned(),
            ),
            (
                Command::Redact {
                    seq: 7,
                    reason: words("a pasted password"),
                },
                "reason=a pasted password seq=7".to_owned(),
            ),
            (
                Command::Escalate {
                    reason: words("secret"),
                    rule: RuleName::new("security").unwrap(),
                },
                "rule=security".to_owned(),
            ),
            (
                Command::Page {
                    reason: words("secret"),
                },
                String::new(),
            ),
        ] {
            assert_eq!(noted(&command), expected);
        }
    }
}
