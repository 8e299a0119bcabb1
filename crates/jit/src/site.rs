//! The tables beside the code: which instruction an address in it belongs to.

use isa::Pc;
use vm::helper::HelperFn;
use vm::memory::{Access, GRANULE};
use vm::{ProgId, TrapKind};

/// A place in compiled code where a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Offset in the code of the host instruction that may fault; for the others,
    /// of anything that belongs to the instruction. Sites are in the order of
    /// their offsets.
    pub(crate) offset: u32,
    /// The program.
    pub(crate) program: ProgId,
    /// The instruction; where the budget runs out, the first of the block.
    pub(crate) pc: Pc,
    /// Instructions that were counted and do not run when the run ends here:
    /// those after this one in its block; where the budget runs out, all of
    /// them. 0 without a meter.
    pub(crate) refund: u32,
    /// What ends the run.
    pub(crate) what: What,
}

/// Why a run can end at a [`Site`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An access to memory.
    Access {
        /// Bytes.
        size: u8,
        /// What it does; for atomics, what the interpreter checks first: a read.
        access: Access,
        /// Where, in 64 bits as the program computed it.
        address: Address,
    },
    /// A block that the budget does not suffice for.
    Budget,
    /// A call of a function when there are too many.
    CallDepth,
    /// The end of the program.
    OffTheEnd,
    /// Code that a proof says is dead.
    Dead,
    /// What [`vm::Link::Trap`] says of the instruction.
    Link,
    /// An instruction that the runtime runs, such as a load from the packet.
    Rare,
}

/// An address as a sum over host registers, which are numbered as in x86's
/// instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// A register.
    pub(crate) base: Option<u8>,
    /// A register, and by what it is multiplied.
    pub(crate) index: Option<(u8, u8)>,
    /// A number.
    pub(crate) disp: i64,
}

/// The loads that one host instruction makes.
#[derive(Clone, Debug)]
pub(crate) struct Several {
    /// Index of the site.
    pub(crate) site: u32,
    /// In the order of their instructions.
    pub(crate) loads: Vec<Load>,
}

/// One of [`Several`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) pc: Pc,
    /// As [`Site::refund`].
    pub(crate) refund: u32,
    /// Bytes from the address of the whole.
    pub(crate) offset: u8,
    pub(crate) size: u8,
}

/// A call of a helper, or a tail call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallSite {
    /// The program.
    pub(crate) program: ProgId,
    /// The call.
    pub(crate) pc: Pc,
    /// Number of the helper.
    pub(crate) id: u32,
    /// What it does; `None` for a tail call.
    pub(crate) function: Option<HelperFn>,
}

/// What the runtime knows of compiled code.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Host address of its first byte; 0 until it is linked.
    pub(crate) start: usize,
    /// For each program, the offsets in the code of its functions, in the order
    /// of [`vm::Linked::functions`].
    pub(crate) functions: Vec<Vec<u32>>,
    /// For each program, whether it reaches memory through gs.
    pub(crate) gs: Vec<bool>,
    /// In the order of their offsets.
    pub(crate) sites: Vec<Site>,
    /// Those that stand for several loads, in the same order.
    pub(crate) several: Vec<Several>,
    /// Calls that go through the runtime.
    pub(crate) calls: Vec<CallSite>,
    /// One past the last byte of the stack of the outermost function, and of the
    /// innermost that there can be; 0 until the code is linked. The machine may get
    /// others later, for programs that are not in this code.
    pub(crate) stacks: [u64; 2],
}

impl Shared {
    /// What ends a run whose calls nest deeper than the stacks.
    pub(crate) fn too_deep(&self) -> TrapKind {
        let [first, last] = self.stacks;
        TrapKind::CallDepth {
            most: ((last - first) / u64::from(GRANULE)) as usize + 1,
        }
    }

    /// Host address of a function of a program.
    #[inline]
    pub(crate) fn entry(&self, program: ProgId, function: usize) -> Option<usize> {
        let functions = self.functions.get(program.0 as usize)?;
        Some(self.start + *functions.get(function)? as usize)
    }

    /// The loads that a site stands for, if they are several.
    pub(crate) fn loads(&self, site: u32) -> &[Load] {
        let found = self
            .several
            .binary_search_by_key(&site, |several| several.site);
        found.map_or(&[], |at| &self.several[at].loads)
    }

    /// The site of the instruction at a host address. For signal handlers.
    pub(crate) fn site_at(&self, address: usize) -> Option<u32> {
        let offset = u32::try_from(address.checked_sub(self.start)?).ok()?;
        let site = self.sites.binary_search_by_key(&offset, |site| site.offset);
        site.ok().map(|site| site as u32)
    }
}
