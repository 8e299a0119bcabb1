//! stub
#![allow(missing_docs, missing_debug_implementations)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);
#[derive(Debug)]
pub struct Btf;
