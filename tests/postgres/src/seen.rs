//! Counts of the traffic to the server.

/// The amount of traffic that clients sent to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordedTraffic {
    /// Number of executed statements.
    pub statements: u64,
    /// Number of times that a client sent a message with statements and waited for the reply.
    pub round_trips: u64,
    /// Number of times that a client waited only for a ping.
    pub pings: u64,
}

impl RecordedTraffic {
    /// Returns the traffic since an earlier count.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            statements: self.statements - before.statements,
            round_trips: self.round_trips - before.round_trips,
            pings: self.pings - before.pings,
        }
    }

    pub(crate) const fn add(&mut self, more: Self) {
        self.statements += more.statements;
        self.round_trips += more.round_trips;
        self.pings += more.pings;
    }
}

/// A reader of the messages of one client as they pass (version 3 of the protocol).
#[derive(Debug, Default)]
pub(crate) struct SeenMessages {
    /// The bytes so far of an incomplete message.
    part: Vec<u8>,
    /// Set once the message that opens a session, which has no type, has passed.
    begun: bool,
    /// Set if a request was sent since the last `Sync`.
    asked: bool,
}

impl SeenMessages {
    /// Counts the messages that end with these bytes.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> RecordedTraffic {
        self.part.extend_from_slice(bytes);
        let (mut seen, mut at) = (RecordedTraffic::default(), 0);
        loop {
            let start = at + usize::from(self.begun);
            let Some(length) = self.part.get(start..start + 4) else {
                break;
            };
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let end = start + length;
            if self.part.len() < end {
                break;
            }
            let kind = self.part.get(at).copied().filter(|_| self.begun);
            self.count(kind, &mut seen);
            at = end;
        }
        self.part.drain(..at);
        seen
    }

    fn count(&mut self, kind: Option<u8>, seen: &mut RecordedTraffic) {
        match kind {
            None => self.begun = true,
            // Query: a statement and the wait for its reply.
            Some(b'Q') => {
                seen.statements += 1;
                seen.round_trips += 1;
            }
            // Execute.
            Some(b'E') => {
                seen.statements += 1;
                self.asked = true;
            }
            // Sync.
            Some(b'S') => {
                if self.asked {
                    seen.round_trips += 1;
                } else {
                    seen.pings += 1;
                }
                self.asked = false;
            }
            // Parse, Bind, Describe, Close and the like.
            Some(_) => self.asked = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let message = |kind: &[u8], body: &[u8]| {
            let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
            [kind, &length, body].concat()
        };
        let all = [
            message(b"", b"\0\x03\0\0user\0x\0\0"),
            message(b"Q", b"begin\0"),
            message(b"P", b"\0select 1\0\0\0"),
            message(b"B", b"\0\0\0\0\0\0\0\0"),
            message(b"E", b"\0\0\0\0\0"),
            message(b"S", b""),
            message(b"S", b""),
        ]
        .concat();
        for size in [1, 2, 7, all.len()] {
            let (mut messages, mut seen) = (SeenMessages::default(), RecordedTraffic::default());
            for piece in all.chunks(size) {
                seen.add(messages.read(piece));
            }
            let expected = RecordedTraffic {
                statements: 2,
                round_trips: 2,
                pings: 1,
            };
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }
}
