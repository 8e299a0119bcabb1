//! The stack of chains of calls. The answers are those of Linux 6.18 to
//! programs with such frames.

use abi::{ProgType, Program};
use isa::Slot;
use verifier::Config;
use verifier::structure::{self, stack_depth};

use crate::common::{EXIT, ZERO, answer, call, of, slot};

/// A program of functions that call the next one each, with frames of so many
/// bytes.
fn chain(depths: &[u32]) -> String {
    check(calling(depths.len()), depths)
}

fn calling(functions: usize) -> Program {
    let calls = (1..functions).flat_map(|_| [call(1), EXIT]);
    of(calls.chain([ZERO, EXIT]))
}

fn check(program: Program, depths: &[u32]) -> String {
    let structure = structure::analyze(&program, &Config::default()).expect("fine");
    let frame = |depth: &u32| stack_depth::FrameUse {
        depth: *depth,
        ..Default::default()
    };
    let frames: Vec<_> = depths.iter().map(frame).collect();
    match stack_depth::check(&program, &structure, &frames) {
        Ok(()) => "ok".to_owned(),
        Err(fault) => answer(*fault),
    }
}

#[test]
fn frames_count_in_steps_of_16() {
    let cases: [(&[u32], &str); 8] = [
        (&[512], "ok"),
        (&[512, 0], "ok"),
        (&[264, 240], "ok"),
        (
            &[264, 248],
            "EACCES combined stack size of 2 calls is 528. Too large",
        ),
        (&[8, 496], "ok"),
        (
            &[8, 504],
            "EACCES combined stack size of 2 calls is 528. Too large",
        ),
        (
            &[296, 296],
            "EACCES combined stack size of 2 calls is 608. Too large",
        ),
        (&[64; 8], "ok"),
    ];
    for (depths, linux) in cases {
        assert_eq!(chain(depths), linux, "{depths:?}");
    }
    assert_eq!(
        chain(&[0; 9]),
        "E2BIG the call stack of 8 frames is too deep !"
    );
}

/// Also where it is never reached.
#[test]
fn recursion_is_too_deep() {
    let recursive = of([ZERO, slot(0x15, 0, 0, 1, 0), call(-3), EXIT]);
    let linux = "E2BIG the call stack of 8 frames is too deep !";
    assert_eq!(check(recursive, &[0]), linux);
}

#[test]
fn some_programs_have_a_stack_for_each_function() {
    for prog_type in [
        ProgType::Kprobe,
        ProgType::Tracepoint,
        ProgType::PerfEvent,
        ProgType::RawTracepoint,
    ] {
        let program = || Program {
            prog_type,
            ..calling(2)
        };
        assert_eq!(check(program(), &[296, 296]), "ok");
        // Functions with less than 64 bytes have none of their own.
        assert_eq!(check(program(), &[512, 48]), "ok");
    }
    let xdp = Program {
        prog_type: ProgType::Xdp,
        ..calling(2)
    };
    assert_eq!(
        check(xdp, &[296, 296]),
        "EACCES combined stack size of 2 calls is 608. Too large"
    );
}

/// The functions that a chain comes to many times are looked at few times.
#[test]
fn chains_that_meet_again_take_no_time() {
    // Each of 200 functions calls the next five.
    let functions = 200usize;
    let size = 7;
    let function = |number: usize| {
        let calls = (1..=5usize).map(move |ahead| {
            let to = (number + ahead).min(functions - 1) * size;
            let from = number * size + ahead - 1;
            if number == functions - 1 {
                ZERO
            } else {
                call(to as i32 - from as i32 - 1)
            }
        });
        calls.chain([ZERO, EXIT])
    };
    let slots: Vec<Slot> = (0..functions).flat_map(function).collect();
    let depths: Vec<u32> = (0..functions as u32).map(|n| n % 48).collect();
    assert_eq!(
        check(of(slots), &depths),
        "E2BIG the call stack of 8 frames is too deep !"
    );
}
