//! What bytes are, layer by layer, for people: whatever they are.

use std::ops::Range;

use super::checksum::{self, Addresses};
use super::layer::{Field, Id, Kind, Layer};
use super::value::{self, show_bytes};
use super::{layers, tcp_options};

/// A packet, taken apart.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    /// All bytes.
    pub bytes: &'a [u8],
    /// The headers, outermost first.
    pub layers: Vec<Found>,
    /// What is behind the last header, as far as lengths say that it belongs to
    /// the packet.
    pub payload: Range<usize>,
    /// What is behind that: padding of the frame.
    pub trailer: Range<usize>,
}

/// A header in a packet.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its row.
    pub layer: &'static Layer,
    /// Where it is; shorter than it should be when the packet ends before.
    pub range: Range<usize>,
    /// Whether the packet ends in it.
    pub cut: bool,
    /// The checksum that it should have, if it has one and all that is summed is
    /// there.
    pub checksum: Option<u16>,
}

/// More headers than this are taken for payload.
const MAX_LAYERS: usize = 64;

/// Takes a frame apart. Never fails: what is no header is payload.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let mut decoded = Decoded {
        bytes,
        layers: Vec::new(),
        payload: 0..0,
        trailer: bytes.len()..bytes.len(),
    };
    let (mut at, mut end) = (0, bytes.len());
    let mut next = Some(Id::Eth).filter(|_| !bytes.is_empty());
    let mut addresses: Option<Addresses> = None;
    let mut whole = true;
    while let Some(id) = next
        && decoded.layers.len() < MAX_LAYERS
        && at < end
    {
        let layer = layers::row(id);
        let rest = &bytes[at..end];
        let len = layers::header_len(layer, rest);
        let cut = len > rest.len();
        let header = &rest[..len.min(rest.len())];
        let start = at;
        at += header.len();
        // Lengths that go beyond the packet are not believed, nor those that end
        // before the header does.
        let inside = said_len(layer, header).map(|len| start + len);
        if let Some(inside) = inside.filter(|inside| (at..end).contains(inside)) {
            end = inside;
        }
        whole = inside.map_or(whole, |inside| inside <= bytes.len());
        let summed = checksum::expected(id, header, &bytes[at..end], addresses.as_ref());
        let fragment = decoded.layers.iter().any(|found| found.is_fragment(bytes));
        decoded.layers.push(Found {
            layer,
            range: start..at,
            cut,
            // IPv4 sums its header alone.
            checksum: summed.filter(|_| !cut && (id == Id::Ip || whole && !fragment)),
        });
        addresses = Addresses::of(id, header).or(addresses);
        next = layers::next(id, header).filter(|_| !cut);
    }
    decoded.payload = at..end;
    decoded.trailer = end..bytes.len();
    decoded
}

/// Bytes from the start of a header to the end of what it says is in it.
fn said_len(layer: &Layer, header: &[u8]) -> Option<usize> {
    let len = layer.field("len")?.get(header)? as usize;
    match layer.id {
        Id::Ip | Id::Udp => Some(len),
        // 0 stands for more than the field holds (RFC 2675).
        Id::Ip6 if len > 0 => Some(len + layer.fixed),
        _ => None,
    }
}

impl Found {
    /// The header's bytes.
    pub fn header<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.range.clone()).unwrap_or_default()
    }

    /// The part of variable length.
    pub fn options<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let header = self.header(bytes);
        header.get(self.layer.fixed..).unwrap_or_default()
    }

    /// A field's value.
    pub fn value(&self, bytes: &[u8], field: &Field) -> Option<u128> {
        field.get(self.header(bytes))
    }

    /// A field's value in words; `-` where the packet ends before it.
    pub fn shown(&self, bytes: &[u8], field: &Field) -> String {
        let Some(number) = self.value(bytes, field) else {
            return "-".to_owned();
        };
        let shown = value::show(field.kind, number);
        match (field.kind, self.checksum) {
            (Kind::Checksum, Some(right)) if u128::from(right) == number => shown + " ok",
            // No checksum, which IPv4 allows.
            (Kind::Checksum, _) if number == 0 && self.layer.id == Id::Udp => shown + " none",
            (Kind::Checksum, Some(right)) => format!("{shown} bad, {right:#06x} is right"),
            _ => shown,
        }
    }

    /// The part of variable length in words.
    pub fn shown_options(&self, bytes: &[u8]) -> String {
        let options = self.options(bytes);
        let words = match self.layer.id {
            Id::Tcp => tcp_options::show(options),
            _ => None,
        };
        words.unwrap_or_else(|| show_bytes(options))
    }

    fn is_fragment(&self, bytes: &[u8]) -> bool {
        let set = |name: &str| {
            let field = self.layer.field(name);
            field.and_then(|field| self.value(bytes, field)) > Some(0)
        };
        matches!(self.layer.id, Id::Ip | Id::Fragment) && (set("mf") || set("offset"))
    }
}

impl Decoded<'_> {
    /// Whether the packet ends in a header.
    pub fn is_cut(&self) -> bool {
        self.layers.last().is_some_and(|found| found.cut)
    }

    /// The bytes behind the last header.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(self.payload.clone()).unwrap_or_default()
    }

    /// The padding of the frame.
    pub fn trailer(&self) -> &[u8] {
        self.bytes.get(self.trailer.clone()).unwrap_or_default()
    }
}
