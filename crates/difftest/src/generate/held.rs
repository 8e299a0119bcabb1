//! What a generated program holds in its registers and on its stack, as far as
//! the generator needs it to write something that makes sense.
//!
//! This is no verifier: a number is an unsigned interval, memory is the bytes
//! around a pointer that may be touched, and where two paths meet whatever
//! differs is forgotten. It never promises more than Linux knows.

use isa::Reg;

/// What a register or stack slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing, or nothing that is known.
    Nothing,
    Number(Range),
    Context,
    Map(usize),
    Memory(Area),
    /// The same or NULL.
    MaybeNull(Area),
    PacketEnd,
}

/// An unsigned interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) min: u64,
    pub(super) max: u64,
}

impl Range {
    pub(super) const ANY: Range = Range {
        min: 0,
        max: u64::MAX,
    };

    pub(super) fn one(value: u64) -> Range {
        Range {
            min: value,
            max: value,
        }
    }

    pub(super) fn up_to(max: u64) -> Range {
        Range { min: 0, max }
    }

    fn hull(self, other: Range) -> Range {
        Range {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

/// The bytes around a pointer that may be touched: from `low` before it (a
/// negative number) to `high` after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) what: What,
    /// The same for pointers that have the same base.
    pub(super) id: u32,
    pub(super) low: i32,
    pub(super) high: i32,
    /// Whether a number that is not known is part of the pointer.
    pub(super) vague: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The stack of this function.
    Stack,
    Value(usize),
    Packet,
    Meta,
    /// Anything else that may be read and written: stacks of callers, arguments of
    /// global functions.
    Other,
    /// A record of a ring buffer, which is owed back.
    Record,
    /// A map that was found in a map.
    Inner,
}

impl Area {
    /// The same, seen from `by` bytes on.
    pub(super) fn moved(self, by: i32) -> Area {
        Area {
            low: self.low.saturating_sub(by),
            high: self.high.saturating_sub(by),
            ..self
        }
    }

    pub(super) fn is_packet(self) -> bool {
        matches!(self.what, What::Packet | What::Meta)
    }
}

/// The deepest stack that is tracked, in slots of 8 bytes: no function has a deeper
/// one.
const SLOTS: usize = 16;

/// All that a function holds at one place.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) regs: [Held; 11],
    /// By distance from the frame pointer: slot 0 is at -8.
    pub(super) slots: [Held; SLOTS],
}

impl State {
    /// What a function has at its start, with `stack` bytes to use.
    pub(super) fn entry(stack: i32) -> State {
        let mut regs = [Held::Nothing; 11];
        regs[10] = Held::Memory(Area {
            what: What::Stack,
            id: 0,
            low: -stack,
            high: 0,
            vague: false,
        });
        State {
            regs,
            // What nobody wrote may be read, and is a number.
            slots: [Held::Number(Range::ANY); SLOTS],
        }
    }

    pub(super) fn get(&self, reg: Reg) -> Held {
        self.regs[reg.index()]
    }

    pub(super) fn set(&mut self, reg: Reg, held: Held) {
        self.regs[reg.index()] = held;
    }

    /// The registers of which `want` is true.
    pub(super) fn find(&self, want: impl Fn(Held) -> bool) -> Vec<Reg> {
        let all = Reg::ALL.iter().copied();
        all.filter(|reg| want(self.get(*reg))).collect()
    }

    fn everything(&mut self) -> impl Iterator<Item = &mut Held> {
        self.regs.iter_mut().chain(&mut self.slots)
    }

    pub(super) fn each(&mut self, mut change: impl FnMut(&mut Held)) {
        self.everything().for_each(&mut change);
    }

    /// Keeps what holds on both of two paths.
    pub(super) fn join(&mut self, other: &State) {
        let theirs = other.regs.iter().chain(&other.slots);
        for (ours, theirs) in self.everything().zip(theirs) {
            *ours = match (*ours, *theirs) {
                (a, b) if a == b => a,
                (Held::Number(a), Held::Number(b)) => Held::Number(a.hull(b)),
                (Held::Memory(a), Held::Memory(b))
                    if a.what == b.what
                        && a.id == b.id
                        && !matches!(a.what, What::Stack | What::Other) =>
                {
                    // Of how far two pointers are from their base only what both
                    // may touch remains.
                    Held::Memory(Area {
                        low: a.low.max(b.low),
                        high: a.high.min(b.high),
                        vague: a.vague || b.vague || a.low != b.low,
                        ..a
                    })
                }
                _ => Held::Nothing,
            };
        }
    }

    /// Forgets what a call of a function leaves in `r0` to `r5`.
    pub(super) fn clobber(&mut self) {
        self.regs[..6].fill(Held::Nothing);
    }

    /// Forgets packet pointers.
    pub(super) fn drop_packets(&mut self) {
        self.each(|held| match held {
            Held::Memory(area) | Held::MaybeNull(area) if area.is_packet() => {
                *held = Held::Nothing;
            }
            Held::PacketEnd => *held = Held::Nothing,
            _ => {}
        });
    }

    /// Somebody may have written to these bytes: numbers are others, and pointers may
    /// be gone.
    pub(super) fn doubt(&mut self, at: i32, len: i32) {
        for (n, held) in self.slots.iter_mut().enumerate() {
            if touches(n, at, len) {
                *held = match held {
                    Held::Number(_) => Held::Number(Range::ANY),
                    _ => Held::Nothing,
                };
            }
        }
    }

    /// A store of `len` bytes at `at` (below the frame pointer, so negative) that
    /// is not a whole slot.
    pub(super) fn smudge(&mut self, at: i32, len: i32) {
        for (n, held) in self.slots.iter_mut().enumerate() {
            if touches(n, at, len) {
                *held = Held::Number(Range::ANY);
            }
        }
    }
}

/// Whether slot `n` has some of the bytes.
fn touches(n: usize, at: i32, len: i32) -> bool {
    let start = -8 * (n as i32 + 1);
    start < at + len && at < start + 8
}
