//! A program as a file test: for a reader, and for `corpus/verify`.

use std::fmt::Write;

use abi::{Initial, MapDef, MapFlags, MapType, Program};
use isa::disasm::{Symbol, named, raw};
use isa::{Code, Imm64, Insn};
use loader::raw::RawProgram;

use super::STATE_FREQ;
use super::pool::{LOCKED, MEMORY, TIMED};

/// The text of a generated program, in the form of `corpus/verify`, without an
/// expectation.
pub fn text(raw: &RawProgram) -> String {
    let program = &raw.program;
    let code = Code::new(program.code.clone());
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "; type: {}", program.prog_type);
    if let Some(attach) = program.attach_type {
        let _ = writeln!(text, "; attach: {attach}");
    }
    if raw.flags & STATE_FREQ != 0 {
        text += "; flags: test_state_freq\n";
    }
    types(&mut text, program, &code);
    maps(&mut text, program, &code);
    for info in &program.func_info {
        if let Some(signature) = signature(program, info.type_id) {
            let _ = writeln!(text, "; func@{}: {signature}", info.pc.0);
        }
    }
    text + &listing(program, &code)
}

fn listing(program: &Program, code: &Code) -> String {
    let mut text = String::new();
    let names = |symbol: Symbol| name(program, symbol);
    for (pc, insn) in code.iter() {
        let slot = code.slots().get(pc.index()).copied().unwrap_or_default();
        let _ = match isa::encode(insn) {
            Some((same, _)) if same == slot => writeln!(text, "  {}", named(pc, insn, &names)),
            _ => writeln!(text, "  {}", raw(slot)),
        };
    }
    text
}

fn name(program: &Program, symbol: Symbol) -> Option<String> {
    match symbol {
        Symbol::Helper(id) => {
            let helper = abi::helpers::by_id(u32::try_from(id).ok()?)?;
            Some(helper.name.to_owned())
        }
        Symbol::Kfunc { btf_id, module: 0 } => {
            let index = usize::try_from(btf_id).ok()?;
            Some(program.externs.get(index)?.name.clone())
        }
        Symbol::MapIndex { index } => {
            let index = usize::try_from(index).ok()?;
            Some(program.maps.get(index)?.name.clone())
        }
        _ => None,
    }
}

/// The maps that are named.
fn used(code: &Code) -> Vec<usize> {
    let index = |insn| match insn {
        Insn::LoadImm {
            imm: Imm64::MapIndex { index } | Imm64::MapIndexValue { index, .. },
            ..
        } => usize::try_from(index).ok(),
        _ => None,
    };
    let mut used: Vec<usize> = code.iter().filter_map(|(_, insn)| index(insn)).collect();
    used.sort_unstable();
    used.dedup();
    used
}

fn types(text: &mut String, program: &Program, code: &Code) {
    let used = used(code);
    if used.contains(&LOCKED) {
        *text += "; types: struct locked { u32 count; struct bpf_spin_lock lock; \
                  u64 counters[3]; };\n";
    }
    if used.contains(&TIMED) {
        *text += "; types: struct timed { struct bpf_timer timer; u64 count; u64 last; };\n";
    }
    if !program.func_info.is_empty() {
        for size in MEMORY {
            let _ = writeln!(
                text,
                "; types: struct memory{size} {{ u32 words[{}]; }};",
                size / 4
            );
        }
    }
}

fn maps(text: &mut String, program: &Program, code: &Code) {
    for index in used(code) {
        let Some(def) = program.maps.get(index) else {
            continue;
        };
        let _ = write!(text, "; map: ");
        map(text, def);
        match index {
            LOCKED => *text += " value_type locked",
            TIMED => *text += " value_type timed",
            _ => {}
        }
        if let Some(inner) = &def.inner {
            *text += " inner ";
            kind(text, inner);
        }
        *text += "\n";
    }
}

fn map(text: &mut String, def: &MapDef) {
    let _ = write!(text, "{} ", def.name);
    kind(text, def);
    if def.flags == MapFlags::NO_PREALLOC {
        *text += " flags no_prealloc";
    }
    if def.map_type == MapType::BloomFilter && def.extra != 0 {
        let _ = write!(text, " extra {}", def.extra);
    }
    if let Initial::Bytes(bytes) = &def.initial {
        *text += " flags rdonly_prog frozen contents ";
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
    }
}

fn kind(text: &mut String, def: &MapDef) {
    let _ = write!(
        text,
        "{} key {} value {} entries {}",
        def.map_type.name(),
        def.key_size,
        def.value_size,
        def.max_entries
    );
}

/// A function of the pool as C.
fn signature(program: &Program, id: btf::TypeId) -> Option<String> {
    let btf = program.btf.as_deref()?;
    let btf::Type::Func(func) = btf.ty(id)? else {
        return None;
    };
    let btf::Type::FuncProto(proto) = btf.ty(func.proto)? else {
        return None;
    };
    let params: Vec<String> = proto
        .params()
        .map(|param| match btf.ty(param.ty) {
            Some(btf::Type::Ptr(to)) => format!("{} *{}", btf.type_name(to), param.name),
            _ => format!("u64 {}", param.name),
        })
        .collect();
    let (before, ret) = match func.linkage {
        btf::Linkage::Static => ("static ", "u64"),
        _ => ("", "int"),
    };
    let params = match params.is_empty() {
        true => "void".to_owned(),
        false => params.join(", "),
    };
    Some(format!("{before}{ret} {}({params})", func.name))
}
