//! The table of layers: the one place that says what headers look like.
//!
//! Sources: IEEE 802.1Q, RFC 826 (ARP), 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768
//! (UDP), 792 and 4443 (ICMP), 2784 and 2890 (GRE), 7348 (VXLAN), 8926 (Geneve).
//! Default addresses are those that documents may use (RFC 5737, RFC 3849).

use super::layer::Default::{Follows, Value};
use super::layer::Kind::{Bit, Checksum, Hex, Ip4, Ip6, Letters, Mac, Named, Number};
use super::layer::{Default, Field, Id, Kind, Layer};
use super::names::{ARP_OPERATIONS, ETHER_TYPES, ICMP_TYPES, ICMP6_TYPES, PROTOCOLS, TCP_FLAGS};

/// The port that VXLAN is known by.
pub(super) const VXLAN_PORT: u128 = 4789;
/// The port that Geneve is known by.
pub(super) const GENEVE_PORT: u128 = 6081;

const MAC_1: Default = Value(0x0200_0000_0001);
const MAC_2: Default = Value(0x0200_0000_0002);
const IP_1: Default = Value(0xc000_0201);
const IP_2: Default = Value(0xc000_0202);
const IP6_1: Default = Value(0x2001_0db8_0000_0000_0000_0000_0000_0001);
const IP6_2: Default = Value(0x2001_0db8_0000_0000_0000_0000_0000_0002);
const ZERO: Default = Value(0);

const fn field(name: &'static str, bit: usize, bits: usize, kind: Kind, default: Default) -> Field {
    Field {
        name,
        bit,
        bits,
        kind,
        default,
    }
}

const fn layer(id: Id, name: &'static str, fixed: usize, fields: &'static [Field]) -> Layer {
    Layer {
        name,
        id,
        fixed,
        fields,
        options: None,
    }
}

const fn and_options(layer: Layer, name: &'static str) -> Layer {
    Layer {
        options: Some(name),
        ..layer
    }
}

const VLAN_FIELDS: &[Field] = &[
    field("pcp", 0, 3, Number, ZERO),
    field("dei", 3, 1, Bit, ZERO),
    field("id", 4, 12, Number, Value(1)),
    field("type", 16, 16, Named(ETHER_TYPES), Follows),
];

const EXTENSION_FIELDS: &[Field] = &[
    field("next", 0, 8, Named(PROTOCOLS), Follows),
    field("len", 8, 8, Number, Follows),
];

/// Every layer that has a name.
#[rustfmt::skip]
pub static LAYERS: &[Layer] = &[
    layer(Id::Eth, "eth", 14, &[
        field("dst", 0, 48, Mac, MAC_2),
        field("src", 48, 48, Mac, MAC_1),
        field("type", 96, 16, Named(ETHER_TYPES), Follows),
    ]),
    layer(Id::Vlan, "vlan", 4, VLAN_FIELDS),
    layer(Id::Qinq, "qinq", 4, VLAN_FIELDS),
    layer(Id::Arp, "arp", 28, &[
        field("htype", 0, 16, Number, Value(1)),
        field("ptype", 16, 16, Named(ETHER_TYPES), Value(0x0800)),
        field("hlen", 32, 8, Number, Value(6)),
        field("plen", 40, 8, Number, Value(4)),
        field("op", 48, 16, Named(ARP_OPERATIONS), Value(1)),
        field("smac", 64, 48, Mac, MAC_1),
        field("sip", 112, 32, Ip4, IP_1),
        field("tmac", 144, 48, Mac, ZERO),
        field("tip", 192, 32, Ip4, IP_2),
    ]),
    and_options(layer(Id::Ip, "ip", 20, &[
        field("version", 0, 4, Number, Value(4)),
        field("ihl", 4, 4, Number, Follows),
        field("dscp", 8, 6, Number, ZERO),
        field("ecn", 14, 2, Number, ZERO),
        field("len", 16, 16, Number, Follows),
        field("id", 32, 16, Number, ZERO),
        field("rf", 48, 1, Bit, ZERO),
        field("df", 49, 1, Bit, ZERO),
        field("mf", 50, 1, Bit, ZERO),
        field("offset", 51, 13, Number, ZERO),
        field("ttl", 64, 8, Number, Value(64)),
        field("proto", 72, 8, Named(PROTOCOLS), Follows),
        field("csum", 80, 16, Checksum, Follows),
        field("src", 96, 32, Ip4, IP_1),
        field("dst", 128, 32, Ip4, IP_2),
    ]), "options"),
    layer(Id::Ip6, "ip6", 40, &[
        field("version", 0, 4, Number, Value(6)),
        field("dscp", 4, 6, Number, ZERO),
        field("ecn", 10, 2, Number, ZERO),
        field("flow", 12, 20, Hex, ZERO),
        field("len", 32, 16, Number, Follows),
        field("next", 48, 8, Named(PROTOCOLS), Follows),
        field("hop", 56, 8, Number, Value(64)),
        field("src", 64, 128, Ip6, IP6_1),
        field("dst", 192, 128, Ip6, IP6_2),
    ]),
    and_options(layer(Id::HopByHop, "hopopts", 2, EXTENSION_FIELDS), "options"),
    and_options(layer(Id::Destination, "dstopts", 2, EXTENSION_FIELDS), "options"),
    and_options(layer(Id::Routing, "routing", 4, &[
        field("next", 0, 8, Named(PROTOCOLS), Follows),
        field("len", 8, 8, Number, Follows),
        field("type", 16, 8, Number, ZERO),
        field("left", 24, 8, Number, ZERO),
    ]), "data"),
    layer(Id::Fragment, "fragment", 8, &[
        field("next", 0, 8, Named(PROTOCOLS), Follows),
        field("offset", 16, 13, Number, ZERO),
        field("mf", 31, 1, Bit, ZERO),
        field("id", 32, 32, Number, ZERO),
    ]),
    and_options(layer(Id::Tcp, "tcp", 20, &[
        field("sport", 0, 16, Number, Value(40000)),
        field("dport", 16, 16, Number, Value(80)),
        field("seq", 32, 32, Number, ZERO),
        field("ack", 64, 32, Number, ZERO),
        field("doff", 96, 4, Number, Follows),
        field("reserved", 100, 4, Number, ZERO),
        field("flags", 104, 8, Letters(TCP_FLAGS), Value(2)),
        field("window", 112, 16, Number, Value(65535)),
        field("csum", 128, 16, Checksum, Follows),
        field("urg", 144, 16, Number, ZERO),
    ]), "options"),
    layer(Id::Udp, "udp", 8, &[
        field("sport", 0, 16, Number, Value(40000)),
        field("dport", 16, 16, Number, Follows),
        field("len", 32, 16, Number, Follows),
        field("csum", 48, 16, Checksum, Follows),
    ]),
    layer(Id::Icmp, "icmp", 8, &[
        field("type", 0, 8, Named(ICMP_TYPES), Value(8)),
        field("code", 8, 8, Number, ZERO),
        field("csum", 16, 16, Checksum, Follows),
        field("id", 32, 16, Number, ZERO),
        field("seq", 48, 16, Number, ZERO),
    ]),
    layer(Id::Icmp6, "icmp6", 8, &[
        field("type", 0, 8, Named(ICMP6_TYPES), Value(128)),
        field("code", 8, 8, Number, ZERO),
        field("csum", 16, 16, Checksum, Follows),
        field("id", 32, 16, Number, ZERO),
        field("seq", 48, 16, Number, ZERO),
    ]),
    and_options(layer(Id::Gre, "gre", 4, &[
        field("c", 0, 1, Bit, ZERO),
        field("k", 2, 1, Bit, ZERO),
        field("s", 3, 1, Bit, ZERO),
        field("version", 13, 3, Number, ZERO),
        field("type", 16, 16, Named(ETHER_TYPES), Follows),
    ]), "optional"),
    layer(Id::Vxlan, "vxlan", 8, &[
        field("flags", 0, 8, Hex, Value(0x08)),
        field("vni", 32, 24, Number, Value(1)),
    ]),
    and_options(layer(Id::Geneve, "geneve", 8, &[
        field("version", 0, 2, Number, ZERO),
        field("optlen", 2, 6, Number, Follows),
        field("o", 8, 1, Bit, ZERO),
        field("c", 9, 1, Bit, ZERO),
        field("type", 16, 16, Named(ETHER_TYPES), Follows),
        field("vni", 32, 24, Number, Value(1)),
    ]), "options"),
];

/// The row of a layer.
pub(super) fn row(id: Id) -> &'static Layer {
    let found = LAYERS.iter().find(|layer| layer.id == id);
    found.expect("every layer has a row")
}

/// The row of this name.
pub(super) fn named(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Bytes of the whole header, as it says itself; never less than its fixed part.
pub(super) fn header_len(layer: &Layer, header: &[u8]) -> usize {
    let get = |name: &str| {
        let value = layer.field(name).and_then(|field| field.get(header));
        value.unwrap_or(0) as usize
    };
    let len = match layer.id {
        Id::Ip => 4 * get("ihl"),
        Id::Tcp => 4 * get("doff"),
        Id::HopByHop | Id::Destination | Id::Routing => 8 + 8 * get("len"),
        Id::Gre => 4 + 4 * (get("c") + get("k") + get("s")),
        Id::Geneve => 8 + 4 * get("optlen"),
        _ => layer.fixed,
    };
    len.max(layer.fixed)
}

/// The number that stands for a layer, in some registry.
type NumberOf = fn(Id) -> Option<u16>;

/// The field that says what comes after a header, and the number that stands for
/// a layer in it.
pub(super) fn next_field(id: Id) -> Option<(&'static Field, NumberOf)> {
    let name = match id {
        Id::Eth | Id::Vlan | Id::Qinq | Id::Gre | Id::Geneve => "type",
        Id::Ip => "proto",
        Id::Ip6 | Id::HopByHop | Id::Destination | Id::Routing | Id::Fragment => "next",
        _ => return None,
    };
    let number: NumberOf = if name == "type" { ether_type } else { protocol };
    Some((row(id).field(name)?, number))
}

fn ether_type(id: Id) -> Option<u16> {
    number_of(ETHER_TYPES, row(id).name)
}

fn protocol(id: Id) -> Option<u16> {
    number_of(PROTOCOLS, row(id).name)
}

fn number_of(names: &[(&str, u16)], name: &str) -> Option<u16> {
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, number)| *number)
}

/// The layer that comes after a whole header, as far as it says.
pub(super) fn next(id: Id, header: &[u8]) -> Option<Id> {
    let layer = row(id);
    let get = |name: &str| layer.field(name).and_then(|field| field.get(header));
    match id {
        Id::Vxlan => return Some(Id::Eth),
        Id::Udp => {
            let known = |port| get("dport") == Some(port) || get("sport") == Some(port);
            return match () {
                () if known(VXLAN_PORT) => Some(Id::Vxlan),
                () if known(GENEVE_PORT) => Some(Id::Geneve),
                () => None,
            };
        }
        // Behind the first fragment there is no header.
        Id::Ip | Id::Fragment if get("offset") != Some(0) => return None,
        _ => {}
    }
    let (field, number) = next_field(id)?;
    let value = field.get(header)?;
    let stands = |layer: &&Layer| number(layer.id).is_some_and(|n| u128::from(n) == value);
    LAYERS.iter().find(stands).map(|layer| layer.id)
}
