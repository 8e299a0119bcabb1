//! What is known of slots along one chain of calls.

use isa::Pc;
use smallvec::SmallVec;

use super::graph::Function;

/// What one instruction does to the slots of one frame, bit `n` for slot `n`.
#[derive(Clone, Copy, Debug, Default)]
struct Masks {
    /// It read them on some path.
    may_read: u64,
    /// It overwrote them as a whole on every path so far.
    must_write: u64,
    /// Some path from before it reads them before it overwrites them.
    live_before: u64,
    /// All paths from before it overwrite them.
    overwritten: u64,
}

/// The slots of one frame at all instructions of the function, by position.
#[derive(Debug)]
struct FrameMasks {
    masks: Vec<Masks>,
    /// A bit for each position whose masks may not follow from its successors'.
    stale: Vec<u64>,
    /// The words of `stale` outside of these are zero.
    first_stale: usize,
    last_stale: usize,
}

/// A function that is run through one chain of calls: what it does to the slots
/// of the frames of that chain.
#[derive(Debug)]
pub(super) struct Instance {
    /// The instance of the caller, and the call; none outermost.
    pub(super) outer: Option<(u32, Pc)>,
    pub(super) subprogram: u32,
    /// Number of its frame.
    pub(super) frame: usize,
    frames: SmallVec<[Option<FrameMasks>; 1]>,
    /// By 64 positions.
    seen: Vec<Seen>,
    len: usize,
    pub(super) changed: bool,
    /// Something that was overwritten on all paths so far is not any more.
    dropped: bool,
}

/// What was seen of 64 instructions, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// It was followed before.
    followed: u64,
    /// It was followed without overwriting any slot: following it again tells
    /// nothing.
    plain: u64,
}

/// A change of what is known of the slots of a frame at an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) frame: usize,
    pub(super) pc: Pc,
    /// Before and after.
    pub(super) live: (u64, u64),
    pub(super) overwritten: (u64, u64),
}

impl FrameMasks {
    fn new(len: usize) -> FrameMasks {
        FrameMasks {
            masks: vec![Masks::default(); len],
            stale: vec![0; len.div_ceil(64)],
            first_stale: usize::MAX,
            last_stale: 0,
        }
    }

    fn make_stale(&mut self, position: usize) {
        let word = position / 64;
        self.stale[word] |= 1 << (position % 64);
        self.first_stale = self.first_stale.min(word);
        self.last_stale = self.last_stale.max(word);
    }

    /// Forgets what all paths overwrite.
    fn start_over(&mut self) {
        for position in 0..self.masks.len() {
            self.masks[position].overwritten = 0;
            self.make_stale(position);
        }
    }

    /// Brings all instructions up to date once, in their order; whether anything
    /// changed.
    fn sweep(
        &mut self,
        function: Function<'_>,
        mut report: impl FnMut(usize, Masks, Masks),
    ) -> bool {
        let mut changed = false;
        let mut word = std::mem::replace(&mut self.first_stale, usize::MAX);
        let mut done = 0;
        // What is made stale behind this place waits for the next sweep.
        while word <= self.last_stale && word < self.stale.len() {
            let left = self.stale[word] & !done;
            if left == 0 {
                if self.stale[word] != 0 {
                    self.first_stale = self.first_stale.min(word);
                }
                word += 1;
                done = 0;
                continue;
            }
            let bit = left.trailing_zeros();
            done = u64::MAX >> (63 - bit);
            self.stale[word] &= !(1 << bit);
            let position = word * 64 + bit as usize;
            let old = self.masks[position];
            let new = self.follow(function, position);
            if (new.live_before, new.overwritten) == (old.live_before, old.overwritten) {
                continue;
            }
            changed = true;
            self.masks[position] = new;
            report(position, old, new);
            for from in function.predecessors(position) {
                self.make_stale(from);
            }
        }
        if self.first_stale == usize::MAX {
            self.last_stale = 0;
        }
        changed
    }

    /// What follows for an instruction from its successors.
    fn follow(&self, function: Function<'_>, position: usize) -> Masks {
        let mut masks = self.masks[position];
        let mut live_after = 0;
        let mut overwritten = u64::MAX;
        let mut last = true;
        for next in function.successors(position) {
            let next = self.masks[next];
            live_after |= next.live_before;
            overwritten &= next.overwritten;
            last = false;
        }
        if last {
            overwritten = 0;
        }
        masks.live_before = live_after & !masks.must_write | masks.may_read;
        masks.overwritten = overwritten | masks.must_write;
        masks
    }
}

impl Instance {
    pub(super) fn new(
        outer: Option<(u32, Pc)>,
        subprogram: u32,
        frame: usize,
        len: usize,
    ) -> Instance {
        let mut frames = SmallVec::new();
        frames.resize_with(frame + 1, || None);
        Instance {
            outer,
            subprogram,
            frame,
            frames,
            seen: vec![Seen::default(); len.div_ceil(64)],
            len,
            changed: false,
            dropped: false,
        }
    }

    fn masks(&mut self, frame: usize, position: usize) -> Option<&mut Masks> {
        let masks = self.frames.get_mut(frame)?.as_mut()?;
        masks.masks.get_mut(position)
    }

    /// The frame, with room for its masks; `grown` counts those that are new.
    fn frame_mut(&mut self, frame: usize, grown: &mut usize) -> Option<&mut FrameMasks> {
        let len = self.len;
        let frame = self.frames.get_mut(frame)?;
        Some(frame.get_or_insert_with(|| {
            *grown += len;
            FrameMasks::new(len)
        }))
    }

    /// The instruction reads `slots`.
    pub(super) fn note_read(
        &mut self,
        frame: usize,
        position: usize,
        slots: u64,
        grown: &mut usize,
    ) {
        let Some(of_frame) = self.frame_mut(frame, grown) else {
            return;
        };
        let Some(masks) = of_frame.masks.get_mut(position) else {
            return;
        };
        let all = masks.may_read | slots;
        if all == masks.may_read {
            return;
        }
        masks.may_read = all;
        let news = all & !masks.live_before != 0;
        of_frame.make_stale(position);
        self.changed |= news;
    }

    /// The instruction was followed, and overwrote those slots of each frame.
    #[inline]
    pub(super) fn note_followed(&mut self, position: usize, written: &[u64], grown: &mut usize) {
        let bit = 1 << (position % 64);
        let seen = self.seen.get(position / 64);
        if seen.is_some_and(|seen| seen.plain & bit == 0) {
            self.note_writes(position, written, grown);
        }
    }

    /// As [`Self::note_followed`] for an instruction that overwrote nothing.
    #[inline]
    pub(super) fn note_plain(&mut self, position: usize, grown: &mut usize) {
        let bit = 1 << (position % 64);
        let Some(seen) = self.seen.get_mut(position / 64) else {
            return;
        };
        if seen.followed & bit == 0 {
            seen.followed |= bit;
            seen.plain |= bit;
        } else if seen.plain & bit == 0 {
            self.note_writes(position, &[], grown);
        }
    }

    fn note_writes(&mut self, position: usize, written: &[u64], grown: &mut usize) {
        let seen = &mut self.seen[position / 64];
        let bit = 1 << (position % 64);
        let again = seen.followed & bit != 0;
        seen.followed |= bit;
        let mut plain = true;
        for frame in 0..=self.frame {
            let now = written.get(frame).copied().unwrap_or(0);
            let old = self.masks(frame, position).map_or(0, |m| m.must_write);
            let new = if again { old & now } else { now };
            plain &= new == 0;
            if new == old {
                continue;
            }
            if let Some(of_frame) = self.frame_mut(frame, grown) {
                of_frame.masks[position].must_write = new;
                of_frame.make_stale(position);
            }
            self.changed = true;
            self.dropped |= old & !new != 0;
        }
        if plain {
            self.seen[position / 64].plain |= bit;
        }
    }

    /// Slots of a frame that may be read from before an instruction on.
    pub(super) fn live_before(&self, frame: usize, position: usize) -> u64 {
        let of_frame = self.frames.get(frame).and_then(Option::as_ref);
        let masks = of_frame.and_then(|of_frame| of_frame.masks.get(position));
        masks.map_or(0, |masks| masks.live_before)
    }

    /// What the function as a whole does to the slots of an outer frame, if
    /// anything is known: those that it may read, and those that it overwrites.
    /// `start` is the position of its first instruction.
    pub(super) fn summary(&self, frame: usize, start: usize) -> Option<(u64, u64)> {
        let of_frame = self.frames.get(frame)?.as_ref()?;
        let masks = of_frame.masks.get(start)?;
        Some((masks.live_before, masks.overwritten))
    }

    /// Carries what was noted through the function until nothing changes; how
    /// many sweeps that took.
    pub(super) fn update(
        &mut self,
        function: Function<'_>,
        mut report: Option<&mut dyn FnMut(Change)>,
    ) -> u32 {
        if self.dropped {
            for of_frame in self.frames.iter_mut().flatten() {
                of_frame.start_over();
            }
        }
        let mut sweeps = 0;
        loop {
            sweeps += 1;
            let mut changed = false;
            for (frame, of_frame) in self.frames.iter_mut().enumerate() {
                let Some(of_frame) = of_frame else {
                    continue;
                };
                changed |= of_frame.sweep(function, |position, old, new| {
                    let touches = new.may_read | new.must_write != 0;
                    if let Some(report) = report.as_mut()
                        && (touches || function.is_shown(position))
                    {
                        report(Change {
                            frame,
                            pc: function.pc(position),
                            live: (old.live_before, new.live_before),
                            overwritten: (old.overwritten, new.overwritten),
                        });
                    }
                });
            }
            if !changed {
                break;
            }
        }
        self.changed = false;
        self.dropped = false;
        sweeps
    }
}
