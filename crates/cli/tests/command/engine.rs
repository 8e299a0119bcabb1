//! `run --engine`: the report does not say who ran the program.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::path::PathBuf;

use crate::support::{Ran, command, corpus, sim};

/// Every object with a program that needs no choosing.
fn objects() -> Vec<String> {
    let folder = std::fs::read_dir(corpus().join("objects")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut objects: Vec<String> = names.filter(|name| name.ends_with(".bpf.o")).collect();
    objects.sort();
    objects
}

/// What a run printed, but for its speed, and its exit code.
fn ran(object: &str, engine: &str, more: &str) -> (String, i32) {
    let line =
        format!("run objects/{object} --pcap pcaps/mixed.pcap --packets 300 --engine {engine}");
    let ran = sim(&format!("{line} --json --per-packet {more}"));
    let untimed = ran.stdout.split(",\"timing\":").next().unwrap();
    (format!("{untimed}\n{}", ran.stderr), ran.code)
}

#[test]
fn the_report_is_the_same_byte_for_byte() {
    let mut compared = 0;
    for object in objects() {
        for more in ["", "--unverified"] {
            let interpreted = ran(&object, "interp", more);
            assert_eq!(ran(&object, "jit", more), interpreted, "{object} {more}");
            compared += usize::from(interpreted.0.contains("\"type\":\"packet\""));
        }
    }
    assert!(compared > 60, "only {compared} runs");
}

#[test]
fn said_when_asked() {
    let line = "run objects/pass.bpf.o --pcap pcaps/arp.pcap --packets 0 -v";
    let said = |more: &str| sim(&format!("{line} {more}")).stderr;
    assert_eq!(said("--engine interp"), "ebpf-sim: interpreted\n");
    assert_eq!(
        said("--engine jit"),
        "ebpf-sim: compiled, sandboxed: all programs are verified\n"
    );
    assert_eq!(
        said("--unverified"),
        "ebpf-sim: compiled, with every access checked: not all programs are verified\n"
    );
}

/// The file that `--perf` says it wrote.
fn named_for_perf(ran: &Ran) -> PathBuf {
    let said = ran
        .stderr
        .trim_end()
        .strip_prefix("ebpf-sim: names for perf: ");
    PathBuf::from(said.expect("where the names are"))
}

#[test]
fn perf_learns_the_names() {
    let object = corpus().join("objects/pass.bpf.o");
    let capture = corpus().join("pcaps/arp.pcap");
    let folder = tempfile::tempdir().unwrap();
    let run = |names: &str, engine: &str| {
        let mut command = command("run");
        command.current_dir(folder.path()).arg(&object);
        command.arg("--pcap").arg(&capture);
        command.args(["--perf", names, "--engine", engine]);
        Ran::from(command.output().unwrap())
    };
    let map = named_for_perf(&run("map", "jit"));
    let lines = std::fs::read_to_string(&map).unwrap();
    std::fs::remove_file(map).unwrap();
    assert!(lines.ends_with(" bpf:pass\n"), "{lines}");
    let dump = named_for_perf(&run("dump", "auto"));
    let bytes = std::fs::read(folder.path().join(dump)).unwrap();
    assert_eq!(bytes[..4], *b"DTiJ");
    let interpreted = run("map", "interp");
    assert_eq!(interpreted.code, 2, "{}", interpreted.stderr);
}
