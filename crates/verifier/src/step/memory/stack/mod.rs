//! The stack: 512 bytes a frame, in slots of eight bytes.
//!
//! A slot holds a spilled register, whole or its low bytes, or bytes of which
//! only the sort is known. With an offset that varies a write may go to each of
//! several bytes, and a read may come from each.
//!
//! * here: which bytes an access may touch, and how far the frame reaches;
//! * [`read`], [`write`]: what it does;
//! * [`argument`]: stretches that helpers read or write;
//! * [`key`]: map keys that are known.

mod argument;
mod key;
mod read;
mod write;

use isa::Reg;

use super::region::MAX_VARIABLE;
use super::{Direction, Request};
use crate::explore::Verifier;
use crate::reason::{How, Result, Stack};
use crate::state::{Byte, Frame, Slot, Value};

/// Bytes of a frame.
const FRAME_BYTES: i64 = abi::limits::STACK_BYTES as i64;

/// Some bytes of the stack, behind a pointer that a register holds.
#[derive(Clone, Copy, Debug)]
struct Span<'v> {
    /// The register.
    reg: Reg,
    /// The pointer.
    base: &'v Value,
    /// Whose stack.
    frame: u8,
    /// Fixed offset: the pointer's and the instruction's.
    off: i64,
    /// Bytes.
    size: u32,
}

impl Span<'_> {
    /// The lowest and the highest place where it may begin.
    fn starts(&self) -> (i64, i64) {
        let num = &self.base.num;
        match num.as_const() {
            Some(variable) => {
                let start = self.off.wrapping_add(variable as i64);
                (start, start)
            }
            None => (
                self.off.wrapping_add(num.smin()),
                self.off.wrapping_add(num.smax()),
            ),
        }
    }

    /// Where it begins, if that is known.
    fn start(&self) -> Option<i64> {
        self.base.num.is_const().then(|| self.starts().0)
    }

    /// Every byte that it may touch, by offset from the frame pointer.
    fn bytes(&self) -> std::ops::Range<i64> {
        let (first, last) = self.starts();
        first..last.saturating_add(i64::from(self.size))
    }
}

/// The slot that the byte at `off` (negative) is in, and which of its bytes.
fn place(off: i64) -> (usize, usize) {
    let below = (-off - 1) as usize;
    (below / 8, below % 8)
}

impl Verifier<'_> {
    pub(super) fn access_stack(&mut self, request: &Request<'_>, frame: u8) -> Result<Value> {
        let span = Span {
            reg: request.reg,
            base: request.base,
            frame,
            off: request.fixed(),
            size: request.size,
        };
        self.check_stack_bounds(&span, request.direction())?;
        if request.is_write() {
            self.write_stack(&span, request.source())?;
            Ok(Value::NOT_INIT)
        } else {
            self.read_stack(&span, request)
        }
    }

    /// Checks that the span lies in the frame, and makes the stack reach there.
    fn check_stack_bounds(&mut self, span: &Span<'_>, direction: Direction) -> Result {
        let how = match direction {
            Direction::Read => How::Read,
            Direction::Write => How::Write,
        };
        let (reg, num) = (span.reg, &span.base.num);
        if !num.is_const() && (num.smax() >= MAX_VARIABLE || num.smin() <= -MAX_VARIABLE) {
            return Err(Stack::VariableUnbounded { how, reg }.into());
        }
        let bytes = span.bytes();
        let reaches = match direction {
            Direction::Read if !self.may_leak() => {
                8 * self.stack_frame(span.frame)?.stack.slots().len() as i64
            }
            _ => FRAME_BYTES,
        };
        let start = bytes.start < -reaches || bytes.start > -1;
        if !start && bytes.end <= 0 {
            return self.grow_stack(span.frame, -bytes.start);
        }
        let size = span.size;
        Err(if num.is_const() {
            let off = bytes.start;
            Stack::Outside {
                how,
                reg,
                off,
                size,
                start,
            }
        } else {
            let (var, off) = (num.tnum(), span.off);
            Stack::VariableOutside {
                how,
                reg,
                var,
                off,
                size,
                start,
            }
        }
        .into())
    }

    /// Makes the stack of a frame hold at least `bytes`, at most 512.
    fn grow_stack(&mut self, frame: u8, bytes: i64) -> Result {
        let slots = (bytes.clamp(0, FRAME_BYTES) as usize).div_ceil(8);
        let (now, subprogram) = {
            let frame = self.stack_frame(frame)?;
            (frame.stack.slots().len(), frame.subprogram)
        };
        if slots <= now {
            return Ok(());
        }
        self.stack_frame_mut(frame)?.stack.grow(slots * 8);
        if let Some(depth) = self.stats.stack_depths.get_mut(subprogram as usize) {
            *depth = (*depth).max(slots as u32 * 8);
        }
        Ok(())
    }

    fn stack_frame(&self, frame: u8) -> Result<&Frame> {
        match self.state.frames().get(usize::from(frame)) {
            Some(frame) => Ok(frame),
            None => Err(self.unsupported("stack of a function that returned")),
        }
    }

    fn stack_frame_mut(&mut self, frame: u8) -> Result<&mut Frame> {
        if self.state.frames().len() <= usize::from(frame) {
            return Err(self.unsupported("stack of a function that returned"));
        }
        let frame = self.state.nth_frame_mut(frame.into());
        Ok(frame.expect("looked at just now"))
    }

    /// A slot that the stack reaches.
    fn stack_slot(&self, frame: u8, slot: usize) -> Result<&Slot> {
        let found = self.stack_frame(frame)?.stack.slot(slot);
        Ok(found.unwrap_or(&Slot::EMPTY))
    }
}

/// Whether a slot holds a spilled value, whole or narrower.
fn is_spill(slot: &Slot) -> bool {
    matches!(slot.bytes[7], Byte::Spill) && slot.spill().is_some()
}

/// How many bytes of a slot the spilled value takes.
fn spill_size(slot: &Slot) -> u32 {
    let bytes = slot.bytes.iter().rev();
    bytes.take_while(|byte| **byte == Byte::Spill).count() as u32
}

/// A byte that something else overwrote as a whole: a number, if it was anything.
fn scrub(byte: &mut Byte) {
    if *byte != Byte::Invalid {
        *byte = Byte::Misc;
    }
}
