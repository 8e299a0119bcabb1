//! Damaged objects and captures, end to end: whatever is cut off or overwritten,
//! opening, loading, filling maps, running and dumping end in an error, in traps
//! or in success. Never in a panic, and soon.
//!
//! The variants are the same in every run, so a failure can be repeated.

use std::fs::{self, File};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use abi::ProgType;
use loader::Object;
use serde_json::Value as Json;
use xdp_sim::capture::{self, Reader};
use xdp_sim::{Options, Simulator, attachable};

/// Variants of each object and of each capture.
const OBJECT_VARIANTS: u64 = 240;
const CAPTURE_VARIANTS: u64 = 100;

/// Instructions on one packet: enough for every program as it was written.
const BUDGET: u64 = 20_000;

/// What no variant comes near.
const TOO_LONG: Duration = Duration::from_secs(20);

/// Programs of a damaged object that are run.
const PROGRAMS_RUN: usize = 3;

#[test]
fn objects() {
    let packets = packets();
    let mut fates = Fates::default();
    for path in files("objects", "o") {
        let bytes = fs::read(&path).expect("readable");
        let places = Places::of(&bytes);
        let maps = map_files(&path);
        for seed in 0..OBJECT_VARIANTS {
            let damage = Damage::to_object(&bytes, &places, seed);
            let name = format!("{} {damage:?}", path.display());
            let damaged = damage.apply(&bytes);
            survives(&name, || run_object(&damaged, &maps, &packets, &mut fates));
        }
    }
    println!("{fates:?}");
    // Where nothing runs, nothing is tested.
    assert!(fates.answers > 10_000 && fates.traps > 500, "{fates:?}");
    assert!(fates.refused > 500 && fates.not_loaded > 100, "{fates:?}");
}

#[test]
fn captures() {
    let object = fs::read(corpus("objects/parse.bpf.o")).expect("readable");
    let object = Object::parse(&object, &Default::default()).expect("an object");
    let programs = object.programs().expect("programs");
    let mut simulator = Simulator::new(&programs, "parse", Options::default()).expect("simulator");
    let mut fates = Fates::default();
    let formats = ["pcaps", "pcaps/formats", "pcaps/damaged"];
    let paths = formats.iter().flat_map(|folder| files(folder, ""));
    for path in paths {
        let bytes = fs::read(&path).expect("readable");
        for seed in 0..CAPTURE_VARIANTS {
            let damage = Damage::to_capture(&bytes, seed);
            let name = format!("{} {damage:?}", path.display());
            let damaged = damage.apply(&bytes);
            survives(&name, || run_capture(&damaged, &mut simulator, &mut fates));
        }
    }
    println!("{fates:?}");
    assert!(fates.answers > 10_000 && fates.refused > 500, "{fates:?}");
}

/// What became of the variants.
#[derive(Debug, Default)]
struct Fates {
    /// Objects that the loader refused, captures that broke off.
    refused: u64,
    /// Programs that the machine refused.
    not_loaded: u64,
    /// Packets that a program answered for.
    answers: u64,
    /// Packets on which one trapped.
    traps: u64,
    /// Packets that the machine refused.
    not_run: u64,
}

/// Runs a variant and names it when it panics or takes too long.
fn survives(name: &str, run: impl FnOnce()) {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(run));
    assert!(result.is_ok(), "panic on {name}");
    assert!(start.elapsed() < TOO_LONG, "{:?} {name}", start.elapsed());
}

/// All that a user would do with an object.
fn run_object(bytes: &[u8], maps: &[(String, Json)], packets: &[Vec<u8>], fates: &mut Fates) {
    let options = loader::Options {
        name: "damaged.bpf.o".to_owned(),
        prog_type: Some(ProgType::Xdp),
        ..Default::default()
    };
    let programs = Object::parse(bytes, &options).and_then(|object| object.programs());
    let programs: Vec<_> = match programs {
        Ok(programs) => programs,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            fates.refused += 1;
            return;
        }
    };
    let mut run = 0;
    for program in &programs {
        if attachable(program).is_err() || run == PROGRAMS_RUN {
            continue;
        }
        run += 1;
        let options = Options {
            budget: Some(BUDGET),
            ..Options::default()
        };
        // Beside a program that cannot be loaded, or alone.
        let simulator = Simulator::new(&programs, &program.name, options);
        match simulator {
            Ok(mut simulator) => run_program(&mut simulator, maps, packets, fates),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                fates.not_loaded += 1;
            }
        }
    }
}

fn run_program(
    simulator: &mut Simulator,
    maps: &[(String, Json)],
    packets: &[Vec<u8>],
    fates: &mut Fates,
) {
    for (name, entries) in maps {
        if let Some(map) = simulator.map_named(name) {
            // Types and sizes may have changed: any answer is right.
            let _ = simulator.fill_map(map, entries);
        }
    }
    for packet in packets {
        one_packet(simulator, packet, fates);
    }
    for map in simulator.maps().to_vec() {
        let small = |def: &abi::MapDef| def.max_entries <= 4096 && def.value_size <= 1 << 16;
        if simulator.machine().map(map).is_some_and(|m| small(m.def())) {
            simulator.dump_map(map);
        }
    }
}

fn one_packet(simulator: &mut Simulator, packet: &[u8], fates: &mut Fates) {
    let trap = match simulator.run(packet) {
        Ok(outcome) => outcome.trap,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            fates.not_run += 1;
            return;
        }
    };
    match trap {
        Some(trap) => {
            assert!(!simulator.machine().explain(&trap).is_empty());
            fates.traps += 1;
        }
        None => fates.answers += 1,
    }
    simulator.take_events(&mut |event| assert!(!format!("{event:?}").is_empty()));
}

fn run_capture(bytes: &[u8], simulator: &mut Simulator, fates: &mut Fates) {
    let mut reader = match Reader::new(bytes, capture::Options::default()) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            fates.refused += 1;
            return;
        }
    };
    loop {
        match reader.next() {
            Ok(Some(packet)) => one_packet(simulator, packet.captured, fates),
            Ok(None) => return,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                fates.refused += 1;
                return;
            }
        }
    }
}

/// What is done to a file.
#[derive(Debug)]
enum Damage {
    /// Only so many bytes are left.
    Cut(usize),
    /// These bits of these bytes are flipped.
    Flip(Vec<(usize, u32)>),
    /// Four bytes are overwritten.
    Number(usize, u32),
}

/// Numbers that sizes, counts, offsets and immediates go wrong with.
const NUMBERS: [u32; 8] = [
    0,
    1,
    7,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0xffff_fff8,
    0x10000,
];

impl Damage {
    /// Most of it where it gets past the loader: in code and types.
    fn to_object(bytes: &[u8], places: &Places, seed: u64) -> Damage {
        let mut random = Random::new(seed);
        let whole = 0..bytes.len();
        let code = places.code(&mut random).unwrap_or(whole.clone());
        let types = places.types.clone().unwrap_or(whole.clone());
        match seed % 8 {
            0 => Damage::Cut(random.within(&whole)),
            1 => Damage::flip(&whole, &mut random),
            2 => Damage::flip(&types, &mut random),
            3 => Damage::number(&types, &mut random),
            4 | 5 => Damage::number(&code, &mut random),
            _ => Damage::flip(&code, &mut random),
        }
    }

    fn to_capture(bytes: &[u8], seed: u64) -> Damage {
        let mut random = Random::new(seed);
        let whole = 0..bytes.len();
        // Headers of the file and of the first records.
        let head = 0..bytes.len().min(256);
        match seed % 4 {
            0 => Damage::Cut(random.within(&whole)),
            1 => Damage::flip(&head, &mut random),
            2 => Damage::number(&head, &mut random),
            _ => Damage::flip(&whole, &mut random),
        }
    }

    fn flip(range: &Range<usize>, random: &mut Random) -> Damage {
        let bits = 1 + random.below(3);
        let bit = |random: &mut Random| (random.within(range), random.below(8) as u32);
        Damage::Flip((0..bits).map(|_| bit(random)).collect())
    }

    fn number(range: &Range<usize>, random: &mut Random) -> Damage {
        let at = range.start + random.below(range.len() / 4) * 4;
        Damage::Number(at, NUMBERS[random.below(NUMBERS.len())])
    }

    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        match self {
            Damage::Cut(left) => damaged.truncate(*left),
            Damage::Flip(bits) => {
                for (at, bit) in bits {
                    if let Some(byte) = damaged.get_mut(*at) {
                        *byte ^= 1 << bit;
                    }
                }
            }
            Damage::Number(at, number) => {
                if let Some(bytes) = damaged.get_mut(*at..*at + 4) {
                    bytes.copy_from_slice(&number.to_le_bytes());
                }
            }
        }
        damaged
    }
}

/// Where an object's instructions and types are.
struct Places {
    code: Vec<Range<usize>>,
    types: Option<Range<usize>>,
}

impl Places {
    /// From the section headers of a sound ELF file.
    fn of(elf: &[u8]) -> Places {
        let number = |at: usize, size: usize| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(&elf[at..at + size]);
            u64::from_le_bytes(bytes) as usize
        };
        let (table, count, names) = (number(40, 8), number(60, 2), number(62, 2));
        let header = |index: usize| table + index * 64;
        let names = number(header(names) + 24, 8);
        let mut places = Places {
            code: Vec::new(),
            types: None,
        };
        for section in (1..count).map(header) {
            let name = &elf[names + number(section, 4)..];
            let flags = number(section + 8, 8);
            let start = number(section + 24, 8);
            let range = start..start + number(section + 32, 8);
            if flags & 4 != 0 && !range.is_empty() {
                places.code.push(range);
            } else if name.starts_with(b".BTF\0") {
                places.types = Some(range);
            }
        }
        places
    }

    /// One of the sections with code.
    fn code(&self, random: &mut Random) -> Option<Range<usize>> {
        self.code.get(random.below(self.code.len())).cloned()
    }
}

/// Deterministic numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 16) % limit.max(1) as u64) as usize
    }

    fn within(&mut self, range: &Range<usize>) -> usize {
        range.start + self.below(range.len())
    }
}

/// A few different packets, a large one among them.
fn packets() -> Vec<Vec<u8>> {
    let pick = |name: &str, every: u64, most: usize| {
        let file = File::open(corpus("pcaps").join(name)).expect("a capture");
        let mut reader = Reader::new(file, capture::Options::default()).expect("a capture");
        let mut packets = Vec::new();
        while let Some(packet) = reader.next().expect("a whole capture") {
            if packet.index % every == 0 && packets.len() < most {
                packets.push(packet.captured.to_vec());
            }
        }
        packets
    };
    [pick("mixed.pcap", 40, 9), pick("jumbo.pcap", 3, 2)].concat()
}

/// The contents that an object's maps start from.
fn map_files(object: &Path) -> Vec<(String, Json)> {
    let name = object.file_name().expect("a name").to_string_lossy();
    let folder = format!("maps/{}", name.trim_end_matches(".bpf.o"));
    let entry = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let entries = serde_json::from_slice(&fs::read(&path).expect("readable"));
        (name.into_owned(), entries.expect("JSON"))
    };
    files(&folder, "json").into_iter().map(entry).collect()
}

/// The files of a corpus folder with this extension, or all, by name.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(corpus(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_file())
        .filter(|path| extension.is_empty() || path.extension().is_some_and(|e| e == extension))
        .filter(|path| path.extension().is_none_or(|e| e != "md"))
        .collect();
    paths.sort();
    paths
}

fn corpus(place: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    root.join(place)
}
