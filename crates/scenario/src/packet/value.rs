//! Values of fields: how they are written, and how they are shown.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::layer::Kind;

/// A value that a description gives to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// This number, in the bits of the field.
    Number(u128),
    /// The checksum that is right.
    Good,
    /// One that is wrong.
    Bad,
    /// Whatever there is.
    Any,
    /// The bytes of a part of variable length.
    Bytes(Vec<Masked>),
}

/// A byte and which bits of it are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masked {
    pub(super) byte: u8,
    pub(super) mask: u8,
}

impl Masked {
    pub(super) fn exactly(byte: u8) -> Masked {
        Masked { byte, mask: 0xff }
    }

    pub(super) fn matches(self, byte: u8) -> bool {
        (self.byte ^ byte) & self.mask == 0
    }
}

/// Reads a value of this kind.
pub(super) fn read(kind: Kind, text: &str) -> Option<Value> {
    if text == "*" {
        return Some(Value::Any);
    }
    let value = match kind {
        Kind::Mac => mac(text).or_else(|| number(text)),
        Kind::Ip4 => {
            let address = text.parse::<Ipv4Addr>().ok();
            let address = address.map(|address| u128::from(address.to_bits()));
            address.or_else(|| number(text))
        }
        Kind::Ip6 => {
            let address = text.parse::<Ipv6Addr>().ok();
            address.map(Ipv6Addr::to_bits).or_else(|| number(text))
        }
        Kind::Letters(letters) => flags(letters, text).or_else(|| number(text)),
        Kind::Named(names) => {
            let found = names.iter().find(|(name, _)| *name == text);
            let found = found.map(|(_, number)| u128::from(*number));
            found.or_else(|| number(text))
        }
        Kind::Checksum if text == "ok" => return Some(Value::Good),
        Kind::Checksum if text == "bad" => return Some(Value::Bad),
        Kind::Number | Kind::Hex | Kind::Bit | Kind::Checksum => number(text),
    };
    value.map(Value::Number)
}

/// What values of this kind look like.
pub(super) fn expected(kind: Kind) -> String {
    match kind {
        Kind::Number | Kind::Hex => "a number such as 80 or 0x50".to_owned(),
        Kind::Mac => "a hardware address such as 02:00:00:00:00:01".to_owned(),
        Kind::Ip4 => "an IPv4 address such as 192.0.2.1".to_owned(),
        Kind::Ip6 => "an IPv6 address such as 2001:db8::1".to_owned(),
        Kind::Bit => "0 or 1".to_owned(),
        Kind::Letters(letters) => format!("letters of {letters} such as SA, `-` or a number"),
        Kind::Named(names) => {
            let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            format!("a number or one of {}", names.join(", "))
        }
        Kind::Checksum => "a number, `ok` or `bad`".to_owned(),
    }
}

/// A number: decimal, `0x…` or `0b…`, with `_` where it helps.
pub(super) fn number(text: &str) -> Option<u128> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0b") => (&digits[2..], 2),
        _ => (&digits[..], 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

pub(super) fn mac(text: &str) -> Option<u128> {
    let mut parts = text.split(':');
    let mut address = 0;
    for _ in 0..6 {
        let part = parts.next().filter(|part| part.len() == 2)?;
        address = address << 8 | u128::from(u8::from_str_radix(part, 16).ok()?);
    }
    parts.next().is_none().then_some(address)
}

fn flags(letters: &str, text: &str) -> Option<u128> {
    if text == "-" {
        return Some(0);
    }
    let bit = |c| letters.find(c).map(|place| 1 << place);
    let bits = text.chars().map(bit);
    bits.reduce(|sum, bit| Some(sum? | bit?))?
}

/// Bytes in hex, of which `?` leaves four bits open: `0x45??`, or `45 ??` without
/// the prefix.
pub(super) fn hex(digits: &str) -> Option<Vec<Masked>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |c: u8| match c {
        b'?' => Some((0, 0)),
        c => Some((char::from(c).to_digit(16)? as u8, 0xf)),
    };
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| {
        let ((high, high_mask), (low, low_mask)) = (nibble(pair[0])?, nibble(pair[1])?);
        Some(Masked {
            byte: high << 4 | low,
            mask: high_mask << 4 | low_mask,
        })
    });
    bytes.collect()
}

/// Shows a value of this kind as it is written.
pub(super) fn show(kind: Kind, value: u128) -> String {
    match kind {
        Kind::Number | Kind::Bit => value.to_string(),
        Kind::Hex => format!("{value:#x}"),
        Kind::Checksum => format!("{value:#06x}"),
        Kind::Mac => {
            let bytes = value.to_be_bytes();
            let bytes: Vec<_> = bytes[10..].iter().map(|b| format!("{b:02x}")).collect();
            bytes.join(":")
        }
        Kind::Ip4 => Ipv4Addr::from_bits(value as u32).to_string(),
        Kind::Ip6 => Ipv6Addr::from_bits(value).to_string(),
        Kind::Letters(letters) => {
            let set = letters.chars().enumerate();
            let set = set.filter(|(bit, _)| value >> bit & 1 == 1);
            match value {
                0 => "-".to_owned(),
                _ => set.map(|(_, letter)| letter).collect(),
            }
        }
        Kind::Named(names) => {
            let found = names
                .iter()
                .find(|(_, number)| u128::from(*number) == value);
            match found {
                Some((name, _)) => (*name).to_owned(),
                None if value > 0xff => format!("{value:#06x}"),
                None => value.to_string(),
            }
        }
    }
}

/// Bytes as a description has them: text in quotes where it is text, else hex.
pub(super) fn show_bytes(bytes: &[u8]) -> String {
    let text = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    let mut shown = String::new();
    if bytes.len() >= 2 && bytes.iter().all(text) {
        shown.push('"');
        for byte in bytes {
            match byte {
                b'\n' => shown.push_str("\\n"),
                b'\r' => shown.push_str("\\r"),
                b'\t' => shown.push_str("\\t"),
                b'"' | b'\\' => shown.extend(['\\', char::from(*byte)]),
                byte => shown.push(char::from(*byte)),
            }
        }
        shown.push('"');
        return shown;
    }
    // Long runs, as zeros that fill a packet up, are no news.
    if let [first, rest @ ..] = bytes
        && bytes.len() > 16
        && rest.iter().all(|b| b == first)
    {
        let _ = write!(shown, "0x{first:02x} * {}", bytes.len());
        return shown;
    }
    shown.push_str("0x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}
