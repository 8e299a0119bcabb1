//! Which instructions there are: what Linux says to every opcode with values of
//! the other fields.

use std::collections::{BTreeMap, BTreeSet};

use isa::Slot;

use super::flavor::Flavor;
use super::probe::{Answer, Extras, Probe, assemble};
use super::ranges;
use super::table::{Row, Table, row};

/// Destination registers that are tried: the one that stands where there is no
/// destination, another, none.
const DESTINATIONS: &[u8] = &[0, 2, 11];
/// Source registers: operands, the pseudo kinds of loads and calls, the frame
/// pointer, none.
const SOURCES: &[u8] = &[0, 1, 2, 4, 6, 10, 11];
/// Offsets.
const OFFSETS: &[i16] = &[-1, 0, 1, 8, 16, 32];
/// Immediates: small ones, widths, and all that select an atomic operation.
const IMMEDIATES: &[i32] = &[
    -1, 0, 1, 2, 8, 16, 24, 31, 32, 33, 63, 0x40, 0x41, 0x50, 0x51, 0x80, 0xa0, 0xa1, 0xe0, 0xe1,
    0xf0, 0xf1, 0x100, 0x101, 0x110, 0x111,
];

/// A sample: the instruction that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub(crate) opcode: u8,
    pub(crate) dst: u8,
    pub(crate) src: u8,
    pub(crate) offset: i16,
    pub(crate) imm: i32,
}

impl Sample {
    pub(crate) fn slot(self) -> Slot {
        Slot {
            opcode: self.opcode,
            dst: self.dst,
            src: self.src,
            offset: self.offset,
            imm: self.imm,
        }
    }
}

/// All samples of an opcode.
fn samples(opcode: u8) -> Vec<Sample> {
    let mut samples = Vec::new();
    for dst in DESTINATIONS {
        for src in SOURCES {
            for offset in OFFSETS {
                samples.extend(IMMEDIATES.iter().map(|imm| Sample {
                    opcode,
                    dst: *dst,
                    src: *src,
                    offset: *offset,
                    imm: *imm,
                }));
            }
        }
    }
    samples
}

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "encodings",
        "every opcode with each of the values in `tried` for the other fields, in a socket filter in which registers hold what \
         makes the most of such instructions valid: numbers, and stack addresses where the \
         instruction dereferences a register; `answer` is ok or the verifier's last sentence, \
         where numbers that repeat a field or position are written N; `*` is all values \
         tried",
    );
    table.note("tried", tried());
    table.note(
        "not_asked",
        "opcode 0x18 with source 1, 2, 3, 5 or 6 and opcode 0x85 with source 2, which name \
         something of the kernel",
    );
    let Some(asker) = Asker::new(probe) else {
        return table;
    };
    for opcode in 0..=u8::MAX {
        let answers = samples(opcode).into_iter();
        let answers = answers.filter_map(|sample| Some((sample, asker.ask(sample)?)));
        table.rows.extend(rows(opcode, &answers.collect()));
    }
    table
}

fn tried() -> Row {
    row! {
        "dst": ranges::write(&DESTINATIONS.iter().map(|v| i64::from(*v)).collect()),
        "src": ranges::write(&SOURCES.iter().map(|v| i64::from(*v)).collect()),
        "offset": ranges::write(&OFFSETS.iter().map(|v| i64::from(*v)).collect()),
        "imm": ranges::write(&IMMEDIATES.iter().map(|v| i64::from(*v)).collect()),
    }
}

type ByImm = BTreeMap<String, BTreeSet<i64>>;
type ByOffset = BTreeMap<i16, ByImm>;
type BySource = BTreeMap<u8, ByOffset>;

/// Answers by sample, merged field by field: immediates with equal answers,
/// then offsets with equal immediates, then sources, then destinations.
fn rows(opcode: u8, answers: &BTreeMap<Sample, String>) -> Vec<Row> {
    let mut by_destination: BTreeMap<u8, BySource> = BTreeMap::new();
    for (sample, answer) in answers {
        let by_source = by_destination.entry(sample.dst).or_default();
        let by_offset = by_source.entry(sample.src).or_default();
        let by_imm = by_offset.entry(sample.offset).or_default();
        let imms = by_imm.entry(answer.clone()).or_default();
        imms.insert(i64::from(sample.imm));
    }
    let mut rows = Vec::new();
    for (destinations, by_source) in merge(by_destination) {
        for (sources, by_offset) in merge(by_source) {
            for (offsets, by_imm) in merge(by_offset) {
                rows.extend(by_imm.into_iter().map(|(answer, imms)| {
                    row! {
                        "opcode": format!("{opcode:#04x}"),
                        "dst": text(&destinations, DESTINATIONS),
                        "src": text(&sources, SOURCES),
                        "offset": text(&offsets, OFFSETS),
                        "imm": text(&imms, IMMEDIATES),
                        "answer": answer,
                    }
                }));
            }
        }
    }
    rows
}

/// Keys with equal values together.
fn merge<K: Ord + Copy + Into<i64>, V: Ord>(map: BTreeMap<K, V>) -> Vec<(BTreeSet<i64>, V)> {
    let mut keys: BTreeMap<V, BTreeSet<i64>> = BTreeMap::new();
    for (key, value) in map {
        keys.entry(value).or_default().insert(key.into());
    }
    let mut merged: Vec<_> = keys
        .into_iter()
        .map(|(value, keys)| (keys, value))
        .collect();
    merged.sort_by(|a, b| a.0.cmp(&b.0));
    merged
}

fn text<T: Copy + Into<i64>>(values: &BTreeSet<i64>, all: &[T]) -> String {
    let all: BTreeSet<i64> = all.iter().map(|value| (*value).into()).collect();
    match *values == all {
        true => "*".to_owned(),
        false => ranges::write(values),
    }
}

/// What a file says of samples.
#[cfg(test)]
pub(crate) fn expand(rows: &[Row]) -> Option<BTreeMap<Sample, String>> {
    fn numbers<T: Copy + Into<i64>>(row: &Row, name: &str, all: &[T]) -> Option<BTreeSet<i64>> {
        match row.get(name)?.as_str()? {
            "*" => Some(all.iter().map(|value| (*value).into()).collect()),
            text => ranges::read(text),
        }
    }
    let mut answers = BTreeMap::new();
    for row in rows {
        let opcode = row.get("opcode")?.as_str()?.strip_prefix("0x")?;
        let opcode = u8::from_str_radix(opcode, 16).ok()?;
        let answer = row.get("answer")?.as_str()?;
        for dst in numbers(row, "dst", DESTINATIONS)? {
            for src in numbers(row, "src", SOURCES)? {
                for offset in numbers(row, "offset", OFFSETS)? {
                    for imm in numbers(row, "imm", IMMEDIATES)? {
                        let sample = Sample {
                            opcode,
                            dst: dst as u8,
                            src: src as u8,
                            offset: offset as i16,
                            imm: imm as i32,
                        };
                        answers.insert(sample, answer.to_owned());
                    }
                }
            }
        }
    }
    Some(answers)
}

const CLASS: u8 = 0x07;
const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
/// The opcode of 64-bit immediate loads, which have a second slot.
const WIDE: u8 = 0x18;
const CALL: u8 = 0x85;
/// Opcodes after which the next instruction is not reached.
const LEAVES: &[u8] = &[0x05, 0x06, 0x95];
/// The immediate of `load_acquire`, which reads through its source.
const LOAD_ACQUIRE: i32 = 0x100;
/// How far jumps land.
const LANDINGS: usize = 40;

/// Asks for samples.
pub(crate) struct Asker<'a> {
    probe: &'a Probe,
    flavor: &'a Flavor,
    surroundings: BTreeMap<Around, (Vec<Slot>, usize)>,
}

/// What an instruction finds around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Around {
    /// Every register holds 1.
    Numbers,
    /// Every register but the frame pointer is a stack address.
    Addresses,
    /// This register is a stack address, the others hold 1.
    Destination(u8),
    /// Register 6 is the context, the others hold 1.
    Packet,
    /// The same, and the next slot is blank.
    Wide,
    /// Every register holds 1, and what follows is reached by other ways too.
    Reached,
}

impl Around {
    const ALL: [Around; 7] = [
        Around::Numbers,
        Around::Addresses,
        Around::Destination(0),
        Around::Destination(2),
        Around::Packet,
        Around::Wide,
        Around::Reached,
    ];

    fn of(
        Sample {
            opcode, dst, imm, ..
        }: Sample,
    ) -> Around {
        match opcode & CLASS {
            _ if opcode == WIDE => Around::Wide,
            _ if LEAVES.contains(&opcode) => Around::Reached,
            LD => Around::Packet,
            LDX => Around::Addresses,
            STX if imm == LOAD_ACQUIRE => Around::Addresses,
            ST | STX if dst == 0 => Around::Destination(0),
            ST | STX => Around::Destination(2),
            _ => Around::Numbers,
        }
    }

    /// A program with a place for the instruction, and where that is.
    fn program(self) -> (Vec<Slot>, usize) {
        let place = Slot {
            opcode: 0xff,
            ..Slot::default()
        };
        let bytes = u64::from_le_bytes(place.to_bytes());
        let mut text = String::new();
        if self == Around::Reached {
            text += "call 7\n";
            for landing in 0..LANDINGS {
                text += &format!("if r0 == {landing} goto l{landing}\n");
            }
        }
        for offset in (8..=128).step_by(8) {
            text += &format!("*(u64 *)(r10 -{offset}) = 0\n");
        }
        if matches!(self, Around::Packet | Around::Wide) {
            text += "r6 = r1\n";
        }
        for register in 0..10 {
            let address = self == Around::Addresses || self == Around::Destination(register);
            let context = matches!(self, Around::Packet | Around::Wide) && register == 6;
            text += &match (address, context) {
                (true, _) => format!("r{register} = r10\nr{register} += -64\n"),
                (_, true) => String::new(),
                _ => format!("r{register} = 1\n"),
            };
        }
        text += &format!(".slot {bytes:#018x}\n");
        if self == Around::Wide {
            text += ".slot 0x0000000000000000\n";
        }
        for landing in 0..LANDINGS {
            text += &format!("l{landing}:\nr0 = 0\n");
        }
        text += "r0 = 0\nexit\n";
        let code = assemble(&text);
        let at = code.iter().position(|slot| *slot == place);
        (code, at.unwrap_or_default())
    }
}

impl<'a> Asker<'a> {
    /// `None` where there are no socket filters.
    pub(crate) fn new(probe: &'a Probe) -> Option<Asker<'a>> {
        let surroundings = Around::ALL.iter().map(|around| (*around, around.program()));
        Some(Asker {
            probe,
            flavor: probe.flavor("socket_filter")?,
            surroundings: surroundings.collect(),
        })
    }

    /// Linux's answer; `None` for what is not asked.
    pub(crate) fn ask(&self, sample: Sample) -> Option<String> {
        let names_something = match sample.opcode {
            WIDE => matches!(sample.src, 1 | 2 | 3 | 5 | 6),
            CALL => sample.src == 2,
            _ => false,
        };
        if names_something {
            return None;
        }
        let (program, at) = self.surroundings.get(&Around::of(sample))?;
        let mut code = program.clone();
        *code.get_mut(*at)? = sample.slot();
        let answer = self.probe.load(self.flavor, &code, &[], &Extras::default());
        Some(match answer {
            Answer::Yes(_) => "ok".to_owned(),
            refused => without_values(&refused.text()),
        })
    }
}

/// The sentence without the numbers that say where the instruction stands or
/// what its fields are, where there would be many of them.
pub(crate) fn without_values(sentence: &str) -> String {
    const WITH_VALUES: &[&str] = &[
        "jump out of range",
        "unreachable insn",
        "infinite loop",
        "back-edge",
        "invalid read from stack",
        "invalid write to stack",
        "misaligned",
        "invalid shift",
        "invalid may_goto imm",
        "BPF_ATOMIC uses invalid atomic opcode",
        "invalid func unknown#",
    ];
    if !WITH_VALUES.iter().any(|start| sentence.starts_with(start)) {
        return sentence.to_owned();
    }
    let mut cleaned = String::new();
    let mut word = String::new();
    for c in sentence.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let hexadecimal = !word.is_empty() && word.chars().all(|c| c.is_ascii_hexdigit());
        let number = hexadecimal && word.chars().any(|c| c.is_ascii_digit());
        // The only immediate that is written in letters alone is -1.
        let number = number || word == "ffffffff";
        cleaned += if number { "N" } else { &word };
        word.clear();
        cleaned.push(c);
    }
    cleaned.trim_end().replace("-N", "N")
}
