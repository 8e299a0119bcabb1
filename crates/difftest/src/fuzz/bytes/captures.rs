//! Captures: pcap and pcapng.
//!
//! However the bytes come in, in one piece or in small ones, the packets are the
//! same; what was read can be written, and is then read again as it was.

use std::io::{self, Read};

use xdp_sim::capture::{Options, PacketOut, Reader, Writer};

use super::Plain;
use super::binary::{part, put, u32_at};
use crate::families::{Random, Seed};

/// A packet as it was read.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    timestamp_ns: u64,
    interface: u32,
    bytes: Vec<u8>,
    original_len: u32,
}

/// A source that gives a few bytes at a time.
struct Dribble<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.step = self.step % 13 + 1;
        let len = self.step.min(into.len()).min(self.bytes.len());
        let (now, rest) = self.bytes.split_at(len);
        into[..len].copy_from_slice(now);
        self.bytes = rest;
        Ok(len)
    }
}

/// Reads a capture in two ways, and writes what it holds.
pub(super) fn run(bytes: &[u8]) {
    let options = Options {
        // Whatever the bytes are, some say yes.
        force_ethernet: bytes.len() % 4 == 3,
        ..Options::default()
    };
    let whole = read(bytes, options);
    let pieces = read(Dribble { bytes, step: 0 }, options);
    assert_eq!(whole, pieces, "the packets depend on how they come in");
    if !whole.0.is_empty() {
        write(&whole.0);
    }
}

fn read(source: impl Read, options: Options) -> (Vec<Taken>, Option<String>) {
    let mut taken = Vec::new();
    let mut reader = match Reader::new(source, options) {
        Ok(reader) => reader,
        Err(error) => return (taken, Some(error.to_string())),
    };
    let error = loop {
        match reader.next() {
            Ok(Some(packet)) => taken.push(Taken {
                timestamp_ns: packet.timestamp_ns,
                interface: packet.interface,
                bytes: packet.captured.to_vec(),
                original_len: packet.original_len,
            }),
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    assert!(
        matches!(reader.next(), Ok(None)),
        "it goes on after its end"
    );
    for interface in reader.interfaces() {
        let _ = format!("{interface:?}");
    }
    (taken, error)
}

/// Writes packets, and reads them again.
fn write(packets: &[Taken]) {
    let mut writer = Writer::new(Vec::new());
    let interface = writer.add_interface("fuzz", None);
    let interface = interface.expect("a short name");
    let mut written = 0;
    for packet in packets {
        let out = PacketOut {
            original_len: packet.original_len,
            ..PacketOut::new(interface, packet.timestamp_ns, &packet.bytes)
        };
        if writer.write(&out).is_err() {
            break;
        }
        written += 1;
    }
    let file = writer.finish().expect("memory takes everything");
    let (again, error) = read(file.as_slice(), Options::default());
    assert_eq!(error, None, "what was written cannot be read");
    assert_eq!(again.len(), written);
    for (again, packet) in again.iter().zip(packets) {
        assert_eq!(again.bytes, packet.bytes);
        assert_eq!(again.timestamp_ns, packet.timestamp_ns);
        // A length on the wire below that of the bytes is no length.
        let len = packet.original_len.max(packet.bytes.len() as u32);
        assert_eq!(again.original_len.max(again.bytes.len() as u32), len);
    }
}

/// Changes one record of a pcap file, and its length.
pub(super) fn mutate_pcap(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let lengths = |record: &mut Vec<u8>| {
        let len = (record.len() as u32).saturating_sub(16);
        put(record, 8, &len.to_le_bytes());
    };
    let next = |bytes: &[u8], at: usize| 16 + u32_at(bytes, at + 8) as usize;
    mutate(bytes, (24, max), bits, plain, &next, &lengths);
}

/// Changes one block of a pcapng file, and its length.
pub(super) fn mutate_pcapng(bytes: &mut Vec<u8>, max: usize, bits: u64, plain: Plain<'_>) {
    let lengths = |block: &mut Vec<u8>| {
        let body = block.len().next_multiple_of(4).max(12);
        block.resize(body, 0);
        let len = body as u32;
        put(block, 4, &len.to_le_bytes());
        put(block, body - 4, &len.to_le_bytes());
    };
    let next = |bytes: &[u8], at: usize| u32_at(bytes, at + 4) as usize;
    mutate(bytes, (0, max), bits, plain, &next, &lengths);
}

/// Changes one record: `next` says how long the one at an offset is, `lengths`
/// mends what one says of itself.
fn mutate(
    bytes: &mut Vec<u8>,
    (head, max): (usize, usize),
    bits: u64,
    plain: Plain<'_>,
    next: &dyn Fn(&[u8], usize) -> usize,
    lengths: &dyn Fn(&mut Vec<u8>),
) {
    let mut random = Random::new(Seed(bits), 1);
    let mut starts = Vec::new();
    let mut at = head;
    while at < bytes.len() && starts.len() < 4096 {
        starts.push(at);
        match at.checked_add(next(bytes, at).max(8)) {
            Some(end) => at = end,
            None => break,
        }
    }
    if starts.is_empty() || random.percent(20) {
        return plain(bytes, max);
    }
    let at = random.pick(&starts);
    let len = part(bytes, at, next(bytes, at).max(8)).len();
    let mut record = part(bytes, at, len).to_vec();
    match random.below(8) {
        0 => record.clear(),
        1 => {
            let other = random.pick(&starts);
            record.extend_from_slice(part(bytes, other, next(bytes, other)));
        }
        2 => {
            let field = random.below(record.len() as u64 / 4 + 1) as usize * 4;
            put(&mut record, field, &(random.edge() as u32).to_le_bytes());
        }
        _ => {
            let room = max.saturating_sub(bytes.len()).min(128);
            let most = record.len() + room;
            plain(&mut record, most);
        }
    }
    if !record.is_empty() && random.percent(85) {
        lengths(&mut record);
    }
    let end = at + len;
    if bytes.len() - len + record.len() <= max {
        bytes.splice(at..end, record);
    }
}

/// Magic numbers, block types and options.
pub(super) fn words() -> Vec<Vec<u8>> {
    let magic: [u32; 5] = [
        0xa1b2_c3d4,
        0xa1b2_3c4d,
        0xa1b2_cd34,
        0x0a0d_0d0a,
        0x1a2b_3c4d,
    ];
    let both = magic
        .iter()
        .flat_map(|n| [n.to_le_bytes(), n.to_be_bytes()]);
    let blocks = (1u32..=6).flat_map(|n| [n.to_le_bytes(), n.to_be_bytes()]);
    let options = [(9u16, 1u16), (14, 8), (2, 4), (0, 0), (1, 1)];
    let options = options.map(|(code, len)| [code.to_le_bytes(), len.to_le_bytes()].concat());
    let words = both.chain(blocks).map(|word| word.to_vec());
    words.chain(options).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/pcaps/formats/");
        std::fs::read(format!("{folder}{name}")).expect("a capture of the corpus")
    }

    /// How many of many changed captures can be read to their end.
    fn readable(name: &str, mutate: super::super::Mutate) -> usize {
        let bytes = capture(name);
        let changed = (0..100).map(|bits| {
            let mut changed = bytes.clone();
            mutate(&mut changed, bytes.len() + 64, bits, &mut |bytes, max| {
                bytes.resize((bytes.len() + 3).min(max), 7);
            });
            changed
        });
        let read = changed.filter(|bytes| read(bytes.as_slice(), Options::default()).1.is_none());
        read.count()
    }

    #[test]
    fn changed_captures_have_lengths_that_fit() {
        let (pcap, pcapng) = (
            readable("us_le.pcap", mutate_pcap),
            readable("ng_le.pcapng", mutate_pcapng),
        );
        assert!(pcap > 30 && pcap < 100, "{pcap}");
        assert!(pcapng > 30 && pcapng < 100, "{pcapng}");
    }
}
