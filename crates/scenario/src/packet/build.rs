//! From the parts of a description to the bytes of a packet.
//!
//! What a description leaves open follows from the rest: types and protocols
//! from the next layer, lengths from what is behind, checksums from everything.
//! What it gives stays as it is, so that wrong packets can be made on purpose.

use super::checksum::{self, Addresses};
use super::error::Problem;
use super::layer::{Default, Id};
use super::parse::{Header, Part};
use super::value::{Masked, Value};
use super::{MAX_LEN, layers};

/// The bytes that the parts describe.
pub(super) fn build(parts: &[Part]) -> Result<Vec<u8>, Problem> {
    let mut headers: Vec<Placed<'_>> = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        match part {
            Part::Header(header) => {
                let next = match parts.get(place + 1) {
                    Some(Part::Header(next)) => Some(next.id),
                    _ => None,
                };
                let start = bytes.len();
                bytes.extend(begin(header, next)?);
                headers.push(Placed {
                    header,
                    start,
                    end: bytes.len(),
                });
            }
            Part::Payload(payload) => {
                for masked in payload {
                    bytes.push(exact(*masked)?);
                }
            }
            Part::Rest => return Err(Problem::OnlyInPattern { what: "`..`" }),
            Part::Pad(_) | Part::Cut(_) => {}
        }
        if bytes.len() > MAX_LEN {
            return Err(Problem::TooLong { limit: MAX_LEN });
        }
    }
    for placed in &headers {
        placed.fill_lengths(&mut bytes);
    }
    // From the inside, since outer checksums cover inner ones.
    for place in (0..headers.len()).rev() {
        let outside = headers[..place].iter().rev();
        let addresses = outside
            .clone()
            .find_map(|outer| Addresses::of(outer.header.id, &bytes[outer.start..outer.end]));
        headers[place].fill_checksum(&mut bytes, addresses.as_ref())?;
    }
    for part in parts {
        match part {
            Part::Pad(len) => bytes.resize(bytes.len().max(*len), 0),
            Part::Cut(len) => bytes.truncate(*len),
            _ => {}
        }
    }
    Ok(bytes)
}

/// A header and its place in the packet.
struct Placed<'a> {
    header: &'a Header,
    start: usize,
    end: usize,
}

/// A header with everything but lengths and checksums.
fn begin(header: &Header, next: Option<Id>) -> Result<Vec<u8>, Problem> {
    let layer = layers::row(header.id);
    let mut bytes = vec![0; layer.fixed];
    if let Some(name) = layer.options {
        match header.value(name) {
            Some(Value::Bytes(options)) => {
                for masked in options {
                    bytes.push(exact(*masked)?);
                }
            }
            Some(_) => return Err(Problem::OnlyInPattern { what: "`*`" }),
            None => {}
        }
        pad(header.id, &mut bytes);
    }
    for field in layer.fields {
        let value = match (header.value(field.name), field.default) {
            (Some(Value::Number(number)), _) => *number,
            (Some(Value::Any), _) => return Err(Problem::OnlyInPattern { what: "`*`" }),
            (Some(_), _) | (None, Default::Follows) => continue,
            (None, Default::Value(value)) => value,
        };
        field.set(&mut bytes, value);
    }
    if let Some((field, number)) = layers::next_field(header.id)
        && header.value(field.name).is_none()
    {
        let next = next.and_then(number);
        field.set(&mut bytes, next.unwrap_or(nothing_behind(header.id)).into());
    }
    let behind = next.map(|next| match next {
        Id::Vxlan => layers::VXLAN_PORT,
        Id::Geneve => layers::GENEVE_PORT,
        _ => 9,
    });
    if header.id == Id::Udp
        && header.value("dport").is_none()
        && let Some(field) = layer.field("dport")
    {
        field.set(&mut bytes, behind.unwrap_or(9));
    }
    Ok(bytes)
}

/// What stands for bytes without a header of their own: an Ethernet type and a
/// protocol for experiments (IEEE 802, RFC 3692), and no next header.
fn nothing_behind(id: Id) -> u16 {
    match id {
        Id::Ip => 253,
        Id::Ip6 | Id::HopByHop | Id::Destination | Id::Routing | Id::Fragment => 59,
        _ => 0x88b5,
    }
}

/// Fills options up to where the header may end.
fn pad(id: Id, bytes: &mut Vec<u8>) {
    match id {
        Id::HopByHop | Id::Destination => {
            let missing = bytes.len().next_multiple_of(8) - bytes.len();
            match missing {
                0 => {}
                1 => bytes.push(0),
                // PadN (RFC 8200, 4.2).
                _ => {
                    bytes.extend([1, missing as u8 - 2]);
                    bytes.resize(bytes.len() + missing - 2, 0);
                }
            }
        }
        Id::Routing => bytes.resize(bytes.len().next_multiple_of(8), 0),
        Id::Gre => {}
        _ => bytes.resize(bytes.len().next_multiple_of(4), 0),
    }
}

impl Placed<'_> {
    fn fill_lengths(&self, bytes: &mut [u8]) {
        let header = self.end - self.start;
        let all = bytes.len() - self.start;
        let behind = bytes.len() - self.end;
        let lengths: &[(&str, usize)] = match self.header.id {
            Id::Ip => &[("ihl", header / 4), ("len", all)],
            Id::Ip6 => &[("len", behind)],
            Id::HopByHop | Id::Destination | Id::Routing => &[("len", header / 8 - 1)],
            Id::Tcp => &[("doff", header / 4)],
            Id::Udp => &[("len", all)],
            Id::Geneve => &[("optlen", header / 4 - 2)],
            _ => &[],
        };
        for (name, length) in lengths {
            if self.header.value(name).is_none() {
                self.set(bytes, name, *length as u128);
            }
        }
    }

    fn fill_checksum(
        &self,
        bytes: &mut [u8],
        addresses: Option<&Addresses>,
    ) -> Result<(), Problem> {
        let given = self.header.value("csum");
        if let Some(Value::Number(_)) = given {
            return Ok(());
        }
        let (head, behind) = bytes[self.start..].split_at(self.end - self.start);
        let right = checksum::expected(self.header.id, head, behind, addresses);
        let Some(right) = right else {
            return Ok(());
        };
        let value = match given {
            // As wrong as one bit makes it.
            Some(Value::Bad) => right ^ 1,
            _ => right,
        };
        self.set(bytes, "csum", value.into());
        Ok(())
    }

    fn set(&self, bytes: &mut [u8], name: &str, value: u128) {
        if let Some(field) = layers::row(self.header.id).field(name) {
            field.set(&mut bytes[self.start..self.end], value);
        }
    }
}

fn exact(masked: Masked) -> Result<u8, Problem> {
    match masked.mask {
        0xff => Ok(masked.byte),
        _ => Err(Problem::OnlyInPattern { what: "`??`" }),
    }
}
