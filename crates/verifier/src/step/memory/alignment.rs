//! Which addresses have to be multiples of the size of the access.
//!
//! Stack accesses and atomics always; others where the configuration asks for
//! strict alignment.

use super::Request;
use crate::explore::Verifier;
use crate::reason::{Access, OffsetParts, Result};
use crate::scalar::Tnum;
use crate::state::Kind;

/// What the start of a packet counts as: Ethernet headers are placed so that
/// what follows them is aligned.
const PACKET_ALIGN: u32 = 2;

impl Verifier<'_> {
    pub(super) fn check_alignment(&self, request: &Request) -> Result {
        let what = match request.base.kind {
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
            Kind::Arena => return Ok(()),
            _ => "",
        };
        let on_stack = matches!(request.base.kind, Kind::Stack { .. });
        if !(self.config.strict_alignment || request.aligned || on_stack) {
            return Ok(());
        }
        // Pointers that may be NULL are no memory of their kind yet.
        let what = if request.base.may_be_null() { "" } else { what };
        let parts = OffsetParts {
            base: (what == "packet ").then_some(PACKET_ALIGN),
            var: request.base.num.tnum(),
            fixed: request.base.off,
            insn: request.offset,
        };
        if is_aligned(&parts, request.size) {
            return Ok(());
        }
        let size = request.size;
        Err(Access::Misaligned { what, parts, size }.into())
    }
}

/// Whether every address is a multiple of `size`, a power of two.
fn is_aligned(parts: &OffsetParts, size: u32) -> bool {
    let fixed = i64::from(parts.fixed) + i64::from(parts.insn);
    let fixed = fixed.wrapping_add(parts.base.unwrap_or(0).into());
    let sum = parts.var.add(Tnum::constant(fixed as u64));
    (sum.value | sum.mask) & (u64::from(size) - 1) == 0
}
