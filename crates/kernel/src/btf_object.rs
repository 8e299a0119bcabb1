//! BTF handed to Linux.
//!
//! Linux refuses what compilers write for externs: functions and variables with
//! extern linkage, and the section `.ksyms` of functions. As libbpf does, they
//! are given as what Linux takes; no program refers to them by type, so nothing
//! is lost.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use btf::{Btf, Kind, Linkage, Type, TypeId};

use crate::program::{Refusal, with_log};
use crate::{Kernel, sys};

/// An object's types in the running kernel.
#[derive(Debug)]
pub struct LoadedBtf(OwnedFd);

impl Kernel {
    /// Loads the types of an object.
    ///
    /// # Errors
    ///
    /// Linux's refusal, with its log.
    pub fn load_btf(&self, btf: &Btf) -> Result<LoadedBtf, Refusal> {
        let bytes = without_externs(btf);
        if let (Ok(fd), _) = sys::load_btf(&bytes, 0, &mut []) {
            return Ok(LoadedBtf(fd));
        }
        let (answer, log) = with_log(|log| sys::load_btf(&bytes, 1, log));
        match answer {
            Ok(fd) => Ok(LoadedBtf(fd)),
            Err(errno) => Err(Refusal { errno, log }),
        }
    }
}

impl AsFd for LoadedBtf {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `vlen` and kind in the second word of a record.
const KIND_SHIFT: u32 = 24;
/// Bytes of a record without what follows by kind.
const HEAD: usize = 12;

/// The bytes of `btf` without externs. Types keep their ids.
fn without_externs(btf: &Btf) -> Vec<u8> {
    let mut bytes = btf.bytes().to_vec();
    let externs = extern_types(btf);
    let number = btf.ids().find(|id| match btf.ty(*id) {
        Some(Type::Int(int)) => int.size == 4 && int.bits == 32,
        _ => false,
    });
    let (false, Some(number)) = (externs.is_empty(), number) else {
        return bytes;
    };
    let records = records(btf);
    for &(id, at) in &records {
        if !externs.contains(&id) {
            continue;
        }
        match btf.ty(id) {
            Some(Type::Func(_)) => set(&mut bytes, at + 4, (Kind::Func as u32) << KIND_SHIFT),
            Some(Type::FuncProto(proto)) => {
                // Linux wants names of parameters; that of any function will do.
                let of_function = |(id, _): &&(_, _)| btf.kind(*id) == Some(Kind::Func);
                let function = records.iter().find(of_function);
                let name = function.map_or(0, |(_, at)| word(btf.bytes(), *at));
                for (index, param) in proto.params().enumerate() {
                    if param.name.is_empty() {
                        set(&mut bytes, at + HEAD + 8 * index, name);
                    }
                }
            }
            Some(Type::Var(var)) => {
                if !is_sized(btf, var.ty) {
                    set(&mut bytes, at + 8, number.0);
                }
                set(&mut bytes, at + HEAD, Linkage::Global as u32);
            }
            Some(Type::Datasec(section)) => {
                let count = section.len() as u32;
                set(&mut bytes, at, 0);
                set(
                    &mut bytes,
                    at + 4,
                    (Kind::Struct as u32) << KIND_SHIFT | count,
                );
                set(&mut bytes, at + 8, 4 * count);
                for index in 0..count {
                    let member = at + HEAD + 12 * index as usize;
                    set(&mut bytes, member, 0);
                    set(&mut bytes, member + 4, number.0);
                    set(&mut bytes, member + 8, 32 * index);
                }
            }
            _ => {}
        }
    }
    bytes
}

/// Extern functions with their prototypes, extern variables, and `.ksyms`.
fn extern_types(btf: &Btf) -> Vec<TypeId> {
    let mut found = Vec::new();
    for (id, ty) in btf.types() {
        match ty {
            Type::Func(func) if func.linkage == Linkage::Extern => found.extend([id, func.proto]),
            Type::Var(var) if var.linkage == Linkage::Extern => found.push(id),
            Type::Datasec(section) if section.name == ".ksyms" => found.push(id),
            _ => {}
        }
    }
    found
}

fn is_sized(btf: &Btf, id: TypeId) -> bool {
    btf.size_of(id).is_some_and(|size| size > 0)
}

/// Where the record of each own type starts in the bytes.
fn records(btf: &Btf) -> Vec<(TypeId, usize)> {
    let bytes = btf.bytes();
    let (header, types) = (word(bytes, 4), word(bytes, 8));
    let mut at = header.saturating_add(types) as usize;
    let mut found = Vec::new();
    for id in btf.own_ids() {
        found.push((id, at));
        at = at.saturating_add(HEAD + tail_len(btf, id, word(bytes, at + 4) & 0xffff));
    }
    found
}

/// Bytes after the head of a record.
fn tail_len(btf: &Btf, id: TypeId, vlen: u32) -> usize {
    let each = |bytes: usize| bytes * vlen as usize;
    match btf.kind(id) {
        Some(Kind::Int | Kind::Var | Kind::DeclTag) => 4,
        Some(Kind::Array) => 12,
        Some(Kind::Struct | Kind::Union | Kind::Datasec | Kind::Enum64) => each(12),
        Some(Kind::Enum | Kind::FuncProto) => each(8),
        _ => 0,
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at.saturating_add(4));
    word.and_then(|word| word.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(word) = bytes.get_mut(at..at.saturating_add(4)) {
        word.copy_from_slice(&value.to_le_bytes());
    }
}
