//! Faulty scenario files, and expectations that are missed: what is said.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use scenario::{Scenario, bless, report};

/// A folder beside the corpus' objects, so that their paths are short.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let text = text.replace("OBJECTS", &objects.join("objects").display().to_string());
    let text = text.replace(
        "SCENARIOS",
        &objects.join("scenarios").display().to_string(),
    );
    let path = folder.path().join("t.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// What is said, without the folder.
fn said(folder: &tempfile::TempDir, text: &str) -> String {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    text.replace(&format!("{}/", folder.path().display()), "")
        .replace(&corpus.display().to_string(), "CORPUS")
}

#[track_caller]
fn fails(text: &str, expected: Expect) {
    let (folder, path) = written(text);
    let error = Scenario::load(&path).and_then(|scenario| scenario.run());
    let error = error.expect_err("this should fail").to_string();
    expected.assert_eq(&said(&folder, &error));
}

const HEAD: &str = "object = \"OBJECTS/portknock.bpf.o\"\n";

#[track_caller]
fn fails_after_head(text: &str, expected: Expect) {
    fails(&format!("{HEAD}{text}"), expected);
}

const HOSTS: &str = r#"objects.router.file = "OBJECTS/devmap.bpf.o"
[[hosts]]
name = "west"
[hosts.interfaces.eth0]
program = "to_port"
[[hosts]]
name = "east"
[hosts.interfaces.eth0]
"#;

#[track_caller]
fn fails_after_hosts(text: &str, expected: Expect) {
    fails(&format!("{HOSTS}{text}"), expected);
}

#[test]
fn faulty_hosts() {
    fails_after_hosts(
        "[[links]]\nveth = [\"west:eth0\", \"east:eth1\"]",
        expect![
            "t.toml:10:22: no interface is called `east:eth1` (did you mean `east:eth0`?); there are: west:eth0, east:eth0"
        ],
    );
    fails_after_hosts(
        "[[links]]\nveth = [\"west:eth0\"]",
        expect!["t.toml:10:8: expected two interfaces (`bridge` joins more), found 1"],
    );
    fails_after_hosts(
        "[[links]]\nbridge = [\"west:eth0\", \"west:eth0\"]",
        expect!["t.toml:10:24: expected an interface that is on no other link, found `west:eth0`"],
    );
    fails_after_hosts(
        "[[hosts]]\nname = \"west\"",
        expect!["t.toml:10:8: expected a name of its own, found `west`"],
    );
    fails_after_hosts(
        "[[hosts]]\nname = \"north\"",
        expect!["t.toml:9:1: missing key `interfaces`: its interfaces, by name"],
    );
    fails_after_hosts(
        "[[hosts]]\nname = \"north\"\nobjects = [\"ruter\"]\ninterfaces.eth0 = {}",
        expect![
            "t.toml:11:12: no object is called `ruter` (did you mean `router`?); there are: router"
        ],
    );
    fails_after_hosts(
        "[[hosts]]\nname = \"north\"\ninterfaces.eth0.programs = [\"to_prt\"]",
        expect![
            "t.toml:11:29: no program is called `to_prt` (did you mean `to_port`?); there are: to_port, flood, to_loopback"
        ],
    );
    fails_after_hosts(
        "[[sockets]]\nmap = \"west:ports\"\ninterface = \"west:eth0\"",
        expect!["t.toml:10:7: map ports: no socket can be put into slot 0"],
    );
    fails_after_hosts(
        "[[sockets]]\nmap = \"ports\"\ninterface = \"west:eth0\"\nqueue = 1",
        expect!["t.toml:12:9: expected a queue below 1, found 1"],
    );
    fails_after_hosts(
        "[[step]]\ninterface = \"eth0\"\npacket = \"eth\"",
        expect!["t.toml:10:13: no interface is called `eth0`; there are: west:eth0, east:eth0"],
    );
    fails_after_hosts(
        "[[step]]\ninterface = \"west:eth0\"\npacket = \"eth\"\nexpect.hops = [{ at = \"west:eth0\", too = \"stack\" }]",
        expect![
            "t.toml:12:36: unknown key `too` (did you mean `to`?); there are: at, action, return, output, like, unchanged, to, programs, hops, metadata, max-instructions, trap"
        ],
    );
    fails_after_hosts(
        "[[step]]\ninterface = \"west:eth0\"\npacket = \"eth\"\nexpect.sockets = { \"ports[0]\" = [] }",
        expect!["t.toml:12:20: no socket is called `ports[0]`"],
    );
}

#[test]
fn faulty_files() {
    fails(
        "object = \n",
        expect!["t.toml:1:10: string values must be quoted, expected literal string"],
    );
    fails(
        "",
        expect!["t.toml:1:1: missing key `object`: the compiled object to test"],
    );
    fails("object = 5", expect!["t.toml:1:10: expected text, found 5"]);
    fails(
        "object = \"nothing.o\"",
        expect!["t.toml:1:10: nothing.o: No such file or directory (os error 2)"],
    );
    fails_after_head(
        "colour = 1",
        expect![
            "t.toml:2:1: unknown key `colour`; there are: name, define, object, objects, type, btf, globals, map-sizes, replace, program, interfaces, hosts, links, sockets, clock, seed, cpus, budget, routes, neighbours, unverified, event-types, maps, step, expect"
        ],
    );
    fails_after_head(
        "[[steps]]",
        expect![
            "t.toml:2:3: unknown key `steps` (did you mean `step`?); there are: name, define, object, objects, type, btf, globals, map-sizes, replace, program, interfaces, hosts, links, sockets, clock, seed, cpus, budget, routes, neighbours, unverified, event-types, maps, step, expect"
        ],
    );
    fails_after_head(
        "[[step]]\npackt = \"eth\"",
        expect![
            "t.toml:3:1: unknown key `packt` (did you mean `packet`?); there are: name, at, advance, set, delete, push, globals, add, remove, link, packet, capture, repeat, interface, queue, hints, cpu, expect"
        ],
    );
    fails_after_head(
        "[[step]]\npacket = \"eth / ipp\"",
        expect!["t.toml:3:17: no layer is called `ipp` (did you mean `ip`?)"],
    );
    fails_after_head(
        "[[step]]\npacket = \"eth\"\nexpect = \"dropp\"",
        expect![
            "t.toml:4:10: expected an action: aborted, drop, pass, tx or redirect, found `dropp`"
        ],
    );
    fails_after_head(
        "[[step]]\npacket = \"eth\"\nexpect = {action = \"drop\", like = \"eth / ip srd=1\"}",
        expect![
            "t.toml:4:45: ip has no field `srd` (did you mean `src`?); it has: version, ihl, dscp, ecn, len, id, rf, df, mf, offset, ttl, proto, csum, src, dst, options"
        ],
    );
    fails_after_head(
        "[[step]]\nexpect = \"drop\"",
        expect!["t.toml:2:1: missing key `packet`: something is expected of one"],
    );
    fails_after_head(
        "[[step]]\npacket = \"eth\"\ninterface = \"eth1\"",
        expect![
            "t.toml:4:13: no interface is called `eth1` (did you mean `eth0`?); there are: eth0"
        ],
    );
    fails_after_head(
        "[[step]]\npacket = \"eth\"\ncapture = \"x\"",
        expect!["t.toml:4:11: `packet` and `capture` cannot both be given"],
    );
    fails_after_head(
        "[[step]]\ncapture = \"x.pcap\"",
        expect!["t.toml:3:11: x.pcap: No such file or directory (os error 2)"],
    );
    fails_after_head(
        "[[step]]\nadvance = \"5 parsecs\"",
        expect![[
            r#"t.toml:3:11: expected nanoseconds, or text such as "1.5s", "20ms", "3us", found `5 parsecs`"#
        ]],
    );
    fails_after_head(
        "[[step]]\nlink.eth5 = \"up\"",
        expect![
            "t.toml:3:6: no interface is called `eth5` (did you mean `eth0`?); there are: eth0"
        ],
    );
    fails_after_head(
        "program = \"portknok\"",
        expect![
            "t.toml:2:11: no program is called `portknok` (did you mean `portknock`?); there are: portknock"
        ],
    );
    fails_after_head(
        "globals = { garded = 5 }",
        expect![
            "t.toml:2:13: no global variable is called `garded` (did you mean `guarded`?); there are: sequence, guarded"
        ],
    );
    fails_after_head(
        "globals = { guarded = 70000 }",
        expect!["t.toml:2:23: value: 70000 does not fit const volatile __u16 (16 bits)"],
    );
    fails_after_head(
        "[maps]\nknocker = []",
        expect![
            "t.toml:3:1: no map is called `knocker` (did you mean `knockers`?); there are: knockers, events"
        ],
    );
    fails_after_head(
        "[maps]\nknockers = [{ key = \"192.0.2\", value = 1 }]",
        expect![[r#"t.toml:3:21: value: "192.0.2" is no value for __be32"#]],
    );
    fails_after_head(
        "[maps]\nknockers = [{ key = 1, value = \"a lot\" }]",
        expect![[r#"t.toml:3:32: value: "a lot" is no value for __u32"#]],
    );
    fails_after_head(
        "[maps]\nknockers = [{ key = 1, valeu = 1 }]",
        expect!["t.toml:3:24: unknown key `valeu`; there are: key, value, values"],
    );
    fails_after_head(
        "[maps]\nknockers = 5",
        expect![[
            r#"t.toml:3:12: expected a list of entries such as [{key = 1, value = 2}], or {file = "entries.json"}, found 5"#
        ]],
    );
    fails_after_head(
        "[expect]\nmaps.nothing = []",
        expect!["t.toml:3:6: no map is called `nothing`; there are: knockers, events"],
    );
    fails_after_head(
        "[expect]\ncounts.drops = 1",
        expect![
            "t.toml:3:8: no action or interface is called `drops` (did you mean `drop`?); there are: aborted, drop, pass, tx, redirect, stack, back, lost, too-short, eth0"
        ],
    );
    fails_after_head(
        "[expect]\nglobals.x = 1",
        expect!["t.toml:3:9: no global variable is called `x`; there are: sequence, guarded"],
    );
    fails_after_head(
        "clock = \"sun\"",
        expect![[
            r#"t.toml:2:9: expected "capture", or a table with start, step, tick, capture, found `sun`"#
        ]],
    );
    fails_after_head(
        "cpus = 0",
        expect!["t.toml:2:8: expected 1 to 1024, found 0"],
    );
    fails_after_head(
        "event-types = { events = \"evnt\" }\n[expect.events]\nevents = []",
        expect!["t.toml:2:26: no type of the object is called `evnt`"],
    );
    fails_after_head(
        "[interfaces.a]\nmac = \"02:00\"",
        expect!["t.toml:3:7: expected a hardware address such as 02:00:00:00:00:01, found `02:00`"],
    );
    fails_after_head(
        "[[routes]]\ndestination = \"10.0.0.0/33\"",
        expect![
            "t.toml:3:15: expected an address or prefix such as 192.0.2.0/24, found `10.0.0.0/33`"
        ],
    );
    fails_after_head(
        "[[sockets]]",
        expect![
            "t.toml:2:1: missing key `map`: the xskmap of an AF_XDP socket (`tcp` or `udp` for others)"
        ],
    );
}

#[test]
fn values_inside_of_structs_have_their_place() {
    let head = "object = \"OBJECTS/balancer.bpf.o\"\n";
    fails(
        &format!(
            "{head}[maps]\nbackends = [{{ key = 1, value = {{\n  addr = \"10.2.0.1\",\n  mac = \"02:00:01\",\n}} }}]"
        ),
        expect![[r#"t.toml:5:9: value: mac: "02:00:01" is no value for __u8[6]"#]],
    );
    fails(
        &format!("{head}[expect]\nmaps.backends = [{{ key = 1, value = {{ adr = 5 }} }}]"),
        expect![[r#"t.toml:3:39: value: adr: struct backend has no field "adr""#]],
    );
}

const MISSES: &str = r#"# What is missed.
object = "OBJECTS/portknock.bpf.o"

[[step]]
packet = "eth / ip src=192.0.2.10 / tcp dport=7000" # a knock
expect = { action = "pass", unchanged = false }

[[step]]
packet = "eth / ip / tcp dport=80"
repeat = 3
expect = "drop" # none is

[[step]] # nothing is expected
packet = "eth / ip / tcp dport=22"

[expect]
counts = { pass = 2 }
maps.knockers = [
    { key = "192.0.2.10", value = 2 }, # two knocks
]
"#;

#[test]
fn what_is_missed_is_shown() {
    let (folder, path) = written(MISSES);
    let report = Scenario::load(&path).unwrap().run().unwrap();
    assert!(!report.is_ok());
    expect![[r#"
        t
          FAILED step 1: eth / ip src=192.0.2.10 / tcp dport=7000
                 t.toml:6:21: action: expected pass, got drop
                 eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                 ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6c3 ok src=192.0.2.10 dst=192.0.2.2
                 tcp      sport=40000 dport=7000 doff=5 flags=S window=65535 csum=0x743d ok
                 t.toml:6:41: output: expected changed, got unchanged
          FAILED step 2: eth / ip / tcp dport=80 (3 packets)
                 t.toml:11:10: packet 0: action: expected drop, got pass
                 eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                 ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                 tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
                 t.toml:11:10: packet 1: action: expected drop, got pass
                 eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                 ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                 tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
                 t.toml:11:10: packet 2: action: expected drop, got pass
                 eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                 ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                 tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
          ok     step 3: eth / ip / tcp dport=22
          FAILED at the end
                 t.toml:19:5: knockers["192.0.2.10"]: expected 2, got 1
                 t.toml:17:12: packets counted as pass: expected 2, got 3
    "#]]
    .assert_eq(&said(&folder, &report::text(&report)));
    expect![[r#"
        TAP version 14
        1..1
        # Subtest: t
            1..4
            not ok 1 - step 1: eth / ip src=192.0.2.10 / tcp dport=7000
              ---
              message: |
                t.toml:6:21: action: expected pass, got drop
                eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6c3 ok src=192.0.2.10 dst=192.0.2.2
                tcp      sport=40000 dport=7000 doff=5 flags=S window=65535 csum=0x743d ok
                t.toml:6:41: output: expected changed, got unchanged
              at:
                file: "t.toml"
                line: 4
              ...
            not ok 2 - step 2: eth / ip / tcp dport=80
              ---
              message: |
                t.toml:11:10: packet 0: action: expected drop, got pass
                eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
                t.toml:11:10: packet 1: action: expected drop, got pass
                eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
                t.toml:11:10: packet 2: action: expected drop, got pass
                eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
                ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
                tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
              at:
                file: "t.toml"
                line: 8
              ...
            ok 3 - step 3: eth / ip / tcp dport=22
            not ok 4 - at the end
              ---
              message: |
                t.toml:19:5: knockers["192.0.2.10"]: expected 2, got 1
                t.toml:17:12: packets counted as pass: expected 2, got 3
              ...
        not ok 1 - t
    "#]]
    .assert_eq(&said(&folder, &report::tap(std::slice::from_ref(&report))));
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="ebpf-sim" tests="4" failures="3" errors="0">
            <testsuite name="t" tests="4" disabled="0" errors="0" failures="3">
                <testcase name="step 1: eth / ip src=192.0.2.10 / tcp dport=7000" classname="t.toml">
                    <failure message="action: expected pass, got drop" type="expectation">t.toml:6:21: action: expected pass, got drop
        eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
        ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6c3 ok src=192.0.2.10 dst=192.0.2.2
        tcp      sport=40000 dport=7000 doff=5 flags=S window=65535 csum=0x743d ok
        t.toml:6:41: output: expected changed, got unchanged
        </failure>
                </testcase>
                <testcase name="step 2: eth / ip / tcp dport=80" classname="t.toml">
                    <failure message="packet 0: action: expected drop, got pass" type="expectation">t.toml:11:10: packet 0: action: expected drop, got pass
        eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
        ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
        tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
        t.toml:11:10: packet 1: action: expected drop, got pass
        eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
        ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
        tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
        t.toml:11:10: packet 2: action: expected drop, got pass
        eth      dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=ip
        ip       ihl=5 len=40 ttl=64 proto=tcp csum=0xf6cc ok src=192.0.2.1 dst=192.0.2.2
        tcp      sport=40000 dport=80 doff=5 flags=S window=65535 csum=0x8f4e ok
        </failure>
                </testcase>
                <testcase name="step 3: eth / ip / tcp dport=22" classname="t.toml">
                </testcase>
                <testcase name="at the end" classname="t.toml">
                    <failure message="knockers[&quot;192.0.2.10&quot;]: expected 2, got 1" type="expectation">t.toml:19:5: knockers[&quot;192.0.2.10&quot;]: expected 2, got 1
        t.toml:17:12: packets counted as pass: expected 2, got 3
        </failure>
                </testcase>
            </testsuite>
        </testsuites>
    "#]].assert_eq(&said(
        &folder,
        &report::junit(std::slice::from_ref(&report)),
    ));
}

#[test]
fn what_is_blessed_is_green() {
    let (folder, path) = written(MISSES);
    let report = Scenario::load(&path).unwrap().run().unwrap();
    let fixes: Vec<_> = report.checks.iter().flat_map(|c| c.fixes.clone()).collect();
    let text = std::fs::read_to_string(&path).unwrap();
    let blessed = bless(&text, &fixes).unwrap();
    expect![[r##"
        # What is missed.
        object = "CORPUS/objects/portknock.bpf.o"

        [[step]]
        packet = "eth / ip src=192.0.2.10 / tcp dport=7000" # a knock
        expect = { action = "drop", unchanged = true }

        [[step]]
        packet = "eth / ip / tcp dport=80"
        repeat = 3
        expect = "pass" # none is

        [[step]] # nothing is expected
        packet = "eth / ip / tcp dport=22"
        expect = "drop"

        [expect]
        counts = { pass = 3 }
        maps.knockers = [
            { key = "192.0.2.10", value = 1 }, # two knocks
        ]
    "##]]
    .assert_eq(&said(&folder, &blessed));
    std::fs::write(&path, blessed).unwrap();
    Scenario::load(&path).unwrap().run().unwrap().assert();
}

/// Packets of a capture that no driver delivers are counted, not run.
#[test]
fn runts_are_passed_over() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/pcaps/runts.pcap");
    let (_folder, path) = written(&format!(
        "object = \"OBJECTS/pass.bpf.o\"\n[[step]]\ncapture = {:?}\n",
        capture.display().to_string()
    ));
    let report = Scenario::load(&path).unwrap().run().unwrap();
    let all = std::fs::File::open(&capture).unwrap();
    let mut all = xdp_sim::capture::Reader::new(all, Default::default()).unwrap();
    let (mut short, mut whole) = (0, 0);
    while let Some(packet) = all.next().unwrap() {
        match packet.captured.len() < 14 {
            true => short += 1,
            false => whole += 1,
        }
    }
    assert!(short > 0);
    assert_eq!(report.packets, whole);
}

/// Everything else that happens between packets.
#[test]
fn the_world_changes_between_steps() {
    let (_folder, path) = written(
        r#"object = "OBJECTS/router.bpf.o"
program = "router"

[interfaces.west]
addresses = ["198.51.100.1/24"]

[interfaces.east]
mac = "02:00:00:00:11:01"
addresses = ["203.0.113.1/24"]

[[step]]
name = "no route, no way"
packet = "eth / ip src=198.51.100.7 dst=192.0.2.20 / udp"
expect = { to = ["stack"] }

[[step]]
name = "a route and a neighbour lead east"
add.routes = [{ destination = "192.0.2.0/24", via = "203.0.113.2", interface = "east" }]
add.neighbours = [{ interface = "east", address = "203.0.113.2", mac = "02:00:00:00:11:02" }]
packet = "eth / ip src=198.51.100.7 dst=192.0.2.20 / udp"
[step.expect]
action = "redirect"
to = "east"
output = "eth dst=02:00:00:00:11:02 src=02:00:00:00:11:01 / ip src=198.51.100.7 dst=192.0.2.20 ttl=63 / udp"

[[step]]
name = "without the neighbour the stack must ask"
remove.neighbours = ["203.0.113.2"]
packet = "eth / ip src=198.51.100.7 dst=192.0.2.20 / udp"
expect = { action = "pass", unchanged = true }

[[step]]
remove.routes = ["192.0.2.0/24"]
packet = "eth / ip src=198.51.100.7 dst=192.0.2.20 / udp"
expect = "pass"
"#,
    );
    Scenario::load(&path).unwrap().run().unwrap().assert();
}

/// A program that does not end is stopped at its budget, and the trap says where.
#[test]
fn budgets_and_traps() {
    let (_folder, path) = written(
        r#"object = "OBJECTS/portknock.bpf.o"
budget = 5

[[step]]
packet = "eth / ip / tcp"
expect = { action = "aborted", trap = "insn 5: more than 5 instructions" }
"#,
    );
    let report = Scenario::load(&path).unwrap().run().unwrap();
    let text = report::text(&report);
    assert!(report.is_ok(), "{text}");
}

#[test]
fn faulty_hints() {
    let step = "[[step]]\npacket = \"eth / ip\"\n";
    let cases = [
        (
            "hints = { timestamp = \"soon\" }",
            "t.toml:4:23: expected nanoseconds, or text such as \"1.5s\", \"20ms\", \"3us\", found `soon`",
        ),
        (
            "hints = { hash = 1, hash-type = \"l4-ipv4-tpc\" }",
            "t.toml:4:33: no type of hash is called `l4-ipv4-tpc` (did you mean `l4-ipv4-tcp`?); there are: none, l2, l3-ipv4, l3-ipv6, l3-ipv4-opt, l3-ipv6-ex, l4-any, l4-ipv4-tcp, l4-ipv4-udp, l4-ipv4-sctp, l4-ipv4-ipsec, l4-ipv4-icmp, l4-ipv6-tcp, l4-ipv6-udp, l4-ipv6-sctp, l4-ipv6-ipsec, l4-ipv6-icmp, l4-ipv6-tcp-ex, l4-ipv6-udp-ex",
        ),
        (
            "hints = { hash-type = \"l2\" }",
            "t.toml:4:23: missing key `hash`: the number that `hash-type` is the type of",
        ),
        (
            "hints = { vlan = { id = 4096 } }",
            "t.toml:4:25: expected a number of 12 bits, found 4096",
        ),
        (
            "hints = { stamp = 1 }",
            "t.toml:4:11: unknown key `stamp`; there are: timestamp, hash-type, hash, vlan",
        ),
        (
            "hints = [{}, {}]",
            "t.toml:4:9: expected a table, or a list with one for each packet (1), found a list of 2",
        ),
    ];
    for (text, expected) in cases {
        let (folder, path) = written(&format!("{HEAD}{step}{text}"));
        let error = Scenario::load(&path).unwrap_err().to_string();
        assert_eq!(said(&folder, &error), expected);
    }
}

#[test]
fn faulty_sockets_and_records() {
    fails_after_head(
        "[[sockets]]\ntcp = \"192.0.2.1\"",
        expect![
            "t.toml:3:7: expected an address with a port such as 192.0.2.1:80 or [::]:80, found `192.0.2.1`"
        ],
    );
    fails_after_head(
        "[[sockets]]\ntcp = \"[::]:1\"\nudp = \"[::]:1\"",
        expect!["t.toml:4:7: `tcp` and `udp` cannot both be given"],
    );
    fails_after_head(
        "[[sockets]]\nport = 80",
        expect![
            "t.toml:2:1: missing key `map`: the xskmap of an AF_XDP socket (`tcp` or `udp` for others)"
        ],
    );
    fails_after_head(
        "[[step]]\npush.knockers = [\"0x00\"]",
        expect!["t.toml:3:6: expected a map of type user_ringbuf, found knockers, of type hash"],
    );
    let commands = "object = \"SCENARIOS/commands.bpf.o\"\n";
    let typed = format!("{commands}event-types = {{ commands = \"struct command\" }}\n");
    fails(
        &format!("{commands}[[step]]\npush.commands = [{{ port = 1 }}]"),
        expect![[r#"
            t.toml:3:18: expected bytes such as "0x0102" (`event-types.commands` names a type for tables), found a table"#]],
    );
    fails(
        &format!("{typed}[[step]]\npush.commands = [{{ port = 1, verb = \"DENY\" }}]"),
        expect!["t.toml:4:37: value: verb: enum verb has no value \"DENY\""],
    );
    fails(
        &format!("{typed}[[step]]\npush.commands = [\"hex 0\"]"),
        expect!["t.toml:4:23: expected pairs of hex digits such as 45 or ??, found `0`"],
    );
    fails(
        &format!("{typed}[[step]]\npush.commands = [\"payload len=5000\"]"),
        expect!["t.toml:4:18: the map refuses it: E2BIG"],
    );
}

#[test]
fn faulty_replacements() {
    let head = "objects.filter.file = \"SCENARIOS/policy.bpf.o\"\nobjects.stricter.file = \"SCENARIOS/stricter.bpf.o\"\nprogram = \"filter\"\n[replace]\n";
    for (text, expected) in [
        (
            "\"filter:policy\" = \"too_few\"",
            "t.toml:5:19: policy() takes 2 arguments, too_few() takes 1",
        ),
        (
            "\"filter:policy\" = \"another_type\"",
            "t.toml:5:19: argument 2 of policy() is struct seen *, that of another_type() is struct ethhdr *",
        ),
        (
            "\"filter:policy\" = \"unchecked\"",
            "t.toml:5:19: Linux would refuse program filter: R2 invalid mem access 'mem_or_null'",
        ),
        (
            "\"filter:polcy\" = \"strict\"",
            "t.toml:5:18: program filter has no function polcy; there are: filter, other, policy",
        ),
        (
            "\"filter:policy\" = \"filter\"",
            "t.toml:5:19: program filter is of type xdp, not ext (SEC(\"freplace/policy\"))",
        ),
        (
            "\"filter:policy\" = \"strikt\"",
            "t.toml:5:19: no freplace program is called `strikt` (did you mean `strict`?); there are: strict, reflect, too_few, another_type, unchecked",
        ),
        (
            "policy = \"strict\"",
            "t.toml:5:1: expected a program and its function, such as \"filter:policy\", found `policy`",
        ),
    ] {
        let (folder, path) = written(&format!("{head}{text}"));
        let error = Scenario::load(&path).and_then(|scenario| scenario.run());
        assert_eq!(said(&folder, &error.unwrap_err().to_string()), expected);
    }
    fails(
        "object = \"SCENARIOS/stricter.bpf.o\"\n[interfaces.eth0]\nprograms = [\"reflect\", \"strict\"]",
        expect!["t.toml:3:24: prog() takes 1 arguments, strict() takes 2"],
    );
}
