//! `run --write`.

use std::fs;
use std::process::Output;

use serde_json::json;
use xdp_sim::capture::{Options, Reader};

use crate::support::{Ran, command, corpus, sim, sim_with};

/// Name of the interface and bytes of each packet.
fn packets(capture: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut reader = Reader::new(capture, Options::default()).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next().unwrap() {
        packets.push((packet.interface, packet.captured.to_vec()));
    }
    let name = |index: u32| {
        let name = reader.interfaces()[index as usize].name.as_deref();
        name.unwrap().to_owned()
    };
    packets
        .into_iter()
        .map(|(i, bytes)| (name(i), bytes))
        .collect()
}

#[test]
fn what_leaves_and_where() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap --json
                --map ports=maps/devmap/ports.json --write";
    let ran = sim_with(line, &[file.path()]);
    ran.ok();
    let packets = packets(&fs::read(file.path()).unwrap());
    for (place, count) in ran.summary()["destinations"].as_object().unwrap() {
        let there: Vec<_> = packets.iter().filter(|(name, _)| name == place).collect();
        let bytes: usize = there.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(
            *count,
            json!({"packets": there.len(), "bytes": bytes}),
            "{place}"
        );
    }
}

#[test]
fn changed_frames() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = "run objects/vlan.bpf.o --program vlan_push --pcap pcaps/arp.pcap --write";
    sim_with(line, &[file.path()]).ok();
    let packets = packets(&fs::read(file.path()).unwrap());
    assert_eq!(packets.len(), 7);
    for (_, bytes) in packets {
        assert_eq!((bytes.len(), &bytes[12..14]), (64, &[0x81, 0x00][..]));
    }
}

#[test]
fn nothing_leaves() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = "run objects/filter_drop.bpf.o --pcap pcaps/arp.pcap --write";
    sim_with(line, &[file.path()]).ok();
    assert_eq!(packets(&fs::read(file.path()).unwrap()), []);
}

#[test]
fn frames_on_standard_output() {
    let line = "run objects/pass.bpf.o --pcap pcaps/arp.pcap";
    let Output {
        stdout,
        stderr,
        status,
    } = command(line).args(["--write", "-"]).output().unwrap();
    assert_eq!((status.code(), packets(&stdout).len()), (Some(0), 7));
    let report = Ran {
        code: 0,
        stdout: String::from_utf8(stderr).unwrap(),
        stderr: String::new(),
    };
    assert_eq!(report.text(), sim(line).text());
}

#[test]
fn what_is_read_is_not_written_over() {
    let capture = crate::support::file(fs::read(corpus().join("pcaps/arp.pcap")).unwrap());
    let before = fs::read(capture.path()).unwrap();
    let path = capture.path().display();
    let ran = sim(&format!(
        "run objects/pass.bpf.o --pcap {path} --write {path}"
    ));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr.ends_with(": this file is read by the run\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read(capture.path()).unwrap(), before);
}
