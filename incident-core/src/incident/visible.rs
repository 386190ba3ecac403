//! Checks of the names and texts of a command, as their constructors make them.
//!
//! Serde reads without these checks, as stores hold older texts that must stay readable. Lists are
//! checked here for the same reason: a stored list may be longer than is accepted now.

use std::collections::BTreeMap;

use super::{Affected, Change, ChangeRole, Command, Declare, Facts, Update, limits};
use crate::{Name, ServiceId, Text, ValidationError};

/// Checks every name and text of a command, and names the field of a wrong one.
pub(super) fn command(command: &Command) -> Result<(), ValidationError> {
    match command {
        Command::Update(asked) => update(asked),
        Command::Change(changes) => changes.iter().try_for_each(change),
        Command::ChangeLong { changes, reason } => {
            changes.iter().try_for_each(change)?;
            reason.check("reason")
        }
        Command::Publish(publish) => {
            optional(publish.title.as_ref(), |title| title.check("title"))?;
            optional(publish.message.as_ref(), |said| said.check("message"))
        }
        Command::MarkUsersNotified { note } | Command::MarkAuthorityNotified { note } => {
            note.check("note")
        }
        Command::Page { reason }
        | Command::Escalate { reason, .. }
        | Command::Redact { reason, .. } => reason.check("reason"),
        Command::ChangeRole(change) => role(change),
        Command::Approve(step) => step.check(),
        Command::Tick(tick) => optional(tick.note.as_ref(), |note| note.check("note")),
        // These were checked before: the incident that is taken in, the declaration of an alert,
        // and our sentence for a vendor's report.
        Command::TakeIn { .. }
        | Command::Report(_)
        | Command::RepeatAlert(_)
        | Command::Relate { .. }
        | Command::Acknowledge { .. }
        | Command::LinkPostMortem { .. }
        | Command::RetryPage { .. } => Ok(()),
    }
}

fn role(change: &ChangeRole) -> Result<(), ValidationError> {
    optional(change.person.as_ref(), |one| one.check("person"))?;
    optional(change.to.as_ref(), |one| one.check("to"))?;
    optional(change.note.as_ref(), |note| note.check("note"))
}

/// Checks every name and text of a declaration.
pub(super) fn declaration(asked: &Declare) -> Result<(), ValidationError> {
    asked.title.check("title")?;
    services(&asked.affected_services)?;
    tenants(&asked.affected_tenants)?;
    optional(asked.responder.as_ref(), |one| one.check("responder"))?;
    optional(asked.environment.as_ref(), |one| one.check("environment"))?;
    optional(asked.alert_key.as_ref(), |one| one.check("alert_key"))?;
    let class = asked.facts.failure_class.as_ref();
    optional(class, |one| one.check("failure_class"))?;
    let Facts {
        channel,
        vendor_reference,
        ..
    } = &asked.facts;
    optional(channel.as_ref(), |one| one.check("channel"))?;
    optional(vendor_reference.as_ref(), |one| {
        one.check("vendor_reference")
    })?;
    optional(asked.reason.as_ref(), |one| one.check("reason"))?;
    labels(&asked.facts.labels)
}

fn update(asked: &Update) -> Result<(), ValidationError> {
    asked.message.check("message")?;
    optional(asked.reason.as_ref(), |reason| reason.check("reason"))?;
    let public = asked.public_message.as_ref();
    optional(public, |said| said.check("public_message"))?;
    optional(asked.comms_sent.as_ref(), |sent| {
        let wrong = sent.channel.check("channel");
        wrong.map_err(|wrong| wrong.at("comms_sent/channel"))
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other field has no name in it, or a text that may be empty"
)]
fn change(change: &Change) -> Result<(), ValidationError> {
    match change {
        Change::Title(title) => title.check("title"),
        Change::Responder(Some(one)) => one.check("responder"),
        Change::AffectedServices(list) => services(list),
        Change::AffectedTenants(list) => tenants(list),
        Change::FailureClass(Some(class)) => class.check("failure_class"),
        Change::Channel(Some(channel)) => channel.check("channel"),
        Change::VendorReference(Some(ticket)) => ticket.check("vendor_reference"),
        Change::Labels(all) => labels(all),
        _ => Ok(()),
    }
}

fn optional<T>(
    value: Option<&T>,
    check: impl FnOnce(&T) -> Result<(), ValidationError>,
) -> Result<(), ValidationError> {
    value.map_or(Ok(()), check)
}

fn services(list: &[ServiceId]) -> Result<(), ValidationError> {
    limits::services(list)?;
    let mut all = list.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.check("affected_services");
        wrong.map_err(|wrong| wrong.at(format!("affected_services/{nth}")))
    })
}

fn tenants(affected: &Affected) -> Result<(), ValidationError> {
    let Affected::These(list) = affected else {
        return Ok(());
    };
    let mut all = list.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.tenant_id.check("affected_tenants");
        wrong.map_err(|wrong| wrong.at(format!("affected_tenants/{nth}")))
    })
}

fn labels(all: &BTreeMap<Name, Text>) -> Result<(), ValidationError> {
    limits::labels(all)?;
    all.keys().try_for_each(|name| name.check("labels"))
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::incident::{AffectedTenant, Audience, CommsSent, Publish, Severity};
    use crate::{PublicText, RuleName, Statement, Title};

    /// Creates a value that an older version stored and that has no visible character.
    fn blank<T: DeserializeOwned>() -> T {
        serde_json::from_str("\"\u{200b}\"").unwrap()
    }

    fn labelled() -> BTreeMap<Name, Text> {
        [(blank(), Text::default())].into()
    }

    fn tenant() -> Affected {
        Affected::These([AffectedTenant::whole(blank())].into())
    }

    /// Returns the field that a check refuses.
    fn refused(checked: Result<(), ValidationError>) -> String {
        checked.unwrap_err().field().to_owned()
    }

    /// L5: a blank text is refused in each field of a command that can hold one.
    #[test]
    fn blank_texts_of_commands_are_refused_by_field() {
        let changed = |field| refused(command(&Command::Change(vec![field])));
        assert_eq!(changed(Change::Title(blank())), "title");
        assert_eq!(changed(Change::Responder(Some(blank()))), "responder");
        assert_eq!(
            changed(Change::AffectedServices(vec![blank()])),
            "affected_services/0"
        );
        assert_eq!(
            changed(Change::AffectedTenants(tenant())),
            "affected_tenants/0"
        );
        assert_eq!(
            changed(Change::FailureClass(Some(blank()))),
            "failure_class"
        );
        assert_eq!(changed(Change::Labels(labelled())), "labels");
        assert_eq!(changed(Change::Channel(Some(blank()))), "channel");
        assert_eq!(
            changed(Change::VendorReference(Some(blank()))),
            "vendor_reference"
        );

        let updated = |change: fn(&mut Update)| {
            let mut asked = Update::new(Statement::new("said").unwrap());
            change(&mut asked);
            refused(command(&Command::Update(Box::new(asked))))
        };
        assert_eq!(updated(|asked| asked.message = blank()), "message");
        assert_eq!(updated(|asked| asked.reason = Some(blank())), "reason");
        assert_eq!(
            updated(|asked| asked.public_message = Some(blank())),
            "public_message"
        );
        let channel = updated(|asked| {
            asked.comms_sent = Some(CommsSent {
                channel: blank(),
                audience: Audience::Internal,
                summary: Text::default(),
            });
        });
        assert_eq!(channel, "comms_sent/channel");

        let published = |title, message| {
            let public = true;
            refused(command(&Command::Publish(Publish {
                public,
                title,
                message,
            })))
        };
        assert_eq!(published(Some(blank::<PublicText>()), None), "title");
        assert_eq!(published(None, Some(blank())), "message");

        let (reason, rule) = (blank::<Statement>(), RuleName::new("security").unwrap());
        for command in [
            Command::Page {
                reason: reason.clone(),
            },
            Command::Escalate {
                reason: reason.clone(),
                rule,
            },
            Command::ChangeLong {
                changes: Vec::new(),
                reason: reason.clone(),
            },
            Command::Redact { reason, seq: 1 },
        ] {
            assert_eq!(refused(super::command(&command)), "reason");
        }
        let marked = Command::MarkUsersNotified { note: blank() };
        assert_eq!(refused(command(&marked)), "note");
    }

    /// L5: the same for each field of a declaration.
    #[test]
    fn blank_texts_of_a_declaration_are_refused_by_field() {
        let declared = |change: fn(&mut Declare)| {
            let mut asked = Declare::new(Title::new("API down").unwrap(), Severity::Sev1);
            assert!(declaration(&asked).is_ok());
            change(&mut asked);
            refused(declaration(&asked))
        };
        assert_eq!(declared(|asked| asked.title = blank()), "title");
        assert_eq!(
            declared(|asked| asked.affected_services = vec![blank()]),
            "affected_services/0"
        );
        assert_eq!(
            declared(|asked| asked.affected_tenants = tenant()),
            "affected_tenants/0"
        );
        assert_eq!(
            declared(|asked| asked.responder = Some(blank())),
            "responder"
        );
        assert_eq!(
            declared(|asked| asked.environment = Some(blank())),
            "environment"
        );
        assert_eq!(
            declared(|asked| asked.alert_key = Some(blank())),
            "alert_key"
        );
        assert_eq!(
            declared(|asked| asked.facts.failure_class = Some(blank())),
            "failure_class"
        );
        assert_eq!(declared(|asked| asked.facts.labels = labelled()), "labels");
        assert_eq!(
            declared(|asked| asked.facts.channel = Some(blank())),
            "channel"
        );
        assert_eq!(
            declared(|asked| asked.facts.vendor_reference = Some(blank())),
            "vendor_reference"
        );
    }
}
