//! Random formats and arguments of `bpf_snprintf`, `bpf_trace_printk` and
//! `bpf_trace_vprintk`.
//!
//! The formats of `bpf_snprintf` are constants that Linux's verifier checks: a
//! [`Batch`] is a program with many of them. Those of the others are read when the
//! program runs, so [`Printer`] is one program for all, and may be given broken
//! ones.
//!
//! Arguments are numbers, or addresses of strings, chosen by masks so that the
//! program has no branches. `%p` and `%pK` are left out, since Linux hashes the
//! address with a secret.

use std::fmt::Write;

use abi::{Initial, MapDef, MapFlags, MapKind, MapType};

use super::Random;
use super::text::assemble;
use crate::{Subject, map};

/// Arguments that a format may have.
const MAX_ARGS: usize = 12;
/// Bytes of a format with its NUL.
const FORMAT: usize = 256;
/// Bytes of the arguments of one format: numbers, then masks.
const ARGUMENTS: usize = 16 * MAX_ARGS;
/// Strings, and bytes of each with its NUL.
const STRINGS: usize = 4;
const STRING: usize = 128;
/// Bytes for the addresses of the strings.
const ADDRESSES: usize = 8 * STRINGS;
/// Bytes of what is written for one format, behind what the helper returned.
const OUTPUT: usize = 1000;
const RESULT: usize = 8 + OUTPUT;

/// A format and what it wants.
#[derive(Clone, Debug)]
pub struct Format {
    /// Its text, without a NUL.
    pub text: Vec<u8>,
    arguments: Vec<Argument>,
    /// Bytes that `bpf_snprintf` may write.
    room: usize,
    /// Whether no more arguments may follow.
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    Number,
    /// The address of a string, which an IP address may be, too.
    Address,
}

impl Format {
    /// A format that Linux takes.
    pub fn random(random: &mut Random) -> Format {
        let mut format = Format {
            text: Vec::new(),
            arguments: Vec::new(),
            room: random.pick(&[0, 1, 2, 9, 30, 100, OUTPUT, OUTPUT, OUTPUT]),
            closed: false,
        };
        for _ in 0..random.below(14) {
            format.piece(random);
        }
        format
    }

    fn piece(&mut self, random: &mut Random) {
        match random.below(10) {
            0..=2 => {
                let len = random.below(6);
                let text = (0..len).map(|_| random.pick(b" abcXYZ019.,:;-+#*<>[]()/_"));
                self.text.extend(text);
            }
            3 => self.text.extend(b"%%"),
            _ if self.arguments.len() < MAX_ARGS && !self.closed => self.conversion(random),
            _ => {}
        }
    }

    fn conversion(&mut self, random: &mut Random) {
        const NUMBERS: [&str; 19] = [
            "d", "i", "u", "x", "X", "ld", "li", "lu", "lx", "lX", "lld", "lli", "llu", "llx",
            "llX", "c", "px", "px", "llx",
        ];
        const ADDRESSES: [&str; 8] = ["s", "s", "s", "pks", "pI4", "pi4", "pI6", "pi6"];
        let mut spec = String::from("%");
        for _ in 0..random.below(3) {
            spec.push(random.pick(&['0', '-', '+', ' ']));
        }
        if random.percent(40) {
            let _ = write!(spec, "{}", random.below(24));
        }
        let address = random.percent(30);
        let kind = match address {
            true => random.pick(&ADDRESSES),
            false => random.pick(&NUMBERS),
        };
        spec.push_str(kind);
        if kind.starts_with('p') || kind == "s" {
            // Letters and digits behind it would belong to it, or be wrong.
            spec.push_str(random.pick(&[" ", ".", ",", "|", "%%"]));
        }
        // Once the room is used up, Linux takes what an address in memory became,
        // and bytes that nobody wrote, for the next argument.
        // What follows an IP address that was cut is read from other memory: three
        // strings may leave too little room for one.
        let addresses = self.arguments.iter().filter(|a| **a == Argument::Address);
        let full = addresses.count() >= 3;
        self.closed = (self.room < OUTPUT || full) && address && kind != "s";
        self.text.extend(spec.bytes());
        self.arguments.push(match address {
            true => Argument::Address,
            false => Argument::Number,
        });
    }

    /// The format with some bytes changed, most likely one that Linux refuses. All
    /// arguments are numbers then.
    pub fn broken(mut self, random: &mut Random) -> Format {
        for _ in 0..1 + random.below(3) {
            let at = random.below(self.text.len() as u64 + 1) as usize;
            let byte = match random.percent(70) {
                true => random.pick(b"%%%lspdxuciIKBS 0-+5.#*hz\n\t\x01\x7f"),
                false => 1 + random.below(255) as u8,
            };
            match random.percent(50) {
                true => self.text.insert(at, byte),
                false if at < self.text.len() => self.text[at] = byte,
                false => {}
            }
        }
        self.text.truncate(FORMAT - 1);
        self.arguments = vec![Argument::Number; MAX_ARGS];
        self
    }

    /// Whether it may have a conversion that hides an address, whose digits are
    /// Linux's secret.
    pub fn hides_addresses(&self) -> bool {
        let hides = |(at, byte): (usize, &u8)| {
            let next = self.text.get(at + 1);
            *byte == b'p' && next.is_none_or(|next| !b"xsSBkuiI".contains(next))
        };
        self.text.iter().enumerate().any(hides)
    }

    /// Numbers and masks.
    fn values(&self, limit: Option<u64>, random: &mut Random) -> Vec<u8> {
        let mut values = vec![0; ARGUMENTS];
        let (numbers, masks) = values.split_at_mut(ARGUMENTS / 2);
        let places = numbers.chunks_exact_mut(8).zip(masks.chunks_exact_mut(8));
        for (argument, (number, mask)) in self.arguments.iter().zip(places) {
            let value = match limit {
                Some(limit) => random.below(limit),
                None => random.edge(),
            };
            number.copy_from_slice(&value.to_le_bytes());
            if *argument == Argument::Address {
                mask.fill(0xff);
            }
        }
        values
    }

    /// For a reader.
    fn show(&self, values: &[u8]) -> String {
        let numbers = values.chunks_exact(8).take(self.arguments.len());
        let numbers = numbers.map(|n| u64::from_le_bytes(n.try_into().unwrap_or_default()));
        let arguments: Vec<_> = self.arguments.iter().zip(numbers).collect();
        format!(
            "\"{}\" in {} bytes, {arguments:x?}",
            self.text.escape_ascii(),
            self.room
        )
    }
}

/// Strings for all formats, each with a NUL at its end.
fn strings(random: &mut Random) -> Vec<u8> {
    let mut strings = vec![0; STRINGS * STRING];
    for string in strings.chunks_exact_mut(STRING) {
        let len = random.below(STRING as u64) as usize;
        for byte in string.iter_mut().take(len) {
            *byte = random.pick(b"abcdefghijklmnopqrstuvwxyzABC 0123456789%-_\x01~");
        }
    }
    strings
}

/// A program that writes several formats: map 0 holds them, map 1 what they are
/// given, map 2 gets what comes of them.
#[derive(Debug)]
pub struct Batch {
    formats: Vec<Format>,
}

impl Batch {
    /// With these formats.
    pub fn new(formats: Vec<Format>) -> Batch {
        Batch { formats }
    }

    /// The number of formats.
    pub fn len(&self) -> usize {
        self.formats.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.formats.is_empty()
    }

    /// What is asked about.
    pub fn subject(&self) -> Subject {
        let mut texts = Vec::new();
        for format in &self.formats {
            texts.extend(&format.text);
            texts.resize(texts.len().next_multiple_of(FORMAT), 0);
            if format.text.is_empty() {
                texts.resize(texts.len() + FORMAT, 0);
            }
        }
        let array = |len: usize| map("m", MapType::Array, 4, len as u32, 1);
        let maps = vec![
            MapDef {
                kind: MapKind::Rodata,
                flags: MapFlags::RDONLY_PROG,
                initial: Initial::Bytes(texts.clone()),
                ..array(texts.len())
            },
            array(ADDRESSES + STRINGS * STRING + self.len() * ARGUMENTS),
            array(self.len() * RESULT),
        ];
        Subject::xdp("snprintf", assemble(&self.program()), maps)
    }

    fn program(&self) -> String {
        let mut text = addresses();
        for (n, format) in self.formats.iter().enumerate() {
            arguments(&mut text, n, format.arguments.len());
            let _ = write!(
                text,
                "r1 = map[idx:2]+{}\n\
                 r2 = {}\n\
                 r3 = map[idx:0]+{}\n\
                 r4 = r10\n\
                 r4 += -{}\n\
                 r5 = {}\n\
                 call 165\n\
                 r1 = map[idx:2]+{}\n\
                 *(u64 *)(r1 +0) = r0\n",
                n * RESULT + 8,
                format.room,
                n * FORMAT,
                8 * MAX_ARGS,
                8 * format.arguments.len(),
                n * RESULT,
            );
        }
        text + "r0 = 2\nexit\n"
    }

    /// The value of map 1.
    pub fn values(&self, random: &mut Random) -> Vec<u8> {
        let mut values = vec![0; ADDRESSES];
        values.extend(strings(random));
        for format in &self.formats {
            values.extend(format.values(None, random));
        }
        values
    }

    /// The first format of which the results in two values of map 2 differ.
    pub fn difference(&self, values: &[u8], ours: &[u8], theirs: &[u8]) -> Option<String> {
        let at = ours.chunks(RESULT).zip(theirs.chunks(RESULT));
        let at = at.into_iter().position(|(ours, theirs)| ours != theirs)?;
        let values = values.get(ADDRESSES + STRINGS * STRING + at * ARGUMENTS..)?;
        let show = |results: &[u8]| {
            let result = results.chunks(RESULT).nth(at).unwrap_or_default();
            let (ret, text) = result.split_at_checked(8).unwrap_or_default();
            let ret = i64::from_le_bytes(ret.try_into().unwrap_or_default());
            format!("{ret} \"{}\"", text.escape_ascii())
        };
        Some(format!(
            "{}\nours:   {}\ntheirs: {}",
            self.formats.get(at)?.show(values),
            show(ours),
            show(theirs)
        ))
    }
}

/// Puts the addresses of the strings in front of them, where a program finds them
/// as numbers.
fn addresses() -> String {
    let mut text = String::from("r9 = map[idx:1]+0\n");
    for n in 0..STRINGS {
        let at = ADDRESSES + n * STRING;
        let _ = write!(text, "r1 = map[idx:1]+{at}\n*(u64 *)(r9 +{}) = r1\n", 8 * n);
    }
    text
}

/// Puts the arguments of format `n` into the stack: number or address, as the mask
/// says.
fn arguments(text: &mut String, n: usize, count: usize) {
    let at = ADDRESSES + STRINGS * STRING + n * ARGUMENTS;
    let _ = writeln!(text, "r8 = map[idx:1]+{at}");
    for argument in 0..count {
        let _ = write!(
            text,
            "r1 = *(u64 *)(r8 +{})\n\
             r2 = *(u64 *)(r8 +{})\n\
             r3 = *(u64 *)(r9 +{})\n\
             r3 &= r2\n\
             r2 ^= -1\n\
             r1 &= r2\n\
             r1 |= r3\n\
             *(u64 *)(r10 -{}) = r1\n",
            8 * argument,
            ARGUMENTS / 2 + 8 * argument,
            8 * (argument % STRINGS),
            8 * (MAX_ARGS - argument),
        );
    }
}

/// A program that prints: map 1 holds addresses, strings, arguments and format.
/// The packet says which helper and how long the format is.
#[derive(Clone, Copy, Debug)]
pub struct Printer;

/// Where the format is in the value of map 1.
const FORMAT_AT: usize = ADDRESSES + STRINGS * STRING + ARGUMENTS;

impl Printer {
    /// What is asked about. Map 0 is not used.
    pub fn subject() -> Subject {
        let array = |len: usize| map("m", MapType::Array, 4, len as u32, 1);
        let maps = vec![array(8), array(FORMAT_AT + FORMAT)];
        let mut text = String::from(
            "r6 = *(u32 *)(r1 +0)\n\
             r7 = *(u32 *)(r1 +4)\n\
             r2 = r6\n\
             r2 += 16\n\
             if r2 > r7 goto out\n",
        );
        text += &addresses();
        arguments(&mut text, 0, MAX_ARGS);
        let _ = write!(
            text,
            "r1 = map[idx:1]+{FORMAT_AT}\n\
             r2 = *(u32 *)(r6 +4)\n\
             if r2 == 0 goto out\n\
             if r2 > {FORMAT} goto out\n\
             r9 = *(u32 *)(r6 +0)\n\
             if r9 == 0 goto three\n\
             r3 = r10\n\
             r3 += -{first}\n\
             r4 = *(u32 *)(r6 +8)\n\
             if r4 > {first} goto out\n\
             call 177\n\
             goto done\n\
             three:\n\
             r3 = *(u64 *)(r10 -{first})\n\
             r4 = *(u64 *)(r10 -{second})\n\
             r5 = *(u64 *)(r10 -{third})\n\
             call 6\n\
             done:\n\
             *(u64 *)(r6 +0) = r0\n\
             r0 = 2\n\
             exit\n\
             out:\n\
             r0 = 0\n\
             exit\n",
            first = 8 * MAX_ARGS,
            second = 8 * (MAX_ARGS - 1),
            third = 8 * (MAX_ARGS - 2),
        );
        Subject::xdp("printk", assemble(&text), maps)
    }

    /// The value of map 1 and a packet.
    pub fn question(format: &Format, broken: bool, random: &mut Random) -> (Vec<u8>, Vec<u8>) {
        let mut values = vec![0; ADDRESSES];
        values.extend(strings(random));
        // Small numbers are nobody's addresses.
        values.extend(format.values(broken.then_some(4096), random));
        values.extend(&format.text);
        values.resize(FORMAT_AT + FORMAT, 0);
        let short = broken && random.percent(10);
        let len = match short {
            true => 1 + random.below(FORMAT as u64) as usize,
            false => format.text.len() + 1,
        };
        let array = format.arguments.len() > 3 || random.percent(50);
        let mut packet = u32::from(array).to_le_bytes().to_vec();
        packet.extend((len as u32).to_le_bytes());
        let given = match broken {
            true => random.below(8 * MAX_ARGS as u64 + 1) as usize,
            false => 8 * format.arguments.len(),
        };
        packet.extend((given as u32).to_le_bytes());
        packet.extend([0; 20]);
        (values, packet)
    }
}
