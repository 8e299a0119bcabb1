//! Data flow of slots, against one that takes every instruction every time.

use isa::{Pc, Slot};

use super::StackLiveness;
use super::graph::Graph;
use super::instance::{Change, Instance};
use crate::Config;
use crate::explore::testing::{program, structure};
use crate::state::{Frame, State};
use crate::structure::{self, Structure};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// A function of `len` instructions that jumps about.
fn jumping(dice: &mut Dice, len: u64) -> Structure {
    let mut code = vec![slot(0xb7, 0)];
    for pc in 1..len - 1 {
        let jumps = dice.below(3) == 0;
        let to = 1 + dice.below(len - 2);
        let offset = to as i16 - pc as i16 - 1;
        code.push(if jumps {
            slot(0x15, offset)
        } else {
            slot(0x07, 0)
        });
    }
    code.push(slot(0x95, 0));
    structure::analyze(&program(code), &Config::default()).expect("a sound structure")
}

fn slot(opcode: u8, offset: i16) -> Slot {
    Slot {
        opcode,
        dst: 0,
        src: 0,
        offset,
        imm: 0,
    }
}

/// What is known of one frame's slots, by instruction, all of it computed anew
/// as long as anything changes.
#[derive(Default)]
struct Plain {
    may_read: Vec<u64>,
    must_write: Vec<Option<u64>>,
    live: Vec<u64>,
    overwritten: Vec<u64>,
    dropped: bool,
}

impl Plain {
    fn of(len: usize) -> Plain {
        Plain {
            may_read: vec![0; len],
            must_write: vec![None; len],
            live: vec![0; len],
            overwritten: vec![0; len],
            dropped: false,
        }
    }

    fn follow(&mut self, pc: usize, written: u64) {
        let new = self.must_write[pc].map_or(written, |old| old & written);
        self.dropped |= self.must_write[pc].unwrap_or(0) & !new != 0;
        self.must_write[pc] = Some(new);
    }

    fn update(&mut self, structure: &Structure) -> u32 {
        if std::mem::take(&mut self.dropped) {
            self.overwritten.fill(0);
        }
        let mut sweeps = 0;
        loop {
            sweeps += 1;
            let mut changed = false;
            for pc in &structure.postorder {
                changed |= self.update_insn(structure, *pc);
            }
            if !changed {
                return sweeps;
            }
        }
    }

    fn update_insn(&mut self, structure: &Structure, pc: Pc) -> bool {
        let successors: Vec<_> = structure.successors(pc).into_iter().collect();
        let at = pc.index();
        let after = successors
            .iter()
            .fold(0, |live, next| live | self.live[next.index()]);
        let written = self.must_write[at].unwrap_or(0);
        let all = successors
            .iter()
            .map(|next| self.overwritten[next.index()])
            .reduce(|a, b| a & b)
            .unwrap_or(0);
        let new = (after & !written | self.may_read[at], all | written);
        let changed = new != (self.live[at], self.overwritten[at]);
        (self.live[at], self.overwritten[at]) = new;
        changed
    }
}

#[test]
fn only_what_may_have_changed_is_computed_anew() {
    let mut dice = Dice(1);
    for round in 0..200 {
        let len = 4 + dice.below(150);
        let structure = jumping(&mut dice, len);
        let graph = Graph::new(&structure);
        let mut plain = Plain::of(len as usize);
        let mut instance = Instance::new(None, 0, 0, graph.len(0));
        for _ in 0..dice.below(12) {
            for _ in 0..dice.below(30) {
                let pc = dice.below(len);
                let position = graph.position(Pc(pc as u32)).expect("an instruction");
                let slots = 1 << dice.below(4) | 1 << dice.below(4);
                match dice.below(3) {
                    0 => {
                        plain.may_read[pc as usize] |= slots;
                        instance.note_read(0, position, slots, &mut 0);
                    }
                    1 => {
                        plain.follow(pc as usize, slots);
                        instance.note_followed(position, &[slots], &mut 0);
                    }
                    _ => {
                        plain.follow(pc as usize, 0);
                        instance.note_followed(position, &[0], &mut 0);
                    }
                }
            }
            if !instance.changed {
                continue;
            }
            let mut changes = 0;
            let mut count = |change: Change| {
                changes += u32::from(change.live != (0, 0));
            };
            let sweeps = instance.update(graph.function(0), Some(&mut count));
            assert_eq!(sweeps, plain.update(&structure), "round {round}");
            for pc in 0..len as usize {
                let position = graph.position(Pc(pc as u32)).expect("an instruction");
                let found = instance.summary(0, position).unwrap_or_default();
                let expected = (plain.live[pc], plain.overwritten[pc]);
                assert_eq!(found, expected, "round {round}, {pc}");
            }
        }
    }
}

const CALLER: &str = "
    r1 = r10
    r1 += -8
    call callee         // 2
    r0 = 0              // 3
    exit
callee:
    r0 = *(u64 *)(r1 +0)        // 5
    *(u64 *)(r1 +0) = 1         // 6
    exit
";

/// What a function does to its caller's frame is known at the call; slots of the
/// caller that its rest reads are live inside the function.
#[test]
fn callers_know_what_their_functions_do() {
    let structure = structure(CALLER);
    let mut liveness = StackLiveness::new(&structure);
    let outside = State::new(0, Pc(0));
    let mut inside = outside.clone();
    inside.push_frame(Frame::new(1, 1, Some(Pc(2))));

    liveness.begin(&inside);
    let current = liveness.current.expect("a chain");
    liveness.note_read(current, 0, Pc(5), 1);
    liveness.commit(&inside, Pc(5));
    liveness.begin(&inside);
    liveness.written[0] = 0b11;
    liveness.any_written = true;
    liveness.commit(&inside, Pc(6));
    liveness.update(current, None);
    let outer = liveness.chain(&outside).last().expect("a chain");
    assert!(liveness.instances[outer as usize].changed);
    liveness.update(outer, None);

    assert_eq!(liveness.live(&structure, &outside, Pc(0), 0), 1);
    assert_eq!(liveness.live(&structure, &outside, Pc(3), 0), 0);
    assert_eq!(liveness.live(&structure, &inside, Pc(6), 0), 0);
    liveness.note_read(outer, 0, Pc(3), 0b110);
    liveness.update(outer, None);
    // The function overwrites the lower one on all paths.
    assert_eq!(liveness.live(&structure, &outside, Pc(0), 0), 0b101);
    assert_eq!(liveness.live(&structure, &inside, Pc(6), 0), 0b110);
    assert_eq!(liveness.live(&structure, &inside, Pc(6), 1), 0);
    assert_eq!(liveness.pcs(&structure, current), [Pc(2), Pc(5)]);
    assert_eq!(liveness.pcs(&structure, outer), [Pc(0)]);
}
