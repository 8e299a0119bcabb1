//! `bench`: which engines, against whom, and what is not measured.

use expect_test::expect;
use serde_json::Value as Json;

use crate::support::{fails, sim};

const FIREWALL: &str = "bench objects/firewall.bpf.o --pcap pcaps/mixed.pcap --packets 4 \
                        --map rules=maps/firewall/rules.json";

#[test]
fn one_engine() {
    let ran = sim(&format!("{FIREWALL} --engine interp"));
    let lines: Vec<_> = ran.ok().lines().collect();
    assert_eq!(
        lines[..2],
        ["firewall on pcaps/mixed.pcap: 4 packets, 4 measured", ""]
    );
    let cells = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim);
        cells.filter(|c| !c.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(cells(lines[2]), ["engine", "ns/packet", "without the call"]);
    let row = cells(lines[3]);
    assert_eq!(row[0], "interp");
    let number = |cell: &str| cell.replace(',', "").parse::<f64>().unwrap();
    assert!(number(&row[1]) > number(&row[2]), "{row:?}");
    assert_eq!(lines.len(), 4);
}

#[test]
fn json() {
    let ran = sim(&format!("{FIREWALL} --json"));
    ran.ok();
    let lines = ran.json();
    let (summary, engines) = lines.split_last().unwrap();
    let names: Vec<_> = engines.iter().map(|line| &line["engine"]).collect();
    assert_eq!(names, ["interp", "checked", "jit"]);
    for engine in engines {
        assert_eq!(engine["type"], "engine");
        assert!(
            engine["nanoseconds_per_packet"].is_number() != engine["error"].is_string(),
            "{engine}"
        );
        assert_eq!(
            engine["times_kernel"],
            Json::Null,
            "nobody asked the kernel"
        );
    }
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["program"], "firewall");
    assert_eq!(summary["packets"], 4);
    assert_eq!(summary["measured"], 4);
}

#[cfg(target_os = "linux")]
#[test]
fn against_the_kernel() {
    if kernel::testing::kernel_or_skip().is_none() {
        return;
    }
    let ran = sim(&format!(
        "{FIREWALL} --engine interp --against kernel --json"
    ));
    ran.ok();
    let lines = ran.json();
    assert_eq!(lines[1]["engine"], "kernel");
    assert_eq!(lines[1]["times_kernel"], 1.0);
    let interpreted = lines[0]["times_kernel"].as_f64().unwrap();
    assert!(interpreted > 1.0, "{interpreted} times the kernel's time");
    assert!(lines[2]["linux"].is_string());
}

/// What Linux would not load is not measured: compiled code relies on its verdict.
#[test]
fn refused() {
    fails(
        "bench verify/mistakes/array_index.bpf.o --program wrong --pcap pcaps/mixed.pcap",
        1,
        expect![[r#"
            ebpf-sim: verify/mistakes/array_index.bpf.o: Linux would refuse program wrong: R0 max value is outside of the allowed memory range; `ebpf-sim verify --explain` says more
        "#]],
    );
}

#[test]
fn nothing_to_measure() {
    fails(
        "bench objects/pass.bpf.o --pcap pcaps/mixed.pcap --packets 0",
        2,
        expect![[r#"
            ebpf-sim: pcaps/mixed.pcap: no packet to measure
        "#]],
    );
    fails(
        "bench objects/pass.bpf.o --pcap objects/pass.bpf.o",
        2,
        expect![[r#"
            ebpf-sim: objects/pass.bpf.o: at packet 0, byte offset 0 of the capture: not a pcap or pcapng file (it begins with 7f 45 4c 46): it is an ELF object
        "#]],
    );
}
