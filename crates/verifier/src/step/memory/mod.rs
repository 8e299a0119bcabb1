//! Memory: loads, stores, atomics, and the checks of a stretch of memory that
//! a helper will read or write.

use isa::{AtomicOp, Operand, Reg, Size, Width};

use crate::explore::Verifier;
use crate::reason::Result;

/// What is done to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Verifier<'_> {
    /// `dst = *(size *)(base + offset)`, zero- or sign-extended.
    pub(crate) fn load(
        &mut self,
        size: Size,
        signed: bool,
        dst: Reg,
        base: Reg,
        offset: i16,
    ) -> Result {
        let _ = (size, signed, dst, base, offset);
        Err(self.unsupported("loads"))
    }

    /// `*(size *)(base + offset) = src`.
    pub(crate) fn store(&mut self, size: Size, base: Reg, offset: i16, src: Operand) -> Result {
        let _ = (size, base, offset, src);
        Err(self.unsupported("stores"))
    }

    /// A load with acquire ordering.
    pub(crate) fn load_acquire(&mut self, size: Size, dst: Reg, base: Reg, offset: i16) -> Result {
        self.load(size, false, dst, base, offset)
    }

    /// A store with release ordering.
    pub(crate) fn store_release(&mut self, size: Size, base: Reg, offset: i16, src: Reg) -> Result {
        self.store(size, base, offset, Operand::Reg(src))
    }

    /// Atomic read-modify-write.
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        base: Reg,
        offset: i16,
        src: Reg,
    ) -> Result {
        let _ = (op, width, base, offset, src);
        Err(self.unsupported("atomics"))
    }

    /// Checks that a helper or global function may read or write `size` bytes
    /// at the pointer in `reg`, as an argument (facts: helper memory access).
    /// `zero_allowed` tells whether a size of 0 will do. Marks stack slots read
    /// or overwritten.
    #[expect(dead_code, reason = "helper calls ask it")]
    pub(crate) fn check_helper_memory(
        &mut self,
        reg: Reg,
        size: u32,
        direction: Direction,
        zero_allowed: bool,
    ) -> Result {
        let _ = (reg, size, direction, zero_allowed);
        Err(self.unsupported("memory arguments"))
    }

    /// Makes all packet pointers of all frames unknown numbers.
    #[expect(dead_code, reason = "calls that move the packet ask it")]
    pub(crate) fn forget_packet_pointers(&mut self) {
        self.state.for_each_value(
            |v| v.kind.is_packet(),
            |v| *v = crate::state::Value::UNKNOWN,
        );
    }
}
