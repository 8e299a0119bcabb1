//! One instruction, one class of pointers.
//!
//! Linux rewrites a load or store for the kind of pointer that it goes through:
//! a context access becomes something else than a plain one. So all paths have
//! to reach it with pointers that want the same code.

use isa::Pc;

use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Flags, Kind, Value};

/// The class that each load and store was first reached with.
#[derive(Debug, Default)]
pub(crate) struct PointerClasses {
    by_pc: Vec<Option<Class>>,
}

/// Pointers that want the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Plain memory.
    Plain,
    /// Plain memory of given size: as [`Class::Plain`], but may stand in for a
    /// kernel structure.
    Mem,
    Ctx,
    Socket,
    SockCommon,
    TcpSock,
    XdpSock,
    Kernel(Flags),
    Arena,
}

impl Class {
    fn of(pointer: &Value) -> Class {
        match pointer.kind {
            Kind::Mem { .. } => Class::Mem,
            Kind::Ctx => Class::Ctx,
            Kind::Socket => Class::Socket,
            Kind::SockCommon => Class::SockCommon,
            Kind::TcpSock => Class::TcpSock,
            Kind::XdpSock => Class::XdpSock,
            Kind::Btf { .. } => Class::Kernel(pointer.flags.type_bits()),
            Kind::Arena => Class::Arena,
            _ => Class::Plain,
        }
    }

    fn is_plain(self) -> bool {
        matches!(self, Class::Plain | Class::Mem)
    }

    fn goes_with(self, other: Class, trust_may_differ: bool) -> bool {
        let typed = |class| matches!(class, Class::Mem | Class::Kernel(_));
        self == other
            || (self.is_plain() && other.is_plain())
            || (trust_may_differ && typed(self) && typed(other))
    }
}

impl Verifier<'_> {
    /// Checks that the current instruction may go through `pointer` where other
    /// paths went through something else.
    pub(super) fn check_pointer_class(
        &mut self,
        pointer: &Value,
        trust_may_differ: bool,
    ) -> Result {
        let class = Class::of(pointer);
        let Pc(pc) = self.pc;
        let by_pc = &mut self.pointer_classes.by_pc;
        if by_pc.len() <= pc as usize {
            by_pc.resize(pc as usize + 1, None);
        }
        match &mut by_pc[pc as usize] {
            None => by_pc[pc as usize] = Some(class),
            Some(first) if class.goes_with(*first, trust_may_differ) => {}
            Some(_) => return Err(Access::DifferentPointers.into()),
        }
        Ok(())
    }
}
