//! Memory that helpers and global functions are handed.

use abi::ProgType;
use inject::Bug;
use isa::Reg;

use super::region::Span;
use super::{Direction, Moves, Request};
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Flags, Kind, Value};

/// Memory that a helper will read or write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HelperMemory {
    /// The register that holds the pointer.
    pub(crate) reg: Reg,
    /// Bytes.
    pub(crate) size: u32,
    /// What the helper does.
    pub(crate) direction: Direction,
    /// Whether no bytes at all will do, and with it NULL.
    pub(crate) zero_allowed: bool,
    /// The helper writes all of it before it reads any: it need not be
    /// initialised.
    pub(crate) fill: bool,
}

/// Stack that a helper fills: to be done once all arguments are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackToFill {
    /// The register that holds the pointer.
    pub(crate) reg: Reg,
    /// Bytes.
    pub(crate) size: u32,
}

impl Verifier<'_> {
    /// Checks that a helper or global function may read or write memory as an
    /// argument. Marks stack slots read or overwritten.
    ///
    /// Gives the stack that [`Self::fill_stack`] has to fill afterwards.
    pub(crate) fn check_helper_memory(
        &mut self,
        argument: &HelperMemory,
    ) -> Result<Option<StackToFill>> {
        let reg = argument.reg;
        let base = *self.state.reg(reg);
        let span = Span {
            reg,
            off: base.off.into(),
            size: argument.size,
            zero_allowed: argument.zero_allowed,
        };
        match base.kind {
            Kind::Stack { frame } => return self.check_stack_argument(argument, frame, &base),
            Kind::Packet { range } | Kind::PacketMeta { range } => {
                self.check_packet(&base, &span, range)?;
            }
            Kind::MapKey(map) => {
                self.check_not_read_only(argument, &base, true)?;
                let key_size = map.def(self.program).map_or(0, |def| def.key_size);
                let span = Span {
                    zero_allowed: false,
                    ..span
                };
                self.check_region(&base, &span, key_size)?;
            }
            Kind::MapValue(map) => {
                let direction = match inject::on(Bug::Cve2024_50164) {
                    true => Direction::Read,
                    false => argument.direction,
                };
                self.check_map_value(&base, map, &span, direction)?;
                self.check_special_fields_of_argument(&base, map, &span)?;
            }
            Kind::Mem { size, .. } => {
                self.check_not_read_only(argument, &base, base.flags.contains(Flags::RDONLY))?;
                self.check_region(&base, &span, size)?;
            }
            Kind::Buf => {
                let read_only = base.flags.contains(Flags::RDONLY);
                self.check_not_read_only(argument, &base, read_only)?;
                self.check_buffer(&base, &span)?;
            }
            Kind::Btf { .. } => return Err(self.unsupported("kernel structures as memory")),
            Kind::Ctx if !self.context_is_translated() => {
                self.check_plain_context(argument, &base)?;
            }
            _ if argument.zero_allowed && argument.size == 0 && base.as_const() == Some(0) => {}
            _ => {
                let found = base.type_name();
                return Err(Access::NotMemoryArgument { reg, found }.into());
            }
        }
        Ok(None)
    }

    /// Checks a pair of arguments: the memory at `argument.reg`, of at most as
    /// many bytes as the number in `size_reg` may be.
    pub(crate) fn check_memory_and_size(
        &mut self,
        argument: &HelperMemory,
        size_reg: Reg,
    ) -> Result<Option<StackToFill>> {
        let size = self.state.reg(size_reg).num;
        if size.smin() < 0 {
            return Err(Access::SizeNegative(size_reg).into());
        }
        let (min, max) = (size.umin(), size.umax());
        if min == 0 && !argument.zero_allowed {
            let reg = size_reg;
            return Err(Access::SizeZero { reg, min, max }.into());
        }
        if max >= MAX_SIZE {
            return Err(Access::SizeUnbounded(size_reg).into());
        }
        let to_fill = self.check_helper_memory(&HelperMemory {
            size: max as u32,
            fill: argument.fill && size.is_const(),
            ..*argument
        })?;
        self.mark_precise(size_reg)?;
        Ok(to_fill)
    }

    /// Reads or writes something unknown, as a function that is called does.
    pub(crate) fn access_argument(
        &mut self,
        reg: Reg,
        offset: u32,
        size: u32,
        direction: Direction,
    ) -> Result {
        let base = *self.state.reg(reg);
        self.access(&Request {
            reg,
            base: &base,
            offset: offset as i32,
            size,
            moves: Moves::Unknown(direction),
            aligned: false,
        })?;
        Ok(())
    }

    /// The helper fills a stretch of stack.
    pub(crate) fn fill_stack(&mut self, stretch: StackToFill) -> Result {
        for offset in 0..stretch.size {
            self.access_argument(stretch.reg, offset, 1, Direction::Write)?;
        }
        Ok(())
    }

    /// Whether a helper may be handed the packet; `takes_packets` is what its
    /// prototype says.
    pub(crate) fn may_pass_packet(&self, takes_packets: bool) -> bool {
        match self.program.prog_type {
            ProgType::CgroupSockopt => true,
            _ => takes_packets && self.may_access_packet(Direction::Read),
        }
    }

    /// A context that is handed over as the bytes that it is.
    fn check_plain_context(&mut self, argument: &HelperMemory, base: &Value) -> Result {
        let Some(last) = argument.size.checked_sub(1) else {
            return match argument.zero_allowed {
                true => Ok(()),
                false => Err(self.unsupported("a context of no bytes")),
            };
        };
        self.access(&Request {
            reg: argument.reg,
            base,
            offset: last as i32,
            size: 1,
            moves: Moves::Unknown(argument.direction),
            aligned: false,
        })?;
        Ok(())
    }

    fn check_not_read_only(
        &self,
        argument: &HelperMemory,
        base: &Value,
        is_read_only: bool,
    ) -> Result {
        if is_read_only && argument.direction == Direction::Write {
            let (reg, found) = (argument.reg, base.type_name());
            return Err(Access::ReadOnly { reg, found }.into());
        }
        Ok(())
    }
}

/// Sizes are below this.
const MAX_SIZE: u64 = 1 << 29;
