//! Programs that are hard on a verifier, each in a way of its own.

use std::fmt::Write;

use abi::{ProgType, Program};
use isa::disasm::Symbol;

/// All of them, with names.
pub(crate) fn programs() -> Vec<(&'static str, Program)> {
    vec![
        (
            "branches: 4,000 in a row that nothing depends on",
            branches(4_000),
        ),
        ("switch of 1,000 cases", switch(1_000)),
        ("loop: 330,000 rounds", long_loop(330_000)),
        (
            "loop with 40 stack slots, 3,000 rounds",
            stack_loop(3_000, 40),
        ),
        (
            "precision: a chain of 3,000 instructions, used 40 times",
            chain(3_000, 40),
        ),
        ("14 branches into a stack index", merges(14)),
        ("straight: 60,000 instructions", straight(60_000)),
        ("loop without an end, to the limit", long_loop(600_000)),
    ]
}

/// An unknown number in `r6`.
const RANDOM: &str = "call bpf_get_prandom_u32\nr6 = r0\n";

fn branches(count: usize) -> Program {
    let mut text = String::from(RANDOM);
    for i in 0..count {
        let bit = 1u32 << (i % 31);
        let _ = writeln!(text, "if r6 & {bit} goto l{i}\nr7 = {i}\nl{i}: r8 = {i}");
    }
    assemble(text)
}

fn switch(cases: usize) -> Program {
    let mut text = String::from(RANDOM);
    text += "r7 = 0\n";
    for i in 0..cases {
        let _ = writeln!(text, "if r6 == {i} goto case{i}");
    }
    text += "goto end\n";
    for i in 0..cases {
        let _ = writeln!(text, "case{i}: r7 = {i}\nr7 *= 3\ngoto end");
    }
    text += "end: r7 &= 7\n";
    assemble(text)
}

fn long_loop(rounds: usize) -> Program {
    assemble(format!(
        "{RANDOM}r7 = 0\nr8 = 0\nagain: r8 ^= r6\nr7 += 1\nif r7 < {rounds} goto again\n"
    ))
}

fn stack_loop(rounds: usize, slots: usize) -> Program {
    let mut text = String::from(RANDOM);
    for slot in 1..=slots {
        let _ = writeln!(text, "*(u64 *)(r10 -{}) = r6", slot * 8);
    }
    text += "r7 = 0\nagain:\n";
    for slot in 1..=slots {
        let _ = writeln!(
            text,
            "r1 = *(u64 *)(r10 -{0})\nr1 += r7\n*(u64 *)(r10 -{0}) = r1",
            slot * 8
        );
    }
    let _ = writeln!(text, "r7 += 1\nif r7 < {rounds} goto again");
    assemble(text)
}

fn chain(len: usize, uses: usize) -> Program {
    let mut text = String::from(RANDOM);
    text += "r6 &= 7\n";
    for _ in 0..uses {
        for i in 0..len / uses {
            let _ = writeln!(text, "r{} = r{}", 7 + i % 2, 6 + i % 2);
            let _ = writeln!(text, "r6 = r{}", 7 + i % 2);
        }
        text += "r1 = r10\nr1 += -16\nr1 += r6\n*(u8 *)(r1 +0) = 1\nif r6 > 3 goto pc+1\nr9 = 1\n";
    }
    assemble(text)
}

fn merges(count: usize) -> Program {
    let mut text = String::from(RANDOM);
    text += "r7 = 0\n";
    for i in 0..count {
        let _ = writeln!(
            text,
            "if r6 & {} goto l{i}\nr7 += 1\nl{i}: r8 = 0",
            1u32 << i
        );
    }
    text += "r1 = r10\nr1 += -32\nr1 += r7\n*(u8 *)(r1 +0) = 1\n";
    assemble(text)
}

fn straight(count: usize) -> Program {
    let mut text = String::from(RANDOM);
    for i in 0..count {
        let _ = match i % 5 {
            0 => writeln!(text, "r7 = r6"),
            1 => writeln!(text, "r7 &= {}", i & 0xffff),
            2 => writeln!(text, "r8 = r7"),
            3 => writeln!(text, "r8 <<= 3"),
            _ => writeln!(text, "r6 += r8"),
        };
    }
    assemble(text)
}

fn assemble(mut text: String) -> Program {
    text += "r0 = 0\nexit\n";
    let resolver = |name: &str| {
        let helper = abi::helpers::by_name(name)?;
        Some(Symbol::Helper(helper.id as i32))
    };
    let code = isa::asm::assemble_with(&text, &resolver).expect("a program of our own");
    Program {
        name: "worst".to_owned(),
        section: "socket".to_owned(),
        ..Program::bare(ProgType::SocketFilter, code.slots().to_vec())
    }
}
