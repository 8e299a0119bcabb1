//! What a path did since its last checkpoint, as far as going back over it needs.
//!
//! Going back over a path means stepping from an instruction to the one before
//! it. Where a path ran straight on that is the one above; everywhere else, and
//! where an instruction did what its text does not tell (which stack slot it
//! touched, which registers a branch refined along with its operand), the path
//! has an [`Entry`].
//!
//! Paths that branch off share what came before. So the entries of all paths
//! stand in one [`Trail`], each with a link to the one before it on its path,
//! and a path holds no more than the number of its newest: [`History`]. A copy
//! of a path costs nothing, and going back reads the links in their order.

use std::num::NonZeroU32;

use isa::{Pc, Reg};

/// The entries of one path since its last checkpoint. A name for them, as cheap
/// to copy as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    newest: Option<EntryId>,
    len: u32,
}

impl History {
    /// How many entries there are.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// Number of an entry in its [`Trail`], counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EntryId(NonZeroU32);

impl EntryId {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// One instruction on a path.
#[derive(Clone, Copy, Debug)]
struct Entry {
    pc: Pc,
    /// The instruction followed before it.
    prev_pc: Pc,
    /// The entry before it on the same path.
    older: Option<EntryId>,
    /// Where in [`Trail::linked`] its linked registers stand, plus one.
    linked: Option<NonZeroU32>,
    access: Access,
}

/// What an instruction did with the stack: a slot that a value was spilled to or
/// filled from, and whether the operands of a comparison were stack pointers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Access(u16);

impl Access {
    const SLOT: u16 = 1 << 9;
    const DST_IS_STACK: u16 = 1 << 10;
    const SRC_IS_STACK: u16 = 1 << 11;

    fn slot(frame: u8, slot: u8) -> Access {
        Access(Access::SLOT | u16::from(slot & 0x3f) << 3 | u16::from(frame & 7))
    }
}

/// Registers and slots that hold the same number but for known distances, as a
/// branch refined them together: at most six, which is as many as Linux keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linked(u64);

impl Linked {
    const MAX: u64 = 6;
    const COUNT_BITS: u32 = 4;
    const MEMBER_BITS: u32 = 10;

    /// Adds a register; `false` when there is no room.
    pub(crate) fn push_reg(&mut self, frame: u8, reg: Reg) -> bool {
        self.push(Member {
            frame,
            number: reg.index() as u8,
            is_reg: true,
        })
    }

    /// Adds a stack slot; `false` when there is no room.
    pub(crate) fn push_slot(&mut self, frame: u8, slot: u8) -> bool {
        self.push(Member {
            frame,
            number: slot,
            is_reg: false,
        })
    }

    /// How many there are.
    pub(crate) fn len(self) -> usize {
        (self.0 & ((1 << Linked::COUNT_BITS) - 1)) as usize
    }

    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn push(&mut self, member: Member) -> bool {
        let len = self.len() as u64;
        if len == Linked::MAX {
            return false;
        }
        let bits = u64::from(member.frame & 7)
            | u64::from(member.number & 0x3f) << 3
            | u64::from(member.is_reg) << 9;
        self.0 |= bits << (Linked::COUNT_BITS + Linked::MEMBER_BITS * len as u32);
        self.0 += 1;
        true
    }

    /// All of them.
    pub(crate) fn members(self) -> impl Iterator<Item = Member> {
        (0..self.len() as u32).map(move |i| {
            let bits = self.0 >> (Linked::COUNT_BITS + Linked::MEMBER_BITS * i);
            Member {
                frame: (bits & 7) as u8,
                number: (bits >> 3 & 0x3f) as u8,
                is_reg: bits >> 9 & 1 != 0,
            }
        })
    }
}

/// A register or slot of some frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) frame: u8,
    pub(crate) number: u8,
    pub(crate) is_reg: bool,
}

/// The entries of all paths of an analysis.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    entries: Vec<Entry>,
    linked: Vec<Linked>,
    /// The entry of the instruction being followed, if it has one.
    current: Option<EntryId>,
}

impl Trail {
    /// Another instruction is followed now.
    pub(crate) fn next_instruction(&mut self) {
        self.current = None;
    }

    /// The entry of the current instruction, made if need be.
    fn current(&mut self, history: &mut History, pc: Pc, prev_pc: Pc) -> &mut Entry {
        let id = *self.current.get_or_insert_with(|| {
            self.entries.push(Entry {
                pc,
                prev_pc,
                older: history.newest,
                linked: None,
                access: Access::default(),
            });
            let id = NonZeroU32::new(self.entries.len() as u32).expect("there is one now");
            let id = EntryId(id);
            history.newest = Some(id);
            history.len += 1;
            id
        });
        &mut self.entries[id.index()]
    }

    fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id.index()]
    }

    fn link(&mut self, linked: Linked) -> Option<NonZeroU32> {
        if linked.is_empty() {
            return None;
        }
        self.linked.push(linked);
        NonZeroU32::new(self.linked.len() as u32)
    }
}

/// Going back over one stretch of path: from an instruction to the first one
/// after a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backward {
    pub(super) pc: Pc,
    first_pc: Pc,
    left: History,
    /// The newest entry of those that are left.
    newest: Option<Entry>,
}

impl Backward {
    /// At the end of a stretch that began at `first_pc`.
    pub(super) fn new(trail: &Trail, pc: Pc, first_pc: Pc, history: History) -> Backward {
        Backward {
            pc,
            first_pc,
            left: history,
            newest: history.newest.map(|id| *trail.entry(id)),
        }
    }

    /// A number for the entries that are left, the same on all paths that share
    /// them and on no others; none when none are left.
    pub(super) fn left(&self) -> Option<NonZeroU32> {
        self.left.newest.map(|id| id.0)
    }

    fn entry(&self) -> Option<&Entry> {
        self.newest.as_ref().filter(|entry| entry.pc == self.pc)
    }

    /// Whether the instruction refined linked registers.
    pub(super) fn is_linked(&self) -> bool {
        self.entry().is_some_and(|entry| entry.linked.is_some())
    }

    /// What is known of the instruction besides its text.
    pub(super) fn details(&self, trail: &Trail) -> Details {
        match self.entry() {
            None => Details::default(),
            Some(entry) => Details {
                access: entry.access,
                linked: entry.linked.map_or(Linked::default(), |number| {
                    trail.linked[number.get() as usize - 1]
                }),
            },
        }
    }

    /// To the instruction before; `false` at the first one.
    pub(super) fn step(&mut self, trail: &Trail) -> bool {
        let entry = self.entry().map(|entry| (entry.prev_pc, entry.older));
        if self.pc == self.first_pc {
            let first = self.left.len == 1 && entry.is_some();
            if first || self.left.is_empty() {
                return false;
            }
        }
        match entry {
            Some((prev_pc, older)) => {
                self.pc = prev_pc;
                self.left.newest = older;
                self.left.len -= 1;
                self.newest = older.map(|id| *trail.entry(id));
            }
            None => self.pc = Pc(self.pc.0.wrapping_sub(1)),
        }
        true
    }
}

/// What is known of an instruction on a path besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Details {
    access: Access,
    pub(super) linked: Linked,
}

#[cfg(test)]
impl Details {
    pub(super) fn with_slot(frame: u8, slot: u8) -> Details {
        Details {
            access: Access::slot(frame, slot),
            ..Details::default()
        }
    }

    pub(super) fn with_stack_operands(dst: bool, src: bool) -> Details {
        let dst = u16::from(dst) * Access::DST_IS_STACK;
        let src = u16::from(src) * Access::SRC_IS_STACK;
        Details {
            access: Access(dst | src),
            ..Details::default()
        }
    }
}

impl Details {
    /// Frame and slot that it spilled to or filled from.
    pub(super) fn slot(self) -> Option<(usize, u8)> {
        let bits = self.access.0;
        (bits & Access::SLOT != 0).then_some((usize::from(bits & 7), (bits >> 3 & 0x3f) as u8))
    }

    /// Whether the first operand of a comparison was a stack pointer.
    pub(super) fn dst_is_stack(self) -> bool {
        self.access.0 & Access::DST_IS_STACK != 0
    }

    /// Whether the second operand of a comparison was a stack pointer.
    pub(super) fn src_is_stack(self) -> bool {
        self.access.0 & Access::SRC_IS_STACK != 0
    }
}

impl super::Verifier<'_> {
    /// Notes where the path came from: at jump-history points, before the
    /// instruction is followed.
    pub(crate) fn note_jump(&mut self) {
        self.note(Access::default());
    }

    /// Notes that the current instruction spills a value to, or fills one from,
    /// slot `slot` of frame `frame`.
    pub(crate) fn note_stack_access(&mut self, frame: u8, slot: u8) {
        self.note(Access::slot(frame, slot));
    }

    /// Notes which operands of the current comparison are stack pointers, if
    /// any are.
    pub(crate) fn note_stack_operands(&mut self, dst: bool, src: bool) {
        let dst = u16::from(dst) * Access::DST_IS_STACK;
        let src = u16::from(src) * Access::SRC_IS_STACK;
        if dst | src != 0 {
            self.note(Access(dst | src));
        }
    }

    /// Notes what the current branch refined together, if that is more than one
    /// register. To be called before the other side is put aside.
    pub(crate) fn note_linked(&mut self, linked: Linked) {
        if linked.len() > 1 {
            let number = self.trail.link(linked);
            self.note_entry().linked = number;
        }
    }

    fn note(&mut self, access: Access) {
        self.note_entry().access.0 |= access.0;
    }

    fn note_entry(&mut self) -> &mut Entry {
        self.trail
            .current(&mut self.state.history, self.pc, self.prev_pc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(trail: &mut Trail, history: &mut History, pc: u32, prev_pc: u32) {
        trail.next_instruction();
        trail.current(history, Pc(pc), Pc(prev_pc));
    }

    fn back(trail: &Trail, from: u32, first: u32, history: History) -> Vec<u32> {
        let mut at = Backward::new(trail, Pc(from), Pc(first), history);
        let mut seen = vec![at.pc.0];
        while at.step(trail) {
            seen.push(at.pc.0);
        }
        seen
    }

    #[test]
    fn goes_back_over_jumps_and_straight_lines() {
        let mut trail = Trail::default();
        let mut history = History::default();
        push(&mut trail, &mut history, 10, 3);
        push(&mut trail, &mut history, 20, 12);
        assert_eq!(back(&trail, 21, 1, history), [21, 20, 12, 11, 10, 3, 2, 1]);
    }

    #[test]
    fn a_loop_through_the_first_instruction_goes_on() {
        let mut trail = Trail::default();
        let mut history = History::default();
        push(&mut trail, &mut history, 5, 4);
        push(&mut trail, &mut history, 5, 7);
        assert_eq!(back(&trail, 6, 5, history), [6, 5, 7, 6, 5]);
    }

    #[test]
    fn paths_share_what_came_before() {
        let mut trail = Trail::default();
        let mut first = History::default();
        push(&mut trail, &mut first, 10, 3);
        let mut second = first;
        push(&mut trail, &mut first, 20, 12);
        push(&mut trail, &mut second, 30, 11);
        assert_eq!(back(&trail, 20, 2, first), [20, 12, 11, 10, 3, 2]);
        assert_eq!(back(&trail, 30, 2, second), [30, 11, 10, 3, 2]);
        assert_eq!((first.len(), second.len()), (2, 2));
    }

    #[test]
    fn an_instruction_has_one_entry() {
        let mut trail = Trail::default();
        let mut history = History::default();
        trail.next_instruction();
        trail.current(&mut history, Pc(4), Pc(3)).access.0 |= Access::DST_IS_STACK;
        trail.current(&mut history, Pc(4), Pc(3)).access.0 |= Access::slot(2, 63).0;
        assert_eq!(history.len(), 1);
        let details = Backward::new(&trail, Pc(4), Pc(0), history).details(&trail);
        assert_eq!(details.slot(), Some((2, 63)));
        assert!(details.dst_is_stack() && !details.src_is_stack());
        let other = Backward::new(&trail, Pc(5), Pc(0), history).details(&trail);
        assert_eq!(other.slot(), None);
    }

    #[test]
    fn six_are_linked_at_most() {
        let mut linked = Linked::default();
        for slot in [0, 9, 63] {
            assert!(linked.push_slot(7, slot));
        }
        for reg in [Reg::R0, Reg::R5, Reg::R9] {
            assert!(linked.push_reg(3, reg));
        }
        assert!(!linked.push_slot(0, 1));
        let members: Vec<_> = linked
            .members()
            .map(|m| (m.frame, m.number, m.is_reg))
            .collect();
        assert_eq!(
            members,
            [
                (7, 0, false),
                (7, 9, false),
                (7, 63, false),
                (3, 0, true),
                (3, 5, true),
                (3, 9, true)
            ]
        );
    }
}
