//! One program in two engines: the interpreter, which is the definition, and
//! compiled code, which is held to it.
//!
//! A [`Case`] is a program, unverified, and what it is given in several runs. Both
//! engines run in machines of their own that were made the same way; after each
//! run everything that can be seen of the two must be equal: `r0` or the trap with
//! its program, instruction, address and region, the number of instructions, all
//! memory, the packet's bounds, events, where the packet is redirected, clock and
//! random numbers.
//!
//! Where the two are not held to the same:
//!
//! * When an access of the program is out of bounds, compiled code that is not
//!   [checked](jit::Mode::Checked) goes on or stops, anywhere; it must only end and
//!   stay in the machine. [Trusted](jit::Mode::Trusted) code is not even run then.
//! * Code without a meter is not run where the interpreter's budget ran out.

mod case;
mod live;
mod show;

pub use case::{Case, Input};
pub use show::Found;

use vm::{Machine, TrapKind};

use live::Live;

/// Who compiles the programs of a machine: [`jit::Compiled::new`], or what may
/// promise more.
pub type Compiler = fn(&mut Machine, &jit::Options) -> Result<jit::Compiled, jit::Error>;

/// Programs and how they are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What the compiler is told.
    pub options: jit::Options,
    /// The compiler.
    pub compiler: Compiler,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases that could be loaded.
    pub programs: u64,
    /// Runs that were equal in everything.
    pub equal: u64,
    /// Of these, those that ended by a trap.
    pub traps: u64,
    /// Runs that ended, and of which no more is asked.
    pub ended: u64,
    /// Instructions of the interpreter in all of them.
    pub instructions: u64,
}

impl Tally {
    /// Runs.
    pub fn runs(&self) -> u64 {
        self.equal + self.ended
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Tally) {
        self.programs += other.programs;
        self.equal += other.equal;
        self.traps += other.traps;
        self.ended += other.ended;
        self.instructions += other.instructions;
    }
}

/// Ways to compile that are tried, each with gs and without; with `trusted`, who
/// compiles trusted code.
pub fn ways(trusted: Option<Compiler>) -> Vec<Way> {
    use jit::Mode::{Checked, Sandboxed, Trusted};
    let kinds = [
        (Checked, true, false),
        (Checked, true, true),
        (Checked, false, false),
        (Sandboxed, true, false),
        (Sandboxed, true, true),
        (Sandboxed, false, false),
        (Trusted, true, false),
        (Trusted, false, false),
    ];
    let mut ways = Vec::new();
    for (mode, meter, blind) in kinds {
        let compiler = match mode {
            Trusted => trusted,
            _ => Some(jit::Compiled::new as Compiler),
        };
        for gs in [true, false] {
            ways.extend(compiler.map(|compiler| Way {
                options: jit::Options {
                    mode,
                    meter,
                    blind,
                    gs: Some(gs),
                },
                compiler,
            }));
        }
    }
    ways
}

/// Runs a case in both engines; the first difference. A program that does not
/// load has none.
pub fn compare(case: &Case, way: &Way) -> Result<Tally, Box<Found>> {
    let options = &way.options;
    let mut tally = Tally::default();
    let Some((mut reference, mut tested)) = Live::new(case).zip(Live::new(case)) else {
        return Ok(tally);
    };
    if let Err(error) = tested.compile(way) {
        let what = format!("it does not compile: {error}");
        return Err(Found::new(case, way, 0, what));
    }
    tally.programs = 1;
    for (number, input) in case.inputs.iter().enumerate() {
        let expected = reference.run(input);
        tally.instructions += expected.executed;
        let trap = expected.result.err().map(|trap| trap.kind);
        match trap {
            Some(TrapKind::Budget { .. }) if !options.meter => break,
            Some(TrapKind::Memory(_)) if options.mode == jit::Mode::Trusted => break,
            Some(TrapKind::Memory(_)) if options.mode == jit::Mode::Sandboxed => {
                // Without a meter it need not end.
                if options.meter {
                    tested.run(input);
                    tally.ended += 1;
                }
                break;
            }
            _ => {}
        }
        let found = tested.run(input);
        if let Some(what) = live::difference(&expected, &reference, &found, &tested, options) {
            return Err(Found::new(case, way, number, what));
        }
        tally.equal += 1;
        tally.traps += u64::from(trap.is_some());
    }
    Ok(tally)
}
