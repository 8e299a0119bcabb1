//! Whoever runs a program, and how long it takes.

use rustix::time::{ClockId, clock_gettime};

/// A program made ready, on a packet and maps that nobody touched yet.
pub(crate) trait Engine {
    /// Runs once; the packet and maps keep what it did.
    fn run(&mut self) -> u32;

    /// The packet.
    fn packet(&self) -> Vec<u8>;

    /// The first entry's value, summed up over CPUs; empty without a map or where
    /// it cannot be seen.
    fn counter(&mut self) -> Vec<u64> {
        Vec::new()
    }

    /// In how many places the code stands; times are averaged over them.
    fn places(&self) -> usize {
        1
    }

    /// Nanoseconds of one run in this place, from `runs` of them.
    fn time(&mut self, place: usize, runs: u32) -> f64;
}

/// What a run left behind: what engines have to agree about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    ret: u32,
    packet: Vec<u8>,
    counter: Vec<u64>,
}

impl Answer {
    /// Runs the engine for the first time.
    pub(crate) fn of(engine: &mut dyn Engine) -> Answer {
        Answer {
            ret: engine.run(),
            packet: engine.packet(),
            counter: engine.counter(),
        }
    }
}

/// Nanoseconds of one call.
pub(crate) fn clock<T>(runs: u32, mut run: impl FnMut() -> T) -> f64 {
    let begin = now();
    for _ in 0..runs {
        std::hint::black_box(run());
    }
    (now() - begin) / f64::from(runs)
}

/// Nanoseconds that this thread has had a processor for: other work on the machine
/// is not in it.
pub(crate) fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The 64-bit words of values, those of all CPUs added up.
pub(crate) fn sum_counters(value: &[u8], size: usize) -> Vec<u64> {
    let mut sum = vec![0; size / 8];
    for one in value.chunks_exact(size) {
        for (total, word) in sum.iter_mut().zip(one.chunks_exact(8)) {
            *total += u64::from_le_bytes(word.try_into().expect("eight bytes"));
        }
    }
    sum
}
