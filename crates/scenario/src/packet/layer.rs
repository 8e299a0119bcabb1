//! What a layer is: a name, a header, and fields at bit positions in it.
//!
//! The rows stand in [`layers`](super::layers). Building, decoding, matching and
//! comparing read the same rows, so that a field is described once.

/// A layer of a packet, as a row of the table.
#[derive(Debug)]
pub struct Layer {
    /// Name in descriptions.
    pub name: &'static str,
    /// Which one.
    pub id: Id,
    /// Bytes of the fixed part of the header.
    pub fixed: usize,
    /// Fields of the fixed part, in order.
    pub fields: &'static [Field],
    /// The part of variable length behind it, if there is one.
    pub options: Option<&'static str>,
}

/// Which layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the rows say what they are")]
pub enum Id {
    Eth,
    Vlan,
    Qinq,
    Arp,
    Ip,
    Ip6,
    HopByHop,
    Destination,
    Routing,
    Fragment,
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Gre,
    Vxlan,
    Geneve,
}

/// A field of a header.
#[derive(Debug)]
pub struct Field {
    /// Name in descriptions.
    pub name: &'static str,
    /// First bit, from the most significant bit of the header's first byte.
    pub bit: usize,
    /// Bits.
    pub bits: usize,
    /// How its value is written.
    pub kind: Kind,
    /// What it is when a description does not say.
    pub default: Default,
}

/// How values of a field are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number, shown in decimal.
    Number,
    /// A number, shown in hexadecimal.
    Hex,
    /// A hardware address.
    Mac,
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// One bit; its bare name sets it.
    Bit,
    /// A letter for each bit, the least significant first.
    Letters(&'static str),
    /// A number, of which some have names.
    Named(&'static [(&'static str, u16)]),
    /// A checksum: `ok`, `bad`, or a number.
    Checksum,
}

/// What a field is when a description does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This.
    Value(u128),
    /// What follows from the rest of the packet: lengths, types of what comes
    /// next, checksums.
    Follows,
}

impl Layer {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// The field's value in a header; `None` where the header is cut before it.
    pub fn get(&self, header: &[u8]) -> Option<u128> {
        let (first, end) = self.bytes();
        let bytes = header.get(first..end)?;
        let whole = bytes
            .iter()
            .fold(0, |sum: u128, b| sum << 8 | u128::from(*b));
        Some(whole >> (8 * end - self.bit - self.bits) & self.mask())
    }

    /// Sets the field's value, without the bits that do not fit. A header that is
    /// cut before it stays as it is.
    pub fn set(&self, header: &mut [u8], value: u128) {
        let (first, end) = self.bytes();
        let shift = 8 * end - self.bit - self.bits;
        let (value, mask) = ((value & self.mask()) << shift, self.mask() << shift);
        let Some(bytes) = header.get_mut(first..end) else {
            return;
        };
        for (place, byte) in bytes.iter_mut().rev().enumerate() {
            let at = |word: u128| (word >> (8 * place)) as u8;
            *byte = *byte & !at(mask) | at(value);
        }
    }

    /// All ones.
    pub fn mask(&self) -> u128 {
        u128::MAX >> (128 - self.bits.clamp(1, 128))
    }

    /// The bytes of the header that the field lies in: at most 16, since a field
    /// of more than 120 bits begins at a byte.
    fn bytes(&self) -> (usize, usize) {
        (self.bit / 8, (self.bit + self.bits).div_ceil(8))
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::LAYERS;

    #[test]
    fn fields_lie_in_their_headers_and_do_not_overlap() {
        for layer in LAYERS {
            let mut end = 0;
            for field in layer.fields {
                assert!(field.bit >= end, "{} {}", layer.name, field.name);
                end = field.bit + field.bits;
            }
            assert!(end <= 8 * layer.fixed, "{}", layer.name);
        }
    }

    #[test]
    fn what_was_set_is_there_and_nothing_else_changed() {
        for layer in LAYERS {
            for field in layer.fields {
                for fill in [0, 0xff] {
                    let mut header = vec![fill; layer.fixed];
                    let value = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef & field.mask();
                    field.set(&mut header, value);
                    assert_eq!(field.get(&header), Some(value), "{}", field.name);
                    let before = if fill == 0 { 0 } else { field.mask() };
                    field.set(&mut header, before);
                    assert_eq!(header, vec![fill; layer.fixed], "{}", field.name);
                }
                assert_eq!(field.get(&[]), None);
            }
        }
    }
}
