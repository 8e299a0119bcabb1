//! `cargo xtask million`: the capture that speed is measured on.
//!
//! Small packets of 60 to 90 bytes for `firewall.bpf.o` with the rules of
//! `corpus/maps/firewall/`: a fifth comes from blocked networks, a third meets a
//! rule that passes or drops, the rest none; 57 % pass. Each combination of
//! addresses and ports is built once, so writing is bound by the disk.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path as FilePath, PathBuf};

use super::layers::{Path, host};
use super::trace::Packet;
use super::traffic::{SERVER, payload, syn};
use super::write::{Bytes, Fraction, LINKTYPE_ETHERNET, Order, pcap_header, pcap_record_header};
use crate::error::Error;
use crate::files;

/// Where the capture goes if nothing else is said.
const DEFAULT: &str = "target/million.pcap";

/// 2023-11-14 22:13:20 UTC; then a packet every microsecond.
const START: u64 = 1_700_000_000_000_000_000;

/// Destination ports in turn: some have rules, some have none.
const PORTS: [u16; 8] = [80, 443, 23, 5000, 53, 9, 8080, 22];

/// Writes the capture of `count` packets.
pub(crate) fn run(file: Option<PathBuf>, count: u64) -> Result<(), Error> {
    let path = file.unwrap_or_else(|| files::root().join(DEFAULT));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    let mut out = BufWriter::new(File::create(&path).map_err(Error::file(&path))?);
    write(&mut out, count, &path)?;
    out.flush().map_err(Error::file(&path))?;
    println!("wrote {} ({count} packets)", path.display());
    Ok(())
}

fn write(out: &mut impl Write, count: u64, path: &FilePath) -> Result<(), Error> {
    let (order, fraction) = (Order::Little, Fraction::Nano);
    let header = pcap_header(order, fraction, 262_144, LINKTYPE_ETHERNET);
    out.write_all(&header.out).map_err(Error::file(path))?;
    let frames = templates();
    for n in 0..count {
        let frame = &frames[scatter(n) as usize % frames.len()];
        let packet = Packet {
            time: START + n * 1000,
            length: frame.len() as u32,
            bytes: frame.clone(),
            interface: 0,
        };
        let mut record = Bytes::new(order);
        pcap_record_header(&mut record, fraction, &packet);
        record.bytes(&packet.bytes);
        out.write_all(&record.out).map_err(Error::file(path))?;
    }
    Ok(())
}

/// Every combination of source, protocol and destination port, with checksums.
fn templates() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for source in 0..=255 {
        for (n, port) in PORTS.into_iter().enumerate() {
            let ports = (32_768 + u16::from(source), port);
            let v4 = Path::v4(host(source), SERVER);
            let v6 = Path::v6(host(source), SERVER);
            frames.push(v4.udp(ports, &payload(18 + n, u32::from(source))));
            frames.push(v4.tcp(syn(ports, u32::from(source)), &[0; 6]));
            if n % 4 == 0 {
                frames.push(v6.udp(ports, &payload(18, u32::from(source))));
            }
        }
    }
    frames
}

/// A number that looks random but follows from `n` (the finaliser of splitmix64).
fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_small_and_many_kinds() {
        let mut out = Vec::new();
        write(&mut out, 1000, FilePath::new("memory")).expect("memory is writable");
        let frames = templates();
        assert!(frames.iter().all(|frame| (60..=90).contains(&frame.len())));
        let records: usize = (0..1000)
            .map(|n| 16 + frames[scatter(n) as usize % frames.len()].len())
            .sum();
        assert_eq!(out.len(), 24 + records);
    }
}
