//! Hidden immediates.

mod every;

use abi::{ProgType, Program};
use every::forms;
use vm::{Machine, World};

/// What a program would like to see in executable memory.
const PLANTED: i32 = 0x1bad_c0de;

fn is_planted(code: &[u8]) -> bool {
    // Also by a number that is cut off, or at an odd place.
    let bytes = PLANTED.to_le_bytes();
    code.windows(3).any(|window| window == &bytes[..3])
}

#[test]
fn no_immediate_stands_in_the_code() {
    let n = PLANTED;
    let texts = [
        format!("r0 = {n}"),
        format!("w0 = {n}"),
        format!("r0 = {n:#x} ll"),
        format!("r0 = {:#x} ll", (n as u64) << 32 | 1),
        format!("r0 = 1\nr0 += {n}"),
        format!("r0 = r1\nr0 += {n}"),
        format!("w0 = w1\nw0 += {n}"),
        format!("r0 = r1\nr0 -= {n}"),
        format!("r0 = r1\nr0 |= {n}"),
        format!("r0 = r1\nr0 &= {n}"),
        format!("r0 = r1\nr0 ^= {n}"),
        format!("w0 = w1\nw0 ^= {n}"),
        format!("r0 = r1\nr0 *= {n}"),
        format!("w0 = w1\nw0 *= {n}"),
        format!("r0 = r1\nr0 /= {n}"),
        format!("r0 = r1\nr0 %= {n}"),
        format!("r0 = r1\nr0 s/= {n}"),
        format!("r0 = 0\nif r1 > {n} goto +1\nr0 = 1"),
        format!("r0 = 0\nif r1 & {n} goto +1\nr0 = 1"),
        format!("r0 = 0\nif w1 s< {n} goto +1\nr0 = 1"),
        format!("*(u32 *)(r10 -8) = {n}\nr0 = *(u32 *)(r10 -8)"),
        format!("*(u64 *)(r10 -8) = {n}\nr0 = *(u64 *)(r10 -8)"),
        format!(
            "r2 = r10\nr2 += {n}\nr2 += {}\nr0 = 7\n*(u64 *)(r2 -8) = r0\nr0 = *(u64 *)(r2 -8)",
            -n
        ),
        format!("r2 = r1\nr2 += {n}\nr3 = r2\nr3 <<= 1\nr3 += r2\nr0 = r3"),
    ];
    for text in texts {
        for form in forms() {
            let mut machine = Machine::new(World::default()).expect("a machine");
            let code = isa::asm::assemble(&format!("{text}\nexit"));
            let code = code.unwrap_or_else(|error| panic!("{text}: {error}"));
            let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
            let id = machine.load_program(&program, &[]).expect("a program");
            let args = [0x1234_5678_9abc, 0, 0, 0, 0];
            let wanted = machine.interpret(id, args);
            let compiled = form.compile(&mut machine).expect("it compiles");
            let got = vm::Engine::call(&compiled, &mut machine, id, args);
            assert_eq!(got, wanted, "{form}: {text}");
            let planted = is_planted(compiled.code());
            assert!(!(planted && form.options.blind), "{form}: {text}");
        }
    }
}

#[test]
fn without_hiding_there_it_is() {
    let mut machine = Machine::new(World::default()).expect("a machine");
    let code = isa::asm::assemble(&format!("r0 = {PLANTED}\nexit")).expect("a text");
    let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
    machine.load_program(&program, &[]).expect("a program");
    let shown = forms().find(|form| !form.options.blind).expect("a form");
    assert!(is_planted(
        shown.compile(&mut machine).expect("it compiles").code()
    ));
}

#[test]
fn equal_programs_are_hidden_differently() {
    let mut machine = Machine::new(World::default()).expect("a machine");
    let code = isa::asm::assemble(&format!("r0 = {PLANTED}\nexit")).expect("a text");
    let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
    for _ in 0..2 {
        machine.load_program(&program, &[]).expect("a program");
    }
    let hidden = forms().find(|form| form.options.blind).expect("a form");
    let compiled = hidden.compile(&mut machine).expect("it compiles");
    let offsets: Vec<usize> = compiled.lines().map(|(offset, ..)| offset).collect();
    let [one, two] = [offsets[0], offsets[2]].map(|at| &compiled.code()[at..at + 32]);
    assert_ne!(one, two);
}
