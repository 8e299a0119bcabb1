//! Whether a checkpoint covers a state: whether everything that may happen from
//! the state was already seen from the checkpoint.

use inject::Bug;
use isa::Pc;

use super::cache::{Checkpoint, FrameMarks};
use crate::state::{Byte, Content, Flags, Frame, Kind, References, Slot, State, Value};
use crate::structure::Structure;

/// How alike checkpoint and state must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The same up to the choice of ids: nothing happened in between.
    Exact,
    /// All values of the state are among those of the checkpoint. For
    /// checkpoints whose marks are not complete.
    RangeWithin,
    /// As `RangeWithin`, but scalars that the checkpoint has no mark for do not
    /// matter.
    Marked,
}

/// Which ids of a checkpoint stand for which of a state: a bijection, found as
/// the comparison goes on. It is kept between comparisons for its memory alone.
#[derive(Debug, Default)]
pub(super) struct IdMap {
    /// Ids of the checkpoint and of the state; 0 stands for a scalar without id,
    /// each its own.
    pairs: Vec<(u32, u32)>,
}

impl IdMap {
    pub(super) fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Both have no id, or ids that may stand for each other.
    fn check(&mut self, old: u32, cur: u32) -> bool {
        match (old, cur) {
            (0, 0) => true,
            (0, _) | (_, 0) => false,
            _ => self.pair(old, cur),
        }
    }

    /// As [`Self::check`] for scalars, where no id is as good as one that
    /// nothing else has. What is not linked in the old state may be linked to
    /// anything.
    fn check_scalar(&mut self, old: u32, cur: u32) -> bool {
        match (old, cur) {
            (0, _) => true,
            (old, 0) => {
                let fresh = self.pairs.iter().all(|pair| pair.0 != old);
                self.pairs.push((old, 0));
                fresh
            }
            _ => self.pair(old, cur),
        }
    }

    /// Whether two values are the same but for the choice of ids.
    pub(super) fn same(&mut self, old: &Value, cur: &Value) -> bool {
        same_but_ids(old, cur)
            && self.check(scalar_id(old), scalar_id(cur))
            && self.check(old.ref_id, cur.ref_id)
    }

    fn pair(&mut self, old: u32, cur: u32) -> bool {
        for pair in &self.pairs {
            if pair.0 == old {
                return pair.1 == cur;
            }
            if pair.1 == cur {
                return false;
            }
        }
        self.pairs.push((old, cur));
        true
    }
}

/// A comparison of a checkpoint with a state at the same instruction.
pub(super) struct Comparison<'a> {
    pub(super) structure: &'a Structure,
    /// Uninitialised stack may be read.
    pub(super) may_read_invalid: bool,
    pub(super) mode: Mode,
    pub(super) ids: &'a mut IdMap,
}

impl Comparison<'_> {
    /// Whether `old` covers `cur`.
    pub(super) fn covers(&mut self, old: &Checkpoint, cur: &State) -> bool {
        if old.state.frames().len() != cur.frames().len()
            || old.state.speculative && !cur.speculative
            || old.state.in_sleepable != cur.in_sleepable
        {
            return false;
        }
        self.ids.clear();
        if !self.references(&old.state.refs, &cur.refs) {
            return false;
        }
        let frames = old.state.frames();
        let mut pairs = frames.iter().zip(cur.frames()).enumerate();
        pairs.all(|(number, (old_frame, cur_frame))| {
            let inner = frames.get(number + 1);
            let pc = inner.map_or(old.pc, |inner| inner.callsite.unwrap_or_default());
            let marks = old.marks.get(number).copied().unwrap_or_default();
            self.frame(old_frame, marks, cur_frame, pc)
        })
    }

    fn references(&mut self, old: &References, cur: &References) -> bool {
        if old.active_locks != cur.active_locks
            || old.rcu_locks != cur.rcu_locks
            || old.preempt_locks != cur.preempt_locks
            || old.list.len() != cur.list.len()
            || !self.ids.check(old.irq_id, cur.irq_id)
        {
            return false;
        }
        let mut pairs = old.list.iter().zip(&cur.list);
        pairs.all(|(old, cur)| old.kind == cur.kind && self.ids.check(old.id, cur.id))
    }

    fn frame(&mut self, old: &Frame, marks: FrameMarks, cur: &Frame, pc: Pc) -> bool {
        if old.callsite != cur.callsite || old.callback_depth > cur.callback_depth {
            return false;
        }
        let mut live = self.structure.insn(pc).live_before & 0x3ff;
        while live != 0 {
            let n = live.trailing_zeros() as usize;
            live &= live - 1;
            let marked = marks.regs & 1 << n != 0;
            if !self.value(&old.regs[n], marked, &cur.regs[n]) {
                return false;
            }
        }
        let mut slots = old.stack.slots().iter().enumerate();
        slots.all(|(n, slot)| {
            let beside = match inject::on(Bug::Cve2024_45020) {
                true => Some(&cur.stack.slots()[n]),
                false => cur.stack.slot(n),
            };
            self.slot(slot, marks.slots & 1 << n != 0, beside)
        })
    }

    #[inline]
    fn value(&mut self, old: &Value, marked: bool, cur: &Value) -> bool {
        // Most values are of these kinds.
        if self.mode == Mode::Marked {
            match old.kind {
                Kind::NotInit => return true,
                Kind::Scalar if !marked => return cur.is_scalar(),
                Kind::Scalar => return old.same_type(cur) && self.scalar(old, cur),
                _ => {}
            }
        }
        self.any_value(old, cur)
    }

    fn any_value(&mut self, old: &Value, cur: &Value) -> bool {
        if self.mode == Mode::Exact {
            return self.ids.same(old, cur);
        }
        if old.kind == Kind::NotInit {
            return self.mode == Mode::Marked || cur.kind == Kind::NotInit;
        }
        if !old.same_type(cur) {
            return false;
        }
        match old.kind {
            Kind::Scalar => self.scalar(old, cur),
            Kind::MapKey(_) | Kind::MapValue(_) | Kind::Mem { .. } | Kind::Buf | Kind::TpBuffer => {
                old.kind == cur.kind
                    && old.off == cur.off
                    && cur.num.within(&old.num)
                    && self.ids.check(old.id, cur.id)
                    && self.ids.check(old.ref_id, cur.ref_id)
            }
            Kind::Packet { range: old_range } | Kind::PacketMeta { range: old_range } => {
                let cur_range = cur.kind.range().unwrap_or_default();
                let far_enough = if old_range < 0 || cur_range < 0 {
                    old_range == cur_range
                } else {
                    old_range <= cur_range
                };
                far_enough
                    && old.off == cur.off
                    && self.ids.check(old.id, cur.id)
                    && cur.num.within(&old.num)
            }
            Kind::Arena => true,
            _ => self.ids.same(old, cur),
        }
    }

    fn scalar(&mut self, old: &Value, cur: &Value) -> bool {
        let apart = |v: &Value| {
            let narrow = v.flags.contains(Flags::ADD_CONST32);
            v.flags
                .contains(Flags::ADD_CONST)
                .then_some((v.off, narrow))
        };
        if !cur.num.within(&old.num) {
            return false;
        }
        // What nothing is linked to may be linked to anything.
        old.id == 0
            || apart(old) == apart(cur) && self.ids.check_scalar(scalar_id(old), scalar_id(cur))
    }

    fn slot(&mut self, old: &Slot, marked: bool, cur: Option<&Slot>) -> bool {
        if self.mode != Mode::Marked && cur.is_none_or(|cur| old.bytes != cur.bytes) {
            return false;
        }
        if old.is_all(Byte::Invalid) {
            return true;
        }
        if let (Content::Spill(old_value), Some(cur)) = (&old.content, cur)
            && let Content::Spill(cur_value) = &cur.content
            && old.is_all(Byte::Spill)
            && cur.is_all(Byte::Spill)
        {
            return self.value(old_value, marked, cur_value);
        }
        let Some(last) = old.bytes.iter().rposition(|byte| self.matters(*byte)) else {
            return true;
        };
        let Some(cur) = cur else {
            return false;
        };
        let scalars = self.as_scalar(old).zip(self.as_scalar(cur));
        if let Some((old, cur)) = scalars {
            return self.value(old, marked, cur);
        }
        let mut bytes = old.bytes.iter().zip(&cur.bytes);
        let alike = bytes.all(|(old, cur)| {
            !self.matters(*old) || old == cur || (*old, *cur) == (Byte::Misc, Byte::Zero)
        });
        alike && (last < 7 || self.content(&old.content, marked, &cur.content))
    }

    /// What whole slots hold whose lowest bytes are of the same sort.
    fn content(&mut self, old: &Content, marked: bool, cur: &Content) -> bool {
        match (old, cur) {
            (Content::Spill(old), Content::Spill(cur)) => self.value(old, marked, cur),
            (Content::Dynptr(old), Content::Dynptr(cur)) => {
                old.kind == cur.kind
                    && old.first == cur.first
                    && self.ids.check(old.ref_id, cur.ref_id)
            }
            // How often it was advanced does not matter.
            (Content::Iter(old), Content::Iter(cur)) => {
                old.name == cur.name
                    && old.state == cur.state
                    && self.ids.check(old.ref_id, cur.ref_id)
            }
            (
                Content::Irq { ref_id: old, lock },
                Content::Irq {
                    ref_id: cur,
                    lock: cur_lock,
                },
            ) => lock == cur_lock && self.ids.check(*old, *cur),
            (Content::Bytes, Content::Bytes) => true,
            _ => false,
        }
    }

    /// Whether a byte like this in a checkpoint was of use.
    fn matters(&self, byte: Byte) -> bool {
        match byte {
            Byte::Invalid => false,
            Byte::Misc => !self.may_read_invalid,
            _ => true,
        }
    }

    /// The number that a load of the whole slot gives, if that is certain.
    fn as_scalar<'v>(&self, slot: &'v Slot) -> Option<&'v Value> {
        if slot.bytes[0] == Byte::Spill {
            return slot.spill().filter(|value| value.is_scalar());
        }
        let any =
            |byte: &Byte| *byte == Byte::Misc || *byte == Byte::Invalid && self.may_read_invalid;
        slot.bytes.iter().all(any).then_some(&Value::UNKNOWN)
    }
}

/// The same in everything but ids.
pub(super) fn same_but_ids(a: &Value, b: &Value) -> bool {
    // What differs most often comes first.
    a.num == b.num
        && a.off == b.off
        && a.flags.type_bits() == b.flags.type_bits()
        && a.flags.contains(Flags::WAS_POINTER) == b.flags.contains(Flags::WAS_POINTER)
        && a.kind == b.kind
}

/// Whether the current frame's registers are the very same: a quick test before
/// states are compared for an endless loop. `changing` is the register to look
/// at first, as it differed the last time.
pub(super) fn may_be_looping(old: &State, cur: &State, changing: &mut usize) -> bool {
    let (old_regs, cur_regs) = (&old.frame().regs, &cur.frame().regs);
    let differs = |n: usize| match (old_regs.get(n), cur_regs.get(n)) {
        (Some(old), Some(cur)) => {
            !same_but_ids(old, cur) || scalar_id(old) != scalar_id(cur) || old.ref_id != cur.ref_id
        }
        _ => true,
    };
    if old.frames().len() != cur.frames().len() || differs(*changing) {
        return false;
    }
    match (0..old_regs.len()).find(|n| differs(*n)) {
        Some(n) => {
            *changing = n;
            false
        }
        None => true,
    }
}

/// Whether an active iterator was advanced between the two states.
pub(super) fn iterators_advanced(old: &State, cur: &State) -> bool {
    let mut frames = old.frames().iter().zip(cur.frames());
    frames.any(|(old, cur)| {
        let mut slots = old.stack.slots().iter().zip(cur.stack.slots());
        slots.any(|(old, cur)| match (&old.content, &cur.content) {
            (Content::Iter(old), Content::Iter(cur)) => {
                old.state == crate::state::IterState::Active && old.depth != cur.depth
            }
            _ => false,
        })
    })
}

/// Whether both have the same functions active, called from the same places.
pub(super) fn same_callsites(a: &State, b: &State) -> bool {
    let mut frames = a.frames().iter().zip(b.frames());
    a.frames().len() == b.frames().len() && frames.all(|(a, b)| a.callsite == b.callsite)
}

/// Where each frame of a state stands: the current one at `pc`, the others at
/// their calls.
pub(super) fn frame_pcs(state: &State, pc: Pc) -> impl Iterator<Item = Pc> {
    let calls = state.frames().iter().skip(1);
    calls
        .map(|frame| frame.callsite.unwrap_or_default())
        .chain([pc])
}

/// A scalar ahead of others by a constant is another number than they are.
fn scalar_id(value: &Value) -> u32 {
    const AHEAD: u32 = 1 << 31;
    if value.flags.contains(Flags::ADD_CONST) {
        value.id | AHEAD
    } else {
        value.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Scalar;
    use crate::state::{Iter, IterState};
    use crate::structure::InsnFacts;
    use isa::Reg;

    /// Registers below `r6` are live everywhere.
    fn structure() -> Structure {
        let facts = InsnFacts {
            live_before: 0x3f,
            ..InsnFacts::default()
        };
        Structure {
            insns: vec![facts; 2],
            ..Structure::default()
        }
    }

    fn state(regs: &[(Reg, Value)]) -> State {
        let mut state = State::new(0, Pc(0));
        for (reg, value) in regs {
            *state.reg_mut(*reg) = *value;
        }
        state
    }

    fn below(max: u64) -> Value {
        Value::scalar(Scalar::from_unsigned_range(0, max))
    }

    fn linked(id: u32) -> Value {
        Value { id, ..below(9) }
    }

    fn covers_marked(mode: Mode, marks: FrameMarks, old: &State, cur: &State) -> bool {
        let mut checkpoint = Checkpoint::new(old.clone(), Pc(1), 0);
        checkpoint.marks.fill(marks);
        let mut comparison = Comparison {
            structure: &structure(),
            may_read_invalid: true,
            mode,
            ids: &mut IdMap::default(),
        };
        comparison.covers(&checkpoint, cur)
    }

    fn covers(mode: Mode, old: &State, cur: &State) -> bool {
        covers_marked(
            mode,
            FrameMarks {
                regs: !0,
                slots: !0,
            },
            old,
            cur,
        )
    }

    #[test]
    fn a_number_must_be_among_those_of_the_checkpoint() {
        let wide = state(&[(Reg::R1, below(9))]);
        let narrow = state(&[(Reg::R1, below(5))]);
        assert!(covers(Mode::Marked, &wide, &narrow));
        assert!(!covers(Mode::Marked, &narrow, &wide));
        assert!(covers(Mode::RangeWithin, &wide, &narrow));
        assert!(!covers(Mode::Exact, &wide, &narrow));
        assert!(covers(Mode::Exact, &wide, &wide));
    }

    #[test]
    fn dead_registers_do_not_matter() {
        let one = state(&[(Reg::R6, below(5))]);
        let other = state(&[(Reg::R6, Value::pointer(Kind::Ctx))]);
        assert!(covers(Mode::Exact, &one, &other));
    }

    #[test]
    fn numbers_without_a_mark_do_not_matter() {
        let narrow = state(&[(Reg::R1, below(5))]);
        let wide = state(&[(Reg::R1, below(9))]);
        let pointer = state(&[(Reg::R1, Value::pointer(Kind::Ctx))]);
        let none = FrameMarks::default();
        assert!(covers_marked(Mode::Marked, none, &narrow, &wide));
        assert!(!covers_marked(Mode::Marked, none, &narrow, &pointer));
        assert!(!covers_marked(Mode::RangeWithin, none, &narrow, &wide));
    }

    #[test]
    fn a_link_of_the_checkpoint_is_one_of_the_state() {
        let both = |a, b| state(&[(Reg::R1, linked(a)), (Reg::R2, linked(b))]);
        assert!(covers(Mode::Marked, &both(1, 1), &both(7, 7)));
        assert!(!covers(Mode::Marked, &both(1, 1), &both(7, 8)));
        assert!(!covers(Mode::Marked, &both(1, 2), &both(7, 7)));
        assert!(!covers(Mode::Marked, &both(1, 1), &both(0, 0)));
        assert!(covers(Mode::Marked, &both(0, 0), &both(7, 7)));
        assert!(covers(Mode::Marked, &both(0, 0), &both(7, 8)));
        assert!(covers(Mode::Marked, &both(1, 2), &both(0, 0)));
    }

    #[test]
    fn packet_pointers_may_be_proven_farther() {
        let packet = |range| {
            let value = Value::pointer(Kind::Packet { range });
            state(&[(Reg::R1, Value { id: 3, ..value })])
        };
        assert!(covers(Mode::Marked, &packet(8), &packet(14)));
        assert!(!covers(Mode::Marked, &packet(14), &packet(8)));
        assert!(!covers(Mode::Marked, &packet(0), &packet(Kind::AT_END)));
    }

    fn with_slot(bytes: [Byte; 8], content: Content) -> State {
        let mut state = state(&[]);
        *state.frame_mut().stack.slot_mut(0) = Slot { bytes, content };
        state
    }

    #[test]
    fn zeros_are_numbers_but_not_the_other_way_round() {
        use Byte::{Misc, Zero};
        let mut some = [Byte::Invalid; 8];
        some[0] = Zero;
        let zeros = with_slot([Zero; 8], Content::Bytes);
        let misc = with_slot([Misc; 8], Content::Bytes);
        let none = state(&[]);
        let part = with_slot(some, Content::Bytes);
        assert!(covers(Mode::Marked, &misc, &zeros));
        assert!(!covers(Mode::Marked, &zeros, &misc));
        assert!(covers(Mode::Marked, &part, &zeros));
        assert!(!covers(Mode::Marked, &part, &none));
        assert!(covers(Mode::Marked, &none, &zeros));
        for mode in [Mode::Exact, Mode::RangeWithin] {
            assert!(!covers(mode, &misc, &zeros));
            assert!(!covers(mode, &part, &zeros));
            assert!(covers(mode, &part, &part));
        }
        assert!(!covers(Mode::Exact, &misc, &none));
    }

    #[test]
    fn a_spilled_number_is_compared_with_numbers_of_any_kind() {
        let spill = |value| with_slot([Byte::Spill; 8], Content::Spill(value));
        let misc = with_slot([Byte::Misc; 8], Content::Bytes);
        assert!(covers(Mode::Marked, &spill(Value::UNKNOWN), &misc));
        assert!(!covers(Mode::Marked, &spill(below(9)), &misc));
        assert!(!covers(
            Mode::Marked,
            &spill(Value::pointer(Kind::Ctx)),
            &misc
        ));
        assert!(covers(Mode::Marked, &spill(below(9)), &spill(below(5))));
    }

    #[test]
    fn how_often_an_iterator_was_advanced_does_not_matter() {
        let iterator = |state, depth| {
            let iter = Iter {
                name: "num",
                first: true,
                ref_id: 0,
                state,
                depth,
            };
            with_slot([Byte::Iter; 8], Content::Iter(iter))
        };
        use IterState::{Active, Drained};
        assert!(covers(
            Mode::RangeWithin,
            &iterator(Active, 1),
            &iterator(Active, 2)
        ));
        assert!(!covers(
            Mode::RangeWithin,
            &iterator(Active, 1),
            &iterator(Drained, 1)
        ));
        assert!(iterators_advanced(
            &iterator(Active, 1),
            &iterator(Active, 2)
        ));
        assert!(!iterators_advanced(
            &iterator(Drained, 1),
            &iterator(Drained, 2)
        ));
    }

    #[test]
    fn frames_are_called_from_the_same_places() {
        let called = |callsite| {
            let mut state = state(&[]);
            state.push_frame(Frame::new(1, 1, Some(Pc(callsite))));
            state
        };
        assert!(covers(Mode::Marked, &called(0), &called(0)));
        assert!(!covers(Mode::Marked, &called(0), &called(1)));
        assert!(!covers(Mode::Marked, &state(&[]), &called(0)));
        assert!(!same_callsites(&called(0), &called(1)));
    }
}
