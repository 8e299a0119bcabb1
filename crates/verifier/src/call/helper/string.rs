//! Constant strings: they end within a value of a frozen, read-only array.

use abi::{Initial, MapFlags, MapType};
use isa::Reg;

use crate::explore::Verifier;
use crate::reason::{Argument, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    /// Checks that `value` points to a string that never changes.
    pub(super) fn check_constant_string(&mut self, reg: Reg, value: &Value) -> Result {
        let Kind::MapValue(map) = value.kind else {
            return Ok(());
        };
        let Some(def) = map.def(self.program) else {
            return Err(self.unsupported("unknown map"));
        };
        if !(def.flags.contains(MapFlags::RDONLY_PROG) && def.kind.is_constant()) {
            return Err(Argument::StringNotConstant(reg).into());
        }
        let Some(variable) = value.num.as_const() else {
            return Err(Argument::StringVariable(reg).into());
        };
        let at = i64::from(value.off).wrapping_add(variable as i64);
        let left = i64::from(def.value_size) - at;
        let size = u32::try_from(left).map_err(|_| self.unsupported("strings outside of maps"))?;
        let has_address = def.map_type == MapType::Array;
        let terminated = match &def.initial {
            Initial::Bytes(bytes) => {
                let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..));
                rest.is_some_and(|rest| rest.contains(&0))
            }
            _ => true,
        };
        self.check_string_memory(reg, size)?;
        if !has_address {
            return Err(Argument::StringMap.into());
        }
        if !terminated {
            return Err(Argument::StringUnterminated.into());
        }
        Ok(())
    }

    fn check_string_memory(&mut self, reg: Reg, size: u32) -> Result {
        use crate::step::memory::{Direction, HelperMemory};
        self.check_helper_memory(&HelperMemory {
            reg,
            size,
            direction: Direction::Read,
            zero_allowed: false,
            fill: false,
        })?;
        Ok(())
    }
}
