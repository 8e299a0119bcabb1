//! Linux loads the corpus through this crate, and answers to every packet what
//! `corpus/expected` says it does.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::{Initial, InitialEntry, MapDef, MapKind, MapType, ProgType, Program};
use btf::value::{Value, encode};
use kernel::testing::{corpus, sorted};
use kernel::{
    Instance, Kernel, LoadError, Map, PerfBuffer, PerfRecord, RingBuffer, RunError, TestRun, update,
};
use loader::{Object, Options};
use serde_json::{Value as Json, json};

/// Makes the test take every capture: some seconds more.
const WHOLE: &str = "EBPF_SIM_WHOLE_CORPUS";

/// Programs that Linux refuses, with its error number: see `corpus/README.md`.
const REFUSED: &[(&str, &str, &str)] = &[
    ("ksyms", "strong_kfunc", "EINVAL"),
    ("sections", "on_fentry", "EPERM"),
    ("sections", "on_fexit", "EPERM"),
    ("sections", "on_lsm", "EPERM"),
];

#[test]
fn linux_loads_every_object() {
    let kernel = kernel_or_return!();
    let mut programs = 0;
    for path in sorted(&corpus("objects")) {
        let Some(name) = object_name(&path) else {
            continue;
        };
        let instance = instantiate(&kernel, &open(&name, None), &name);
        for (program, loaded) in instance.1.iter().zip(&instance.0.programs) {
            programs += 1;
            let expected = REFUSED.iter().find(|(o, p, _)| *o == name && p == program);
            match (loaded, expected) {
                (Ok(_), None) => {}
                (Err(LoadError::Refused(refusal)), Some((_, _, errno)))
                    if refusal.errno.name() == Some(*errno) => {}
                (Ok(_), Some(_)) => panic!("{name}/{program}: Linux takes it"),
                (Err(error), _) => panic!("{name}/{program}: {error}"),
            }
        }
    }
    kernel::testing::note(&format!("{programs} programs"));
    assert!(programs > 100, "the corpus is there");
}

#[test]
fn linux_answers_what_the_expectations_say() {
    let kernel = kernel_or_return!();
    let _cpu = kernel.on_cpu(0).unwrap();
    let _network = kernel.private_network().unwrap();
    // The thread's own now: where the expectations were measured, it was allowed.
    for family in ["ipv4", "ipv6"] {
        let path = format!("/proc/sys/net/{family}/conf/all/forwarding");
        fs::write(path, "1").unwrap();
    }
    let whole = std::env::var_os(WHOLE).is_some();
    let (mut packets, mut maps) = (0, 0);
    for object in sorted(&corpus("expected")).iter().filter(|p| p.is_dir()) {
        for file in sorted(object) {
            let text = fs::read_to_string(&file).unwrap();
            for line in text.lines() {
                let expected: Json = serde_json::from_str(line).unwrap();
                // A network of devices and routes is not made here.
                let sampled = whole || expected["maps"].is_object();
                if expected["network"].is_null() && sampled {
                    let case = Case::new(object, &file, expected);
                    packets += case.check(&kernel);
                    maps += case.expected["maps"]
                        .as_object()
                        .map_or(0, |maps| maps.len());
                }
            }
        }
    }
    kernel::testing::note(&format!("{packets} packets, {maps} maps"));
    assert!(packets > 10_000, "the corpus is there");
}

/// One program over one capture.
struct Case {
    name: String,
    object: String,
    program: String,
    expected: Json,
}

impl Case {
    fn new(object: &Path, file: &Path, expected: Json) -> Case {
        let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
        let (object, program) = (stem(object), stem(file));
        Case {
            name: format!("{object}/{program} on {}", expected["capture"]),
            object,
            program,
            expected,
        }
    }

    fn packets(&self) -> Vec<Vec<u8>> {
        read_pcap(&corpus("pcaps").join(self.expected["capture"].as_str().unwrap()))
    }

    /// Runs the packets; how many.
    fn check(&self, kernel: &Kernel) -> usize {
        let target = self.expected["btf"].as_str().map(|name| {
            let object = open(name.trim_end_matches(".bpf.o"), None);
            Arc::clone(object.btf().unwrap())
        });
        let object = open(&self.object, target);
        let mut programs = object.programs().unwrap();
        programs.retain(|program| program.name == self.program || in_an_array(&object, program));
        let instance = kernel.instantiate(object.maps(), &programs).unwrap();
        fill(&instance, &object, &corpus("maps").join(&self.object));
        let mut readers = Readers::open(kernel, &instance);
        let program = instance.program(&self.program).unwrap();
        let words = expanded(self.expected["runs"].as_str().unwrap());
        let packets = self.packets();
        assert_eq!(words.len(), packets.len(), "{}", self.name);
        for (index, (data, word)) in packets.iter().zip(&words).enumerate() {
            let run = TestRun {
                data,
                ..TestRun::default()
            };
            let got = match program.test_run(&run) {
                Ok(result) if result.data == *data => result.retval.to_string(),
                Ok(result) => {
                    let (bytes, hash) = (&result.data, fnv1a(&result.data));
                    format!("{}:{}:{hash:016x}", result.retval, bytes.len())
                }
                Err(RunError::Refused(_)) => "-".to_owned(),
                Err(error) => panic!("{}: {error}", self.name),
            };
            assert_eq!(got, *word, "{} packet {index}", self.name);
            readers.read();
        }
        if let Some(maps) = self.expected["maps"].as_object() {
            for (name, expected) in maps {
                self.check_map(&instance, &readers, name, expected);
            }
        }
        packets.len()
    }

    fn check_map(&self, instance: &Instance, readers: &Readers, name: &str, expected: &Json) {
        let of_name = |def: &MapDef| section_or_name(def) == name;
        let found = instance.maps.iter().position(|map| of_name(map.def()));
        let index = found.unwrap_or_else(|| panic!("{}: no map {name}", self.name));
        let map = &instance.maps[index];
        let what = format!("{} map {name}", self.name);
        match map.def().map_type {
            MapType::Ringbuf => assert_eq!(json!(readers.records[&index]), *expected, "{what}"),
            MapType::PerfEventArray => {
                let got = &readers.records[&index];
                let expected = expected.as_array().unwrap();
                assert_eq!(got.len(), expected.len(), "{what}");
                for (got, expected) in got.iter().zip(expected) {
                    // The kernel's padding is not in the expectations.
                    let expected = expected.as_str().unwrap();
                    assert!(got.starts_with(expected), "{what}: {got} {expected}");
                    let len = PerfRecord::padded_len(expected.len() / 2);
                    assert_eq!(got.len() / 2, len, "{what}");
                }
            }
            MapType::Queue | MapType::Stack => {
                let values: Vec<_> = map.pop_all().unwrap().iter().map(|v| hex(v)).collect();
                assert_eq!(json!(values), *expected, "{what}");
            }
            kind => {
                let array = matches!(kind, MapType::Array | MapType::PercpuArray);
                let entries: BTreeMap<_, _> = map
                    .entries()
                    .unwrap()
                    .into_iter()
                    .map(|(key, value)| (key, value[..map.def().value_size as usize].to_vec()))
                    .filter(|(_, value)| !array || value.iter().any(|byte| *byte != 0))
                    .map(|(key, value)| (hex(&key), hex(&value)))
                    .collect();
                assert_eq!(json!(entries), *expected, "{what}");
            }
        }
    }
}

/// The ring and perf buffers of an instance, and what came out of them.
struct Readers {
    rings: Vec<(usize, RingBuffer)>,
    perfs: Vec<(usize, PerfBuffer)>,
    records: BTreeMap<usize, Vec<String>>,
}

impl Readers {
    fn open(kernel: &Kernel, instance: &Instance) -> Readers {
        let of = |kind| {
            let maps = instance.maps.iter().enumerate();
            maps.filter(move |(_, map)| map.def().map_type == kind)
        };
        let rings: Vec<_> = of(MapType::Ringbuf)
            .map(|(index, map)| (index, RingBuffer::open(map).unwrap()))
            .collect();
        let perfs: Vec<_> = of(MapType::PerfEventArray)
            .map(|(index, map)| (index, PerfBuffer::open(kernel, map, 16).unwrap()))
            .collect();
        let indices = rings.iter().map(|r| r.0).chain(perfs.iter().map(|p| p.0));
        let records = indices.map(|index| (index, Vec::new())).collect();
        Readers {
            rings,
            perfs,
            records,
        }
    }

    fn read(&mut self) {
        for (index, ring) in &mut self.rings {
            let records = self.records.entry(*index).or_default();
            records.extend(ring.drain().iter().map(|data| hex(data)));
        }
        for (index, perf) in &mut self.perfs {
            let records = self.records.entry(*index).or_default();
            for record in perf.drain() {
                match record {
                    PerfRecord::Sample { data, .. } => records.push(hex(&data)),
                    PerfRecord::Lost { .. } => panic!("a reader came after each packet"),
                }
            }
        }
    }
}

fn object_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".bpf.o")?;
    Some(name.to_owned())
}

fn open(name: &str, target_btf: Option<Arc<btf::Btf>>) -> Object {
    let path = corpus("objects").join(format!("{name}.bpf.o"));
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let options = Options {
        name: format!("{name}.bpf.o"),
        prog_type: Some(ProgType::Xdp),
        target_btf,
        ..Options::default()
    };
    let mut object = Object::parse(&bytes, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
    if name == "legacy_maps28" {
        object.set_max_entries("tx_port", 64).unwrap();
    }
    object
}

/// Whether a program array of the object holds the program at first.
fn in_an_array(object: &Object, wanted: &Program) -> bool {
    object.maps().iter().any(|def| {
        match &def.initial {
        Initial::Entries(entries) => entries.iter().any(|entry| {
            matches!(entry, InitialEntry::Program { program, .. } if *program == wanted.name)
        }),
        _ => false,
    }
    })
}

/// All of an object, and the names of its programs.
fn instantiate(kernel: &Kernel, object: &Object, name: &str) -> (Instance, Vec<String>) {
    let programs = object.programs().unwrap_or_else(|e| panic!("{name}: {e}"));
    let instance = kernel.instantiate(object.maps(), &programs);
    let instance = instance.unwrap_or_else(|e| panic!("{name}: {e}"));
    (instance, programs.into_iter().map(|p| p.name).collect())
}

/// Fills maps from the files in a folder, named after them.
fn fill(instance: &Instance, object: &Object, folder: &Path) {
    for file in sorted(folder) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let map = instance.map(&name).unwrap();
        let entries: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for entry in entries.as_array().unwrap() {
            let def = map.def();
            let key = bytes(object, def.key_type, &entry["key"]);
            let value = bytes(object, def.value_type, &entry["value"]);
            let value = on_every_cpu(map, value);
            map.update(&key, &value, update::ANY)
                .unwrap_or_else(|e| panic!("{}: {entry}: {e}", file.display()));
        }
    }
}

fn on_every_cpu(map: &Map, mut value: Vec<u8>) -> Vec<u8> {
    if map.def().map_type.is_percpu() {
        value.resize(value.len().next_multiple_of(8), 0);
        value = value.repeat(map.value_len() / value.len());
    }
    value
}

/// A key or value from one of the two forms of `corpus/maps`.
fn bytes(object: &Object, ty: btf::TypeId, json: &Json) -> Vec<u8> {
    let byte = |item: &Json| {
        let digits = item.as_str()?.strip_prefix("0x")?;
        u8::from_str_radix(digits, 16).ok()
    };
    let list = json.as_array();
    if let Some(bytes) = list.and_then(|list| list.iter().map(byte).collect()) {
        return bytes;
    }
    encode(object.btf().unwrap(), ty, &to_value(json)).unwrap()
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Number(number) => Value::Int(number.as_i128().unwrap()),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, v)| (name.clone(), to_value(v)));
            Value::Struct(fields.collect())
        }
        other => panic!("{other}"),
    }
}

/// The packets of a capture in the little-endian form without blocks.
fn read_pcap(path: &PathBuf) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mut rest = &bytes[24..];
    let mut packets = Vec::new();
    while let Some((header, body)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        packets.push(body[..len].to_vec());
        rest = &body[len..];
    }
    packets
}

/// Global data goes by its section: `.bss`, not `name.bss`.
fn section_or_name(def: &MapDef) -> &str {
    match (def.kind, def.name.find('.')) {
        (MapKind::User, _) | (_, None) => &def.name,
        (_, Some(dot)) => &def.name[dot..],
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `WORD*N` as N words.
fn expanded(runs: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in runs.split_whitespace() {
        let (word, times) = word.split_once('*').unwrap_or((word, "1"));
        words.extend(std::iter::repeat_n(word.to_owned(), times.parse().unwrap()));
    }
    words
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
