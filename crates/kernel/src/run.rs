//! PROG_TEST_RUN.

use std::time::Duration;

use abi::Errno;

use crate::Loaded;
use crate::sys::Runs;

/// What to run a program on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestRun<'a> {
    /// The packet; for other types what their test run takes.
    pub data: &'a [u8],
    /// The context as the program's type has it for test runs (`xdp_md`,
    /// `__sk_buff`); none lets Linux choose.
    pub ctx: &'a [u8],
    /// Runs, of which the first's packet is the next's; 0 is 1.
    pub repeat: u32,
    /// `BPF_F_TEST_*`.
    pub flags: u32,
    /// The CPU, where `flags` has `BPF_F_TEST_RUN_ON_CPU`. XDP and socket
    /// programs run on the caller's: see [`Kernel::on_cpu`](crate::Kernel::on_cpu).
    pub cpu: u32,
    /// Packets at once with `BPF_F_TEST_XDP_LIVE_FRAMES`, which wants no room for
    /// the packet afterwards.
    pub batch_size: u32,
    /// Bytes of room for the packet afterwards. `None` is enough for any: the
    /// packet, headroom and a page for it to grow into.
    pub data_size_out: Option<usize>,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestResult {
    /// The return value.
    pub retval: u32,
    /// The packet afterwards, metadata in front of it included.
    pub data: Vec<u8>,
    /// The context afterwards, as long as what was given.
    pub ctx: Vec<u8>,
    /// Time of one run, the mean over all, in nanoseconds.
    pub duration_ns: u32,
}

impl TestResult {
    /// [`TestResult::duration_ns`] as a duration.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.duration_ns.into())
    }
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Linux does not run the program so.
    #[error("{0}")]
    Refused(Errno),
    /// The program ran, but the packet afterwards is longer than the room given.
    #[error("the packet has {needed} bytes afterwards, more than there is room for")]
    TooLong {
        /// Its length.
        needed: usize,
        /// The return value.
        retval: u32,
    },
}

/// Room beyond the packet: headroom, and a page behind.
const GROWTH: usize = 256 + 4096;

impl Loaded {
    /// Runs the program.
    ///
    /// # Errors
    ///
    /// Linux's answer: `EINVAL` for a packet under 14 bytes, `ENOTSUPP` for a type
    /// that cannot be test-run.
    pub fn test_run(&self, run: &TestRun<'_>) -> Result<TestResult, RunError> {
        let room = match run.data_size_out {
            Some(room) => room,
            None if run.data.is_empty() => 0,
            None => run.data.len() + GROWTH,
        };
        let mut data = vec![0; room];
        let mut ctx = vec![0; run.ctx.len()];
        let mut runs = Runs {
            data: run.data,
            ctx: run.ctx,
            repeat: run.repeat,
            flags: run.flags,
            cpu: run.cpu,
            batch_size: run.batch_size,
            data_out: &mut data,
            ctx_out: &mut ctx,
            ..Runs::default()
        };
        let answer = self.fd.test_run(&mut runs);
        let (retval, duration_ns) = (runs.retval, runs.duration);
        let (data_len, ctx_len) = (runs.data_len, runs.ctx_len);
        match answer {
            Ok(()) => {}
            Err(Errno::ENOSPC) if data_len > room => {
                return Err(RunError::TooLong {
                    needed: data_len,
                    retval,
                });
            }
            Err(errno) => return Err(RunError::Refused(errno)),
        }
        data.truncate(data_len);
        ctx.truncate(ctx_len);
        Ok(TestResult {
            retval,
            data,
            ctx,
            duration_ns,
        })
    }
}
