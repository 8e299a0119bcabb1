//! What is written: to the byte, and read back.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::capture::{InterfaceId, PacketOut, WriteError, Writer};

/// A section header block as every capture of ours begins with.
const SECTION: &[u8] = &[
    0x0a, 0x0d, 0x0d, 0x0a, 44, 0, 0, 0, // type, length
    0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, // byte order, version
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // section length
    4, 0, 8, 0, b'e', b'b', b'p', b'f', b'-', b's', b'i', b'm', // application
    0, 0, 0, 0, // end of options
    44, 0, 0, 0,
];

fn with_interface() -> (Writer<Vec<u8>>, InterfaceId, usize) {
    let mut writer = Writer::new(Vec::new());
    let id = writer.add_interface("e", None).unwrap();
    (writer, id, SECTION.len() + 40)
}

#[test]
fn section_and_interface_to_the_byte() {
    assert_eq!(Writer::new(Vec::new()).finish().unwrap(), SECTION);
    let mut writer = Writer::new(Vec::new());
    let id = writer.add_interface("eth0:xdp()", Some("before")).unwrap();
    assert_eq!(id.index(), 0);
    let file = writer.finish().unwrap();
    let expected: &[u8] = &[
        1, 0, 0, 0, 60, 0, 0, 0, // type, length
        1, 0, 0, 0, 0, 0, 0, 0, // Ethernet, reserved, no snap length
        2, 0, 10, 0, b'e', b't', b'h', b'0', b':', b'x', b'd', b'p', b'(', b')', 0, 0, // name
        3, 0, 6, 0, b'b', b'e', b'f', b'o', b'r', b'e', 0, 0, // description
        9, 0, 1, 0, 9, 0, 0, 0, // nanoseconds
        0, 0, 0, 0, // end of options
        60, 0, 0, 0,
    ];
    assert_eq!(file[SECTION.len()..], *expected);
}

#[test]
fn packet_without_options_to_the_byte() {
    let (mut writer, id, start) = with_interface();
    writer
        .write(&PacketOut::new(id, 0x0123_4567_89ab_cdef, &[1, 2, 3, 4, 5]))
        .unwrap();
    let expected: &[u8] = &[
        6, 0, 0, 0, 40, 0, 0, 0, // type, length
        0, 0, 0, 0, // interface
        0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89, // time, high word first
        5, 0, 0, 0, 5, 0, 0, 0, // captured and original length
        1, 2, 3, 4, 5, 0, 0, 0, // packet, padded
        40, 0, 0, 0,
    ];
    assert_eq!(writer.finish().unwrap()[start..], *expected);
}

#[test]
fn packet_with_every_option_to_the_byte() {
    let (mut writer, id, start) = with_interface();
    let packet = PacketOut {
        original_len: 1_500,
        flags: Some(PacketOut::INBOUND),
        packet_id: Some(0x0102_0304_0506_0708),
        queue: Some(9),
        verdict: Some(-2),
        comment: Some("hello"),
        ..PacketOut::new(id, 1, &[7; 4])
    };
    writer.write(&packet).unwrap();
    let expected: &[u8] = &[
        6, 0, 0, 0, 96, 0, 0, 0, // type, length
        0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // interface, time
        4, 0, 0, 0, 0xdc, 5, 0, 0, // captured and original length
        7, 7, 7, 7, // packet
        2, 0, 4, 0, 1, 0, 0, 0, // flags: inbound
        5, 0, 8, 0, 8, 7, 6, 5, 4, 3, 2, 1, // packet id
        6, 0, 4, 0, 9, 0, 0, 0, // queue
        // Verdict: eBPF XDP, the action, padding.
        7, 0, 9, 0, 2, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, //
        1, 0, 5, 0, b'h', b'e', b'l', b'l', b'o', 0, 0, 0, // comment
        0, 0, 0, 0, // end of options
        96, 0, 0, 0,
    ];
    assert_eq!(writer.finish().unwrap()[start..], *expected);
}

prop_compose! {
    /// Interface among three, times, lengths and any set of options.
    fn packet()(
        interface in 0..3_u32,
        timestamp_ns: u64,
        data in prop::collection::vec(any::<u8>(), 0..200),
        cut in prop::option::of(any::<u32>()),
        flags: Option<u32>,
        packet_id: Option<u64>,
        queue: Option<u32>,
        verdict: Option<i64>,
        comment: Option<String>,
    ) -> (Owned, Option<u32>, Option<u64>, Option<u32>, Option<i64>, Option<String>) {
        let original_len = cut.unwrap_or(data.len() as u32);
        let packet = Owned { timestamp_ns, interface, captured: data, original_len };
        (packet, flags, packet_id, queue, verdict, comment)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(packets in prop::collection::vec(packet(), 0..50)) {
        let mut writer = Writer::new(Vec::new());
        let ids = ["a", "", "ccc"].map(|name| writer.add_interface(name, Some(name)).unwrap());
        for (packet, flags, packet_id, queue, verdict, comment) in &packets {
            let out = PacketOut {
                interface: ids[packet.interface as usize],
                timestamp_ns: packet.timestamp_ns,
                data: &packet.captured,
                original_len: packet.original_len,
                flags: *flags,
                packet_id: *packet_id,
                queue: *queue,
                verdict: *verdict,
                comment: comment.as_deref(),
            };
            writer.write(&out).unwrap();
        }
        let file = writer.finish().unwrap();
        let expected: Vec<_> = packets.into_iter().map(|(packet, ..)| packet).collect();
        prop_assert_eq!(read_all(&file), expected);
    }
}

#[test]
fn names_are_read() {
    let mut writer = Writer::new(Vec::new());
    writer.add_interface("eth0:prog()@fentry", None).unwrap();
    let id = writer.add_interface("eth0:prog()@fexit", None).unwrap();
    writer.write(&PacketOut::new(id, 0, &[])).unwrap();
    let file = writer.finish().unwrap();
    let mut reader = Reader::new(file.as_slice(), Options::default()).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().interface, 1);
    let names: Vec<_> = reader
        .interfaces()
        .iter()
        .map(|i| i.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["eth0:prog()@fentry", "eth0:prog()@fexit"]);
}

#[test]
fn interfaces_may_come_late_and_packets_of_others_may_not() {
    let (mut writer, first, _) = with_interface();
    let mut other = Writer::new(Vec::new());
    other.add_interface("x", None).unwrap();
    let foreign = other.add_interface("y", None).unwrap();
    let error = writer.write(&PacketOut::new(foreign, 0, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "interface 1 is not one of the 1 of this capture"
    );
    writer.write(&PacketOut::new(first, 1, &[])).unwrap();
    let late = writer.add_interface("late", None).unwrap();
    writer.write(&PacketOut::new(late, 2, &[])).unwrap();
    let file = writer.finish().unwrap();
    let interfaces: Vec<_> = read_all(&file).iter().map(|p| p.interface).collect();
    assert_eq!(interfaces, [0, 1]);
}

#[test]
fn what_a_block_cannot_hold_is_refused_and_leaves_no_trace() {
    let (mut writer, id, start) = with_interface();
    let long = "x".repeat(65_536);
    let packet = PacketOut::new(id, 0, &[]);
    let too_long = WriteError::TextTooLong { len: 65_536 }.to_string();
    let error = writer
        .write(&PacketOut {
            comment: Some(&long),
            ..packet
        })
        .unwrap_err();
    assert_eq!(error.to_string(), too_long);
    assert_eq!(
        writer.add_interface(&long, None).unwrap_err().to_string(),
        too_long
    );
    assert_eq!(
        writer
            .add_interface("", Some(&long))
            .unwrap_err()
            .to_string(),
        too_long
    );
    let data = vec![0; (255 << 20) + 1];
    let error = writer.write(&PacketOut::new(id, 0, &data)).unwrap_err();
    assert!(matches!(error, WriteError::PacketTooLong { .. }));
    assert_eq!(writer.finish().unwrap().len(), start);

    let (mut writer, id, _) = with_interface();
    writer
        .write(&PacketOut {
            comment: Some(&long[1..]),
            ..PacketOut::new(id, 0, &[])
        })
        .unwrap();
    assert_eq!(read_all(&writer.finish().unwrap()).len(), 1);
}

/// Takes so many writes, or so many bytes, then fails once and takes all again.
#[derive(Debug)]
struct Disk<'a> {
    taken: &'a mut Vec<u8>,
    writes: usize,
    bytes: usize,
}

impl Write for Disk<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.writes == 0 || self.bytes == 0 {
            (self.writes, self.bytes) = (usize::MAX, usize::MAX);
            return Err(io::Error::other("disk full"));
        }
        let n = data.len().min(self.bytes);
        self.writes -= 1;
        self.bytes -= n;
        self.taken.extend(&data[..n]);
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until the disk is full; how many packets were taken without an error.
fn fill(taken: &mut Vec<u8>, writes: usize, bytes: usize) -> usize {
    let mut writer = Writer::new(Disk {
        taken,
        writes,
        bytes,
    });
    let id = writer.add_interface("e", None).unwrap();
    let data = build::payload(1, 1_000);
    for i in 0.. {
        let packet = PacketOut::new(id, i, &data);
        let Err(error) = writer.write(&packet) else {
            continue;
        };
        assert_eq!(error.to_string(), "cannot write the capture: disk full");
        for _ in 0..100 {
            assert!(matches!(writer.write(&packet), Err(WriteError::AfterError)));
        }
        assert!(matches!(
            writer.add_interface("f", None),
            Err(WriteError::AfterError)
        ));
        assert!(matches!(writer.flush(), Err(WriteError::AfterError)));
        assert!(matches!(writer.finish(), Err(WriteError::AfterError)));
        return i as usize;
    }
    unreachable!()
}

#[test]
fn what_was_written_before_an_error_is_a_capture() {
    for writes in 1..4 {
        let mut taken = Vec::new();
        let accepted = fill(&mut taken, writes, usize::MAX);
        let packets = read_all(&taken);
        assert!(packets.len() <= accepted && packets.len() >= writes * 60);
    }
    // A sink that takes a part of a write: all but its last block are whole.
    let head = SECTION.len() + 40;
    for bytes in head..3_000 {
        let mut taken = Vec::new();
        fill(&mut taken, usize::MAX, bytes);
        assert_eq!(taken.len(), bytes);
        let (packets, error) = read(&taken);
        assert_eq!(packets.len(), (bytes - head) / 1_032);
        let cut = matches!(
            error,
            Some(Error {
                kind: ErrorKind::TruncatedRecord { .. },
                ..
            })
        );
        assert_eq!(cut, !(bytes - head).is_multiple_of(1_032), "{bytes}");
    }
}

#[test]
fn gathered_packets_are_written_when_dropped() {
    let mut taken = Vec::new();
    {
        let mut writer = Writer::new(&mut taken);
        let id = writer.add_interface("e", None).unwrap();
        writer.write(&PacketOut::new(id, 0, &[1])).unwrap();
    }
    assert_eq!(read_all(&taken).len(), 1);
}

#[test]
fn flush_writes_what_is_gathered() {
    let mut taken = Vec::new();
    let mut writer = Writer::new(Disk {
        taken: &mut taken,
        writes: 9,
        bytes: usize::MAX,
    });
    let id = writer.add_interface("e", None).unwrap();
    writer.write(&PacketOut::new(id, 0, &[1])).unwrap();
    writer.flush().unwrap();
    std::mem::forget(writer);
    assert_eq!(read_all(&taken).len(), 1);
}
