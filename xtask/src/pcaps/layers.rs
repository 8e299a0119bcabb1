//! Packets from the inside out: each function puts one header before its payload.
//!
//! etherparse writes the headers and their checksums; what it would not write
//! (lies, cuts) is made afterwards, in `malformed`.

use etherparse::{
    EtherType, Ethernet2Header, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber,
    Ipv4Header, Ipv6Header, SingleVlanHeader, TcpHeader, UdpHeader, VlanId, VlanPcp,
};

/// A machine on the network that the captures show.
#[derive(Clone, Copy)]
pub(crate) struct Host {
    pub(crate) mac: [u8; 6],
    pub(crate) v4: [u8; 4],
    pub(crate) v6: [u8; 16],
}

/// Host `n` of the documentation networks 192.0.2.0/24 and 2001:db8::/64.
pub(crate) const fn host(n: u8) -> Host {
    Host {
        mac: [0x02, 0, 0, 0, 0, n],
        v4: [192, 0, 2, n],
        v6: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n],
    }
}

/// Which IP carries a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// From whom to whom, and over which IP.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) from: Host,
    pub(crate) to: Host,
    pub(crate) family: Family,
}

impl Path {
    pub(crate) fn v4(from: Host, to: Host) -> Path {
        let family = Family::V4;
        Path { from, to, family }
    }

    pub(crate) fn v6(from: Host, to: Host) -> Path {
        let family = Family::V6;
        Path { from, to, family }
    }

    /// The way back.
    pub(crate) fn back(self) -> Path {
        Path {
            from: self.to,
            to: self.from,
            family: self.family,
        }
    }

    /// A whole frame: Ethernet before an IP packet.
    pub(crate) fn frame(self, ip_packet: Vec<u8>) -> Vec<u8> {
        let ether_type = match self.family {
            Family::V4 => EtherType::IPV4,
            Family::V6 => EtherType::IPV6,
        };
        self.ethernet(ether_type, &ip_packet)
    }

    pub(crate) fn ethernet(self, ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
        let header = Ethernet2Header {
            source: self.from.mac,
            destination: self.to.mac,
            ether_type,
        };
        join(&header.to_bytes(), payload)
    }

    /// An IP packet of the path's family.
    pub(crate) fn ip(self, protocol: IpNumber, payload: &[u8]) -> Vec<u8> {
        match self.family {
            Family::V4 => ipv4(&self.ipv4_header(protocol), payload),
            Family::V6 => self.ipv6(protocol, payload),
        }
    }

    /// To be changed and given to [`ipv4`], which sets length and checksum.
    pub(crate) fn ipv4_header(self, protocol: IpNumber) -> Ipv4Header {
        let mut header = Ipv4Header::new(0, 64, protocol, self.from.v4, self.to.v4)
            .expect("an empty payload fits");
        header.dont_fragment = true;
        header
    }

    /// `next` may be the first of extension headers that stand in the payload.
    pub(crate) fn ipv6(self, next: IpNumber, payload: &[u8]) -> Vec<u8> {
        let header = Ipv6Header {
            payload_length: length(payload),
            next_header: next,
            hop_limit: 64,
            source: self.from.v6,
            destination: self.to.v6,
            ..Ipv6Header::default()
        };
        join(&header.to_bytes(), payload)
    }

    /// A TCP segment with its checksum, without the IP header.
    pub(crate) fn tcp_segment(self, mut header: TcpHeader, payload: &[u8]) -> Vec<u8> {
        let (from, to) = (self.from, self.to);
        header.checksum = match self.family {
            Family::V4 => header.calc_checksum_ipv4_raw(from.v4, to.v4, payload),
            Family::V6 => header.calc_checksum_ipv6_raw(from.v6, to.v6, payload),
        }
        .expect("payloads are short");
        join(&header.to_bytes(), payload)
    }

    /// A UDP datagram with its checksum, without the IP header.
    pub(crate) fn udp_datagram(self, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let (from, to) = (self.from, self.to);
        let mut header = UdpHeader {
            source_port: ports.0,
            destination_port: ports.1,
            length: 8 + length(payload),
            checksum: 0,
        };
        header.checksum = match self.family {
            Family::V4 => header.calc_checksum_ipv4_raw(from.v4, to.v4, payload),
            Family::V6 => header.calc_checksum_ipv6_raw(from.v6, to.v6, payload),
        }
        .expect("payloads are short");
        join(&header.to_bytes(), payload)
    }

    pub(crate) fn tcp(self, header: TcpHeader, payload: &[u8]) -> Vec<u8> {
        self.frame(self.ip(IpNumber::TCP, &self.tcp_segment(header, payload)))
    }

    pub(crate) fn udp(self, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        self.frame(self.ip(IpNumber::UDP, &self.udp_datagram(ports, payload)))
    }

    pub(crate) fn icmpv4(self, kind: Icmpv4Type, payload: &[u8]) -> Vec<u8> {
        let header = Icmpv4Header::with_checksum(kind, payload);
        self.frame(self.ip(IpNumber::ICMP, &join(&header.to_bytes(), payload)))
    }

    pub(crate) fn icmpv6(self, kind: Icmpv6Type, payload: &[u8]) -> Vec<u8> {
        let header = Icmpv6Header::with_checksum(kind, self.from.v6, self.to.v6, payload)
            .expect("payloads are short");
        self.frame(self.ip(IpNumber::IPV6_ICMP, &join(&header.to_bytes(), payload)))
    }
}

/// An IPv4 packet; the header's length and checksum are set here.
pub(crate) fn ipv4(header: &Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let mut header = header.clone();
    header
        .set_payload_len(payload.len())
        .expect("payloads are short");
    header.header_checksum = header.calc_header_checksum();
    join(&header.to_bytes(), payload)
}

/// Puts an 802.1Q tag (or, with `outer`, an 802.1ad tag) into a frame.
pub(crate) fn tagged(frame: &[u8], vlan: u16, priority: u8, outer: bool) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let tpid = if outer {
        EtherType::PROVIDER_BRIDGING
    } else {
        EtherType::VLAN_TAGGED_FRAME
    };
    let tag = SingleVlanHeader {
        pcp: VlanPcp::try_new(priority).expect("three bits"),
        drop_eligible_indicator: false,
        vlan_id: VlanId::try_new(vlan).expect("twelve bits"),
        ether_type: EtherType(u16::from_be_bytes([rest[0], rest[1]])),
    };
    let mut tagged = addresses.to_vec();
    tagged.extend_from_slice(&tpid.0.to_be_bytes());
    tagged.extend_from_slice(&tag.to_bytes());
    tagged.extend_from_slice(&rest[2..]);
    tagged
}

/// One after the other.
pub(crate) fn join(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [head, tail].concat()
}

fn length(payload: &[u8]) -> u16 {
    u16::try_from(payload.len()).expect("payloads are short")
}
