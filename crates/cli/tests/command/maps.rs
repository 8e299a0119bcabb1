//! Filling maps from files and dumping them to files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use serde_json::Value as Json;

use crate::support::{file, sim};

const FIREWALL: &str = "run objects/firewall.bpf.o --pcap pcaps/mixed.pcap";

/// What a run of the firewall says to these contents of its map `rules`.
fn refused(contents: &str, expected: Expect) {
    let file = file(contents);
    let path = file.path().to_str().unwrap();
    let ran = sim(&format!("{FIREWALL} --map rules={path}"));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    expected.assert_eq(&ran.stderr.replace(path, "FILE"));
}

/// Contents of `rules`, and what is there at the end.
fn rules(contents: &str) -> Json {
    let file = file(contents);
    let path = file.path().display();
    let ran = sim(&format!(
        "{FIREWALL} --packets 0 --json --dump-maps --map rules={path}"
    ));
    ran.ok();
    ran.summary()["maps"]["rules"].clone()
}

#[test]
fn typed_and_raw() {
    let typed = rules(r#"[{"key": {"dport": 80}, "value": {"action": 1}}]"#);
    expect![[r#"[{"key":{"daddr":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"dport":80,"protocol":0,"family":0},"value":{"id":0,"action":1}}]"#]].assert_eq(&typed.to_string());
    let key = "0x0000000000000000000000000000000000500000";
    let raw = rules(&format!(
        r#"[{{"key": "{key}", "value": "0x0100000000000000"}}]"#
    ));
    expect![[r#"[{"key":{"daddr":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"dport":20480,"protocol":0,"family":0},"value":{"id":1,"action":0}}]"#]].assert_eq(&raw.to_string());
    let value = r#"["0x01","0x00","0x00","0x00","0x00","0x00","0x00","0x00"]"#;
    assert_eq!(
        rules(&format!(r#"[{{"key": "{key}", "value": {value}}}]"#)),
        raw
    );
}

#[test]
fn wrong() {
    refused(
        "",
        expect![[r#"
        ebpf-sim: FILE: EOF while parsing a value at line 1 column 0
    "#]],
    );
    refused(
        "[{\"key\": 1,\n \"value\": }]",
        expect![[r#"
        ebpf-sim: FILE: expected value at line 2 column 11
    "#]],
    );
    refused(
        &"[".repeat(100_000),
        expect![[r#"
        ebpf-sim: FILE: recursion limit exceeded at line 1 column 128
    "#]],
    );
    refused(
        "{\"key\": 1}",
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: expected an array of entries, as in [{"key": …, "value": …}]
    "#]],
    );
    refused(
        "[7]",
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: expected an object with "key" and "value"
    "#]],
    );
    refused(
        r#"[{"key": {}}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: expected a "value"
    "#]],
    );
    refused(
        r#"[{"key": {}, "valeu": {}}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: expected a "value"
    "#]],
    );
    refused(
        r#"[{"key": {"port": 1}, "value": {}}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: key: port: struct rule_key has no field "port"
    "#]],
    );
    refused(
        r#"[{"key": {}, "value": {}}, {"key": {"dport": 70000}, "value": {}}]"#,
        expect![[r#"
            ebpf-sim: FILE: map rules: entry 1: key: dport: 70000 does not fit __u16 (16 bits)
        "#]],
    );
    refused(
        r#"[{"key": "0x00", "value": {}}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: key: struct rule_key takes 20 bytes, not 1
    "#]],
    );
    refused(
        r#"[{"key": "0xzz", "value": {}}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: key: "0xzz" is no value for struct rule_key
    "#]],
    );
    refused(
        r#"[{"key": {}, "value": ["0x00"]}]"#,
        expect![[r#"
        ebpf-sim: FILE: map rules: entry 0: value: a list is no value for struct rule
    "#]],
    );
}

#[test]
fn what_a_map_itself_refuses() {
    let file = file(r#"[{"key": 70000, "value": {"ifindex": 1}}]"#);
    let line = "run objects/devmap.bpf.o --program to_port --pcap pcaps/arp.pcap --map ports=";
    let path = file.path().to_str().unwrap();
    let ran = sim(&format!("{line}{path}"));
    assert_eq!(ran.code, 2);
    expect![[r#"
        ebpf-sim: FILE: map ports: entry 0: the map refuses it: E2BIG
    "#]]
    .assert_eq(&ran.stderr.replace(path, "FILE"));
}

#[test]
fn names_of_nothing() {
    for (setting, expected) in [
        (
            "rules",
            expect![[r#"
            ebpf-sim: --map rules: expected NAME=VALUE
        "#]],
        ),
        (
            "rule=maps/firewall/rules.json",
            expect![[r#"
            ebpf-sim: --map rule=maps/firewall/rules.json: no such map; there are: blocked, rules, hits, firewall.rodata
        "#]],
        ),
        (
            "rules=nowhere.json",
            expect![[r#"
            ebpf-sim: nowhere.json: No such file or directory (os error 2)
        "#]],
        ),
        (
            "rules=maps",
            expect![[r#"
            ebpf-sim: maps: is a directory
        "#]],
        ),
    ] {
        let ran = sim(&format!("{FIREWALL} --map {setting}"));
        ran.failed(2, expected);
    }
}

/// What a run dumps and another reads back is what the other dumps.
#[test]
fn a_dump_can_be_fed_back() {
    let mut fed = 0;
    for line in [
        "objects/firewall.bpf.o --map rules=maps/firewall/rules.json \
         --map blocked=maps/firewall/blocked.json --cpus 2",
        "objects/portknock.bpf.o",
        "objects/mapinmap.bpf.o",
        "objects/queues.bpf.o",
        "objects/legacy_maps28.bpf.o --program redirect_port --map-size tx_port=64 \
         --map tx_port=maps/legacy_maps28/tx_port.json",
        "objects/devmap.bpf.o --program to_port --map ports=maps/devmap/ports.json",
        "objects/cpumap.bpf.o --map cpu_queues=maps/cpumap/cpu_queues.json",
        "objects/tailcalls.bpf.o --program parser",
        "objects/flowtable.bpf.o",
        "objects/printk.bpf.o",
    ] {
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [first, second] = directories.each_ref().map(|d| d.path());
        let run = |more: &str| {
            let ran = sim(&format!("run {line} --pcap pcaps/mixed.pcap {more}"));
            assert_eq!(ran.code, 0, "{line} {}", ran.stderr);
        };
        run(&format!("--dump-maps={}", first.display()));
        let dumped = contents(first);
        // Constants are not to be changed.
        let names = dumped.keys().filter(|name| !name.contains("rodata"));
        let maps: Vec<_> = names
            .map(|name| format!("--map {name}={}/{name}.json", first.display()))
            .collect();
        run(&format!(
            "--packets 0 --dump-maps={} {}",
            second.display(),
            maps.join(" ")
        ));
        assert_eq!(contents(second), dumped, "{line}");
        fed += maps.len();
    }
    assert!(fed > 20, "{fed}");
}

/// The files of a directory without `.json`, and what they hold.
fn contents(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    let entry = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = name.strip_suffix(".json").unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    entries.map(entry).collect()
}

#[test]
fn a_dump_that_cannot_be_written() {
    let ran = sim(&format!("{FIREWALL} --dump-maps=/dev/null/maps"));
    ran.failed(
        2,
        expect![[r#"
        ebpf-sim: /dev/null/maps: Not a directory (os error 20)
    "#]],
    );
}
