//! Random programs, as functions of a seed.
//!
//! [`Mode`] says of which kind: nothing but random instructions, programs that
//! mean something (with a [`Dial`] from nearly all accepted to about half),
//! programs for being run unverified, or given programs changed a little. The same seed and index give the same
//! program, byte for byte, on every machine. All programs for verifiers that are
//! not given share the maps and types of one [`Pool`], so that a kernel is given those once
//! ([`PooledJudge`](crate::verify::PooledJudge)).
//!
//! A program on which two verifiers differ is made smaller by [`reduced`] and
//! written as a file test by [`text()`].
//!
//! # Figures
//!
//! Accepted by Linux 6.18, of 6,000 programs each; CPU time of making a program
//! and putting it to Linux for its verdict and statistics, in a release build:
//!
//! | mode | slots | accepted | CPU time |
//! |---|---|---|---|
//! | [`Mode::Typed`], [`Dial::SOUND`] | 131 | 99.9 % | 0.43 ms |
//! | [`Mode::Typed`], [`Dial::EDGE`] | 132 | 63 % | 0.32 ms |
//! | [`Mode::Legal`] | 28 | 10 % | 0.03 ms |
//!
//! Sound programs are of 20 program types and call 132 helpers. What of them is
//! refused are loops that take more than a million instructions to follow.
//!
//! # Deliberately absent
//!
//! Program types that attach to functions of the kernel, sleepable programs,
//! kernel pointers in maps, lists and trees, arenas; kernel functions other than
//! those of number iterators.

mod edit;
mod emit;
mod flavor;
mod held;
pub mod hostile;
mod legal;
mod mutate;
mod pool;
mod reduce;
mod scalar;
mod text;
mod trim;
mod typed;

use abi::Program;
use isa::{Reg, Slot};
use loader::raw::{Caps, RawProgram};

use crate::families::{Random, Seed};
pub use pool::Pool;
pub use reduce::reduced;
pub(crate) use scalar::NUMBERS;
pub use text::text;
pub use trim::trim;

/// Tells these random numbers apart from others of the same seed.
const STREAM: u64 = 0x6765_6e65;

/// `BPF_F_TEST_STATE_FREQ`: a checkpoint wherever there may be one.
const STATE_FREQ: u32 = 1 << 3;

/// Which kind of program.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// Random legal instructions.
    Legal,
    /// Programs that are run without a verifier, see [`hostile`].
    Hostile,
    /// Short programs about numbers, of XDP.
    Scalar,
    /// Programs that mean something.
    Typed(Dial),
    /// The same, of XDP alone and without kernel functions: what the machine runs.
    Xdp(Dial),
    /// One of these, changed a little.
    Mutated(&'a [Program]),
}

/// How often something is wrong on purpose in a program that means something,
/// each in a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Checks that are left out, sizes and offsets that are off.
    pub slips: u64,
    /// Statements that a random instruction is put before.
    pub random: u64,
}

impl Dial {
    /// Nearly all are accepted.
    pub const SOUND: Dial = Dial {
        slips: 0,
        random: 0,
    };
    /// About half are accepted: where the interesting refusals are.
    pub const EDGE: Dial = Dial {
        slips: 20,
        random: 25,
    };
}

/// The program with this index among those of a seed.
pub fn program(mode: Mode<'_>, seed: Seed, index: u64) -> RawProgram {
    program_by(mode, &mut Random::new(Seed(seed.0 ^ STREAM), index))
}

/// The program that these numbers choose.
pub fn program_by(mode: Mode<'_>, random: &mut Random) -> RawProgram {
    let program = match mode {
        Mode::Legal => legal::program(random),
        Mode::Hostile => hostile::program(random),
        Mode::Scalar => scalar::program(random),
        Mode::Typed(dial) => typed::program(dial, random),
        Mode::Xdp(dial) => typed::xdp(dial, random),
        Mode::Mutated([]) => legal::program(random),
        Mode::Mutated(given) => mutate::mutated(&random.pick(given), random),
    };
    RawProgram {
        program,
        flags: match random.percent(if matches!(mode, Mode::Scalar) { 50 } else { 20 }) {
            true => STATE_FREQ,
            false => 0,
        },
        caps: Caps::ROOT,
        attach_btf_id: None,
    }
}

/// An instruction of any kind, over any registers.
pub(crate) fn legal_insn(random: &mut Random) -> Vec<Slot> {
    legal::insn(&Reg::ALL[..10], random)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that stands for many programs.
    fn print(mode: Mode<'_>) -> u64 {
        let slots = (0..200).flat_map(|index| program(mode, Seed(7), index).program.code);
        slots.flat_map(|slot| slot.to_bytes()).fold(7, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    #[test]
    fn a_seed_says_everything() {
        for mode in [Mode::Legal, Mode::Hostile, Mode::Typed(Dial::EDGE)] {
            assert_eq!(print(mode), print(mode));
        }
        assert_ne!(
            print(Mode::Typed(Dial::SOUND)),
            print(Mode::Typed(Dial::EDGE))
        );
    }

    #[test]
    fn sound_programs_are_whole() {
        for index in 0..200 {
            let raw = program(Mode::Typed(Dial::SOUND), Seed(1), index);
            let code = isa::Code::new(raw.program.code);
            assert_eq!(code.check(), Ok(()), "{index}");
        }
    }
}
