//! Ops that do the work of two or three.
//!
//! Going from one op to the next costs about as much as an addition does, so
//! sequences that compilers write all the time have an op of their own: it
//! stands at the first instruction, and takes its operands from the ops that it
//! stands for, which stay where they are. A jump may go to any of those, and the
//! careful form of the loop runs them one by one.
//!
//! Which sequences are worth it was counted in the objects of the corpus.

use isa::{AluOp, Width};

use super::op::{Op, OpCode};

/// Replaces the codes of ops that begin a known sequence.
pub(super) fn fuse(ops: &mut [Op]) {
    for at in 0..ops.len() {
        if let Some(code) = sequence(&ops[at..]) {
            ops[at].code = code;
        }
    }
}

/// The op for the sequence that begins here, if there is one.
fn sequence(ops: &[Op]) -> Option<OpCode> {
    let (first, rest) = ops.split_first()?;
    let (second, rest) = rest.split_first()?;
    let moved = moved(first, second);
    let bound = moved == Some(OpCode::MovAdd64K)
        && rest
            .first()
            .is_some_and(|third| third.plain == OpCode::Jgt64);
    if bound {
        return Some(OpCode::Bound);
    }
    moved.or_else(|| OpCode::pair(first.plain, second.plain))
}

/// `d = s; d op= x` as `d = s op x`.
fn moved(first: &Op, second: &Op) -> Option<OpCode> {
    let (op, width, immediate) = second.plain.as_alu()?;
    let moves = match width {
        Width::W64 => OpCode::alu(AluOp::Mov, Width::W64, false),
        Width::W32 => OpCode::alu(AluOp::Mov, Width::W32, false),
    };
    let reads_itself = !immediate && second.src == second.dst;
    if first.plain != moves || first.dst != second.dst || reads_itself {
        return None;
    }
    OpCode::after_move(op, width, immediate)
}
