//! A machine in which one program after another is run.

use abi::{MapType, ProgType, Program};
use vm::packet::Input as Arrival;
use vm::{Machine, MapId, ProgId, Trap, Watch, World};

use super::inputs::maps_of;
use super::{Case, Input};

/// Instructions that a run may take for each of the program: there are loops that
/// end only after millions.
pub(super) const BUDGET: u64 = 8;

/// A machine in which one program after another is run. What one leaves the next
/// does not find.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) machine: Machine,
    /// By number in the program; those that it does not name are left out.
    pub(super) maps: Vec<MapId>,
    program: Option<ProgId>,
    /// Whether anything but a program was put into the machine.
    furnished: bool,
}

impl Stage {
    /// An empty machine.
    ///
    /// # Errors
    ///
    /// When the host has no memory.
    pub(super) fn new() -> Result<Stage, vm::Error> {
        Ok(Stage {
            machine: Machine::new(World::default())?,
            maps: Vec::new(),
            program: None,
            furnished: false,
        })
    }

    /// Loads a case's program, with its maps. `false` when it cannot be run here:
    /// it is not of XDP, or uses something that is not simulated.
    pub(super) fn load(&mut self, case: &Case) -> bool {
        let program = &case.raw.program;
        self.machine.clear();
        self.machine.world = World::default();
        self.machine.world.clock.step_ns = 1;
        self.program = None;
        self.maps.clear();
        if program.prog_type != ProgType::Xdp || !self.make_maps(program) {
            return false;
        }
        let Ok(id) = self.machine.load_program(program, &self.maps) else {
            return false;
        };
        self.program = Some(id);
        self.machine.budget = BUDGET * program.code.len() as u64;
        for (index, map) in self.maps.iter().enumerate() {
            let array = program.maps[index].map_type == MapType::ProgArray;
            if array && *map != ABSENT {
                // Some of the places lead back to the program.
                for key in [0u32, 2] {
                    let _ =
                        self.machine
                            .map_update(*map, &key.to_le_bytes(), &id.0.to_le_bytes(), 0);
                }
            }
        }
        true
    }

    fn make_maps(&mut self, program: &Program) -> bool {
        let named = maps_of(program);
        self.furnished = !named.is_empty();
        let length = named.iter().map(|(index, _)| *index as usize + 1).max();
        self.maps.resize(length.unwrap_or(0), ABSENT);
        for (index, def) in named {
            match self.machine.create_map(def) {
                Ok(id) => self.maps[index as usize] = id,
                Err(_) => return false,
            }
        }
        true
    }

    /// Runs the program that was loaded; `watch` sees each instruction. `None` when
    /// none was, or the packet is one that no program gets.
    pub(super) fn run(
        &mut self,
        input: &Input,
        watch: Option<&mut dyn Watch>,
    ) -> Option<Result<u64, Trap>> {
        let machine = &mut self.machine;
        let arrival = Arrival {
            data: &input.packet,
            meta: &input.meta,
            ingress_ifindex: 1,
            ..Arrival::default()
        };
        let context = machine.receive(&arrival).ok()?.to_reg();
        machine.world.random.state = input.random;
        machine.world.events.clear();
        machine.redirect = None;
        if self.furnished {
            for entry in &input.entries {
                let map = self.maps.get(entry.map as usize);
                if let Some(map) = map.filter(|map| **map != ABSENT) {
                    // Not all maps take all entries.
                    let _ = machine.map_update(*map, &entry.key, &entry.value, 0);
                }
            }
        }
        let args = [context, 0, 0, 0, 0];
        let program = self.program?;
        Some(match watch {
            Some(watch) => machine.watch(program, args, watch),
            None => machine.interpret(program, args),
        })
    }
}

/// Stands for a map that the program does not name.
pub(super) const ABSENT: MapId = MapId(u32::MAX);
