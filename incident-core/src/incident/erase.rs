//! The entry that each free text of an incident comes from, and its erasure with that entry.

use super::{Change, Incident, State};
use crate::Timestamp;
use crate::timeline::{EntryKind, SysIncidentUpdateEntry};

/// The entry of the declaration, the source of all fields that no later entry wrote.
const DECLARATION: u64 = 1;

impl State {
    /// Notes that an entry wrote a field of free text.
    pub(super) fn note_text(&mut self, change: &Change, seq: u64) {
        if change.is_free_text() {
            self.text_from.insert(change.field().to_owned(), seq);
        }
    }

    /// Erases the texts that an entry wrote: fields, the public title and public lines.
    pub(super) fn erase_text_of(&mut self, seq: u64, now: Timestamp) {
        let from = self.text_from.clone();
        let source = |field: &str| from.get(field).copied().unwrap_or(DECLARATION);
        Change::erase(self, |field| source(field) == seq);
        self.erase_approval_of(seq);
        self.status_page.redact(seq, now);
        self.redacted_at = Some(now);
    }
}

impl Incident {
    /// Returns the incident with sources that earlier versions did not record.
    ///
    /// An entry proves the source of a field that still has the value that the entry gave it, and
    /// of the public title.
    pub(crate) fn with_sources(&self, entry: &SysIncidentUpdateEntry) -> Self {
        let mut known = self.clone();
        for delta in entry.changes() {
            let unknown = !self.text_from.contains_key(&delta.field);
            if unknown && Change::value_of(self, &delta.field).as_ref() == Some(&delta.to) {
                let from = &mut known.state_mut().text_from;
                from.insert(delta.field, entry.seq);
            }
        }
        let public = &mut known.state_mut().status_page;
        if public.title.is_some() && public.title_seq.is_none() {
            let wrote = entry.fields.kind == EntryKind::Visibility;
            public.title_seq = wrote.then_some(entry.seq);
        }
        known
    }
}

/// The texts outside of an entry that are erased with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedTexts {
    /// The fields of the incident, by their names on the wire.
    pub fields: Vec<&'static str>,
    /// `true` if its public title is one of them.
    pub public_title: bool,
    /// Number of texts on the public page.
    pub public_lines: usize,
    /// `true` if the text of an approval is one of them.
    pub approval: bool,
}

impl Incident {
    /// Returns the texts of the incident that a redaction of one of its entries erases besides the
    /// entry itself.
    #[must_use]
    pub fn erased_with(&self, entry: &SysIncidentUpdateEntry) -> ErasedTexts {
        let before = self.with_sources(entry);
        let mut after = before.clone();
        after
            .state_mut()
            .erase_text_of(entry.seq, self.last_recorded_at);
        let lines = |one: &Self| {
            let lines = one.status_page.updates.iter();
            lines.filter(|line| line.body.is_some()).count()
        };
        ErasedTexts {
            fields: Change::differing_texts(&before, &after),
            public_title: before.status_page.title != after.status_page.title,
            public_lines: lines(&before) - lines(&after),
            approval: before.approvals != after.approvals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Actor;
    use crate::chain::Hash;
    use crate::incident::declare::{NewIds, declare};
    use crate::incident::{DataLoss, Declare, Event, LossState, Publish, Severity};
    use crate::policy::Policy;
    use crate::timeline::EntryDraft;
    use crate::{IncidentId, PersonName, PublicId, PublicText, Salt, Text, Title};

    fn now() -> Timestamp {
        "2026-11-20T21:00:00Z".parse().unwrap()
    }

    fn incident_id() -> IncidentId {
        IncidentId::from_uuid(uuid::Uuid::from_u128(1))
    }

    fn anna() -> Actor {
        Actor::person(PersonName::new("anna").unwrap())
    }

    fn incident() -> Incident {
        let ids = NewIds {
            id: IncidentId::from_uuid(uuid::Uuid::from_u128(1)),
            public_id: PublicId::from_uuid(uuid::Uuid::from_u128(2)),
            number: 1,
        };
        let mut asked = Declare::new(Title::new("hunter2").unwrap(), Severity::Sev2);
        asked.summary = Text::new("hunter2 is out").unwrap();
        declare(&asked, &anna(), ids, Vec::new(), now(), &Policy::default()).unwrap()
    }

    fn apply(incident: &mut Incident, event: &Event, seq: u64) {
        incident.apply(event, seq, now(), &Policy::default());
    }

    fn changed(change: Change) -> Event {
        Event::Changed(change)
    }

    fn published(title: &str) -> Event {
        Event::Published(Publish {
            public: true,
            title: Some(PublicText::new(title).unwrap()),
            message: None,
        })
    }

    /// The texts that an erasure will take are known before it is done, and are those that it takes.
    #[test]
    fn texts_are_named_before_they_are_erased() {
        let mut incident = incident();
        let entry = |seq| {
            let text = Text::new("x").unwrap();
            let draft = EntryDraft::new(EntryKind::Change, anna(), now(), text);
            let made = SysIncidentUpdateEntry::new(incident_id(), &draft, Salt([0; 16]));
            made.unwrap().linked(seq, Hash::ZERO)
        };
        let cause = Some(Text::new("a key in the log").unwrap());
        apply(&mut incident, &changed(Change::Cause(cause)), 2);
        apply(&mut incident, &published("hunter2 for all"), 3);
        let erased = incident.erased_with(&entry(1));
        assert_eq!(erased.fields, ["title", "summary"]);
        let erased = incident.erased_with(&entry(2));
        assert_eq!((erased.fields, erased.public_title), (vec!["cause"], false));
        let erased = incident.erased_with(&entry(3));
        assert!(erased.fields.is_empty() && erased.public_title);
        assert_eq!(incident.erased_with(&entry(4)), ErasedTexts::default());
    }

    /// S3: an erased entry takes with it what it wrote, and nothing that another one did.
    #[test]
    fn fields_are_erased_with_the_entry_that_wrote_them_last() {
        let mut incident = incident();
        let cause = Some(Text::new("a key in the log").unwrap());
        apply(&mut incident, &changed(Change::Cause(cause)), 2);
        let title = Title::new("API down").unwrap();
        apply(&mut incident, &changed(Change::Title(title)), 3);
        apply(&mut incident, &published("hunter2 for all"), 4);
        apply(&mut incident, &Event::Redacted { seq: 1 }, 0);
        assert_eq!(
            (incident.title.as_str(), incident.summary.as_str()),
            ("API down", "")
        );
        assert!(incident.facts.cause.is_some() && incident.status_page.title.is_some());
        apply(&mut incident, &Event::Redacted { seq: 2 }, 0);
        assert_eq!(incident.facts.cause, None);
        apply(&mut incident, &Event::Redacted { seq: 4 }, 0);
        assert_eq!(
            (&incident.status_page.title, incident.status_page.public),
            (&None, true)
        );
        apply(&mut incident, &Event::Redacted { seq: 3 }, 0);
        assert_eq!(incident.title.as_str(), "[redacted]");
        assert_eq!(incident.redacted_at, Some(now()));
    }

    /// S3: the source of a text from before sources were recorded is found by the entry that wrote
    /// it.
    #[test]
    fn sources_that_were_not_kept_are_read_from_the_entry() {
        let mut incident = incident();
        let change = changed(Change::Summary(Text::new("hunter3").unwrap()));
        let draft = EntryDraft::of(&change, &incident, &anna(), now()).unwrap();
        let entry = SysIncidentUpdateEntry::new(incident.id, &draft, Salt([7; 16]))
            .unwrap()
            .linked(2, Hash::ZERO);
        apply(&mut incident, &change, 2);
        apply(&mut incident, &published("hunter3 for all"), 3);
        let draft = EntryDraft::of(&published("x"), &incident, &anna(), now()).unwrap();
        let visibility = SysIncidentUpdateEntry::new(incident.id, &draft, Salt([8; 16]))
            .unwrap()
            .linked(3, Hash::ZERO);
        // As an earlier version left it.
        incident.state_mut().text_from.clear();
        incident.state_mut().status_page.title_seq = None;
        let redacted = |from: &Incident, seq| {
            let mut incident = from.clone();
            apply(&mut incident, &Event::Redacted { seq }, 0);
            incident
        };
        assert_eq!(redacted(&incident, 2).summary.as_str(), "hunter3");
        let known = incident.with_sources(&entry);
        assert_eq!(redacted(&known, 2).summary.as_str(), "");
        assert_eq!(redacted(&known, 1).summary.as_str(), "hunter3");
        let known = incident.with_sources(&visibility);
        assert_eq!(redacted(&known, 3).status_page.title, None);
    }

    #[test]
    fn lost_data_stays_lost_without_the_words_about_it() {
        let lost = |note: Option<&str>| DataLoss {
            state: LossState::Confirmed,
            note: note.map(|note| Text::new(note).unwrap()),
        };
        let mut incident = incident();
        let change = Change::DataLoss(Some(lost(Some("the mail of two days"))));
        apply(&mut incident, &changed(change), 2);
        apply(&mut incident, &Event::Redacted { seq: 2 }, 0);
        assert_eq!(incident.facts.data_loss, Some(lost(None)));
    }

    /// A source is read from an entry only if it is unknown, and only while the value still holds.
    #[test]
    fn sources_that_are_known_stay() {
        let mut incident = incident();
        let text = |text: &str| Change::Summary(Text::new(text).unwrap());
        let entry_of = |incident: &Incident, event: &Event, seq: u64| {
            let draft = EntryDraft::of(event, incident, &anna(), now()).unwrap();
            SysIncidentUpdateEntry::new(incident.id, &draft, Salt([7; 16]))
                .unwrap()
                .linked(seq, Hash::ZERO)
        };
        let second = entry_of(&incident, &changed(text("again")), 2);
        apply(&mut incident, &changed(text("again")), 2);
        let later = entry_of(&incident, &published("down"), 3);
        apply(&mut incident, &published("down"), 3);
        incident
            .state_mut()
            .text_from
            .insert("summary".to_owned(), 9);
        incident.state_mut().status_page.title_seq = Some(8);
        let known = incident.with_sources(&second).with_sources(&later);
        assert_eq!(known.text_from.get("summary"), Some(&9));
        assert_eq!(known.status_page.title_seq, Some(8));
        // The value is another one now: that entry did not write it.
        incident.state_mut().text_from.clear();
        incident.state_mut().summary = Text::new("a third one").unwrap();
        let known = incident.with_sources(&second);
        assert_eq!(known.text_from.get("summary"), None);
        // Without a public title there is no source to record.
        incident.state_mut().status_page.title = None;
        incident.state_mut().status_page.title_seq = None;
        assert_eq!(incident.with_sources(&later).status_page.title_seq, None);
    }
}
