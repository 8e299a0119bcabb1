//! The conformance vectors of the instruction set, on the interpreter.

mod support;

use std::fs;
use std::path::Path;

use isa::vectors::{self, ErrorKind, Outcome, Vector};
use support::{machine, named};
use vm::packet::Input;
use vm::{LoadError, Machine, RegionKind, Rights, Trap, TrapKind};

#[test]
fn every_vector_gives_what_it_says() {
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
            count += 1;
            let outcome = run(&vector);
            if outcome != Ok(vector.outcome) {
                let file = path.file_name().unwrap_or_default().display();
                let (name, line, wanted) = (vector.name, vector.line, vector.outcome);
                wrong.push(format!(
                    "{file}:{line}: {name}: {wanted:x?}, got {outcome:x?}"
                ));
            }
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
    let args = arguments(&mut machine, vector);
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

/// `r1` to `r5`.
fn arguments(machine: &mut Machine, vector: &Vector) -> [u64; 5] {
    if let Some(packet) = &vector.packet {
        let input = Input {
            data: packet,
            ..Input::default()
        };
        let ctx = machine.receive(&input).expect("a packet");
        return [ctx.to_reg(), 0, 0, 0, 0];
    }
    let len = vector.memory.len() as u32;
    let region = machine
        .space
        .add(len, Rights::ReadWrite, RegionKind::Platform)
        .expect("room");
    let start = machine.space.region(region).start;
    let memory = machine.space.bytes_mut(start, len);
    memory.copy_from_slice(&vector.memory);
    [start.to_reg(), len.into(), 0, 0, 0]
}

fn kind(trap: &Trap) -> Option<ErrorKind> {
    Some(match trap.kind {
        TrapKind::Memory(_) => ErrorKind::Access,
        TrapKind::Invalid(_) => ErrorKind::Invalid,
        TrapKind::CallDepth => ErrorKind::Depth,
        TrapKind::Budget { .. } => ErrorKind::Budget,
        TrapKind::Unsupported { .. } => ErrorKind::Unsupported,
        _ => return None,
    })
}
