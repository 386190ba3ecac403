//! The `Content-Encoding` of a body.

use std::io::Write;

use axum::http::{HeaderMap, StatusCode, header};
use flate2::write::MultiGzDecoder;

use super::problem::Problem;

/// Bytes decoded at a time: gzip expands data at most about a thousandfold.
const PIECE: usize = 1_024;

/// The content coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// No coding.
    Identity,
    /// gzip (RFC 1952); several members count as one stream.
    Gzip,
}

/// Returns the content coding of a body.
///
/// # Errors
/// Returns 415 for any coding but gzip.
pub(crate) fn coding(headers: &HeaderMap) -> Result<Coding, Problem> {
    let mut found = Coding::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for name in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            // `x-gzip` is the same (RFC 9110, 8.4.1.3).
            let gzip = ["gzip", "x-gzip"]
                .iter()
                .any(|gzip| name.eq_ignore_ascii_case(gzip));
            if gzip && found == Coding::Identity {
                found = Coding::Gzip;
            } else if !name.is_empty() && !name.eq_ignore_ascii_case("identity") {
                return Err(
                    refused("expected a single Content-Encoding: gzip, or none").accepting("gzip")
                );
            }
        }
    }
    Ok(found)
}

/// Checks that a body has no content coding.
///
/// # Errors
/// Returns 415 for any coding.
pub(crate) fn must_be_plain(headers: &HeaderMap) -> Result<(), Problem> {
    match coding(headers) {
        Ok(Coding::Identity) => Ok(()),
        _ => Err(refused("expected no Content-Encoding").accepting("identity")),
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_content_encoding",
        detail,
    )
}

/// A decoder for a body that arrives in pieces.
#[derive(Debug)]
pub(crate) struct Decoder(Option<MultiGzDecoder<Vec<u8>>>);

impl Decoder {
    /// Creates the decoder of a body.
    #[must_use]
    pub(crate) fn new(coding: Coding) -> Self {
        Self((coding == Coding::Gzip).then(|| MultiGzDecoder::new(Vec::new())))
    }

    /// Splits received bytes into pieces to decode one by one, so that no decoded piece exceeds
    /// about a mebibyte.
    pub(crate) fn pieces<'a>(&self, came: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let piece = if self.0.is_some() { PIECE } else { came.len() };
        came.chunks(piece.max(1))
    }

    /// Decodes a piece into `into`, which is cleared first.
    ///
    /// # Errors
    /// Returns 400 if it is not gzip.
    pub(crate) fn decode(&mut self, piece: &[u8], into: &mut Vec<u8>) -> Result<(), Problem> {
        into.clear();
        let Some(gzip) = &mut self.0 else {
            into.extend_from_slice(piece);
            return Ok(());
        };
        gzip.write_all(piece).map_err(|_| not_gzip())?;
        std::mem::swap(into, gzip.get_mut());
        Ok(())
    }

    /// Returns `true` if there is no coding, so that a piece need not be copied.
    #[must_use]
    pub(crate) const fn is_plain(&self) -> bool {
        self.0.is_none()
    }

    /// Ends the body and returns the remaining bytes.
    ///
    /// # Errors
    /// Returns 400 if the body is incomplete.
    pub(crate) fn end(self) -> Result<Vec<u8>, Problem> {
        match self.0 {
            None => Ok(Vec::new()),
            Some(gzip) => gzip.finish().map_err(|_| not_gzip()),
        }
    }
}

fn not_gzip() -> Problem {
    Problem::unreadable("the request body is not valid gzip, or is truncated")
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn with(values: &[&str]) -> HeaderMap {
        let values = values.iter();
        HeaderMap::from_iter(values.map(|value| (header::CONTENT_ENCODING, value.parse().unwrap())))
    }

    #[test]
    fn gzip_is_known_by_its_names_and_taken_once() {
        for (values, expected) in [
            (&[][..], Some(Coding::Identity)),
            (&["identity"], Some(Coding::Identity)),
            (&["GZip"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&["identity, gzip"], Some(Coding::Gzip)),
            (&["gzip, gzip"], None),
            (&["gzip", "gzip"], None),
            (&["br"], None),
            (&["deflate"], None),
            (&["zstd"], None),
        ] {
            assert_eq!(coding(&with(values)).ok(), expected, "{values:?}");
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(bytes: &[u8]) -> Result<(Vec<u8>, usize), u16> {
        let mut decoder = Decoder::new(Coding::Gzip);
        let (mut all, mut piece, mut largest) = (Vec::new(), Vec::new(), 0);
        let status = |problem: Problem| problem.status().as_u16();
        for part in decoder.pieces(bytes) {
            decoder.decode(part, &mut piece).map_err(status)?;
            largest = largest.max(piece.len());
            all.extend_from_slice(&piece);
        }
        let rest = decoder.end().map_err(status)?;
        largest = largest.max(rest.len());
        all.extend(rest);
        Ok((all, largest))
    }

    #[test]
    fn pieces_stay_small_and_what_breaks_off_is_refused() {
        let zeros = vec![0; 64 << 20];
        let bomb = gzip(&zeros);
        let (all, largest) = decoded(&bomb).unwrap();
        assert!(all == zeros && largest < 1_200_000, "{largest}");
        let two = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(decoded(&two).unwrap().0, b"one\ntwo\n");
        assert_eq!(decoded(b"plain"), Err(400));
        let mut broken = two.clone();
        broken.truncate(two.len() - 3);
        assert_eq!(decoded(&broken), Err(400));
        let mut changed = gzip(b"one two three");
        let at = changed.len() - 6;
        changed[at] ^= 1;
        assert_eq!(decoded(&changed), Err(400));
    }
}
