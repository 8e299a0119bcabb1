//! What following the program tells of its functions as a whole.

use std::collections::HashMap;
use std::rc::Rc;

use isa::Pc;

use super::prototype::Prototype;
use crate::structure::Structure;
use crate::structure::stack_depth::FrameUse;

/// What following the program tells of its functions as a whole.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    list: Vec<Function>,
    /// The calls of `bpf_loop` that were followed.
    loops: HashMap<Pc, Loop>,
}

#[derive(Clone, Debug, Default)]
struct Function {
    callback: bool,
    async_callback: bool,
    /// A call did not fit its prototype: BTF is not asked about it again.
    unreliable: bool,
    /// As far as it is understood.
    prototype: Option<Rc<Prototype>>,
}

/// A call of `bpf_loop`.
#[derive(Clone, Copy, Debug)]
struct Loop {
    /// The function that it calls, every time.
    callback: u32,
    /// It was always the same function, and no flags: Linux puts the loop in
    /// place of the call.
    inlined: bool,
}

impl Functions {
    pub(crate) fn new(structure: &Structure) -> Functions {
        Functions {
            list: vec![Function::default(); structure.subprograms.len()],
            loops: HashMap::new(),
        }
    }

    /// A function is called back.
    pub(super) fn is_callback(&mut self, subprogram: u32, is_async: bool) {
        if let Some(function) = self.list.get_mut(subprogram as usize) {
            function.callback = true;
            function.async_callback |= is_async;
        }
    }

    pub(super) fn unreliable(&self, subprogram: u32) -> bool {
        let function = self.list.get(subprogram as usize);
        function.is_some_and(|function| function.unreliable)
    }

    pub(super) fn distrust(&mut self, subprogram: u32) {
        if let Some(function) = self.list.get_mut(subprogram as usize) {
            function.unreliable = true;
        }
    }

    pub(super) fn prototype(&self, subprogram: u32) -> Option<Rc<Prototype>> {
        self.list.get(subprogram as usize)?.prototype.clone()
    }

    pub(super) fn keep_prototype(&mut self, subprogram: u32, prototype: &Rc<Prototype>) {
        if let Some(function) = self.list.get_mut(subprogram as usize) {
            function.prototype = Some(prototype.clone());
        }
    }

    /// Whether it matters still whether the call of `bpf_loop` at `pc` has flags:
    /// it may be put in place so far.
    pub(super) fn may_inline(&self, pc: Pc) -> bool {
        self.loops.get(&pc).is_none_or(|found| found.inlined)
    }

    /// The call of `bpf_loop` at `pc` calls this function; `plain` when it has no
    /// flags.
    pub(super) fn note_loop(&mut self, pc: Pc, callback: u32, plain: bool) {
        let found = self.loops.entry(pc).or_insert(Loop {
            callback,
            inlined: true,
        });
        found.inlined &= plain && found.callback == callback;
    }

    /// What frames take, for the check of the stack.
    pub(crate) fn frames(&self, depths: &[u32]) -> Vec<FrameUse> {
        let with = |(function, depth): (&Function, &u32)| FrameUse {
            depth: *depth,
            callback: function.callback,
            async_callback: function.async_callback,
        };
        self.list.iter().zip(depths).map(with).collect()
    }

    /// Calls of `bpf_loop` that Linux puts a loop in place of.
    pub(crate) fn inlined_loops(&self) -> impl Iterator<Item = Pc> {
        let inlined = self.loops.iter().filter(|(_, found)| found.inlined);
        inlined.map(|(pc, _)| *pc)
    }
}
