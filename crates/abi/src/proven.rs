//! What an analysis found to hold in every run of a program.
//!
//! Data only: a verifier fills it in while it follows a program along all its
//! paths, engines use it to emit less. It holds of the program that was analysed,
//! with its maps as they were defined, and of no other.

use isa::Pc;

/// What holds in every run of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    flow: Vec<Flow>,
    /// In the order of their instructions.
    calls: Vec<(Pc, Call)>,
    accesses: Vec<Option<Access>>,
    stack_depths: Vec<u32>,
}

/// Where control was seen to go at one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Some path comes here; what none comes to is dead.
    pub reached: bool,
    /// Of a conditional jump: some path goes on with the next instruction.
    pub falls: bool,
    /// Of a conditional jump: some path jumps.
    pub jumps: bool,
}

/// What is the same at a helper call on all paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The map that it works on, an index in [`crate::Program::maps`].
    pub map: Option<u32>,
    /// The number that the key is, and there is an entry with it.
    pub key: Option<u32>,
}

/// What a load, store or atomic operation goes to, on all paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The kind of memory.
    pub memory: Memory,
    /// The lowest first byte, counted from where `memory` says.
    pub low: i64,
    /// The highest first byte.
    pub high: i64,
}

/// Memory that a program may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// A stack; bytes from the frame pointer of its function on.
    Stack,
    /// The context, from its start.
    Context,
    /// The packet, from its first byte or its metadata.
    Packet,
    /// A value of a map, from its start.
    MapValue,
    /// Something else, or not always the same.
    Other,
}

impl Proven {
    /// Nothing is known yet of a program of this many slots.
    pub fn new(slots: usize) -> Proven {
        Proven {
            flow: vec![Flow::default(); slots],
            calls: Vec::new(),
            accesses: vec![None; slots],
            stack_depths: Vec::new(),
        }
    }

    /// Where control goes at an instruction.
    pub fn flow(&self, pc: Pc) -> Flow {
        self.flow.get(pc.index()).copied().unwrap_or_default()
    }

    /// What is known of a helper call.
    pub fn call(&self, pc: Pc) -> Call {
        let at = self.calls.binary_search_by_key(&pc, |(pc, _)| *pc);
        at.map_or_else(|_| Call::default(), |at| self.calls[at].1)
    }

    /// What is known of an access; `None` where no path comes.
    pub fn access(&self, pc: Pc) -> Option<Access> {
        self.accesses.get(pc.index()).copied().flatten()
    }

    /// Bytes of stack that the functions of the program use, in the order of
    /// their first instructions: from the frame pointer down, nothing below is
    /// touched.
    pub fn stack_depths(&self) -> &[u32] {
        &self.stack_depths
    }

    /// A path comes to an instruction.
    #[inline]
    pub fn reach(&mut self, pc: Pc) {
        if let Some(flow) = self.flow.get_mut(pc.index()) {
            flow.reached = true;
        }
    }

    /// Paths go on from a conditional jump.
    #[inline]
    pub fn branch(&mut self, pc: Pc, falls: bool, jumps: bool) {
        if let Some(flow) = self.flow.get_mut(pc.index()) {
            flow.falls |= falls;
            flow.jumps |= jumps;
        }
    }

    /// A path calls a helper.
    pub fn note_call(&mut self, pc: Pc, call: Call) {
        match self.calls.binary_search_by_key(&pc, |(pc, _)| *pc) {
            Ok(at) => {
                let known = &mut self.calls[at].1;
                known.map = known.map.filter(|map| Some(*map) == call.map);
                known.key = known.key.filter(|key| Some(*key) == call.key);
            }
            Err(at) => self.calls.insert(at, (pc, call)),
        }
    }

    /// A path makes an access.
    #[inline]
    pub fn note_access(&mut self, pc: Pc, access: Access) {
        let Some(known) = self.accesses.get_mut(pc.index()) else {
            return;
        };
        *known = Some(match *known {
            None => access,
            Some(known) => Access {
                memory: if known.memory == access.memory {
                    access.memory
                } else {
                    Memory::Other
                },
                low: known.low.min(access.low),
                high: known.high.max(access.high),
            },
        });
    }

    /// What the functions use of the stack; see [`Proven::stack_depths`].
    pub fn set_stack_depths(&mut self, depths: Vec<u32>) {
        self.stack_depths = depths;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_paths_is_not_known() {
        let mut proven = Proven::new(4);
        let pc = Pc(2);
        let call = |map, key| Call { map, key };
        proven.note_call(pc, call(Some(1), Some(7)));
        assert_eq!(proven.call(pc), call(Some(1), Some(7)));
        proven.note_call(pc, call(Some(1), Some(8)));
        assert_eq!(proven.call(pc), call(Some(1), None));
        proven.note_call(pc, call(Some(1), Some(8)));
        assert_eq!(proven.call(pc), call(Some(1), None));
        assert_eq!(proven.call(Pc(1)), Call::default());

        let access = |memory, low, high| Access { memory, low, high };
        proven.note_access(pc, access(Memory::Packet, 4, 4));
        proven.note_access(pc, access(Memory::Packet, 0, 2));
        assert_eq!(proven.access(pc), Some(access(Memory::Packet, 0, 4)));
        proven.note_access(pc, access(Memory::Stack, -8, -8));
        assert_eq!(proven.access(pc), Some(access(Memory::Other, -8, 4)));
        // Of no such instruction nothing is noted.
        proven.note_access(Pc(9), access(Memory::Stack, 0, 0));
        assert_eq!(proven.access(Pc(9)), None);
    }
}
