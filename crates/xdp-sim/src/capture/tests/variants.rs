//! Every variant of the formats comes out right.

use super::build::*;
use super::*;
use crate::capture::LinkType;

#[test]
fn pcap_in_both_orders_and_all_forms() {
    for order in [Little, Big] {
        for (magic, frac, ns) in [
            (MICROSECONDS, 123_456, 123_456_000),
            (NANOSECONDS, 123_456_789, 123_456_789),
            (MODIFIED, 123_456, 123_456_000),
        ] {
            let file = Pcap::new(order, magic)
                .record(1_700_000_000, frac, 64, &payload(1, 64))
                .record(u32::MAX, 0, 9_000, &payload(2, 15))
                .record(0, 0, 0, &[]);
            let packets = read_all(&file.bytes);
            let expected = [
                (1_700_000_000_000_000_000 + ns, 64, payload(1, 64)),
                (4_294_967_295_000_000_000, 9_000, payload(2, 15)),
                (0, 0, vec![]),
            ]
            .map(|(timestamp_ns, original_len, captured)| Owned {
                timestamp_ns,
                interface: 0,
                captured,
                original_len,
            });
            assert_eq!(packets, expected, "{order:?} {magic:#x}");
        }
    }
}

#[test]
fn pcapng_with_every_packet_block_and_two_sections() {
    for (first, second) in [(Little, Big), (Big, Little), (Little, Little), (Big, Big)] {
        let packets = read_all(&mixed(first, second).bytes);
        let expected = [
            (1_000, 0, 60, payload(1, 60)),
            (2_000_000_000, 1, 61, payload(2, 61)),
            (5_000, 2, 1_500, payload(3, 17)),
            (0, 0, 5, payload(4, 5)),
            (2_000_000, 0, 0, vec![]),
            (0, 0, 1_500, payload(5, 9)),
        ]
        .map(|(timestamp_ns, interface, original_len, captured)| Owned {
            timestamp_ns,
            interface,
            captured,
            original_len,
        });
        assert_eq!(packets, expected, "{first:?} {second:?}");
    }
}

#[test]
fn timestamps_follow_resolution_and_offset() {
    for order in [Little, Big] {
        let file = PcapNg::new(order);
        let offset = file.option(14, &order.u64(1_700_000_000));
        let before_epoch = file.option(14, &order.u64(-2_i64 as u64));
        let binary = [file.option(9, &[0xa0]), offset.clone()].concat();
        let file = file
            .interface(1, 0, &offset)
            .interface(1, 0, &binary)
            .interface(1, 0, &before_epoch)
            .tsresol(0)
            .tsresol(12)
            .enhanced(0, 1, 0, &[])
            .enhanced(1, 3 << 31, 0, &[])
            .enhanced(2, 3_000_000, 0, &[])
            .enhanced(3, 7, 0, &[])
            .enhanced(4, 9_999, 0, &[]);
        let times: Vec<_> = read_all(&file.bytes)
            .iter()
            .map(|p| p.timestamp_ns)
            .collect();
        let expected = [
            1_700_000_000_000_001_000,
            1_700_000_001_500_000_000,
            1_000_000_000,
            7_000_000_000,
            9,
        ];
        assert_eq!(times, expected, "{order:?}");
    }
}

#[test]
fn options_end_at_the_end_mark() {
    let file = PcapNg::new(Little);
    let options = [
        file.option(9, &[9]),
        file.option(0, &[]),
        file.option(9, &[0]),
    ]
    .concat();
    let file = file.interface(1, 0, &options).enhanced(0, 5, 0, &[]);
    assert_eq!(read_all(&file.bytes)[0].timestamp_ns, 5);
}

#[test]
fn simple_packets_are_cut_by_the_first_interfaces_snap_length() {
    for (snap_len, original, stored, expected) in [
        (0, 6, 6, 6),
        (100, 6, 6, 6),
        (6, 6, 6, 6),
        (5, 6, 5, 5),
        (5, 6, 6, 5),
        (1, 9_000, 1, 1),
    ] {
        let file = PcapNg::new(Big)
            .interface(1, snap_len, &[])
            .interface(1, 2, &[])
            .simple(original, &payload(1, stored));
        let packets = read_all(&file.bytes);
        assert_eq!(
            packets[0].captured,
            payload(1, expected),
            "snap length {snap_len}"
        );
        assert_eq!(packets[0].original_len, original);
    }
}

#[test]
fn cut_packets_say_so() {
    let file = Pcap::new(Little, MICROSECONDS)
        .record(0, 0, 61, &payload(1, 60))
        .record(0, 0, 60, &payload(1, 60))
        // More than there was: libpcap lets it pass.
        .record(0, 0, 59, &payload(1, 60));
    let mut reader = Reader::new(file.bytes.as_slice(), Options::default()).unwrap();
    for expected in [true, false, false] {
        assert_eq!(reader.next().unwrap().unwrap().is_cut(), expected);
    }
    assert_eq!(reader.bytes_read(), file.bytes.len() as u64);
}

#[test]
fn interfaces_are_those_of_the_section_so_far() {
    let file = PcapNg::new(Big);
    let named = [file.option(2, b"eth0"), file.option(3, b"a description")].concat();
    let odd = file.option(2, &[0xff; 1_000]);
    let file = file
        .interface(1, 96, &named)
        .enhanced(0, 0, 0, &[])
        .interface(113, 0, &odd)
        .enhanced(0, 0, 0, &[])
        .section(Little)
        .ethernet()
        .enhanced(0, 0, 0, &[]);
    let mut reader = Reader::new(file.bytes.as_slice(), Options::default()).unwrap();
    assert!(reader.interfaces().is_empty());
    reader.next().unwrap().unwrap();
    let [eth0] = reader.interfaces() else {
        panic!("{:?}", reader.interfaces())
    };
    assert_eq!(eth0.name.as_deref(), Some("eth0"));
    assert_eq!((eth0.link_type, eth0.snap_len), (LinkType::ETHERNET, 96));
    reader.next().unwrap().unwrap();
    assert_eq!(reader.interfaces().len(), 2);
    let kept = reader.interfaces()[1].name.as_ref().unwrap();
    assert_eq!(kept.chars().count(), 256);
    reader.next().unwrap().unwrap();
    assert_eq!(reader.interfaces().len(), 1);
    assert_eq!(reader.interfaces()[0].name, None);
}

#[test]
fn many_interfaces_keep_apart() {
    let mut file = PcapNg::new(Little);
    for i in 0..2_000 {
        file = file.tsresol(if i % 2 == 0 { 9 } else { 6 });
    }
    for i in 0..2_000 {
        file = file.enhanced(i, 1, 0, &[]);
    }
    for (i, packet) in read_all(&file.bytes).iter().enumerate() {
        assert_eq!(packet.interface, i as u32);
        assert_eq!(packet.timestamp_ns, if i % 2 == 0 { 1 } else { 1_000 });
    }
}

#[test]
fn a_source_that_gives_one_byte_at_a_time() {
    for (name, bytes) in samples() {
        let (packets, error) = read_with(Trickle(&bytes, false), Options::default());
        assert!(error.is_none(), "{name}: {}", error.unwrap());
        assert_eq!(packets, read_all(&bytes), "{name}");
    }
}

/// Packets of all lengths around the buffer's chunk, so that its end cuts
/// records everywhere.
#[test]
fn captures_longer_than_the_buffer() {
    let sizes = [60, 1_500, 9_000, 0, 65_535, 200_000, 14];
    let mut pcap = Pcap::new(Big, NANOSECONDS);
    let mut pcapng = PcapNg::new(Big).tsresol(9);
    for i in 0..100_u8 {
        let data = payload(i, sizes[usize::from(i) % sizes.len()] + usize::from(i));
        pcap = pcap.record(0, u32::from(i), data.len() as u32, &data);
        pcapng = pcapng.enhanced(0, u64::from(i), data.len() as u32, &data);
    }
    // A block longer than the buffer that is passed over, and one packet more.
    pcapng = pcapng
        .block(10, &payload(0, 3_000_000))
        .enhanced(0, 100, 3, &[1, 2, 3]);
    let packets = read_all(&pcap.bytes);
    assert_eq!(packets.len(), 100);
    for (i, packet) in packets.iter().enumerate() {
        assert_eq!(packet.timestamp_ns, i as u64);
        assert_eq!(
            packet.captured,
            payload(i as u8, sizes[i % sizes.len()] + i)
        );
    }
    let same = read_all(&pcapng.bytes);
    assert_eq!(same[..100], packets);
    assert_eq!(same[100].captured, [1, 2, 3]);
}

#[test]
fn link_types_other_than_ethernet_are_refused_by_name() {
    for (number, name) in [
        (0, "NULL (0)"),
        (9, "PPP (9)"),
        (12, "RAW (12)"),
        (101, "RAW (101)"),
        (105, "IEEE802_11 (105)"),
        (108, "LOOP (108)"),
        (113, "LINUX_SLL (113)"),
        (276, "LINUX_SLL2 (276)"),
        (60_000, "60000"),
    ] {
        let pcap = Pcap::with(Little, MICROSECONDS, 0, number)
            .record(0, 0, 1, &[1])
            .bytes;
        let error = Reader::new(pcap.as_slice(), Options::default()).unwrap_err();
        assert!(
            error.to_string().ends_with(&format!("link type is {name}")),
            "{error}"
        );

        let pcapng = PcapNg::new(Big)
            .ethernet()
            .interface(number as u16, 0, &[])
            .enhanced(0, 0, 1, &[0])
            .enhanced(1, 0, 1, &[1]);
        let (packets, error) = read(&pcapng.bytes);
        assert_eq!(packets.len(), 1);
        let error = error.unwrap();
        assert!(
            matches!(error.kind, ErrorKind::NotEthernet { interface: 1, link_type }
                if link_type == LinkType(number)),
            "{error}"
        );

        let force = Options {
            force_ethernet: true,
            ..Options::default()
        };
        for (file, len) in [(&pcap, 1), (&pcapng.bytes, 2)] {
            let (packets, error) = read_with(file.as_slice(), force);
            assert_eq!((packets.len(), error.is_none()), (len, true));
        }
    }
}

/// The bits above the link type say how long the frame check sequence is.
#[test]
fn upper_bits_of_a_pcap_link_type_are_something_else() {
    let file = Pcap::with(Big, MICROSECONDS, 0, 0x4400_0001).record(0, 0, 1, &[1]);
    assert_eq!(read_all(&file.bytes).len(), 1);
}
