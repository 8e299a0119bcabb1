//! `hints`: what a device knows of the packets of a step, for
//! `bpf_xdp_metadata_rx_timestamp`, `_rx_hash` and `_rx_vlan_tag`.

use vm::packet::Hints;

use super::error::{Error, Problem};
use super::fields::{Fields, Given};
use super::node::Data;
use crate::model::{Packets, Step};

/// `enum xdp_rss_hash_type` by the names of its values without `XDP_RSS_TYPE_`
/// (`include/net/xdp.h`; measured from the types of Linux 6.18).
const HASH_TYPES: [(&str, u32); 19] = [
    ("none", 0),
    ("l2", 0),
    ("l3-ipv4", 1),
    ("l3-ipv6", 2),
    ("l3-ipv4-opt", 5),
    ("l3-ipv6-ex", 6),
    ("l4-any", 8),
    ("l4-ipv4-tcp", 25),
    ("l4-ipv4-udp", 41),
    ("l4-ipv4-sctp", 73),
    ("l4-ipv4-ipsec", 137),
    ("l4-ipv4-icmp", 265),
    ("l4-ipv6-tcp", 26),
    ("l4-ipv6-udp", 42),
    ("l4-ipv6-sctp", 74),
    ("l4-ipv6-ipsec", 138),
    ("l4-ipv6-icmp", 266),
    ("l4-ipv6-tcp-ex", 30),
    ("l4-ipv6-udp-ex", 46),
];

/// One table for all packets, or a list with one for each.
pub(super) fn read(given: Given<'_>, step: &Step) -> Result<Vec<Hints>, Error> {
    let count = match &given.node.data {
        Data::List(list) => list.len(),
        _ => return Ok(vec![one(given)?]),
    };
    let packets = match step.packets {
        Packets::None => Some(0),
        Packets::Described(_) | Packets::Bytes(_) => Some(step.repeat),
        // How many there are shows when it is read.
        Packets::Capture { .. } => None,
    };
    if packets.is_some_and(|packets| packets != count as u64) {
        let packets = packets.unwrap_or_default();
        return Err(given.error(Problem::Expected {
            expected: format!("a table, or a list with one for each packet ({packets})"),
            found: format!("a list of {count}"),
        }));
    }
    given.list()?.into_iter().map(one).collect()
}

fn one(given: Given<'_>) -> Result<Hints, Error> {
    let mut fields = Fields::of(given)?;
    let mut hints = Hints::default();
    if let Some(given) = fields.take("timestamp") {
        hints.timestamp = Some(given.time()?);
    }
    let kind = fields.take("hash-type");
    if let Some(given) = fields.take("hash") {
        let over = kind.map_or(Ok(0), |kind| hash_type(&kind))?;
        hints.hash = Some((given.number()?, over));
    } else if let Some(kind) = kind {
        return Err(kind.error(Problem::MissingKey {
            key: "hash",
            what: "the number that `hash-type` is the type of",
        }));
    }
    if let Some(given) = fields.take("vlan") {
        hints.vlan = Some(vlan(Fields::of(given)?)?);
    }
    fields.finish()?;
    Ok(hints)
}

fn hash_type(given: &Given<'_>) -> Result<u32, Error> {
    if let Data::Int(_) = given.node.data {
        return given.number();
    }
    let known = HASH_TYPES.iter().map(|(name, _)| *name);
    let name = given.text()?;
    let found = HASH_TYPES.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, bits)| *bits)
        .ok_or_else(|| given.error(Problem::unknown("type of hash", name, known)))
}

/// The Ethernet type of a tag that the device took off, and what stood in it.
fn vlan(mut fields: Fields<'_>) -> Result<(u16, u16), Error> {
    let given = fields.need("id", "the number in the tag")?;
    let id: u16 = given.number()?;
    if id > 0xfff {
        return Err(given.expected("a number of 12 bits"));
    }
    let mut control = id;
    if let Some(given) = fields.take("pcp") {
        let priority: u16 = given.number()?;
        if priority > 7 {
            return Err(given.expected("a number of 3 bits"));
        }
        control |= priority << 13;
    }
    if let Some(given) = fields.take("dei") {
        control |= u16::from(given.truth()?) << 12;
    }
    let protocol = fields.take("protocol");
    let protocol = protocol.map_or(Ok(0x8100), |given| given.number())?;
    fields.finish()?;
    Ok((protocol, control))
}
