//! `cargo xtask pcaps`: the captures of `corpus/pcaps/`.
//!
//! Everything is computed: no clock, no randomness, so the same files come out
//! on every machine and `--check` compares them byte for byte.

mod formats;
mod layers;
mod malformed;
mod scenarios;
mod trace;
mod traffic;
mod write;

pub(crate) mod million;

use std::path::Path;

use crate::error::Error;
use crate::files::{self, Generated};
use layers::Family;
use trace::Trace;
use write::{Fraction, Order, pcap};

const FOLDER: &str = "corpus/pcaps";

/// Writes every capture, or checks the committed ones.
pub(crate) fn run(check: bool) -> Result<(), Error> {
    let folders = [
        (Path::new(FOLDER).to_path_buf(), captures()),
        (Path::new(FOLDER).join("formats"), formats::good()),
        (Path::new(FOLDER).join("damaged"), formats::damaged()),
    ];
    let mut generated = Generated::new("cargo xtask pcaps", check);
    let mut count = 0;
    for (folder, files) in &folders {
        count += files.len();
        for (name, bytes) in files {
            generated.put(&folder.join(name), bytes)?;
        }
        remove_others(&mut generated, folder, files)?;
    }
    generated.finish()?;
    println!("{count} captures are up to date");
    Ok(())
}

/// One file per protocol or trouble, and the mix.
fn captures() -> Vec<(&'static str, Vec<u8>)> {
    let usual = |trace: Trace| pcap(Order::Little, Fraction::Micro, &trace.packets);
    let nano = |trace: Trace| pcap(Order::Little, Fraction::Nano, &trace.packets);
    let frames = |frames: Vec<Vec<u8>>| usual(Trace::of(frames));
    vec![
        ("mixed.pcap", frames(traffic::mixed())),
        ("arp.pcap", frames(traffic::arp())),
        ("tcp4.pcap", frames(traffic::tcp(Family::V4))),
        ("tcp6.pcap", frames(traffic::tcp(Family::V6))),
        ("tcp_options.pcap", frames(traffic::tcp_options())),
        ("udp.pcap", frames(traffic::udp())),
        ("dns.pcap", frames(traffic::dns())),
        ("icmp.pcap", frames(traffic::icmp())),
        ("icmpv6.pcap", frames(traffic::icmpv6())),
        ("vlan.pcap", frames(traffic::vlan())),
        ("qinq.pcap", frames(traffic::qinq())),
        ("ipip.pcap", frames(traffic::ipip())),
        ("gre.pcap", frames(traffic::gre())),
        ("gue.pcap", frames(traffic::gue())),
        ("fragments4.pcap", frames(traffic::fragments4())),
        ("fragments6.pcap", frames(traffic::fragments6())),
        ("ipv4_options.pcap", frames(traffic::ipv4_options())),
        ("ipv6_extensions.pcap", frames(traffic::ipv6_extensions())),
        ("jumbo.pcap", frames(traffic::jumbo())),
        ("malformed.pcap", frames(malformed::malformed())),
        ("runts.pcap", frames(malformed::runts())),
        ("snaplen.pcap", usual(scenarios::snaplen())),
        ("words.pcap", usual(scenarios::words())),
        ("portknock.pcap", usual(scenarios::portknock())),
        ("synflood.pcap", usual(scenarios::synflood())),
        ("bursts.pcap", nano(scenarios::bursts())),
    ]
}

/// Captures that nothing generates any more.
fn remove_others(
    generated: &mut Generated,
    folder: &Path,
    files: &[(&'static str, Vec<u8>)],
) -> Result<(), Error> {
    if !files::root().join(folder).is_dir() {
        return Ok(());
    }
    for suffix in [".pcap", ".pcapng"] {
        for path in files::with_suffix(folder, suffix)? {
            if !files.iter().any(|(name, _)| path.ends_with(name)) {
                generated.remove(&path)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use etherparse::SlicedPacket;

    use super::*;

    /// The honest frames parse, to the last layer that etherparse knows.
    #[test]
    fn traffic_is_well_formed() {
        let mut frames = traffic::mixed();
        frames.extend(traffic::jumbo());
        frames.extend(scenarios::portknock().packets.into_iter().map(|p| p.bytes));
        frames.extend(scenarios::synflood().packets.into_iter().map(|p| p.bytes));
        assert!(frames.len() > 400, "{} frames", frames.len());
        for (n, frame) in frames.iter().enumerate() {
            if let Err(error) = SlicedPacket::from_ethernet(frame) {
                panic!("frame {n}: {error}");
            }
        }
    }

    #[test]
    fn committed_captures_are_what_is_generated() {
        run(true).expect("run `cargo xtask pcaps` and commit");
    }
}
