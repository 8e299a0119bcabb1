//! Which addresses have to be multiples of the size of the access.
//!
//! Stack accesses and atomics always; others where the configuration asks for
//! strict alignment.

use isa::Reg;

use super::Request;
use crate::explore::Verifier;
use crate::reason::{Access, OffsetParts, Result};
use crate::scalar::Tnum;
use crate::state::{Kind, Value};

/// What the start of a packet counts as: Ethernet headers are placed so that
/// what follows them is aligned.
const PACKET_ALIGN: u32 = 2;

impl Verifier<'_> {
    pub(super) fn check_alignment(&self, request: &Request<'_>) -> Result {
        let on_stack = matches!(request.base.kind, Kind::Stack { .. });
        if self.config.strict_alignment || request.aligned || on_stack {
            check_aligned(request.base, request.offset, request.size)
        } else {
            Ok(())
        }
    }

    /// Checks that the memory that a register points at, an argument of a helper,
    /// is aligned as a number of `size` bytes.
    pub(crate) fn check_argument_alignment(&self, reg: Reg, size: u32) -> Result {
        check_aligned(self.state.reg(reg), 0, size)
    }
}

fn check_aligned(base: &Value, offset: i32, size: u32) -> Result {
    let what = match base.kind {
        Kind::Arena => return Ok(()),
        // Pointers that may be NULL are no memory of their kind yet.
        _ if base.may_be_null() => "",
        Kind::Packet { .. } | Kind::PacketMeta { .. } => "packet ",
        Kind::FlowKeys => "flow keys ",
        Kind::MapKey(_) => "key ",
        Kind::MapValue(_) => "value ",
        Kind::Ctx => "context ",
        Kind::Stack { .. } => "stack ",
        Kind::Socket => "sock ",
        Kind::SockCommon => "sock_common ",
        Kind::TcpSock => "tcp_sock ",
        Kind::XdpSock => "xdp_sock ",
        _ => "",
    };
    let parts = OffsetParts {
        base: base.kind.range().map(|_| PACKET_ALIGN),
        var: base.num.tnum(),
        fixed: base.off,
        insn: offset,
    };
    if is_aligned(&parts, size) {
        return Ok(());
    }
    Err(Access::Misaligned { what, parts, size }.into())
}

/// Whether every address is a multiple of `size`, a power of two.
fn is_aligned(parts: &OffsetParts, size: u32) -> bool {
    let fixed = i64::from(parts.fixed) + i64::from(parts.insn);
    let fixed = fixed.wrapping_add(parts.base.unwrap_or(0).into());
    let sum = parts.var.add(Tnum::constant(fixed as u64));
    (sum.value | sum.mask) & (u64::from(size) - 1) == 0
}
