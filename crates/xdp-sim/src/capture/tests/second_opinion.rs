//! `pcap-parser`'s streaming readers as a second opinion, where they are right:
//! on the number, length and bytes of packets in files that are not damaged.

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use super::build::*;
use super::*;
use crate::capture::{PacketOut, Writer};

/// Captured bytes and original length of each packet.
pub(super) fn second_opinion(bytes: &[u8]) -> Vec<(Vec<u8>, u32)> {
    let mut packets = Vec::new();
    let mut reader = create_reader(1 << 16, bytes).unwrap();
    loop {
        match reader.next() {
            Ok((len, block)) => {
                match block {
                    PcapBlockOwned::Legacy(p) => packets.push((p.data.to_vec(), p.origlen)),
                    PcapBlockOwned::NG(Block::EnhancedPacket(p)) => {
                        packets.push((p.packet_data().to_vec(), p.origlen));
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(p)) => {
                        packets.push((p.packet_data().to_vec(), p.origlen));
                    }
                    _ => {}
                }
                reader.consume(len);
            }
            Err(PcapError::Eof) => return packets,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(e) => panic!("{e:?}"),
        }
    }
}

fn first_opinion(bytes: &[u8]) -> Vec<(Vec<u8>, u32)> {
    read_all(bytes)
        .into_iter()
        .map(|p| (p.captured, p.original_len))
        .collect()
}

#[test]
fn pcap() {
    for order in [Little, Big] {
        for magic in [MICROSECONDS, NANOSECONDS, MODIFIED] {
            if (order, magic) == (Big, MODIFIED) {
                continue; // It does not know these.
            }
            let mut file = Pcap::new(order, magic);
            for len in 0..1_000 {
                file = file.record(1, 2, 1_500, &payload(len as u8, len));
            }
            assert_eq!(first_opinion(&file.bytes), second_opinion(&file.bytes));
        }
    }
}

#[test]
fn pcapng() {
    for order in [Little, Big] {
        let mut file = PcapNg::new(order).ethernet();
        for len in 0..1_000 {
            let data = payload(len as u8, len);
            file = file.enhanced(0, 1, 1_500, &data).simple(len as u32, &data);
        }
        assert_eq!(first_opinion(&file.bytes), second_opinion(&file.bytes));
    }
}

#[test]
fn what_we_write() {
    let mut writer = Writer::new(Vec::new());
    let id = writer.add_interface("eth0", Some("an interface")).unwrap();
    for len in 0..1_000 {
        let data = payload(len as u8, len);
        let packet = PacketOut {
            flags: len.is_multiple_of(2).then_some(2),
            verdict: len.is_multiple_of(3).then_some(3),
            comment: len.is_multiple_of(5).then_some("five"),
            original_len: 1_500,
            ..PacketOut::new(id, 5, &data)
        };
        writer.write(&packet).unwrap();
    }
    let file = writer.finish().unwrap();
    assert_eq!(second_opinion(&file).len(), 1_000);
    assert_eq!(first_opinion(&file), second_opinion(&file));
}
