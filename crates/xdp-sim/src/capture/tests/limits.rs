//! Lengths that lie: named errors, and memory in proportion to what came.

use super::build::*;
use super::*;
use crate::capture::{Corruption, MAX_INTERFACES};

/// A source without end that counts what is taken.
struct Endless<'a> {
    head: &'a [u8],
    taken: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = match self.head.read(out)? {
            0 => {
                out.fill(0);
                out.len()
            }
            n => n,
        };
        self.taken += n;
        Ok(n)
    }
}

fn corruption(bytes: &[u8]) -> Corruption {
    match read_error(bytes).kind {
        ErrorKind::Corrupt(corruption) => corruption,
        kind => panic!("{kind}"),
    }
}

#[test]
fn a_declared_length_alone_makes_nothing_grow() {
    // As much as is believed, with more behind it than the buffer holds at
    // first, but far less than is declared.
    let behind = vec![0; 400_000];
    let mut bytes = Pcap::with(Little, MICROSECONDS, u32::MAX, 1)
        .record(0, 0, 0, &[])
        .bytes;
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&(200_u32 << 20).to_le_bytes());
    bytes.extend(&behind);
    let mut reader = Reader::new(bytes.as_slice(), Options::default()).unwrap();
    let error = reader.next().unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::TruncatedRecord { .. }),
        "{error}"
    );
    assert!(reader.buffer_len() < 1 << 20);

    let mut bytes = PcapNg::new(Big).bytes;
    bytes.extend([0, 0, 0, 6, 0x0f, 0, 0, 0]);
    bytes.extend(&behind);
    let mut reader = Reader::new(bytes.as_slice(), Options::default()).unwrap();
    let error = reader.next().unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::TruncatedRecord { .. }),
        "{error}"
    );
    assert!(reader.buffer_len() < 1 << 20);
}

#[test]
fn more_than_the_limit_is_refused_before_it_is_read() {
    let options = Options {
        max_block_len: 1 << 20,
        ..Options::default()
    };
    let mut pcap = Pcap::with(Little, NANOSECONDS, u32::MAX, 1).bytes;
    pcap.extend([[0; 4], [0; 4], [0xff; 4], [0xff; 4]].concat());
    let mut pcapng = PcapNg::new(Little).bytes;
    pcapng.extend([6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff]);
    for head in [&pcap, &pcapng] {
        let mut source = Endless { head, taken: 0 };
        let (_, error) = read_with(&mut source, options);
        let error = error.unwrap();
        assert!(
            matches!(
                error.kind,
                ErrorKind::TooLarge {
                    limit: 1_048_576,
                    ..
                }
            ),
            "{error}"
        );
        assert!(source.taken < 2 << 20, "{} bytes were read", source.taken);
    }
}

/// Also when it lies in the buffer already.
#[test]
fn the_longest_block_that_is_allowed_is_read() {
    let file = Pcap::new(Little, NANOSECONDS).record(0, 0, 0, &payload(1, 100));
    for (max_block_len, refused) in [(100, false), (99, true)] {
        let options = Options {
            max_block_len,
            ..Options::default()
        };
        assert_eq!(
            read_with(file.bytes.as_slice(), options).1.is_some(),
            refused
        );
    }
    let file = PcapNg::new(Little).block(77, &payload(1, 1 << 20));
    for (max_block_len, refused) in [((1 << 20) + 12, false), ((1 << 20) + 11, true)] {
        let options = Options {
            max_block_len,
            ..Options::default()
        };
        assert_eq!(
            read_with(file.bytes.as_slice(), options).1.is_some(),
            refused
        );
    }
}

#[test]
fn captured_lengths_that_no_interface_delivers() {
    let file = Pcap::new(Big, MICROSECONDS).record(0, 0, 0, &vec![0; 262_144]);
    assert_eq!(read_all(&file.bytes).len(), 1);
    let file = Pcap::new(Big, MICROSECONDS).record(0, 0, 0, &vec![0; 262_145]);
    let expected = Corruption::CapturedLength {
        captured: 262_145,
        limit: 262_144,
    };
    assert_eq!(corruption(&file.bytes), expected);
    // Found out as soon as the length is there.
    assert_eq!(corruption(&file.bytes[..40]), expected);
    let file = Pcap::with(Big, MICROSECONDS, 300_000, 1).record(0, 0, 0, &vec![0; 262_145]);
    assert_eq!(read_all(&file.bytes).len(), 1);
}

#[test]
fn captured_lengths_that_overrun_their_block() {
    for order in [Little, Big] {
        let head = PcapNg::new(order).ethernet();
        let start = head.bytes.len();
        let mut bytes = head.enhanced(0, 0, 4, &[1, 2, 3, 4]).bytes;
        bytes[start + 20..start + 24].copy_from_slice(&order.u32(5));
        let more = PcapNg { order, bytes }.enhanced(0, 0, 64, &payload(1, 64));
        assert_eq!(
            corruption(&more.bytes),
            Corruption::CapturedOverrun {
                captured: 5,
                room: 4
            },
        );
        let simple = PcapNg::new(order).ethernet().simple(9, &[0; 8]);
        assert_eq!(
            corruption(&simple.bytes),
            Corruption::CapturedOverrun {
                captured: 9,
                room: 8
            },
        );
        let obsolete = PcapNg::new(order).ethernet().block(2, &[0xff; 20]);
        assert!(matches!(
            read_error(&obsolete.bytes).kind,
            ErrorKind::UnknownInterface {
                interface: 0xffff,
                ..
            }
        ));
    }
}

#[test]
fn block_lengths_that_no_block_has() {
    let head = PcapNg::new(Little);
    for len in [0, 4, 8, 11, 13, 14, 15, 0xffff_ffff] {
        let mut bytes = head.bytes.clone();
        bytes.extend(6_u32.to_le_bytes());
        bytes.extend(u32::to_le_bytes(len));
        bytes.extend([0; 64]);
        assert_eq!(
            corruption(&bytes),
            Corruption::BlockLength { block_type: 6, len }
        );
    }
    // Too short for their fixed parts.
    for (block_type, short) in [(6, 16), (2, 16), (3, 0), (1, 4), (0x0a0d_0d0a, 12)] {
        let mut body = Little.u32(0x1a2b_3c4d).to_vec();
        body.resize(short, 0);
        let file = PcapNg::new(Little).ethernet().block(block_type, &body);
        let found = read_error(&file.bytes).kind;
        match (block_type, found) {
            // Its byte-order magic would lie behind its end.
            (
                _,
                ErrorKind::Corrupt(Corruption::BlockLength {
                    block_type: found, ..
                }),
            ) => {
                assert_eq!(found, block_type);
            }
            (_, kind) => panic!("{block_type:#x}: {kind}"),
        }
    }
}

#[test]
fn trailing_lengths_that_differ() {
    for order in [Little, Big] {
        for block_type in [1, 2, 3, 5, 6, 77, 0x0a0d_0d0a] {
            let mut body = order.u32(0x1a2b_3c4d).to_vec();
            body.resize(32, 0);
            let mut bytes = PcapNg::new(order).block(block_type, &body).bytes;
            let at = bytes.len() - 4;
            bytes[at..].copy_from_slice(&order.u32(48));
            assert_eq!(
                corruption(&bytes),
                Corruption::TrailingLength {
                    block_type,
                    leading: 44,
                    trailing: 48
                },
            );
        }
    }
}

#[test]
fn a_section_header_without_byte_order() {
    let mut bytes = PcapNg::new(Little).bytes;
    bytes[8] = 0;
    assert_eq!(
        corruption(&bytes),
        Corruption::ByteOrder { magic: 0x1a2b_3c00 }
    );
}

#[test]
fn interface_options_that_lie() {
    let file = PcapNg::new(Little);
    let overrun = [9, 0, 200, 0, 1, 2, 3, 4];
    for (options, code, len) in [
        (overrun.to_vec(), 9, 200),
        (file.option(9, &[6, 6]), 9, 2),
        (file.option(9, &[]), 9, 0),
        (file.option(14, &[0; 7]), 14, 7),
        (file.option(14, &[0; 9]), 14, 9),
    ] {
        let bytes = PcapNg::new(Little).interface(1, 0, &options).bytes;
        assert_eq!(corruption(&bytes), Corruption::Option { code, len });
    }
}

#[test]
fn resolutions_that_are_not_believed() {
    for tsresol in [20, 0x7f, 0xc0, 0xff] {
        let bytes = PcapNg::new(Big).tsresol(tsresol).bytes;
        assert_eq!(corruption(&bytes), Corruption::Resolution { tsresol });
    }
    assert!(
        read(&PcapNg::new(Big).tsresol(19).tsresol(0xbf).bytes)
            .1
            .is_none()
    );
}

#[test]
fn interfaces_without_end() {
    let mut file = PcapNg::new(Little);
    for _ in 0..MAX_INTERFACES {
        file = file.ethernet();
    }
    assert!(read(&file.bytes).1.is_none());
    let error = read_error(&file.ethernet().bytes);
    assert!(matches!(
        error.kind,
        ErrorKind::TooManyInterfaces {
            limit: MAX_INTERFACES
        }
    ));
}

#[test]
fn errors_of_the_source_come_through() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(io::Error::other("the cable is out")),
                n => Ok(n),
            }
        }
    }
    for (_, bytes) in samples() {
        let whole = read_all(&bytes);
        let (packets, error) = read_with(Broken(&bytes), Options::default());
        assert_eq!(packets, whole);
        let message = error.unwrap().to_string();
        assert!(
            message.ends_with("cannot read: the cable is out"),
            "{message}"
        );
    }
    let (_, error) = read_with(Broken(&[]), Options::default());
    assert!(matches!(error.unwrap().kind, ErrorKind::Io(_)));
}
