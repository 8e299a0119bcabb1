//! Packet loads of classic BPF (`ldabs`, `ldind`).
//!
//! A load outside of the packet ends the program, so nothing may be held.

use abi::ProgType;
use isa::{PacketMode, Reg, Size};

use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// `r0 = packet[...]`; `r6` is the context.
    pub(crate) fn load_packet(&mut self, mode: PacketMode, size: Size, imm: i32) -> Result {
        let _ = (size, imm);
        if !has_classic_loads(self.program.prog_type) {
            return Err(Access::ClassicNotAllowed.into());
        }
        let context = self.read_reg(Reg::R6)?;
        self.check_nothing_held("BPF_LD_[ABS|IND]", true)?;
        if context.kind != Kind::Ctx {
            return Err(Access::ClassicContext.into());
        }
        if let PacketMode::Indirect(index) = mode {
            self.read_reg(index)?;
        }
        self.check_unmoved(Reg::R6, &context)?;
        self.clobber_arguments();
        *self.state.reg_mut(Reg::R0) = Value::UNKNOWN;
        Ok(())
    }
}

/// Whether programs of this type have a packet that classic BPF can load from.
fn has_classic_loads(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        ProgType::SocketFilter | ProgType::SchedCls | ProgType::SchedAct
    )
}
