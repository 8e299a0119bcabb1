//! Linux's format strings, as `bpf_trace_printk`, `bpf_trace_vprintk` and
//! `bpf_snprintf` take them.
//!
//! ```text
//! %[0 +-]*[width]  d i u x X   with l or ll for 64 bits
//!                  c s
//!                  p[K]        hashed pointer      px        pointer
//!                  pS ps pB    symbol              pks pus   string
//!                  pI4 pi4 pI6 pi6                 address in memory
//! ```
//!
//! Arguments pass through a buffer of 512 bytes, as in Linux: strings are cut to
//! what is left of it, and what does not fit is ENOSPC. An IP address is cut as
//! well, but counted whole, and once the count is past the end Linux refuses no
//! further argument (it goes on in the memory behind the buffer). What such an
//! argument prints depends on that memory; here it is 0 or nothing. Addresses and
//! `pks`/`pus` strings ignore the width. Letters and digits after a pointer conversion are
//! swallowed.
//!
//! Measured on Linux 6.18 with `bpf_snprintf`: `tests/data/snprintf.jsonl`.

mod output;

use abi::Errno;

pub(super) use output::Output;

use crate::memory::{RegionKind, Space};

/// Arguments that a format may have.
pub(super) const MAX_ARGS: usize = 12;
/// Bytes that the arguments of one call may take.
const ARGUMENT_BYTES: usize = 512;
/// Widest field.
const MAX_WIDTH: i32 = (1 << 23) - 1;

/// Writes `text` with its arguments to `out`.
pub(super) fn format(
    text: &[u8],
    args: &[u64],
    space: &Space,
    out: &mut Output<'_>,
) -> Result<(), Errno> {
    let mut rest = text;
    let mut args = Arguments {
        values: args.iter(),
        packed: [0; ARGUMENT_BYTES],
        used: 0,
        read: 0,
        space,
    };
    while let Some((&first, after)) = rest.split_first() {
        rest = match (first, after.first()) {
            (b'%', Some(b'%')) => {
                out.push(b'%');
                &after[1..]
            }
            (b'%', _) => conversion(after, &mut args, out)?,
            _ if is_text(first) => {
                out.push(first);
                after
            }
            _ => return Err(Errno::EINVAL),
        };
    }
    Ok(())
}

/// Whether a byte may stand in a format as it is.
fn is_text(byte: u8) -> bool {
    !byte.is_ascii_control() || (b'\t'..=b'\r').contains(&byte)
}

/// Linux's `isalnum`, which is that of Latin-1.
fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

/// What is neither visible nor white space in Latin-1.
fn is_control(byte: u8) -> bool {
    !is_text(byte) || (0x80..0xa0).contains(&byte)
}

/// What follows a string's conversion must be its end: white space, punctuation
/// or nothing.
fn ends_string(after: &[u8]) -> Result<(), Errno> {
    match after.first() {
        Some(byte) if is_alphanumeric(*byte) || is_control(*byte) => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

/// How a field is padded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    width: Option<i32>,
}

/// Does one conversion; `text` is what follows the `%`. What follows it.
fn conversion<'t>(
    text: &'t [u8],
    args: &mut Arguments<'_>,
    out: &mut Output<'_>,
) -> Result<&'t [u8], Errno> {
    let (field, text) = field(text);
    let (kind, rest) = text.split_first().ok_or(Errno::EINVAL)?;
    match kind {
        b'c' => out.padded(field, &[args.char()?]),
        b's' => {
            ends_string(rest)?;
            args.pack_string(Memory::Any)?;
            out.padded(field, args.text());
        }
        b'p' => return pointer(rest, field, args, out),
        _ => {
            let longs = text.iter().take(2).take_while(|b| **b == b'l').count();
            let (kind, rest) = text[longs..].split_first().ok_or(Errno::EINVAL)?;
            integer(*kind, longs > 0, field, args, out)?;
            return Ok(rest);
        }
    }
    Ok(rest)
}

/// The flags and width at the start of `text`.
fn field(text: &[u8]) -> (Field, &[u8]) {
    let mut field = Field::default();
    let mut rest = text;
    while let [flag @ (b'0' | b'+' | b'-' | b' '), after @ ..] = rest {
        match flag {
            b'0' => field.zero = true,
            b'+' => field.plus = true,
            b'-' => field.left = true,
            _ => field.space = true,
        }
        rest = after;
    }
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        let width = field.width.unwrap_or(0).wrapping_mul(10);
        field.width = Some(width.wrapping_add(i32::from(digit - b'0')));
        rest = after;
    }
    field.width = field.width.map(|w| w.clamp(-MAX_WIDTH, MAX_WIDTH));
    (field, rest)
}

fn integer(
    kind: u8,
    long: bool,
    field: Field,
    args: &mut Arguments<'_>,
    out: &mut Output<'_>,
) -> Result<(), Errno> {
    if !matches!(kind, b'd' | b'i' | b'u' | b'x' | b'X') {
        return Err(Errno::EINVAL);
    }
    let value = if long { args.long()? } else { args.int()? };
    match kind {
        b'd' | b'i' if long => out.signed(field, value as i64),
        b'd' | b'i' => out.signed(field, i64::from(value as i32)),
        b'u' => out.decimal(field, value),
        b'x' => out.hex(field, value, false),
        _ => out.hex(field, value, true),
    }
    Ok(())
}

/// A conversion that begins with `p`; `text` is what follows that.
fn pointer<'t>(
    text: &'t [u8],
    field: Field,
    args: &mut Arguments<'_>,
    out: &mut Output<'_>,
) -> Result<&'t [u8], Errno> {
    match text {
        [which @ (b'k' | b'u'), b's', after @ ..] => {
            ends_string(after)?;
            let memory = match which {
                b'u' => Memory::User,
                _ => Memory::Any,
            };
            args.pack_string(memory)?;
            out.unless_full(|| args.text());
        }
        [b'i' | b'I', b'4' | b'6', ..] => {
            args.pack_address(text[0], text[1])?;
            out.unless_full(|| args.text());
        }
        [b'x', ..] => out.pointer(field, args.long()?),
        [b's' | b'S', ..] => out.symbol(field, args.long()?),
        [b'B', ..] => out.symbol(Field::default(), args.long()?),
        [b'K', ..] => out.pointer(field, hashed(args.long()?)),
        [other, ..] if is_alphanumeric(*other) || is_control(*other) => {
            return Err(Errno::EINVAL);
        }
        _ => out.pointer(field, hashed(args.long()?)),
    }
    let swallowed = text.iter().take_while(|b| is_alphanumeric(**b)).count();
    Ok(&text[swallowed..])
}

/// What `%p` shows instead of an address: 32 bits that are always the same for
/// the same address (Linux's key is random). NULL and error numbers show.
fn hashed(address: u64) -> u64 {
    const LAST_ERRNO: u64 = 4095;
    if address == 0 || address >= LAST_ERRNO.wrapping_neg() {
        return address;
    }
    address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// Whose memory a string may be in.
#[derive(Clone, Copy)]
enum Memory {
    Any,
    User,
}

/// The arguments that are left, and the buffer that they pass through: put there
/// while the format is checked, read from there while it is written.
///
/// The two go in step, until the room for the text is used up: then what an
/// address in memory became is not read, and is what the next conversion reads.
struct Arguments<'a> {
    values: std::slice::Iter<'a, u64>,
    packed: [u8; ARGUMENT_BYTES],
    /// Bytes that Linux counts as put there; past the end after an IP address that
    /// was cut.
    used: usize,
    /// Bytes that are read.
    read: usize,
    space: &'a Space,
}

impl Arguments<'_> {
    fn next(&mut self) -> Result<u64, Errno> {
        self.values.next().copied().ok_or(Errno::EINVAL)
    }

    /// Puts the low `size` bytes of the next argument there and reads as many.
    fn number(&mut self, size: usize) -> Result<u64, Errno> {
        let value = self.next()?.to_le_bytes();
        let align = size.min(4);
        let at = self.used.next_multiple_of(align);
        match self.packed.get_mut(at..at + size) {
            Some(to) => to.copy_from_slice(&value[..size]),
            None if at <= ARGUMENT_BYTES => return Err(Errno::ENOSPC),
            None => {}
        }
        self.used = at + size;
        let at = self.read.next_multiple_of(align);
        let mut value = [0; 8];
        if let Some(from) = self.packed.get(at..at + size) {
            value[..size].copy_from_slice(from);
        }
        self.read = at + size;
        Ok(u64::from_le_bytes(value))
    }

    fn long(&mut self) -> Result<u64, Errno> {
        self.number(8)
    }

    fn int(&mut self) -> Result<u64, Errno> {
        self.number(4)
    }

    fn char(&mut self) -> Result<u8, Errno> {
        self.number(1).map(|value| value as u8)
    }

    /// Reads text up to its NUL.
    fn text(&mut self) -> &[u8] {
        let rest = self.packed.get(self.read..).unwrap_or_default();
        let len = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
        self.read += len + 1;
        &rest[..len]
    }

    /// Puts the string at the address that is the next argument there, cut to what
    /// is left; an empty one when it cannot be read.
    fn pack_string(&mut self, memory: Memory) -> Result<(), Errno> {
        let address = self.next()?;
        let Some(room) = ARGUMENT_BYTES.checked_sub(self.used) else {
            return Ok(());
        };
        if room == 0 {
            return Err(Errno::ENOSPC);
        }
        let bytes = match memory {
            Memory::Any => readable(self.space, address),
            Memory::User => user_readable(self.space, address),
        };
        let len = bytes.iter().take(room - 1).position(|b| *b == 0);
        // A string that runs into the end of its memory cannot be read.
        let len = match len {
            Some(len) => len,
            None if bytes.len() >= room => room - 1,
            None => 0,
        };
        self.packed[self.used..self.used + len].copy_from_slice(&bytes[..len]);
        self.used += len + 1;
        Ok(())
    }

    /// Puts the IP address at the address that is the next argument there, as text
    /// cut to what is left.
    fn pack_address(&mut self, style: u8, family: u8) -> Result<(), Errno> {
        let address = self.next()?;
        let Some(room) = ARGUMENT_BYTES.checked_sub(self.used) else {
            self.used += 1;
            return Ok(());
        };
        let size = if family == b'4' { 4 } else { 16 };
        if room < size {
            return Err(Errno::ENOSPC);
        }
        let mut ip = [0; 16];
        if let Some(bytes) = readable(self.space, address).get(..size) {
            ip[..size].copy_from_slice(bytes);
        }
        let text = ip_text(&ip[..size], style);
        let kept = text.len().min(room - 1);
        self.packed[self.used..self.used + kept].copy_from_slice(&text.as_bytes()[..kept]);
        self.used += text.len() + 1;
        Ok(())
    }
}

/// An IP address of 4 or 16 bytes, in style `i` or `I`.
fn ip_text(ip: &[u8], style: u8) -> String {
    use std::fmt::Write;

    let mut text = String::new();
    for (i, b) in ip.iter().enumerate() {
        let dot = if i > 0 { "." } else { "" };
        let _ = match (style, ip.len()) {
            (b'i', 4) => write!(text, "{dot}{b:03}"),
            (_, 4) => write!(text, "{dot}{b}"),
            (b'i', _) => write!(text, "{b:02x}"),
            _ if i > 0 && i % 2 == 0 => write!(text, ":{b:02x}"),
            _ => write!(text, "{b:02x}"),
        };
    }
    text
}

/// The machine memory from an address to the end of its region; empty where
/// there is none.
pub(super) fn readable(space: &Space, address: u64) -> &[u8] {
    let Some(region) = space.region_at(address) else {
        return &[];
    };
    if matches!(region.kind, RegionKind::MapHandles | RegionKind::Code) {
        return &[];
    }
    let start = region.start.to_reg();
    let end = start + u64::from(region.len);
    if address < start || address >= end {
        return &[];
    }
    space.bytes(crate::Addr(address as u32), (end - address) as u32)
}

/// The same of memory that stands for a process's: what the platform shows.
/// Everything else a program sees is the kernel's.
pub(super) fn user_readable(space: &Space, address: u64) -> &[u8] {
    match space.region_at(address) {
        Some(region) if region.kind == RegionKind::Platform => readable(space, address),
        _ => &[],
    }
}
