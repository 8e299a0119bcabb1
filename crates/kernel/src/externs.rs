//! What a program names of the running kernel, found in the kernel's types.

use std::fs;

use abi::{AttachType, Extern, ExternKind, ProgType, Program};
use btf::{Kind, TypeId};
use isa::{Imm64, Pc};

use crate::{Kernel, LoadError};

/// The BTF id of the kernel function with this index.
pub(crate) fn kfunc(
    kernel: &Kernel,
    program: &Program,
    pc: Pc,
    index: i32,
) -> Result<i32, LoadError> {
    let named = named(program, pc, index)?;
    find(kernel, "function", Kind::Func, &named.name)
}

/// The kernel variable with this index.
pub(crate) fn variable(
    kernel: &Kernel,
    program: &Program,
    pc: Pc,
    index: i32,
) -> Result<Imm64, LoadError> {
    let named = named(program, pc, index)?;
    if named.kind == ExternKind::Address {
        let address = symbol_address(&named.name).ok_or_else(|| LoadError::Unknown {
            what: "symbol",
            name: named.name.clone(),
        })?;
        return Ok(Imm64::Value {
            lo: address as u32,
            hi: (address >> 32) as u32,
        });
    }
    Ok(Imm64::Variable {
        btf_id: find(kernel, "variable", Kind::Var, &named.name)?,
        module_fd: 0,
    })
}

/// The kernel BTF id of what a program attaches to, 0 for types that have none.
pub(crate) fn attach_btf_id(kernel: &Kernel, program: &Program) -> Result<u32, LoadError> {
    let target = program.attach_target.as_str();
    let (kind, name) = match (program.prog_type, program.attach_type) {
        _ if target.is_empty() => return Ok(0),
        (ProgType::Tracing, Some(AttachType::TraceRawTp)) => {
            (Kind::Typedef, format!("btf_trace_{target}"))
        }
        (ProgType::Tracing, Some(AttachType::TraceIter)) => {
            (Kind::Func, format!("bpf_iter_{target}"))
        }
        (ProgType::Tracing, _) => (Kind::Func, target.to_owned()),
        (ProgType::Lsm, _) => (Kind::Func, format!("bpf_lsm_{target}")),
        _ => return Ok(0),
    };
    find(kernel, "attach target", kind, &name).map(|id| id as u32)
}

fn named(program: &Program, pc: Pc, index: i32) -> Result<&Extern, LoadError> {
    let found = usize::try_from(index).ok();
    let found = found.and_then(|index| program.externs.get(index));
    found.ok_or(LoadError::Extern { pc, index })
}

fn find(kernel: &Kernel, what: &'static str, kind: Kind, name: &str) -> Result<i32, LoadError> {
    let found = kernel.btf().and_then(|btf| btf.find(name, kind));
    let unknown = || LoadError::Unknown {
        what,
        name: name.to_owned(),
    };
    found.map(|TypeId(id)| id as i32).ok_or_else(unknown)
}

/// The address of a kernel symbol, where `/proc/kallsyms` tells it.
fn symbol_address(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/kallsyms").ok()?;
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (address, _kind, symbol) = (words.next()?, words.next()?, words.next()?);
        let address = u64::from_str_radix(address, 16).ok()?;
        (symbol == name && address != 0).then_some(address)
    })
}
