//! Memory of a known size, with an offset that may vary.

use isa::Reg;

use crate::explore::Verifier;
use crate::reason::{Access, Outside, Result};
use crate::state::{Kind, Value};

/// The largest variable part of an offset.
pub(super) const MAX_VARIABLE: i64 = 1 << 29;

/// Some bytes behind a pointer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The register that holds the pointer.
    pub(super) reg: Reg,
    /// Fixed offset: the pointer's and the instruction's.
    pub(super) off: i64,
    /// Bytes.
    pub(super) size: u32,
    /// Whether no bytes at all will do.
    pub(super) zero_allowed: bool,
}

impl Verifier<'_> {
    /// Checks that `span` lies in the `have` bytes that `base` points at, for
    /// every value of the variable part.
    pub(super) fn check_region(&self, base: &Value, span: &Span, have: u32) -> Result {
        let reg = span.reg;
        let low = base.num.smin();
        let lowest = low.wrapping_add(span.off);
        if low < 0 && (low == i64::MIN || i32::try_from(lowest).is_err() || lowest < 0) {
            return Err(Access::MinNegative(reg).into());
        }
        if let Some(outside) = outside(base, span, lowest, have) {
            return Err(Access::MinOutside { reg, outside }.into());
        }
        if base.num.umax() >= MAX_VARIABLE as u64 {
            return Err(Access::Unbounded(reg).into());
        }
        let highest = (base.num.umax() as i64).wrapping_add(span.off);
        if let Some(outside) = outside(base, span, highest, have) {
            return Err(Access::MaxOutside { reg, outside }.into());
        }
        Ok(())
    }
}

/// What to say if `size` bytes at `off` are not all among the `have` bytes there.
pub(super) fn outside(base: &Value, span: &Span, off: i64, have: u32) -> Option<Outside> {
    // Linux's offsets have 32 bits here.
    let (off, size) = (i64::from(off as i32), span.size);
    let enough = size > 0 || span.zero_allowed;
    if off >= 0 && enough && off + i64::from(size) <= i64::from(have) {
        return None;
    }
    Some(match base.kind {
        Kind::MapKey(_) => Outside::Key { have, off, size },
        Kind::MapValue(_) => Outside::Value { have, off, size },
        Kind::Packet { .. } | Kind::PacketMeta { .. } | Kind::PacketEnd => Outside::Packet {
            have,
            off,
            size,
            reg: span.reg,
            id: base.id,
        },
        _ => Outside::Memory { have, off, size },
    })
}
