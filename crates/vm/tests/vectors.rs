//! The conformance vectors of the instruction set, on the interpreter.

mod support;

#[path = "support/vectors.rs"]
mod corpus;

use corpus::{all_vectors, arguments};
use isa::vectors::{ErrorKind, Outcome, Vector};
use support::{machine, named};
use vm::{LoadError, Trap, TrapKind};

#[test]
fn every_vector_gives_what_it_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (file, vector) in all_vectors() {
        count += 1;
        let outcome = run(&vector);
        if outcome != Ok(vector.outcome) {
            let (name, line, wanted) = (vector.name, vector.line, vector.outcome);
            wrong.push(format!(
                "{file}:{line}: {name}: {wanted:x?}, got {outcome:x?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "only {count} vectors");
}

/// What comes of a vector; a text where it is none of the outcomes.
fn run(vector: &Vector) -> Result<Outcome, String> {
    let code = isa::asm::assemble(&vector.asm).map_err(|error| error.to_string())?;
    let mut machine = machine();
    // What `may_goto` allows is 8 Mi rounds.
    machine.budget = 1 << 25;
    let (args, _) = arguments(&mut machine, vector);
    let program = match machine.load_program(&named("vector", code.slots().to_vec()), &[]) {
        Ok(program) => program,
        Err(LoadError::Structure { .. }) => return Ok(Outcome::Error(ErrorKind::Structure)),
        Err(LoadError::Helper { .. } | LoadError::Extern { .. }) => {
            return Ok(Outcome::Error(ErrorKind::Unsupported));
        }
        Err(error) => return Err(error.to_string()),
    };
    match machine.call(program, args) {
        Ok(r0) => Ok(Outcome::Result(r0)),
        Err(trap) => kind(&trap)
            .map(Outcome::Error)
            .ok_or_else(|| machine.explain(&trap)),
    }
}

fn kind(trap: &Trap) -> Option<ErrorKind> {
    Some(match trap.kind {
        TrapKind::Memory(_) => ErrorKind::Access,
        TrapKind::Invalid(_) => ErrorKind::Invalid,
        TrapKind::CallDepth { .. } => ErrorKind::Depth,
        TrapKind::Budget { .. } => ErrorKind::Budget,
        TrapKind::Unsupported { .. } => ErrorKind::Unsupported,
        _ => return None,
    })
}
