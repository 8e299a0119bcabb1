//! Our engines: the interpreter and the modes of the compiler.

use jit::{Mode, Options};
use vm::packet::Input;
use vm::world::Cpu;
use vm::{Addr, Machine, MapId, ProgId, World};

use crate::case::{COUNTER, Case, cpus};
use crate::engine::{Engine, clock, sum_counters};
use crate::foreign::{clear_gs, compile};

/// Who runs the program in the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Interpreter,
    /// The compiler. Programs here are verified, so only checked code, which is
    /// for those that are not, counts instructions.
    Jit(Mode),
}

impl By {
    fn places(self) -> usize {
        match self {
            By::Interpreter => 1,
            By::Jit(_) => COPIES,
        }
    }
}

/// How many machines a program is compiled in, for the sake of its places in
/// memory.
const COPIES: usize = 4;

/// What the compiler is asked for.
pub(crate) fn options(mode: Mode) -> Options {
    Options {
        mode,
        meter: mode == Mode::Checked,
        ..Options::default()
    }
}

struct Ours {
    copies: Vec<Copy>,
}

/// The program in a machine of its own.
struct Copy {
    machine: Machine,
    program: ProgId,
    ctx: Addr,
    counted: Option<(MapId, Vec<u8>)>,
}

/// The program in machines of its own.
pub(crate) fn open(case: &Case, by: By) -> Result<Box<dyn Engine>, String> {
    let copies = (0..by.places()).map(|_| Copy::open(case, by));
    Ok(Box::new(Ours {
        copies: copies.collect::<Result<_, _>>()?,
    }))
}

impl Copy {
    fn open(case: &Case, by: By) -> Result<Copy, String> {
        let (mut machine, program, maps) = machine(case)?;
        let mut counted = None;
        if let Some(index) = case.map() {
            for (key, value) in &case.entries {
                let updated = machine.map_update(maps[index], key, value, 0);
                updated.map_err(|errno| format!("an entry is refused: {errno}"))?;
            }
            counted = Some((maps[index], case.entries[0].0.clone()));
        }
        let received = machine.receive(&Input {
            data: &case.packet,
            ..Input::default()
        });
        let ctx = received.map_err(|error| error.to_string())?;
        if let By::Jit(mode) = by {
            let proven = proven(case)?;
            let proof = jit::Proof {
                program,
                proven: &proven,
                maps: &maps,
            };
            let proofs = if mode == Mode::Checked {
                &[][..]
            } else {
                &[proof]
            };
            let compiled = compile(&mut machine, &options(mode), proofs);
            let compiled = compiled.map_err(|error| error.to_string())?;
            machine.set_engine(Some(Box::new(compiled)));
        }
        Ok(Copy {
            machine,
            program,
            ctx,
            counted,
        })
    }

    fn run(&mut self) -> u32 {
        match self.machine.run(self.program, self.ctx) {
            Ok(ret) => ret as u32,
            Err(trap) => panic!("{}", self.machine.explain(&trap)),
        }
    }
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

/// What our verifier proves of the program.
pub(crate) fn proven(case: &Case) -> Result<abi::Proven, String> {
    match verifier::verify(&case.program, &verifier::Config::default(), None) {
        verifier::Verdict::Accepted(acceptance) => Ok(acceptance.into_proven()),
        refused => Err(format!("not accepted: {refused:?}")),
    }
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

impl Engine for Ours {
    fn run(&mut self) -> u32 {
        self.copies[0].run()
    }

    fn packet(&self) -> Vec<u8> {
        let machine = &self.copies[0].machine;
        let packet = machine.packet.as_ref().expect("was received");
        packet.linear(&machine.space).to_vec()
    }

    fn counter(&mut self) -> Vec<u64> {
        let copy = &mut self.copies[0];
        let Some((map, key)) = &copy.counted else {
            return Vec::new();
        };
        let value = copy.machine.map_lookup(*map, key);
        sum_counters(&value.expect("was put there"), COUNTER)
    }

    fn places(&self) -> usize {
        self.copies.len()
    }

    fn time(&mut self, place: usize, runs: u32) -> f64 {
        let copy = &mut self.copies[place];
        clear_gs();
        clock(runs, || copy.run())
    }
}
