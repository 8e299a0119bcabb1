//! The fields before the program.

use std::cell::RefCell;
use std::sync::Arc;

use abi::{
    AttachType, Extern, ExternKind, FuncInfo, Initial, LineInfo, MapDef, MapFlags, MapKind,
    MapType, ProgFlags, ProgType, Program,
};
use btf::TypeId;
use isa::{Code, Pc};
use loader::raw::{Caps, RawProgram};

use super::super::{Declarations, Declared};
use super::{FileTestError, FileTestFault, LineKind};

/// What the header says of a program, but for its instructions.
pub(super) struct Header {
    prog_type: ProgType,
    attach_type: Option<AttachType>,
    attach_target: String,
    flags: u32,
    caps: Caps,
    license: String,
    pub(super) maps: Vec<MapDef>,
    pub(super) externs: RefCell<Vec<String>>,
    types: Declarations,
    /// Functions, with their place where it is given.
    functions: Vec<(Option<Pc>, TypeId)>,
    source: Vec<LineInfo>,
}

impl Default for Header {
    fn default() -> Header {
        Header {
            prog_type: ProgType::SocketFilter,
            attach_type: None,
            attach_target: String::new(),
            flags: 0,
            caps: Caps::ROOT,
            license: "GPL".to_owned(),
            maps: Vec::new(),
            externs: RefCell::default(),
            types: Declarations::new(),
            functions: Vec::new(),
            source: Vec::new(),
        }
    }
}

/// `BPF_F_*` of program load, by bit.
const FLAGS: [&str; 8] = [
    "strict_alignment",
    "any_alignment",
    "test_rnd_hi32",
    "test_state_freq",
    "sleepable",
    "xdp_has_frags",
    "xdp_dev_bound_only",
    "test_reg_invariants",
];

type Result<T, E = FileTestFault> = std::result::Result<T, E>;

impl Header {
    /// Takes a field.
    pub(super) fn read(
        &mut self,
        line: usize,
        key: &str,
        value: &str,
    ) -> Result<LineKind, FileTestError> {
        self.field(key, value).map_err(|fault| fault.at(line))
    }

    fn field(&mut self, key: &str, value: &str) -> Result<LineKind> {
        let wrong = |expected| FileTestFault::value(value, expected);
        let (key, place) = match key.split_once('@') {
            Some((key, pc)) => {
                let pc = pc.parse().map_err(|_| FileTestFault::Key(key.to_owned()))?;
                (key, Some(Pc(pc)))
            }
            None => (key, None),
        };
        match key {
            "expect" => return Ok(LineKind::Expect),
            "message" => return Ok(LineKind::Message),
            "stats" => return Ok(LineKind::Stats),
            "type" => {
                let found = ProgType::from_name(value);
                self.prog_type = found.ok_or_else(|| wrong("a program type of bpftool's"))?;
            }
            "attach" => {
                let found = AttachType::from_name(value);
                let found = found.ok_or_else(|| wrong("an attach type of bpftool's"))?;
                self.attach_type = Some(found);
            }
            "target" => self.attach_target = value.to_owned(),
            "license" => self.license = value.to_owned(),
            "flags" => self.flags = flags(value)?,
            "caps" => self.caps = caps(value)?,
            "map" => {
                let map = MapReader::new(value, &mut self.types).named()?;
                self.maps.push(map);
            }
            "types" => {
                self.types.read(value)?;
            }
            "func" => match self.types.read(value)? {
                Declared::Function(id) => self.functions.push((place, id)),
                Declared::Type(_) => return Err(wrong("a function's signature")),
            },
            "line" => {
                self.source_line(place.ok_or_else(|| wrong("at a place: `line@0`"))?, value)?
            }
            other => return Err(FileTestFault::Key(other.to_owned())),
        }
        Ok(LineKind::Other)
    }

    /// `a.c:4:3 int x = 1;`
    fn source_line(&mut self, pc: Pc, value: &str) -> Result<()> {
        let wrong = || FileTestFault::value(value, "`file.c:line:column text`");
        let (place, text) = value.split_once(' ').ok_or_else(wrong)?;
        let mut parts = place.split(':');
        let (Some(file), Some(line), Some(column)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        self.source.push(LineInfo {
            pc,
            file_name_off: self.types.string(file),
            line_off: self.types.string(text),
            line: line.parse().map_err(|_| wrong())?,
            column: column.parse().map_err(|_| wrong())?,
        });
        Ok(())
    }

    /// The program, with its instructions.
    pub(super) fn finish(self, code: &Code) -> Result<RawProgram, FileTestError> {
        self.build(code).map_err(|fault| fault.at(0))
    }

    fn build(self, code: &Code) -> Result<RawProgram> {
        let btf = self.types.finish()?;
        let program = Program {
            name: String::new(),
            section: String::new(),
            prog_type: self.prog_type,
            attach_type: self.attach_type,
            flags: ProgFlags {
                sleepable: self.flags & 1 << 4 != 0,
                xdp_frags: self.flags & 1 << 5 != 0,
                // There is no device that the program is given for.
                device_bound: false,
            },
            license: self.license,
            kern_version: 0,
            code: code.slots().to_vec(),
            functions: Vec::new(),
            maps: self.maps.into(),
            externs: self.externs.into_inner().into_iter().map(kfunc).collect(),
            btf: btf.map(Arc::new),
            func_info: func_info(&self.functions, code)?,
            line_info: self.source,
            attach_target: self.attach_target,
            optional: false,
        };
        Ok(RawProgram {
            program,
            flags: self.flags,
            caps: self.caps,
            attach_btf_id: None,
        })
    }
}

/// Signatures belong to functions in order, unless they say where.
fn func_info(functions: &[(Option<Pc>, TypeId)], code: &Code) -> Result<Vec<FuncInfo>> {
    let in_order = functions.iter().any(|(pc, _)| pc.is_none());
    let starts = match in_order {
        true => code.functions()?,
        false => Vec::new(),
    };
    let mut infos = Vec::new();
    for (index, &(pc, type_id)) in functions.iter().enumerate() {
        let pc = pc.or_else(|| starts.get(index).copied());
        let pc = pc.ok_or(FileTestFault::Functions {
            signatures: functions.len(),
            functions: starts.len(),
        })?;
        infos.push(FuncInfo { pc, type_id });
    }
    Ok(infos)
}

fn kfunc(name: String) -> Extern {
    Extern {
        name,
        kind: ExternKind::Kfunc,
        weak: false,
        type_id: TypeId::VOID,
    }
}

fn flags(value: &str) -> Result<u32> {
    value.split_whitespace().try_fold(0, |bits, name| {
        let bit = FLAGS.iter().position(|flag| *flag == name);
        let bit = bit.ok_or_else(|| FileTestFault::value(name, "a flag of program load"))?;
        Ok(bits | 1 << bit)
    })
}

fn caps(value: &str) -> Result<Caps> {
    let mut caps = Caps::NONE;
    for name in value.split_whitespace() {
        match name {
            "root" => caps = Caps::ROOT,
            "none" => caps = Caps::NONE,
            "bpf" => caps.bpf = true,
            "perfmon" => caps.perfmon = true,
            "net_admin" => caps.net_admin = true,
            other => {
                let expected = "root, none, bpf, perfmon or net_admin";
                return Err(FileTestFault::value(other, expected));
            }
        }
    }
    Ok(caps)
}

/// Reads `NAME TYPE key 4 value 8 entries 1 …`.
struct MapReader<'a> {
    words: Vec<&'a str>,
    at: usize,
    types: &'a mut Declarations,
}

impl<'a> MapReader<'a> {
    fn new(text: &'a str, types: &'a mut Declarations) -> MapReader<'a> {
        let words = text.split_whitespace().collect();
        MapReader {
            words,
            at: 0,
            types,
        }
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn named(mut self) -> Result<MapDef> {
        let name = self.next().unwrap_or_default().to_owned();
        let mut map = self.map()?;
        map.name = name;
        Ok(map)
    }

    /// A map; the words after `inner` are those of a map inside.
    fn map(&mut self) -> Result<MapDef> {
        let name = self.next().unwrap_or_default();
        let map_type = MapType::ALL.iter().find(|ty| ty.name() == name);
        let wrong = || FileTestFault::value(name, "a map type of bpftool's");
        let mut map = MapDef::bare(*map_type.ok_or_else(wrong)?, 0, 0, 0);
        while let Some(word) = self.next() {
            match word {
                "key" => map.key_size = self.number()?,
                "value" => map.value_size = self.number()?,
                "entries" => map.max_entries = self.number()?,
                "extra" => map.extra = self.number()?.into(),
                "flags" => map.flags = self.map_flags()?,
                "frozen" => map.kind = MapKind::Rodata,
                "key_type" => map.key_type = self.type_id()?,
                "value_type" => map.value_type = self.type_id()?,
                "contents" => map.initial = Initial::Bytes(self.bytes()?),
                "inner" => map.inner = Some(Box::new(self.map()?)),
                other => {
                    let expected = "key, value, entries, extra, flags, frozen, key_type, \
                                    value_type, contents or inner";
                    return Err(FileTestFault::value(other, expected));
                }
            }
        }
        if map.value_type != TypeId::VOID && map.key_type == TypeId::VOID {
            map.key_type = self.integer(map.key_size)?;
        }
        Ok(map)
    }

    /// The type of a key that is a number: Linux wants one where the value has a
    /// type.
    fn integer(&mut self, size: u32) -> Result<TypeId> {
        let name = match size {
            1 => "u8",
            2 => "u16",
            4 => "u32",
            8 => "u64",
            _ => return Err(FileTestFault::value("value_type", "enough: give key_type")),
        };
        Ok(self.types.named(name).unwrap_or(TypeId::VOID))
    }

    fn number(&mut self) -> Result<u32> {
        let word = self.next().unwrap_or_default();
        let number = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        };
        number.ok_or_else(|| FileTestFault::value(word, "a number"))
    }

    fn map_flags(&mut self) -> Result<MapFlags> {
        let words = self.next().unwrap_or_default();
        let mut bits = 0;
        for word in words.split(',') {
            let bit = (0..32).find(|bit| MapFlags(1 << bit).to_string() == word);
            bits |= match (bit, word.parse::<u32>()) {
                (Some(bit), _) => 1 << bit,
                (None, Ok(number)) => number,
                (None, Err(_)) => return Err(FileTestFault::value(word, "a flag of map creation")),
            };
        }
        Ok(MapFlags(bits))
    }

    fn type_id(&mut self) -> Result<TypeId> {
        let name = self.next().unwrap_or_default();
        let known = self.types.named(name);
        known.ok_or_else(|| FileTestFault::value(name, "a type of the header"))
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let text = self.next().unwrap_or_default();
        let digit = |at: usize| text.get(at..at + 2);
        let bytes: Option<Vec<u8>> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(digit(at)?, 16).ok())
            .collect();
        bytes.ok_or_else(|| FileTestFault::value(text, "bytes in hexadecimal"))
    }
}
