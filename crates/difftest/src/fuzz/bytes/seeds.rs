//! What fuzzing begins with: the corpus, in the form of each target.

use std::fs;
use std::path::{Path, PathBuf};

use btf::Btf;

use super::btf::join;
use super::code::{HEAD, MOST_PRINTED, bytes_of};
use super::elf;
use crate::families::{Random, Seed};
use crate::generate::{self, Dial, Mode};

/// Larger files are left out, or cut where they make sense cut.
const MOST_BYTES: usize = 24 << 10;
/// Generated programs of each kind.
const PROGRAMS: u64 = 60;

/// A part of the corpus cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct SeedError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

type Seeds = Result<Vec<Vec<u8>>, SeedError>;

/// The files below a folder whose names end so, in order.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, SeedError> {
    let broken = |source| SeedError {
        path: folder.to_owned(),
        source,
    };
    let entries = fs::read_dir(folder).map_err(broken)?;
    let entries: Result<Vec<_>, _> = entries.map(|e| e.map(|e| e.path())).collect();
    let mut found = Vec::new();
    for path in entries.map_err(broken)? {
        if path.is_dir() {
            found.extend(files(&path, ending)?);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(folder: &Path, ending: &str) -> Seeds {
    let files = files(folder, ending)?.into_iter();
    let read = |path: PathBuf| fs::read(&path).map_err(|source| SeedError { path, source });
    files.map(read).collect()
}

/// Objects.
pub(super) fn objects(corpus: &Path) -> Seeds {
    let mut found = Vec::new();
    for folder in ["objects", "refused", "bench"] {
        found.extend(read(&corpus.join(folder), ".bpf.o")?);
    }
    found.retain(|bytes| bytes.len() <= MOST_BYTES);
    Ok(found)
}

/// The types of an object, and its `.BTF.ext`.
struct Types {
    btf: Vec<u8>,
    ext: Vec<u8>,
}

/// Those of each object.
fn types(corpus: &Path) -> Result<Vec<Types>, SeedError> {
    let mut found = Vec::new();
    for object in objects(corpus)? {
        let sections = elf::sections(&object).into_iter();
        let typed = sections.filter(|bytes| bytes.starts_with(&super::btf::MAGIC));
        let (btf, ext): (Vec<_>, Vec<_>) = typed.partition(|bytes| Btf::parse(bytes).is_ok());
        let pairs = btf.into_iter().zip(ext);
        found.extend(pairs.map(|(btf, ext)| Types { btf, ext }));
    }
    Ok(found)
}

/// Types.
pub(super) fn btf(corpus: &Path) -> Seeds {
    Ok(types(corpus)?.into_iter().map(|types| types.btf).collect())
}

/// Types with relocations: against themselves, and against the next object's.
pub(super) fn core(corpus: &Path) -> Seeds {
    let types = types(corpus)?;
    let next = types.iter().cycle().skip(1);
    let pairs = types.iter().zip(next);
    let pairs = pairs.flat_map(|(types, next)| {
        let targets = [&types.btf, &next.btf];
        targets.map(|target| join([&types.btf, &types.ext, target]))
    });
    Ok(pairs.filter(|bytes| bytes.len() <= MOST_BYTES).collect())
}

/// Captures of a kind, their beginnings where they are long.
fn captures(corpus: &Path, ending: &str) -> Seeds {
    let mut found = read(&corpus.join("pcaps"), ending)?;
    found.iter_mut().for_each(|bytes| bytes.truncate(4096));
    Ok(found)
}

/// Captures in the older format.
pub(super) fn pcap(corpus: &Path) -> Seeds {
    captures(corpus, ".pcap")
}

/// Captures in the newer format.
pub(super) fn pcapng(corpus: &Path) -> Seeds {
    captures(corpus, ".pcapng")
}

/// Programs with expectations, and instruction vectors.
pub(super) fn file_tests(corpus: &Path) -> Seeds {
    let mut found = read(&corpus.join("verify"), ".bpf")?;
    found.retain(|bytes| bytes.len() <= 4096);
    Ok(found)
}

/// Generated programs and small ones, as lines of JSON.
pub(super) fn raw_programs(_: &Path) -> Seeds {
    let line = |index| {
        let raw = generate::program(Mode::Legal, Seed(1), index);
        let hex = bytes_of(&raw.program.code)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>();
        format!(r#"{{"type": "xdp", "license": "GPL", "insns": "{hex}"}}"#).into_bytes()
    };
    let by_hand = [
        r#"{"type": "xdp", "insns": ["b700000002000000", "9500000000000000"], "flags": 8, "caps": ["bpf"]}"#,
        r#"{"type": 6, "maps": [{"fd": 3, "type": "array", "key_size": 4, "value_size": 8, "max_entries": 1}], "insns": "18110000030000000000000000000000b7000000020000009500000000000000"}"#,
        r#"{"name": "x", "type": "kprobe", "attach_type": 0, "license": "GPL", "kern_version": 1, "insns": [149], "attach_btf_id": 3, "attach_target": "f"}"#,
        r#"{"type": "xdp", "insns": "85200000070000009500000000000000", "externs": [{"btf_id": 7, "name": "bpf_x"}], "func_info": [[0, 3]], "line_info": [[0, 1, 1, 1024]], "btf": ""}"#,
    ];
    let by_hand = by_hand.map(|line| line.as_bytes().to_vec());
    Ok((0..PROGRAMS).map(line).chain(by_hand).collect())
}

/// What maps hold, for each map of the generated programs, and networks.
pub(super) fn contents(corpus: &Path) -> Seeds {
    let mut texts = read(&corpus.join("maps"), ".json")?;
    texts.extend(read(&corpus.join("networks"), ".json")?);
    let by_hand = [
        r#"{"i": -5, "color": "BLUE", "long": 7, "wide": "0x10", "name": "abc", "numbers": [1, 2], "l": 9, "ptr": 0, "flag": true, "c": "x"}"#,
        r#"[{"key": 1, "value": "0x0000000000000000"}, {"key": ["0x01", "0x00", "0x00", "0x00"], "values": [{"cpu": 0, "value": "0x00"}]}]"#,
        r#"[{"key": 0, "value": {"ifindex": 1, "prog": "entry"}}, {"key": 1, "value": {"qsize": 8}}, {"key": 2, "value": "entry"}]"#,
        r#"[{"value": "0x01020304"}]"#,
    ];
    texts.extend(by_hand.map(|text| text.as_bytes().to_vec()));
    let each = texts.iter().filter(|text| text.len() <= 2048).enumerate();
    let each = each
        .flat_map(|(n, text)| [n as u8, n as u8 + 9].map(|map| [&[map], text.as_slice()].concat()));
    Ok(each.collect())
}

fn generated(
    mode: Mode<'_>,
    choice: &dyn Fn(&abi::Program, &mut Random) -> [u8; HEAD],
) -> Vec<Vec<u8>> {
    let programs = (0..PROGRAMS).map(|index| {
        let program = generate::program(mode, Seed(1), index).program;
        let head = choice(&program, &mut Random::new(Seed(2), index));
        [&head[..], &bytes_of(&program.code)].concat()
    });
    programs.filter(|bytes| bytes.len() <= 4096).collect()
}

/// Instructions.
pub(super) fn code(corpus: &Path) -> Seeds {
    let mut found = hostile(corpus)?;
    found.extend(bytecode(corpus)?);
    for bytes in &mut found {
        bytes.drain(..HEAD);
        bytes.truncate(MOST_PRINTED * 8);
    }
    Ok(found)
}

/// Programs for the verifier.
pub(super) fn bytecode(_: &Path) -> Seeds {
    let head = |program: &abi::Program, random: &mut Random| {
        let [.., a, b, c] = random.number().to_le_bytes();
        [
            program.prog_type as u8,
            a,
            random.pick(&[0, 0, 4, b]),
            c,
            a,
            b,
            c,
            a,
        ]
    };
    let modes = [
        Mode::Typed(Dial::SOUND),
        Mode::Typed(Dial::EDGE),
        Mode::Legal,
    ];
    Ok(modes
        .into_iter()
        .flat_map(|mode| generated(mode, &head))
        .collect())
}

/// Programs that are run unverified.
pub(super) fn hostile(_: &Path) -> Seeds {
    let head = |_: &abi::Program, random: &mut Random| random.number().to_le_bytes();
    Ok(generated(Mode::Hostile, &head))
}

/// Bytes that choose programs.
pub(super) fn programs(_: &Path) -> Seeds {
    let bytes = |index| {
        let mut random = Random::new(Seed(3), index);
        let len = random.pick(&[32, 128, 512, 1024]);
        random.bytes(len)
    };
    Ok((0..PROGRAMS).map(bytes).collect())
}
