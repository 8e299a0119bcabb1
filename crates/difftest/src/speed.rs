//! How long parties take for packets, in turn.
//!
//! Each party gets the subject in a session of its own and each packet once, so
//! that maps are as its traffic leaves them; parties whose answers are not those of
//! the first are not timed. Then rounds alternate between parties: a packet is run
//! many times in a row, each time on what the time before left of it, which is how
//! PROG_TEST_RUN repeats. So branches are predicted and caches warm, and a program
//! that makes its packet longer ends up refused: what is compared is code.
//!
//! From every figure that of an [empty](Time::empty_ns) program is known too, for
//! PROG_TEST_RUN takes some nanoseconds itself.

use jit::{Compiled, Mode, Options};

use crate::engines::Way;
use crate::{
    Answer, By, CannotAsk, Output, Party, Question, Session, Simulated, Stop, Subject, sources,
};

/// How often each party gets its turn.
const ROUNDS: usize = 5;
/// Nanoseconds that a packet is run for at a time, much longer than a system call,
/// which takes a tenth of a millisecond where it changes the kernel's code.
const SAMPLE: f64 = 2_000_000.0;
/// Runs to begin with.
const FEW_RUNS: u32 = 16;
/// Runs of a program that does nothing, of 2 to 50 ns each.
const EMPTY_RUNS: u32 = MAX_RUNS;
/// Most runs at a time: what a program sends piles up meanwhile.
const MAX_RUNS: u32 = 200_000;

/// The simulator with code for programs that nobody vouches for.
pub fn checked() -> Simulated {
    compiled(Options::default())
}

/// The simulator with code for verified programs.
pub fn sandboxed() -> Simulated {
    compiled(Options {
        mode: Mode::Sandboxed,
        meter: false,
        ..Options::default()
    })
}

fn compiled(options: Options) -> Simulated {
    Simulated {
        by: By::Compiler(Way {
            options,
            proofs: options.mode == Mode::Sandboxed,
            compiler: Compiled::with_proofs,
        }),
        now_ns: None,
        elsewhere: false,
    }
}

/// What a party took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Nanoseconds for a packet: the mean over packets of the median over rounds.
    pub packet_ns: f64,
    /// The same for a program that does nothing.
    pub empty_ns: f64,
}

impl Time {
    /// Nanoseconds of the program itself.
    pub fn program_ns(&self) -> f64 {
        (self.packet_ns - self.empty_ns).max(0.0)
    }
}

/// Why a party has no time.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Untimed {
    /// It does not take the program, or cannot be asked at all.
    #[error(transparent)]
    Cannot(#[from] CannotAsk),
    /// Its answer is not that of the first party.
    #[error("answers packet {packet} otherwise")]
    Differs {
        /// The index among the packets that were given.
        packet: usize,
    },
}

/// Times every party; one result for each, in their order.
///
/// Where the program reads what no party controls ([`sources`]), answers are not
/// compared.
pub fn race(
    subject: &Subject,
    packets: &[Vec<u8>],
    parties: &mut [Box<dyn Party>],
) -> Vec<Result<Time, Untimed>> {
    let empty = empty_like(subject);
    let compared = sources::of(&subject.programs).is_empty();
    let mut reference = None;
    let mut lanes: Vec<_> = parties
        .iter_mut()
        .map(|party| {
            let mut lane = Lane::open(&mut **party, subject, &empty, packets)?;
            let answers = lane.answers(packets)?;
            let expected = reference.get_or_insert_with(|| answers.clone());
            let whole = party.is_deterministic();
            let mut pairs = expected.iter().zip(&answers);
            match pairs.position(|(ours, theirs)| !agree(ours, theirs, whole)) {
                Some(packet) if compared => Err(Untimed::Differs { packet }),
                _ => Ok(lane),
            }
        })
        .collect();
    for _ in 0..ROUNDS {
        for lane in &mut lanes {
            let taken = match lane {
                Ok(running) => running.take(packets),
                Err(_) => continue,
            };
            if let Err(why) = taken {
                *lane = Err(why.into());
            }
        }
    }
    let lanes = lanes.into_iter();
    lanes.map(|lane| lane.map(|lane| lane.time())).collect()
}

/// Whether two ended alike; where not all bytes are determined, by the return value.
fn agree(ours: &End, theirs: &End, whole: bool) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if !whole => ours.ret == theirs.ret,
        _ => ours == theirs,
    }
}

/// A program that lets every packet pass, around which everything else is equal.
fn empty_like(subject: &Subject) -> Subject {
    let code = isa::asm::assemble("r0 = 2\nexit").expect("two instructions");
    let mut empty = Subject::xdp("empty", code.slots().to_vec(), Vec::new());
    empty.cpus = subject.cpus;
    empty.network = subject.network.clone();
    empty
}

/// What a packet came to.
type End = Result<Output, Stop>;

/// A party in the race.
struct Lane {
    session: Box<dyn Session>,
    empty: Box<dyn Session>,
    /// Runs at a time, by packet.
    runs: Vec<u32>,
    /// Times by packet.
    samples: Vec<Vec<f64>>,
    empty_samples: Vec<f64>,
}

impl Lane {
    fn open(
        party: &mut dyn Party,
        subject: &Subject,
        empty: &Subject,
        packets: &[Vec<u8>],
    ) -> Result<Lane, CannotAsk> {
        Ok(Lane {
            session: party.open(subject)?,
            empty: party.open(empty)?,
            runs: Vec::new(),
            samples: vec![Vec::new(); packets.len()],
            empty_samples: Vec::new(),
        })
    }

    /// Every packet once.
    fn answers(&mut self, packets: &[Vec<u8>]) -> Result<Vec<End>, CannotAsk> {
        let mut ends = Vec::new();
        for packet in packets {
            if let Answer::Ran(ran) = self.session.ask(&Question::packet(packet))? {
                ends.push(ran.end);
            }
        }
        Ok(ends)
    }

    fn take(&mut self, packets: &[Vec<u8>]) -> Result<(), CannotAsk> {
        for (index, packet) in packets.iter().enumerate() {
            if self.runs.len() == index {
                // The packets before say what to expect; this one may take longer.
                let few = self.runs.last().map_or(FEW_RUNS, |runs| runs / 64);
                let few = few.max(FEW_RUNS);
                self.runs.push(runs_for(&mut *self.session, packet, few)?);
            }
            let time = self.session.time(packet, self.runs[index])?;
            self.samples[index].push(time);
        }
        if let Some(packet) = packets.first() {
            self.empty_samples
                .push(self.empty.time(packet, EMPTY_RUNS)?);
        }
        Ok(())
    }

    fn time(self) -> Time {
        let packets = self.samples.len().max(1) as f64;
        Time {
            packet_ns: self.samples.into_iter().map(median).sum::<f64>() / packets,
            empty_ns: median(self.empty_samples),
        }
    }
}

/// How many runs take [`SAMPLE`], when it is known that so many do not take much
/// longer.
fn runs_for(session: &mut dyn Session, packet: &[u8], few: u32) -> Result<u32, CannotAsk> {
    let mut runs = few;
    loop {
        let taken = session.time(packet, runs)? * f64::from(runs);
        if taken * 8.0 > SAMPLE || runs >= MAX_RUNS {
            let enough = (f64::from(runs) * SAMPLE / taken.max(1.0)).ceil() as u32;
            return Ok(enough.clamp(1, MAX_RUNS));
        }
        runs = runs.saturating_mul(8).min(MAX_RUNS);
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// Some packets of a stream, evenly spread over it, whose number is not known
/// before.
#[derive(Debug)]
pub struct Spread {
    limit: usize,
    every: u64,
    seen: u64,
    kept: Vec<Vec<u8>>,
}

impl Spread {
    /// At most so many, and at least half of that where there are enough.
    pub fn new(limit: usize) -> Spread {
        Spread {
            limit: limit.max(2),
            every: 1,
            seen: 0,
            kept: Vec::new(),
        }
    }

    /// The next packet. Those that no driver delivers are left out.
    pub fn offer(&mut self, packet: &[u8]) {
        if packet.len() < abi::xdp::MIN_PACKET as usize {
            return;
        }
        if self.seen.is_multiple_of(self.every) {
            if self.kept.len() == self.limit {
                let mut place = 0;
                self.kept.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every *= 2;
            }
            if self.seen.is_multiple_of(self.every) {
                self.kept.push(packet.to_vec());
            }
        }
        self.seen += 1;
    }

    /// How many there were.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Those that were kept.
    pub fn packets(&self) -> &[Vec<u8>] {
        &self.kept
    }
}
