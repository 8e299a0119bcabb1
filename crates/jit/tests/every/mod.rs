//! Every way to compile, for the tests in this folder.
#![allow(dead_code, reason = "each test file uses what it needs")]
#![expect(unsafe_code, reason = "vouches for the programs of tests")]

pub(crate) mod child;

use std::fmt;

use jit::{Compiled, Error, Mode, Options};
use vm::{Machine, Trap, TrapKind};

/// A way to compile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) options: Options,
}

/// All ways to compile.
pub(crate) fn forms() -> impl Iterator<Item = Form> {
    let modes = [Mode::Checked, Mode::Sandboxed, Mode::Trusted];
    // Whether to count, to go through gs, to hide immediates.
    let with = [
        (true, true, false),
        (true, false, false),
        (true, true, true),
        (false, true, false),
        (false, false, true),
    ];
    modes.into_iter().flat_map(move |mode| {
        with.map(|(meter, gs, blind)| Form {
            options: Options {
                mode,
                meter,
                blind,
                gs: Some(gs),
            },
        })
    })
}

impl Form {
    /// Whether traps are the interpreter's in every case.
    pub(crate) fn is_exact(self) -> bool {
        self.options.mode == Mode::Checked
    }

    /// Whether a program may be compiled so that ends like this in the interpreter.
    pub(crate) fn may_run(self, result: &Result<u64, Trap>) -> bool {
        let kind = result.as_ref().err().map(|trap| trap.kind);
        let memory = matches!(kind, Some(TrapKind::Memory(_)));
        let budget = matches!(kind, Some(TrapKind::Budget { .. }));
        (self.options.meter || !budget) && (self.options.mode != Mode::Trusted || !memory)
    }

    pub(crate) fn compile(self, machine: &mut Machine) -> Result<Compiled, Error> {
        // SAFETY: the tests compile programs in trusted mode only if the
        // interpreter has found nothing wrong with them.
        unsafe { Compiled::trusted(machine, &self.options, &[]) }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            mode,
            meter,
            blind,
            gs,
            ..
        } = self.options;
        write!(f, "{mode:?}, meter {meter}, blind {blind}, gs {gs:?}")
    }
}
