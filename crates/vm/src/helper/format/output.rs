//! Where formatted text goes.

use super::Field;

/// Text that is counted whole and kept up to a limit.
#[derive(Debug)]
pub(in crate::helper) struct Output<'a> {
    kept: &'a mut Vec<u8>,
    size: usize,
    limit: usize,
    count: usize,
}

impl<'a> Output<'a> {
    /// Keeps in `kept` what fits into `size` bytes with a NUL.
    pub(in crate::helper) fn new(kept: &'a mut Vec<u8>, size: usize) -> Output<'a> {
        kept.clear();
        Output {
            kept,
            size,
            limit: size.saturating_sub(1),
            count: 0,
        }
    }

    /// Bytes in all, kept or not.
    pub(in crate::helper) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.fill(byte, 1);
    }

    fn fill(&mut self, byte: u8, times: usize) {
        let room = self.limit - self.kept.len();
        self.kept.resize(self.kept.len() + times.min(room), byte);
        self.count += times;
    }

    /// Bytes as they are.
    pub(super) fn plain(&mut self, bytes: &[u8]) {
        let room = self.limit - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.count += bytes.len();
    }

    /// Bytes as they are, not even counted when the room is used up.
    pub(super) fn unless_full<'b>(&mut self, bytes: impl FnOnce() -> &'b [u8]) {
        if self.count < self.size {
            self.plain(bytes());
        }
    }

    /// Bytes with blanks up to the field's width.
    pub(super) fn padded(&mut self, field: Field, bytes: &[u8]) {
        let blanks = missing(field, bytes.len());
        if !field.left {
            self.fill(b' ', blanks);
        }
        self.plain(bytes);
        if field.left {
            self.fill(b' ', blanks);
        }
    }

    pub(super) fn signed(&mut self, field: Field, value: i64) {
        let sign: &[u8] = match value {
            ..0 => b"-",
            _ if field.plus => b"+",
            _ if field.space => b" ",
            _ => b"",
        };
        self.number(field, sign, value.unsigned_abs(), 10, false);
    }

    pub(super) fn decimal(&mut self, field: Field, value: u64) {
        self.number(field, b"", value, 10, false);
    }

    pub(super) fn hex(&mut self, field: Field, value: u64, upper: bool) {
        self.number(field, b"", value, 16, upper);
    }

    /// An address: 16 digits unless a width is given.
    pub(super) fn pointer(&mut self, mut field: Field, value: u64) {
        if field.width.is_none() {
            field.width = Some(16);
            field.zero = true;
        }
        self.hex(field, value, false);
    }

    /// The symbol at an address: a machine has none, so the address.
    pub(super) fn symbol(&mut self, field: Field, value: u64) {
        let mut buffer = [0; 20];
        let digits = in_digits(value, 16, false, &mut buffer).len();
        let start = buffer.len() - digits - 2;
        buffer[start..start + 2].copy_from_slice(b"0x");
        self.padded(field, &buffer[start..]);
    }

    fn number(&mut self, field: Field, sign: &[u8], value: u64, base: u64, upper: bool) {
        let mut buffer = [0; 20];
        let digits = in_digits(value, base, upper, &mut buffer);
        let padding = missing(field, sign.len() + digits.len());
        let zeroes = field.zero && !field.left;
        if !field.left && !zeroes {
            self.fill(b' ', padding);
        }
        self.plain(sign);
        if zeroes {
            self.fill(b'0', padding);
        }
        self.plain(digits);
        if field.left {
            self.fill(b' ', padding);
        }
    }
}

/// Bytes that are missing to the field's width.
fn missing(field: Field, len: usize) -> usize {
    let width = field.width.and_then(|w| usize::try_from(w).ok());
    width.unwrap_or(0).saturating_sub(len)
}

/// The digits of `value`, in the end of `buffer`.
fn in_digits(mut value: u64, base: u64, upper: bool, buffer: &mut [u8; 20]) -> &[u8] {
    let alphabet = if upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = alphabet[(value % base) as usize];
        value /= base;
        if value == 0 {
            return &buffer[at..];
        }
    }
}
