//! The stage of the simulator.

use abi::Errno;
use serde_json::Value as Json;
use vm::map::update;
use vm::world::{Cpu, Network, Random};
use vm::{MapId, ProgId, World};
use xdp_sim::contents::FillError;
use xdp_sim::{Destination, Options, Simulator};

use super::prepare::Prepared;
use super::stage::{Arrival, Event, Fate, MapRef, Stage};
use crate::file::Problem;
use crate::model::Scenario;

/// One host, whose programs are all of one object.
#[derive(Debug)]
pub struct SimulatorStage {
    simulator: Simulator,
    /// For each interface of the scenario: its index, and the program on it.
    interfaces: Vec<(u32, Option<ProgId>)>,
}

impl SimulatorStage {
    /// Puts the programs of a scenario on its interfaces.
    ///
    /// # Errors
    ///
    /// What the machine refuses; scenarios that need more than one object.
    pub fn new(scenario: &Scenario, prepared: &Prepared) -> Result<SimulatorStage, Problem> {
        let [object] = &prepared.objects[..] else {
            let what = "more than one object in a scenario".to_owned();
            return Err(Problem::Unsupported(what));
        };
        let attached = prepared.attached.iter().flatten().next();
        let Some((_, entry)) = attached else {
            let known = object.programs.iter().map(|p| p.name.as_str());
            return Err(Problem::unknown("program", "", known));
        };
        let options = Options {
            world: world(scenario),
            budget: scenario.world.budget,
            ..Options::default()
        };
        let simulator = Simulator::new(&object.programs, entry, options)?;
        let programs = prepared.attached.iter().enumerate();
        let interfaces = programs.map(|(place, attached)| {
            let index = scenario.interfaces.get(place).map(|i| i.device.ifindex);
            let program = attached.as_ref().map(|(_, name)| {
                let found = simulator.program_named(name);
                found.ok_or_else(|| left_out(&simulator, name))
            });
            Ok((index.unwrap_or(1), program.transpose()?))
        });
        let interfaces = interfaces.collect::<Result<_, Problem>>()?;
        Ok(SimulatorStage {
            simulator,
            interfaces,
        })
    }

    fn id(&self, map: MapRef) -> Option<MapId> {
        self.simulator.maps().get(map.map).copied()
    }

    fn place(&self, id: MapId) -> MapRef {
        let map = self.simulator.maps().iter().position(|known| *known == id);
        MapRef {
            object: 0,
            map: map.unwrap_or(usize::MAX),
        }
    }
}

/// Where packets went, in words.
fn destination(machine: &vm::Machine, to: Destination) -> String {
    match to {
        Destination::Stack => "stack".to_owned(),
        Destination::Back => "back".to_owned(),
        Destination::Device(ifindex) => match machine.world.network.device(ifindex) {
            Some(device) => device.name.clone(),
            None => format!("device {ifindex}"),
        },
        Destination::Cpu(cpu) => format!("cpu {cpu}"),
        Destination::Socket { map, slot } => {
            let name = machine.map(map).map_or("?", |map| &map.def().name);
            format!("socket {name}[{slot}]")
        }
    }
}

/// Why a program is not among those of the machine.
fn left_out(simulator: &Simulator, name: &str) -> Problem {
    let mut refused = simulator.left_out().iter();
    match refused.find(|error| error.program() == Some(name)) {
        Some(error) => Problem::Unsupported(error.to_string()),
        None => Problem::unknown("program", name, simulator.programs().map(|(_, name)| name)),
    }
}

fn world(scenario: &Scenario) -> World {
    let spec = &scenario.world;
    let mut world = World {
        random: Random { state: spec.seed },
        cpu: Cpu {
            count: spec.cpus,
            ..Cpu::default()
        },
        network: Network::loopback(),
        ..World::default()
    };
    world.clock.now_ns = spec.clock.start_ns;
    world.clock.step_ns = spec.clock.tick_ns;
    let devices = scenario.interfaces.iter().map(|i| i.device.clone());
    world.network.devices.extend(devices);
    world.network.routes.clone_from(&spec.routes);
    world.network.neighbours.clone_from(&spec.neighbours);
    world
}

impl Stage for SimulatorStage {
    fn packet(&mut self, arrival: &Arrival<'_>) -> Result<Fate, Problem> {
        let Some((ifindex, Some(program))) = self.interfaces.get(arrival.interface).copied() else {
            let what = "a packet on an interface without a program".to_owned();
            return Err(Problem::Unsupported(what));
        };
        self.simulator.arrive_at(program, ifindex, arrival.queue);
        self.simulator.machine_mut().world.cpu.id = arrival.cpu;
        let outcome = self.simulator.run(arrival.data)?;
        let (trap, lost) = (outcome.trap, outcome.lost);
        let mut fate = Fate {
            action: outcome.action,
            ret: outcome.ret,
            output: outcome.output.to_vec(),
            metadata: outcome.metadata.to_vec(),
            to: Vec::new(),
            lost: lost.map(|lost| lost.to_string()),
            instructions: Some(outcome.executed),
            trap: None,
        };
        let places: Vec<Destination> = outcome.deliveries.iter().map(|d| d.to).collect();
        let machine = self.simulator.machine();
        fate.to = places
            .into_iter()
            .map(|to| destination(machine, to))
            .collect();
        fate.trap = trap.map(|trap| machine.explain(&trap));
        Ok(fate)
    }

    fn time(&self) -> u64 {
        self.simulator.machine().world.clock.now_ns
    }

    fn set_time(&mut self, now_ns: u64) {
        self.simulator.machine_mut().world.clock.now_ns = now_ns;
    }

    fn set(&mut self, map: MapRef, entries: &Json) -> Result<(), FillError> {
        match self.id(map) {
            Some(id) => self.simulator.fill_map(id, entries),
            None => Ok(()),
        }
    }

    fn delete(&mut self, map: MapRef, key: &[u8]) -> Result<(), Errno> {
        let id = self.id(map).ok_or(Errno::EBADF)?;
        self.simulator.machine_mut().map_delete(id, key)
    }

    fn entries(&mut self, map: MapRef) -> Vec<Json> {
        match self.id(map) {
            Some(id) => self.simulator.dump_map(id),
            None => Vec::new(),
        }
    }

    fn lookup(&mut self, map: MapRef, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let id = self.id(map).ok_or(Errno::EBADF)?;
        self.simulator.machine_mut().map_lookup(id, key)
    }

    fn update(&mut self, map: MapRef, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        let id = self.id(map).ok_or(Errno::EBADF)?;
        let machine = self.simulator.machine_mut();
        machine.map_update(id, key, value, update::ANY)
    }

    fn network(&mut self) -> Option<&mut Network> {
        Some(&mut self.simulator.machine_mut().world.network)
    }

    fn take_events(&mut self) -> Vec<Event> {
        let mut taken = Vec::new();
        self.simulator.take_events(&mut |event| {
            taken.push(match event {
                xdp_sim::Event::Ring { map, data } | xdp_sim::Event::Perf { map, data, .. } => {
                    (Some(map), data.to_vec())
                }
                xdp_sim::Event::Printk(line) => (None, line.as_bytes().to_vec()),
            });
        });
        let event = |(map, data): (Option<MapId>, Vec<u8>)| match map {
            Some(id) => Event::Record {
                map: self.place(id),
                data,
            },
            None => Event::Printk(String::from_utf8_lossy(&data).into_owned()),
        };
        taken.into_iter().map(event).collect()
    }
}
