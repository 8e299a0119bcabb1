//! A program and what it is given.

use abi::{ProgType, Proven};
use loader::raw::RawProgram;

use crate::Content;
use crate::families::{Random, Seed};
use crate::generate::{self, Mode, hostile};

/// Tells these random numbers apart from others of the same seed.
const STREAM: u64 = 0x0069_6e70;

/// A program and what it is given.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where it is from, for whoever wants it again.
    pub name: String,
    /// The program with its maps. Entries of its program arrays name it.
    pub raw: RawProgram,
    /// Instructions that a run may take.
    pub budget: u64,
    /// One for each run; maps and memory keep their contents from run to run.
    pub inputs: Vec<Input>,
}

/// What a program is given in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// The packet, whose context is in `r1`.
    pub packet: Vec<u8>,
    /// Metadata in front of it.
    pub meta: Vec<u8>,
    /// What is put into maps before; not all of it need be taken.
    pub entries: Vec<Content>,
    /// What the memory holds whose address is in `r2`.
    pub memory: Vec<u8>,
    /// `r3` to `r5`.
    pub numbers: [u64; 3],
}

impl Case {
    /// The case with this index among those of a seed.
    pub fn new(mode: Mode<'_>, seed: Seed, index: u64) -> Case {
        let mut random = Random::new(Seed(seed.0 ^ STREAM), index);
        let random = &mut random;
        let runs = random.pick(&[1, 4, 8, 12]);
        let mut raw = generate::program(mode, seed, index);
        generate::trim(&mut raw.program);
        Case {
            name: format!("{mode:?} {index} of {seed}"),
            raw,
            budget: match random.percent(40) {
                true => random.below(64),
                false => random.pick(&[100, 200, 1000]),
            },
            inputs: (0..runs).map(|_| Input::new(random)).collect(),
        }
    }
}

impl Case {
    /// What our verifier found to hold of the program. It must be an XDP program,
    /// since that is how it is run.
    pub(super) fn proven(&self) -> Option<Proven> {
        let program = &self.raw.program;
        let is_xdp = program.prog_type == ProgType::Xdp;
        is_xdp.then(|| super::proven(program, 1)).flatten()
    }
}

impl Input {
    fn new(random: &mut Random) -> Input {
        // Small numbers more often than bytes of any kind: they are lengths,
        // offsets and counts.
        let byte = |random: &mut Random| match random.percent(50) {
            true => random.below(5) as u8,
            false => random.number() as u8,
        };
        let length = match random.percent(80) {
            true => hostile::PACKET,
            false => 14 + random.below(80) as usize,
        };
        Input {
            packet: (0..length).map(|_| byte(random)).collect(),
            memory: (0..hostile::MEMORY).map(|_| byte(random)).collect(),
            numbers: [random.edge(), random.edge(), random.below(65)],
            ..Input::default()
        }
    }
}
