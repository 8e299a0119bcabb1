//! Our engines: the interpreter and the modes of the compiler.

use vm::packet::Input;
use vm::world::Cpu;
use vm::{Addr, Machine, MapId, ProgId, World};

use crate::case::{COUNTER, Case, cpus};
use crate::engine::{Engine, clock, sum_counters};

/// Who runs the program in the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Interpreter,
}

struct Ours {
    machine: Machine,
    program: ProgId,
    ctx: Addr,
    counted: Option<(MapId, Vec<u8>)>,
}

/// The program in a machine of its own.
pub(crate) fn open(case: &Case, by: By) -> Result<Box<dyn Engine>, String> {
    let (machine, program, maps) = machine(case)?;
    let mut ours = Ours {
        machine,
        program,
        ctx: Addr::NULL,
        counted: None,
    };
    if let Some(index) = case.map() {
        for (key, value) in &case.entries {
            let updated = ours.machine.map_update(maps[index], key, value, 0);
            updated.map_err(|errno| format!("an entry is refused: {errno}"))?;
        }
        ours.counted = Some((maps[index], case.entries[0].0.clone()));
    }
    let received = ours.machine.receive(&Input {
        data: &case.packet,
        ..Input::default()
    });
    ours.ctx = received.map_err(|error| error.to_string())?;
    match by {
        By::Interpreter => {}
    }
    Ok(Box::new(ours))
}

/// A machine with the maps and the program of a case.
pub(crate) fn machine(case: &Case) -> Result<(Machine, ProgId, Vec<MapId>), String> {
    let world = World {
        cpu: Cpu {
            count: cpus(),
            ..Cpu::default()
        },
        ..World::default()
    };
    let mut machine = Machine::new(world).map_err(|error| error.to_string())?;
    let programs = std::slice::from_ref(&case.program);
    let instance = machine.instantiate(&case.program.maps, programs);
    let instance = instance.map_err(|error| error.to_string())?;
    Ok((machine, instance.programs[0], instance.maps))
}

/// Instructions of one run.
pub(crate) fn executed(case: &Case) -> u64 {
    let mut machine = machine(case).expect("loads").0;
    let input = Input {
        data: &case.packet,
        ..Input::default()
    };
    let ctx = machine.receive(&input).expect("a packet");
    let program = machine.program_ids().next().expect("a program");
    let _ = machine.run(program, ctx);
    machine.executed()
}

impl Ours {
    fn once(&mut self) -> u32 {
        match self.machine.run(self.program, self.ctx) {
            Ok(ret) => ret as u32,
            Err(trap) => panic!("{}", self.machine.explain(&trap)),
        }
    }
}

impl Engine for Ours {
    fn run(&mut self) -> u32 {
        self.once()
    }

    fn packet(&self) -> Vec<u8> {
        let packet = self.machine.packet.as_ref().expect("was received");
        packet.linear(&self.machine.space).to_vec()
    }

    fn counter(&mut self) -> Vec<u64> {
        let Some((map, key)) = &self.counted else {
            return Vec::new();
        };
        let value = self.machine.map_lookup(*map, key);
        sum_counters(&value.expect("was put there"), COUNTER)
    }

    fn time(&mut self, _: usize, runs: u32) -> f64 {
        clock(runs, || self.once())
    }
}
