//! Packet data and metadata: only bytes that a comparison proved to be there.

use abi::PacketAccess;

use super::region::{Span, outside};
use super::{Direction, Request};
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::Value;

impl Verifier<'_> {
    pub(super) fn access_packet(&mut self, request: &Request<'_>, range: i32) -> Result<Value> {
        if request.is_write() && !self.may_access_packet(Direction::Write) {
            return Err(Access::PacketReadOnly.into());
        }
        self.check_leak(request, "packet")?;
        self.check_packet(request.base, &request.span(), range)?;
        Ok(Value::UNKNOWN)
    }

    /// Whether programs of this type see the packet, or may even write it.
    pub(crate) fn may_access_packet(&self, direction: Direction) -> bool {
        match self.program.prog_type.packet_access() {
            PacketAccess::None => false,
            PacketAccess::Read => direction == Direction::Read,
            PacketAccess::ReadWrite => true,
        }
    }

    /// Checks that `span` lies in the proven range behind `base`.
    pub(super) fn check_packet(&self, base: &Value, span: &Span, range: i32) -> Result {
        if base.num.smin() < 0 {
            return Err(Access::MinNegative(span.reg).into());
        }
        // The marks that a comparison with the end leaves are no range.
        let Ok(have) = u32::try_from(range) else {
            return Err(Access::PastPacketEnd(span.reg).into());
        };
        match outside(base, span, span.off, have) {
            Some(outside) => {
                let reg = span.reg;
                Err(Access::PacketBounds { reg, outside }.into())
            }
            None => Ok(()),
        }
    }
}
