//! The packet language as a whole; `etherparse` and the corpus' captures are the
//! second opinion.

use etherparse::{PacketBuilder, TcpOptionElement};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use xdp_sim::capture::{Options, Reader};

use super::*;

fn made(description: &str) -> Vec<u8> {
    bytes(description).unwrap_or_else(|e| panic!("{description}: {e}"))
}

const MACS: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);

#[test]
fn the_same_bytes_as_etherparse() {
    let mut udp = Vec::new();
    PacketBuilder::ethernet2(MACS.0, MACS.1)
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .udp(40000, 53)
        .write(&mut udp, b"hello")
        .unwrap();
    // etherparse sets "don't fragment".
    assert_eq!(made(r#"eth / ip df / udp dport=53 / "hello""#), udp);

    let mut tcp6 = Vec::new();
    let (src, dst) = ([0x20, 1, 0xd, 0xb8], [0x20, 1, 0xd, 0xb8]);
    let long = |head: [u8; 4], last| {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&head);
        address[15] = last;
        address
    };
    PacketBuilder::ethernet2(MACS.0, MACS.1)
        .single_vlan(7.try_into().unwrap())
        .ipv6(long(src, 1), long(dst, 2), 64)
        .tcp(40000, 80, 5, 1000)
        .syn()
        .options(&[
            TcpOptionElement::MaximumSegmentSize(1460),
            TcpOptionElement::WindowScale(7),
        ])
        .unwrap()
        .write(&mut tcp6, &[])
        .unwrap();
    let ours = "eth / vlan id=7 / ip6 / tcp seq=5 window=1000 flags=S options=mss:1460,wscale:7";
    assert_eq!(made(ours), tcp6);

    let mut ping = Vec::new();
    PacketBuilder::ethernet2(MACS.0, MACS.1)
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .icmpv4_echo_request(3, 4)
        .write(&mut ping, &[1, 2, 3])
        .unwrap();
    assert_eq!(made("eth / ip df / icmp id=3 seq=4 / 0x010203"), ping);

    let mut ping6 = Vec::new();
    PacketBuilder::ethernet2(MACS.0, MACS.1)
        .ipv6(long(src, 1), long(dst, 2), 64)
        .icmpv6_echo_request(3, 4)
        .write(&mut ping6, &[1, 2, 3])
        .unwrap();
    assert_eq!(made("eth / ip6 / icmp6 id=3 seq=4 / 0x010203"), ping6);
}

#[test]
fn wrong_packets_on_purpose() {
    let packet = made("eth / ip len=5 ihl=15 csum=0x1234 / udp len=1 csum=bad");
    assert_eq!(packet[14..18], [0x4f, 0, 0, 5]);
    assert_eq!(packet[24..26], [0x12, 0x34]);
    assert_eq!(packet[38..40], [0, 1]);
    assert_eq!(made("eth / ip / tcp / cut to=30").len(), 30);
    assert_eq!(made("eth type=0x1234").len(), 14);
    assert_eq!(made("0xff"), [0xff]);
    let padded = made("eth / ip / udp / pad to=60");
    assert_eq!((padded.len(), padded[17]), (60, 28));
}

#[test]
fn payloads() {
    assert_eq!(made(r#""ab" * 2 0x00ff "c" * 0"#), b"abab\x00\xff");
    assert_eq!(made("payload len=3 fill=0x41"), b"AAA");
    assert_eq!(made("hex 01 0203 ff"), [1, 2, 3, 0xff]);
}

#[test]
fn definitions_and_numbers() {
    let mut definitions = Definitions::default();
    definitions.define("client", "198.51.100.7");
    definitions.define("head", "eth / ip src=$client");
    let second = definitions.numbered(2);
    let packet = bytes_with("$head / udp sport=1000+$n", &second).unwrap();
    assert_eq!(packet, made("eth / ip src=198.51.100.7 / udp sport=1002"));
    let moved = bytes_with("eth / ip src=$client+$n", &second).unwrap();
    assert_eq!(moved, made("eth / ip src=198.51.100.9"));
    let more = bytes_with("$head ttl=1 src=10.0.0.1 / udp", &second).unwrap();
    assert_eq!(more, made("eth / ip src=10.0.0.1 ttl=1 / udp"));
    let twice = bytes_with("$head ttl=1 ttl=2", &second).unwrap_err();
    assert_eq!(twice.to_string(), "column 13: ip ttl is given twice");
    definitions.define("round", "$round");
    let error = bytes_with("$round", &definitions).unwrap_err();
    assert_eq!(error.problem, Problem::TooDeep);
    // Nor do they grow without end.
    let mut wide = Definitions::default();
    wide.define("a0", "1");
    wide.define("b0", "eth");
    for level in 1..8 {
        let below = level - 1;
        wide.define(
            format!("a{level}"),
            vec![format!("$a{below}"); 100].join("+"),
        );
        wide.define(
            format!("b{level}"),
            vec![format!("$b{below}"); 100].join("/"),
        );
    }
    for text in ["eth / ip ttl=$a7", "$b7"] {
        let error = bytes_with(text, &wide).unwrap_err();
        assert_eq!(error.problem, Problem::TooDeep, "{text}");
    }
}

#[test]
fn tunnels_and_extensions() {
    for description in [
        "eth / ip / ip / udp",
        "eth / ip / gre / ip6 / tcp",
        "eth / ip / gre k optional=0x0000002a / eth / arp",
        "eth / ip / udp / vxlan vni=42 / eth src=02:00:00:00:00:05 / ip / icmp",
        "eth / ip6 / udp / geneve options=0x0102000100000000 / eth / ip / tcp flags=SA",
        "eth / qinq id=5 / vlan id=6 pcp=3 / ip / udp sport=1 / \"text\"",
        "eth / ip6 / hopopts options=0x05020000 / routing data=0x00000000 / dstopts / fragment mf id=7 / udp",
        "eth / ip mf id=1 / udp / 0x00",
        "eth / arp op=reply tmac=02:00:00:00:00:02",
    ] {
        let packet = made(description);
        let decoded = decode(&packet);
        let names: Vec<_> = decoded
            .layers
            .iter()
            .map(|found| found.layer.name)
            .collect();
        let written = description
            .split(" / ")
            .map(|part| part.split(' ').next().unwrap());
        let written: Vec<_> = written
            .filter(|w| w.starts_with(char::is_alphabetic))
            .collect();
        assert_eq!(names, written, "{description}");
        assert_eq!(made(&describe(&packet)), packet, "{}", describe(&packet));
        assert!(!describe(&packet).starts_with("0x"), "{description}");
        let mismatches = Pattern::new(description).unwrap().compare(&packet);
        assert_eq!(mismatches, [], "{description}");
    }
}

#[test]
fn descriptions_say_only_what_is_not_the_default() {
    for description in [
        "eth / ip / tcp",
        "eth / ip df dst=10.0.0.1 / tcp flags=SA options=mss:1460 / \"GET / HTTP/1.1\\r\\n\"",
        "eth / ip / udp csum=0x0000",
        "eth / ip len=2000 / udp",
        "eth type=0x1234 / 0x0102",
        "eth / ip / udp / pad to=60",
        "eth / ip / udp / 0x00 * 100",
    ] {
        assert_eq!(describe(&made(description)), description);
    }
    assert_eq!(describe(&[1, 2, 3]), "0x010203");
}

#[track_caller]
fn fails(description: &str, expected: Expect) {
    expected.assert_eq(&bytes(description).unwrap_err().to_string());
}

#[test]
fn faulty_descriptions() {
    fails(
        "eth / ipp / tcp",
        expect!["column 7: no layer is called `ipp` (did you mean `ip`?)"],
    );
    fails("eth / wifi", expect!["column 7: no layer is called `wifi`"]);
    fails(
        "eth // ip",
        expect!["column 6: expected a layer, a text or bytes, found `/`"],
    );
    fails(
        "eth / ",
        expect!["column 7: expected a layer, a text or bytes, found nothing"],
    );
    fails(
        "",
        expect!["column 1: expected a layer, a text or bytes, found nothing"],
    );
    fails(
        "eth / tcp dprot=80",
        expect![
            "column 11: tcp has no field `dprot` (did you mean `dport`?); it has: sport, dport, seq, ack, doff, reserved, flags, window, csum, urg, options"
        ],
    );
    fails(
        "eth / tcp dport=http",
        expect!["column 17: tcp dport: expected a number such as 80 or 0x50, found `http`"],
    );
    fails(
        "eth / tcp dport=65536",
        expect!["column 17: tcp dport: 65536 does not fit into 16 bits"],
    );
    fails(
        "eth / tcp dport",
        expect!["column 11: expected `dport=` and a value, found `dport`"],
    );
    fails(
        "eth / tcp dport=1 dport=2",
        expect!["column 19: tcp dport is given twice"],
    );
    fails(
        "eth / tcp flags=SX",
        expect![
            "column 17: tcp flags: expected letters of FSRPAUEC such as SA, `-` or a number, found `SX`"
        ],
    );
    fails(
        "eth / ip src=10.0.0",
        expect!["column 14: ip src: expected an IPv4 address such as 192.0.2.1, found `10.0.0`"],
    );
    fails(
        "eth / ip proto=tpc",
        expect![
            "column 16: ip proto: expected a number or one of hopopts, icmp, igmp, ip, tcp, udp, ip6, routing, fragment, gre, esp, ah, icmp6, none, dstopts, sctp, found `tpc`"
        ],
    );
    fails(
        "eth / ip src=$me",
        expect!["column 14: `$me` is not defined"],
    );
    fails(
        "eth / ..",
        expect!["column 1: `..` has no place in a packet to send: only in one to compare with"],
    );
    fails(
        "0x45??",
        expect!["column 1: `??` has no place in a packet to send: only in one to compare with"],
    );
    fails(
        "0x123",
        expect!["column 1: expected bytes such as 0x0102, found `0x123`"],
    );
    fails("\"a\" * 70000", expect!["column 1: more than 66000 bytes"]);
    fails(
        "payload fill=1",
        expect!["column 8: expected `len=`, found nothing"],
    );
    fails(
        "eth / tcp options=fast",
        expect![
            "column 19: tcp options: expected bytes such as 0x020405b4, or a list of mss:N, wscale:N, sack-ok, sack:L:R, ts:V:E, nop, eol, found `fast`"
        ],
    );
    fails(
        "eth / pad 60",
        expect!["column 11: expected `pad to=` and a length of the frame, found `60`"],
    );
    let mut definitions = Definitions::default();
    definitions.define("server", "192.0.2");
    let error = bytes_with("eth / ip src=$servre", &definitions).unwrap_err();
    expect!["column 14: `$servre` is not defined (did you mean `server`?)"]
        .assert_eq(&error.to_string());
    definitions.define("head", "eth / ip ttl=x");
    let error = bytes_with("$head / udp", &definitions).unwrap_err();
    expect![
        "column 1: in `$head` (column 14): ip ttl: expected a number such as 80 or 0x50, found `x`"
    ]
    .assert_eq(&error.to_string());
}

#[track_caller]
fn compare(pattern: &str, packet: &str, expected: Expect) {
    let mismatches = Pattern::new(pattern).unwrap().compare(&made(packet));
    let lines: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn patterns() {
    let packet = r#"eth / ip dst=10.0.0.2 / tcp dport=8080 / "abc""#;
    compare("ip dst=10.0.0.2 / tcp dport=8080 / ..", packet, expect![""]);
    compare(
        "tcp dport=8080 sport=* csum=ok / \"abc\"",
        packet,
        expect![""],
    );
    compare("eth / ip / tcp / 0x61??63", packet, expect![""]);
    compare("eth / .. / tcp / ..", packet, expect![""]);
    compare("ip csum=ok / ..", packet, expect![""]);
    compare(
        "ip csum=bad / ..",
        packet,
        expect!["ip csum: expected bad, got 0xaeca ok"],
    );
    compare(
        "ip dst=10.0.0.1 / tcp dport=80 / ..",
        packet,
        expect![[r#"
        ip dst: expected 10.0.0.1, got 10.0.0.2
        tcp dport: expected 80, got 8080"#]],
    );
    compare(
        "eth / ip / tcp",
        packet,
        expect![[r#"end: expected nothing more, got 3 bytes more: "abc""#]],
    );
    compare(
        "eth / tcp / ..",
        packet,
        expect!["layer: expected tcp, got ip"],
    );
    compare("udp / ..", packet, expect!["layer: expected udp, got none"]);
    compare(
        "eth / ip",
        packet,
        expect!["end: expected nothing more, got tcp"],
    );
    compare(
        r#"tcp / "abd""#,
        packet,
        expect![[r#"payload: expected "abd", got "abc""#]],
    );
    compare(
        "tcp / hex 61 6? 64",
        packet,
        expect![[r#"payload: expected 0x616?64, got "abc""#]],
    );
    compare(
        "tcp options=mss:1400 / ..",
        "eth / ip / tcp options=mss:1460",
        expect!["tcp options: expected mss:1400, got mss:1460"],
    );
    compare("0x020000000002 / ..", packet, expect![""]);
    compare(
        "0x02",
        "0x0203",
        expect!["end: expected 1 bytes, got 1 more"],
    );
    compare(
        "ip / udp / ..",
        "eth / ip / udp / cut to=40",
        expect!["udp: expected a whole header, got 6 bytes of it"],
    );
    compare("ip / udp", "eth / ip / udp / pad to=60", expect![""]);
}

#[test]
fn checksums_of_what_is_not_whole_are_not_judged() {
    let first = made("eth / ip mf / udp len=2000 / payload len=100");
    let decoded = decode(&first);
    assert!(decoded.layers[1].checksum.is_some());
    assert_eq!(decoded.layers[2].checksum, None);
    let cut = made("eth / ip / udp / payload len=100 / cut to=60");
    assert_eq!(decode(&cut).layers[2].checksum, None);
}

#[test]
fn two_packets_side_by_side() {
    let one = made(r#"eth / ip ttl=64 / tcp flags=SA / "hello""#);
    let other = made(r#"eth / ip ttl=63 / tcp flags=SA options=nop / "hallo" / pad to=80"#);
    expect![[r#"
                     expected (59 bytes)        got (80 bytes)
          eth
          ip
            ihl      5                          5
            len      45                       ≠ 49
            ttl      64                       ≠ 63
            proto    tcp                        tcp
            csum     0xf6c7 ok                ≠ 0xf7c3 ok
            src      192.0.2.1                  192.0.2.1
            dst      192.0.2.2                  192.0.2.2
          tcp
            sport    40000                      40000
            dport    80                         80
            doff     5                        ≠ 6
            flags    SA                         SA
            window   65535                      65535
            csum     0x4b67 ok                ≠ 0x3a67 ok
            options  -                        ≠ nop
          payload    "hello" (5 bytes)        ≠ "hallo" (5 bytes)
          padding    -                        ≠ 0x00 * 17 (17 bytes)
          0010  expected 00 2d 00 00 00 00 40 06 f6 c7 c0 00 02 01 c0 00
                got      00 31 00 00 00 00 3f 06 f7 c3 c0 00 02 01 c0 00
                            ^^             ^^    ^^ ^^
          0020  expected 02 02 9c 40 00 50 00 00 00 00 00 00 00 00 50 12
                got      02 02 9c 40 00 50 00 00 00 00 00 00 00 00 60 12
                                                                   ^^
          0030  expected ff ff 4b 67 00 00 68 65 6c 6c 6f
                got      ff ff 3a 67 00 00 01 00 00 00 68 61 6c 6c 6f 00
                               ^^          ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
          0040  expected
                got      00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
                         ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
    "#]]
    .assert_eq(&side_by_side(&one, &other));
    let same = side_by_side(&one, &one);
    assert!(!same.contains('≠') && !same.contains("src "), "{same}");
    expect![[r#"
                     expected (59 bytes)        got (30 bytes)
          eth
          layer      ip                       ≠ ip (cut)
            ihl      5                          5
            len      45                         45
            ttl      64                         64
            proto    tcp                        tcp
            csum     0xf6c7 ok                ≠ 0xf6c7
            src      192.0.2.1                  192.0.2.1
            dst      192.0.2.2                ≠ -
          layer      tcp                      ≠ -
          payload    "hello" (5 bytes)        ≠ -
          0010  expected 00 2d 00 00 00 00 40 06 f6 c7 c0 00 02 01 c0 00
                got      00 2d 00 00 00 00 40 06 f6 c7 c0 00 02 01
                                                                   ^^ ^^
          0020  expected 02 02 9c 40 00 50 00 00 00 00 00 00 00 00 50 12
                got
                         ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
          0030  expected ff ff 4b 67 00 00 68 65 6c 6c 6f
                got
                         ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
    "#]]
    .assert_eq(&side_by_side(&one, &one[..30]));
    expect![[r#"
        eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
        ip       ihl=5 len=49 ttl=63 proto=tcp csum=0xf7c3 ok src=192.0.2.1 dst=192.0.2.2
        tcp      sport=40000 dport=80 doff=6 flags=SA window=65535 csum=0x3a67 ok options=nop
        payload  "hallo" (5 bytes)
        padding  0x00 * 17 (17 bytes)
    "#]]
    .assert_eq(&listing(&other));
}

#[test]
fn the_captures_of_the_corpus() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/pcaps");
    let mut packets = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pcap") {
            continue;
        }
        let file = std::fs::File::open(&path).unwrap();
        let mut reader = Reader::new(file, Options::default()).unwrap();
        while let Ok(Some(packet)) = reader.next() {
            packets += 1;
            let frame = packet.captured;
            let description = describe(frame);
            assert_eq!(made(&description), frame, "{description}");
            agrees_with_etherparse(frame);
        }
    }
    assert!(packets > 500, "{packets}");
}

/// What etherparse finds, we find at the same place.
fn agrees_with_etherparse(frame: &[u8]) {
    let Ok(theirs) = etherparse::SlicedPacket::from_ethernet(frame) else {
        return;
    };
    let ours = decode(frame);
    let at = |slice: &[u8]| slice.as_ptr() as usize - frame.as_ptr() as usize;
    let is = |place: usize, id: Id| {
        let found = ours.layers.iter().find(|found| found.range.start == place);
        assert_eq!(
            found.map(|found| found.layer.id),
            Some(id),
            "{}",
            listing(frame)
        );
    };
    match &theirs.net {
        Some(etherparse::NetSlice::Ipv4(ip)) => is(at(ip.header().slice()), Id::Ip),
        Some(etherparse::NetSlice::Ipv6(ip)) => is(at(ip.header().slice()), Id::Ip6),
        _ => {}
    }
    match &theirs.transport {
        Some(etherparse::TransportSlice::Tcp(tcp)) => is(at(tcp.slice()), Id::Tcp),
        Some(etherparse::TransportSlice::Udp(udp)) => is(at(udp.slice()), Id::Udp),
        Some(etherparse::TransportSlice::Icmpv4(icmp)) => is(at(icmp.slice()), Id::Icmp),
        Some(etherparse::TransportSlice::Icmpv6(icmp)) => is(at(icmp.slice()), Id::Icmp6),
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_taken_apart(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        listing(&bytes);
        side_by_side(&bytes, &bytes[..bytes.len() / 2]);
        prop_assert_eq!(made(&describe(&bytes)), bytes);
    }

    #[test]
    fn any_damage_is_taken_apart(
        which in 0..4usize, place in 0..120usize, byte in any::<u8>(), len in 0..120usize,
    ) {
        let mut bytes = made([
            "eth / vlan / ip options=0x07040000 / tcp options=ts:1:2,mss:5 / payload len=30",
            "eth / ip6 / hopopts / routing / fragment / dstopts / icmp6 / payload len=30",
            "eth / ip / udp / vxlan / eth / ip / gre k optional=0x00000001 / ip6 / udp",
            "eth / ip / udp / geneve options=0x01020304 / eth / arp",
        ][which]);
        if let Some(place) = bytes.get_mut(place) {
            *place = byte;
        }
        bytes.truncate(len);
        listing(&bytes);
        let pattern = Pattern::new(&describe(&bytes).replace(" / pad to=", " / .. / hex 00 / ..")).ok();
        if let Some(pattern) = pattern {
            pattern.compare(&bytes);
        }
        prop_assert_eq!(made(&describe(&bytes)), bytes);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9=:./ \"*$?x+-]{0,60}") {
        if let Ok(packet) = bytes(&text) {
            prop_assert!(packet.len() <= MAX_LEN);
        }
        let _ = Pattern::new(&text).map(|pattern| pattern.compare(b"some bytes or other"));
    }
}
