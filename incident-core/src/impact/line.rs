//! A reader for lines of usage events in the form that most senders write.

use std::str::from_utf8;

use super::ApiUsageEvent;
use crate::time::plain;
use crate::{ServiceId, TenantId, Text, Timestamp, UserId, ValidationError};

/// Number of tenant names in the cache.
const TENANTS: usize = 1_024;
/// Number of service names in the cache, and of endpoint names.
const SERVICES: usize = 256;

/// A word with every byte 1; `HIGHS` has the highest bit of every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// A reader of usage events, one JSON object each.
///
/// It reads objects of strings without escapes, of integers, `true`, `false` and `null`, and leaves
/// all others to serde. It caches recent names of tenants, services and endpoints, so that these
/// are not allocated again. Its memory is bounded.
///
/// ```
/// use incident_core::impact::{ApiUsageEvent, UsageReader};
/// let line = br#"{"tenant_id":"fr","user_id":"u1","service":"api","occurred_at":"2026-11-20T22:15:00Z"}"#;
/// let event = UsageReader::default().read(line);
/// assert_eq!(event, serde_json::from_slice::<ApiUsageEvent>(line).ok());
/// ```
#[derive(Debug)]
pub struct UsageReader {
    tenants: KnownFields<TenantId>,
    services: KnownFields<ServiceId>,
    endpoints: KnownFields<Text>,
}

impl Default for UsageReader {
    fn default() -> Self {
        Self {
            tenants: KnownFields::new(TENANTS),
            services: KnownFields::new(SERVICES),
            endpoints: KnownFields::new(SERVICES),
        }
    }
}

impl UsageReader {
    /// Reads an event, the same that serde reads from these bytes.
    ///
    /// Returns `None` if the line is no event, or is one that only serde reads.
    pub fn read(&mut self, line: &[u8]) -> Option<ApiUsageEvent> {
        let fields = Fields::of(line)?;
        Some(ApiUsageEvent {
            tenant_id: self.tenants.get(fields.tenant?, TenantId::stored)?,
            user_id: UserId::stored(from_utf8(fields.user?).ok()?).ok()?,
            service: self.services.get(fields.service?, ServiceId::stored)?,
            occurred_at: time(fields.at?)?,
            failed: fields.failed?,
            endpoint: match fields.endpoint? {
                Some(name) => Some(self.endpoints.get(name, Text::stored)?),
                None => None,
            },
        })
    }
}

fn time(text: &[u8]) -> Option<Timestamp> {
    plain(text).or_else(|| from_utf8(text).ok()?.parse().ok())
}

/// A cache of recent names: each name has one slot, which the next name for that slot takes over.
#[derive(Debug)]
struct KnownFields<T> {
    places: Vec<Option<T>>,
}

impl<T: AsRef<str> + Clone> KnownFields<T> {
    fn new(places: usize) -> Self {
        Self {
            places: vec![None; places],
        }
    }

    /// Returns a name as its type. A cached name was checked when it was added.
    fn get(&mut self, name: &[u8], make: impl Fn(&str) -> Result<T, ValidationError>) -> Option<T> {
        let at = place(name, self.places.len());
        let place = self.places.get_mut(at)?;
        match place {
            Some(known) if known.as_ref().as_bytes() == name => Some(known.clone()),
            _ => {
                let made = make(from_utf8(name).ok()?).ok()?;
                *place = Some(made.clone());
                Some(made)
            }
        }
    }
}

/// Returns the slot of a name among `places`. A collision only costs an allocation.
fn place(name: &[u8], places: usize) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = if name.len() < 8 {
        name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte))
    } else {
        word(name.first_chunk()) ^ word(name.last_chunk()).rotate_left(29)
    };
    let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 40).unwrap_or(0) % places.max(1)
}

/// The members of an object, borrowed from its line.
///
/// The inner `None` of an endpoint stands for `null`, or for no such member.
struct Fields<'a> {
    tenant: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
    at: Option<&'a [u8]>,
    failed: Option<bool>,
    endpoint: Option<Option<&'a [u8]>>,
}

/// The value of a member.
enum Value<'a> {
    Text(&'a [u8]),
    Bool(bool),
    Null,
    Integer,
}

impl<'a> Fields<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let (mut tenant, mut user, mut service, mut at) = (None, None, None, None);
        let (mut failed, mut endpoint) = (None, None);
        let mut rest = Rest(line);
        rest.blanks();
        rest.byte(b'{')?;
        loop {
            rest.blanks();
            rest.byte(b'"')?;
            let name = rest.text()?;
            rest.blanks();
            rest.byte(b':')?;
            rest.blanks();
            let value = rest.value()?;
            // Serde refuses duplicate members.
            match (name, value) {
                (b"tenant_id", Value::Text(text)) => once(&mut tenant, text)?,
                (b"user_id", Value::Text(text)) => once(&mut user, text)?,
                (b"service", Value::Text(text)) => once(&mut service, text)?,
                (b"occurred_at", Value::Text(text)) => once(&mut at, text)?,
                (b"failed", Value::Bool(value)) => once(&mut failed, value)?,
                (b"failed", Value::Null) => once(&mut failed, false)?,
                (b"endpoint", Value::Text(text)) => once(&mut endpoint, Some(text))?,
                (b"endpoint", Value::Null) => once(&mut endpoint, None)?,
                (
                    b"tenant_id" | b"user_id" | b"service" | b"occurred_at" | b"failed"
                    | b"endpoint",
                    _,
                ) => return None,
                // Skipped members must be UTF-8 as well.
                (name, Value::Text(text)) => drop((from_utf8(name).ok()?, from_utf8(text).ok()?)),
                (name, _) => drop(from_utf8(name).ok()?),
            }
            rest.blanks();
            match rest.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        rest.blanks();
        rest.0.is_empty().then_some(Self {
            tenant,
            user,
            service,
            at,
            failed: failed.or(Some(false)),
            endpoint: endpoint.or(Some(None)),
        })
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// The unread rest of a line.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn blanks(&mut self) {
        while let Some((b' ' | b'\t' | b'\r' | b'\n', rest)) = self.0.split_first() {
            self.0 = rest;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.0.first()? {
            b'"' => {
                self.next();
                self.text().map(Value::Text)
            }
            b't' => self.word(b"true").map(|()| Value::Bool(true)),
            b'f' => self.word(b"false").map(|()| Value::Bool(false)),
            b'n' => self.word(b"null").map(|()| Value::Null),
            _ => self.integer().map(|()| Value::Integer),
        }
    }

    /// Skips an integer of at most 15 digits, which every JSON reader can represent.
    ///
    /// The caller refuses a fraction or an exponent after it: neither is a comma or the end of the
    /// object.
    fn integer(&mut self) -> Option<()> {
        let digits = self.0.strip_prefix(b"-").unwrap_or(self.0);
        let is_end = |byte: &u8| !byte.is_ascii_digit();
        let end = digits.iter().position(is_end).unwrap_or(digits.len());
        let (digits, rest) = digits.split_at(end);
        let leading_zero = digits.len() > 1 && digits.starts_with(b"0");
        if digits.is_empty() || digits.len() > 15 || leading_zero {
            return None;
        }
        self.0 = rest;
        Some(())
    }

    /// Returns the bytes of a string up to its closing quotation mark.
    ///
    /// Returns `None` if the string has an escape or a control character.
    fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.quote()?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// Finds the closing quotation mark: eight bytes at a time, then one by one.
    fn quote(&self) -> Option<usize> {
        let (words, _) = self.0.as_chunks::<8>();
        let mut start = 0;
        for word in words {
            let found = odd(u64::from_le_bytes(*word));
            if found != 0 {
                start += usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
                return (*self.0.get(start)? == b'"').then_some(start);
            }
            start += 8;
        }
        let last = self.0.get(start..)?;
        let is_odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        start += last.iter().position(is_odd)?;
        (*self.0.get(start)? == b'"').then_some(start)
    }
}

/// Marks the bytes that are a quotation mark, a backslash or a control character, by their highest
/// bit. The lowest of these bits is right; those above it may not be.
const fn odd(word: u64) -> u64 {
    let quote = zero(word ^ (ONES * b'"' as u64));
    let backslash = zero(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    quote | backslash | control
}

const fn zero(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serde(line: &[u8]) -> Option<ApiUsageEvent> {
        serde_json::from_slice(line).ok()
    }

    const PLAIN: &str = r#"{"tenant_id":"tenant-001","user_id":"0b6f5a0e-6d3b-4f2e-9a31-2f1a9c5d7e10","service":"api","occurred_at":"2026-11-20T22:15:00.123456Z","failed":true,"endpoint":"/a"}"#;

    #[test]
    fn plain_lines_are_read_here_and_as_serde_reads_them() {
        let mut reader = UsageReader::default();
        for line in [
            PLAIN.to_owned(),
            PLAIN.replace(r#","endpoint":"/a""#, ""),
            PLAIN.replace(r#""/a""#, "null"),
            PLAIN.replace("true", "null"),
            PLAIN.replace("true", "false"),
            PLAIN
                .replace(',', " ,\t")
                .replace(':', " : ")
                .replace(" : 15 : ", ":15:"),
            PLAIN.replace("001", "\u{e9}\u{1f600}"),
            PLAIN.replace('{', r#"{"more":"x","n":-17,"z":0,"b":true,"#),
            format!("  {PLAIN}\r"),
        ] {
            let event = reader.read(line.as_bytes());
            assert!(event.is_some(), "{line}");
            assert_eq!(event, serde(line.as_bytes()), "{line}");
        }
    }

    /// A line that this reader refuses is never read as another line.
    #[test]
    fn other_lines_are_left_to_serde() {
        let mut reader = UsageReader::default();
        for line in [
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            format!("[{PLAIN}]"),
            format!("{PLAIN} x"),
            PLAIN.replace('}', ",}"),
            PLAIN.replace('}', r#","failed":true}"#),
            PLAIN.replace("001", r"\u0031"),
            PLAIN.replace("001", "a\tb"),
            PLAIN.replace("001", "a\u{7f}b"),
            PLAIN.replace("001", &"x".repeat(200)),
            PLAIN.replace("\"tenant-001\"", "\"\""),
            PLAIN.replace("\"api\"", "7"),
            PLAIN.replace("true", "1"),
            PLAIN.replace("true", "tru"),
            PLAIN.replace("true", "truest"),
            PLAIN.replace("2026-11", "2026-13"),
            PLAIN.replace('{', r#"{"n":01,"#),
            PLAIN.replace('{', r#"{"n":-,"#),
            PLAIN.replace('{', r#"{"n":1e3,"#),
            PLAIN.replace('{', r#"{"n":[1],"#),
        ] {
            assert_eq!(reader.read(line.as_bytes()), None, "{line}");
        }
        let more = PLAIN.replace('{', r#"{"more":"more","#);
        for at in [3, 10, 20, 40, 60, 90] {
            for line in [PLAIN, &more] {
                let mut broken = line.as_bytes().to_vec();
                broken[at] = 0xff;
                assert_eq!(reader.read(&broken), None, "{at}");
            }
        }
    }

    proptest! {
        /// An event that is read here is the one that serde reads, whichever byte is changed, left
        /// out or put in.
        #[test]
        fn changed_lines_are_read_as_serde_reads_them(
            changes in prop::collection::vec((0_usize..220, 0_u8..3, prop_oneof![
                any::<u8>(), prop::sample::select(&b"\"\\,:{} 0tZ+-.\x7f"[..])]), 0..3)
        ) {
            let mut line = PLAIN.as_bytes().to_vec();
            for (at, how, byte) in changes {
                let at = at % line.len();
                match how {
                    0 => line[at] = byte,
                    1 => line.insert(at, byte),
                    _ => drop(line.remove(at)),
                }
            }
            if let Some(event) = UsageReader::default().read(&line) {
                prop_assert_eq!(Some(event), serde(&line));
            }
        }

        /// A quotation mark is found at any position.
        #[test]
        fn the_first_mark_ends_a_text(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let is_odd = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            let first = text.iter().position(is_odd);
            let expected = first.filter(|at| text[*at] == b'"');
            prop_assert_eq!(Rest(&text).quote(), expected);
        }

        /// Names that share a slot are returned as they were given.
        #[test]
        fn known_names_are_the_names_that_were_asked_for(names in prop::collection::vec("[a-c]{1,10}", 1..200)) {
            let mut known = KnownFields::new(7);
            for name in names {
                let found = known.get(name.as_bytes(), TenantId::stored);
                prop_assert_eq!(found.as_ref().map(TenantId::as_str), Some(name.as_str()));
            }
        }
    }
}
