//! `ebpf-sim run`: a capture through a program.

mod clock;
mod coverage;
mod json;
mod maps;
mod pretty;
mod text;
mod warnings;
mod write;

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use abi::Proven;
use jit::Mode;
use vm::World;
use vm::packet::InputError;
use vm::world::{Cpu, Network};
use xdp_sim::capture::{self, Reader};
use xdp_sim::{Error, Event, Options, Report, Runs, Simulator};

use crate::args::RunArgs;
use crate::choose;
use crate::error::{self, Failure};
use crate::input;
use crate::output::Output;
use crate::progress::Progress;
use crate::verify::before_run;

use clock::Clock;
use coverage::Counted;
use maps::Maps;
use write::{Came, Writer};

/// A run in progress.
struct Session<'a> {
    args: &'a RunArgs,
    simulator: Simulator,
    program: String,
    maps: Maps,
    counted: Option<Counted>,
    clock: Clock,
    writer: Option<Writer>,
    report: Report,
    over: Over,
    events: Events,
    /// Packets read, over all rounds: the index of the next one.
    read: u64,
    time: Duration,
}

/// What programs sent to user space.
#[derive(Default)]
struct Events {
    records: u64,
    printk: u64,
    /// The first few, for the text report.
    shown: Vec<String>,
}

/// Packets that took more instructions than `--max-insns-per-packet`.
#[derive(Default)]
struct Over {
    packets: u64,
    /// Index and instructions of the first.
    first: Option<(u64, u64)>,
}

/// How a round of the capture ended.
enum Fed {
    /// It was read to its end.
    All,
    /// As many packets as wanted were read.
    Enough,
    /// It broke off.
    Broken(capture::Error),
}

pub(crate) fn run(args: &RunArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let mut session = Session::new(args)?;
    // Frames and report cannot share standard output.
    let mut beside = match args.write.as_deref() {
        Some(path) if path == Path::new("-") => Some(Output::stderr()),
        _ => None,
    };
    let out = beside.as_mut().unwrap_or(out);
    let broken = session.feed_all(out)?;
    session.finish(broken.as_ref(), out)?;
    match broken {
        Some(failure) => Err(failure),
        None if session.report.traps > 0 || session.is_over() => Ok(ExitCode::from(1)),
        None => Ok(ExitCode::SUCCESS),
    }
}

impl<'a> Session<'a> {
    fn new(args: &'a RunArgs) -> Result<Session<'a>, Failure> {
        let (object, choice) = choose::open(&args.object, &args.feed)?;
        let mut simulator = Simulator::new(&choice.programs, &choice.entry, options(args)?)
            .map_err(|e| input::refused(&args.object, &object, e))?;
        let verified = match args.unverified {
            true => Vec::new(),
            false => before_run::check(args, &choice)?,
        };
        let counted = Counted::begin(args, &mut simulator, &choice)?;
        if counted.is_none() {
            set_engine(args, &mut simulator, &verified)?;
        }
        warnings::before(&object, &choice, &simulator);
        let mut maps = Maps::new(&simulator);
        for setting in &args.feed.map {
            maps.fill(&mut simulator, setting)?;
        }
        maps.remember(&mut simulator);
        let writer = Writer::begin(args, &simulator)?;
        Ok(Session {
            args,
            simulator,
            program: choice.entry,
            maps,
            counted,
            clock: Clock::new(&args.clock)?,
            writer,
            report: Report::default(),
            over: Over::default(),
            events: Events::default(),
            read: 0,
            time: Duration::ZERO,
        })
    }

    /// Feeds every round of the capture. Why it broke off is given back, so that
    /// what was processed is still reported.
    fn feed_all(&mut self, out: &mut Output) -> Result<Option<Failure>, Failure> {
        let path = self.args.feed.pcap.as_path();
        if self.args.repeat.get() > 1 && path == Path::new("-") {
            return Err(Failure::input(
                "--repeat",
                "standard input can be read only once",
            ));
        }
        let mut progress = match self.args.json && io::stdout().is_terminal() {
            // The lines themselves show how far it is.
            true => Progress::hidden(),
            false => Progress::new(path, self.args.repeat.get()),
        };
        let fed = self.feed_rounds(&mut progress, out);
        progress.finish();
        fed
    }

    fn feed_rounds(
        &mut self,
        progress: &mut Progress,
        out: &mut Output,
    ) -> Result<Option<Failure>, Failure> {
        let path = self.args.feed.pcap.as_path();
        let failure =
            |error: capture::Error| Failure::input(input::name(path), input::advice(error));
        for _ in 0..self.args.repeat.get() {
            let options = capture::Options {
                force_ethernet: self.args.feed.force_ethernet,
                ..Default::default()
            };
            let mut reader = match Reader::new(input::open(path)?, options) {
                Ok(reader) => reader,
                Err(error) => return Ok(Some(failure(error))),
            };
            let start = Instant::now();
            let fed = self.feed(&mut reader, progress, out);
            self.time += start.elapsed();
            progress.round(reader.bytes_read());
            match fed? {
                Fed::Broken(error) => return Ok(Some(failure(error))),
                Fed::Enough => break,
                Fed::All => {}
            }
        }
        Ok(None)
    }

    /// Feeds one round.
    fn feed(
        &mut self,
        reader: &mut Reader<Box<dyn Read>>,
        progress: &mut Progress,
        out: &mut Output,
    ) -> Result<Fed, Failure> {
        let limit = self.args.feed.packets.unwrap_or(u64::MAX);
        while self.read < limit {
            let packet = match reader.next() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(Fed::All),
                Err(error) => return Ok(Fed::Broken(error)),
            };
            let index = self.read;
            self.read += 1;
            self.report.cut += u64::from(packet.is_cut());
            self.clock
                .set(self.simulator.machine_mut(), packet.timestamp_ns)?;
            self.one(index, packet.timestamp_ns, packet.captured, out)?;
            if index % 4096 == 4095 {
                progress.at(reader.bytes_read(), self.read);
            }
        }
        Ok(Fed::Enough)
    }

    /// One packet through the program.
    fn one(
        &mut self,
        index: u64,
        timestamp: u64,
        data: &[u8],
        out: &mut Output,
    ) -> Result<(), Failure> {
        let outcome = match self.simulator.run(data) {
            Ok(outcome) => outcome,
            Err(Error::Machine(vm::Error::Packet(InputError::TooShort { .. }))) => {
                self.report.too_short += 1;
                return Ok(());
            }
            Err(error) => {
                let place = format!("{}: packet {index}", input::name(&self.args.feed.pcap));
                return Err(Failure::input(place, error));
            }
        };
        self.report.count(index, data.len(), &outcome);
        let most = self.args.max_insns_per_packet;
        if most.is_some_and(|most| outcome.executed > most) {
            self.over.packets += 1;
            self.over.first.get_or_insert((index, outcome.executed));
        }
        if let Some(writer) = &mut self.writer {
            let came = Came {
                timestamp_ns: timestamp,
                data,
            };
            writer.write(&came, &outcome, &self.maps)?;
        }
        if self.args.per_packet {
            let trap = outcome.trap;
            let mut record = json::Packet::new(index, timestamp, data.len(), &outcome, &self.maps);
            // In words that name program and map, which only the machine knows.
            record.trap = trap.map(|trap| self.simulator.machine().explain(&trap));
            out.json(&json::Line::Packet(record))?;
        }
        self.take_events(index, out)
    }

    /// Shows or counts what the program sent out on this packet.
    fn take_events(&mut self, packet: u64, out: &mut Output) -> Result<(), Failure> {
        let Session {
            args,
            simulator,
            maps,
            events,
            ..
        } = self;
        let mut result = Ok(());
        simulator.take_events(&mut |event| {
            match event {
                Event::Printk(_) => events.printk += 1,
                Event::Ring { .. } | Event::Perf { .. } => events.records += 1,
            }
            if args.json && result.is_ok() {
                result = out.json(&json::Line::event(packet, event, maps));
            } else if events.shown.len() < args.events {
                events.shown.push(text::event(packet, event, maps));
            }
        });
        result
    }

    /// Prints the report and writes what is to be written.
    fn finish(&mut self, broken: Option<&Failure>, out: &mut Output) -> Result<(), Failure> {
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        if let Some(dir) = self.dump_directory() {
            self.maps.write(&mut self.simulator, dir)?;
        }
        match (self.args.json, broken) {
            (true, _) => out.json(&json::Summary::line(self, broken))?,
            // A capture that did not even begin leaves nothing to report.
            (false, Some(_)) if self.read == 0 => {}
            (false, _) => text::print(self, out)?,
        }
        if let Some(counted) = &self.counted
            && self.read > 0
        {
            counted.finish(self.args, &self.simulator, out)?;
        }
        out.flush()?;
        warnings::after(self);
        Ok(())
    }

    /// Whether a packet took more instructions than it should; says which.
    fn is_over(&self) -> bool {
        let (Some(most), Some((index, taken))) = (self.args.max_insns_per_packet, self.over.first)
        else {
            return false;
        };
        let others = match self.over.packets {
            1 => String::new(),
            packets => format!(", the first of {packets} such packets"),
        };
        error::say(format!(
            "packet {index} took {taken} instructions, more than {most}{others}"
        ));
        true
    }

    /// The directory of `--dump-maps=DIR`; `-` is the report.
    fn dump_directory(&self) -> Option<&'a Path> {
        let dir = self.args.dump_maps.as_deref()?;
        (dir != Path::new("-")).then_some(dir)
    }

    /// The maps that the report shows.
    fn shown_maps(&mut self) -> Vec<maps::Shown<'_>> {
        match self.args.dump_maps {
            Some(_) => self.maps.all(&mut self.simulator),
            None => self.maps.changed(&mut self.simulator),
        }
    }
}

/// Chooses who runs the programs.
fn set_engine(
    args: &RunArgs,
    simulator: &mut Simulator,
    verified: &[(String, Proven)],
) -> Result<(), Failure> {
    let mut told = None;
    let runs = simulator.set_engine_seen(args.engine.into(), verified, |compiled| {
        told = args.perf.map(|names| compiled.tell_perf(names.into()));
    });
    let runs = runs.map_err(|error| Failure::unsupported("--engine jit", error))?;
    match (told, args.perf) {
        (Some(Ok(path)), _) => error::say(format!("names for perf: {}", path.display())),
        (Some(Err(why)), _) => return Err(Failure::input("--perf", why)),
        (None, Some(_)) => {
            let why = "nothing is compiled: the interpreter runs the program";
            return Err(Failure::input("--perf", why));
        }
        (None, None) => {}
    }
    if args.verbose {
        let mode = |mode| match mode {
            Mode::Sandboxed => "compiled, sandboxed: all programs are verified",
            _ => "compiled, with every access checked: not all programs are verified",
        };
        error::say(match &runs {
            Runs::Compiled(how) => mode(*how).to_owned(),
            Runs::Interpreted => "interpreted".to_owned(),
            Runs::Instead(why) => format!("interpreted: {why}"),
        });
    }
    Ok(())
}

/// Where packets arrive, and the world they arrive in.
fn options(args: &RunArgs) -> Result<Options, Failure> {
    Ok(Options {
        ifindex: args.ifindex,
        queue: args.queue,
        world: world(args)?,
        budget: args.budget,
    })
}

/// What programs observe, as the command line says.
fn world(args: &RunArgs) -> Result<World, Failure> {
    if args.cpu >= args.cpus {
        return Err(Failure::input(
            format!("--cpu {}", args.cpu),
            format!("the CPUs are 0 to {}; --cpus gives more", args.cpus - 1),
        ));
    }
    Ok(World {
        random: vm::world::Random { state: args.seed },
        cpu: Cpu {
            id: args.cpu,
            count: args.cpus,
            numa_node: 0,
        },
        network: match &args.network {
            Some(path) => input::network(path)?,
            None => Network::loopback(),
        },
        ..World::default()
    })
}
