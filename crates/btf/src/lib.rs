//! BTF: the type graph that compilers and kernels describe themselves with.
//!
//! A [`Btf`] is the parsed contents of a `.BTF` section or of
//! `/sys/kernel/btf/vmlinux`: types numbered from 1 (0 is `void`) that refer to
//! each other by [`TypeId`], and a table of names. On top of it stand
//!
//! * [`ext`]: `.BTF.ext`, which ties instructions to functions, source lines
//!   and CO-RE relocations;
//! * [`core`]: CO-RE ("compile once, run everywhere"), which finds the field or
//!   type that a program was compiled against in another [`Btf`] and answers in
//!   numbers;
//! * [`value`]: bytes of a type to a tree of values with names, and back;
//! * [`build`]: writing BTF, for synthesised types and for tests.
//!
//! The format is the kernel's `Documentation/bpf/btf.rst` and its UAPI header
//! `linux/btf.h`.
//!
//! # Invariants
//!
//! After [`Btf::parse`] every type id and string offset that a type carries is
//! known to lie inside the graph, and every record inside the bytes. What
//! parsing does *not* promise is that the graph makes sense: types may be
//! cyclic, members may lie outside their struct. So everything that follows
//! references is limited in depth and, where a graph could fan out, in steps,
//! and answers `None` or an error at the limit. No input leads to a panic or to
//! an allocation larger than a small multiple of the input.
//!
//! # Deliberately absent
//!
//! This crate knows no instructions: CO-RE yields numbers and whoever owns the
//! instructions patches them. It never deduplicates or merges BTF, and it reads
//! little-endian BTF only (a big-endian file is a named error).

#![forbid(unsafe_code)]

pub mod build;
pub mod core;
mod display;
mod error;
pub mod ext;
mod graph;
mod index;
mod parse;
mod raw;
mod size;
mod types;
pub mod value;

pub use crate::{
    display::{Declaration, TypeName},
    error::Error,
    graph::Btf,
    index::essential_name,
    types::{
        Array, Composite, Datasec, DatasecVar, DeclTag, Enum, Enumerator, Float, Func, FuncProto,
        Fwd, Int, Kind, Linkage, Member, Named, Param, Type, TypeId, Var,
    },
};

/// How many modifiers, typedefs, arrays or pointers may follow one another
/// before a chain of types counts as endless. Linux and libbpf stop at the same
/// depth (`MAX_RESOLVE_DEPTH`).
pub const MAX_DEPTH: usize = 32;
