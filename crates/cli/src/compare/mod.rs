//! `ebpf-sim compare`: a capture through a program here and in the running kernel,
//! answer against answer.

mod json;
mod text;

use std::io::Read;
use std::process::ExitCode;

use difftest::{
    By, CannotAsk, Comparison, Disagreement, FillError, Linux, Question, Simulated, Subject, Tally,
    Verdict, contents_from_json,
};
use loader::Object;
use vm::world::Network;
use xdp_sim::Simulator;
use xdp_sim::capture::{self, Reader};

use crate::args::{CompareArgs, ObjectArgs};
use crate::choose::{self, Choice};
use crate::error::Failure;
use crate::input;
use crate::output::Output;
use crate::progress::Progress;

/// A comparison in progress.
struct Session<'a> {
    args: &'a CompareArgs,
    comparison: Comparison,
    release: String,
    packets: u64,
    maps: u64,
    /// Maps that cannot be listed, by index.
    unlisted: Vec<usize>,
    shown: Vec<Row>,
    /// Differences, shown or not, of the two kinds.
    differences: u64,
    excused: u64,
}

/// One difference, ready to be shown.
struct Row {
    /// The packet; after all packets, when it is about contents of maps.
    packet: Option<u64>,
    excused: bool,
    place: String,
    byte: Option<usize>,
    map: Option<String>,
    ours: serde_json::Value,
    theirs: serde_json::Value,
}

pub(crate) fn compare(args: &CompareArgs, out: &mut Output) -> Result<ExitCode, Failure> {
    let mut session = Session::new(args)?;
    let broken = session.feed(out)?;
    session.contents(out)?;
    match args.json {
        true => out.json(&json::Summary::new(&session, broken.as_ref()))?,
        false => text::print(&session, out)?,
    }
    match broken {
        Some(failure) => Err(failure),
        None if session.tally().differing > 0 => Ok(ExitCode::from(1)),
        None => Ok(ExitCode::SUCCESS),
    }
}

impl<'a> Session<'a> {
    fn new(args: &'a CompareArgs) -> Result<Session<'a>, Failure> {
        let (object, choice) = choose::open(&args.object, &args.feed)?;
        loads(&args.object, &object, &choice)?;
        let linux = match &args.network {
            Some(_) => Linux::open(),
            None => Linux::apart(),
        };
        let mut linux = linux.map_err(|why| Failure::unsupported("asking Linux", why))?;
        let around = Around {
            cpus: linux.cpus(),
            network: match &args.network {
                Some(path) => Some(input::network(path)?),
                None => linux.network(),
            },
        };
        let subject = subject(&args.object, &args.feed.map, choice, around)?;
        let mut ours = Simulated {
            by: By::Engine(args.engine.into()),
            ..Simulated::default()
        };
        let comparison = Comparison::open(subject, &mut ours, &mut linux);
        Ok(Session {
            args,
            comparison: comparison.map_err(|why| cannot(args, why))?,
            release: linux.release().to_owned(),
            packets: 0,
            maps: 0,
            unlisted: Vec::new(),
            shown: Vec::new(),
            differences: 0,
            excused: 0,
        })
    }

    fn tally(&self) -> Tally {
        self.comparison.tally()
    }

    /// Puts every packet to both. Why the capture broke off is given back, so that
    /// what was compared is still reported.
    fn feed(&mut self, out: &mut Output) -> Result<Option<Failure>, Failure> {
        let path = self.args.feed.pcap.as_path();
        let options = capture::Options {
            force_ethernet: self.args.feed.force_ethernet,
            ..Default::default()
        };
        let failure = |error| Failure::input(input::name(path), input::advice(error));
        let mut reader = match Reader::new(input::open(path)?, options) {
            Ok(reader) => reader,
            Err(error) => return Err(failure(error)),
        };
        let mut progress = Progress::new(path, 1);
        let fed = self.feed_all(&mut reader, &mut progress, out);
        progress.finish();
        Ok(fed?.map(failure))
    }

    fn feed_all(
        &mut self,
        reader: &mut Reader<Box<dyn Read>>,
        progress: &mut Progress,
        out: &mut Output,
    ) -> Result<Option<capture::Error>, Failure> {
        let limit = self.args.feed.packets.unwrap_or(u64::MAX);
        while self.packets < limit {
            let packet = match reader.next() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(error) => return Ok(Some(error)),
            };
            let index = self.packets;
            let verdict = self.comparison.ask(Question::packet(packet.captured));
            let verdict = verdict.map_err(|why| {
                let place = format!("{}: packet {index}", input::name(&self.args.feed.pcap));
                Failure::unsupported(place, why)
            })?;
            self.packets += 1;
            self.judge(Some(index), verdict, out)?;
            if index % 1024 == 1023 {
                progress.at(reader.bytes_read(), self.packets);
            }
        }
        Ok(None)
    }

    /// Compares what the maps hold in the end.
    fn contents(&mut self, out: &mut Output) -> Result<(), Failure> {
        for map in 0..self.comparison.subject().maps().len() {
            match self.comparison.ask(Question::Contents { map }) {
                Ok(verdict) => {
                    self.maps += 1;
                    self.judge(None, verdict, out)?;
                }
                Err(CannotAsk::Impossible { .. }) => self.unlisted.push(map),
                Err(why) => {
                    let name = self.comparison.subject().map_name(map);
                    return Err(Failure::unsupported(name, why));
                }
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        packet: Option<u64>,
        verdict: Verdict,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let (excused, disagreement) = match verdict {
            Verdict::Agreed | Verdict::Unsettled => return Ok(()),
            Verdict::Excused { disagreement, .. } => (true, disagreement),
            Verdict::Differs(disagreement) => (false, disagreement),
        };
        match excused {
            true => self.excused += disagreement.differences.len() as u64,
            false => self.differences += disagreement.differences.len() as u64,
        }
        for place in 0..disagreement.differences.len() {
            if self.args.json {
                let row = self.row(packet, excused, &disagreement, place);
                out.json(&json::Difference::new(&row, self.comparison.sources()))?;
            } else if self.shown.len() < self.args.differences {
                let row = self.row(packet, excused, &disagreement, place);
                self.shown.push(row);
            } else {
                break;
            }
        }
        Ok(())
    }

    fn row(
        &self,
        packet: Option<u64>,
        excused: bool,
        disagreement: &Disagreement,
        place: usize,
    ) -> Row {
        let subject = self.comparison.subject();
        let difference = &disagreement.differences[place];
        let (ours, theirs) = difftest::show::sides(subject, disagreement, difference);
        let map = difference.place.map();
        Row {
            packet,
            excused,
            place: difftest::show::place(subject, difference),
            byte: difference.byte,
            map: map.map(|map| subject.map_name(map).to_owned()),
            ours,
            theirs,
        }
    }
}

/// That the simulator takes the object. What is wrong with it is said as `run` says
/// it.
pub(crate) fn loads(args: &ObjectArgs, object: &Object, choice: &Choice) -> Result<(), Failure> {
    let options = xdp_sim::Options::default();
    Simulator::new(&choice.programs, &choice.entry, options)
        .map(|_| ())
        .map_err(|error| input::refused(args, object, error))
}

/// What programs find around them on both sides.
pub(crate) struct Around {
    pub(crate) cpus: u32,
    pub(crate) network: Option<Network>,
}

/// The programs with their maps filled, as the settings of `--map` say.
pub(crate) fn subject(
    args: &ObjectArgs,
    maps: &[String],
    choice: Choice,
    around: Around,
) -> Result<Subject, Failure> {
    let place = args.object.display();
    let mut subject = Subject::new(place.to_string(), choice.programs, choice.entry);
    subject.cpus = around.cpus;
    subject.network = around.network.unwrap_or_default();
    for setting in maps {
        let names: Vec<_> = subject.maps().iter().map(|def| def.name.as_str()).collect();
        let (name, path, entries) = input::map_file(setting, &names)?;
        let Some(map) = names.iter().position(|known| *known == name) else {
            continue;
        };
        let contents = contents_from_json(&subject, map, &entries);
        subject
            .contents
            .extend(contents.map_err(|error| match error {
                FillError::Entries(error) => Failure::input(format!("{path}: map {name}"), error),
                other => Failure::unsupported(place.to_string(), other),
            })?);
    }
    Ok(subject)
}

/// Lines of a verifier's log that are shown.
const LOG_SHOWN: usize = 12;

/// Why there is nothing to compare. A program that Linux refuses is not asked
/// about further: there is no verifier here that could agree or disagree.
fn cannot(args: &CompareArgs, why: CannotAsk) -> Failure {
    let mut text = match &why {
        CannotAsk::Program {
            program,
            why,
            errno: Some(_),
            ..
        } => format!("Linux refuses program {program}: {why}"),
        CannotAsk::Map { map, why } => format!("Linux refuses map {map}: {why}"),
        other => other.to_string(),
    };
    if let CannotAsk::Program { log, .. } = &why {
        let lines: Vec<_> = log.lines().collect();
        let hidden = lines.len().saturating_sub(LOG_SHOWN);
        if hidden > 0 {
            text += &format!("\n  ... {hidden} lines before");
        }
        for line in lines.iter().skip(hidden) {
            text += &format!("\n  {line}");
        }
    }
    Failure::unsupported(args.object.object.display(), text)
}
