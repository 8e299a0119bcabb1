//! Captures built by hand, byte by byte, in every variant of the formats; then
//! the same, damaged.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod build;
mod corpus;
mod damage;
mod limits;
mod second_opinion;
mod variants;
mod writing;

use std::io::{self, Read};

use super::{Error, ErrorKind, Options, Packet, Reader};

/// A packet that outlives the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    timestamp_ns: u64,
    interface: u32,
    captured: Vec<u8>,
    original_len: u32,
}

impl From<Packet<'_>> for Owned {
    fn from(packet: Packet<'_>) -> Self {
        Owned {
            timestamp_ns: packet.timestamp_ns,
            interface: packet.interface,
            captured: packet.captured.to_vec(),
            original_len: packet.original_len,
        }
    }
}

/// All that comes before the end or the first error, and that error. Holds the
/// reader to its promises on the way.
fn read_with(source: impl Read, options: Options) -> (Vec<Owned>, Option<Error>) {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(source, options) {
        Ok(reader) => reader,
        Err(error) => return (packets, Some(error)),
    };
    let error = loop {
        match reader.next() {
            Ok(Some(packet)) => {
                assert_eq!(packet.index, packets.len() as u64);
                packets.push(packet.into());
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(reader.next(), Ok(None)), "the reader is fused");
    if let Some(error) = &error {
        assert_eq!(error.packet, packets.len() as u64);
    }
    (packets, error)
}

fn read(bytes: &[u8]) -> (Vec<Owned>, Option<Error>) {
    read_with(bytes, Options::default())
}

fn read_all(bytes: &[u8]) -> Vec<Owned> {
    let (packets, error) = read(bytes);
    assert!(error.is_none(), "{}", error.unwrap());
    packets
}

fn read_error(bytes: &[u8]) -> Error {
    read(bytes).1.expect("an error")
}

/// Gives one byte at a time, with interruptions.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = out.len().min(1);
        self.0.read(&mut out[..n])
    }
}
