//! `run --write`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

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
fn before_and_after() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = "run objects/vlan.bpf.o --program vlan_push --pcap pcaps/arp.pcap --write";
    sim_with(line, &[file.path()]).ok();
    let packets = packets(&fs::read(file.path()).unwrap());
    assert_eq!(packets.len(), 14);
    for pair in packets.chunks(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(before.0, "lo:vlan_push()@fentry");
        assert_eq!(after.0, "lo:vlan_push()@fexit");
        assert_eq!((before.1.len(), &before.1[12..14]), (60, &[8, 6][..]));
        assert_eq!((after.1.len(), &after.1[12..14]), (64, &[0x81, 0][..]));
    }
}

#[test]
fn what_leaves_each_interface() {
    let folder = tempfile::tempdir().unwrap();
    let line = "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap --json
                --map ports=maps/devmap/ports.json --write-per-interface";
    let ran = sim_with(line, &[folder.path()]);
    ran.ok();
    let mut expected = BTreeMap::new();
    for (place, count) in ran.summary()["destinations"].as_object().unwrap() {
        let name = match place.strip_prefix("device ") {
            // What goes back leaves by the interface that it came on.
            Some("1") => "lo".to_owned(),
            None if place == "back" => "lo".to_owned(),
            Some(other) => format!("if{other}"),
            None => continue,
        };
        let sum: &mut [u64; 2] = expected.entry(name).or_default();
        sum[0] += count["packets"].as_u64().unwrap();
        sum[1] += count["bytes"].as_u64().unwrap();
    }
    assert!(expected.contains_key("lo"));
    let files = fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.count(), expected.len());
    for (name, sum) in expected {
        let capture = fs::read(folder.path().join(format!("{name}.pcapng"))).unwrap();
        let there = packets(&capture);
        let bytes: usize = there.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(sum, [there.len() as u64, bytes as u64], "{name}");
    }
}

/// As Wireshark shows it, where it is installed.
#[test]
fn tshark_filters_by_verdict() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = "run objects/firewall.bpf.o --pcap pcaps/mixed.pcap
                --map rules=maps/firewall/rules.json --write";
    sim_with(line, &[file.path()]).ok();
    let mut tshark = std::process::Command::new("tshark");
    tshark.arg("-r").arg(file.path());
    tshark.args(["-Y", "frame.verdict.ebpf_xdp == 1", "-T", "fields"]);
    for field in ["frame.interface_name", "frame.packet_id", "frame.comment"] {
        tshark.args(["-e", field]);
    }
    let Ok(output) = tshark.output() else {
        println!("skipped: there is no tshark");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // As many as the report counts as dropped.
    assert_eq!(text.lines().count(), 72, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("lo:firewall()@fexit\t"), "{line}");
        assert!(line.contains("\tdrop, "), "{line}");
        assert!(line.ends_with(" instructions, to nowhere"), "{line}");
    }
}

#[test]
fn frames_on_standard_output() {
    let line = "run objects/pass.bpf.o --pcap pcaps/arp.pcap";
    let Output {
        stdout,
        stderr,
        status,
    } = command(line).args(["--write", "-"]).output().unwrap();
    assert_eq!((status.code(), packets(&stdout).len()), (Some(0), 14));
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

/// A capture of so many packets of 60 bytes.
fn long_capture(packets: u32) -> tempfile::NamedTempFile {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4, 4 << 16 | 2, 0, 0, 65535, 1u32] {
        bytes.extend(word.to_le_bytes());
    }
    for packet in 0..packets {
        for word in [packet, 0, 60, 60] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([0; 60]);
    }
    crate::support::file(bytes)
}

#[cfg(unix)]
#[test]
fn what_a_full_disk_has_is_a_capture() {
    let capture = long_capture(2000);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let words = format!(
        "run objects/pass.bpf.o --pcap {} --write {}",
        capture.path().display(),
        out.display()
    );
    let inner = command(&words);
    // No file may grow beyond 200 blocks of 512 bytes (or 1,024, as shells differ),
    // which is in the middle of a block of the capture.
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"");
    shell.arg(inner.get_program()).args(inner.get_args());
    if let Some(folder) = inner.get_current_dir() {
        shell.current_dir(folder);
    }
    let ran = Ran::from(shell.output().unwrap());
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("out.pcapng"), "{}", ran.stderr);
    let written = packets(&fs::read(&out).unwrap());
    assert!((100..4000).contains(&written.len()), "{}", written.len());
}
