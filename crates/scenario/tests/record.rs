//! Captures of scenarios: each packet before and after, and what leaves.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::path::Path;
use std::process::Command;

use scenario::run::{Engine, run_with};
use scenario::{Recorder, Scenario};
use xdp_sim::capture::{Options, Reader};

/// Interface and bytes of each packet of a capture.
fn packets(path: &Path) -> Vec<(String, Vec<u8>)> {
    let file = std::fs::read(path).unwrap();
    let mut reader = Reader::new(file.as_slice(), Options::default()).unwrap();
    let mut found = Vec::new();
    while let Some(packet) = reader.next().unwrap() {
        found.push((packet.interface as usize, packet.captured.to_vec()));
    }
    let names: Vec<_> = reader.interfaces().iter().map(|i| i.name.clone()).collect();
    let named = |(interface, data): (usize, Vec<u8>)| -> (String, Vec<u8>) {
        (names[interface].clone().unwrap().into(), data)
    };
    found.into_iter().map(named).collect()
}

#[test]
fn before_after_and_what_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (file, leaving) = (folder.path().join("out.pcapng"), folder.path().join("if"));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/scenarios");
    let scenario = Scenario::load(corpus.join("devmap-topology.toml")).unwrap();
    let mut recorder = Recorder::new(Some(&file), Some(&leaving)).unwrap();
    let mut record = |now, fate: &_| recorder.packet(now, fate);
    run_with(&scenario, Engine::Interpreter, &mut record)
        .unwrap()
        .assert();
    recorder.finish().unwrap();

    let all = packets(&file);
    let at = |name: &str| -> Vec<&[u8]> {
        let there = all.iter().filter(|(interface, _)| interface == name);
        there.map(|(_, data)| data.as_slice()).collect()
    };
    let before = at("east:eth0:icmp_echo()@fentry");
    let after = at("east:eth0:icmp_echo()@fexit");
    assert_eq!((before.len(), after.len()), (2, 2));
    assert_eq!((before[0][34], after[0][34]), (8, 0), "request and reply");
    let reply = packets(&leaving.join("east-eth0.pcapng"));
    assert_eq!(reply, [("east:eth0".to_owned(), after[0].to_vec())]);
    let uplink = packets(&leaving.join("router-uplink.pcapng"));
    assert_eq!(uplink.len(), 2, "the reply, and what is flooded");

    let fields = "frame.interface_name frame.packet_id frame.verdict.ebpf_xdp frame.comment";
    let fields = fields.split(' ').flat_map(|field| ["-e", field]);
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&file).args(["-T", "fields"]);
    let Ok(shown) = tshark.args(fields).output() else {
        println!("tshark is not installed: not asked");
        return;
    };
    let shown = String::from_utf8(shown.stdout).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "router:uplink:to_port()@fentry\t0\t\t");
    let exit = "router:uplink:to_port()@fexit\t0\t4\tredirect, ";
    assert!(lines[1].starts_with(exit), "{}", lines[1]);
    assert!(lines[1].ends_with("to port1"), "{}", lines[1]);
}
