//! `ebpf-sim verify`, `explain` and `features`, and what `run` asks first.

use expect_test::expect;
use serde_json::Value as Json;

use crate::support::{check, sim, sim_reading};

/// The same without what differs from run to run.
fn untimed(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(", ") {
        Some((what, time)) if time.ends_with(" us)") => format!("{what})\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn a_refusal_is_explained() {
    check(
        "verify verify/mistakes/null_check.bpf.o --program wrong",
        expect![[r#"
            null_check.bpf.o/wrong: refused: R0 invalid mem access 'map_value_or_null'
              --> null_check.bpf.c:20: *count += 1;
                  7: r1 = *(u64 *)(r0 +0)
              R0 is map_value_or_null(id=1,map=packets,ks=4,vs=8) there
              where that came from:
                  6: call bpf_map_lookup_elem#1       R0=map_value_or_null(id=1,map=packets,ks=4,vs=8)  null_check.bpf.c:18
              missing: A test against NULL between the call and the access.
              help: if (!value) return ...; right after the look-up. The test must be on the same pointer, before any arithmetic on it.
              Linux: R0 invalid mem access 'map_value_or_null'
              more: ebpf-sim explain null-test-missing
            exit 1
        "#]],
    );
}

#[test]
fn a_refusal_in_json() {
    let ran = sim("verify verify/mistakes/null_check.bpf.o --program wrong --json --explain");
    let json: Json = serde_json::from_str(&ran.stdout).expect("a line of JSON");
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_eq!(json["verdict"], "failure");
    assert_eq!(json["errno"], "EACCES");
    assert_eq!(json["code"], "null-test-missing");
    assert_eq!(json["explanation"]["place"]["file"], "null_check.bpf.c");
    assert_eq!(json["explanation"]["register"], "r0");
}

#[test]
fn acceptance_with_log() {
    let ran = sim("verify objects/pass.bpf.o --log-level 3");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let log = ran
        .stdout
        .lines()
        .filter(|line| !line.contains("us)") && !line.contains("US"));
    expect![[r#"
        func#0 @0
        Live regs before insn:
              0: .......... (b4) w0 = 2
              1: 0......... (95) exit
        0: R1=ctx() R10=fp0
        ; return XDP_PASS; @ pass.bpf.c:9
        0: (b4) w0 = 2                        ; R0=2
        1: (95) exit
        processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0"#]].assert_eq(&log.collect::<Vec<_>>().join("\n"));
}

#[test]
fn csv_and_comparison() {
    let columns = "-e file_name,prog_name,verdict,total_insns,total_states";
    let csv = sim(&format!(
        "verify objects/nat.bpf.o objects/pass.bpf.o -o csv {columns}"
    ));
    assert_eq!((csv.code, csv.stderr.as_str()), (0, ""));
    expect![[r#"
        file_name,prog_name,verdict,total_insns,total_states
        nat.bpf.o,nat,success,927,33
        pass.bpf.o,pass,success,2,0
    "#]]
    .assert_eq(&csv.stdout);
    let folder = tempfile::tempdir().expect("a folder");
    let base = folder.path().join("base.csv");
    let changed = csv
        .stdout
        .replace("pass.bpf.o,pass,success", "pass.bpf.o,pass,failure");
    std::fs::write(&base, changed).expect("written");
    let line = format!(
        "verify objects/nat.bpf.o objects/pass.bpf.o --compare {}",
        base.display()
    );
    let compared = sim(&line);
    assert_eq!(compared.code, 1, "{}", compared.stderr);
    assert!(compared.stdout.contains("MISMATCH"), "{}", compared.stdout);
}

#[test]
fn filters_and_order() {
    let line = "verify objects/nat.bpf.o objects/pass.bpf.o objects/firewall.bpf.o -o csv \
                -e prog_name -f insns>100 -s insns";
    expect![[r#"
        prog_name
        nat
        firewall
    "#]]
    .assert_eq(&sim(line).stdout);
    assert_eq!(sim("verify objects/pass.bpf.o -s nonsense").code, 2);
}

#[test]
fn raw_programs() {
    let ran = sim_reading("verify --programs -", "verify/raw.jsonl");
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""));
    let lines = ran.stdout.lines().map(|line| {
        let mut json: Json = serde_json::from_str(line).expect("JSON");
        if let Some(json) = json.as_object_mut() {
            json.remove("microseconds");
        }
        json.to_string()
    });
    expect![[r#"
        {"line":1,"file":"-","program":"pass","type":"xdp","attach_type":null,"verdict":"success","errno":null,"message":null,"code":null,"pc":null,"processed":2,"max_states_per_insn":0,"total_states":0,"peak_states":0,"stack_depth":[0],"prog_size":2}
        {"line":2,"verdict":"unreadable","error":"expected ident at line 1 column 2"}
        {"line":3,"file":"-","program":"empty","type":"xdp","attach_type":null,"verdict":"failure","errno":"EACCES","message":"R0 !read_ok","code":"uninitialised-register","pc":0,"processed":1,"max_states_per_insn":0,"total_states":0,"peak_states":0,"stack_depth":[0],"prog_size":1}
        {"line":4,"verdict":"unreadable","error":"type: `no such type` is not a name that bpftool has there"}"#]].assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn run_verifies_first() {
    let line = "run verify/mistakes/packet_bounds.bpf.o --program wrong --pcap pcaps/mixed.pcap";
    let refused = sim(line);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.contains("offset is outside of the packet"),
        "{}",
        refused.stderr
    );
    let run = sim(&format!("{line} --unverified"));
    assert!(run.stdout.contains("XDP_PASS"), "{}", run.stderr);
}

#[test]
fn several_objects_and_one_that_is_none() {
    let ran = sim("verify objects/pass.bpf.o README.md objects/nat.bpf.o");
    assert_eq!(ran.code, 2);
    expect![[r#"
        ebpf-sim: README.md: not an ELF file
    "#]]
    .assert_eq(&ran.stderr);
    expect![[r#"
        pass.bpf.o/pass: accepted (2 instructions followed, 0 states)
        nat.bpf.o/nat: accepted (927 instructions followed, 33 states)
        2 programs: 2 accepted, 0 refused, 0 not supported
    "#]]
    .assert_eq(&untimed(&ran.stdout));
}

#[test]
fn topics_and_features() {
    let topic = sim("explain null-test-missing");
    assert!(topic.ok().contains("Refused:"));
    assert!(sim("explain").ok().lines().count() > 100);
    assert_eq!(sim("explain nothing-like-this").code, 2);
    let features = sim("features bpf_redirect_map");
    expect![[r#"
                          verified  simulated
        bpf_redirect_map  yes       yes
    "#]]
    .assert_eq(features.ok());
}
