//! What an object leaves to its surroundings: variables of `.kconfig`, kernel
//! functions and variables of `.ksyms`.
//!
//! The order is libbpf's, since a poisoned call names an extern by its index:
//! first `.kconfig`, by alignment and size, then `.ksyms`, each by name.

use std::collections::HashMap;

use abi::{Extern, ExternKind};
use btf::{Btf, Kind, Type, TypeId};

use crate::elf::{Binding, Elf, Home, SymbolKind, owned};
use crate::error::KconfigError;

/// An extern of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternInfo {
    /// Name of the symbol.
    pub name: String,
    /// Whether the object works without it.
    pub weak: bool,
    /// Its type in the object's BTF: a function, or the type of a variable.
    pub type_id: TypeId,
    /// What it is.
    pub source: ExternSource,
}

/// Where an extern comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternSource {
    /// A value of the kernel's configuration, at this offset of `.kconfig`.
    Kconfig {
        /// Bytes from the start of the map's value.
        offset: u32,
        /// Its size in bytes.
        size: u32,
    },
    /// A symbol of the kernel.
    Ksym {
        /// Function, typed variable or bare address.
        kind: ExternKind,
        /// Whether programs get a reference to it. A weak one that is absent
        /// has address 0, and calls to it are poisoned.
        present: bool,
    },
}

impl ExternInfo {
    /// As a program carries it.
    pub(crate) fn to_extern(&self) -> Option<Extern> {
        match self.source {
            ExternSource::Ksym {
                kind,
                present: true,
            } => Some(Extern {
                name: self.name.clone(),
                kind,
                weak: self.weak,
                type_id: self.type_id,
            }),
            _ => None,
        }
    }
}

/// The externs, and which symbol names which.
#[derive(Debug, Default)]
pub(crate) struct Externs {
    pub(crate) list: Vec<ExternInfo>,
    /// By index of the ELF symbol.
    pub(crate) by_symbol: HashMap<usize, usize>,
    /// Size of the value of the `.kconfig` map.
    pub(crate) kconfig_size: u32,
}

/// An extern before the list is in order.
struct Found {
    symbol: usize,
    info: ExternInfo,
    align: u32,
}

/// Collects the externs: undefined symbols that BTF declares in `.kconfig` or
/// `.ksyms`. What is undefined otherwise is an error where it is used.
pub(crate) fn collect(
    elf: &Elf<'_>,
    btf: &Btf,
    present: impl Fn(&str) -> bool,
) -> Result<Externs, (String, KconfigError)> {
    let kconfig = members(btf, ".kconfig");
    let ksyms = members(btf, ".ksyms");
    let mut found = Vec::new();
    for (index, symbol) in elf.symbols.iter().enumerate() {
        let external = symbol.home == Home::Undefined
            && symbol.binding != Binding::Local
            && matches!(
                symbol.kind,
                SymbolKind::NoType | SymbolKind::Function | SymbolKind::Object
            )
            && !symbol.name.is_empty();
        if !external {
            continue;
        }
        let weak = symbol.binding == Binding::Weak;
        let (type_id, source, align) = if let Some(var) = kconfig.get(symbol.name) {
            let (size, align) = kconfig_layout(btf, *var)
                .ok_or_else(|| (owned(symbol.name), KconfigError::Type))?;
            (
                variable_type(btf, *var),
                ExternSource::Kconfig { offset: 0, size },
                align,
            )
        } else if let Some(id) = ksyms.get(symbol.name) {
            let kind = ksym_kind(btf, *id);
            let present = !weak || present(symbol.name);
            let type_id = match kind {
                ExternKind::Kfunc => *id,
                _ => variable_type(btf, *id),
            };
            (type_id, ExternSource::Ksym { kind, present }, 0)
        } else {
            continue;
        };
        let info = ExternInfo {
            name: owned(symbol.name),
            weak,
            type_id,
            source,
        };
        found.push(Found {
            symbol: index,
            info,
            align,
        });
    }
    Ok(arrange(found))
}

/// The declarations in a section of BTF, by name.
fn members<'a>(btf: &'a Btf, section: &str) -> HashMap<&'a str, TypeId> {
    let datasec = btf.find(section, Kind::Datasec).and_then(|id| btf.ty(id));
    match datasec {
        Some(Type::Datasec(datasec)) => datasec
            .vars()
            .map(|var| (btf.name(var.ty), var.ty))
            .collect(),
        _ => HashMap::new(),
    }
}

fn variable_type(btf: &Btf, var: TypeId) -> TypeId {
    match btf.ty(var) {
        Some(Type::Var(var)) => var.ty,
        _ => TypeId::VOID,
    }
}

fn ksym_kind(btf: &Btf, id: TypeId) -> ExternKind {
    match btf.ty(id) {
        Some(Type::Func(_)) => ExternKind::Kfunc,
        Some(Type::Var(var)) if matches!(btf.resolved(var.ty), Some((_, Type::Void))) => {
            ExternKind::Address
        }
        _ => ExternKind::Variable,
    }
}

/// Size and alignment. A string of the configuration has no use beyond a page.
fn kconfig_layout(btf: &Btf, var: TypeId) -> Option<(u32, u32)> {
    const LIMIT: u32 = 4096;
    let size = btf.size_of(var).filter(|size| (1..=LIMIT).contains(size))?;
    Some((size, btf.align_of(var)?.max(1)))
}

/// Puts the externs into libbpf's order and lays out `.kconfig`.
fn arrange(mut found: Vec<Found>) -> Externs {
    found.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut externs = Externs::default();
    for (index, mut found) in found.into_iter().enumerate() {
        if let ExternSource::Kconfig { offset, size } = &mut found.info.source {
            let start = externs.kconfig_size.checked_next_multiple_of(found.align);
            *offset = start.unwrap_or(u32::MAX);
            externs.kconfig_size = offset.saturating_add(*size);
        }
        externs.by_symbol.insert(found.symbol, index);
        externs.list.push(found.info);
    }
    externs
}

fn key(found: &Found) -> (bool, std::cmp::Reverse<u32>, u32, &str) {
    let (ksym, size) = match found.info.source {
        ExternSource::Kconfig { size, .. } => (false, size),
        ExternSource::Ksym { .. } => (true, 0),
    };
    (ksym, std::cmp::Reverse(found.align), size, &found.info.name)
}
