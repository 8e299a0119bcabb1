//! `run --coverage`, `--annotate`, `--hottest`, `--max-insns-per-packet`.

use std::fs;

use expect_test::expect;

use crate::support::{fails, sim, sim_with};

const RUN: &str = "run objects/firewall.bpf.o --pcap pcaps/mixed.pcap
    --map rules=maps/firewall/rules.json";

#[test]
fn a_trace_file_for_lcov() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ran = sim_with(&format!("{RUN} --coverage"), &[file.path()]);
    assert!(
        ran.ok()
            .contains("\ncoverage      lines 45 of 45 (100.0 %)"),
        "{}",
        ran.stdout
    );
    let trace = fs::read_to_string(file.path()).unwrap();
    let has = |line: &str| trace.lines().any(|known| known == line);
    for line in [
        "TN:ebpf_sim",
        "SF:./firewall.bpf.c",
        "FN:114,firewall",
        "FNDA:366,firewall",
        // Nothing is on the list of blocked addresses.
        "BRDA:128,0,0,194",
        "BRDA:128,0,1,0",
        "DA:114,366",
        "end_of_record",
    ] {
        assert!(has(line), "{line} is not in\n{trace}");
    }
    // As with every other report, counting changes nothing of the run.
    let plain = sim(RUN);
    let count = |text: &str| {
        text.lines()
            .find(|l| l.starts_with("instr"))
            .map(str::to_owned)
    };
    assert_eq!(count(&ran.stdout), count(&plain.stdout));
}

#[test]
fn lines_and_instructions_in_the_report() {
    let ran = sim(&format!("{RUN} --annotate --hottest=2"));
    let said = ran.ok();
    for line in [
        "         194            194    128  \t\tif (block)",
        "                                    ^ branch always jumped",
        "         366   1.1 %  firewall    0: r8 = *(u32 *)(r1 +4)  ; firewall.bpf.c:114",
    ] {
        assert!(said.lines().any(|known| known == line), "{line}\n{said}");
    }
}

#[test]
fn more_instructions_than_allowed() {
    let ran = sim(&format!("{RUN} --max-insns-per-packet 129"));
    ran.ok();
    let ran = sim(&format!("{RUN} --max-insns-per-packet 120"));
    assert_eq!(ran.code, 1);
    expect![[r#"
        ebpf-sim: packet 37 took 129 instructions, more than 120
    "#]]
    .assert_eq(&ran.stderr);
}

#[test]
fn nothing_stands_among_json_lines() {
    for option in ["--annotate", "--hottest"] {
        let ran = sim(&format!("{RUN} --json {option}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{option}");
        assert!(ran.stderr.contains(option), "{}", ran.stderr);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let annotate = format!("--annotate={}", file.path().display());
    let ran = sim_with(&format!("{RUN} --json"), &[annotate]);
    ran.ok();
    assert_eq!(ran.json().len(), ran.stdout.lines().count());
    assert!(!fs::read(file.path()).unwrap().is_empty());
}

#[test]
fn what_cannot_be_counted() {
    fails(
        &format!("{RUN} --engine jit --annotate"),
        2,
        expect![[r#"
            ebpf-sim: --coverage: instructions are counted in the interpreter: leave --engine jit out
        "#]],
    );
    let ran = sim(&format!("{RUN} --coverage /nonexistent/file"));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("/nonexistent/file"), "{}", ran.stderr);
}
