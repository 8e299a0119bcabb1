//! The conformance vectors of the instruction set, compiled in every mode and held
//! to the interpreter: same answer or same trap, same number of instructions, same
//! memory.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

mod every;

use std::fs;
use std::path::Path;

use every::{Form, forms};
use isa::vectors::{self, Vector};
use support::{machine, named};
use vm::packet::Input;
use vm::{Addr, Machine, RegionKind, Rights, Trap, TrapKind};

#[test]
fn every_vector_is_what_the_interpreter_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/insn");
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "data") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        let vectors = vectors::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for vector in vectors {
            let Some(wanted) = Run::of(&vector, None) else {
                continue;
            };
            count += 1;
            for form in forms() {
                if !form.may_run(&wanted.result) {
                    continue;
                }
                let got = Run::of(&vector, Some(form)).expect("was loaded before");
                if !got.is_as(&wanted, form) {
                    let file = path.file_name().unwrap_or_default().display();
                    let (name, line) = (&vector.name, vector.line);
                    wrong.push(format!(
                        "{file}:{line}: {name}, {form}:\n  wanted {wanted:x?}\n  got    {got:x?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "only {count} vectors");
}

/// What is seen of a run.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    result: Result<u64, Trap>,
    executed: u64,
    memory: Vec<u8>,
}

impl Run {
    /// Runs a vector in the interpreter or compiled; `None` where it is no program
    /// at all.
    fn of(vector: &Vector, form: Option<Form>) -> Option<Run> {
        let code = isa::asm::assemble(&vector.asm).expect("a program");
        let mut machine = machine();
        // What `may_goto` allows is 8 Mi rounds.
        machine.budget = 1 << 25;
        let (args, memory) = arguments(&mut machine, vector);
        let program = named("vector", code.slots().to_vec());
        let program = machine.load_program(&program, &[]).ok()?;
        if let Some(form) = form {
            let compiled = form.compile(&mut machine).expect("compiled");
            machine.set_engine(Some(Box::new(compiled)));
        }
        Some(Run {
            result: machine.call(program, args),
            executed: machine.executed(),
            memory: machine
                .space
                .bytes(memory, vector.memory.len() as u32)
                .to_vec(),
        })
    }

    fn is_as(&self, wanted: &Run, form: Form) -> bool {
        if !form.is_exact()
            && matches!(
                wanted.result,
                Err(Trap {
                    kind: TrapKind::Memory(_),
                    ..
                })
            )
        {
            // What lies between regions may be memory for compiled code.
            return self.result.is_ok() || self.result == wanted.result;
        }
        let counted = !form.options.meter || self.executed == wanted.executed;
        counted && self.result == wanted.result && self.memory == wanted.memory
    }
}

/// `r1` to `r5`, and where the vector's memory lies.
fn arguments(machine: &mut Machine, vector: &Vector) -> ([u64; 5], Addr) {
    if let Some(packet) = &vector.packet {
        let input = Input {
            data: packet,
            ..Input::default()
        };
        let ctx = machine.receive(&input).expect("a packet");
        return ([ctx.to_reg(), 0, 0, 0, 0], Addr::NULL);
    }
    let len = vector.memory.len() as u32;
    let region = machine
        .space
        .add(len, Rights::ReadWrite, RegionKind::Platform)
        .expect("room");
    let start = machine.space.region(region).start;
    let memory = machine.space.bytes_mut(start, len);
    memory.copy_from_slice(&vector.memory);
    ([start.to_reg(), len.into(), 0, 0, 0], start)
}
