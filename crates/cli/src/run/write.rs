//! `--write`: the frames that leave, as pcapng.
//!
//! One interface for each place that frames go to, named after it, made when the
//! first frame goes there. A frame carries the program's answer as its verdict
//! and the index of its packet as its id.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use xdp_sim::capture::{self, InterfaceId, PacketOut, WriteError};
use xdp_sim::{Destination, Outcome};

use super::maps::Maps;
use crate::error::Failure;

/// The capture that is being written.
pub(super) struct Writer {
    path: PathBuf,
    capture: capture::Writer<Box<dyn Write>>,
    interfaces: BTreeMap<Destination, InterfaceId>,
    queue: u32,
}

impl Writer {
    /// Begins a capture, but not over one of the `inputs`.
    pub(super) fn create(path: &Path, inputs: &[&Path], queue: u32) -> Result<Writer, Failure> {
        let place = path.canonicalize().ok();
        if place.is_some()
            && inputs
                .iter()
                .any(|input| input.canonicalize().ok() == place)
        {
            let option = format!("--write {}", path.display());
            return Err(Failure::input(option, "this file is read by the run"));
        }
        let sink: Box<dyn Write> = match path == Path::new("-") {
            true => Box::new(io::stdout()),
            false => Box::new(File::create(path).map_err(|e| Failure::write(path, e))?),
        };
        Ok(Writer {
            path: path.to_owned(),
            capture: capture::Writer::new(sink),
            interfaces: BTreeMap::new(),
            queue,
        })
    }

    /// Writes what left of a packet.
    pub(super) fn write(
        &mut self,
        index: u64,
        timestamp_ns: u64,
        outcome: &Outcome<'_>,
        maps: &Maps,
    ) -> Result<(), Failure> {
        for delivery in outcome.deliveries {
            let interface = self.interface(delivery.to, maps)?;
            let packet = PacketOut {
                packet_id: Some(index),
                queue: Some(self.queue),
                verdict: Some(i64::from(outcome.ret)),
                ..PacketOut::new(interface, timestamp_ns, outcome.delivered(delivery))
            };
            let written = self.capture.write(&packet);
            written.map_err(|e| self.failure(e))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.capture.flush();
        flushed.map_err(|e| self.failure(e))
    }

    fn interface(&mut self, to: Destination, maps: &Maps) -> Result<InterfaceId, Failure> {
        if let Some(id) = self.interfaces.get(&to) {
            return Ok(*id);
        }
        let id = self
            .capture
            .add_interface(&maps.destination(to), None)
            .map_err(|e| self.failure(e))?;
        self.interfaces.insert(to, id);
        Ok(id)
    }

    fn failure(&self, error: WriteError) -> Failure {
        match error {
            WriteError::Io(error) if self.path == Path::new("-") => Failure::output(error),
            WriteError::Io(error) => Failure::write(&self.path, error),
            other => Failure::input(self.path.display(), other),
        }
    }
}
