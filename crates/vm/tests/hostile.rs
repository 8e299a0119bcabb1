//! Programs that nobody wrote: whatever the slots are, loading and running ends,
//! without a panic, and always the same way.

mod support;

use isa::{AluOp, CmpOp, Insn, Operand, Reg, Size, Slot, Width, encode};
use proptest::prelude::*;
use support::{machine, named};
use vm::{Machine, RegionKind, Rights, Trap};

/// What can be seen of a run from outside.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Result<u64, Trap>,
    executed: u64,
    memory: Vec<u8>,
}

/// Runs a program over 64 bytes of memory; `None` when it does not load.
fn run(code: &[Slot], budget: u64) -> Option<Outcome> {
    let mut machine = machine();
    machine.budget = budget;
    let program = machine.load_program(&named("random", code.to_vec()), &[]);
    let start = memory(&mut machine);
    let result = machine.call(program.ok()?, [start.to_reg(), 64, 0, 0, 0]);
    if let Err(trap) = &result {
        assert!(!machine.explain(trap).is_empty());
    }
    Some(Outcome {
        result,
        executed: machine.executed(),
        memory: machine.space.bytes(start, 64).to_vec(),
    })
}

fn memory(machine: &mut Machine) -> vm::Addr {
    let region = machine
        .space
        .add(64, Rights::ReadWrite, RegionKind::Platform)
        .expect("room");
    let start = machine.space.region(region).start;
    let noise = (0..64_u8).map(|i| i.wrapping_mul(37) ^ 0x5a);
    let bytes = machine.space.bytes_mut(start, 64);
    bytes.copy_from_slice(&noise.collect::<Vec<_>>());
    start
}

/// Slots with any bits, most of them with an opcode and registers that exist.
fn any_slot() -> impl Strategy<Value = Slot> {
    let opcodes: Vec<u8> = (0..=255).collect();
    let slot = (
        proptest::sample::select(opcodes),
        0..12_u8,
        0..12_u8,
        -6..6_i16,
        prop_oneof![-6..6_i32, any::<i32>()],
    );
    slot.prop_map(|(opcode, dst, src, offset, imm)| Slot {
        opcode,
        dst,
        src,
        offset,
        imm,
    })
}

fn slot(insn: Insn) -> Slot {
    encode(insn).expect("an instruction of one slot").0
}

/// A register to compute with: few, so that instructions depend on each other.
fn reg() -> impl Strategy<Value = Reg> {
    proptest::sample::select(vec![Reg::R0, Reg::R2, Reg::R3])
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        reg().prop_map(Operand::Reg),
        (-4..5_i32).prop_map(Operand::Imm),
        any::<i32>().prop_map(Operand::Imm),
    ]
}

fn width() -> impl Strategy<Value = Width> {
    proptest::sample::select(vec![Width::W32, Width::W64])
}

/// Instructions that sequences with a code of their own are made of.
fn insn() -> impl Strategy<Value = Insn> {
    use AluOp::{Add, And, Arsh, Lsh, Mov, Mul, Or, Rsh, Sub, Xor};
    let op = proptest::sample::select(vec![
        Mov, Mov, Mov, Mov, Add, Add, Sub, Mul, Or, And, Xor, Lsh, Rsh, Arsh,
    ]);
    let alu = (op, width(), reg(), operand()).prop_map(|(op, width, dst, src)| Insn::Alu {
        op,
        width,
        dst,
        src,
    });
    let cmp = proptest::sample::select(vec![CmpOp::Eq, CmpOp::Ne, CmpOp::Gt, CmpOp::Lt]);
    let branch =
        (cmp, width(), reg(), operand(), -3..6_i16).prop_map(|(op, width, dst, src, offset)| {
            Insn::Branch {
                op,
                width,
                dst,
                src,
                offset,
            }
        });
    let jump = (-2..4_i32).prop_map(|offset| Insn::Jump {
        offset,
        long: false,
    });
    let size = || proptest::sample::select(vec![Size::B1, Size::B2, Size::B4, Size::B8]);
    let base = || proptest::sample::select(vec![Reg::R1, Reg::R10]);
    let load = (size(), any::<bool>(), reg(), base(), -1..58_i16).prop_map(
        |(size, signed, dst, base, offset)| Insn::Load {
            size,
            signed: signed && size != Size::B8,
            dst,
            base,
            offset: if base == Reg::R10 {
                -offset - 8
            } else {
                offset
            },
        },
    );
    let store =
        (size(), base(), -1..58_i16, operand()).prop_map(|(size, base, offset, src)| Insn::Store {
            size,
            base,
            offset: if base == Reg::R10 {
                -offset - 8
            } else {
                offset
            },
            src,
        });
    prop_oneof![12 => alu, 2 => branch, 1 => jump, 4 => load, 4 => store]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_slots_end(mut code in proptest::collection::vec(any_slot(), 1..24)) {
        code.push(slot(Insn::Exit));
        let first = run(&code, 5000);
        prop_assert_eq!(first, run(&code, 5000));
    }

    /// Budgets that are just enough are kept by the careful form of the loop,
    /// which knows only plain instructions.
    #[test]
    fn fused_and_plain_instructions_do_the_same(insns in proptest::collection::vec(insn(), 1..40)) {
        let insns = insns.into_iter().chain([Insn::Exit]);
        let code: Vec<Slot> = insns.map(slot).collect();
        let Some(fast) = run(&code, 2000) else {
            return Ok(());
        };
        if fast.executed < 2000 {
            let careful = run(&code, fast.executed);
            prop_assert_eq!(Some(fast), careful);
        }
    }
}
