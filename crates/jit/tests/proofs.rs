//! Compiling with what a verifier proved.

use abi::proven::Call;
use abi::{MapDef, MapType, ProgType, Program, Proven};
use isa::Pc;
use jit::{Compiled, Mode, Options, Proof};
use vm::{Addr, Machine, MapId, ProgId, TrapKind, World};

fn machine(text: &str) -> (Machine, ProgId, MapId) {
    let mut machine = Machine::new(World::default()).expect("a machine");
    let map = machine
        .create_map(&MapDef::bare(MapType::Array, 4, 8, 2))
        .expect("a map");
    let code = isa::asm::assemble(text).unwrap_or_else(|error| panic!("{error}"));
    let program = Program::bare(ProgType::Xdp, code.slots().to_vec());
    let id = machine.load_program(&program, &[map]).expect("a program");
    (machine, id, map)
}

fn run(
    machine: &mut Machine,
    id: ProgId,
    proven: &Proven,
    maps: &[MapId],
) -> (usize, Result<u64, TrapKind>) {
    let options = Options {
        mode: Mode::Sandboxed,
        ..Options::default()
    };
    let proof = Proof {
        program: id,
        proven,
        maps,
    };
    let compiled = Compiled::with_proofs(machine, &options, &[proof]).expect("compiles");
    let code = compiled.code();
    let padding = code.iter().rev().take_while(|byte| **byte == 0xcc).count();
    let result = compiled.run(machine, id, Addr::NULL);
    (code.len() - padding, result.map_err(|trap| trap.kind))
}

/// Everything is reached, and branches go both ways.
fn plain(slots: u32) -> Proven {
    let mut proven = Proven::new(slots as usize);
    for pc in (0..slots).map(Pc) {
        proven.reach(pc);
        proven.branch(pc, true, true);
    }
    proven
}

#[test]
fn dead_code_is_left_out_and_guarded() {
    let text = "r0 = 1
        if r1 == 0 goto over
        r0 = 2
        r0 *= 77
        r0 += 12345678
        r0 ^= 12345678
        exit
    over:
        exit";
    let (mut machine, id, _) = machine(text);
    let (whole, result) = run(&mut machine, id, &plain(8), &[]);
    assert_eq!(result, Ok(1));

    let mut proven = Proven::new(8);
    for pc in [0, 1, 7].map(Pc) {
        proven.reach(pc);
    }
    proven.branch(Pc(1), false, true);
    let (less, result) = run(&mut machine, id, &proven, &[]);
    assert_eq!(result, Ok(1));
    assert!(less < whole, "{less} bytes, {whole} without a proof");

    // A proof that is wrong ends the run.
    let mut wrong = Proven::new(8);
    for pc in [0, 1, 2, 3, 4, 5, 6].map(Pc) {
        wrong.reach(pc);
    }
    wrong.branch(Pc(1), true, true);
    let (_, result) = run(&mut machine, id, &wrong, &[]);
    assert!(
        matches!(result, Err(TrapKind::Unsupported { .. })),
        "{result:?}"
    );
}

#[test]
fn the_map_of_a_call_is_taken_from_the_proof() {
    let text = "*(u32 *)(r10 -4) = 1
        r1 = map[idx:0]
        goto +0
        r2 = r10
        r2 += -4
        call 1
        exit";
    let (mut machine, id, map) = machine(text);
    let wanted = machine.interpret(id, [0; 5]).expect("runs");
    assert_ne!(wanted, 0);
    let mut proven = plain(8);
    let (call, result) = run(&mut machine, id, &proven, &[map]);
    assert_eq!(result, Ok(wanted));
    proven.note_call(
        Pc(6),
        Call {
            map: Some(0),
            key: None,
        },
    );
    let (inline, result) = run(&mut machine, id, &proven, &[map]);
    assert_eq!(result, Ok(wanted));
    assert_ne!(inline, call);
}
