//! The order of instructions in which the data-flow passes converge fast.

use isa::{Pc, Slot};

use super::{Subprogram, flow};

/// The instructions of all functions, each function's in a post-order from its
/// start; the functions learn their part.
///
/// It is Linux's order, which its log shows: both successors of a branch are
/// taken up at once, the jump's target first.
pub(super) fn postorder(slots: &[Slot], subprograms: &mut [Subprogram]) -> Vec<Pc> {
    let mut order = Vec::with_capacity(slots.len());
    let mut found = vec![Found::No; slots.len()];
    let mut stack = Vec::new();
    for subprogram in subprograms {
        let begin = order.len() as u32;
        stack.push(subprogram.start);
        while let Some(&top) = stack.last() {
            let Some(state) = found.get_mut(top.index()) else {
                stack.pop();
                continue;
            };
            if *state == Found::Expanded {
                order.push(top);
                stack.pop();
                continue;
            }
            *state = Found::Expanded;
            for next in flow::successors(slots, top) {
                if let Some(state @ Found::No) = found.get_mut(next.index()) {
                    *state = Found::Waiting;
                    stack.push(next);
                }
            }
        }
        subprogram.postorder = begin..order.len() as u32;
    }
    order
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    No,
    Waiting,
    Expanded,
}
