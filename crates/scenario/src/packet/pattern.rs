//! Descriptions with gaps, which packets are held against.
//!
//! Only what is written is compared: fields that are not named, `*`, and hex
//! digits `?` may be anything. A pattern whose first layer is not `eth` begins
//! where the packet has that layer first; `..` stands for any layers and bytes.
//! Without `..` at the end, nothing more may follow than padding of the frame.

use std::fmt;

use super::decode::{Decoded, Found, decode};
use super::error::{Error, Problem};
use super::layer::Id;
use super::layers;
use super::parse::{Definitions, Header, Part, parse};
use super::value::{self, Masked, Value, show_bytes};

/// A description with gaps.
#[derive(Clone, Debug)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// A part of a packet that is not as the pattern has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which part: layer and field.
    pub what: String,
    /// What the pattern has.
    pub expected: String,
    /// What the packet has.
    pub got: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch {
            what,
            expected,
            got,
        } = self;
        write!(f, "{what}: expected {expected}, got {got}")
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn new(text: &str) -> Result<Pattern, Error> {
        Pattern::with(text, &Definitions::default())
    }

    /// Reads a pattern that uses definitions.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn with(text: &str, definitions: &Definitions) -> Result<Pattern, Error> {
        let parts = parse(text, definitions)?;
        for part in &parts {
            let what = match part {
                Part::Pad(_) => "`pad`",
                Part::Cut(_) => "`cut`",
                _ => continue,
            };
            let all = 0..text.len();
            return Err(Error::new(text, all, Problem::NotInPattern { what }));
        }
        Ok(Pattern { parts })
    }

    /// Whether bytes that are no packet are as the pattern, which is of bytes
    /// alone, has them.
    pub fn compare_bytes(&self, bytes: &[u8]) -> bool {
        let mut at = 0;
        let mut loose = false;
        for part in &self.parts {
            match part {
                Part::Payload(expected) => {
                    let end = at + expected.len();
                    let got = bytes.get(at..end).unwrap_or_default();
                    if !matches(expected, got) {
                        return false;
                    }
                    at = end;
                    loose = false;
                }
                Part::Rest => loose = true,
                _ => return false,
            }
        }
        loose || at == bytes.len()
    }

    /// What of a packet is not as the pattern has it; nothing where it fits.
    pub fn compare(&self, bytes: &[u8]) -> Vec<Mismatch> {
        let decoded = decode(bytes);
        let mut run = Run {
            decoded: &decoded,
            layer: 0,
            payload: 0,
            loose: !matches!(self.parts.first(), Some(Part::Header(h)) if h.id == Id::Eth),
            mismatches: Vec::new(),
        };
        // A pattern of bytes alone is about the whole frame.
        if let Some(Part::Payload(_)) = self.parts.first() {
            run.whole(&self.parts);
            return run.mismatches;
        }
        for part in &self.parts {
            if !run.part(part) {
                return run.mismatches;
            }
        }
        run.end();
        run.mismatches
    }
}

/// A comparison in progress.
struct Run<'a> {
    decoded: &'a Decoded<'a>,
    /// The next layer of the packet.
    layer: usize,
    /// The next byte of the payload.
    payload: usize,
    /// Whether layers may be passed over now.
    loose: bool,
    mismatches: Vec<Mismatch>,
}

impl<'a> Run<'a> {
    /// Compares with one part; whether it makes sense to go on.
    fn part(&mut self, part: &Part) -> bool {
        match part {
            Part::Header(header) => return self.header(header),
            Part::Payload(bytes) => {
                let behind = self.behind();
                let got = behind.get(self.payload..).unwrap_or_default();
                let fits = got.len() >= bytes.len();
                let head = &got[..bytes.len().min(got.len())];
                if !fits || !matches(bytes, head) {
                    self.mismatch("payload", show_masked(bytes), show_bytes(head));
                }
                self.payload += head.len();
                // The layers that were not looked at were compared as bytes.
                self.layer = self.decoded.layers.len();
            }
            Part::Rest => self.loose = true,
            Part::Pad(_) | Part::Cut(_) => {}
        }
        if !matches!(part, Part::Rest) {
            self.loose = false;
        }
        true
    }

    fn header(&mut self, header: &Header) -> bool {
        let rest = self.decoded.layers.get(self.layer..).unwrap_or_default();
        let wanted = rest.iter().position(|found| found.layer.id == header.id);
        let name = layers::row(header.id).name;
        match wanted {
            Some(skipped) if skipped == 0 || self.loose => {
                self.layer += skipped + 1;
                self.loose = false;
                let found = &rest[skipped];
                self.fields(header, found);
                true
            }
            _ => {
                let got = match rest.first() {
                    _ if self.loose => "none".to_owned(),
                    Some(found) => found.layer.name.to_owned(),
                    None => "no more layers".to_owned(),
                };
                self.mismatch("layer", name.to_owned(), got);
                false
            }
        }
    }

    fn fields(&mut self, header: &Header, found: &Found) {
        let bytes = self.decoded.bytes;
        for (name, value) in &header.given {
            let what = format!("{} {name}", found.layer.name);
            match (found.layer.field(name), value) {
                (_, Value::Any) => {}
                (Some(field), Value::Number(number)) => {
                    if found.value(bytes, field) == Some(*number) {
                        continue;
                    }
                    let expected = value::show(field.kind, *number);
                    self.mismatch(what, expected, found.shown(bytes, field));
                }
                (Some(field), Value::Good | Value::Bad) => {
                    let right = found.checksum.map(u128::from);
                    let good = right.is_some() && found.value(bytes, field) == right;
                    if good != (*value == Value::Good) {
                        let expected = if good { "bad" } else { "ok" };
                        self.mismatch(what, expected.to_owned(), found.shown(bytes, field));
                    }
                }
                (None, Value::Bytes(options)) => self.options(what, options, found),
                _ => {}
            }
        }
        if found.cut {
            let left = found.range.len();
            let expected = "a whole header".to_owned();
            self.mismatch(found.layer.name, expected, format!("{left} bytes of it"));
        }
    }

    fn options(&mut self, what: String, options: &[Masked], found: &Found) {
        let got = found.options(self.decoded.bytes);
        let (head, padding) = got.split_at(options.len().min(got.len()));
        let padded = match found.layer.id {
            Id::HopByHop | Id::Destination => matches!(padding, [] | [0] | [1, ..]),
            _ => padding.iter().all(|b| *b == 0),
        };
        if !matches(options, head) || !padded {
            let exact: Vec<u8> = options.iter().map(|m| m.byte).collect();
            let words = super::tcp_options::show(&exact)
                .filter(|_| found.layer.id == Id::Tcp)
                .unwrap_or_else(|| show_masked(options));
            self.mismatch(what, words, found.shown_options(self.decoded.bytes));
        }
    }

    /// The bytes behind the layers that were compared.
    fn behind(&self) -> &'a [u8] {
        let start = match self.decoded.layers.get(self.layer) {
            Some(found) => found.range.start,
            None => self.decoded.payload.start,
        };
        let range = start..self.decoded.payload.end;
        self.decoded.bytes.get(range).unwrap_or_default()
    }

    /// Compares the whole frame with bytes.
    fn whole(&mut self, parts: &[Part]) {
        let mut at = 0;
        for part in parts {
            let Part::Payload(bytes) = part else {
                self.loose = matches!(part, Part::Rest);
                continue;
            };
            let got = self.decoded.bytes.get(at..).unwrap_or_default();
            let head = &got[..bytes.len().min(got.len())];
            if !matches(bytes, head) {
                self.mismatch("bytes", show_masked(bytes), show_bytes(head));
            }
            at += bytes.len();
            self.loose = false;
        }
        let more = self.decoded.bytes.len().saturating_sub(at);
        if more > 0 && !self.loose {
            self.mismatch("end", format!("{at} bytes"), format!("{more} more"));
        }
    }

    fn end(&mut self) {
        if self.loose {
            return;
        }
        let got = match self.decoded.layers.get(self.layer) {
            Some(found) => found.layer.name.to_owned(),
            None => {
                let behind = self.behind();
                match behind.get(self.payload..).unwrap_or_default() {
                    [] => return,
                    more => format!("{} bytes more: {}", more.len(), show_bytes(more)),
                }
            }
        };
        self.mismatch("end", "nothing more".to_owned(), got);
    }

    fn mismatch(&mut self, what: impl Into<String>, expected: String, got: String) {
        self.mismatches.push(Mismatch {
            what: what.into(),
            expected,
            got,
        });
    }
}

fn matches(expected: &[Masked], got: &[u8]) -> bool {
    expected.len() == got.len() && expected.iter().zip(got).all(|(e, g)| e.matches(*g))
}

/// Bytes with gaps as they are written.
fn show_masked(bytes: &[Masked]) -> String {
    if bytes.iter().all(|masked| masked.mask == 0xff) {
        let exact: Vec<u8> = bytes.iter().map(|masked| masked.byte).collect();
        return show_bytes(&exact);
    }
    let nibble = |value: u8, mask: u8| match mask {
        0 => '?',
        _ => char::from_digit(value.into(), 16).unwrap_or('?'),
    };
    let pair = |m: &Masked| {
        [
            nibble(m.byte >> 4, m.mask >> 4),
            nibble(m.byte & 15, m.mask & 15),
        ]
    };
    let digits = bytes.iter().flat_map(pair);
    ['0', 'x'].into_iter().chain(digits).collect()
}
