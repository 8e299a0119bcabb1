//! Coverage: instructions and branches counted.

mod support;

use support::{load, machine};
use vm::{Addr, Coverage};

#[test]
fn loops_callbacks_and_both_ways_of_branches() {
    let mut machine = machine();
    let id = load(
        &mut machine,
        "r6 = 3
    again:
        r6 += -1
        if r6 != 0 goto again
        if r1 == 0 goto none
        r1 = 5
        r2 = subprog[body]
        r3 = 0
        r4 = 0
        call bpf_loop#181
    none:
        r0 = 0
        exit
    body:
        r0 = 0
        exit",
    );
    let coverage = Coverage::of(&mut machine);
    assert_eq!(machine.run(id, Addr(1)), Ok(0));
    assert_eq!(machine.run(id, Addr::NULL), Ok(0));
    let counts = coverage.counts(id).expect("is there");
    assert_eq!(
        counts.runs,
        [2, 6, 6, 2, 1, 1, 0, 1, 1, 1, 2, 2, 5, 5],
        "the second slot of the wide load is none"
    );
    assert_eq!(counts.branches, [(2, 4), (3, 1)]);
}

#[test]
fn what_traps_was_run() {
    let mut machine = machine();
    let id = load(&mut machine, "r1 = 0\nr0 = *(u64 *)(r1 + 0)\nexit");
    let coverage = Coverage::of(&mut machine);
    assert!(machine.run(id, Addr::NULL).is_err());
    assert_eq!(coverage.counts(id).expect("is there").runs, [1, 1, 0]);
}
