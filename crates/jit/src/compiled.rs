//! Compiled programs, and running them.
#![expect(unsafe_code, reason = "runs compiled code")]

use std::hash::{BuildHasher, Hasher, RandomState};

use isa::Pc;
use vm::world::Random;
use vm::{Addr, Engine, Link, Linked, Machine, MachineId, ProgId, Trap, TrapKind};

use crate::code::{Executable, Writable};
use crate::context::{Context, Status};
use crate::emit::{self, Line, Settings};
use crate::fault::{self, Registration};
use crate::runtime::{self, Runtime};
use crate::site::Shared;
use crate::{Error, Mode, Options, Proof, entry};

/// All programs of one machine as machine code.
///
/// Runs only on the machine it was made for: numbers and addresses of that one are
/// in the code. On any other one, a run is a trap.
#[derive(Debug)]
pub struct Compiled {
    machine: MachineId,
    options: Options,
    /// In the order of their [`ProgId`]s.
    programs: Vec<Program>,
    /// What the programs are called, and where their functions begin.
    names: Vec<(String, Vec<Pc>)>,
    /// Bytes of code, without what fills the last page.
    len: usize,
    /// Where the code of each instruction begins.
    lines: Vec<Line>,
    shared: Box<Shared>,
    /// Gone before the code is.
    _registration: Option<Registration>,
    code: Executable,
}

/// How a program is entered.
#[derive(Clone, Copy, Debug)]
struct Program {
    /// Host address.
    entry: usize,
    /// Whether it needs gs.
    gs: bool,
}

impl Compiled {
    /// Compiles all programs of a machine.
    ///
    /// With [`Mode::Sandboxed`] this installs a signal handler, see
    /// [`fault`]. [`Mode::Trusted`] is for [`Compiled::trusted`].
    pub fn new(machine: &mut Machine, options: &Options) -> Result<Compiled, Error> {
        Compiled::with_proofs(machine, options, &[])
    }

    /// As [`Compiled::new`], with what is known of some of the programs: dead code
    /// is left out, and only the stack that is used is cleared.
    pub fn with_proofs(
        machine: &mut Machine,
        options: &Options,
        proofs: &[Proof<'_>],
    ) -> Result<Compiled, Error> {
        if options.mode == Mode::Trusted {
            return Err(Error::Promise);
        }
        Compiled::compile(machine, options, proofs)
    }

    /// Compiles all programs of a machine, also with [`Mode::Trusted`].
    ///
    /// # Safety
    ///
    /// With [`Mode::Trusted`] compiled code accesses whatever address the program
    /// computes. So every program of the machine must be one that only accesses
    /// what it may, whatever the input: one that a verifier has accepted, run with
    /// arguments and maps like those that the verifier assumed.
    pub unsafe fn trusted(
        machine: &mut Machine,
        options: &Options,
        proofs: &[Proof<'_>],
    ) -> Result<Compiled, Error> {
        Compiled::compile(machine, options, proofs)
    }

    fn compile(
        machine: &mut Machine,
        options: &Options,
        proofs: &[Proof<'_>],
    ) -> Result<Compiled, Error> {
        let settings = settings(machine, options)?;
        let assembled = emit::assemble(machine, &settings, proofs)?;
        // SAFETY: made for these programs with these options.
        let compiled =
            unsafe { Compiled::link(machine, *options, &assembled.bytes, assembled.shared) };
        Ok(Compiled {
            lines: assembled.lines,
            ..compiled?
        })
    }

    /// Makes code run.
    ///
    /// # Safety
    ///
    /// `code` and the tables must be the compiler's for the machine's programs
    /// with these options.
    pub(crate) unsafe fn link(
        machine: &mut Machine,
        options: Options,
        code: &[u8],
        mut shared: Shared,
    ) -> Result<Compiled, Error> {
        if !machine.space.host().reserved {
            return Err(Error::Reservation);
        }
        let len = code.len();
        let code = Writable::new(code)?.seal()?.execute()?;
        let registration = match options.mode {
            Mode::Checked => None,
            Mode::Sandboxed | Mode::Trusted => {
                fault::install()?;
                let registration = Registration::new(code.start(), code.bytes().len());
                Some(registration.ok_or(Error::TooMany)?)
            }
        };
        let host = machine.space.host();
        let context = Context::of(machine);
        // SAFETY: the machine is ours alone, its space one reservation.
        unsafe { (*context).windows = host.windows.as_ptr() };
        shared.start = code.start();
        shared.stacks = [0, machine.last_frame()].map(|depth| machine.stack_top(depth).to_reg());
        let any_gs = shared.gs.contains(&true);
        let programs = machine.program_ids().map_while(|id| {
            let own = shared.gs.get(id.0 as usize) == Some(&true);
            let goes_on = || machine.linked(id).is_some_and(tail_calls);
            Some(Program {
                entry: shared.entry(id, 0)?,
                gs: own || any_gs && goes_on(),
            })
        });
        let programs: Vec<Program> = programs.collect();
        let names = machine.program_ids().take(programs.len());
        let names = names.filter_map(|id| machine.linked(id)).map(|linked| {
            let entries = linked.functions().map(|function| function.entry);
            (linked.name().to_owned(), entries.collect())
        });
        Ok(Compiled {
            machine: machine.id(),
            options,
            programs,
            names: names.collect(),
            len,
            lines: Vec::new(),
            shared: Box::new(shared),
            _registration: registration,
            code,
        })
    }

    /// Runs a program to its end, with the context `ctx` in `r1`; the value of
    /// `r0`.
    pub fn run(&self, machine: &mut Machine, program: ProgId, ctx: Addr) -> Result<u64, Trap> {
        self.enter(machine, program, [ctx.to_reg(), 0, 0, 0, 0])
    }

    /// Host memory of the code: whole pages, the last of which ends in `int3`.
    pub fn code(&self) -> &[u8] {
        self.code.bytes()
    }

    /// Where in [`Compiled::code`] the code of each instruction begins, in order.
    /// What is rarely run stands elsewhere; instructions without code are missing.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (usize, ProgId, Pc)> {
        let lines = self.lines.iter();
        lines.map(|line| (line.offset as usize, line.program, line.pc))
    }

    /// One past the host address of the last byte of code.
    pub(crate) fn end(&self) -> usize {
        self.code.start() + self.len
    }

    /// Host addresses of all functions with their programs' names and their first
    /// instructions.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (usize, &str, Pc)> {
        let programs = self.names.iter().zip(&self.shared.functions);
        programs.flat_map(|((name, pcs), offsets)| {
            pcs.iter()
                .zip(offsets)
                .map(|(pc, offset)| (self.code.start() + *offset as usize, name.as_str(), *pc))
        })
    }

    #[inline(always)]
    fn enter(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        let known = self.programs.get(program.0 as usize);
        let Some(known) = known.filter(|_| machine.id() == self.machine) else {
            return Err(refused(program));
        };
        machine.prepare_run();
        let budget = runtime::budget(machine);
        let [fp, _] = self.shared.stacks;
        let at = Context::of(machine);
        // SAFETY: the machine is ours alone, and so is its context; linking has made
        // sure that there is one.
        let context = unsafe { &mut *at };
        context.left = budget;
        context.status = Status::RUNNING;
        context.tail_calls = 0;
        context.cpu = machine.world.cpu.id;
        context.machine = machine;
        context.shared = &raw const *self.shared;
        let r0 = match known.gs {
            // SAFETY: the entry is one of this code, whose tables are in the
            // context; its machine is the one that the code was made for, and is
            // ours until the code comes back. Linking has noted where the windows
            // are. There is such a thing as gs.
            true => unsafe { entry::enter_gs(known.entry, at, args, fp) },
            // SAFETY: as above.
            false => unsafe { entry::enter(known.entry, at, args, fp) },
        };
        // SAFETY: as above; the code has come back.
        let context = unsafe { &mut *at };
        let ended = match context.status {
            Status::RUNNING => None,
            // SAFETY: the code has just come back early.
            _ => Some(unsafe { context.end(machine) }),
        };
        let executed = match self.options.meter {
            true => budget.wrapping_sub(context.left) as u64,
            false => 0,
        };
        machine.set_executed(executed);
        match ended {
            None => Ok(r0),
            Some(trap) => Err(trap),
        }
    }
}

/// What code for this machine, on this host, is made with.
pub(crate) fn settings(machine: &mut Machine, options: &Options) -> Result<Settings, Error> {
    if !machine.space.host().reserved {
        return Err(Error::Reservation);
    }
    Ok(Settings {
        options: *options,
        gs: uses_gs(options),
        bmi2: std::arch::is_x86_feature_detected!("bmi2"),
        runtime: Runtime::here(),
        last_stack: machine.stack_top(machine.last_frame()).0,
        blind: options.blind.then(|| Random {
            state: RandomState::new().build_hasher().finish(),
        }),
    })
}

#[cold]
fn refused(program: ProgId) -> Trap {
    let what = "running code on a machine that it was not compiled for";
    Trap {
        program,
        pc: Pc(0),
        kind: TrapKind::Unsupported { what },
    }
}

impl Engine for Compiled {
    fn programs(&self) -> usize {
        self.programs.len()
    }

    fn call(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        self.enter(machine, program, args)
    }
}

/// Whether code is to reach memory through gs.
pub(crate) fn uses_gs(options: &Options) -> bool {
    options.gs.unwrap_or(true) && entry::has_gs()
}

/// Whether a program may go on in another one.
fn tail_calls(program: Linked<'_>) -> bool {
    let mut insns = program.insns();
    insns.any(|(.., link)| matches!(link, Link::TailCall))
}
