//! The conformance vectors of the instruction set, compiled in every mode and held
//! to the interpreter: same answer or same trap, same number of instructions, same
//! memory.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

#[path = "../../vm/tests/support/vectors.rs"]
mod corpus;
mod every;

use corpus::{all_vectors, arguments};
use every::{Form, forms};
use isa::vectors::Vector;
use support::{machine, named};
use vm::{Trap, TrapKind};

#[test]
fn every_vector_is_what_the_interpreter_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (file, vector) in all_vectors() {
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
                let (name, line) = (&vector.name, vector.line);
                wrong.push(format!(
                    "{file}:{line}: {name}, {form}:\n  wanted {wanted:x?}\n  got    {got:x?}"
                ));
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
