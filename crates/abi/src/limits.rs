//! Limits that Linux sets (UAPI headers and `Documentation/bpf`, Linux 6.18).

/// Stack bytes of one function.
pub const STACK_BYTES: u32 = 512;
/// Functions of the program that may be active at once.
pub const MAX_CALL_FRAMES: usize = 8;
/// Tail calls that one run may take.
pub const MAX_TAIL_CALLS: u32 = 33;
/// Functions that may be active at once in a run with tail calls: a program that is
/// called in place of a function has as many above it as one that begins. Linux
/// counts frames when it verifies, and then no more.
pub const MAX_RUN_FRAMES: usize = MAX_CALL_FRAMES + MAX_TAIL_CALLS as usize * (MAX_CALL_FRAMES - 1);
/// Iterations of `bpf_loop`.
pub const MAX_LOOPS: u32 = 8 << 20;
/// Instructions in a program of a privileged user.
pub const MAX_INSNS: usize = 1_000_000;
/// Bytes in the name of a program or map, with the closing NUL.
pub const OBJ_NAME_LEN: usize = 16;
/// Iterations that `may_goto` allows in one run.
pub const MAY_GOTO_ITERATIONS: u32 = 8 << 20;
/// Bytes in a memory page.
pub const PAGE_SIZE: u32 = 4096;
