//! Kernel functions that programs may call, one row each.
//!
//! Who may call them was measured on Linux 6.18 (`corpus/facts/linux-6.18/
//! kfuncs.json`; a test compares). What the kernel asks of arguments beyond their
//! BTF prototype is in no table that a program could read; it is written down
//! here for those functions whose calls the verifier follows. The others are
//! known by name only.

mod table;

use std::ops::BitOr;

use crate::helpers::TypeSet;
use crate::{AttachType, Flavor};

/// A kernel function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kfunc {
    /// Its name.
    pub name: &'static str,
    /// Program types of which some may call it; none for those that only flavors
    /// which the measured kernel cannot load may call.
    pub prog_types: TypeSet,
    /// What else must hold of the program.
    pub only: Only,
    /// What it takes and gives; none where that is not known.
    pub signature: Option<Signature>,
}

/// All kernel functions, by name.
pub static KFUNCS: &[Kfunc] = table::KFUNCS;

/// The kernel function with this name.
pub fn by_name(name: &str) -> Option<&'static Kfunc> {
    let index = KFUNCS.binary_search_by(|k| k.name.cmp(name)).ok()?;
    KFUNCS.get(index)
}

impl Kfunc {
    /// Whether it asks the device of a packet, so that only programs that are loaded
    /// for one device may call it.
    pub fn asks_device(&self) -> bool {
        let known = self.signature;
        known.is_some_and(|known| known.flags.contains(KfuncFlags::DEVICE_BOUND))
    }

    /// Whether programs of this flavor may call it, if they may sleep where it
    /// asks for that.
    pub fn may_be_called_by(&self, flavor: &Flavor) -> bool {
        let attach = flavor.attach_type;
        let fits = match self.only {
            Only::Any | Only::Sleepable | Only::SleepableOrIterator => true,
            Only::Iterator => attach == Some(AttachType::TraceIter),
            Only::Session => matches!(
                attach,
                Some(AttachType::TraceKprobeSession | AttachType::TraceUprobeSession)
            ),
        };
        fits && self.prog_types.contains(flavor.prog_type)
    }

    /// Whether programs of this flavor may not call it as they may not sleep.
    pub fn needs_sleepable(&self, flavor: &Flavor) -> bool {
        match self.only {
            Only::Sleepable => !flavor.sleepable,
            Only::SleepableOrIterator => {
                !flavor.sleepable && flavor.attach_type != Some(AttachType::TraceIter)
            }
            Only::Any | Only::Iterator | Only::Session => false,
        }
    }
}

/// What must hold of a program beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Only {
    /// Nothing.
    Any,
    /// It may sleep.
    Sleepable,
    /// It may sleep or is an iterator.
    SleepableOrIterator,
    /// It is an iterator.
    Iterator,
    /// It is attached as a kprobe or uprobe session.
    Session,
}

/// What a kernel function takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name (that of the prototype) and kind of `r1` and so on.
    pub params: &'static [(&'static str, Param)],
    /// What it leaves in `r0`.
    pub ret: Ret,
    /// What else holds of a call.
    pub flags: KfuncFlags,
}

/// What a kernel function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// A number.
    Int,
    /// Anything (`__ign`).
    Ignored,
    /// The context.
    Ctx,
    /// An initialised dynptr.
    Dynptr,
    /// An initialised dynptr that may be written.
    DynptrMut,
    /// Room for a dynptr (`__uninit`).
    DynptrUninit,
    /// Memory that a size follows, or NULL (`__opt`).
    OptMem,
    /// The size of the memory before it, known when the program is loaded
    /// (`__szk`).
    ConstMemSize,
    /// Memory of this many bytes, read and written.
    FixedMem(u32),
    /// An open-coded iterator on the stack: `bpf_iter_NAME`, so many slots of
    /// eight bytes. [`KfuncFlags`] tell in which state it must be.
    Iter {
        #[expect(missing_docs, reason = "said above")]
        name: &'static str,
        #[expect(missing_docs, reason = "said above")]
        slots: u32,
    },
    /// A stack slot for interrupt flags (`__irq_flag`).
    IrqFlags,
    /// A pointer to this kernel structure.
    Kernel(&'static str),
}

/// What a kernel function leaves in `r0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// Nothing that may be read.
    Void,
    /// A number.
    Int,
    /// Memory of so many bytes.
    Mem {
        #[expect(missing_docs, reason = "said above")]
        size: u32,
        /// Whether it may not be written.
        rdonly: bool,
    },
    /// Memory of the dynptr in `r1`, of the size in the last argument; not
    /// writable if the dynptr is not.
    SliceOf {
        /// Whether it may not be written in any case.
        rdonly: bool,
    },
    /// A pointer to this kernel structure.
    Kernel(&'static str),
    /// A pointer to the kernel's own context structure.
    KernelContext,
}

/// What else holds of a call of a kernel function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KfuncFlags(u16);

impl KfuncFlags {
    /// Nothing.
    pub const PLAIN: KfuncFlags = KfuncFlags(0);
    /// What it gives must be released.
    pub const ACQUIRE: KfuncFlags = KfuncFlags(1);
    /// It releases its first argument.
    pub const RELEASE: KfuncFlags = KfuncFlags(1 << 1);
    /// What it gives may be NULL.
    pub const RET_NULL: KfuncFlags = KfuncFlags(1 << 2);
    /// Kernel pointers must be trusted.
    pub const TRUSTED_ARGS: KfuncFlags = KfuncFlags(1 << 3);
    /// Kernel pointers must be trusted or protected by RCU.
    pub const RCU: KfuncFlags = KfuncFlags(1 << 4);
    /// It begins an iteration.
    pub const ITER_NEW: KfuncFlags = KfuncFlags(1 << 5);
    /// It gives the next element of an iteration.
    pub const ITER_NEXT: KfuncFlags = KfuncFlags(1 << 6);
    /// It ends an iteration.
    pub const ITER_DESTROY: KfuncFlags = KfuncFlags(1 << 7);
    /// A call makes packet pointers invalid.
    pub const CHANGES_PACKET: KfuncFlags = KfuncFlags(1 << 8);
    /// Only for programs that are bound to a device.
    pub const DEVICE_BOUND: KfuncFlags = KfuncFlags(1 << 9);
    /// It leaves `r1` to `r5` alone.
    pub const FASTCALL: KfuncFlags = KfuncFlags(1 << 10);

    /// Whether all of `other` is set.
    pub const fn contains(self, other: KfuncFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    const fn and(self, other: KfuncFlags) -> KfuncFlags {
        KfuncFlags(self.0 | other.0)
    }
}

impl BitOr for KfuncFlags {
    type Output = KfuncFlags;
    fn bitor(self, other: KfuncFlags) -> KfuncFlags {
        self.and(other)
    }
}

#[cfg(test)]
mod tests;
