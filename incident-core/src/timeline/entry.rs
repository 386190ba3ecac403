//! Timeline entries: creating, linking, verifying and redacting them.

use std::collections::BTreeMap;

use super::{CanonicalError, EntryDraft, EntryFields, TextName};
use crate::chain::{Hash, Head, Verdict, Walk, commitment, link};
use crate::incident::{CommsSent, FieldDelta};
use crate::{IncidentId, Name, Salt, Text};

const DOMAIN: &[u8] = b"incident/timeline/v1\0";

/// A free text with the salt of its commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedText {
    /// The salt.
    pub salt: Salt,
    /// The text.
    pub text: String,
}

/// An entry of an incident's timeline: first without a place ([`new`](Self::new)), then sealed into
/// its chain ([`linked`](Self::linked)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysIncidentUpdateEntry {
    /// The incident.
    pub incident_id: IncidentId,
    /// Number of the entry: 1, 2, 3, ... without gaps; 0 before it has a place.
    pub seq: u64,
    /// The bytes that were hashed.
    pub canonical: Vec<u8>,
    /// The content of those bytes.
    pub fields: EntryFields,
    /// The free texts; none after a redaction.
    pub texts: BTreeMap<TextName, CommittedText>,
    /// The hash of the previous entry.
    pub prev_hash: Hash,
    /// The hash of this entry.
    pub hash: Hash,
}

impl SysIncidentUpdateEntry {
    /// Creates an entry that has no place in its chain yet; its content does not depend on the
    /// place.
    ///
    /// `salt` must be random and used for no other entry; the salt of each text is derived from it,
    /// so that equal texts do not show as equal.
    ///
    /// # Errors
    /// Never fails for a draft made by this crate; the signature is the serialiser's.
    pub fn new(
        incident_id: IncidentId,
        draft: &EntryDraft,
        salt: Salt,
    ) -> Result<Self, CanonicalError> {
        let texts = texts_of(draft, salt);
        let commitments = texts
            .iter()
            .map(|(name, text)| (*name, commitment(text.salt, &text.text)))
            .collect();
        let fields = EntryFields::of(draft, commitments);
        Ok(Self {
            incident_id,
            seq: 0,
            canonical: fields.to_bytes()?,
            fields,
            texts,
            prev_hash: Hash::ZERO,
            hash: Hash::ZERO,
        })
    }

    /// Seals it onto the end of a chain, after the entry with the hash `prev_hash`.
    ///
    /// Pure: the store calls it under the incident's row lock, with the values that it read there.
    #[must_use]
    pub fn linked(mut self, seq: u64, prev_hash: Hash) -> Self {
        self.seq = seq;
        self.prev_hash = prev_hash;
        self.hash = self.link();
        self
    }

    /// Computes the hash of its content at its place.
    fn link(&self) -> Hash {
        let chain = self.incident_id.uuid();
        link(
            DOMAIN,
            chain.as_bytes(),
            self.seq,
            self.prev_hash,
            &self.canonical,
        )
    }

    /// Returns `true` if its free text was erased.
    #[must_use]
    pub fn is_redacted(&self) -> bool {
        self.texts.is_empty() && !self.fields.commitments.is_empty()
    }

    /// Returns one of its free texts; none if it has no such text or it was erased.
    #[must_use]
    pub fn text(&self, name: TextName) -> Option<&str> {
        self.texts.get(&name).map(|text| text.text.as_str())
    }

    /// Returns the fields that changed with it; none after a redaction.
    #[must_use]
    pub fn changes(&self) -> Vec<FieldDelta> {
        self.text(TextName::Changes)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    /// Returns the message that was sent, if it records one and was not redacted.
    #[must_use]
    pub fn comms_sent(&self) -> Option<CommsSent> {
        Some(CommsSent {
            audience: self.fields.audience?,
            channel: Name::stored(self.text(TextName::CommsChannel)?).ok()?,
            summary: Text::stored(self.text(TextName::CommsSummary)?).ok()?,
        })
    }
}

/// Returns the free texts of a draft, each with a salt that is derived from that of the entry.
fn texts_of(draft: &EntryDraft, salt: Salt) -> BTreeMap<TextName, CommittedText> {
    let mut texts = BTreeMap::new();
    let mut add = |name, text| {
        let salt = derived(salt, name);
        texts.insert(name, CommittedText { salt, text });
    };
    add(TextName::Message, draft.message.to_string());
    if !draft.changes.is_empty() {
        let changes = serde_json::to_string(&draft.changes);
        add(TextName::Changes, changes.unwrap_or_default());
    }
    if let Some(sent) = &draft.comms_sent {
        add(TextName::CommsChannel, sent.channel.to_string());
        add(TextName::CommsSummary, sent.summary.to_string());
    }
    if let Some(public) = &draft.public_message {
        add(TextName::PublicMessage, public.to_string());
    }
    texts
}

fn derived(salt: Salt, name: TextName) -> Salt {
    let Hash(digest) = commitment(salt, name.label());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    Salt(bytes)
}

/// Checks one entry against the end of the chain before it, and returns the new end.
///
/// # Errors
/// Returns the reason if the entry does not fit.
pub fn verify_next(
    incident_id: IncidentId,
    head: Head,
    entry: &SysIncidentUpdateEntry,
) -> Result<Head, &'static str> {
    if entry.seq != head.seq + 1 {
        return Err("a sequence number is missing or repeated");
    }
    if entry.incident_id != incident_id {
        return Err("the entry belongs to another incident");
    }
    if entry.prev_hash != head.hash {
        return Err("the previous hash does not match the hash of the previous entry");
    }
    let hash = entry.link();
    if hash != entry.hash {
        return Err("the hash does not match the stored bytes");
    }
    if !EntryFields::from_bytes(&entry.canonical).is_ok_and(|shown| shown == entry.fields) {
        return Err("the stored fields differ from the hashed bytes");
    }
    verify_texts(entry)?;
    Ok(Head {
        seq: entry.seq,
        hash,
    })
}

/// Checks that the entry has all of its texts, as committed to, or none of them after a redaction.
fn verify_texts(entry: &SysIncidentUpdateEntry) -> Result<(), &'static str> {
    if entry.is_redacted() {
        return Ok(());
    }
    if !entry.texts.keys().eq(entry.fields.commitments.keys()) {
        return Err("a text is missing or was added");
    }
    let fits = |(name, text): (&TextName, &CommittedText)| {
        entry.fields.commitments.get(name) == Some(&commitment(text.salt, &text.text))
    };
    if entry.texts.iter().all(fits) {
        Ok(())
    } else {
        Err("a text does not match its hash")
    }
}

/// Checks a whole timeline, in order of `seq`, and reports the first bad entry.
///
/// `anchors` are the heads that were stored outside the store, if any.
#[must_use]
pub fn verify<'a>(
    incident_id: IncidentId,
    entries: impl IntoIterator<Item = &'a SysIncidentUpdateEntry>,
    anchors: impl IntoIterator<Item = Head>,
) -> Verdict {
    let mut walk = Walk::whole(anchors);
    for entry in entries {
        let checked = verify_next(incident_id, walk.before(entry.prev_hash), entry);
        if let Err(broken) = walk.step(checked) {
            return broken;
        }
    }
    walk.end()
}

/// Erases the free text of an entry, salts included. The chain still verifies.
pub fn redact(entry: &mut SysIncidentUpdateEntry) {
    entry.texts.clear();
}
