//! The stacks of functions, one for each frame that may be active.
//!
//! Each lies one granule above that of its caller, so that what runs past an end is
//! out of bounds, and compiled code finds it by adding. A machine begins with as many
//! as Linux allows in one program. A program that makes tail calls from its functions
//! may have more, since the program that is called counts anew: the first such
//! program gets the machine another, longer row. (It takes a hundred microseconds to
//! make, and hardly any program needs it.)

use abi::limits::{MAX_CALL_FRAMES, MAX_RUN_FRAMES, STACK_BYTES};

use crate::memory::{Addr, GRANULE, OutOfSpace, RegionId, RegionKind, Space};

#[derive(Debug)]
pub(crate) struct Stacks {
    /// One past the last byte of the first.
    top: Addr,
    /// The number of the last.
    last: usize,
    /// `top` of a new machine.
    short: Addr,
    /// The longer row, where there is one.
    long: Vec<RegionId>,
}

impl Stacks {
    pub(crate) fn new(space: &mut Space) -> Result<Stacks, OutOfSpace> {
        let (_, top) = row(space, MAX_CALL_FRAMES)?;
        Ok(Stacks {
            top,
            last: MAX_CALL_FRAMES - 1,
            short: top,
            long: Vec::new(),
        })
    }

    /// Makes room for runs with tail calls from functions.
    pub(crate) fn deepen(&mut self, space: &mut Space) -> Result<(), OutOfSpace> {
        if self.long.is_empty() {
            (self.long, self.top) = row(space, MAX_RUN_FRAMES)?;
            self.last = MAX_RUN_FRAMES - 1;
        }
        Ok(())
    }

    /// As in a new machine, at the same addresses.
    pub(crate) fn clear(&mut self, space: &mut Space) {
        for region in self.long.drain(..) {
            space.remove(region);
        }
        self.top = self.short;
        self.last = MAX_CALL_FRAMES - 1;
    }

    /// The number of the deepest.
    #[inline(always)]
    pub(crate) fn last(&self) -> usize {
        self.last
    }

    /// One past the last byte of the stack of the frame at this depth, at most that
    /// of the deepest.
    #[inline(always)]
    pub(crate) fn top(&self, depth: usize) -> Addr {
        self.top.offset(depth.min(self.last) as u32 * GRANULE)
    }
}

/// A row of stacks, and one past the last byte of the first.
fn row(space: &mut Space, frames: usize) -> Result<(Vec<RegionId>, Addr), OutOfSpace> {
    let kinds = (0..frames).map(|frame| RegionKind::Stack(frame as u8));
    let row = space.add_row(STACK_BYTES, kinds)?;
    let top = space.region(row[0]).start.offset(STACK_BYTES);
    Ok((row, top))
}
