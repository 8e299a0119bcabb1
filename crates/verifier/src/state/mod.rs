//! The abstract state: what is known of registers, stack and held resources at
//! one point of one path.
//!
//! Frames are shared between the states that have them in common (a checkpoint,
//! the path that goes on from it, branches still to come) and copied when one of
//! them writes; so a branch costs a few reference counts.
//!
//! Precision marks are not part of a state. They belong to the checkpoints
//! (`explore`), as masks, because only checkpoints are ever marked.

mod frame;
mod reference;
mod stack;
mod type_name;
mod value;

use std::rc::Rc;

use isa::{Pc, Reg};
use smallvec::{SmallVec, smallvec};

pub use frame::{Callback, Frame};
pub use reference::{Reference, ReferenceKind, References};
pub use stack::{Byte, Content, Dynptr, DynptrKind, Iter, IterState, Slot, Stack};
pub use type_name::TypeName;
pub use value::{Flags, Kind, MapRef, Value};

use crate::explore::{CheckpointId, History};

/// What is known at one point of one path.
#[derive(Clone, Debug)]
pub struct State {
    /// Active functions, the current one last; never empty.
    frames: SmallVec<[Rc<Frame>; 4]>,
    /// What is held: references, locks, regions.
    pub refs: References,
    /// On a path that only a mispredicting CPU takes.
    pub speculative: bool,
    /// In a sleepable program or callback.
    pub in_sleepable: bool,
    /// The checkpoint that the path comes from.
    pub parent: Option<CheckpointId>,
    /// The first instruction after that checkpoint.
    pub first_pc: Pc,
    /// The last instruction before this point (valid in checkpoints).
    pub last_pc: Pc,
    /// Jumps and stack accesses since that checkpoint.
    pub history: History,
    /// How often `may_goto` was passed on this path.
    pub may_goto_depth: u32,
    /// How often bodies of callbacks were begun on this path.
    pub callback_unroll_depth: u32,
    /// Number of this run of an asynchronous callback; 0 in other functions.
    pub async_entry: u32,
}

impl State {
    /// A state with one frame: that of subprogram `subprogram`.
    pub fn new(subprogram: u32, entry: Pc) -> State {
        State {
            frames: smallvec![Rc::new(Frame::new(0, subprogram, None))],
            refs: References::default(),
            speculative: false,
            in_sleepable: false,
            parent: None,
            first_pc: entry,
            last_pc: entry,
            history: History::default(),
            may_goto_depth: 0,
            callback_unroll_depth: 0,
            async_entry: 0,
        }
    }

    /// All active frames, the outermost first.
    pub fn frames(&self) -> &[Rc<Frame>] {
        &self.frames
    }

    /// The current frame.
    #[inline]
    pub fn frame(&self) -> &Frame {
        self.frames.last().expect("a state has a frame")
    }

    /// The current frame, to be written.
    #[inline]
    pub fn frame_mut(&mut self) -> &mut Frame {
        own(self.frames.last_mut().expect("a state has a frame"))
    }

    /// Number of the current frame, the outermost is 0.
    pub fn current(&self) -> usize {
        self.frames.len() - 1
    }

    /// Frame `number`, to be written. Reading goes through [`State::frames`].
    pub fn nth_frame_mut(&mut self, number: usize) -> Option<&mut Frame> {
        self.frames.get_mut(number).map(own)
    }

    /// Enters a function.
    pub fn push_frame(&mut self, frame: Frame) {
        self.frames.push(Rc::new(frame));
    }

    /// Leaves the current function; the outermost frame stays.
    pub fn pop_frame(&mut self) -> Option<Rc<Frame>> {
        if self.frames.len() > 1 {
            self.frames.pop()
        } else {
            None
        }
    }

    /// A register of the current frame.
    #[inline]
    pub fn reg(&self, reg: Reg) -> &Value {
        &self.frame().regs[reg.index()]
    }

    /// A register of the current frame, to be written.
    #[inline]
    pub fn reg_mut(&mut self, reg: Reg) -> &mut Value {
        &mut self.frame_mut().regs[reg.index()]
    }

    /// Calls `change` on every register and every spilled value in all frames.
    /// Frames in which `wanted` finds nothing are not copied.
    pub fn for_each_value(
        &mut self,
        wanted: impl Fn(&Value) -> bool,
        mut change: impl FnMut(&mut Value),
    ) {
        for frame in &mut self.frames {
            if frame.values().any(&wanted) {
                for value in own(frame).values_mut().filter(|v| wanted(v)) {
                    change(value);
                }
            }
        }
    }
}

/// A frame to be written: a copy of its own, if other states share it.
#[inline]
fn own(frame: &mut Rc<Frame>) -> &mut Frame {
    if Rc::get_mut(frame).is_none() {
        unshare(frame);
    }
    Rc::get_mut(frame).expect("nothing else shares it now")
}

#[cold]
fn unshare(frame: &mut Rc<Frame>) {
    *frame = Rc::new(Frame::clone(frame));
}
