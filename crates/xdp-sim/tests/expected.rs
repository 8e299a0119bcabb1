//! Every corpus program over every corpus capture, against what Linux answered.
//!
//! The answers are data, `corpus/expected/OBJECT/PROGRAM.jsonl`; the form is
//! described in `corpus/expected/README.md`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::{MapDef, MapKind, MapType, ProgType, Program};
use loader::Object;
use serde_json::{Value as Json, json};
use vm::MapId;
use xdp_sim::capture::{self, Reader};
use xdp_sim::contents;
use xdp_sim::{Error, Event, Options, Simulator, read_network};

/// Differences shown of one capture before the rest is only counted.
const SHOWN: usize = 3;

#[test]
fn corpus_programs_answer_as_linux_does() {
    let mut sum = Sum::default();
    for object in sorted(&corpus("expected")) {
        if !object.is_dir() {
            continue;
        }
        for file in sorted(&object) {
            let text = fs::read_to_string(&file).expect("readable");
            for line in text.lines() {
                let expected: Json = serde_json::from_str(line).expect("JSON");
                let case = Case::new(&object, &file, &expected);
                case.check(&expected, &mut sum);
            }
        }
    }
    println!(
        "{} packets in {} runs of {} captures compared with Linux, {} maps",
        sum.packets,
        sum.runs,
        sorted(&corpus("pcaps")).len(),
        sum.maps
    );
    assert!(sum.packets > 10_000, "the corpus is there");
    assert!(sum.wrong.is_empty(), "{}", sum.wrong.join("\n"));
}

/// Programs that Linux cannot test-run, or whose answers depend on time, are not
/// in the expectations; all the same none of them may trap.
#[test]
fn no_corpus_program_traps() {
    let mut runs = 0;
    for path in sorted(&corpus("objects")) {
        let Some(name) = path.to_str().and_then(|p| p.strip_suffix(".bpf.o")) else {
            continue;
        };
        let name = name.rsplit('/').next().expect("a name");
        let options = loader::Options {
            prog_type: Some(ProgType::Xdp),
            ..Default::default()
        };
        let Ok(programs) = open(name, options).programs() else {
            continue;
        };
        for program in programs.iter().filter(|p| xdp_sim::attachable(p).is_ok()) {
            let made = Simulator::new(&programs, &program.name, Options::default());
            let Ok(mut simulator) = made else {
                continue;
            };
            for capture in sorted(&corpus("pcaps")).iter().filter(|p| p.is_file()) {
                let file = File::open(capture).expect("a capture");
                let Ok(mut reader) = Reader::new(file, capture::Options::default()) else {
                    continue;
                };
                while let Ok(Some(packet)) = reader.next() {
                    let trap = simulator.run(packet.captured).ok().and_then(|o| o.trap);
                    if let Some(trap) = trap {
                        let why = simulator.machine().explain(&trap);
                        panic!("{name}/{} on {}: {why}", program.name, capture.display());
                    }
                }
                runs += 1;
            }
        }
    }
    println!("{runs} runs without a trap");
    assert!(runs > 1000, "the corpus is there");
}

/// What was compared, and what differed.
#[derive(Default)]
struct Sum {
    runs: u64,
    packets: u64,
    maps: u64,
    wrong: Vec<String>,
}

/// One program over one capture.
struct Case {
    name: String,
    object: String,
    program: String,
    capture: PathBuf,
    btf: Option<String>,
    network: Option<String>,
}

impl Case {
    fn new(object: &Path, file: &Path, expected: &Json) -> Case {
        let stem = |path: &Path| {
            let stem = path.file_stem().expect("a name");
            stem.to_string_lossy().into_owned()
        };
        let capture = expected["capture"].as_str().expect("a capture");
        Case {
            name: format!("{}/{} on {capture}", stem(object), stem(file)),
            object: stem(object),
            program: stem(file),
            capture: corpus("pcaps").join(capture),
            btf: expected["btf"].as_str().map(str::to_owned),
            network: expected["network"].as_str().map(str::to_owned),
        }
    }

    fn check(&self, expected: &Json, sum: &mut Sum) {
        let mut simulator = match self.simulator() {
            Ok(simulator) => simulator,
            Err(error) => return sum.wrong.push(format!("{}: {error}", self.name)),
        };
        let mut records = BTreeMap::new();
        let words = expanded(expected["runs"].as_str().expect("words"));
        let mut words = words.iter();
        let file = File::open(&self.capture).expect("a capture");
        let mut reader = Reader::new(file, capture::Options::default()).expect("a capture");
        let mut shown = 0;
        while let Some(packet) = reader.next().expect("a whole capture") {
            let got = self.word(&mut simulator, packet.captured);
            keep_records(&mut simulator, &mut records);
            let want = words.next().map_or("nothing", String::as_str);
            if got != want && shown < SHOWN {
                shown += 1;
                let what = format!(
                    "{} packet {}: got {got}, Linux {want}",
                    self.name, packet.index
                );
                sum.wrong.push(what);
            }
            sum.packets += 1;
        }
        if words.next().is_some() {
            sum.wrong
                .push(format!("{}: fewer packets than Linux saw", self.name));
        }
        sum.runs += 1;
        if let Some(maps) = expected["maps"].as_object() {
            for (name, want) in maps {
                sum.maps += 1;
                let got = contents(&mut simulator, name, &records);
                if got != *want {
                    let what = format!("{} map {name}:\n  got   {got}\n  Linux {want}", self.name);
                    sum.wrong.push(what);
                }
            }
        }
    }

    /// What one packet came to, as the expectations write it.
    fn word(&self, simulator: &mut Simulator, data: &[u8]) -> String {
        let outcome = match simulator.run(data) {
            Ok(outcome) => outcome,
            Err(Error::Machine(vm::Error::Packet(vm::packet::InputError::TooShort { .. }))) => {
                return "-".to_owned();
            }
            Err(error) => return error.to_string(),
        };
        if let Some(trap) = outcome.trap {
            return format!("trap {}", simulator.machine().explain(&trap));
        }
        let whole = [outcome.metadata, outcome.output].concat();
        match whole == data {
            true => outcome.ret.to_string(),
            false => format!("{}:{}:{:016x}", outcome.ret, whole.len(), fnv1a(&whole)),
        }
    }

    /// The object freshly loaded, with its maps filled.
    fn simulator(&self) -> Result<Simulator, String> {
        let programs = self.programs();
        let mut options = Options::default();
        options.world.cpu.count = 2;
        if let Some(file) = &self.network {
            let bytes = fs::read(corpus("networks").join(file)).expect("a network");
            options.world.network = read_network(&bytes).expect("a network");
        }
        let mut simulator =
            Simulator::new(&programs, &self.program, options).map_err(|e| e.to_string())?;
        for file in sorted(&corpus("maps").join(&self.object)) {
            let name = file.file_stem().expect("a name").to_string_lossy();
            let map = simulator.map_named(&name).expect("a map");
            let entries = serde_json::from_slice(&fs::read(&file).expect("readable"));
            simulator
                .fill_map(map, &entries.expect("JSON"))
                .map_err(|e| format!("{}: {e}", file.display()))?;
        }
        Ok(simulator)
    }

    fn programs(&self) -> Vec<Program> {
        let target = self.btf.as_deref().map(|name| {
            let object = open(name, loader::Options::default());
            Arc::clone(object.btf().expect("types"))
        });
        let options = loader::Options {
            name: format!("{}.bpf.o", self.object),
            target_btf: target,
            prog_type: Some(ProgType::Xdp),
            ..Default::default()
        };
        let mut object = open(&self.object, options);
        if self.object == "legacy_maps28" {
            object.set_max_entries("tx_port", 64).expect("a map");
        }
        object
            .programs()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

fn open(name: &str, options: loader::Options) -> Object {
    let name = name.trim_end_matches(".bpf.o");
    let path = corpus("objects").join(format!("{name}.bpf.o"));
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Object::parse(&bytes, &options).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Adds the records that reached user space to those of their map.
fn keep_records(simulator: &mut Simulator, records: &mut BTreeMap<MapId, Vec<Json>>) {
    simulator.take_events(&mut |event| {
        if let Event::Ring { map, data } | Event::Perf { map, data, .. } = event {
            records.entry(map).or_default().push(json!(hex(data)));
        }
    });
}

/// What a map holds, in the form of the expectations.
fn contents(simulator: &mut Simulator, name: &str, records: &BTreeMap<MapId, Vec<Json>>) -> Json {
    let machine = simulator.machine();
    let found = machine.map_ids().find_map(|id| {
        let def = machine.map(id)?.def().clone();
        (section_or_name(&def) == name).then_some((id, def))
    });
    let Some((id, def)) = found else {
        return json!("no such map");
    };
    match def.map_type {
        MapType::Ringbuf | MapType::PerfEventArray => {
            json!(records.get(&id).cloned().unwrap_or_default())
        }
        MapType::Queue | MapType::Stack => {
            let entries = simulator.raw_entries(id, &def);
            entries.iter().map(|(_, value)| json!(hex(value))).collect()
        }
        kind => {
            let array = matches!(kind, MapType::Array | MapType::PercpuArray);
            let entries: BTreeMap<_, _> = simulator
                .raw_entries(id, &def)
                .into_iter()
                .map(|(key, value)| (key, value[..def.value_size as usize].to_vec()))
                .filter(|(_, value)| !array || value.iter().any(|b| *b != 0))
                .collect();
            let entries = entries.iter().map(|(k, v)| (hex(k), json!(hex(v))));
            Json::Object(entries.collect())
        }
    }
}

/// Global data goes by its section: `.bss`, not `name.bss`.
fn section_or_name(def: &MapDef) -> &str {
    match (def.kind, def.name.find('.')) {
        (MapKind::User, _) | (_, None) => &def.name,
        (_, Some(dot)) => &def.name[dot..],
    }
}

/// Without `0x`, as the expectations have it.
fn hex(bytes: &[u8]) -> String {
    contents::to_hex(bytes).split_off(2)
}

/// `WORD*N` as N words.
fn expanded(runs: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in runs.split_whitespace() {
        let (word, times) = word.split_once('*').unwrap_or((word, "1"));
        let times = times.parse().expect("a count");
        words.extend(std::iter::repeat_n(word.to_owned(), times));
    }
    words
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn corpus(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus")
        .join(folder)
}

/// What a folder holds, by name; nothing when it is not there.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    paths
}
