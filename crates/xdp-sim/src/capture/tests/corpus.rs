//! The captures in `corpus/pcaps`: the good ones are read whole, the damaged
//! ones up to where they stop making sense.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::second_opinion::second_opinion;
use super::*;

/// Name and bytes of each file of a folder of the corpus.
fn folder(name: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus/pcaps")
        .join(name);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|e| e == "pcap" || e == "pcapng")
        {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn good_files_are_read_whole() {
    let files = [folder("."), folder("formats")].into_iter().flatten();
    let mut packets = 0;
    for (name, bytes) in files {
        let read: Vec<_> = match read(&bytes) {
            (packets, None) => packets
                .into_iter()
                .map(|p| (p.captured, p.original_len))
                .collect(),
            (_, Some(error)) => panic!("{name}: {error}"),
        };
        assert_eq!(read, second_opinion(&bytes), "{name}");
        packets += read.len();
    }
    assert!(packets > 500, "only {packets} packets in the whole corpus");
}

#[test]
fn every_format_holds_the_same_packets() {
    let mut files = folder("formats");
    assert_eq!(read_all(&files.remove("none.pcap").unwrap()), []);
    let expected = read_all(&files["ns_le.pcap"]);
    assert!(!expected.is_empty());
    for (name, bytes) in &files {
        for (found, expected) in read_all(bytes).iter().zip(&expected) {
            let kept = if name == "ng_simple.pcapng" {
                64
            } else {
                usize::MAX
            };
            let kept = kept.min(expected.captured.len());
            assert_eq!(found.captured, expected.captured[..kept], "{name}");
            assert_eq!(found.original_len, expected.original_len, "{name}");
        }
        assert_eq!(read_all(bytes).len(), expected.len(), "{name}");
    }
    for same in ["ns_be.pcap", "ng_le.pcapng", "ng_be.pcapng"] {
        assert_eq!(read_all(&files[same]), expected, "{same}");
    }
}

/// How many packets come before what error; all are Ethernet when forced to be.
#[test]
fn damaged_files_are_read_up_to_the_damage() {
    let not_ethernet = "are not Ethernet frames: their link type is";
    let expected = [
        (
            "absurd_caplen.pcap",
            3,
            "captured length 4294967280 is more than the snap length, 262144",
        ),
        (
            "bad_magic.pcap",
            0,
            "not a pcap or pcapng file (it begins with 50 43 41 50)",
        ),
        (
            "cut_in_file_header.pcap",
            0,
            "within the pcap header, after 17 of 24 bytes",
        ),
        (
            "cut_in_record.pcap",
            3,
            "the capture ends within a record, after 36 of 90 bytes",
        ),
        (
            "cut_in_record_header.pcap",
            3,
            "the capture ends within a record, after 9 of 16 bytes",
        ),
        (
            "empty_file.pcap",
            0,
            "empty: not even a pcap or pcapng header",
        ),
        (
            "huge_caplen.pcap",
            3,
            "captured length 268435456 is more than the snap length, 262144",
        ),
        (
            "linktype_ieee802_11.pcap",
            0,
            &format!("{not_ethernet} IEEE802_11 (105)"),
        ),
        (
            "linktype_linux_sll.pcap",
            0,
            &format!("{not_ethernet} LINUX_SLL (113)"),
        ),
        (
            "linktype_raw_ip.pcap",
            0,
            &format!("{not_ethernet} RAW (101)"),
        ),
        (
            "ng_absurd_block.pcapng",
            3,
            "a record of 4294967280 bytes is declared, more than the limit of 268435456",
        ),
        (
            "ng_absurd_caplen.pcapng",
            3,
            "captured length 2147483647, but its block has room for 0",
        ),
        (
            "ng_absurd_resolution.pcapng",
            0,
            "timestamp resolution 0xff is finer than 64 bits can count a second in",
        ),
        (
            "ng_bad_interface.pcapng",
            3,
            "the packet is of interface 5, but 1 interfaces are described before it",
        ),
        (
            "ng_byte_order.pcapng",
            0,
            "byte-order magic 0x44434241, which is of neither order",
        ),
        (
            "ng_cut_in_block.pcapng",
            2,
            "the capture ends within a record, after 50 of 80 bytes",
        ),
        (
            "ng_cut_in_section_header.pcapng",
            0,
            "within its first section header, after 10 of 12 bytes",
        ),
        (
            "ng_linktype_raw_ip.pcapng",
            0,
            &format!("{not_ethernet} RAW (101)"),
        ),
        (
            "ng_no_interface.pcapng",
            0,
            "the packet is of interface 0, but 0 interfaces are described before it",
        ),
        (
            "ng_odd_block.pcapng",
            3,
            "block type 0x6 of length 7, which no such block has",
        ),
        (
            "ng_trailing_length.pcapng",
            2,
            "block type 0x6 of length 80 ends with the length 84",
        ),
        ("version_9.pcap", 0, "pcap version 9.4 is not supported"),
    ];
    let mut files = folder("damaged");
    for (name, before, message) in expected {
        let bytes = files.remove(name).expect(name);
        let (packets, error) = read(&bytes);
        let error = error
            .unwrap_or_else(|| panic!("{name} is read without an error"))
            .to_string();
        assert!(error.ends_with(message), "{name}: {error}");
        assert_eq!(packets.len(), before, "{name}: {error}");
        if message.contains(not_ethernet) {
            let force = Options {
                force_ethernet: true,
                ..Options::default()
            };
            let (packets, error) = read_with(bytes.as_slice(), force);
            assert!(error.is_none() && !packets.is_empty(), "{name}");
        }
    }
    assert!(
        files.is_empty(),
        "without an expectation: {:?}",
        files.keys()
    );
}

/// Some hundred truncations and flips of every file: see `damage` for all of
/// each on small files.
#[test]
fn files_cut_off_and_with_flipped_bytes() {
    for (name, bytes) in [folder("."), folder("formats"), folder("damaged")]
        .into_iter()
        .flatten()
    {
        let whole = read(&bytes).0;
        // A stride that is coprime to the sizes of headers.
        let step = (bytes.len() / 200 + 1) | 1;
        for at in (0..bytes.len()).step_by(step) {
            let (packets, _) = read(&bytes[..at]);
            assert_eq!(packets, whole[..packets.len()], "{name} cut to {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 0xff;
            let (packets, _) = read(&flipped);
            assert!(packets.len() <= bytes.len() / 16, "{name} flipped at {at}");
        }
    }
}
