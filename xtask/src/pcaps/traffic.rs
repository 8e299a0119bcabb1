//! What hosts say to each other: well-formed frames, by protocol.

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, IcmpEchoHeader, Icmpv4Type, Icmpv6Type,
    IpFragOffset, IpNumber, Ipv6FragmentHeader, TcpHeader, TcpOptionElement,
};

use super::layers::{Family, Host, Path, host, ipv4, join, tagged};

pub(crate) const CLIENT: Host = host(10);
pub(crate) const SERVER: Host = host(20);
const RESOLVER: Host = host(53);
const ROUTER: Host = host(1);

type Frames = Vec<Vec<u8>>;

/// `length` bytes that look like data and are the same in every run.
pub(crate) fn payload(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

/// A TCP header with a window and nothing else set.
pub(crate) fn tcp_header(ports: (u16, u16), seq: u32) -> TcpHeader {
    TcpHeader::new(ports.0, ports.1, seq, 64_240)
}

pub(crate) fn syn(ports: (u16, u16), seq: u32) -> TcpHeader {
    let mut header = tcp_header(ports, seq);
    header.syn = true;
    header
}

pub(crate) fn ack(ports: (u16, u16), seq: u32, acknowledged: u32) -> TcpHeader {
    let mut header = tcp_header(ports, seq);
    header.ack = true;
    header.acknowledgment_number = acknowledged;
    header
}

/// What systems send in a SYN.
fn syn_options(header: &mut TcpHeader) {
    use TcpOptionElement::{
        MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, Timestamp, WindowScale,
    };
    header
        .set_options(&[
            MaximumSegmentSize(1460),
            SelectiveAcknowledgementPermitted,
            Timestamp(0x0102_0304, 0),
            Noop,
            WindowScale(7),
        ])
        .expect("20 bytes fit");
}

/// Handshake, one request, an answer of `segments` segments, and the end.
pub(crate) fn tcp_session(path: Path, ports: (u16, u16), segments: u32) -> Frames {
    let back = (ports.1, ports.0);
    let (mut ours, mut theirs) = (1_000_000 + u32::from(ports.0), 9_000_000);
    let mut open = syn(ports, ours);
    syn_options(&mut open);
    let mut opened = ack(back, theirs, ours + 1);
    opened.syn = true;
    syn_options(&mut opened);
    (ours, theirs) = (ours + 1, theirs + 1);

    let mut frames = vec![
        path.tcp(open, &[]),
        path.back().tcp(opened, &[]),
        path.tcp(ack(ports, ours, theirs), &[]),
    ];
    let request = b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
    let mut data = ack(ports, ours, theirs);
    data.psh = true;
    frames.push(path.tcp(data, request));
    ours += request.len() as u32;
    for n in 0..segments {
        let body = payload(200 + 120 * n as usize, n);
        frames.push(path.back().tcp(ack(back, theirs, ours), &body));
        theirs += body.len() as u32;
    }
    frames.push(path.tcp(ack(ports, ours, theirs), &[]));
    for (path, ports, seq, acknowledged) in [
        (path, ports, ours, theirs),
        (path.back(), back, theirs, ours + 1),
    ] {
        let mut fin = ack(ports, seq, acknowledged);
        fin.fin = true;
        frames.push(path.tcp(fin, &[]));
    }
    frames.push(path.tcp(ack(ports, ours + 1, theirs + 1), &[]));
    frames
}

pub(crate) fn tcp(family: Family) -> Frames {
    let path = Path {
        from: CLIENT,
        to: SERVER,
        family,
    };
    let mut frames = tcp_session(path, (40_001, 80), 4);
    frames.extend(tcp_session(path, (40_002, 443), 2));
    // A port where nobody listens.
    let refused = syn((40_003, 8080), 77);
    let mut reset = ack((8080, 40_003), 0, 78);
    reset.rst = true;
    frames.push(path.tcp(refused, &[]));
    frames.push(path.back().tcp(reset, &[]));
    frames
}

/// TCP headers with each kind of option, up to the 40 bytes that fit.
pub(crate) fn tcp_options() -> Frames {
    use TcpOptionElement::{
        MaximumSegmentSize, Noop, SelectiveAcknowledgement, SelectiveAcknowledgementPermitted,
        Timestamp, WindowScale,
    };
    let path = Path::v4(CLIENT, SERVER);
    let sets: [&[TcpOptionElement]; 7] = [
        &[MaximumSegmentSize(536)],
        &[WindowScale(14), Noop],
        &[SelectiveAcknowledgementPermitted, Noop, Noop],
        &[Noop, Noop, Timestamp(1, 2)],
        &[Noop, Noop, SelectiveAcknowledgement((1, 2), [None; 3])],
        &[
            Noop,
            Noop,
            SelectiveAcknowledgement((1, 2), [Some((3, 4)), Some((5, 6)), Some((7, 8))]),
        ],
        &[const { Noop }; 40],
    ];
    let mut frames = Vec::new();
    for (n, options) in sets.into_iter().enumerate() {
        let mut header = ack((41_000 + n as u16, 80), 1, 1);
        header.set_options(options).expect("at most 40 bytes");
        frames.push(path.tcp(header.clone(), b"data behind options"));
        frames.push(Path::v6(CLIENT, SERVER).tcp(header, &[]));
    }
    // An unknown option (253, experiments), and an end of list before rubbish.
    for raw in [[253, 6, 1, 2, 3, 4, 0, 0], [1, 0, 9, 9, 9, 9, 9, 9]] {
        let mut header = syn((41_100, 80), 1);
        header.set_options_raw(&raw).expect("8 bytes fit");
        frames.push(path.tcp(header, &[]));
    }
    frames
}

pub(crate) fn udp() -> Frames {
    let mut frames = Vec::new();
    for path in [Path::v4(CLIENT, SERVER), Path::v6(CLIENT, SERVER)] {
        for (n, length) in [0, 1, 17, 64, 400, 1400].into_iter().enumerate() {
            let ports = (42_000 + n as u16, 5_000 + n as u16);
            frames.push(path.udp(ports, &payload(length, n as u32)));
            frames.push(path.back().udp((ports.1, ports.0), &payload(length / 2, 9)));
        }
    }
    // IPv4 allows a datagram without checksum.
    let path = Path::v4(CLIENT, SERVER);
    let mut datagram = path.udp_datagram((42_100, 5_000), b"no checksum");
    datagram[6..8].fill(0);
    frames.push(path.frame(path.ip(IpNumber::UDP, &datagram)));
    frames
}

pub(crate) fn arp() -> Frames {
    let mut frames = Vec::new();
    for (asker, asked) in [(CLIENT, SERVER), (SERVER, ROUTER), (CLIENT, RESOLVER)] {
        frames.push(arp_frame(asker, asked, ArpOperation::REQUEST));
        frames.push(arp_frame(asked, asker, ArpOperation::REPLY));
    }
    // Gratuitous.
    frames.push(arp_frame(SERVER, SERVER, ArpOperation::REQUEST));
    frames
}

fn arp_frame(from: Host, to: Host, operation: ArpOperation) -> Vec<u8> {
    let asking = operation == ArpOperation::REQUEST;
    let target = if asking { [0; 6] } else { to.mac };
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        operation,
        &from.mac,
        &from.v4,
        &target,
        &to.v4,
    )
    .expect("address lengths agree");
    let mut to_all = to;
    if asking {
        to_all.mac = [0xff; 6];
    }
    let mut frame = Path::v4(from, to_all).ethernet(EtherType::ARP, &packet.to_bytes());
    frame.resize(60, 0); // the padding that short frames have on the wire
    frame
}

pub(crate) fn icmp() -> Frames {
    let path = Path::v4(CLIENT, SERVER);
    let mut frames = Vec::new();
    for seq in 1..=6 {
        let echo = IcmpEchoHeader { id: 0x1234, seq };
        let data = payload(usize::from(seq) * 56, u32::from(seq));
        frames.push(path.icmpv4(Icmpv4Type::EchoRequest(echo), &data));
        frames.push(path.back().icmpv4(Icmpv4Type::EchoReply(echo), &data));
    }
    // Port unreachable, and time exceeded, each with the packet it is about.
    let lost = path.ip(IpNumber::UDP, &path.udp_datagram((42_000, 33_434), b"lost"));
    for kind in [[3, 3], [11, 0]] {
        let [type_u8, code_u8] = kind;
        let unknown = Icmpv4Type::Unknown {
            type_u8,
            code_u8,
            bytes5to8: [0; 4],
        };
        frames.push(path.back().icmpv4(unknown, &lost));
    }
    frames
}

pub(crate) fn icmpv6() -> Frames {
    let path = Path::v6(CLIENT, SERVER);
    let mut frames = Vec::new();
    for seq in 1..=6 {
        let echo = IcmpEchoHeader { id: 0x4321, seq };
        let data = payload(usize::from(seq) * 56, u32::from(seq));
        frames.push(path.icmpv6(Icmpv6Type::EchoRequest(echo), &data));
        frames.push(path.back().icmpv6(Icmpv6Type::EchoReply(echo), &data));
    }
    // Neighbour solicitation and advertisement with link-layer addresses.
    for (path, type_u8, option, owner) in [
        (path, 135, 1, path.from),
        (path.back(), 136, 2, path.back().from),
    ] {
        let target = if type_u8 == 135 { path.to } else { path.from };
        let body = [&target.v6[..], &[option, 1], &owner.mac].concat();
        let kind = Icmpv6Type::Unknown {
            type_u8,
            code_u8: 0,
            bytes5to8: [0; 4],
        };
        frames.push(path.icmpv6(kind, &body));
    }
    frames
}

/// One DNS question, as a message.
fn dns_query(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

/// The answer to a question for an address.
fn dns_answer(query: &[u8], address: &[u8]) -> Vec<u8> {
    let mut message = query.to_vec();
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[7] = 1;
    let kind = if address.len() == 4 { 1 } else { 28 };
    message.extend([0xc0, 0x0c, 0, kind, 0, 1, 0, 0, 0x0e, 0x10, 0]);
    message.push(address.len() as u8);
    message.extend(address);
    message
}

pub(crate) fn dns() -> Frames {
    let names = [
        "www.example.com",
        "ads.example.net",
        "tracker.ads.example.net",
        "example.org",
        "a.b.c.d.e.f.g.h.example.com",
        "malware.test",
        "WWW.Malware.TEST",
        "x",
        "this-is-a-rather-long-label-of-sixty-three-characters-in-length.example.com",
        "notmalware.test",
    ];
    let mut frames = Vec::new();
    for (n, name) in names.into_iter().enumerate() {
        let n16 = n as u16;
        for path in [Path::v4(CLIENT, RESOLVER), Path::v6(CLIENT, RESOLVER)] {
            let v4 = path.family == Family::V4;
            let query = dns_query(0x100 + n16, name, if v4 { 1 } else { 28 });
            let address: &[u8] = if v4 { &SERVER.v4 } else { &SERVER.v6 };
            let answer = dns_answer(&query, address);
            frames.push(path.udp((53_000 + n16, 53), &query));
            frames.push(path.back().udp((53, 53_000 + n16), &answer));
        }
    }
    frames
}

/// The frames, each with one tag.
pub(crate) fn vlan() -> Frames {
    let inner = small_mix();
    let tag =
        |(n, frame): (usize, Vec<u8>)| tagged(&frame, 100 + (n as u16 % 4), n as u8 % 8, false);
    inner.into_iter().enumerate().map(tag).collect()
}

/// The frames, each with an 802.1ad tag outside an 802.1Q tag.
pub(crate) fn qinq() -> Frames {
    let double = |frame: Vec<u8>| tagged(&tagged(&frame, 42, 0, false), 1000, 3, true);
    let mut frames: Frames = small_mix().into_iter().map(double).collect();
    // Three tags, which most parsers give up on.
    let triple = tagged(&frames[0], 7, 0, true);
    frames.push(triple);
    frames
}

/// One packet of each common kind.
pub(crate) fn small_mix() -> Frames {
    let (v4, v6) = (Path::v4(CLIENT, SERVER), Path::v6(CLIENT, SERVER));
    let echo = IcmpEchoHeader { id: 7, seq: 1 };
    vec![
        v4.tcp(syn((40_100, 80), 1), &[]),
        v4.udp((40_101, 53), b"udp over IPv4"),
        v4.icmpv4(Icmpv4Type::EchoRequest(echo), b"ping"),
        v6.tcp(syn((40_102, 443), 1), &[]),
        v6.udp((40_103, 5000), b"udp over IPv6"),
        v6.icmpv6(Icmpv6Type::EchoRequest(echo), b"ping"),
        arp_frame(CLIENT, SERVER, ArpOperation::REQUEST),
    ]
}

/// The IP packets of `small_mix`, with the IP protocol that says which IP.
fn inner_packets() -> Vec<(IpNumber, EtherType, Vec<u8>)> {
    let split = |frame: Vec<u8>| match frame[12..14] {
        [0x08, 0x00] => Some((IpNumber::IPV4, EtherType::IPV4, frame[14..].to_vec())),
        [0x86, 0xdd] => Some((IpNumber::IPV6, EtherType::IPV6, frame[14..].to_vec())),
        _ => None,
    };
    small_mix().into_iter().filter_map(split).collect()
}

pub(crate) fn ipip() -> Frames {
    let outer = [Path::v4(ROUTER, host(2)), Path::v6(ROUTER, host(2))];
    let wrap = |path: Path| {
        let wrapped = move |(protocol, _, packet): (IpNumber, EtherType, Vec<u8>)| {
            path.frame(path.ip(protocol, &packet))
        };
        inner_packets().into_iter().map(wrapped)
    };
    outer.into_iter().flat_map(wrap).collect()
}

pub(crate) fn gre() -> Frames {
    let path = Path::v4(ROUTER, host(2));
    let mut frames = Vec::new();
    for (_, ether_type, packet) in inner_packets() {
        let kind = ether_type.0.to_be_bytes();
        let plain = [&[0, 0], &kind[..], &packet].concat();
        let keyed = [&[0x20, 0], &kind[..], &[0, 0, 0, 99], &packet].concat();
        frames.push(path.frame(path.ip(IpNumber::GRE, &plain)));
        frames.push(path.frame(path.ip(IpNumber::GRE, &keyed)));
    }
    // Transparent Ethernet bridging.
    let bridged = [&[0, 0, 0x65, 0x58], &small_mix()[0][..]].concat();
    frames.push(path.frame(path.ip(IpNumber::GRE, &bridged)));
    frames
}

/// Generic UDP encapsulation: variant 0 with its four bytes of header, and
/// variant 1, where the IP packet follows UDP at once.
pub(crate) fn gue() -> Frames {
    let path = Path::v4(ROUTER, host(2));
    let mut frames = Vec::new();
    for (protocol, _, packet) in inner_packets() {
        let variant0 = join(&[0, protocol.0, 0, 0], &packet);
        frames.push(path.udp((50_000, 6080), &variant0));
        frames.push(path.udp((50_001, 6080), &packet));
    }
    frames
}

/// A datagram of 3,000 bytes in three fragments, in order and out of order.
pub(crate) fn fragments4() -> Frames {
    let path = Path::v4(CLIENT, SERVER);
    let datagram = path.udp_datagram((43_000, 5_000), &payload(2992, 4));
    let mut frames = Vec::new();
    for (id, order) in [(1, [0, 1, 2]), (2, [2, 0, 1])] {
        for n in order {
            let start = n * 1000;
            let mut header = path.ipv4_header(IpNumber::UDP);
            header.dont_fragment = false;
            header.identification = id;
            header.more_fragments = n < 2;
            header.fragment_offset =
                IpFragOffset::try_new(start as u16 / 8).expect("thirteen bits");
            frames.push(path.frame(ipv4(&header, &datagram[start..start + 1000])));
        }
    }
    // A first fragment too short for the header behind it.
    let mut header = path.ipv4_header(IpNumber::TCP);
    header.dont_fragment = false;
    header.more_fragments = true;
    frames.push(path.frame(ipv4(&header, &payload(8, 1))));
    frames
}

pub(crate) fn fragments6() -> Frames {
    let path = Path::v6(CLIENT, SERVER);
    let datagram = path.udp_datagram((43_000, 5_000), &payload(2992, 6));
    let mut frames = Vec::new();
    for (identification, order) in [(1, [0, 1, 2]), (2, [2, 1, 0])] {
        for n in order {
            let start = n * 1000;
            let header = Ipv6FragmentHeader {
                next_header: IpNumber::UDP,
                fragment_offset: IpFragOffset::try_new(start as u16 / 8).expect("thirteen bits"),
                more_fragments: n < 2,
                identification,
            };
            let body = join(&header.to_bytes(), &datagram[start..start + 1000]);
            frames.push(path.frame(path.ipv6(IpNumber::IPV6_FRAGMENTATION_HEADER, &body)));
        }
    }
    // An atomic fragment: a fragment header on a whole packet.
    let whole = path.udp_datagram((43_001, 5_000), b"whole");
    let body = join(&[IpNumber::UDP.0, 0, 0, 0, 0, 0, 0, 3], &whole);
    frames.push(path.frame(path.ipv6(IpNumber::IPV6_FRAGMENTATION_HEADER, &body)));
    frames
}

/// IPv4 options: router alert, record route, timestamp, padding up to 40 bytes.
pub(crate) fn ipv4_options() -> Frames {
    let path = Path::v4(CLIENT, SERVER);
    let sets: [&[u8]; 5] = [
        &[148, 4, 0, 0],
        &[7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[1; 40],
        &[131, 7, 4, 192, 0, 2, 1, 0],
    ];
    let mut frames = Vec::new();
    for options in sets {
        let segment = path.tcp_segment(syn((44_000, 80), 5), &[]);
        let datagram = path.udp_datagram((44_001, 53), b"behind options");
        for (protocol, body) in [(IpNumber::TCP, segment), (IpNumber::UDP, datagram)] {
            let mut header = path.ipv4_header(protocol);
            header.options = options.try_into().expect("a multiple of four");
            frames.push(path.frame(ipv4(&header, &body)));
        }
    }
    frames
}

/// IPv6 extension headers, alone and in a chain, and a packet that ends in one.
pub(crate) fn ipv6_extensions() -> Frames {
    let path = Path::v6(CLIENT, SERVER);
    let segment = path.tcp_segment(syn((45_000, 80), 5), &[]);
    let datagram = path.udp_datagram((45_001, 53), b"behind extensions");
    let (hop, routing, options) = (IpNumber(0), IpNumber(43), IpNumber(60));
    let chains: [&[IpNumber]; 5] = [
        &[hop],
        &[options],
        &[routing],
        &[hop, routing, options],
        &[
            options, options, options, options, options, options, options,
        ],
    ];
    let mut frames = Vec::new();
    for chain in chains {
        for (protocol, body) in [(IpNumber::TCP, &segment), (IpNumber::UDP, &datagram)] {
            frames.push(path.frame(extended(path, chain, protocol, body)));
        }
    }
    // No next header, and a longer options header.
    frames.push(path.frame(extended(path, &[hop], IpNumber(59), &[])));
    let long = [&[IpNumber::UDP.0, 2, 1, 20][..], &[0; 20], &datagram].concat();
    frames.push(path.frame(path.ipv6(options, &long)));
    frames
}

/// An IPv6 packet with a chain of extension headers of 8 bytes each.
fn extended(path: Path, chain: &[IpNumber], last: IpNumber, payload: &[u8]) -> Vec<u8> {
    let mut body = payload.to_vec();
    let mut next = last;
    for &kind in chain.iter().rev() {
        // Options headers are padded (PadN); a routing header has no segments left.
        let inside = if kind == IpNumber(43) {
            [0; 6]
        } else {
            [1, 4, 0, 0, 0, 0]
        };
        body = [&[next.0, 0], &inside[..], &body].concat();
        next = kind;
    }
    path.ipv6(next, &body)
}

/// Frames larger than the usual, several around the 3,520 bytes that Linux keeps
/// linear when a program is test-run.
pub(crate) fn jumbo() -> Frames {
    let path = Path::v4(CLIENT, SERVER);
    let headers = 14 + 20 + 8;
    let lengths = [1514, 3518, 3519, 3520, 3521, 3522, 4096, 7616, 9000, 9014];
    let frame = |length: usize| path.udp((46_000, 5_000), &payload(length - headers, 3));
    let mut frames: Frames = lengths.into_iter().map(frame).collect();
    let segment = path.tcp(ack((46_001, 80), 1, 1), &payload(5_000, 8));
    frames.push(segment);
    frames.push(Path::v6(CLIENT, SERVER).udp((46_002, 53), &payload(6_000, 9)));
    frames
}

/// Several hundred packets of everything, in turns.
pub(crate) fn mixed() -> Frames {
    let mut sources = vec![
        arp(),
        tcp(Family::V4),
        tcp(Family::V6),
        udp(),
        dns(),
        icmp(),
        icmpv6(),
        vlan(),
        qinq(),
        gre(),
        ipip(),
        gue(),
        fragments4(),
        fragments6(),
        ipv4_options(),
        ipv6_extensions(),
        tcp_options(),
    ];
    for n in 0..6 {
        let clients = Path::v4(host(100 + n), SERVER);
        sources.push(tcp_session(clients, (47_000 + u16::from(n), 80), 2));
        let clients = Path::v6(host(110 + n), SERVER);
        sources.push(tcp_session(clients, (48_000 + u16::from(n), 443), 1));
    }
    interleave(sources)
}

/// Takes one frame of each source in turn until all are empty.
fn interleave(sources: Vec<Frames>) -> Frames {
    let mut sources: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
    let mut frames = Vec::new();
    while !sources.is_empty() {
        sources.retain_mut(|source| {
            let next = source.next();
            let more = next.is_some();
            frames.extend(next);
            more
        });
    }
    frames
}
