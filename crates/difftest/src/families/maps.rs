//! Random operations on maps, from the system call's side and from a program's.
//!
//! A [`Case`] is a map of some shape with a program that does to it what its
//! packet says ([`program`]), and a sequence of questions. Keys come from a
//! universe not much larger than the map, so that maps fill up, overflow and
//! evict. Answers must be equal, error numbers too.

mod choose;
mod program;
mod references;
mod ring;

use abi::{MapDef, MapFlags, MapType};

use crate::families::{Random, Seed, shrink};
use crate::{Answer, CannotAsk, Party, Question, Subject, map};

pub use choose::Shape;

/// A map and what is asked of it.
pub struct Case {
    name: String,
    make: Box<dyn Fn() -> Subject>,
    steps: Vec<Question<'static>>,
    /// Operations on maps, of which a question may have several.
    operations: u64,
}

/// The first question to which the answers differ.
#[derive(Debug)]
pub struct Mismatch {
    /// Its position.
    pub at: usize,
    /// Our answer.
    pub ours: Answer,
    /// The reference's.
    pub theirs: Answer,
}

impl Case {
    /// A random map of this type, and `steps` questions. `cpus` are those that are
    /// possible.
    pub fn new(map_type: MapType, cpus: u32, steps: usize, random: &mut Random) -> Case {
        match map_type {
            MapType::Ringbuf => ring::case(cpus, steps, random),
            MapType::ArrayOfMaps | MapType::HashOfMaps => {
                references::maps_of_maps(map_type, cpus, steps, random)
            }
            MapType::ProgArray => references::programs(cpus, steps, random),
            _ => elements(map_type, cpus, steps, random),
        }
    }

    /// The map in words.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operations on maps that the questions come to.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Puts all questions to both parties, up to the first difference.
    pub fn run(
        &self,
        ours: &mut dyn Party,
        theirs: &mut dyn Party,
    ) -> Result<Option<Mismatch>, CannotAsk> {
        self.put(&self.steps, ours, theirs)
    }

    fn put(
        &self,
        steps: &[Question<'static>],
        ours: &mut dyn Party,
        theirs: &mut dyn Party,
    ) -> Result<Option<Mismatch>, CannotAsk> {
        let subject = (self.make)();
        let mut ours = ours.open(&subject)?;
        let mut theirs = theirs.open(&subject)?;
        for (at, step) in steps.iter().enumerate() {
            let (ours, theirs) = (ours.ask(step)?, theirs.ask(step)?);
            if ours != theirs {
                return Ok(Some(Mismatch { at, ours, theirs }));
            }
        }
        Ok(None)
    }

    /// A short sequence that still ends in a difference, as text.
    pub fn reproducer(
        &self,
        mismatch: &Mismatch,
        ours: &mut dyn Party,
        theirs: &mut dyn Party,
    ) -> String {
        let upto = &self.steps[..=mismatch.at];
        let mut last = None;
        let small = shrink(upto, &mut |steps| match self.put(steps, ours, theirs) {
            Ok(Some(mismatch)) => {
                last = Some((mismatch.ours, mismatch.theirs));
                true
            }
            _ => false,
        });
        let (ours, theirs) = last.unwrap_or((mismatch.ours.clone(), mismatch.theirs.clone()));
        let steps: String = small.iter().map(|step| format!("  {step:x?}\n")).collect();
        format!(
            "{}\n{steps}ours:   {ours:x?}\ntheirs: {theirs:x?}",
            self.name
        )
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} questions", self.name, self.steps.len())
    }
}

/// A map whose entries are data, or devices and CPUs.
fn elements(map_type: MapType, cpus: u32, steps: usize, random: &mut Random) -> Case {
    let shape = Shape::new(map_type, cpus, random);
    let def = shape.def();
    let code = program::elements(&shape);
    let steps = choose::steps(&shape, steps, random);
    let name = describe(&def);
    Case {
        name: name.clone(),
        make: Box::new(move || {
            let mut subject = Subject::xdp(name.clone(), code.clone(), vec![def.clone()]);
            subject.cpus = cpus;
            subject
        }),
        operations: steps.len() as u64,
        steps,
    }
}

fn describe(def: &MapDef) -> String {
    format!(
        "{} key {} value {} entries {} flags {:#x} extra {}",
        def.map_type.name(),
        def.key_size,
        def.value_size,
        def.max_entries,
        def.flags.0,
        def.extra,
    )
}

fn definition(map_type: MapType, key: u32, value: u32, entries: u32, flags: MapFlags) -> MapDef {
    MapDef {
        flags,
        ..map("m", map_type, key, value, entries)
    }
}

/// The cases of one type for a seed: at least `questions` in all.
pub fn cases(map_type: MapType, cpus: u32, questions: usize, seed: Seed) -> Vec<Case> {
    let mut random = Random::new(seed, map_type as u64);
    let mut cases = Vec::new();
    let mut left = questions;
    while left > 0 {
        let steps = left.min(random.pick(&[500, 1500, 4000]));
        cases.push(Case::new(map_type, cpus, steps, &mut random));
        left -= steps;
    }
    cases
}
