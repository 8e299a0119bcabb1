//! What a compilation is asked for.

/// How an access to memory is kept within bounds; see the [crate's
/// documentation](crate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By explicit checks, as in the interpreter.
    #[default]
    Checked,
    /// By cutting addresses to 32 bits, and by pages without access.
    Sandboxed,
    /// Not at all.
    Trusted,
}

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// How accesses are kept within bounds.
    pub mode: Mode,
    /// Whether instructions are counted and the machine's budget holds. Without,
    /// a program that nobody verified may run for ever.
    pub meter: bool,
    /// Whether immediates of the program are hidden in the code (constant
    /// blinding), so that a program cannot plant bytes in executable memory.
    pub blind: bool,
    /// Whether programs with loops may address memory through `gs`, where the
    /// processor and the kernel let user space set it (FSGSBASE). `None`: the compiler
    /// chooses. Checked code does not.
    pub gs: Option<bool>,
}

impl Default for Options {
    /// For programs that nobody vouches for.
    fn default() -> Options {
        Options {
            mode: Mode::Checked,
            meter: true,
            blind: false,
            gs: None,
        }
    }
}

/// How `perf` and debuggers learn the names of compiled functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PerfNames {
    /// Lines in `/tmp/perf-PID.map`: enough for `perf report`.
    Map,
    /// `jit-PID.dump` in the current directory, for `perf record -k mono` and `perf
    /// inject --jit`: with the code, so that `perf annotate` works too.
    Dump,
}
