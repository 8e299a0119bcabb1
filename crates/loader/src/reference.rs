//! What an instruction refers to outside of its function.

use crate::error::Error;

/// A reference from a slot to something outside of its function.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The slot, from the start of its section.
    pub(crate) pc: u32,
    pub(crate) target: Target,
}

/// What is referred to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A map by its index.
    Map(usize),
    /// A byte of the value of a global data map; what the instruction holds is
    /// added.
    Data { map: usize, offset: u64 },
    /// A byte of the value of the `.kconfig` map.
    Kconfig { map: usize, offset: u32 },
    /// Code in the code section with this index; what the instruction holds is
    /// added.
    Code { section: usize, offset: u64 },
    /// An extern of `.ksyms` by its index.
    Ksym(usize),
    /// Nothing: why not.
    Broken(Box<Error>),
}
