//! `run --engine`: the report does not say who ran the program.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use crate::support::{corpus, sim};

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
