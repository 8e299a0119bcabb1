//! Kernel functions that programs may call, by flavor.

use std::collections::BTreeMap;

use btf::{Btf, Type};
use isa::Slot;
use serde_json::Value;

use super::probe::{Extras, Probe, assemble};
use super::table::{Row, Table, row};

/// A `call` of the kernel function with this index.
const KFUNC_CALL: u8 = 2;

pub(crate) fn measure(probe: &Probe) -> Table {
    let mut table = Table::new(
        "kfuncs",
        "functions with a declaration tag bpf_kfunc in the kernel's BTF; per flavor a program \
         that calls the function at once: `allowed` unless Linux says that calling it is not \
         allowed, and not where only sleepable programs may; `complaint` is the first \
         flavor's answer to the call, numbers of registers and arguments as N",
    );
    let mut sets = Sets::default();
    let Some(btf) = probe.kernel.btf() else {
        return table;
    };
    for (name, prototype) in tagged(btf) {
        table.rows.push(ask(probe, name, prototype, &mut sets));
    }
    table.note("sets", sets.note());
    table.note(
        "sets_are",
        "sets of flavors: `not` those that are missing from all",
    );
    table
}

/// Sets of flavors, numbered as they are met.
#[derive(Default)]
struct Sets {
    numbers: BTreeMap<Vec<String>, String>,
    in_order: Vec<(String, Value)>,
}

impl Sets {
    fn name(&mut self, probe: &Probe, set: Vec<String>) -> String {
        if set.is_empty() {
            return "none".to_owned();
        }
        if set.len() == probe.flavors.len() {
            return "all".to_owned();
        }
        if let Some(name) = self.numbers.get(&set) {
            return name.clone();
        }
        let name = format!("s{}", self.in_order.len() + 1);
        let missing = probe.flavors.iter().map(|flavor| &flavor.name);
        let missing: Vec<&String> = missing.filter(|name| !set.contains(name)).collect();
        let value = match missing.len() < set.len() {
            true => serde_json::json!({ "not": missing }),
            false => serde_json::json!(set),
        };
        self.numbers.insert(set, name.clone());
        self.in_order.push((name.clone(), value));
        name
    }

    fn note(self) -> Row {
        self.in_order.into_iter().collect()
    }
}

/// Functions that the kernel says are for programs, with their prototypes.
fn tagged(btf: &Btf) -> BTreeMap<&str, String> {
    let tags = btf.types().filter_map(|(_, ty)| match ty {
        Type::DeclTag(tag) if tag.name == "bpf_kfunc" => Some(tag.ty),
        _ => None,
    });
    let functions = tags.filter_map(|id| match btf.ty(id)? {
        Type::Func(func) => Some((func.name, prototype(btf, func.proto)?)),
        _ => None,
    });
    functions.collect()
}

/// `int (struct sock *sk, u32 flags)`.
fn prototype(btf: &Btf, id: btf::TypeId) -> Option<String> {
    let Type::FuncProto(proto) = btf.ty(id)? else {
        return None;
    };
    let params = proto.params().map(|param| match param.ty {
        btf::TypeId::VOID => "...".to_owned(),
        ty => btf.declaration(ty, param.name).to_string(),
    });
    let params: Vec<String> = params.collect();
    Some(format!(
        "{} ({})",
        btf.type_name(proto.ret),
        params.join(", ")
    ))
}

fn ask(probe: &Probe, name: &str, prototype: String, sets: &mut Sets) -> Row {
    let extras = Extras {
        kfuncs: vec![name.to_owned()],
        ..Extras::default()
    };
    let mut code = vec![Slot {
        opcode: assemble("call 0").first().map_or(0, |call| call.opcode),
        src: KFUNC_CALL,
        ..Slot::default()
    }];
    code.extend(assemble("r0 = 1\nexit"));
    let (mut allowed, mut sleepable, mut complaint) = (Vec::new(), Vec::new(), None);
    for flavor in &probe.flavors {
        let answer = probe.load(flavor, &code, &[], &extras);
        let said = answer.sentence();
        if said.contains(" is not allowed") {
            continue;
        }
        if said.contains("must be sleepable") || said.contains("and sleepable progs") {
            sleepable.push(flavor.name.clone());
            continue;
        }
        complaint.get_or_insert_with(|| without_numbers(&answer.text()));
        allowed.push(flavor.name.clone());
    }
    row! {
        "name": name,
        "prototype": prototype,
        "allowed": sets.name(probe, allowed),
        "only_sleepable": sets.name(probe, sleepable),
        "complaint": complaint,
    }
}

/// `R1` as `RN`, `arg#0` as `arg#N`.
fn without_numbers(text: &str) -> String {
    let mut cleaned = String::new();
    let mut after = ' ';
    for c in text.chars() {
        if c.is_ascii_digit() && matches!(after, 'R' | '#') {
            cleaned.push('N');
        } else {
            cleaned.push(c);
        }
        after = c;
    }
    cleaned
}
