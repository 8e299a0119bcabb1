//! Why programs could not be compiled.

/// Why programs could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another processor or operating system.
    #[error("there is no JIT for this target, only for x86-64 Linux")]
    Target,
    /// The address space is not one reservation, which compiled code needs.
    #[error("the host granted no 4 GiB of address space for the machine")]
    Reservation,
    /// The host gives no memory for code.
    #[error("no memory for {bytes} bytes of code: {source}")]
    Memory {
        /// What was asked for.
        bytes: usize,
        /// The host's answer.
        source: std::io::Error,
    },
    /// The signal handler could not be installed.
    #[error("no handler for faults in compiled code: {source}")]
    Handler {
        /// The host's answer.
        source: std::io::Error,
    },
    /// Somebody has replaced the handler for faults in compiled code since it was
    /// installed.
    #[error("another handler for signal {signal} has taken the place of that for compiled code")]
    HandlerReplaced {
        /// SIGSEGV or SIGBUS.
        signal: i32,
    },
    /// There are more pieces of compiled code in the process than the handler for
    /// faults can know.
    #[error("there are too many compiled machines in this process")]
    TooMany,
    /// [`Mode::Trusted`](crate::Mode::Trusted) was asked for without the promise
    /// that it takes.
    #[error("trusted code is made by a promise only")]
    Promise,
    /// The code is too long for relative jumps.
    #[error("program {program} is too large to be compiled")]
    TooLarge {
        /// Its name.
        program: String,
    },
}
