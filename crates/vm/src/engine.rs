//! Whatever runs programs in the interpreter's place.

use std::fmt;
use std::mem::offset_of;

use isa::Insn;

use crate::interp::{self, Next};
use crate::machine::{Machine, ProgId};
use crate::map::{MapId, Target};
use crate::trap::{Trap, TrapKind};

/// Runs loaded programs of one machine, such as a compiler's output.
///
/// The interpreter is the definition that an engine is held to: same answer, same
/// memory, same maps, and where it counts instructions the same number.
pub trait Engine: fmt::Debug + Send {
    /// How many of the machine's programs it has, in the order in which they were
    /// loaded; the interpreter runs the others. Always the same number.
    fn programs(&self) -> usize;

    /// Runs the program to its end with these values in `r1` to `r5`; the value
    /// of `r0`. Says how many instructions it took by
    /// [`Machine::set_executed`], 0 where it does not count.
    fn call(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap>;
}

/// What engines ask of a machine.
impl Machine {
    /// Bytes from the start of a machine to its clock, a `u64`: what
    /// `bpf_ktime_get_ns` answers before it adds the word at [`Machine::CLOCK_STEP`].
    pub const CLOCK_NOW: usize = offset_of!(Machine, world.clock.now_ns);
    /// Bytes to the step of the clock, a `u64`.
    pub const CLOCK_STEP: usize = offset_of!(Machine, world.clock.step_ns);

    /// Runs one instruction on `r0` to `r10`: an atomic operation, a load from the
    /// packet, a sign-extending move, a negation or a byte swap. Nothing has
    /// changed when it is a trap.
    pub fn step(&mut self, insn: Insn, regs: &mut [u64; 11]) -> Result<Next, TrapKind> {
        interp::other(self, insn, regs)
    }

    /// The program that `bpf_tail_call` with this map and index in `r2` and `r3`
    /// goes on in, when `taken` tail calls were taken before; `None` when
    /// execution goes on behind the call.
    pub fn tail_call(&self, map: u64, index: u64, taken: u32) -> Result<Option<ProgId>, TrapKind> {
        let map = MapId::from_handle(map).and_then(|id| self.map(id));
        let map = map.filter(|map| map.def().map_type == abi::MapType::ProgArray);
        let map = map.ok_or(TrapKind::Argument {
            helper: crate::helper::TAIL_CALL,
            arg: 2,
            why: "not a program array",
        })?;
        if taken >= abi::limits::MAX_TAIL_CALLS {
            return Ok(None);
        }
        match map.target(&self.space, &(index as u32).to_le_bytes()) {
            Some(Target::Program(id)) => Ok(Some(id)),
            _ => Ok(None),
        }
    }
}
