//! All ways through an operator.
//!
//! The domain's operators branch on what they compare: `if a < b`. When they run
//! on terms such a comparison is a formula, and [`decide`] says which way this
//! run takes. [`explore`] runs an operator again and again, until each way was
//! taken, and joins what came out: *if* the first condition *then* the outcome of
//! the runs that took it for true *else* that of the others. A condition that
//! makes no difference disappears, since equal formulas are one.
//!
//! Ways that no number takes are followed too; they do no harm, because the joined
//! formula cannot reach them.

use std::cell::RefCell;

use super::node::{Op, Ref, choose, node};

#[derive(Default)]
struct Run {
    /// The decisions of this run; those before `next` were made by an earlier one.
    made: Vec<Decision>,
    next: usize,
    active: bool,
}

struct Decision {
    condition: Ref,
    holds: bool,
    /// What came out where it holds, when the run is on the other way.
    when_it_holds: Vec<Ref>,
}

thread_local! {
    static RUN: RefCell<Run> = RefCell::default();
}

/// Whether the condition holds in this run.
///
/// # Panics
///
/// Outside of [`explore`], if the condition is no constant.
pub(super) fn decide(condition: Ref) -> bool {
    let (condition, holds) = bare(condition);
    if let Ref::Constant(truth) = condition {
        return (truth == 1) == holds;
    }
    RUN.with_borrow_mut(|run| {
        assert!(run.active, "a decision outside of an exploration");
        let next = run.next;
        if let Some(known) = run.made[..next].iter().find(|d| d.condition == condition) {
            return known.holds == holds;
        }
        if next == run.made.len() {
            run.made.push(Decision {
                condition,
                holds: true,
                when_it_holds: vec![],
            });
        }
        run.next = next + 1;
        assert_eq!(
            run.made[next].condition, condition,
            "a run is not the same twice"
        );
        run.made[next].holds == holds
    })
}

/// The condition without a `not` before it, and whether it is asked for as it is.
fn bare(condition: Ref) -> (Ref, bool) {
    if let Ref::Node(number) = condition {
        let node = node(number);
        if node.op == Op::Not {
            return (node.args[0], false);
        }
    }
    (condition, true)
}

/// What comes out of `operator` as a formula: its truth values, and how many ways
/// there are through it.
pub(super) fn explore(operator: impl Fn() -> Vec<Ref>) -> (Vec<Ref>, usize) {
    RUN.with_borrow_mut(|run| {
        assert!(!run.active, "an exploration within another");
        *run = Run::default();
        run.active = true;
    });
    let mut ways = 0;
    loop {
        RUN.with_borrow_mut(|run| run.next = 0);
        let outcome = operator();
        ways += 1;
        assert!(ways < 1 << 20, "too many ways");
        let joined = RUN.with_borrow_mut(|run| run.back_up(outcome));
        if let Some(joined) = joined {
            return (joined, ways);
        }
    }
}

impl Run {
    /// Goes back to the last decision that was not taken the other way; if there is
    /// none, what came out of all runs.
    fn back_up(&mut self, mut outcome: Vec<Ref>) -> Option<Vec<Ref>> {
        assert_eq!(self.next, self.made.len(), "a run is not the same twice");
        while let Some(mut last) = self.made.pop() {
            if last.holds {
                last.holds = false;
                last.when_it_holds = outcome;
                self.made.push(last);
                return None;
            }
            for (no, yes) in outcome.iter_mut().zip(&last.when_it_holds) {
                *no = choose(0, last.condition, *yes, *no);
            }
        }
        self.active = false;
        Some(outcome)
    }
}
