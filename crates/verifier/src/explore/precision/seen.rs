//! What was looked for before, so that nothing is looked for twice.
//!
//! Loops ask at each round for the same registers, and each time going back
//! would pass through all rounds since the last checkpoint. A point of a path
//! that going back has begun at or come through is remembered with what was
//! wanted there: all that follows from that is marked already, and marks of
//! checkpoints on open paths do not go away.
//!
//! Where going back ended with marks on everything the path came from, that has to
//! be done anew for each path: nothing is remembered of it.
//!
//! The memory is a small table in which newer points replace older ones. It may
//! forget, which costs time and nothing else.

use isa::Pc;

use super::wanted::Wanted;

/// A point of a path: after this entry of its history, at this instruction. A
/// path without an entry is told by the checkpoint that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) entry: u64,
    pub(super) pc: Pc,
}

/// The points that were come through.
#[derive(Debug, Default)]
pub(in crate::explore) struct Seen {
    /// Empty, or [`SIZE`] places: most programs are too small to need them.
    points: Vec<Option<(Point, Wanted)>>,
    /// How often going back has begun.
    begun: u32,
}

const SIZE: usize = 64;

/// Beginnings that are not remembered.
const TOO_FEW: u32 = 8;

impl Seen {
    /// Remembers that `wanted` is looked for from `point` back; `true` if all of
    /// it was before.
    pub(super) fn insert(&mut self, point: Point, wanted: &Wanted) -> bool {
        if self.points.is_empty() {
            self.begun += 1;
            if self.begun <= TOO_FEW {
                return false;
            }
            self.points = vec![None; SIZE];
        }
        if let Some(known) = self.find(point, wanted) {
            return known;
        }
        self.points[slot(point)] = Some((point, *wanted));
        false
    }

    /// The same for a point that is remembered; none if it is not.
    fn find(&mut self, point: Point, wanted: &Wanted) -> Option<bool> {
        let place = self.points.get_mut(slot(point))?;
        let (_, before) = place.as_mut().filter(|(at, _)| *at == point)?;
        let known = wanted.is_within(before);
        if !known {
            before.add_all(wanted);
        }
        Some(known)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.points.fill(None);
    }

    /// The same for a point that going back comes through: it is not remembered
    /// if it was not before.
    pub(super) fn pass(&mut self, point: Point, wanted: &Wanted) -> bool {
        self.find(point, wanted).unwrap_or(false)
    }
}

fn slot(point: Point) -> usize {
    let mixed = (point.entry << 20 ^ u64::from(point.pc.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 58) as usize & (SIZE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_is_known() {
        let mut seen = Seen {
            begun: TOO_FEW,
            ..Seen::default()
        };
        let point = Point {
            entry: 7,
            pc: Pc(3),
        };
        let other = Point { pc: Pc(4), ..point };
        let mut one = Wanted::new(0);
        one.add(1);
        let mut two = Wanted::new(0);
        two.add_slot(0, 5);
        assert!(!seen.pass(point, &one));
        assert!(!seen.pass(point, &one), "passing leaves no trace");
        assert!(!seen.insert(point, &one));
        assert!(seen.insert(point, &one));
        assert!(!seen.pass(point, &two));
        assert!(seen.pass(point, &two));
        assert!(seen.pass(point, &one));
        assert!(!seen.pass(other, &one));
    }

    #[test]
    fn another_frame_is_another_matter() {
        let mut outer = Wanted::new(0);
        outer.add(1);
        let mut inner = Wanted::new(1);
        inner.add(1);
        assert!(!outer.is_within(&inner));
        assert!(!inner.is_within(&outer));
    }
}
