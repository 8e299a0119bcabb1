//! Maps of a run: filling them before it, showing what changed after it; and the
//! names of what is in the machine.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use abi::{MapDef, MapKind};
use serde_json::Value as Json;
use vm::{MapId, ProgId};
use xdp_sim::{Destination, Simulator};

use crate::error::Failure;
use crate::input;
use crate::output;

/// Contents beyond this many bytes are not kept for comparison; such maps are
/// shown with `--dump-maps` only.
const MAX_REMEMBERED: u64 = 64 << 20;

/// The raw entries of a map.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// What is known of the maps beside the machine.
pub(super) struct Maps {
    defs: Vec<(MapId, MapDef)>,
    programs: Vec<(ProgId, String)>,
    /// What each map held before the first packet; `None` where that is too much.
    before: Vec<Option<Entries>>,
}

/// A map to be shown.
pub(super) struct Shown<'a> {
    pub(super) def: &'a MapDef,
    pub(super) entries: Vec<Json>,
}

impl Maps {
    pub(super) fn new(simulator: &Simulator) -> Maps {
        let defs = simulator.maps().iter().filter_map(|id| {
            let map = simulator.machine().map(*id)?;
            Some((*id, map.def().clone()))
        });
        let programs = simulator.programs().map(|(id, name)| (id, name.to_owned()));
        Maps {
            defs: defs.collect(),
            programs: programs.collect(),
            before: Vec::new(),
        }
    }

    /// The name of a map.
    pub(super) fn name(&self, id: MapId) -> &str {
        let found = self.defs.iter().find(|(known, _)| *known == id);
        found.map_or("?", |(_, def)| &def.name)
    }

    /// The name of a program.
    pub(super) fn program(&self, id: ProgId) -> &str {
        let found = self.programs.iter().find(|(known, _)| *known == id);
        found.map_or("?", |(_, name)| name)
    }

    /// Where packets go, in words.
    pub(super) fn destination(&self, to: Destination) -> String {
        match to {
            Destination::Stack => "stack".to_owned(),
            Destination::Back => "back".to_owned(),
            Destination::Device(ifindex) => format!("device {ifindex}"),
            Destination::Cpu(cpu) => format!("cpu {cpu}"),
            Destination::Socket { map, slot } => format!("socket {}[{slot}]", self.name(map)),
        }
    }

    /// Fills a map from a file (`NAME=FILE`).
    pub(super) fn fill(&self, simulator: &mut Simulator, setting: &str) -> Result<(), Failure> {
        let known: Vec<_> = self.defs.iter().map(|(_, d)| d.name.as_str()).collect();
        let (name, path, entries) = input::map_file(setting, &known)?;
        let Some(id) = simulator.map_named(name) else {
            return Ok(());
        };
        simulator
            .fill_map(id, &entries)
            .map_err(|e| Failure::input(format!("{path}: map {name}"), e))
    }

    /// Keeps what the maps hold now, to tell later what changed.
    pub(super) fn remember(&mut self, simulator: &mut Simulator) {
        let mut budget = MAX_REMEMBERED;
        self.before = self
            .defs
            .iter()
            .map(|(id, def)| {
                let entry = u64::from(def.key_size) + u64::from(def.value_size) + 64;
                let bytes = entry.saturating_mul(def.max_entries.into());
                // Arrays are always full; other maps hold what was put in.
                let listed = def.map_type != abi::MapType::Array || bytes <= budget;
                let entries = listed.then(|| simulator.raw_entries(*id, def))?;
                budget = budget.checked_sub(entry * entries.len() as u64)?;
                Some(entries)
            })
            .collect();
    }

    /// The entries that differ from what was remembered. Constants never do.
    pub(super) fn changed<'a>(&'a self, simulator: &mut Simulator) -> Vec<Shown<'a>> {
        let mut shown = Vec::new();
        for ((id, def), before) in self.defs.iter().zip(&self.before) {
            let Some(before) = before.as_ref().filter(|_| !def.kind.is_constant()) else {
                continue;
            };
            let after = simulator.raw_entries(*id, def);
            if after == *before {
                continue;
            }
            let old: std::collections::HashMap<_, _> = before.iter().map(|(k, v)| (k, v)).collect();
            let keep: Vec<_> = after.iter().map(|(k, v)| old.get(k) != Some(&v)).collect();
            let all = simulator.dump_map(*id);
            let keyed = def.key_size > 0;
            let entries = all
                .into_iter()
                .zip(keep)
                .filter(|(_, keep)| *keep || !keyed)
                .map(|(entry, _)| entry);
            shown.push(Shown {
                def,
                entries: entries.collect(),
            });
        }
        shown
    }

    /// All entries of all maps.
    pub(super) fn all<'a>(&'a self, simulator: &mut Simulator) -> Vec<Shown<'a>> {
        self.defs
            .iter()
            .map(|(id, def)| Shown {
                def,
                entries: simulator.dump_map(*id),
            })
            .collect()
    }

    /// Writes every map to `DIR/NAME.json`.
    pub(super) fn write(&self, simulator: &mut Simulator, dir: &Path) -> Result<(), Failure> {
        fs::create_dir_all(dir).map_err(|e| Failure::write(dir, e))?;
        for shown in self.all(simulator) {
            let path = dir.join(format!("{}.json", file_name(shown.def)));
            output::file(&path, |out| write_entries(out, &shown.entries))?;
        }
        Ok(())
    }
}

/// A map's name as a file name: names come from the object and may hold anything.
fn file_name(def: &MapDef) -> String {
    let safe = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '_',
    };
    let name: String = def.name.chars().map(safe).collect();
    match def.kind {
        MapKind::User => name,
        _ => name.trim_start_matches('.').to_owned(),
    }
}

fn write_entries(out: &mut dyn Write, entries: &[Json]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, entries)?;
    out.write_all(b"\n")
}
