//! Atomic operations, and loads and stores with ordering.

use isa::{AtomicOp, Operand, Reg, Size, Width};

use super::{Direction, Moves, Request};
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// A load with acquire ordering.
    pub(crate) fn load_acquire(&mut self, size: Size, dst: Reg, base: Reg, offset: i16) -> Result {
        let moves = Moves::Load { signed: false };
        self.load_from(moves, size, dst, base, offset, true)?;
        // Linux looks at the register after the load.
        let now = *self.state.reg(base);
        if takes_atomics(&now) {
            return Ok(());
        }
        let (reg, found) = (base, now.type_name());
        Err(Access::AtomicLoad { reg, found }.into())
    }

    /// A store with release ordering.
    pub(crate) fn store_release(&mut self, size: Size, base: Reg, offset: i16, src: Reg) -> Result {
        self.store_to(size, base, offset, Operand::Reg(src), true)?;
        self.check_atomic_target(base)
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
        let operand = self.read_reg(src)?;
        self.read_reg(base)?;
        if op == AtomicOp::Cmpxchg {
            let expected = self.read_reg(Reg::R0)?;
            self.check_not_secret(Reg::R0, &expected)?;
        }
        self.check_not_secret(src, &operand)?;
        self.check_atomic_target(base)?;
        let old = match op {
            AtomicOp::Cmpxchg => Some(Reg::R0),
            _ if op.fetches() => Some(src),
            _ => None,
        };
        if let Some(old) = old {
            // Already lost when the memory is looked at, even if it is the base.
            self.write_reg(old, Value::UNKNOWN)?;
        }
        let unknown = Moves::Unknown;
        self.access_atomically(base, offset, width, unknown(Direction::Read))?;
        if let Some(old) = old {
            let moves = Moves::Load { signed: false };
            let loaded = self.access_atomically(base, offset, width, moves)?;
            *self.state.reg_mut(old) = loaded;
        }
        self.access_atomically(base, offset, width, unknown(Direction::Write))?;
        Ok(())
    }

    /// One half of an atomic operation, through what the register holds now: a
    /// fetch may have overwritten it.
    fn access_atomically(
        &mut self,
        reg: Reg,
        offset: i16,
        width: Width,
        moves: Moves<'_>,
    ) -> Result<Value> {
        let size = width.bytes();
        let base = *self.state.reg(reg);
        self.access(&Request {
            reg,
            base: &base,
            offset: offset.into(),
            size,
            moves,
            aligned: true,
        })
    }

    fn check_not_secret(&self, reg: Reg, value: &Value) -> Result {
        if self.is_secret(value) {
            let into = "mem";
            return Err(Access::Leak { reg, into }.into());
        }
        Ok(())
    }

    fn check_atomic_target(&self, reg: Reg) -> Result {
        let pointer = self.state.reg(reg);
        if takes_atomics(pointer) {
            return Ok(());
        }
        let found = pointer.type_name();
        Err(Access::AtomicStore { reg, found }.into())
    }
}

/// Whether atomic operations may go through the pointer.
fn takes_atomics(pointer: &Value) -> bool {
    match pointer.kind {
        Kind::Ctx | Kind::Packet { .. } | Kind::PacketMeta { .. } | Kind::FlowKeys => false,
        Kind::Socket | Kind::SockCommon | Kind::TcpSock | Kind::XdpSock => pointer.may_be_null(),
        _ => true,
    }
}
