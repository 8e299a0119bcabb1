//! Standard input, closed pipes, full disks.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use expect_test::expect;

use crate::support::{command, sim, sim_reading};

#[test]
fn capture_and_object_from_standard_input() {
    let whole = sim("run objects/pass.bpf.o --pcap pcaps/arp.pcap --packets 3");
    let capture = sim_reading(
        "run objects/pass.bpf.o --pcap - --packets 3",
        "pcaps/arp.pcap",
    );
    let name = |text: String| text.replace("standard input", "pcaps/arp.pcap");
    assert_eq!(name(capture.text()), whole.text());
    let object = sim_reading(
        "run - --pcap pcaps/arp.pcap --packets 3",
        "objects/pass.bpf.o",
    );
    assert_eq!(object.text(), whole.text());
    let inspected = sim_reading("inspect -", "objects/pass.bpf.o");
    assert_eq!(inspected.text(), sim("inspect objects/pass.bpf.o").text());
}

#[test]
fn standard_input_is_one_thing_once() {
    let both = sim_reading("run - --pcap -", "objects/pass.bpf.o");
    both.failed(
        2,
        expect![[r#"
        ebpf-sim: --pcap -: standard input is the object already
    "#]],
    );
    let twice = sim_reading(
        "run objects/pass.bpf.o --pcap - --repeat 2",
        "pcaps/arp.pcap",
    );
    twice.failed(
        2,
        expect![[r#"
        ebpf-sim: --repeat: standard input can be read only once
    "#]],
    );
    let empty = sim("run objects/pass.bpf.o --pcap -");
    empty.failed(2, expect![[r#"
        ebpf-sim: standard input: at packet 0, byte offset 0 of the capture: empty: not even a pcap or pcapng header
    "#]]);
    sim("inspect -").failed(
        2,
        expect![[r#"
        ebpf-sim: standard input: not an ELF file: the file is empty
    "#]],
    );
}

/// Whoever reads has read enough: not an error, and nothing is said.
#[test]
fn closed_pipes() {
    for line in [
        "run objects/pass.bpf.o --pcap pcaps/mixed.pcap --json --per-packet --repeat 100",
        "run objects/printk.bpf.o --pcap pcaps/mixed.pcap --json --repeat 100",
        "disasm objects/balancer.bpf.o --source --opcodes",
        "disasm objects/balancer.bpf.o --dot",
        "inspect objects/sections.bpf.o",
        "completions bash",
        "man",
        "--help",
    ] {
        let mut child = command(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{line}");
        drop(stdout);
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(
            (child.wait().unwrap().code(), said.as_str()),
            (Some(0), ""),
            "{line}"
        );
    }
    let line = "run objects/pass.bpf.o --pcap pcaps/mixed.pcap --write - --repeat 500";
    let mut child = command(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut magic = [0; 4];
    child.stdout.take().unwrap().read_exact(&mut magic).unwrap();
    assert_eq!(magic, [0x0a, 0x0d, 0x0d, 0x0a]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks() {
    use std::fs::File;

    let full = || File::options().write(true).open("/dev/full").unwrap();
    for line in [
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap",
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --json --per-packet",
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --write -",
        "disasm objects/pass.bpf.o",
        "inspect objects/pass.bpf.o --json",
        "completions zsh",
        "man",
        "--help",
        "--version",
    ] {
        let output = command(line).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        let said = String::from_utf8(output.stderr).unwrap();
        let end = "standard output: No space left on device (os error 28)\n";
        assert!(said.ends_with(end), "{line}: {said}");
    }
    // Nothing can be said, and the exit code still says it.
    let output = command("inspect nowhere.o")
        .stderr(full())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let file = sim("run objects/pass.bpf.o --pcap pcaps/arp.pcap --write /dev/full");
    assert_eq!(file.code, 2);
    assert!(
        file.stderr.contains("/dev/full: No space left"),
        "{}",
        file.stderr
    );
}

/// The progress bar is for terminals.
#[test]
fn nothing_but_the_report_is_printed() {
    let line = "run objects/printk.bpf.o --pcap pcaps/mixed.pcap --repeat 1000 --packets 120000";
    let ran = sim(line);
    let seconds = ran.stdout.lines().find(|l| l.starts_with("speed")).unwrap();
    assert!(
        !seconds.is_empty() && ran.stderr.is_empty(),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains(['\r', '\u{1b}']), "{}", ran.stdout);
}
