//! `--write`, `--write-per-interface`: what happened on the wire, as pcapng.
//!
//! The first is each packet before and after the program, the second what leaves
//! each interface; as `test` writes them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use xdp_sim::capture::{Comment, RecordError, Recording, Traced, WriteError};
use xdp_sim::{Destination, Outcome, Simulator};

use super::maps::Maps;
use crate::args::RunArgs;
use crate::error::Failure;

/// The captures that are being written.
pub(super) struct Writer {
    recording: Recording,
    devices: BTreeMap<u32, String>,
    ifindex: u32,
    queue: u32,
}

/// A packet as it came.
pub(super) struct Came<'a> {
    pub(super) timestamp_ns: u64,
    pub(super) data: &'a [u8],
}

impl Writer {
    /// Begins what the options ask for.
    pub(super) fn begin(args: &RunArgs, simulator: &Simulator) -> Result<Option<Writer>, Failure> {
        if args.write.is_none() && args.write_per_interface.is_none() {
            return Ok(None);
        }
        let mut recording = Recording::default();
        if let Some(path) = &args.write {
            not_read(path, args)?;
            match path.as_path() == Path::new("-") {
                true => recording.trace(path, Box::new(io::stdout())),
                false => recording.trace_file(path).map_err(failure)?,
            }
        }
        if let Some(folder) = &args.write_per_interface {
            recording.folder(folder).map_err(failure)?;
        }
        let devices = simulator.machine().world.network.devices.iter();
        Ok(Some(Writer {
            recording,
            devices: devices.map(|d| (d.ifindex, d.name.clone())).collect(),
            ifindex: args.ifindex,
            queue: args.queue,
        }))
    }

    /// Writes a packet, before and after, and what left of it.
    pub(super) fn write(
        &mut self,
        came: &Came<'_>,
        outcome: &Outcome<'_>,
        maps: &Maps,
    ) -> Result<(), Failure> {
        let arrival = self.device(self.ifindex);
        let programs: Vec<String> = outcome
            .ran
            .iter()
            .map(|ran| maps.program(ran.program).to_owned())
            .collect();
        let mut to = Vec::new();
        for delivery in outcome.deliveries {
            let by = match delivery.to {
                Destination::Back => Some(arrival.clone()),
                Destination::Device(ifindex) => Some(self.device(ifindex)),
                Destination::Stack | Destination::Cpu(_) | Destination::Socket { .. } => None,
            };
            if let Some(by) = &by {
                let data = outcome.delivered(delivery);
                let left = self.recording.leaves(came.timestamp_ns, by, data);
                left.map_err(failure)?;
            }
            to.push(match (delivery.to, by) {
                (Destination::Device(_), Some(name)) => name,
                (other, _) => maps.destination(other),
            });
        }
        let trap = outcome.trap.map(|trap| trap.to_string());
        let why = trap.or_else(|| outcome.lost.map(|lost| lost.to_string()));
        let action = outcome.action.name().trim_start_matches("XDP_");
        let comment = Comment {
            action: &action.to_ascii_lowercase(),
            instructions: Some(outcome.executed),
            programs: &programs,
            to: &to,
            why: why.as_deref(),
        };
        let written = self.recording.packet(&Traced {
            interface: &arrival,
            program: programs.first().map_or("", String::as_str),
            timestamp_ns: came.timestamp_ns,
            queue: self.queue,
            before: came.data,
            after: outcome.output,
            ret: outcome.ret,
            comment: &comment.to_string(),
        });
        written.map_err(failure)
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        self.recording.finish().map_err(failure)
    }

    fn device(&self, ifindex: u32) -> String {
        let known = self.devices.get(&ifindex).cloned();
        known.unwrap_or_else(|| format!("if{ifindex}"))
    }
}

/// Refuses to write to a file that is read.
fn not_read(path: &Path, args: &RunArgs) -> Result<(), Failure> {
    let inputs = [args.feed.pcap.as_path(), args.object.object.as_path()];
    let place = path.canonicalize().ok();
    let same = |input: &&Path| input.canonicalize().ok() == place;
    if place.is_some() && inputs.iter().any(same) {
        let option = format!("--write {}", path.display());
        return Err(Failure::input(option, "this file is read by the run"));
    }
    Ok(())
}

fn failure(RecordError { path, error }: RecordError) -> Failure {
    match error {
        WriteError::Io(error) if path == Path::new("-") => Failure::output(error),
        WriteError::Io(error) => Failure::write(&path, error),
        other => Failure::input(path.display(), other),
    }
}
