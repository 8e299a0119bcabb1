use std::sync::Mutex;

use jit::{Compiled, Mode, Options};
use vm::{Engine, Machine, ProgId, Trap};

/// What runs programs in the interpreter's place, by the test that asks.
pub(super) fn engine() -> Option<Box<dyn Engine>> {
    let options = match env!("CARGO_CRATE_NAME") {
        "interpreter_tests_checked" => Options::default(),
        "interpreter_tests_sandboxed" => Options {
            mode: Mode::Sandboxed,
            ..Options::default()
        },
        _ => return None,
    };
    let compiled = Mutex::new(None);
    Some(Box::new(OnDemand { options, compiled }))
}

/// Compiles the programs of a machine when one is run and there are more of them
/// than there were.
#[derive(Debug)]
struct OnDemand {
    options: Options,
    compiled: Mutex<Option<(usize, Compiled)>>,
}

impl Engine for OnDemand {
    fn programs(&self) -> usize {
        usize::MAX
    }

    fn call(&self, machine: &mut Machine, program: ProgId, args: [u64; 5]) -> Result<u64, Trap> {
        let count = machine.program_ids().count();
        let mut compiled = self.compiled.lock().expect("no panic before");
        let known = compiled.take().filter(|(known, _)| *known == count);
        let (_, compiled) = compiled.insert(known.unwrap_or_else(|| {
            let compiled = Compiled::new(machine, &self.options).expect("it compiles");
            (count, compiled)
        }));
        compiled.call(machine, program, args)
    }
}
