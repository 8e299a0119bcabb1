//! Where checkpoints may be, as Linux 6.18 keeps them with
//! `BPF_F_TEST_STATE_FREQ`.

use isa::{Pc, Slot};
use verifier::Config;
use verifier::structure::{self, Marks};

use crate::common::{EXIT, ZERO, call, of, slot, wide};

fn marked(slots: impl IntoIterator<Item = Slot>, marks: Marks) -> Vec<u32> {
    let program = of(slots);
    let structure = structure::analyze(&program, &Config::default()).expect("fine");
    let all = 0..program.code.len() as u32;
    all.filter(|pc| structure.insn(Pc(*pc)).marks.contains(marks))
        .collect()
}

#[test]
fn branches_their_targets_and_what_follows_calls_are_prune_points() {
    let helper = slot(0x85, 0, 0, 0, 5);
    let prune = |slots: &[Slot]| marked(slots.iter().copied(), Marks::PRUNE_POINT);
    let history = |slots: &[Slot]| marked(slots.iter().copied(), Marks::JUMP_HISTORY);
    assert!(prune(&[ZERO, ZERO, EXIT]).is_empty());
    assert_eq!(prune(&[helper, ZERO, EXIT]), [1]);
    assert_eq!(history(&[helper, ZERO, EXIT]), [1]);
    assert_eq!(prune(&[helper, helper, ZERO, EXIT]), [1, 2]);
    assert_eq!(prune(&[slot(0x05, 0, 0, 0, 0), ZERO, EXIT]), [1]);
    let branch = [ZERO, slot(0x15, 1, 0, 1, 0), ZERO, EXIT];
    assert_eq!(prune(&branch), [1, 3]);
    assert_eq!(history(&branch), [3]);
    let calling = [call(2), ZERO, EXIT, ZERO, EXIT];
    assert_eq!(prune(&calling), [0, 1, 3]);
    assert_eq!(history(&calling), [1, 3]);
}

#[test]
fn loops_that_linux_does_not_count_force_checkpoints() {
    let may_goto = [ZERO, slot(0xe5, 0, 0, -2, 0), EXIT];
    assert_eq!(marked(may_goto, Marks::FORCE_CHECKPOINT), [1]);
    let [first, second] = wide(4, 3, 0);
    let bpf_loop = slot(0x85, 0, 0, 0, 181);
    let looping = [first, second, bpf_loop, EXIT, ZERO, EXIT];
    assert_eq!(marked(looping, Marks::FORCE_CHECKPOINT), [2]);
    assert_eq!(marked(looping, Marks::CALLS_CALLBACK), [2]);
    assert_eq!(marked(looping, Marks::JUMP_HISTORY), [2, 3, 4]);
    let timer = slot(0x85, 0, 0, 0, 170);
    let later = [first, second, timer, EXIT, ZERO, EXIT];
    assert!(marked(later, Marks::CALLS_CALLBACK).is_empty());
    assert!(marked(later, Marks::PRUNE_POINT).contains(&2));
}
