//! What going back over each instruction does to what is wanted.

use std::fmt::Write;

use isa::{Pc, Reg};

use super::effect::{Step, Stuck, effects};
use super::wanted::Wanted;
use crate::explore::cache::FrameMarks;
use crate::explore::history::{Details, Linked};
use crate::explore::testing::structure;
use crate::structure::Structure;

/// Registers and slots after an instruction.
fn wanted(frame: usize, regs: &[u8], slots: &[u8]) -> Wanted {
    let mut wanted = Wanted::new(frame);
    for reg in regs {
        wanted.add(*reg);
    }
    for slot in slots {
        wanted.add_slot(frame, *slot);
    }
    wanted
}

/// `frame1: r1 fp-8 frame0: r6`, the current frame first.
fn show(wanted: &Wanted) -> String {
    let mut text = String::new();
    for frame in (0..=wanted.frame()).rev() {
        let FrameMarks { regs, slots } = wanted.of(frame);
        let _ = write!(text, "frame{frame}:");
        for reg in (0..11).filter(|reg| regs >> reg & 1 != 0) {
            let _ = write!(text, " r{reg}");
        }
        for slot in (0..64).filter(|slot| slots >> slot & 1 != 0) {
            let _ = write!(text, " fp-{}", 8 * (slot + 1));
        }
        text += if frame == 0 { "" } else { " " };
    }
    text
}

fn undo(
    structure: &Structure,
    pc: u32,
    next: u32,
    details: Details,
    mut wanted: Wanted,
) -> Result<String, Stuck> {
    let effects = effects(structure);
    let step = Step {
        pc: Pc(pc),
        next: Some(Pc(next)),
        effects: &effects,
        structure,
    };
    effects[pc as usize]
        .effect
        .undo(&mut wanted, details, step)?;
    Ok(show(&wanted))
}

/// What is wanted before `insn` when `regs` and fp-8 are after it; it touches
/// fp-16.
fn before(insn: &str, regs: &[u8]) -> Result<String, Stuck> {
    let structure = structure(&format!("{insn}\nr0 = 0\nexit"));
    let details = Details::with_slot(0, 1);
    undo(&structure, 0, 1, details, wanted(0, regs, &[0]))
}

#[test]
fn arithmetic() {
    for (insn, regs, expected) in [
        ("r1 = r2", &[1][..], "frame0: r2 fp-8"),
        ("r1 = r2", &[2], "frame0: r2 fp-8"),
        ("w1 = w2", &[1], "frame0: r2 fp-8"),
        ("r1 = (s8)r2", &[1], "frame0: r2 fp-8"),
        ("r1 = r10", &[1], "frame0: fp-8"),
        ("r1 = 7", &[1, 3], "frame0: r3 fp-8"),
        ("r1 = 7 ll", &[1, 3], "frame0: r3 fp-8"),
        ("r1 += r2", &[1], "frame0: r1 r2 fp-8"),
        ("r1 += r2", &[2], "frame0: r2 fp-8"),
        ("r1 -= r10", &[1], "frame0: r1 fp-8"),
        ("r1 += 7", &[1], "frame0: r1 fp-8"),
        ("r1 = -r1", &[1], "frame0: r1 fp-8"),
        ("r1 = be16 r1", &[1], "frame0: r1 fp-8"),
    ] {
        assert_eq!(before(insn, regs).as_deref(), Ok(expected), "{insn}");
    }
}

#[test]
fn memory() {
    for (insn, regs, expected) in [
        ("r1 = *(u64 *)(r2 +0)", &[1][..], "frame0: fp-8 fp-16"),
        ("r1 = *(u64 *)(r2 +0)", &[2], "frame0: r2 fp-8"),
        ("*(u64 *)(r10 -16) = r1", &[3], "frame0: r3 fp-8"),
        // The address is wanted: the difference of two pointers.
        ("*(u64 *)(r2 +0) = r1", &[2], "unknown"),
        ("*(u64 *)(r2 +0) = 1", &[2], "unknown"),
        ("r0 = *(u8 *)skb[12]", &[0], "unknown"),
        ("r0 = *(u8 *)skb[12]", &[7], "frame0: r7 fp-8"),
        // The register was an operand and Linux keeps it; the slot counts.
        (
            "r1 = atomic64_fetch_add((u64 *)(r10 -16), r1)",
            &[1],
            "frame0: r1 fp-8 fp-16",
        ),
        (
            "r0 = atomic64_cmpxchg((u64 *)(r10 -16), r0, r1)",
            &[0],
            "frame0: r0 fp-8 fp-16",
        ),
        ("lock *(u64 *)(r10 -16) += r1", &[1], "frame0: r1 fp-8"),
    ] {
        let found = before(insn, regs);
        let found = match &found {
            Ok(text) => text,
            Err(Stuck::Unknown) => "unknown",
            Err(Stuck::Arguments(_)) => "arguments",
            Err(Stuck::Impossible) => "impossible",
        };
        assert_eq!(found, expected, "{insn}");
    }
}

#[test]
fn a_store_to_a_wanted_slot_wants_what_is_stored() {
    for (insn, expected) in [
        ("*(u64 *)(r2 +0) = r1", "frame0: r1"),
        ("*(u64 *)(r2 +0) = 1", "frame0:"),
    ] {
        let structure = structure(&format!("{insn}\nr0 = 0\nexit"));
        let details = Details::with_slot(0, 1);
        let found = undo(&structure, 0, 1, details, wanted(0, &[], &[1]));
        assert_eq!(found.as_deref(), Ok(expected), "{insn}");
    }
}

#[test]
fn comparisons() {
    let insn = "if r1 == r2 goto pc+0";
    assert_eq!(before(insn, &[2]).as_deref(), Ok("frame0: r1 r2 fp-8"));
    assert_eq!(before(insn, &[3]).as_deref(), Ok("frame0: r3 fp-8"));
    assert_eq!(
        before("if r1 == 2 goto pc+0", &[1]).as_deref(),
        Ok("frame0: r1 fp-8")
    );
    let structure = structure("if r1 == r2 goto pc+0\nr0 = 0\nexit");
    let found = undo(
        &structure,
        0,
        1,
        Details::with_stack_operands(true, false),
        wanted(0, &[1], &[]),
    );
    assert_eq!(found.as_deref(), Ok("frame0: r1 r2"));
    let found = undo(
        &structure,
        0,
        1,
        Details::with_stack_operands(true, false),
        wanted(0, &[2], &[]),
    );
    assert_eq!(found.as_deref(), Ok("frame0: r2"));
}

#[test]
fn linked_values_are_wanted_together() {
    let mut linked = Linked::default();
    linked.push_reg(1, Reg::R3);
    linked.push_slot(0, 4);
    let mut none = wanted(1, &[2], &[4]);
    none.spread(linked);
    assert_eq!(show(&none), "frame1: r2 fp-40 frame0:");
    let mut some = wanted(1, &[3], &[]);
    some.spread(linked);
    assert_eq!(show(&some), "frame1: r3 frame0: fp-40");
}

const CALLS: &str = "
    r6 = r1
    call callee             // 1
    call 7                  // 2
    call 12                 // 3: bpf_tail_call
    r1 = 4
    r2 = subprog[callee]    // 5
    r3 = 0
    r4 = 0
    call 181                // 9: bpf_loop
    exit
callee:
    r0 = 1                  // 11
    exit
";

#[test]
fn calls() {
    let structure = structure(CALLS);
    let plain = Details::default();
    let check = |pc, next, wanted: Wanted, expected: &str| {
        let found = undo(&structure, pc, next, plain, wanted);
        let found = match &found {
            Ok(text) => text,
            Err(Stuck::Unknown) => "unknown",
            Err(Stuck::Arguments(_)) => "arguments",
            Err(Stuck::Impossible) => "impossible",
        };
        assert_eq!(found, expected, "{pc} before {next}");
    };
    // Helpers make `r0` and leave no argument behind.
    check(2, 3, wanted(0, &[0, 6], &[0]), "frame0: r6 fp-8");
    check(2, 3, wanted(0, &[1], &[]), "arguments");
    // Into a function: from its end to what returned.
    check(
        12,
        2,
        wanted(0, &[0, 6], &[0]),
        "frame1: r0 frame0: r6 fp-8",
    );
    check(12, 2, wanted(0, &[1], &[]), "impossible");
    // Out of it: arguments are the caller's.
    let mut inside = wanted(1, &[1, 5], &[]);
    inside.of_mut(0).regs = 1 << 6;
    check(1, 11, inside, "frame0: r1 r5 r6");
    check(1, 11, wanted(1, &[6], &[]), "impossible");
    check(1, 11, wanted(1, &[1], &[3]), "impossible");
    // A tail call that fails goes on; one that does not ends the function.
    check(3, 4, wanted(0, &[0, 6], &[]), "frame0: r6");
    check(3, 2, wanted(0, &[0, 6], &[]), "frame1: frame0: r6");
    // A callback returns to the call that called it: its result is not `r0`.
    check(12, 9, wanted(0, &[1, 6], &[]), "frame1: frame0: r6");
    check(9, 11, wanted(1, &[1, 2], &[]), "frame0:");
    check(9, 10, wanted(0, &[0, 6], &[]), "frame0: r6");
}
