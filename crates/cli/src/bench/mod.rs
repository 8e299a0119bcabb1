//! `ebpf-sim bench`: how long the engines take for the packets of a capture, and
//! the running kernel beside them.

mod json;
mod text;

use std::process::ExitCode;

use difftest::speed::{self, Spread, Time, Untimed};
use difftest::{Interpreter, Linux, Party};
use verifier::{Config, Verdict};
use xdp_sim::capture::{self, Reader};

use crate::args::{BenchArgs, BenchEngine};
use crate::choose::{self, Choice};
use crate::compare;
use crate::error::{self, Failure};
use crate::input;
use crate::output::Output;

/// Packets of the capture that are measured.
const PACKETS: usize = 16;

/// What was measured.
struct Report<'a> {
    args: &'a BenchArgs,
    program: String,
    /// Release of the kernel that took part.
    linux: Option<String>,
    /// Packets in the capture, and how many of them were measured.
    seen: u64,
    measured: usize,
    rows: Vec<Row>,
}

/// One engine.
struct Row {
    engine: &'static str,
    time: Result<Time, Untimed>,
    is_linux: bool,
}

pub(crate) fn bench(args: &BenchArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let (object, choice) = choose::open(&args.object, &args.feed)?;
    compare::loads(&args.object, &object, &choice)?;
    accepted(args, &choice)?;
    let packets = packets(args)?;
    let linux = linux(args);
    let report = Report {
        args,
        program: choice.entry.clone(),
        linux: linux.as_ref().map(|linux| linux.release().to_owned()),
        seen: packets.seen(),
        measured: packets.packets().len(),
        rows: race(args, choice, &packets, linux)?,
    };
    match args.json {
        true => json::print(&report, out)?,
        false => text::print(&report, out)?,
    }
    let wrong = |row: &Row| matches!(row.time, Err(Untimed::Differs { .. }));
    match report.rows.iter().any(wrong) {
        true => Ok(ExitCode::from(1)),
        false => Ok(ExitCode::SUCCESS),
    }
}

impl Report<'_> {
    /// How many times the kernel's own time an engine's is.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let linux = self.rows.iter().find(|row| row.is_linux)?;
        let (ours, theirs) = (row.time.as_ref().ok()?, linux.time.as_ref().ok()?);
        let theirs = theirs.program_ns();
        (theirs > 0.0).then(|| ours.program_ns() / theirs)
    }
}

/// That the program on the interface is one that Linux would load: engines may rely
/// on it.
fn accepted(args: &BenchArgs, choice: &Choice) -> Result<(), Failure> {
    let Some(program) = choice.programs.iter().find(|p| p.name == choice.entry) else {
        return Ok(());
    };
    let config = Config {
        kernel_btf: match program.externs.is_empty() {
            true => None,
            false => input::kernel_btf(),
        },
        ..Config::default()
    };
    let name = &program.name;
    match verifier::verify(program, &config, None) {
        Verdict::Accepted(_) => Ok(()),
        Verdict::Refused(rejection) => {
            let message = rejection.reason.to_string();
            let sentence = message.lines().next_back().unwrap_or_default();
            Err(Failure::Refused {
                place: args.object.object.display().to_string(),
                why: format!(
                    "Linux would refuse program {name}: {sentence}; \
                     `ebpf-sim verify --explain` says more"
                ),
            })
        }
        Verdict::Unsupported(undecided) => {
            let what = &undecided.unsupported.feature;
            error::warn(format_args!(
                "program {name} is not verified: it uses {what}"
            ));
            Ok(())
        }
    }
}

/// Packets from all over the capture. One that breaks off is an error: nothing
/// would say which part was measured.
fn packets(args: &BenchArgs) -> Result<Spread, Failure> {
    let path = args.feed.pcap.as_path();
    let failure = |error| Failure::input(input::name(path), input::advice(error));
    let options = capture::Options {
        force_ethernet: args.feed.force_ethernet,
        ..Default::default()
    };
    let mut reader = Reader::new(input::open(path)?, options).map_err(failure)?;
    let mut packets = Spread::new(PACKETS);
    let limit = args.feed.packets.unwrap_or(u64::MAX);
    for _ in 0..limit {
        match reader.next().map_err(failure)? {
            Some(packet) => packets.offer(packet.captured),
            None => break,
        }
    }
    match packets.seen() {
        0 => Err(Failure::input(input::name(path), "no packet to measure")),
        _ => Ok(packets),
    }
}

/// The kernel, where it was asked for and can be.
fn linux(args: &BenchArgs) -> Option<Linux> {
    args.against?;
    match Linux::apart() {
        Ok(linux) => Some(linux),
        Err(why) => {
            error::warn(format_args!("without the kernel: {why}"));
            None
        }
    }
}

fn race(
    args: &BenchArgs,
    choice: Choice,
    packets: &Spread,
    linux: Option<Linux>,
) -> Result<Vec<Row>, Failure> {
    let around = compare::Around {
        cpus: linux.as_ref().map_or(1, |linux| linux.cpus()),
        network: linux.as_ref().and_then(|linux| linux.network()),
    };
    let subject = compare::subject(&args.object, &args.feed.map, choice, around)?;
    let mut names = Vec::new();
    let mut parties: Vec<Box<dyn Party>> = Vec::new();
    for engine in args.engines() {
        let (name, party) = party(engine);
        names.push((name, false));
        parties.push(party);
    }
    if let Some(linux) = linux {
        names.push(("kernel", true));
        parties.push(Box::new(linux));
    }
    let times = speed::race(&subject, packets.packets(), &mut parties);
    let rows = names.into_iter().zip(times);
    let rows = rows.map(|((engine, is_linux), time)| Row {
        engine,
        time,
        is_linux,
    });
    Ok(rows.collect())
}

/// An engine and its name.
fn party(engine: BenchEngine) -> (&'static str, Box<dyn Party>) {
    match engine {
        BenchEngine::Interp => ("interp", Box::new(Interpreter)),
        BenchEngine::Checked => ("checked", Box::new(speed::checked())),
        BenchEngine::Jit => ("jit", Box::new(speed::sandboxed())),
    }
}
