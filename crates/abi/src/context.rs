//! What a program may do with its context: what each load gives it and which
//! stores are taken, by offset and size.
//!
//! A context is not memory but a contract: the kernel translates each access.
//! So there is a table for each kind of program, and an access that is not in
//! it is refused (`EACCES`, "invalid bpf_context access off=0 size=8").

pub mod socket;
pub(crate) mod table;

/// What a load from the context gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gives {
    /// A number of the size of the load.
    Scalar,
    /// The start of the packet.
    Packet,
    /// The end of the packet.
    PacketEnd,
    /// The start of the metadata in front of the packet.
    PacketMeta,
    /// A full socket.
    Sock,
    /// A full socket, or NULL.
    SockOrNull,
    /// A socket of any kind, or NULL.
    SockCommonOrNull,
    /// The keys that a flow dissector fills in.
    FlowKeys,
    /// The buffer of a writable raw tracepoint.
    TpBuffer,
    /// A trusted typed kernel pointer to this structure.
    Kernel(&'static str),
    /// The same, or NULL.
    KernelOrNull(&'static str),
    /// An argument of the kernel function that the program attaches to: its BTF
    /// prototype decides.
    Argument,
}

/// What a program may do with its context.
#[derive(Debug, PartialEq, Eq)]
pub struct Context {
    /// The structure that user space knows it as; none where the arguments of a
    /// kernel function or plain bytes are the context.
    pub structure: Option<&'static Structure>,
    loads: &'static [Load],
    stores: &'static [Store],
}

/// A structure of the UAPI header that describes a context.
#[derive(Debug, PartialEq, Eq)]
pub struct Structure {
    /// Its name, without `struct`.
    pub name: &'static str,
    /// Bytes in it.
    pub size: u32,
    /// Byte offset and name of its members, ascending; of a union the first.
    pub fields: &'static [(u32, &'static str)],
}

impl Context {
    /// What a load of `size` bytes at `offset` gives; nothing where it is refused.
    pub fn load(&self, offset: i32, size: u8) -> Option<Gives> {
        let row = |row: &&Load| row.size == size && contains(row.at, offset);
        self.loads.iter().find(row).map(|row| row.gives)
    }

    /// What a sign-extending load gives: as [`Context::load`], but only numbers
    /// can be had so.
    pub fn load_signed(&self, offset: i32, size: u8) -> Option<Gives> {
        let gives = self.load(offset, size);
        gives.filter(|gives| *gives == Gives::Scalar)
    }

    /// Whether a store of `size` bytes at `offset`, of a register or an
    /// immediate, is taken.
    pub fn may_store(&self, offset: i32, size: u8) -> bool {
        let row = |row: &Store| row.size == size && contains(row.at, offset);
        self.stores.iter().any(row)
    }

    /// The member of the structure that the byte at `offset` belongs to.
    pub fn field(&self, offset: i32) -> Option<&'static str> {
        let structure = self.structure?;
        let offset = u32::try_from(offset).ok()?;
        if offset >= structure.size {
            return None;
        }
        let fields = structure.fields.iter();
        let field = fields.rev().find(|(start, _)| *start <= offset);
        field.map(|(_, name)| *name)
    }
}

/// Loads of one size that give the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Load {
    size: u8,
    gives: Gives,
    at: &'static [Offsets],
}

/// Stores of one size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Store {
    size: u8,
    at: &'static [Offsets],
}

/// Offsets from `first` to `last` in steps of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offsets {
    first: i32,
    last: i32,
    step: i32,
}

/// Whether one of the runs has the offset.
fn contains(runs: &[Offsets], offset: i32) -> bool {
    runs.iter().any(|run| {
        run.first <= offset && offset <= run.last && (offset - run.first) % run.step == 0
    })
}

const fn load(size: u8, gives: Gives, at: &'static [Offsets]) -> Load {
    Load { size, gives, at }
}

const fn store(size: u8, at: &'static [Offsets]) -> Store {
    Store { size, at }
}

/// One offset.
const fn at(offset: i32) -> Offsets {
    every(1, offset, offset)
}

/// All offsets from `first` to `last`.
const fn run(first: i32, last: i32) -> Offsets {
    every(1, first, last)
}

/// Offsets from `first` to `last` in steps of `step`.
const fn every(step: i32, first: i32, last: i32) -> Offsets {
    assert!(step > 0 && first <= last);
    Offsets { first, last, step }
}

#[cfg(test)]
mod tests;
