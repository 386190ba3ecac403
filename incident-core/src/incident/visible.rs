//! Texts of a command that came by serde are checked as they are when they are
//! made: stores hold older ones, which stay readable, so reading alone does not
//! refuse them.

use super::{Affected, Change, Command, Declare, Update};
use crate::{Invalid, Name, ServiceId, Text};

/// Checks every name and text of a command, by the field it stands in.
pub(super) fn command(command: &Command) -> Result<(), Invalid> {
    match command {
        Command::Update(asked) => update(asked),
        Command::Change(changes) => changes.iter().try_for_each(change),
        Command::Publish(publish) => {
            optional(publish.title.as_ref(), |title| title.check("title"))?;
            optional(publish.message.as_ref(), |said| said.check("message"))
        }
        Command::Page { reason }
        | Command::Escalate { reason, .. }
        | Command::Redact { reason, .. } => reason.check("reason"),
        // These were checked before: what is taken in, the declaration of an alert, and what
        // we say of a vendor's report.
        Command::TakeIn { .. }
        | Command::Report(_)
        | Command::RepeatAlert(_)
        | Command::Relate { .. }
        | Command::Acknowledge { .. }
        | Command::LinkPostMortem { .. }
        | Command::RetryPage { .. } => Ok(()),
    }
}

/// Checks every name and text of a declaration.
pub(super) fn declaration(asked: &Declare) -> Result<(), Invalid> {
    asked.title.check("title")?;
    services(&asked.affected_services)?;
    tenants(&asked.affected_tenants)?;
    optional(asked.responder.as_ref(), |one| one.check("responder"))?;
    optional(asked.environment.as_ref(), |one| one.check("environment"))?;
    optional(asked.alert_key.as_ref(), |one| one.check("alert_key"))?;
    let class = asked.facts.failure_class.as_ref();
    optional(class, |one| one.check("failure_class"))?;
    labels(asked.facts.labels.iter())
}

fn update(asked: &Update) -> Result<(), Invalid> {
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
fn change(change: &Change) -> Result<(), Invalid> {
    match change {
        Change::Title(title) => title.check("title"),
        Change::Responder(Some(one)) => one.check("responder"),
        Change::AffectedServices(list) => services(list),
        Change::AffectedTenants(list) => tenants(list),
        Change::FailureClass(Some(class)) => class.check("failure_class"),
        Change::Labels(all) => labels(all.iter()),
        _ => Ok(()),
    }
}

fn optional<T>(
    value: Option<&T>,
    check: impl FnOnce(&T) -> Result<(), Invalid>,
) -> Result<(), Invalid> {
    value.map_or(Ok(()), check)
}

fn services(list: &[ServiceId]) -> Result<(), Invalid> {
    let mut all = list.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.check("affected_services");
        wrong.map_err(|wrong| wrong.at(format!("affected_services/{nth}")))
    })
}

fn tenants(affected: &Affected) -> Result<(), Invalid> {
    let Affected::These(list) = affected else {
        return Ok(());
    };
    let mut all = list.iter().enumerate();
    all.try_for_each(|(nth, one)| {
        let wrong = one.tenant_id.check("affected_tenants");
        wrong.map_err(|wrong| wrong.at(format!("affected_tenants/{nth}")))
    })
}

fn labels<'a>(mut all: impl Iterator<Item = (&'a Name, &'a Text)>) -> Result<(), Invalid> {
    all.try_for_each(|(name, _)| name.check("labels"))
}
