//! Numbers that have names in descriptions: those of IANA's registries that
//! tests of packet programs are about.

/// Ethernet types (IEEE 802 Numbers).
pub(super) const ETHER_TYPES: &[(&str, u16)] = &[
    ("ip", 0x0800),
    ("arp", 0x0806),
    ("eth", 0x6558),
    ("vlan", 0x8100),
    ("ip6", 0x86dd),
    ("qinq", 0x88a8),
];

/// Protocol numbers, IPv6 extension headers among them.
pub(super) const PROTOCOLS: &[(&str, u16)] = &[
    ("hopopts", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ip", 4),
    ("tcp", 6),
    ("udp", 17),
    ("ip6", 41),
    ("routing", 43),
    ("fragment", 44),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("none", 59),
    ("dstopts", 60),
    ("sctp", 132),
];

/// ARP operations.
pub(super) const ARP_OPERATIONS: &[(&str, u16)] = &[("request", 1), ("reply", 2)];

/// ICMP types.
pub(super) const ICMP_TYPES: &[(&str, u16)] = &[
    ("echo-reply", 0),
    ("unreachable", 3),
    ("redirect", 5),
    ("echo-request", 8),
    ("time-exceeded", 11),
];

/// ICMPv6 types.
pub(super) const ICMP6_TYPES: &[(&str, u16)] = &[
    ("unreachable", 1),
    ("too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("router-solicitation", 133),
    ("router-advertisement", 134),
    ("neighbour-solicitation", 135),
    ("neighbour-advertisement", 136),
];

/// TCP flags from the least significant bit (RFC 9293, RFC 3168).
pub(super) const TCP_FLAGS: &str = "FSRPAUEC";
