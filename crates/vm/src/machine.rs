//! The machine: memory, maps, programs and world together.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use isa::Pc;

use crate::engine::Engine;
use crate::instance::LoadError;
use crate::interp::{Frame, Loaded, Run, Watch};
use crate::map::{Lookup, Map, MapError, MapId, ShortKey, WideKey};
use crate::memory::{Addr, GRANULE, OutOfSpace, RegionId, RegionKind, Rights, Space};
use crate::packet::{InputError, Packet};
use crate::skb::SkBuff;
use crate::stacks::Stacks;
use crate::timers::Timers;
use crate::trap::Trap;
use crate::world::{Redirect, World};

/// Index of a loaded program in its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgId(pub u32);

/// Tells machines of a process apart, and also one whose memory was exchanged for
/// another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MachineId {
    machine: u64,
    space: u64,
}

/// Why a machine could not be made or filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No memory.
    #[error(transparent)]
    Space(#[from] OutOfSpace),
    /// A map.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A program.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A packet.
    #[error(transparent)]
    Packet(#[from] InputError),
}

impl Error {
    /// Whether something is understood that is not simulated, rather than wrong.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Error::Map(MapError::Unsupported { .. })
                | Error::Load(LoadError::Helper { .. } | LoadError::Extern { .. })
        )
    }
}

/// A virtual machine.
#[derive(Debug)]
pub struct Machine {
    /// Memory.
    pub space: Space,
    /// What programs observe.
    pub world: World,
    /// The packet that is being worked on, once there was one.
    pub packet: Option<Packet>,
    /// The socket buffer that is being worked on, once there was one.
    pub skb: Option<SkBuff>,
    /// Where `bpf_redirect` and `bpf_redirect_map` said that the packet should
    /// go. Whoever runs the machine takes it when the program answers "redirect".
    pub redirect: Option<Redirect>,
    /// Instructions that one run may take, with everything that it calls; the
    /// next one is a [trap](crate::TrapKind::Budget). At first
    /// [`Machine::BUDGET`].
    pub budget: u64,
    pub(crate) maps: Vec<Box<dyn Map>>,
    /// How each map is looked up, for the fast ways.
    pub(crate) lookups: Vec<Lookup>,
    /// Empty while a program runs: the run has them.
    pub(crate) programs: Vec<Loaded>,
    /// What runs programs in the interpreter's place. Empty while it does.
    engine: Option<Box<dyn Engine>>,
    /// How many programs it has.
    engine_programs: usize,
    /// Unlike that of any other machine of the process.
    id: u64,
    /// The program and number of each function that programs know the address
    /// of, in the order of their addresses.
    functions: Vec<(ProgId, usize)>,
    function_addresses: BTreeMap<(ProgId, usize), Addr>,
    stacks: Stacks,
    /// Kept for its capacity.
    frames: Vec<Frame>,
    executed: u64,
    /// A buffer that helpers use within a call, kept so that they do not allocate.
    pub(crate) scratch: Vec<u8>,
    /// The spin lock that the running program holds.
    pub(crate) held_lock: Option<Addr>,
    /// Where programs see the sockets of the world, once one was found.
    pub(crate) sockets: Option<RegionId>,
    /// Timers in map values.
    pub(crate) timers: Timers,
    /// What walks over bits have copied in this run, by the iterator's address.
    pub(crate) bits: BTreeMap<u64, Vec<u8>>,
}

/// An engine that runs, and the machine that gets it back, also when the run
/// panics.
struct Lent<'m> {
    machine: &'m mut Machine,
    engine: Option<Box<dyn Engine>>,
}

impl Lent<'_> {
    #[inline(always)]
    fn call(self, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        match &self.engine {
            Some(engine) => engine.call(self.machine, program, args),
            None => self.machine.interpret(program, args),
        }
    }
}

impl Drop for Lent<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // There is none, so nothing is to be dropped.
        mem::forget(mem::replace(&mut self.machine.engine, self.engine.take()));
    }
}

impl Machine {
    /// The budget of a new machine: a second or so of this interpreter, and far
    /// above what a packet program that Linux's verifier lets through needs. (The
    /// verifier has no limit of its own on what a program runs, only on what it
    /// follows: nested `bpf_loop` may take years.)
    pub const BUDGET: u64 = 1 << 30;

    /// Where the addresses that stand for functions begin.
    const FUNCTIONS: Addr = Addr(MapId::HANDLES.0 + MapId::HANDLES_LEN);
    /// Less than whole granules, so that one byte before the stack behind is not
    /// taken for a function.
    const FUNCTIONS_LEN: u32 = 16 * GRANULE - GRANULE / 2;
    const FUNCTION_STRIDE: u32 = 16;
    /// The most of [`World::free_granules`].
    const MOST_FREE: u32 = 1024;

    /// A machine without maps and programs.
    pub fn new(world: World) -> Result<Machine, Error> {
        Machine::over(Space::new()?, world)
    }

    /// A machine without maps and programs, in an empty space.
    pub fn over(mut space: Space, world: World) -> Result<Machine, Error> {
        let handles = space.add(MapId::HANDLES_LEN, Rights::None, RegionKind::MapHandles)?;
        assert_eq!(space.region(handles).start, MapId::HANDLES);
        let functions = space.add(Machine::FUNCTIONS_LEN, Rights::None, RegionKind::Code)?;
        assert_eq!(space.region(functions).start, Machine::FUNCTIONS);
        if let free @ 1.. = world.free_granules.min(Machine::MOST_FREE) {
            space.add(free * GRANULE, Rights::None, RegionKind::Platform)?;
        }
        let stacks = Stacks::new(&mut space)?;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Machine {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            space,
            world,
            packet: None,
            skb: None,
            redirect: None,
            budget: Machine::BUDGET,
            maps: Vec::new(),
            lookups: Vec::new(),
            programs: Vec::new(),
            engine: None,
            engine_programs: 0,
            functions: Vec::new(),
            function_addresses: BTreeMap::new(),
            stacks,
            frames: Vec::new(),
            executed: 0,
            scratch: Vec::new(),
            held_lock: None,
            sockets: None,
            timers: Timers::default(),
            bits: BTreeMap::new(),
        })
    }

    /// Runs a program to its end, with the context `ctx` in `r1`; the value of
    /// `r0`. Panics when the machine has no such program.
    pub fn run(&mut self, program: ProgId, ctx: Addr) -> Result<u64, Trap> {
        self.call(program, [ctx.to_reg(), 0, 0, 0, 0])
    }

    /// Runs a program with these values in `r1` to `r5`.
    pub fn call(&mut self, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        if (program.0 as usize) < self.engine_programs
            && let Some(engine) = self.engine.take()
        {
            let lent = Lent {
                machine: self,
                engine: Some(engine),
            };
            return lent.call(program, args);
        }
        self.interpret(program, args)
    }

    /// Runs a program in the interpreter, whatever engine there is.
    pub fn interpret(&mut self, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        self.interpreted(program, 0, args, None)
    }

    /// Runs a function of a program in the interpreter.
    pub(crate) fn interpret_function(
        &mut self,
        program: ProgId,
        function: usize,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        self.interpreted(program, function, args, None)
    }

    /// Runs a program in the interpreter; `watch` sees each instruction.
    pub fn watch(
        &mut self,
        program: ProgId,
        args: [u64; 5],
        watch: &mut dyn Watch,
    ) -> Result<u64, Trap> {
        self.interpreted(program, 0, args, Some(watch))
    }

    fn interpreted(
        &mut self,
        program: ProgId,
        function: usize,
        args: [u64; 5],
        watch: Option<&mut dyn Watch>,
    ) -> Result<u64, Trap> {
        let programs = mem::take(&mut self.programs);
        let frames = mem::take(&mut self.frames);
        self.prepare_run();
        let mut run = Run::new(&programs, frames, self);
        run.watch = watch;
        let result = run.start(self, program, function, args);
        (self.frames, self.executed) = run.finish();
        self.programs = programs;
        result
    }

    /// Hands the programs that an engine has over to it.
    pub fn set_engine(&mut self, engine: Option<Box<dyn Engine>>) {
        self.engine_programs = engine.as_ref().map_or(0, |engine| engine.programs());
        self.engine = engine;
    }

    /// Goes on in the interpreter at instruction `pc` of a program, with these
    /// registers, in a function without callers, until `left` instructions were
    /// taken at most.
    ///
    /// For engines that count by blocks of instructions: the interpreter says
    /// where exactly the budget runs out. Sets [`Machine::executed`] as if all but
    /// `left` of the budget had been used before. Panics when there is no such
    /// instruction.
    pub fn finish(
        &mut self,
        program: ProgId,
        pc: Pc,
        regs: [u64; 11],
        left: u64,
    ) -> Result<u64, Trap> {
        let programs = mem::take(&mut self.programs);
        let frames = mem::take(&mut self.frames);
        let mut run = Run::new(&programs, frames, self);
        let result = run.resume(self, program, pc, regs, left);
        (self.frames, self.executed) = run.finish();
        self.programs = programs;
        result
    }

    /// What tells this machine from every other one, for engines that were made
    /// for one machine.
    #[inline]
    pub fn id(&self) -> MachineId {
        MachineId {
            machine: self.id,
            space: self.space.id(),
        }
    }

    /// What an engine does before a run: nothing of the last one remains.
    pub fn prepare_run(&mut self) {
        self.held_lock = None;
        self.bits.clear();
    }

    /// Instructions that the last run took, with everything that it called. An
    /// instruction that trapped is counted.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// Says what [`Machine::executed`] answers; for engines.
    pub fn set_executed(&mut self, instructions: u64) {
        self.executed = instructions;
    }

    /// Takes all maps and programs away, and the engine with them; memory that
    /// belongs to none of them stays, the packet among it. What is made next is as
    /// in a new machine, to the addresses.
    ///
    /// The world is left alone, which may still know of maps.
    pub fn clear(&mut self) {
        self.set_engine(None);
        self.programs.clear();
        self.functions.clear();
        self.function_addresses.clear();
        self.lookups.clear();
        self.maps.clear();
        self.redirect = None;
        self.held_lock = None;
        self.timers = Timers::default();
        self.bits.clear();
        self.space.remove_where(|region| {
            matches!(
                region.kind,
                RegionKind::MapValues(_) | RegionKind::MapKeys(_) | RegionKind::RingBuffer(_)
            )
        });
        self.stacks.clear(&mut self.space);
    }

    /// The name of a program.
    pub fn program_name(&self, id: ProgId) -> Option<&str> {
        let program = self.programs.get(id.0 as usize)?;
        Some(&program.name)
    }

    /// The type of a program.
    pub fn program_type(&self, id: ProgId) -> Option<abi::ProgType> {
        let program = self.programs.get(id.0 as usize)?;
        Some(program.prog_type)
    }

    /// The whole sentence for a trap, with the names of programs and maps.
    pub fn explain(&self, trap: &Trap) -> String {
        let program = self.program_name(trap.program).unwrap_or("?");
        let map = |id| self.map(id).map(|map| map.def().name.clone());
        let why = trap.kind.explain(&map);
        format!("program {program}, {}: {why}", trap.pc)
    }

    /// One past the last byte of the stack of the frame at this depth, at most at
    /// [`Machine::last_frame`]. Each lies one granule above that of its caller.
    #[inline(always)]
    pub fn stack_top(&self, depth: usize) -> Addr {
        self.stacks.top(depth)
    }

    /// The depth of the deepest frame that a run may reach: what Linux allows in one
    /// program, or, when a program makes tail calls from its functions, in all
    /// programs of such a run.
    #[inline(always)]
    pub fn last_frame(&self) -> usize {
        self.stacks.last()
    }

    /// Makes room for the runs of a program that makes tail calls from its functions.
    pub(crate) fn deepen(&mut self) -> Result<(), OutOfSpace> {
        self.stacks.deepen(&mut self.space)
    }

    /// What `bpf_map_lookup_elem` answers, where there is a fast way: it takes such
    /// a map, and the key may be read. The helper knows about everything else.
    #[inline(always)]
    pub fn lookup_elem(&mut self, map: u64, key: u64) -> Option<u64> {
        let id = MapId::from_handle(map)?;
        match *self.lookups.get(id.0 as usize)? {
            Lookup::Array(array) => {
                let index = u32::from_le_bytes(self.space.try_load(key)?);
                let value = array.value(index, self.world.cpu.id);
                Some(value.unwrap_or(Addr::NULL).to_reg())
            }
            Lookup::Key4 => {
                let key = u32::from_le_bytes(self.space.try_load(key)?);
                Some(self.lookup_short(id, key.into()))
            }
            Lookup::Key8 => {
                let key = u64::from_le_bytes(self.space.try_load(key)?);
                Some(self.lookup_short(id, key.into()))
            }
            Lookup::Key16 => {
                let key = u128::from_le_bytes(self.space.try_load(key)?);
                Some(self.lookup_short(id, key))
            }
            Lookup::Bytes(len) => {
                let key = self.space.read(key, len).ok()?;
                let map = self.maps.get_mut(id.0 as usize)?;
                let value = map.lookup(&self.space, self.world.cpu.id, key);
                Some(value.unwrap_or(Addr::NULL).to_reg())
            }
            Lookup::Helper => None,
        }
    }

    /// What `bpf_map_lookup_elem` answers for a map of which [`Machine::short_key`]
    /// says that keys have at most 16 bytes. NULL where there is no such map.
    #[inline]
    pub fn lookup_short(&mut self, map: MapId, key: ShortKey) -> u64 {
        let map = self.maps.get_mut(map.0 as usize);
        let value = map.and_then(|map| map.lookup_short(&self.space, self.world.cpu.id, key));
        value.unwrap_or(Addr::NULL).to_reg()
    }

    /// As [`Machine::lookup_short`], for keys of more than 16 bytes and at most 32.
    #[inline]
    pub fn lookup_wide(&mut self, map: MapId, key: WideKey) -> u64 {
        let map = self.maps.get_mut(map.0 as usize);
        let value = map.and_then(|map| map.lookup_wide(&self.space, self.world.cpu.id, key));
        value.unwrap_or(Addr::NULL).to_reg()
    }

    /// What `bpf_ringbuf_reserve` answers for this ring buffer; NULL for what is none.
    #[inline]
    pub fn ringbuf_reserve(&mut self, map: MapId, size: u64, flags: u64) -> u64 {
        let map = self.maps.get_mut(map.0 as usize);
        let ring = map.and_then(|map| map.ringbuf());
        let record = ring.and_then(|ring| ring.reserve(&mut self.space, size, flags));
        record.unwrap_or(Addr::NULL).to_reg()
    }

    /// Bytes of the keys of a map that [`Machine::lookup_short`] or
    /// [`Machine::lookup_wide`] looks up: 1 to 32.
    pub fn short_key(&self, map: MapId) -> Option<u32> {
        match self.lookups.get(map.0 as usize)? {
            Lookup::Key4 => Some(4),
            Lookup::Key8 => Some(8),
            Lookup::Key16 => Some(16),
            Lookup::Bytes(len) => Some(*len).filter(|len| (1..=32).contains(len)),
            Lookup::Array(_) | Lookup::Helper => None,
        }
    }

    /// The number of the function of `program` that `address` stands for.
    pub fn function_at(&self, program: ProgId, address: u64) -> Option<usize> {
        let (owner, number) = self.function_of(address)?;
        (owner == program).then_some(number)
    }

    /// The program whose function `address` stands for, and its number there.
    pub(crate) fn function_of(&self, address: u64) -> Option<(ProgId, usize)> {
        let offset = address.checked_sub(Machine::FUNCTIONS.to_reg())?;
        let stride = u64::from(Machine::FUNCTION_STRIDE);
        let index = (offset % stride == 0).then_some((offset / stride) as usize)?;
        self.functions.get(index).copied()
    }

    /// The address that stands for a function; always the same one. `None` when
    /// there are too many.
    pub(crate) fn function_address(&mut self, program: ProgId, number: usize) -> Option<Addr> {
        let function = (program, number);
        if let Some(address) = self.function_addresses.get(&function) {
            return Some(*address);
        }
        let offset = self.functions.len() as u32 * Machine::FUNCTION_STRIDE;
        if offset >= Machine::FUNCTIONS_LEN {
            return None;
        }
        let address = Machine::FUNCTIONS.offset(offset);
        self.functions.push(function);
        self.function_addresses.insert(function, address);
        Some(address)
    }

    /// Forgets the addresses of the functions of a program that was not loaded.
    pub(crate) fn forget_functions(&mut self, program: ProgId) {
        while let Some(function) = self.functions.pop_if(|(owner, _)| *owner == program) {
            self.function_addresses.remove(&function);
        }
    }
}
