//! The registers and stack slots that are looked for while going back.

use super::effect::SLOTS;
use crate::explore::cache::FrameMarks;
use crate::explore::history::Linked;

/// Frames that may be active at once.
const MAX_FRAMES: usize = 8;

/// Registers and stack slots whose exact value matters before the instruction
/// that going back has come to, by frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    frames: [FrameMarks; MAX_FRAMES],
    /// The frame that the instruction runs in. Those above it are empty.
    frame: usize,
}

impl Wanted {
    /// Nothing, seen from frame `frame`.
    pub(super) fn new(frame: usize) -> Wanted {
        Wanted {
            frames: Default::default(),
            frame: frame.min(MAX_FRAMES - 1),
        }
    }

    /// The frame that the instruction runs in.
    pub(super) fn frame(&self) -> usize {
        self.frame
    }

    /// Nothing is wanted any more.
    pub(super) fn clear(&mut self) {
        self.frames[..=self.frame].fill(FrameMarks::default());
    }

    pub(super) fn is_empty(&self) -> bool {
        let mut frames = self.frames[..=self.frame].iter().rev();
        frames.all(|frame| *frame == FrameMarks::default())
    }

    /// Whether all of it is in `others`, seen from the same frame.
    pub(super) fn is_within(&self, others: &Wanted) -> bool {
        let mut pairs = self.frames[..=self.frame].iter().zip(&others.frames);
        self.frame == others.frame
            && pairs.all(|(marks, others)| {
                marks.regs & !others.regs == 0 && marks.slots & !others.slots == 0
            })
    }

    /// Adds all that is in `others`.
    pub(super) fn add_all(&mut self, others: &Wanted) {
        let others = &others.frames[..=others.frame];
        for (marks, others) in self.frames.iter_mut().zip(others) {
            marks.regs |= others.regs;
            marks.slots |= others.slots;
        }
    }

    /// What is wanted of frame `number`.
    pub(super) fn of(&self, number: usize) -> FrameMarks {
        self.frames.get(number).copied().unwrap_or_default()
    }

    pub(super) fn of_mut(&mut self, number: usize) -> &mut FrameMarks {
        &mut self.frames[number & (MAX_FRAMES - 1)]
    }

    /// What is wanted of the current frame.
    pub(super) fn current(&self) -> FrameMarks {
        self.frames[self.frame]
    }

    /// The registers of the current frame that are wanted, and [`SLOTS`] if any
    /// slot is.
    pub(super) fn sorts(&self) -> u16 {
        let any_slot = self.frames[..=self.frame]
            .iter()
            .any(|marks| marks.slots != 0);
        self.current().regs | if any_slot { SLOTS } else { 0 }
    }

    pub(super) fn has(&self, reg: u8) -> bool {
        self.frames[self.frame].regs >> reg & 1 != 0
    }

    pub(super) fn add(&mut self, reg: u8) {
        self.frames[self.frame].regs |= 1 << reg;
    }

    pub(super) fn remove(&mut self, reg: u8) {
        self.frames[self.frame].regs &= !(1 << reg);
    }

    /// Removes a register; whether it was wanted.
    pub(super) fn take(&mut self, reg: u8) -> bool {
        let had = self.has(reg);
        self.remove(reg);
        had
    }

    pub(super) fn add_slot(&mut self, frame: usize, slot: u8) {
        self.of_mut(frame).slots |= 1 << (slot & 63);
    }

    /// Removes a slot; whether it was wanted.
    pub(super) fn take_slot(&mut self, frame: usize, slot: u8) -> bool {
        let slots = &mut self.of_mut(frame).slots;
        let bit = 1 << (slot & 63);
        let had = *slots & bit != 0;
        *slots &= !bit;
        had
    }

    /// Adds all of `linked` when any is wanted: their values are one value.
    pub(super) fn spread(&mut self, linked: Linked) {
        let wanted = linked.members().any(|member| {
            let frame = self.of(usize::from(member.frame));
            if member.is_reg {
                frame.regs >> member.number & 1 != 0
            } else {
                frame.slots >> member.number & 1 != 0
            }
        });
        if !wanted {
            return;
        }
        for member in linked.members() {
            let frame = self.of_mut(usize::from(member.frame));
            if member.is_reg {
                frame.regs |= 1 << member.number;
            } else {
                frame.slots |= 1 << member.number;
            }
        }
    }

    /// Goes back out of a function to its call; `false` in the outermost frame.
    pub(super) fn leave(&mut self) -> bool {
        let inside = self.frame > 0;
        self.frame = self.frame.saturating_sub(1);
        inside
    }

    /// Goes back into a function from after its call; `false` when there are
    /// too many frames.
    pub(super) fn enter(&mut self) -> bool {
        let room = self.frame + 1 < MAX_FRAMES;
        if room {
            self.frame += 1;
        }
        room
    }
}
