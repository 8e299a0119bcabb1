//! Programs from files of the corpus and from slots.

use std::sync::Arc;

use abi::{
    AttachType, Extern, ExternKind, FuncInfo, MapDef, MapType, ProgFlags, ProgType, Program,
};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Linkage, TypeId};
use isa::{Pc, Slot};
use serde_json::Value;
use verifier::structure;
use verifier::{Config, Fault};

/// A file of the corpus.
pub(crate) fn corpus(path: &str) -> String {
    let path = format!("{}/../../corpus/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a file of the corpus")
}

/// A fault as `ERRNO sentence`.
pub(crate) fn answer(fault: Fault) -> String {
    match fault {
        Fault::Refused(reason) => format!("{} {reason}", reason.errno()),
        Fault::Unsupported(unsupported) => unsupported.to_string(),
    }
}

/// What is said to a program: `ok`, or as [`answer`].
pub(crate) fn verdict(program: &Program) -> String {
    match structure::analyze(program, &Config::default()) {
        Ok(_) => "ok".to_owned(),
        Err(fault) => answer(*fault),
    }
}

/// A socket filter of these slots.
pub(crate) fn of(slots: impl IntoIterator<Item = Slot>) -> Program {
    Program {
        code: slots.into_iter().collect(),
        ..empty()
    }
}

pub(crate) fn slot(opcode: u8, dst: u8, src: u8, offset: i16, imm: i32) -> Slot {
    Slot {
        opcode,
        dst,
        src,
        offset,
        imm,
    }
}

/// `r0 = 0`.
pub(crate) const ZERO: Slot = Slot {
    opcode: 0xb7,
    dst: 0,
    src: 0,
    offset: 0,
    imm: 0,
};
/// `exit`.
pub(crate) const EXIT: Slot = Slot {
    opcode: 0x95,
    ..ZERO
};

/// A call of the function that begins `offset` slots after the next one.
pub(crate) fn call(offset: i32) -> Slot {
    slot(0x85, 0, 1, 0, offset)
}

/// A 64-bit immediate of a kind.
pub(crate) fn wide(kind: u8, low: i32, high: i32) -> [Slot; 2] {
    [slot(0x18, 1, kind, 0, low), slot(0, 0, 0, 0, high)]
}

pub(crate) fn program(row: &Value) -> (Program, Config) {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let (kernel_btf, externs) = kfuncs(&row["kfuncs"]);
    let own = row["btf"].as_str();
    let funcs = row["func_info"].as_array();
    let program = Program {
        prog_type: ProgType::from_name(text("type")).expect("a program type"),
        attach_type: AttachType::from_name(text("attach")),
        license: text("license").to_owned(),
        flags: ProgFlags {
            sleepable: row["sleepable"] == true,
            xdp_frags: false,
            device_bound: false,
        },
        code: Slot::read_all(&bytes(text("code"))).expect("whole slots"),
        maps: maps(&row["maps"]),
        externs: externs.into(),
        btf: own.map(|hex| Arc::new(Btf::parse(&bytes(hex)).expect("BTF"))),
        func_info: funcs.into_iter().flatten().map(func_info).collect(),
        ..empty()
    };
    let config = Config {
        kernel_btf: Some(Arc::new(kernel_btf)),
        ..Config::default()
    };
    (program, config)
}

pub(crate) fn empty() -> Program {
    Program::bare(ProgType::SocketFilter, Vec::new())
}

fn func_info(record: &Value) -> FuncInfo {
    let word = |at: usize| record[at].as_u64().expect("a number") as u32;
    FuncInfo {
        pc: Pc(word(0)),
        type_id: TypeId(word(1)),
    }
}

/// The kernel functions `[name, parameters]` that a program names.
fn kfuncs(rows: &Value) -> (Btf, Vec<Extern>) {
    let mut builder = BtfBuilder::new();
    let int = builder.int("int", 4, Encoding::Signed);
    let mut externs = Vec::new();
    for row in rows.as_array().into_iter().flatten() {
        let name = row[0].as_str().expect("a name");
        let params = row[1].as_u64().expect("a number") as usize;
        let proto = builder.func_proto(int, &vec![("a", int); params]);
        builder.func(name, proto, Linkage::Global);
        externs.push(Extern {
            name: name.to_owned(),
            kind: ExternKind::Kfunc,
            weak: false,
            type_id: TypeId::VOID,
        });
    }
    (builder.finish().expect("BTF"), externs)
}

fn maps(rows: &Value) -> Arc<[MapDef]> {
    let rows = rows.as_array().into_iter().flatten();
    let map = |row: &Value| {
        let word = |at: usize| row[at].as_u64().expect("a number") as u32;
        let mut types = MapType::ALL.iter().copied();
        let map_type = types.find(|t| Some(t.name()) == row[0].as_str());
        map_of(map_type.expect("a map type"), [word(1), word(2), word(3)])
    };
    rows.map(map).collect()
}

/// A map with these sizes of key and value and so many entries.
pub(crate) fn map_of(map_type: MapType, [key_size, value_size, max_entries]: [u32; 3]) -> MapDef {
    MapDef::bare(map_type, key_size, value_size, max_entries)
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().as_chunks::<2>().0.iter();
    let byte = |pair: &[u8; 2]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    };
    digits.map(byte).collect()
}
