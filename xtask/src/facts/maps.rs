//! Which maps may be made, and which flavors may name them.

use std::collections::{BTreeMap, BTreeSet};

use abi::{MapDef, MapFlags, MapType};
use isa::{Imm64, Insn, Reg, Slot};
use kernel::Map;
use serde_json::{Value, json};

use super::flavor::Flavor;
use super::probe::{Extras, Probe, assemble, smallest};
use super::ranges;
use super::table::{Row, Table, row};

const SIZES: &[u32] = &[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 20, 23, 24, 25, 31, 32, 33, 63, 64,
    65, 127, 128, 129, 255, 256, 257, 260, 261, 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097,
];
const ENTRIES: &[u32] = &[
    0, 1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 1023, 1024, 4095, 4096, 4097, 8192, 65535, 65536,
];
/// Bits of `map_flags` that are tried.
const FLAG_BITS: u32 = 20;
const EXTRAS: &[u64] = &[0, 1, 2, 15, 16, 1 << 32];

/// Answers, and for which values of the field that was varied.
type Answers = BTreeMap<String, BTreeSet<i64>>;

pub(crate) fn create(probe: &Probe) -> Table {
    let mut table = Table::new(
        "map_types",
        "per map type a definition that Linux takes (`base`: key size, value size, max_entries, \
         map_flags), of which one field at a time is varied; each field has the values by \
         answer, among `sizes` and `entries`; `flags` are numbers of bits that were turned \
         over in the base, `extra` values of map_extra",
    );
    let set = |values: &[u32]| ranges::write(&values.iter().map(|v| i64::from(*v)).collect());
    table.note("sizes", set(SIZES));
    table.note("entries", set(ENTRIES));
    table.note(
        "not_varied",
        "a perf_event_array of 0 entries (asked with as many as CPUs, as libbpf does); \
         maps in maps have an array of 4 bytes to 64 bytes, 4 entries; maps of local storage \
         have types of 4 and 64 bytes; a struct_ops map has no base that Linux takes",
    );
    for map_type in MapType::ALL {
        table.rows.push(one(probe, *map_type));
    }
    table
}

fn one(probe: &Probe, map_type: MapType) -> Row {
    let base = smallest(map_type);
    let vary = |values: &mut dyn Iterator<Item = i64>, set: &dyn Fn(&mut MapDef, i64)| {
        let mut answers = Answers::new();
        for value in values {
            let mut def = base.clone();
            set(&mut def, value);
            let answer = match probe.map(&def) {
                Ok(_) => "ok".to_owned(),
                Err(errno) => errno.to_string(),
            };
            answers.entry(answer).or_default().insert(value);
        }
        let answers = answers.iter();
        let fields = answers.map(|(answer, values)| (answer.clone(), json!(ranges::write(values))));
        Value::Object(fields.collect())
    };
    let numbers = |values: &'static [u32]| values.iter().map(|value| i64::from(*value));
    let base_row = [
        base.key_size,
        base.value_size,
        base.max_entries,
        base.flags.0,
    ];
    row! {
        "map_type": map_type.name(),
        "base": base_row,
        "key_size": vary(&mut numbers(SIZES), &|def, size| def.key_size = size as u32),
        "value_size": vary(&mut numbers(SIZES), &|def, size| def.value_size = size as u32),
        "max_entries": vary(&mut numbers(ENTRIES), &|def, n| def.max_entries = n as u32),
        "flags": vary(&mut (0..i64::from(FLAG_BITS)), &|def, bit| {
            def.flags = MapFlags(def.flags.0 ^ 1 << bit);
        }),
        "extra": vary(&mut EXTRAS.iter().map(|v| *v as i64), &|def, extra| {
            def.extra = extra as u64;
        }),
    }
}

/// A map of each type that can be made here. Some belong to the kind of program
/// that first names them, so no two kinds can be asked with the same.
pub(crate) fn one_of_each(probe: &Probe) -> Vec<Map> {
    let types = MapType::ALL.iter();
    let made = types.filter_map(|map_type| probe.map(&smallest(*map_type)).ok());
    made.collect()
}

pub(crate) fn used_by(probe: &Probe) -> Table {
    let mut table = Table::new(
        "flavors",
        "per flavor a program that names a map (`ldimm64` of kind 1) and does nothing with it: \
         the map types that Linux refuses, with its sentence; `value` is what it says to the \
         address of the map's value (kind 2) where it is not refused everywhere alike",
    );
    let types = one_of_each(probe);
    let types: Vec<&str> = types.iter().map(|map| map.def().map_type.name()).collect();
    table.note("map_types", types);
    let everywhere = probe
        .flavor("xdp")
        .map(|flavor| answers(probe, flavor, value));
    table.note("value", json!(everywhere));
    for flavor in &probe.flavors {
        let mut row = row! {
            "flavor": flavor.name,
            "refused": answers(probe, flavor, reference),
        };
        let values = answers(probe, flavor, value);
        if Some(&values) != everywhere.as_ref() {
            row.insert("value".to_owned(), Value::Object(values));
        }
        table.rows.push(row);
    }
    table
}

fn reference(index: i32) -> Imm64 {
    Imm64::MapIndex { index }
}

fn value(index: i32) -> Imm64 {
    Imm64::MapIndexValue { index, offset: 0 }
}

/// A program that takes the address of map 0's value.
pub(crate) fn takes_address() -> Vec<Slot> {
    let mut code = load(value(0));
    code.extend(assemble("r0 = 1\nexit"));
    code
}

/// Refusals by map type of a program that loads `imm` of it.
fn answers(probe: &Probe, flavor: &Flavor, imm: fn(i32) -> Imm64) -> Row {
    let maps = one_of_each(probe);
    let mut refused = Row::new();
    for (index, map) in maps.iter().enumerate() {
        let mut code = load(imm(index as i32));
        code.extend(assemble("r0 = 1\nexit"));
        let answer = probe.load(flavor, &code, &maps, &Extras::default());
        if !answer.is_yes() {
            let name = map.def().map_type.name().to_owned();
            refused.insert(name, answer.text().into());
        }
    }
    refused
}

fn load(imm: Imm64) -> Vec<Slot> {
    let insn = Insn::LoadImm { dst: Reg::R1, imm };
    let (head, tail) = isa::encode(insn).expect("every immediate load encodes");
    [Some(head), tail].into_iter().flatten().collect()
}
