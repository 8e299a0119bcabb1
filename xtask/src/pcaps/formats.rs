//! The same few packets in every file format, and files that are damaged.

use super::layers::tagged;
use super::trace::{Packet, Trace};
use super::traffic;
use super::write::{
    Bytes, Fraction, Interface, LINKTYPE_ETHERNET, Order, Resolution, block, enhanced_packet,
    interface_description, pcap, pcap_header, pcap_record_header, section, section_header,
    simple_packet,
};

type File = (&'static str, Vec<u8>);

/// What every file of `formats` and `damaged` holds, as far as it is readable.
fn packets() -> Vec<Packet> {
    let mut trace = Trace::of(traffic::small_mix());
    for frame in traffic::small_mix() {
        trace.push(tagged(&frame, 12, 0, false));
    }
    trace.packets
}

/// Files that a reader must read whole.
pub(crate) fn good() -> Vec<File> {
    use Fraction::{Micro, Nano};
    use Order::{Big, Little};
    let packets = packets();
    let nano = || [Interface::new("eth0", Resolution::Decimal(9))];
    vec![
        ("us_le.pcap", pcap(Little, Micro, &packets)),
        ("us_be.pcap", pcap(Big, Micro, &packets)),
        ("ns_le.pcap", pcap(Little, Nano, &packets)),
        ("ns_be.pcap", pcap(Big, Nano, &packets)),
        ("none.pcap", pcap(Little, Micro, &[])),
        ("ng_le.pcapng", section(Little, &nano(), &packets)),
        ("ng_be.pcapng", section(Big, &nano(), &packets)),
        ("ng_interfaces.pcapng", several_interfaces(&packets)),
        ("ng_sections.pcapng", several_sections(&packets)),
        ("ng_simple.pcapng", simple(&packets)),
    ]
}

/// Interfaces with times in all kinds of resolutions.
fn several_interfaces(packets: &[Packet]) -> Vec<u8> {
    let interfaces = [
        Interface::new("unsaid", Resolution::Unsaid),
        Interface::new("milli", Resolution::Decimal(3)),
        Interface::new("nano", Resolution::Decimal(9)),
        Interface::new("binary10", Resolution::Binary(10)),
        Interface::new("binary30", Resolution::Binary(30)),
        Interface::new("second", Resolution::Decimal(0)),
    ];
    let mut packets = packets.to_vec();
    for (n, packet) in packets.iter_mut().enumerate() {
        packet.interface = (n % interfaces.len()) as u32;
    }
    section(Order::Little, &interfaces, &packets)
}

/// Two sections of different byte order, whose interfaces count anew, with a
/// block in between that nobody knows.
fn several_sections(packets: &[Packet]) -> Vec<u8> {
    let (first, second) = packets.split_at(packets.len() / 2);
    let one = [Interface::new("first", Resolution::Decimal(9))];
    let other = [Interface::new("second", Resolution::Unsaid)];
    let mut file = Bytes::new(Order::Little);
    file.bytes(&section(Order::Little, &one, first));
    block(&mut file, 0x0bad_cafe, b"skip this");
    file.bytes(&section(Order::Big, &other, second));
    file.out
}

/// Simple packets, the last of them cut by the snap length of the interface.
fn simple(packets: &[Packet]) -> Vec<u8> {
    let mut file = Bytes::new(Order::Little);
    section_header(&mut file, "simple packet blocks");
    let mut interface = Interface::new("eth0", Resolution::Unsaid);
    interface.snaplen = 64;
    interface_description(&mut file, LINKTYPE_ETHERNET as u16, &interface);
    for packet in packets {
        let mut cut = packet.clone();
        cut.bytes.truncate(64);
        simple_packet(&mut file, &cut);
    }
    file.out
}

/// Files of which a reader must say where they stop making sense.
pub(crate) fn damaged() -> Vec<File> {
    let mut files = damaged_pcap();
    files.extend(damaged_pcapng());
    files
}

fn damaged_pcap() -> Vec<File> {
    let packets = packets();
    let whole = pcap(Order::Little, Fraction::Micro, &packets);
    let three = 24
        + packets[..3]
            .iter()
            .map(|p| 16 + p.bytes.len())
            .sum::<usize>();
    let mut bad_magic = whole.clone();
    bad_magic[..4].copy_from_slice(b"PCAP");
    let mut version = whole.clone();
    version[4..6].copy_from_slice(&[9, 0]);
    vec![
        ("empty_file.pcap", Vec::new()),
        ("cut_in_file_header.pcap", whole[..17].to_vec()),
        ("cut_in_record_header.pcap", whole[..three + 9].to_vec()),
        ("cut_in_record.pcap", whole[..three + 16 + 20].to_vec()),
        (
            "absurd_caplen.pcap",
            with_caplen(&packets[..3], 0xffff_fff0),
        ),
        ("huge_caplen.pcap", with_caplen(&packets[..3], 0x1000_0000)),
        ("bad_magic.pcap", bad_magic),
        ("version_9.pcap", version),
        ("linktype_raw_ip.pcap", with_linktype(&packets, 101, 14)),
        ("linktype_linux_sll.pcap", with_linktype(&packets, 113, 0)),
        ("linktype_ieee802_11.pcap", with_linktype(&packets, 105, 0)),
    ]
}

/// Good packets, then one that claims a captured length.
fn with_caplen(packets: &[Packet], caplen: u32) -> Vec<u8> {
    let mut file = Bytes::new(Order::Little);
    file.bytes(&pcap(Order::Little, Fraction::Micro, packets));
    file.u32(1_700_000_001);
    file.u32(0);
    file.u32(caplen);
    file.u32(caplen);
    file.bytes(&packets[0].bytes);
    file.out
}

/// A file that is well formed but not Ethernet; each packet loses `skip` bytes.
fn with_linktype(packets: &[Packet], linktype: u32, skip: usize) -> Vec<u8> {
    let fraction = Fraction::Micro;
    let mut file = pcap_header(Order::Little, fraction, 262_144, linktype);
    for packet in packets {
        let mut packet = packet.clone();
        packet.bytes.drain(..skip);
        packet.length -= skip as u32;
        pcap_record_header(&mut file, fraction, &packet);
        file.bytes(&packet.bytes);
    }
    file.out
}

fn damaged_pcapng() -> Vec<File> {
    let packets = packets();
    let nano = Resolution::Decimal(9);
    let start = || {
        let mut file = Bytes::new(Order::Little);
        file.bytes(&section(
            Order::Little,
            &[Interface::new("eth0", nano)],
            &packets[..3],
        ));
        file
    };
    let whole = start().out;

    let mut trailer = whole.clone();
    let last = trailer.len() - 4;
    trailer[last] ^= 4;

    let mut absurd_block = start();
    absurd_block.u32(6);
    absurd_block.u32(0xffff_fff0);

    let mut odd_block = start();
    odd_block.u32(6);
    odd_block.u32(7);

    let mut absurd_caplen = start();
    let mut body = Bytes::new(Order::Little);
    for word in [0, 0, 0, 0x7fff_ffff, 0x7fff_ffff] {
        body.u32(word);
    }
    block(&mut absurd_caplen, 6, &body.out);

    let mut no_interface = Bytes::new(Order::Little);
    section_header(&mut no_interface, "no interface");
    enhanced_packet(&mut no_interface, nano, &packets[0]);

    let mut bad_interface = start();
    let mut packet = packets[0].clone();
    packet.interface = 5;
    enhanced_packet(&mut bad_interface, nano, &packet);

    let mut order = Bytes::new(Order::Little);
    section_header(&mut order, "byte-order magic");
    order.out[8..12].copy_from_slice(b"ABCD");

    let mut linktype = Bytes::new(Order::Little);
    section_header(&mut linktype, "raw IP");
    interface_description(&mut linktype, 101, &Interface::new("tun0", nano));
    enhanced_packet(&mut linktype, nano, &packets[0]);

    let mut resolution = Bytes::new(Order::Little);
    section_header(&mut resolution, "10^-255 seconds");
    let absurd = Interface::new("eth0", Resolution::Decimal(255));
    interface_description(&mut resolution, LINKTYPE_ETHERNET as u16, &absurd);
    enhanced_packet(&mut resolution, nano, &packets[0]);

    vec![
        ("ng_cut_in_block.pcapng", whole[..whole.len() - 30].to_vec()),
        ("ng_cut_in_section_header.pcapng", whole[..10].to_vec()),
        ("ng_trailing_length.pcapng", trailer),
        ("ng_absurd_block.pcapng", absurd_block.out),
        ("ng_odd_block.pcapng", odd_block.out),
        ("ng_absurd_caplen.pcapng", absurd_caplen.out),
        ("ng_no_interface.pcapng", no_interface.out),
        ("ng_bad_interface.pcapng", bad_interface.out),
        ("ng_byte_order.pcapng", order.out),
        ("ng_linktype_raw_ip.pcapng", linktype.out),
        ("ng_absurd_resolution.pcapng", resolution.out),
    ]
}
