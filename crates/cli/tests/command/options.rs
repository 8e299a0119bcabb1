//! Options of `run` that change what the program sees.

use expect_test::expect;
use serde_json::{Value as Json, json};

use crate::support::{corpus, fails, file, sim, sim_with};

/// The JSON summary of a run over some packets.
fn summary(line: &str) -> Json {
    sim(&format!("run {line} --json")).summary()
}

/// What the global variables of an object hold at the end.
fn globals(line: &str, section: &str) -> Json {
    let summary = summary(&format!("{line} --dump-maps"));
    summary["maps"][section][0]["value"].clone()
}

#[test]
fn packets_and_repeat() {
    let line = "objects/pass.bpf.o --pcap pcaps/arp.pcap";
    let count = |more: &str| summary(&format!("{line} {more}"))["packets"]["packets"].clone();
    assert_eq!(count(""), 7);
    assert_eq!(count("--packets 3"), 3);
    assert_eq!(count("--packets 99"), 7);
    assert_eq!(count("--repeat 4"), 28);
    assert_eq!(count("--repeat 4 --packets 10"), 10);
}

/// `ratelimit` keeps the time of a source's last packet.
#[test]
fn clock() {
    let run = |clock: &str| {
        let line = "objects/ratelimit.bpf.o --pcap pcaps/bursts.pcap --packets 3";
        let summary = summary(&format!("{line} --clock {clock}"));
        summary["maps"]["buckets"][0]["value"]["last_ns"].clone()
    };
    assert_eq!(run("zero"), json!(0));
    assert_eq!(
        run("capture").as_u64().unwrap() / 1_000_000_000,
        1_700_000_000
    );
    let times = file("17\n18\n");
    // The third packet finds no line: time stands still.
    assert_eq!(run(times.path().to_str().unwrap()), json!(18));
    let wrong = file("17\nsoon\n");
    let line = "run objects/ratelimit.bpf.o --pcap pcaps/bursts.pcap --clock";
    let ran = sim_with(line, &[wrong.path()]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .ends_with(":2: expected a number of nanoseconds\n"),
        "{}",
        ran.stderr
    );
}

/// `ratelimit` with its question for the time made one for a random number.
#[test]
fn seed() {
    let (time, random) = ([0x85, 0, 0, 0, 5, 0, 0, 0], [0x85, 0, 0, 0, 7, 0, 0, 0]);
    let mut bytes = std::fs::read(corpus().join("objects/ratelimit.bpf.o")).unwrap();
    let at = bytes.windows(8).position(|w| w == time).unwrap();
    bytes[at..at + 8].copy_from_slice(&random);
    let object = file(bytes);
    let run = |seed: &str| {
        let path = object.path().to_str().unwrap();
        summary(&format!("{path} --pcap pcaps/bursts.pcap --seed {seed}"))["maps"].clone()
    };
    assert_ne!(run("7"), json!({}));
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn globals_before_load() {
    let line = "objects/globals.bpf.o --pcap pcaps/arp.pcap --packets 0";
    let data = |global: &str| globals(&format!("{line} --global {global}"), "globals.data");
    assert_eq!(data("budget=5")["budget"], 5);
    assert_eq!(data("balance=-7")["balance"], -7);
    assert_eq!(data("budget=0x10")["budget"], 16);
    let limits = |value: &str| {
        let line = format!("{line} --global limits={value}");
        globals(&line, "globals.rodata")["limits"].clone()
    };
    let wanted = json!({"shortest": 9, "longest": 0, "ethertypes": [[8, 0], [1, 2]]});
    assert_eq!(
        limits(r#"{"shortest":9,"ethertypes":[[8,0],[1,2]]}"#),
        wanted
    );
    let text = globals(
        &format!("{line} --global last_verdict=later"),
        "globals.bss",
    );
    assert_eq!(text["last_verdict"], "later");
}

#[test]
fn globals_that_make_no_sense() {
    let run = |setting: &str, expected| {
        let line = format!("run objects/globals.bpf.o --pcap pcaps/arp.pcap --global {setting}");
        fails(&line, 2, expected);
    };
    run(
        "budget=many",
        expect![[r#"
        ebpf-sim: --global budget=many: value: "many" is no value for __u64
    "#]],
    );
    run(
        "balance=70000",
        expect![[r#"
        ebpf-sim: --global balance=70000: value: 70000 does not fit __s16 (16 bits)
    "#]],
    );
    run(
        r#"limits={"shorter":1}"#,
        expect![[r#"
        ebpf-sim: --global limits={"shorter":1}: value: shorter: const volatile struct limits has no field "shorter"
    "#]],
    );
    run(
        r#"limits={"ethertypes":[[1,2],[3,"x"]]}"#,
        expect![[r#"
        ebpf-sim: --global limits={"ethertypes":[[1,2],[3,"x"]]}: value: ethertypes[1][1]: "x" is no value for __u8
    "#]],
    );
    run(
        "nowhere=1",
        expect![[r#"
        ebpf-sim: --global nowhere=1: no such variable; there are: limits, drop_long, sample_mask, verdict_names, budget, balance, generation, hot, packets, hidden_total, seen, last_verdict
    "#]],
    );
    run(
        "budget",
        expect![[r#"
        ebpf-sim: --global budget: expected NAME=VALUE
    "#]],
    );
}

#[test]
fn map_size() {
    let line = "objects/legacy_maps28.bpf.o --program redirect_port --pcap pcaps/arp.pcap";
    fails(
        &format!("run {line}"),
        2,
        expect![[r#"
            ebpf-sim: objects/legacy_maps28.bpf.o: map tx_port: Linux refuses this definition with EINVAL: no entries (the object does not say how many: --map-size tx_port=N)
        "#]],
    );
    assert_eq!(
        summary(&format!("{line} --map-size tx_port=64"))["packets"]["packets"],
        7
    );
    fails(
        &format!("run {line} --map-size tx_port=some"),
        2,
        expect![[r#"
            ebpf-sim: --map-size tx_port=some: expected a number of entries
        "#]],
    );
    fails(
        &format!("run {line} --map-size rx_port=1"),
        2,
        expect![[r#"
            ebpf-sim: --map-size rx_port=1: no map is called 'rx_port'; the object has 'tx_port' and 'counters'
        "#]],
    );
    fails(
        &format!("run {line} --map-size tx_port=4294967296"),
        2,
        expect![[r#"
            ebpf-sim: --map-size tx_port=4294967296: expected a number of entries
        "#]],
    );
}

#[test]
fn cpus() {
    let line = "objects/firewall.bpf.o --pcap pcaps/tcp4.pcap --cpus 3 --cpu 2";
    let hits = summary(line)["maps"]["hits"][0]["values"].clone();
    let packets: Vec<_> = hits
        .as_array()
        .unwrap()
        .iter()
        .map(|v| &v["value"]["packets"])
        .collect();
    assert_eq!(packets, [0, 0, 24]);
    let line = "run objects/pass.bpf.o --pcap pcaps/arp.pcap";
    fails(
        &format!("{line} --cpus 2 --cpu 2"),
        2,
        expect![[r#"
        ebpf-sim: --cpu 2: the CPUs are 0 to 1; --cpus gives more
    "#]],
    );
    fails(
        &format!("{line} --cpus 100000"),
        2,
        expect![[r#"
        error: invalid value '100000' for '--cpus <N>': 100000 is not in 1..=1024

        For more information, try '--help'.
    "#]],
    );
}

/// `xskmap` asks for the socket of the receive queue.
#[test]
fn queue_and_ifindex() {
    let sockets = file(r#"[{"key": 5, "value": 1}]"#);
    let line = "objects/xskmap.bpf.o --pcap pcaps/udp.pcap --map sockets=";
    let line = format!("{line}{}", sockets.path().display());
    let to = |queue: &str| summary(&format!("{line} --queue {queue}"))["destinations"].clone();
    assert!(to("5")["socket sockets[5]"]["packets"].as_u64() > Some(10));
    assert!(to("4")["socket sockets[5]"].is_null());
    // `flood` sends to every port but the one that the packet came from.
    let line = "objects/devmap.bpf.o --program flood --pcap pcaps/arp.pcap
                --map ports=maps/devmap/ports.json";
    let to =
        |ifindex: &str| summary(&format!("{line} --ifindex {ifindex}"))["destinations"].clone();
    assert!(to("1")["device 1"].is_null());
    assert!(to("2")["device 1"]["packets"].as_u64() > Some(0));
}

#[test]
fn force_ethernet() {
    let line = "run objects/pass.bpf.o --pcap pcaps/damaged/linktype_raw_ip.pcap";
    fails(
        line,
        2,
        expect![[r#"
        ebpf-sim: pcaps/damaged/linktype_raw_ip.pcap: at packet 0, byte offset 24 of the capture: the packets of interface 0 are not Ethernet frames: their link type is RAW (101); --force-ethernet takes them for such
    "#]],
    );
    assert_eq!(sim(&format!("{line} --force-ethernet")).code, 0);
}
