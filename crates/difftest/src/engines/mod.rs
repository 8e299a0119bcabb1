//! One program in two engines: the interpreter, which is the definition, and
//! compiled code, which is held to it.
//!
//! A [`Case`] is a program, unverified, and what it is given in several runs. Both
//! engines run in machines of their own that were made the same way; after each
//! run everything that can be seen of the two must be equal: `r0` or the trap with
//! its program, instruction, address and region, the number of instructions, all
//! memory, the packet's bounds, events, where the packet is redirected, clock and
//! random numbers; and after the last one the entries of all maps.
//!
//! Where the two are not held to the same:
//!
//! * When an access of the program is out of bounds, compiled code that is not
//!   [checked](jit::Mode::Checked) goes on or stops, anywhere; it must only end and
//!   stay in the machine. [Trusted](jit::Mode::Trusted) code is not even run then.
//! * Where the compiler knows what the verifier found out, stack that the program
//!   never reads is not cleared, and not compared.
//! * Code without a meter is not run where the interpreter's budget ran out.

mod case;
mod live;
mod show;
mod trusted;

pub use case::{Case, Input};
pub use show::Found;

use abi::{Program, Proven};
use jit::Proof;
use verifier::{Config, Verdict};
use vm::{Machine, TrapKind};

use live::Live;
pub(crate) use trusted::trusted;

/// Who compiles the programs of a machine: [`jit::Compiled::with_proofs`], or what
/// may promise more.
pub type Compiler =
    fn(&mut Machine, &jit::Options, &[Proof<'_>]) -> Result<jit::Compiled, jit::Error>;

/// Programs and how they are compiled.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What the compiler is told.
    pub options: jit::Options,
    /// Whether it is told what our verifier found out.
    pub proofs: bool,
    /// The compiler.
    pub compiler: Compiler,
}

/// What our verifier found to hold of a program, if it accepts it.
pub fn proven(program: &Program, cpus: u32) -> Option<Proven> {
    let config = Config {
        cpus,
        ..Config::default()
    };
    match verifier::verify(program, &config, None) {
        Verdict::Accepted(acceptance) => Some(acceptance.into_proven()),
        _ => None,
    }
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
        (Checked, true, false, false),
        (Checked, true, true, false),
        (Checked, false, false, false),
        (Sandboxed, true, false, false),
        (Sandboxed, true, true, false),
        (Sandboxed, false, false, false),
        (Sandboxed, true, false, true),
        (Sandboxed, false, false, true),
        (Trusted, true, false, false),
        (Trusted, false, false, false),
        (Trusted, false, false, true),
    ];
    let mut ways = Vec::new();
    for (mode, meter, blind, proofs) in kinds {
        let compiler = match mode {
            Trusted => trusted,
            _ => Some(jit::Compiled::with_proofs as Compiler),
        };
        for gs in [true, false] {
            ways.extend(compiler.map(|compiler| Way {
                options: jit::Options {
                    mode,
                    meter,
                    blind,
                    gs: Some(gs),
                },
                proofs,
                compiler,
            }));
        }
    }
    ways
}

/// Runs a case in both engines; the first difference. A program that does not
/// load, or that is to be proven and is not accepted, has none.
pub fn compare(case: &Case, way: &Way) -> Result<Tally, Box<Found>> {
    let options = &way.options;
    let mut tally = Tally::default();
    let Some((mut reference, mut tested)) = Live::new(case).zip(Live::new(case)) else {
        return Ok(tally);
    };
    let proven = way.proofs.then(|| case.proven());
    if let Some(None) = proven {
        return Ok(tally);
    }
    if let Err(error) = tested.compile(way, proven.flatten().as_ref()) {
        let what = format!("it does not compile: {error}");
        return Err(Found::new(case, way, 0, what));
    }
    tally.programs = 1;
    // Whether both have had the same runs.
    let mut level = true;
    for (number, input) in case.inputs.iter().enumerate() {
        let expected = reference.run(input);
        tally.instructions += expected.executed;
        let trap = expected.result.err().map(|trap| trap.kind);
        level = false;
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
        if let Some(what) = live::difference(&expected, &reference, &found, &tested, way) {
            return Err(Found::new(case, way, number, what));
        }
        level = true;
        tally.equal += 1;
        tally.traps += u64::from(trap.is_some());
    }
    // Keys need not lie in memory that was compared.
    if level && let Some(what) = live::entries(&mut reference, &mut tested) {
        return Err(Found::new(case, way, case.inputs.len(), what));
    }
    Ok(tally)
}
