//! Formats of `bpf_snprintf`, which are constants and so are checked with the
//! program.

use abi::Initial;
use isa::Reg;

use super::Call;
use crate::explore::Verifier;
use crate::reason::{Argument, Result};
use crate::state::Kind;

impl Verifier<'_> {
    /// Checks the format in `r3` against the size of the arguments in `r5`.
    pub(super) fn check_format(&self, call: &Call) -> Result {
        let size = self.state.reg(Reg::R5).num.tnum().value;
        if !size.is_multiple_of(8) {
            return Err(Argument::FormatData.into());
        }
        let value = self.state.reg(Reg::R3);
        let Kind::MapValue(map) = value.kind else {
            return Err(self.unsupported(call.helper.name));
        };
        let variable = value.num.as_const().unwrap_or(0) as i64;
        let at = i64::from(value.off).wrapping_add(variable);
        let initial = map.def(self.program).map(|def| &def.initial);
        let text = match (initial, usize::try_from(at)) {
            (Some(Initial::Bytes(bytes)), Ok(at)) => bytes.get(at..).unwrap_or_default(),
            _ => &[],
        };
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        match is_format(text, size / 8) {
            true => Ok(()),
            false => Err(Argument::Format.into()),
        }
    }
}

/// Whether Linux takes the text as a format with so many arguments; more than it
/// uses will do.
fn is_format(mut text: &[u8], args: u64) -> bool {
    let mut used = 0;
    while let Some((byte, rest)) = text.split_first() {
        let printable = byte.is_ascii_graphic() || is_space(*byte);
        if !printable {
            return false;
        }
        text = rest;
        if *byte != b'%' {
            continue;
        }
        if let Some((b'%', rest)) = text.split_first() {
            text = rest;
            continue;
        }
        if used >= args {
            return false;
        }
        used += 1;
        match conversion(text) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    true
}

/// What follows a conversion; `None` if it is none. `text` is what follows `%`.
fn conversion(text: &[u8]) -> Option<&[u8]> {
    let flags = text.iter().take_while(|byte| b"0+- ".contains(byte));
    let text = text.get(flags.count()..)?;
    let digits = match text.first() {
        Some(b'1'..=b'9') => text.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let text = text.get(digits..)?;
    let (first, rest) = text.split_first()?;
    match first {
        b'p' => pointer(rest),
        b's' => ends(rest).then_some(rest),
        b'c' => Some(rest),
        _ => {
            let long = text
                .iter()
                .take(2)
                .take_while(|byte| **byte == b'l')
                .count();
            let (last, rest) = text.get(long..)?.split_first()?;
            b"diuxX".contains(last).then_some(rest)
        }
    }
}

/// What follows `%p` and what belongs to it.
fn pointer(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'k' | b'u', b's', after @ ..] => ends(after).then_some(after),
        [b'K' | b'x' | b's' | b'S' | b'B', after @ ..] => Some(after),
        [b'i' | b'I', b'4' | b'6', after @ ..] => Some(after),
        _ => ends(rest).then_some(rest),
    }
}

/// Whether a word ends here.
fn ends(rest: &[u8]) -> bool {
    match rest.first() {
        Some(byte) => byte.is_ascii_punctuation() || is_space(*byte),
        None => true,
    }
}

/// Whether C's `isspace` holds.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

#[cfg(test)]
mod tests {
    use super::is_format;

    #[test]
    fn formats() {
        for (text, args) in [
            ("", 0),
            ("%%", 0),
            ("%d %s", 2),
            ("%d", 2),
            ("%-08llx,", 1),
            ("%pI4 %pks!", 2),
            ("%p", 1),
            ("%c", 1),
        ] {
            assert!(is_format(text.as_bytes(), args), "{text}");
        }
        for (text, args) in [
            ("%d", 0),
            ("%", 1),
            ("%z", 1),
            ("%sx", 1),
            ("%pI5", 1),
            ("%pq", 1),
            ("%llld", 1),
            ("\u{1}", 0),
        ] {
            assert!(!is_format(text.as_bytes(), args), "{text}");
        }
    }
}
