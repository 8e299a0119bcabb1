//! The stage of the simulator.

use abi::Errno;
use serde_json::Value as Json;
use vm::map::update;
use vm::world::{Cpu, Network, Random};
use vm::{MapId, World};
use xdp_sim::contents::FillError;
use xdp_sim::{Destination, End, Engine, Host, ObjectId, Topology};

use super::prepare::{Prepared, at};
use super::stage::{Arrival, Event, Fate, Hop, MapRef, Stage};
use crate::file::{Error, Problem};
use crate::model::{Scenario, SocketSpec};

/// Hosts and what joins them.
#[derive(Debug)]
pub struct SimulatorStage {
    topology: Topology,
    /// For each interface of the scenario, which it is.
    ends: Vec<End>,
    /// For each of them, what the scenario calls it.
    names: Vec<String>,
    /// For each object of the scenario: its host, and which of that host's it is.
    objects: Vec<(usize, ObjectId)>,
    /// The sockets that are read: map, slot, and the same as the machine has it.
    sockets: Vec<(MapRef, u32, usize, MapId)>,
}

impl SimulatorStage {
    /// Puts the programs of a scenario on its interfaces.
    ///
    /// # Errors
    ///
    /// What a machine refuses.
    pub fn new(
        scenario: &Scenario,
        prepared: &Prepared,
        engine: Engine,
    ) -> Result<SimulatorStage, Error> {
        let spot = scenario.objects.first().map(|o| o.spot.clone());
        let spot = spot.unwrap_or_default();
        let stage = SimulatorStage::loaded(scenario, prepared);
        let mut stage = stage.map_err(|problem| at(scenario, &spot, problem))?;
        for socket in &scenario.sockets {
            let opened = stage.open_socket(prepared, socket);
            opened.map_err(|problem| at(scenario, &socket.map.spot, problem))?;
        }
        let chosen = stage.choose(engine, prepared);
        chosen.map_err(|problem| at(scenario, &spot, problem))?;
        Ok(stage)
    }

    /// Hosts with objects, interfaces and links.
    fn loaded(scenario: &Scenario, prepared: &Prepared) -> Result<SimulatorStage, Problem> {
        let mut stage = SimulatorStage {
            topology: Topology::default(),
            ends: Vec::new(),
            names: Vec::new(),
            objects: Vec::new(),
            sockets: Vec::new(),
        };
        for place in 0..scenario.hosts.len().max(1) {
            let name = scenario.hosts.get(place).map_or("", |host| &host.text);
            let host = Host::new(world(scenario, place), scenario.world.budget)?;
            stage.topology.add(name, host);
        }
        stage.load(prepared)?;
        stage.interfaces(scenario, prepared)?;
        for link in &scenario.links {
            let ends: Vec<End> = link
                .ends
                .iter()
                .filter_map(|place| stage.ends.get(*place).copied())
                .collect();
            match (&ends[..], link.bridge) {
                (&[one, other], false) => stage.topology.veth(one, other),
                (ends, _) => stage.topology.bridge(ends),
            }
        }
        Ok(stage)
    }

    fn load(&mut self, prepared: &Prepared) -> Result<(), Problem> {
        for (place, object) in prepared.objects.iter().enumerate() {
            let attached = prepared.attached.iter().flatten();
            let needed: Vec<&str> = attached
                .filter(|attached| attached.object == place)
                .map(|attached| attached.program.as_str())
                .collect();
            if let Some(host) = self.topology.host_mut(object.host) {
                let id = host.load(&object.programs, &needed)?;
                self.objects.push((object.host, id));
            }
        }
        for replaced in &prepared.replaced {
            let maps = replaced.maps.iter();
            let maps: Vec<MapId> = maps.filter_map(|map| Some(self.id(*map)?.1)).collect();
            let Some((host, object)) = self.objects.get(replaced.object).copied() else {
                continue;
            };
            if let Some(host) = self.topology.host_mut(host) {
                host.replace(object, &replaced.program, &maps)?;
            }
        }
        Ok(())
    }

    fn interfaces(&mut self, scenario: &Scenario, prepared: &Prepared) -> Result<(), Problem> {
        let fallback = [crate::file::blank("eth0", 2)];
        let interfaces = match &scenario.interfaces[..] {
            [] => &fallback[..],
            interfaces => interfaces,
        };
        for (place, interface) in interfaces.iter().enumerate() {
            let Some(host) = self.topology.host_mut(interface.host) else {
                continue;
            };
            let id = host.add_interface(interface.device.clone(), interface.queues)?;
            host.set_gro(id, interface.gro);
            for attached in prepared.attached.get(place).into_iter().flatten() {
                let Some((_, object)) = self.objects.get(attached.object) else {
                    continue;
                };
                match attached.dispatched {
                    None => host.attach(id, *object, &attached.program)?,
                    config => host.attach_beside(id, *object, &attached.program, config)?,
                }
            }
            self.names.push(interface.name.clone());
            self.ends.push(End {
                host: interface.host,
                interface: id,
            });
        }
        Ok(())
    }

    fn open_socket(&mut self, prepared: &Prepared, socket: &SocketSpec) -> Result<(), Problem> {
        let (map, _) = prepared.map(&socket.map.text)?;
        let end = self.ends.get(socket.interface).copied();
        let (Some((host, id)), Some(end)) = (self.id(map), end) else {
            return Ok(());
        };
        if end.host != host {
            return Err(Problem::Expected {
                expected: "a map on the host of the interface".to_owned(),
                found: format!("{}, which is on another", socket.map.text),
            });
        }
        if let Some(host) = self.topology.host_mut(host) {
            host.open_socket(id, socket.slot, end.interface, socket.queue)?;
        }
        self.sockets.push((map, socket.slot, host, id));
        Ok(())
    }

    fn choose(&mut self, engine: Engine, prepared: &Prepared) -> Result<(), Problem> {
        for place in 0..self.topology.hosts().count() {
            let here = prepared
                .verified
                .iter()
                .filter_map(|(object, name, proven)| {
                    let (host, id) = self.objects.get(*object)?;
                    (*host == place).then_some((*id, name.as_str(), proven))
                });
            let verified: Vec<_> = here.collect();
            let Some(host) = self.topology.host_mut(place) else {
                continue;
            };
            let chosen = host.set_engine(engine, &verified);
            chosen.map_err(|error| Problem::Unsupported(format!("engine jit: {error}: it")))?;
        }
        Ok(())
    }

    /// The host and machine's number of a map.
    fn id(&self, map: MapRef) -> Option<(usize, MapId)> {
        let (host, object) = *self.objects.get(map.object)?;
        let id = *self.topology.host(host)?.maps(object).get(map.map)?;
        Some((host, id))
    }

    /// The host of a map, and its number there.
    fn live(&mut self, map: MapRef) -> Option<(&mut Host, MapId)> {
        let (host, id) = self.id(map)?;
        Some((self.topology.host_mut(host)?, id))
    }

    /// The map of the scenario that a map of a host is.
    fn place(&self, host: usize, id: MapId) -> MapRef {
        let known = self.topology.host(host);
        let objects = self.objects.iter().enumerate();
        let mut maps = objects.filter_map(|(object, (of, number))| {
            let maps = known.filter(|_| *of == host)?.maps(*number);
            let map = maps.iter().position(|known| *known == id)?;
            Some(MapRef { object, map })
        });
        maps.next().unwrap_or(MapRef {
            object: 0,
            map: usize::MAX,
        })
    }

    fn name(&self, end: End) -> String {
        let mut known = self.ends.iter().zip(&self.names);
        let found = known.find(|(known, _)| **known == end);
        found.map_or_else(String::new, |(_, name)| name.clone())
    }

    fn hop(&self, step: &xdp_sim::Step, queue: u32) -> Hop {
        let host = self.topology.host(step.at.host);
        let machine = host.map(Host::machine);
        let explain = |trap| machine.map_or_else(String::new, |machine| machine.explain(trap));
        let programs = step.ran.iter().filter_map(|ran| {
            let name = machine?.program_name(ran.program)?;
            Some(name.to_owned())
        });
        let to = step.went.iter().map(|went| destination(machine, went.to));
        Hop {
            at: self.name(step.at),
            from: step.from,
            queue,
            before: step.before.clone(),
            fate: Fate {
                action: step.action.unwrap_or(abi::xdp::XdpAction::Pass),
                ret: step.ret,
                output: step.after.clone(),
                metadata: step.metadata.clone(),
                to: to.collect(),
                left: step.went.iter().map(|went| went.data.clone()).collect(),
                followed: true,
                programs: programs.collect(),
                lost: step.lost.map(|lost| lost.to_string()),
                instructions: Some(step.executed),
                trap: step.trap.as_ref().map(explain),
                hops: Vec::new(),
            },
        }
    }
}

/// Where packets went, in words.
fn destination(machine: Option<&vm::Machine>, to: Destination) -> String {
    match to {
        Destination::Stack => "stack".to_owned(),
        Destination::Back => "back".to_owned(),
        Destination::Device(ifindex) => {
            let device = machine.and_then(|machine| machine.world.network.device(ifindex));
            match device {
                Some(device) => device.name.clone(),
                None => format!("device {ifindex}"),
            }
        }
        Destination::Cpu(cpu) => format!("cpu {cpu}"),
        Destination::Socket { map, slot } => {
            let map = machine.and_then(|machine| machine.map(map));
            let name = map.map_or("?", |map| &map.def().name);
            format!("socket {name}[{slot}]")
        }
    }
}

fn world(scenario: &Scenario, host: usize) -> World {
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
    let network = &mut world.network;
    let routes = spec.routes.iter().filter(|(of, _)| *of == host);
    network
        .routes
        .extend(routes.map(|(_, route)| route.clone()));
    let neighbours = spec.neighbours.iter().filter(|(of, _)| *of == host);
    let neighbours = neighbours.map(|(_, neighbour)| neighbour.clone());
    network.neighbours.extend(neighbours);
    let sockets = spec.sockets.iter().filter(|(of, _)| *of == host);
    let sockets = sockets.map(|(_, socket)| socket.clone());
    network.sockets.extend(sockets);
    world
}

impl Stage for SimulatorStage {
    fn packet(&mut self, arrival: &Arrival<'_>) -> Result<Fate, Problem> {
        let Some(end) = self.ends.get(arrival.interface).copied() else {
            let what = "a packet on an interface that is not there".to_owned();
            return Err(Problem::Unsupported(what));
        };
        if let Some(host) = self.topology.host_mut(end.host) {
            host.machine_mut().world.cpu.id = arrival.cpu;
            host.set_hints(arrival.hints);
        }
        let journey = self.topology.inject(end, arrival.queue, arrival.data)?;
        if journey.cut {
            let most = Topology::MAX_STEPS;
            let what = format!("a packet that arrives at more than {most} interfaces");
            return Err(Problem::Unsupported(what));
        }
        // Behind the first interface everything comes to queue 0.
        let queue = |step: &xdp_sim::Step| step.from.map_or(arrival.queue, |_| 0);
        let hops = journey.steps.iter();
        let hops: Vec<Hop> = hops.map(|step| self.hop(step, queue(step))).collect();
        let Some(first) = hops.first() else {
            let what = "a packet that arrives nowhere".to_owned();
            return Err(Problem::Unsupported(what));
        };
        Ok(Fate {
            hops: hops.clone(),
            ..first.fate.clone()
        })
    }

    fn time(&self) -> u64 {
        let host = self.topology.host(0);
        host.map_or(0, |host| host.machine().world.clock.now_ns)
    }

    fn set_time(&mut self, now_ns: u64) {
        self.topology.set_time(now_ns);
    }

    fn catch_up(&mut self) -> Result<(), String> {
        let ran = self.topology.run_timers();
        ran.map(drop).map_err(|(host, trap)| {
            let host = self.topology.host(host);
            host.map_or_else(String::new, |host| host.machine().explain(&trap))
        })
    }

    fn set(&mut self, map: MapRef, entries: &Json) -> Result<(), FillError> {
        match self.live(map) {
            Some((host, id)) => host.fill_map(id, entries),
            None => Ok(()),
        }
    }

    fn delete(&mut self, map: MapRef, key: &[u8]) -> Result<(), Errno> {
        let (host, id) = self.live(map).ok_or(Errno::EBADF)?;
        host.machine_mut().map_delete(id, key)
    }

    fn entries(&mut self, map: MapRef) -> Vec<Json> {
        match self.live(map) {
            Some((host, id)) => host.dump_map(id),
            None => Vec::new(),
        }
    }

    fn lookup(&mut self, map: MapRef, key: &[u8]) -> Result<Vec<u8>, Errno> {
        let (host, id) = self.live(map).ok_or(Errno::EBADF)?;
        host.machine_mut().map_lookup(id, key)
    }

    fn update(&mut self, map: MapRef, key: &[u8], value: &[u8]) -> Result<(), Errno> {
        let (host, id) = self.live(map).ok_or(Errno::EBADF)?;
        host.machine_mut().map_update(id, key, value, update::ANY)
    }

    fn push(&mut self, map: MapRef, record: &[u8]) -> Result<(), Errno> {
        let (host, id) = self.live(map).ok_or(Errno::EBADF)?;
        host.machine_mut().user_ringbuf_push(id, record)
    }

    fn network(&mut self, host: usize) -> Option<&mut Network> {
        let host = self.topology.host_mut(host)?;
        Some(&mut host.machine_mut().world.network)
    }

    fn take_events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for number in 0..self.topology.hosts().count() {
            let mut taken = Vec::new();
            let Some(host) = self.topology.host_mut(number) else {
                continue;
            };
            host.take_events(&mut |event| {
                taken.push(match event {
                    xdp_sim::Event::Ring { map, data } | xdp_sim::Event::Perf { map, data, .. } => {
                        (Some(map), data.to_vec())
                    }
                    xdp_sim::Event::Printk(line) => (None, line.as_bytes().to_vec()),
                });
            });
            events.extend(taken.into_iter().map(|(map, data)| match map {
                Some(id) => Event::Record {
                    map: self.place(number, id),
                    data,
                },
                None => Event::Printk(String::from_utf8_lossy(&data).into_owned()),
            }));
        }
        for (map, slot, host, id) in &self.sockets {
            let Some(host) = self.topology.host_mut(*host) else {
                continue;
            };
            while let Some(data) = host.receive_from(*id, *slot) {
                events.push(Event::Received {
                    map: *map,
                    slot: *slot,
                    data,
                });
            }
        }
        events
    }
}
