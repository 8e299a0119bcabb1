//! One program, and what it is run on.

use std::fmt;
use std::str::FromStr;

use loader::raw::RawProgram;

use super::inputs::{Input, maps_of};
use crate::families::{Random, Seed};
use crate::generate::{self, Dial, Mode};

/// `BPF_F_TEST_STATE_FREQ`: a checkpoint wherever one may be, so that more paths
/// end at one.
const TEST_STATE_FREQ: u32 = 1 << 3;

/// Tells these random numbers apart from others of the same seed.
const STREAM: u64 = 0x6361_7365;

/// One program, and what it is run on.
#[derive(Clone, Debug)]
pub struct Case {
    /// Of which kind it is.
    pub kind: Kind,
    /// The program with its maps.
    pub raw: RawProgram,
    /// One for each run; what a run leaves in maps the next one finds.
    pub inputs: Vec<Input>,
}

/// Which kind of program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Short programs about numbers.
    Scalar,
    /// Programs that mean something, of XDP.
    Xdp,
    /// Programs that mean something, of all types.
    Typed,
    /// Half of them are refused.
    Edge,
    /// Random legal instructions.
    Legal,
    /// Programs that mean something, changed a little.
    Mutated,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [
        Kind::Scalar,
        Kind::Xdp,
        Kind::Typed,
        Kind::Edge,
        Kind::Legal,
        Kind::Mutated,
    ];

    /// Its name on the command line and in ledgers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Scalar => "scalar",
            Kind::Xdp => "xdp",
            Kind::Typed => "typed",
            Kind::Edge => "edge",
            Kind::Legal => "legal",
            Kind::Mutated => "mutated",
        }
    }
}

/// How many programs of each kind there are among a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    parts: [u64; Kind::ALL.len()],
}

impl Default for Mix {
    fn default() -> Mix {
        Mix {
            parts: [400, 200, 100, 150, 30, 120],
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (kind, part) in Kind::ALL.into_iter().zip(self.parts) {
            if part != 0 {
                write!(f, "{before}{}={part}", kind.name())?;
                before = ",";
            }
        }
        Ok(())
    }
}

impl FromStr for Mix {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Mix, MixError> {
        let mut mix = Mix {
            parts: [0; Kind::ALL.len()],
        };
        for word in text.split(',') {
            let (name, part) = word.split_once('=').ok_or(MixError::Form)?;
            let kind = Kind::ALL.iter().position(|kind| kind.name() == name);
            let part: u32 = part.parse().map_err(|_| MixError::Form)?;
            match kind.and_then(|kind| mix.parts.get_mut(kind)) {
                Some(place) => *place = part.into(),
                None => return Err(MixError::Kind(name.to_owned())),
            }
        }
        match mix.parts.iter().any(|part| *part != 0) {
            true => Ok(mix),
            false => Err(MixError::Form),
        }
    }
}

/// Why something is no mix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// Not of the form.
    #[error("expected KIND=N, several with commas between, not all 0")]
    Form,
    /// There is no such kind.
    #[error("there is no kind {0}; there are: {kinds}", kinds = Kind::ALL.map(Kind::name).join(", "))]
    Kind(String),
}

impl Mix {
    /// Nothing but this kind.
    pub fn only(kind: Kind) -> Mix {
        Mix {
            parts: Kind::ALL.map(|other| u64::from(other == kind)),
        }
    }

    fn pick(&self, random: &mut Random) -> Kind {
        let mut left = random.below(self.parts.iter().sum::<u64>().max(1));
        for (kind, part) in Kind::ALL.into_iter().zip(self.parts) {
            match left.checked_sub(part) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        Kind::Typed
    }
}

/// Runs of a program.
const RUNS: usize = 8;

impl Case {
    /// The case with this index among those of a seed.
    pub fn new(mix: &Mix, seed: Seed, index: u64) -> Case {
        let mut random = Random::new(Seed(seed.0 ^ STREAM), index);
        Case::of(mix, &mut random)
    }

    /// The case that these random numbers make.
    pub fn of(mix: &Mix, random: &mut Random) -> Case {
        let kind = mix.pick(random);
        let raw = match kind {
            Kind::Scalar => {
                let mut raw = generate::program_by(Mode::Scalar, random);
                if random.percent(25) {
                    raw.flags |= TEST_STATE_FREQ;
                }
                raw
            }
            Kind::Xdp => generate::program_by(Mode::Xdp(Dial::SOUND), random),
            Kind::Typed => generate::program_by(Mode::Typed(Dial::SOUND), random),
            Kind::Edge => generate::program_by(Mode::Typed(Dial::EDGE), random),
            Kind::Legal => generate::program_by(Mode::Legal, random),
            Kind::Mutated => {
                let mode = match random.below(3) {
                    0 => Mode::Scalar,
                    1 => Mode::Xdp(Dial::SOUND),
                    _ => Mode::Typed(Dial::SOUND),
                };
                let sound = generate::program_by(mode, random);
                generate::program_by(Mode::Mutated(&[sound.program]), random)
            }
        };
        let inputs = match kind {
            Kind::Scalar => {
                let input = |_| Input::numbers(generate::NUMBERS, random);
                (0..RUNS).map(input).collect()
            }
            _ => {
                let maps = maps_of(&raw.program);
                (0..RUNS).map(|_| Input::new(&maps, random)).collect()
            }
        };
        Case { kind, raw, inputs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_says_everything() {
        let code = |index| Case::new(&Mix::default(), Seed(5), index).raw.program.code;
        assert_eq!(code(3), code(3));
        assert_ne!(code(3), code(4));
    }

    #[test]
    fn a_mix_is_what_it_says() {
        let kinds = |mix: Mix| (0..40).map(move |index| Case::new(&mix, Seed(1), index).kind);
        assert!(kinds(Mix::only(Kind::Legal)).all(|kind| kind == Kind::Legal));
        for kind in [Kind::Scalar, Kind::Xdp, Kind::Edge] {
            assert!(kinds(Mix::default()).any(|other| other == kind), "{kind:?}");
        }
    }
}
