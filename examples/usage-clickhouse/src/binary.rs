//! Rows in ClickHouse's `RowBinary`: values in sequence, numbers in little endian, text after
//! its length as LEB128. Nothing needs escaping.

/// A buffer of rows.
#[derive(Debug, Default)]
pub(crate) struct RowBinary(Vec<u8>);

impl RowBinary {
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let mut left = text.len();
        while left >= 0x80 {
            self.0.push(low_bits(left) | 0x80);
            left >>= 7;
        }
        self.0.push(low_bits(left));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn int64(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn flag(&mut self, value: bool) -> &mut Self {
        self.0.push(u8::from(value));
        self
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Returns the lowest seven bits.
fn low_bits(value: usize) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_more_than_seven_bits_go_on() {
        let mut rows = RowBinary::default();
        rows.text("é").int64(-2).flag(true);
        assert_eq!(
            rows.into_bytes(),
            [&[2, 0xc3, 0xa9, 0xfe][..], &[0xff; 7], &[1]].concat()
        );
        let mut long = RowBinary::default();
        long.text(&"x".repeat(300));
        assert_eq!(long.into_bytes()[..3], [0xac, 0x02, b'x']);
    }
}
