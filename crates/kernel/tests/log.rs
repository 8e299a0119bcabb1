//! Logs of the running kernel, read. The samples in `data` are programs of our
//! own and what Linux 6.18 wrote about them at level 7; where the kernel can be
//! asked and is of that release, it is asked again. `UPDATE_EXPECT=1` rewrites
//! them.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use abi::{MapType, ProgType};
use common::{def, program};
use isa::Pc;
use kernel::log::{Counts, Line, Log};
use kernel::{LoadError, LoadOptions, LogWanted};

const SAMPLES: [&str; 5] = ["endless", "fine", "held", "null", "outside"];

#[test]
fn samples_are_what_linux_says() {
    let kernel = kernel_or_return!();
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    if !update && !kernel.release().starts_with("6.18.") {
        kernel::testing::note("skipped: the samples are of Linux 6.18");
        return;
    }
    for name in SAMPLES {
        let map = match name {
            "held" => def(MapType::Ringbuf, 0, 0, 4096),
            _ => def(MapType::Hash, 4, 8, 4),
        };
        let map = kernel.create_map(&map, None).unwrap();
        let text = fs::read_to_string(data(&format!("{name}.bpf"))).unwrap();
        let program = program(ProgType::Xdp, &text, &[]);
        let options = LoadOptions {
            log: LogWanted::Level(7),
            ..LoadOptions::default()
        };
        let log = match kernel.load(&program, &[map], &options) {
            Ok(loaded) => loaded.log().to_owned(),
            Err(LoadError::Refused(refusal)) => refusal.log,
            Err(error) => panic!("{name}: {error}"),
        };
        let log = masked(&log);
        let path = data(&format!("{name}.log"));
        match update {
            true => fs::write(path, log).unwrap(),
            false => assert_eq!(log, fs::read_to_string(path).unwrap(), "{name}"),
        }
    }
}

/// Without what differs from run to run: addresses and times.
fn masked(log: &str) -> String {
    let mask = |line: &str| {
        if line.starts_with("verification time ") {
            return "verification time 1 usec\n".to_owned();
        }
        match line.split_once(" = 0xffff") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
                format!("{before} = 0xffff000000000000{rest}\n")
            }
            None => format!("{line}\n"),
        }
    };
    log.lines().map(mask).collect()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn sample(name: &str) -> Log {
    Log::parse(&fs::read_to_string(data(&format!("{name}.log"))).unwrap())
}

/// What of a log is not understood, and why the program was refused.
fn others(log: &Log) -> Vec<&str> {
    let others = log.lines.iter().filter_map(|line| match line {
        Line::Other(text) => Some(text.as_str()),
        _ => None,
    });
    others.collect()
}

/// Any text is a log.
#[test]
fn no_text_is_too_odd() {
    for name in SAMPLES {
        let text = fs::read_to_string(data(&format!("{name}.log"))).unwrap();
        for cut in (0..text.len()).step_by(11) {
            let (before, after) = text.split_at(cut);
            let _ = (Log::parse(before), Log::parse(after));
        }
    }
    for text in [
        "1: .............................. (05) goto",
        "1: éééééééééé (05) goto",
        "4294967296: R1=1",
        "0: R1=1 fp-2147483648=m fp-2147483649=m fp-99999999999=m refs=,,4294967296",
        "from 1 to 99999999999: safe",
        "func#1 @",
        "processed 99999999999 insns",
        "stack depth 99999999999",
        "; @ :",
        "0: (zz) ;",
        "0: ((((",
        "R1=))))((((",
    ] {
        let _ = Log::parse(text).sentence();
    }
}

#[test]
fn an_accepted_program() {
    let log = sample("fine");
    assert_eq!(log.sentence(), None);
    assert_eq!(others(&log), ["Live regs before insn:"]);
    let counts = Counts {
        processed: Some(14),
        limit: Some(1_000_000),
        max_states_per_insn: Some(0),
        total_states: Some(1),
        peak_states: Some(1),
        mark_read: Some(0),
        verification_usec: Some(1),
        stack_depth: Some(vec![8]),
    };
    assert_eq!(log.counts, counts);
    let after = log.states_after(Pc(6)).next().unwrap();
    let byte = "scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))";
    assert_eq!(after.slot(-8), Some(byte));
    assert_eq!(after.register(10), Some("fp0"));
    let drop: Vec<_> = log.states_before(Pc(11)).collect();
    assert_eq!(drop.len(), 1);
    assert_eq!(drop[0].register(7), Some("pkt_end()"));
    let branches = log.lines.iter().filter_map(|line| match line {
        Line::Branch {
            from, to, state, ..
        } => Some((from.0, to.0, state.is_some())),
        _ => None,
    });
    assert_eq!(branches.collect::<Vec<_>>(), [(7, 9, false), (4, 11, true)]);
    let live = log.lines.iter().find_map(|line| match line {
        Line::Live {
            pc: Pc(3),
            registers,
            ..
        } => Some(*registers),
        _ => None,
    });
    assert_eq!(live, Some(1 << 2 | 1 << 6 | 1 << 7));
}

#[test]
fn references() {
    let log = sample("held");
    let complaint: Vec<_> = log.complaint().collect();
    assert_eq!(
        complaint,
        [
            "Unreleased reference id=2 alloc_insn=4",
            "BPF_EXIT instruction in main prog would lead to reference leak"
        ]
    );
    assert_eq!(log.sentence(), complaint.last().copied());
    let visits: Vec<_> = log.states_after(Pc(12)).collect();
    // With the record given back, and without.
    let held: Vec<_> = visits.iter().map(|state| &state.references[..]).collect();
    assert_eq!(held, [&[][..], &[2]]);
}

#[test]
fn a_refusal_where_it_stands() {
    let log = sample("null");
    assert_eq!(log.sentence(), Some("R6 invalid mem access 'scalar'"));
    let Some(Line::Insn { pc, opcode, .. }) = log.lines.iter().rev().nth(1) else {
        panic!("{:?}", log.lines.last());
    };
    assert_eq!((*pc, *opcode), (Pc(8), 0x79));
}

#[test]
fn loops() {
    let log = sample("endless");
    let said: Vec<_> = log.complaint().collect();
    assert_eq!(said, ["infinite loop detected at insn 4"]);
    let Some(Line::Frame(old)) = log.lines.last() else {
        panic!("{:?}", log.lines.last());
    };
    assert_eq!(old.register(6), Some("1"));
    let inside = log.lines.iter().filter_map(|line| match line {
        Line::Live { scc, pc, .. } if *scc > 0 => Some(pc.0),
        _ => None,
    });
    assert_eq!(inside.collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[test]
fn calls() {
    let log = sample("outside");
    assert_eq!(
        log.complaint().collect::<Vec<_>>(),
        [
            "invalid access to map value, value_size=8 off=9 size=1",
            "R0 max value is outside of the allowed memory range"
        ]
    );
    assert_eq!(log.counts.stack_depth, Some(vec![16, 0]));
    let functions = log.lines.iter().filter_map(|line| match line {
        Line::Function { number, pc } => Some((*number, pc.0)),
        _ => None,
    });
    assert_eq!(functions.collect::<Vec<_>>(), [(0, 0), (1, 20)]);
    let callee = log.states_before(Pc(20)).next().unwrap();
    assert_eq!(callee.frame, 1);
    let around: Vec<_> = log
        .lines
        .iter()
        .filter(|l| matches!(l, Line::Frame(_)))
        .collect();
    assert_eq!(around.len(), 4);
    assert_eq!(
        others(&log)[1..5],
        [
            "caller:",
            "callee:",
            "returning from callee:",
            "to caller at 10:"
        ]
    );
}
