//! Playing scenarios.

mod prepare;
mod simulator;
mod stage;

use std::collections::BTreeMap;
use std::fs::File;

use abi::MapType;
use xdp_sim::capture::{self, Reader};

pub use prepare::{Attached, LoadedObject, Prepared};
pub use simulator::SimulatorStage;
pub use stage::{Arrival, Event, Fate, Hop, MapRef, Stage};
pub use xdp_sim::Engine;

pub(crate) use prepare::{at, wrong};

use crate::expect::{self, PacketJudge, Seen};
use crate::file::{Data, Error, Node, Problem};
use crate::model::{Change, Filling, Packets, Scenario, Step};
use crate::packet;
use crate::report::{Check, Report};

/// Runs a scenario on the simulator.
///
/// # Errors
///
/// What is wrong with the scenario. Expectations that are missed are no errors:
/// they are in the report.
pub fn run(scenario: &Scenario) -> Result<Report, Error> {
    run_with(scenario, Engine::Interpreter, &mut |_, _| Ok(()))
}

/// Sees what became of each packet, and when it came; an error ends the run.
pub type Observer<'a> = dyn FnMut(u64, &Fate) -> Result<(), Problem> + 'a;

/// Runs a scenario on the simulator with some engine; `observe` sees each packet.
///
/// # Errors
///
/// What is wrong with the scenario; for [`Engine::Jit`], that there can be no
/// compiled code; what `observe` says.
pub fn run_with(
    scenario: &Scenario,
    engine: Engine,
    observe: &mut Observer<'_>,
) -> Result<Report, Error> {
    let prepared = Prepared::new(scenario)?;
    let mut stage = SimulatorStage::new(scenario, &prepared, engine)?;
    run_on(scenario, &prepared, &mut stage, observe)
}

/// Runs a scenario on some stage.
///
/// # Errors
///
/// What is wrong with the scenario.
pub fn run_on(
    scenario: &Scenario,
    prepared: &Prepared,
    stage: &mut dyn Stage,
    observe: &mut Observer<'_>,
) -> Result<Report, Error> {
    let mut play = Play {
        scenario,
        prepared,
        stage,
        observe,
        all: Seen::default(),
    };
    for filling in &scenario.maps {
        play.set(filling)?;
    }
    let mut report = Report {
        name: scenario.name.clone(),
        path: scenario.source.as_ref().map(|source| source.path.clone()),
        notes: prepared.notes.clone(),
        ..Report::default()
    };
    for (place, step) in scenario.steps.iter().enumerate() {
        let check = play.step(place, step)?;
        report.packets += check.packets;
        report.checks.push(check);
    }
    report.checks.extend(play.end()?);
    Ok(report)
}

/// A scenario that is being played.
struct Play<'a> {
    scenario: &'a Scenario,
    prepared: &'a Prepared,
    stage: &'a mut dyn Stage,
    observe: &'a mut Observer<'a>,
    /// What was seen since the start.
    all: Seen,
}

impl Play<'_> {
    fn step(&mut self, place: usize, step: &Step) -> Result<Check, Error> {
        self.pass_time(step);
        let mut timers = self.stage.catch_up();
        for change in &step.changes {
            self.change(change)?;
        }
        let mut seen = Seen::default();
        // Whatever came before, such as from timers, is of this step.
        self.take_events(&mut seen);
        let mut judge = PacketJudge::new(self.scenario, step);
        self.packets(step, &mut seen, &mut judge)?;
        timers = timers.and_then(|()| self.stage.catch_up());
        self.take_events(&mut seen);
        let mut check = Check {
            name: step_name(place, step),
            place: self
                .scenario
                .source
                .as_ref()
                .map(|s| s.place(step.spot.span.start)),
            packets: seen.packets,
            ..Check::default()
        };
        judge.finish(&mut check);
        if let Err(trap) = timers {
            expect::trapped_timer(self.scenario, &step.spot, trap, &mut check);
        }
        let state = &step.expect.state;
        expect::state(
            self.scenario,
            self.prepared,
            self.stage,
            state,
            &seen,
            &mut check,
        )?;
        self.all.add(seen);
        Ok(check)
    }

    fn end(&mut self) -> Result<Option<Check>, Error> {
        let state = &self.scenario.expect;
        let mut check = Check {
            name: "at the end".to_owned(),
            ..Check::default()
        };
        expect::state(
            self.scenario,
            self.prepared,
            self.stage,
            state,
            &self.all,
            &mut check,
        )?;
        Ok((check.expectations > 0).then_some(check))
    }

    fn pass_time(&mut self, step: &Step) {
        let now = step.at_ns.unwrap_or_else(|| self.stage.time());
        // Time never goes back.
        let now = now.saturating_add(step.advance_ns).max(self.stage.time());
        self.stage.set_time(now);
    }

    fn packets(
        &mut self,
        step: &Step,
        seen: &mut Seen,
        judge: &mut PacketJudge<'_>,
    ) -> Result<(), Error> {
        match &step.packets {
            Packets::None => {}
            Packets::Described(text) => {
                for number in 0..step.repeat {
                    let definitions = self.scenario.definitions.numbered(number);
                    let bytes = packet::bytes_with(&text.text, &definitions).map_err(|e| {
                        let source = self.scenario.source.as_ref();
                        Error::in_packet(source, &text.spot.span, &text.text, e)
                    })?;
                    self.packet(step, &bytes, None, seen, judge)?;
                }
            }
            Packets::Bytes(bytes) => {
                for _ in 0..step.repeat {
                    self.packet(step, bytes, None, seen, judge)?;
                }
            }
            Packets::Capture {
                path, skip, count, ..
            } => {
                for _ in 0..step.repeat {
                    self.capture(step, path, *skip, *count, seen, judge)?;
                }
            }
        }
        Ok(())
    }

    fn capture(
        &mut self,
        step: &Step,
        path: &std::path::Path,
        skip: u64,
        count: u64,
        seen: &mut Seen,
        judge: &mut PacketJudge<'_>,
    ) -> Result<(), Error> {
        let fail = |problem| {
            let Packets::Capture { spot, .. } = &step.packets else {
                return at(self.scenario, &step.spot, problem);
            };
            at(self.scenario, spot, problem)
        };
        let unreadable = |error| Problem::Read {
            path: path.to_owned(),
            error,
        };
        let broken = |error| Problem::Capture {
            path: path.to_owned(),
            error: Box::new(error),
        };
        let file = File::open(path).map_err(|e| fail(unreadable(e)))?;
        let reader = Reader::new(file, capture::Options::default());
        let mut reader = reader.map_err(|e| fail(broken(e)))?;
        let mut index = 0;
        loop {
            let packet = reader.next().map_err(|e| fail(broken(e)))?;
            let Some(packet) = packet else {
                return Ok(());
            };
            index += 1;
            if index <= skip {
                continue;
            }
            if index > skip.saturating_add(count) {
                return Ok(());
            }
            // No driver delivers less than an Ethernet header.
            if packet.captured.len() < abi::xdp::MIN_PACKET as usize {
                *seen.counts.entry("too-short".to_owned()).or_default() += 1;
                continue;
            }
            self.packet(
                step,
                packet.captured,
                Some(packet.timestamp_ns),
                seen,
                judge,
            )?;
        }
    }

    fn packet(
        &mut self,
        step: &Step,
        data: &[u8],
        time: Option<u64>,
        seen: &mut Seen,
        judge: &mut PacketJudge<'_>,
    ) -> Result<(), Error> {
        let clock = &self.scenario.world.clock;
        if let (true, Some(time)) = (clock.capture, time) {
            self.stage.set_time(time.max(self.stage.time()));
        }
        let named = step.interface.as_ref().map(|name| name.text.as_str());
        let mut interfaces = self.scenario.interfaces.iter();
        let interface = match named {
            Some(name) => interfaces.position(|i| i.name == name),
            None => self.prepared.attached.iter().position(|on| !on.is_empty()),
        };
        let arrival = Arrival {
            interface: interface.unwrap_or(0),
            queue: step.queue,
            cpu: step.cpu,
            hints: match &step.hints[..] {
                [all] => *all,
                each => each.get(seen.packets as usize).copied().unwrap_or_default(),
            },
            data,
        };
        let fate = self.stage.packet(&arrival);
        let fate = fate.map_err(|problem| at(self.scenario, &step.spot, problem))?;
        let now = self.stage.time();
        let observed = (self.observe)(now, &fate);
        observed.map_err(|problem| at(self.scenario, &step.spot, problem))?;
        self.stage.set_time(now.saturating_add(clock.step_ns));
        seen.count(&fate);
        self.take_events(seen);
        judge.packet(data, &fate)
    }

    fn take_events(&mut self, seen: &mut Seen) {
        for event in self.stage.take_events() {
            match event {
                Event::Record { map, data } => seen.records.entry(map).or_default().push(data),
                Event::Received { map, slot, data } => {
                    seen.received.entry((map, slot)).or_default().push(data);
                }
                Event::Printk(line) => seen.printk.push(line),
            }
        }
    }

    fn change(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Set(filling) => return self.set(filling),
            Change::Delete(filling) => return self.delete(filling),
            Change::Push(filling) => return self.push(filling),
            Change::Global(name, value) => return self.set_global(name, value),
            _ => {}
        }
        let host = match change {
            Change::AddRoute(host, _)
            | Change::AddNeighbour(host, _)
            | Change::AddSocket(host, _) => Some(*host),
            Change::Link(name, _) => self.scenario.interface(&name.text).map(|i| i.host),
            _ => None,
        };
        for number in 0..self.scenario.hosts.len().max(1) {
            if host.is_some_and(|host| host != number) {
                continue;
            }
            let Some(network) = self.stage.network(number) else {
                let what = "changing routes and links here".to_owned();
                let problem = Problem::Unsupported(what);
                return Err(at(self.scenario, &Default::default(), problem));
            };
            change_network(self.scenario, network, change);
        }
        Ok(())
    }

    /// Puts entries into a map, one by one, so that an error names the place.
    fn set(&mut self, filling: &Filling) -> Result<(), Error> {
        let fail = |problem| at(self.scenario, &filling.map.spot, problem);
        let (map, _) = self.prepared.map(&filling.map.text).map_err(fail)?;
        let Data::List(entries) = &filling.entries.data else {
            return Ok(());
        };
        let mut given = Vec::new();
        for entry in entries {
            given.push(expect::entry_json(
                self.scenario,
                self.prepared,
                map,
                entry,
            )?);
        }
        match self.stage.set(map, &given.into()) {
            Ok(()) => Ok(()),
            Err(error) => {
                let entry = entries.get(error.entry).unwrap_or(&filling.entries);
                Err(wrong(self.scenario, (entry.span.clone(), error.problem)))
            }
        }
    }

    fn delete(&mut self, filling: &Filling) -> Result<(), Error> {
        let fail = |problem| at(self.scenario, &filling.map.spot, problem);
        let (map, _) = self.prepared.map(&filling.map.text).map_err(fail)?;
        let (Data::List(keys), Some(typed)) = (&filling.entries.data, self.prepared.key_type(map))
        else {
            return Ok(());
        };
        for key in keys {
            let bytes = typed.encode(key).map_err(|e| wrong(self.scenario, e))?;
            let deleted = self.stage.delete(map, &bytes);
            deleted.map_err(|errno| {
                let problem = xdp_sim::contents::FillProblem::Refused(errno);
                wrong(self.scenario, (key.span.clone(), problem))
            })?;
        }
        Ok(())
    }

    /// Writes records into a ring buffer of user space, one by one.
    fn push(&mut self, filling: &Filling) -> Result<(), Error> {
        let fail = |problem| at(self.scenario, &filling.map.spot, problem);
        let (map, def) = self.prepared.map(&filling.map.text).map_err(fail)?;
        if def.map_type != MapType::UserRingbuf {
            return Err(fail(Problem::Expected {
                expected: "a map of type user_ringbuf".to_owned(),
                found: format!("{}, of type {}", filling.map.text, def.map_type.name()),
            }));
        }
        let Data::List(records) = &filling.entries.data else {
            return Ok(());
        };
        let typed = expect::event_type(self.scenario, self.prepared, map)?;
        for record in records {
            let bytes = expect::record_bytes(self.scenario, &filling.map.text, typed, record)?;
            let pushed = self.stage.push(map, &bytes);
            pushed.map_err(|errno| {
                let problem = xdp_sim::contents::FillProblem::Refused(errno);
                wrong(self.scenario, (record.span.clone(), problem))
            })?;
        }
        Ok(())
    }

    fn set_global(&mut self, name: &crate::model::Name, value: &Node) -> Result<(), Error> {
        let fail = |problem| at(self.scenario, &name.spot, problem);
        let (map, global) = self.prepared.global(&name.text).map_err(fail)?;
        let typed = self.prepared.typed(map.object, global.type_id, global.size);
        let bytes = typed.encode(value).map_err(|e| wrong(self.scenario, e))?;
        let refused = |errno| {
            let problem = xdp_sim::contents::FillProblem::Refused(errno);
            wrong(self.scenario, (value.span.clone(), problem))
        };
        let mut section = self.stage.lookup(map, &[0; 4]).map_err(refused)?;
        let start = global.offset as usize;
        if let Some(place) = section.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
        self.stage.update(map, &[0; 4], &section).map_err(refused)
    }
}

/// A change of devices, routes or neighbours.
fn change_network(scenario: &Scenario, network: &mut vm::world::Network, change: &Change) {
    match change {
        Change::AddRoute(_, route) => network.routes.push(route.clone()),
        Change::RemoveRoute(to) => network.routes.retain(|route| route.destination != *to),
        Change::AddNeighbour(_, new) => {
            let same =
                |old: &vm::world::Neighbour| (old.device, old.address) == (new.device, new.address);
            network.neighbours.retain(|old| !same(old));
            network.neighbours.push(new.clone());
        }
        Change::RemoveNeighbour(address) => {
            network.neighbours.retain(|n| n.address != *address);
        }
        Change::Link(name, up) => {
            let interface = scenario.interface(&name.text);
            let wanted = interface.map(|i| i.device.ifindex);
            let mut devices = network.devices.iter_mut();
            if let Some(device) = devices.find(|device| Some(device.ifindex) == wanted) {
                device.up = *up;
            }
        }
        Change::AddSocket(_, socket) => network.sockets.push(socket.clone()),
        Change::RemoveSocket(local) => network.sockets.retain(|known| known.local != *local),
        Change::Set(_) | Change::Delete(_) | Change::Push(_) | Change::Global(..) => {}
    }
}

/// What a step is called: its name, or what it does.
fn step_name(place: usize, step: &Step) -> String {
    const LETTERS: usize = 60;
    if let Some(name) = &step.name {
        return name.clone();
    }
    let what = match &step.packets {
        Packets::Described(text) => text.text.clone(),
        Packets::Capture { path, .. } => path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        Packets::Bytes(bytes) => packet::describe(bytes),
        Packets::None => String::new(),
    };
    let number = place + 1;
    match what.char_indices().nth(LETTERS) {
        _ if what.is_empty() => format!("step {number}"),
        Some((end, _)) => format!("step {number}: {}…", &what[..end]),
        None => format!("step {number}: {what}"),
    }
}

/// Records by the map that they came through.
pub(crate) type Records = BTreeMap<MapRef, Vec<Vec<u8>>>;
