//! A function that is active on a path.

use isa::Pc;

use super::{Kind, Stack, Value};

/// A function that is active on a path.
#[derive(Clone, Debug)]
pub struct Frame {
    /// `r0` to `r10`.
    pub regs: [Value; 11],
    /// Its stack.
    pub stack: Stack,
    /// 0 for the outermost.
    pub number: u8,
    /// Index in `Structure::subprograms`.
    pub subprogram: u32,
    /// The calling instruction; none in the outermost frame.
    pub callsite: Option<Pc>,
    /// Set when the function runs as a callback.
    pub callback: Option<Callback>,
    /// How often the calling instruction entered the callback on this path
    /// (kept in the caller's frame).
    pub callback_depth: u32,
}

/// How a callback was entered and what it may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Runs later, on its own (timers), not inside the calling helper.
    pub is_async: bool,
    /// Smallest and largest value that it may return.
    pub returns: (i32, i32),
}

impl Frame {
    /// A frame in which only the frame pointer is known.
    pub fn new(number: u8, subprogram: u32, callsite: Option<Pc>) -> Frame {
        let mut regs = [Value::NOT_INIT; 11];
        regs[10] = Value::pointer(Kind::Stack { frame: number });
        Frame {
            regs,
            stack: Stack::default(),
            number,
            subprogram,
            callsite,
            callback: None,
            callback_depth: 0,
        }
    }

    /// All registers and spilled values.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let spills = self.stack.slots().iter().filter_map(|slot| slot.spill());
        self.regs.iter().chain(spills)
    }

    /// All registers and spilled values, to be written.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        let slots = self.stack.slots_mut().iter_mut();
        self.regs
            .iter_mut()
            .chain(slots.filter_map(|slot| slot.spill_mut()))
    }
}
