//! Damaged captures: an error or a clean end, never a panic, and what came
//! before the damage comes out.

use proptest::prelude::*;

use super::build::*;
use super::*;

#[test]
fn cut_off_at_every_byte() {
    for (name, bytes) in samples() {
        let whole = read_all(&bytes);
        let mut clean_ends = 0;
        for len in 0..bytes.len() {
            let (packets, error) = read(&bytes[..len]);
            assert_eq!(packets, whole[..packets.len()], "{name} cut to {len}");
            let Some(error) = error else {
                clean_ends += 1;
                continue;
            };
            assert!(error.offset <= len as u64, "{name} cut to {len}: {error}");
            let (needed, available) = match error.kind {
                ErrorKind::Empty if len == 0 => continue,
                ErrorKind::TruncatedHeader {
                    needed, available, ..
                } => {
                    assert_eq!(error.offset, 0, "{name} cut to {len}: {error}");
                    (needed, available)
                }
                ErrorKind::TruncatedRecord { needed, available } => (needed, available),
                _ => panic!("{name} cut to {len}: {error}"),
            };
            assert!(available < needed, "{name} cut to {len}: {error}");
            assert_eq!(
                error.offset + available,
                len as u64,
                "{name} cut to {len}: {error}"
            );
        }
        // Between records, and nowhere else.
        let records = if name.starts_with("pcapng") { 14 } else { 3 };
        assert_eq!(clean_ends, records, "{name}");
    }
}

#[test]
fn the_record_that_is_cut_off_is_named() {
    let file = Pcap::new(Little, MICROSECONDS).record(0, 0, 60, &payload(0, 60));
    let whole = file.bytes.len();
    let bytes = file.record(0, 0, 60, &payload(0, 60)).bytes;
    let error = read_error(&bytes[..whole + 20]);
    assert_eq!(
        error.to_string(),
        "at packet 1, byte offset 100 of the capture: \
         truncated: the capture ends within a record, after 20 of 76 bytes"
    );
    let error = read_error(&bytes[..9]);
    assert_eq!(
        error.to_string(),
        "at packet 0, byte offset 0 of the capture: \
         truncated: the capture ends within the pcap header, after 9 of 24 bytes"
    );
    let error = read_error(&PcapNg::new(Big).bytes[..20]);
    assert_eq!(
        error.to_string(),
        "at packet 0, byte offset 0 of the capture: \
         truncated: the capture ends within its first section header, after 20 of 44 bytes"
    );
}

/// Every single-bit flip of every sample.
#[test]
fn every_bit_flipped() {
    for (_, bytes) in samples() {
        let whole = read_all(&bytes);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let (packets, _) = read(&damaged);
                // No flip makes a packet out of nothing.
                assert!(packets.len() <= whole.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn bytes_overwritten(
        sample in 0..8_usize,
        writes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..16),
        force_ethernet: bool,
    ) {
        let (_, mut bytes) = samples().swap_remove(sample);
        for (at, byte) in writes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let options = Options { force_ethernet, max_block_len: 1 << 20 };
        let (packets, error) = read_with(bytes.as_slice(), options);
        let captured: usize = packets.iter().map(|p| p.captured.len()).sum();
        prop_assert!(captured <= bytes.len());
        if let Some(error) = error {
            prop_assert!(error.offset <= bytes.len() as u64);
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn noise_behind_a_good_header(sample in 0..8_usize, noise: Vec<u8>) {
        let (_, mut bytes) = samples().swap_remove(sample);
        let whole = read_all(&bytes);
        bytes.extend(noise);
        let (packets, _) = read(&bytes);
        prop_assert_eq!(&packets[..whole.len()], whole);
    }
}

#[test]
fn not_a_capture() {
    for (bytes, expected) in [
        (
            &b"\x1f\x8b\x08\x00 and so on"[..],
            "(it begins with 1f 8b 08 00): it is compressed by gzip, decompress it first",
        ),
        (
            b"\x28\xb5\x2f\xfd....",
            "it is compressed by zstd, decompress it first",
        ),
        (b"\x7fELF", "it is an ELF object"),
        (
            b"hello",
            "not a pcap or pcapng file (it begins with 68 65 6c 6c)",
        ),
        (b"", "empty: not even a pcap or pcapng header"),
        (b"abc", "ends within its magic number, after 3 of 4 bytes"),
    ] {
        let message = read_error(bytes).to_string();
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn versions_that_are_not_known() {
    let mut pcap = Pcap::new(Big, MICROSECONDS).bytes;
    pcap[7] = 3;
    let message = read_error(&pcap).to_string();
    assert!(
        message.ends_with("pcap version 2.3 is not supported"),
        "{message}"
    );
    let mut pcapng = PcapNg::new(Little).bytes;
    pcapng[14] = 2;
    assert_eq!(read_all(&pcapng), []);
    pcapng[12] = 2;
    let message = read_error(&pcapng).to_string();
    assert!(
        message.ends_with("pcapng version 2.2 is not supported"),
        "{message}"
    );
}

#[test]
fn an_interface_that_nobody_described() {
    let file = PcapNg::new(Little)
        .ethernet()
        .enhanced(0, 0, 0, &[])
        .enhanced(1, 0, 0, &[]);
    let error = read_error(&file.bytes);
    assert_eq!(
        error.to_string(),
        "at packet 1, byte offset 96 of the capture: \
         the packet is of interface 1, but 1 interfaces are described before it"
    );
    // A new section forgets.
    let file = PcapNg::new(Little).ethernet().section(Big).simple(0, &[]);
    let kind = read_error(&file.bytes).kind;
    assert!(
        matches!(
            kind,
            ErrorKind::UnknownInterface {
                interface: 0,
                known: 0
            }
        ),
        "{kind}"
    );
}
