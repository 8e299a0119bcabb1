//! A case in a machine, and what can be seen of it from outside.

use abi::{MapType, Proven};
use jit::Proof;
use vm::packet::Input as Arrival;
use vm::{Addr, Machine, MapId, ProgId, Redirect, Region, RegionKind, Rights, Trap, World};

use super::Way;
use super::case::{Case, Input};
use crate::Content;
use crate::generate::hostile;
use crate::subject::is_listable;

/// A case in a machine.
#[derive(Debug)]
pub(super) struct Live {
    machine: Machine,
    program: ProgId,
    maps: Vec<MapId>,
    memory: Addr,
}

/// What a run answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ran {
    pub(super) result: Result<u64, Trap>,
    pub(super) executed: u64,
    redirect: Option<Redirect>,
}

impl Live {
    /// `None` when the program does not load.
    pub(super) fn new(case: &Case) -> Option<Live> {
        let mut machine = Machine::new(World::default()).ok()?;
        machine.world.clock.step_ns = 1;
        machine.budget = case.budget;
        let program = &case.raw.program;
        let instance = machine
            .instantiate(&program.maps, std::slice::from_ref(program))
            .ok()?;
        let id = *instance.programs.first()?;
        for (def, map) in program.maps.iter().zip(&instance.maps) {
            if def.map_type == MapType::ProgArray {
                // Not all take it, which is the same in both machines.
                let _ = machine.map_update(*map, &[0; 4], &id.0.to_le_bytes(), 0);
                let _ = machine.map_update(*map, &[2, 0, 0, 0], &id.0.to_le_bytes(), 0);
            }
        }
        let (bytes, rights) = (hostile::MEMORY, Rights::ReadWrite);
        let region = machine
            .space
            .add(bytes, rights, RegionKind::Platform)
            .ok()?;
        Some(Live {
            memory: machine.space.region(region).start,
            program: id,
            maps: instance.maps,
            machine,
        })
    }

    pub(super) fn compile(&mut self, way: &Way, proven: Option<&Proven>) -> Result<(), jit::Error> {
        let proof = proven.map(|proven| Proof {
            program: self.program,
            proven,
            maps: &self.maps,
        });
        let compiled = (way.compiler)(&mut self.machine, &way.options, proof.as_slice())?;
        self.machine.set_engine(Some(Box::new(compiled)));
        Ok(())
    }

    pub(super) fn run(&mut self, input: &Input) -> Ran {
        let machine = &mut self.machine;
        let arrival = Arrival {
            data: &input.packet,
            meta: &input.meta,
            ..Arrival::default()
        };
        let ctx = machine.receive(&arrival).expect("a packet of good length");
        let memory = machine
            .space
            .bytes_mut(self.memory, input.memory.len() as u32);
        memory.copy_from_slice(&input.memory);
        for Content { map, key, value } in &input.entries {
            if let Some(map) = self.maps.get(*map) {
                // What is refused is refused in both machines.
                let _ = machine.map_update(*map, key, value, 0);
            }
        }
        machine.redirect = None;
        let [r3, r4, r5] = input.numbers;
        let args = [ctx.to_reg(), self.memory.to_reg(), r3, r4, r5];
        let result = machine.call(self.program, args);
        Ran {
            result,
            executed: machine.executed(),
            redirect: machine.redirect,
        }
    }

    fn explain(&self, ran: &Ran) -> String {
        let answer = match &ran.result {
            Ok(r0) => format!("r0 = {r0:#x}"),
            Err(trap) => format!("{} ({:?})", self.machine.explain(trap), trap.kind),
        };
        format!("{answer}, {} instructions", ran.executed)
    }

    /// All that the maps hold, as far as it can be listed.
    fn entries(&mut self) -> Vec<Vec<vm::Entry>> {
        let mut all = Vec::new();
        for map in &self.maps {
            all.push(match self.machine.map_mut(*map) {
                Some((map, space)) if is_listable(map.def().map_type) => {
                    vm::map::entries(map, space)
                }
                _ => Vec::new(),
            });
        }
        all
    }

    fn regions(&self) -> Vec<&Region> {
        let mut regions: Vec<_> = self.machine.space.regions().collect();
        regions.sort_by_key(|region| region.start);
        regions
    }
}

/// The first difference between what two machines show after a run.
pub(super) fn difference(
    expected: &Ran,
    reference: &Live,
    found: &Ran,
    tested: &Live,
    way: &Way,
) -> Option<String> {
    let counted = !way.options.meter || expected.executed == found.executed;
    let answers = expected.result == found.result && expected.redirect == found.redirect;
    if !answers || !counted {
        let (expected, found) = (reference.explain(expected), tested.explain(found));
        return Some(format!("the interpreter: {expected}\n  compiled: {found}"));
    }
    let worlds = (&reference.machine.world, &tested.machine.world);
    let same = worlds.0.clock == worlds.1.clock
        && worlds.0.random == worlds.1.random
        && worlds.0.events == worlds.1.events;
    if !same {
        return Some("other events, another time or random number next".to_owned());
    }
    memory(reference, tested, way)
}

/// The first map of which the two hold other entries.
pub(super) fn entries(reference: &mut Live, tested: &mut Live) -> Option<String> {
    let (expected, found) = (reference.entries(), tested.entries());
    let at = (0..expected.len()).find(|at| expected[*at] != found[*at])?;
    Some(format!(
        "entries of map {at}: {:?}\n  compiled: {:?}",
        expected[at], found[at]
    ))
}

fn memory(reference: &Live, tested: &Live, way: &Way) -> Option<String> {
    let (ours, theirs) = (reference.regions(), tested.regions());
    if ours.len() != theirs.len() {
        return Some("other regions".to_owned());
    }
    for (region, other) in ours.into_iter().zip(theirs) {
        let same = (region.start, region.len, region.kind) == (other.start, other.len, other.kind);
        if !same {
            return Some(format!("a region: {region:?}\n  compiled: {other:?}"));
        }
        let is_stack = matches!(region.kind, RegionKind::Stack(_));
        if region.rights == Rights::None || (is_stack && way.proofs) {
            continue;
        }
        let bytes = |live: &Live| live.machine.space.bytes(region.start, region.len).to_vec();
        let (expected, found) = (bytes(reference), bytes(tested));
        if let Some(at) = (0..expected.len()).find(|at| expected[*at] != found[*at]) {
            return Some(format!(
                "byte {at} of {:?} at {:#x}: {:#04x}\n  compiled: {:#04x}",
                region.kind, region.start.0, expected[at], found[at]
            ));
        }
    }
    None
}
