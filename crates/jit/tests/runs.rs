//! Calls, callbacks, tail calls and budgets, compiled in every mode and held to
//! the interpreter.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

mod every;

use abi::{Initial, InitialEntry, MapDef, MapType, Program};
use every::{Form, forms};
use jit::{Compiled, Mode, Options};
use support::{machine, map, with_maps};
use vm::{Addr, Machine, ProgId, Trap, TrapKind};

/// Maps, and programs of which the first is run.
struct Case {
    maps: Vec<MapDef>,
    programs: Vec<Program>,
}

/// What is seen of a run.
type Seen = (Result<u64, Trap>, u64, Vec<Vec<u8>>);

impl Case {
    fn of(text: &str) -> Case {
        Case {
            maps: Vec::new(),
            programs: vec![with_maps("p", text)],
        }
    }

    /// Programs and a program array, `map[fd:0]`, with these programs by name; and
    /// an array of one value, `map[fd:1]`.
    fn jumping(programs: &[(&str, &str)], slots: &[(u32, &str)]) -> Case {
        let mut jumps = map("jumps", MapType::ProgArray, 4, 4, 8);
        let slots = slots.iter().map(|(slot, program)| InitialEntry::Program {
            slot: *slot,
            program: (*program).to_owned(),
        });
        jumps.initial = Initial::Entries(slots.collect());
        let programs = programs.iter().map(|(name, text)| with_maps(name, text));
        Case {
            maps: vec![jumps, map("value", MapType::Array, 4, 8, 1)],
            programs: programs.collect(),
        }
    }

    fn machine(&self) -> (Machine, ProgId) {
        let mut machine = machine();
        let instance = machine.instantiate(&self.maps, &self.programs);
        let id = instance.expect("loads").programs[0];
        (machine, id)
    }

    fn run(&self, budget: u64, form: Option<Form>) -> Seen {
        let (mut machine, id) = self.machine();
        machine.budget = budget;
        if let Some(form) = form {
            let compiled = form.compile(&mut machine).expect("compiled");
            machine.set_engine(Some(Box::new(compiled)));
        }
        seen(&mut machine, id)
    }

    /// Whether both engines agree in every form; what the interpreter says.
    #[track_caller]
    fn same(&self, budget: u64) -> Seen {
        let wanted = self.run(budget, None);
        for form in forms().filter(|form| form.may_run(&wanted.0)) {
            let mut got = self.run(budget, Some(form));
            if !form.options.meter {
                got.1 = wanted.1;
            }
            assert_eq!(got, wanted, "{form}, budget {budget}");
        }
        wanted
    }

    /// [`Case::same`] under every budget up to one that suffices.
    #[track_caller]
    fn same_under_every_budget(&self) -> Seen {
        let whole = self.same(1 << 25);
        let (mut machine, id) = self.machine();
        let (mut wanted, mut compiled) = (Vec::new(), Vec::new());
        for budget in 0..whole.1.min(3000) + 2 {
            machine.budget = budget;
            wanted.push(seen(&mut machine, id));
        }
        for form in forms().filter(|form| form.options.meter && form.may_run(&whole.0)) {
            let (mut machine, id) = self.machine();
            let code = form.compile(&mut machine).expect("compiled");
            machine.set_engine(Some(Box::new(code)));
            compiled.clear();
            for budget in 0..whole.1.min(3000) + 2 {
                machine.budget = budget;
                compiled.push(seen(&mut machine, id));
            }
            for (budget, (got, wanted)) in compiled.iter().zip(&wanted).enumerate() {
                assert_eq!(got, wanted, "{form}, budget {budget}");
            }
        }
        whole
    }
}

fn seen(machine: &mut Machine, id: ProgId) -> Seen {
    let ctx = machine.stack_top(7).offset(8u32.wrapping_neg());
    let result = machine.run(id, ctx);
    let executed = machine.executed();
    // What the program left on the stacks, which others find there.
    let stacks = (0..8).map(|depth| {
        let bottom = machine.stack_top(depth).offset(512u32.wrapping_neg());
        machine.space.bytes(bottom, 512).to_vec()
    });
    (result, executed, stacks.collect())
}

#[test]
fn loops() {
    let case = Case::of(
        "r1 = 10
        r0 = 0
    again:
        r0 += r1
        r1 += -1
        if r1 != 0 goto again
        exit",
    );
    assert_eq!(case.same_under_every_budget().0, Ok(55));
}

#[test]
fn calls_and_what_they_keep() {
    let case = Case::of(
        "r6 = 1
        r7 = 2
        r8 = 3
        r9 = 4
        *(u64 *)(r10 - 8) = 77
        r1 = 5
        r2 = r10
        call f
        r0 += r6
        r0 += r7
        r0 += r8
        r0 += r9
        r1 = *(u64 *)(r10 - 8)
        r0 += r1
        exit
    f:
        r6 = r1
        r7 = *(u64 *)(r2 - 8)
        r8 = 100
        r9 = 100
        *(u64 *)(r10 - 8) = r7
        *(u64 *)(r2 - 8) = 78
        r1 = 9
        call g
        r0 += r6
        r0 += r7
        exit
    g:
        r0 = r1
        r6 = 1000
        r1 = *(u64 *)(r10 - 16)
        r0 += r1
        exit",
    );
    assert_eq!(case.same_under_every_budget().0, Ok(9 + 5 + 77 + 10 + 78));
}

#[test]
fn recursion_ends_at_the_ninth_frame() {
    let case = Case::of("call f\nexit\nf:\nr0 = r10\ncall f\nexit");
    let (result, executed, _) = case.same_under_every_budget();
    assert_eq!(
        result.map_err(|t| t.kind),
        Err(TrapKind::CallDepth { most: 8 })
    );
    assert_eq!(executed, 1 + 2 * 7);
    let case = Case::of(
        "r6 = 7
        r1 = 7
        call f
        exit
    f:
        r0 = r1
        if r1 == 0 goto end
        r6 = r1
        r1 += -1
        if r1 == 0 goto end
        call f
        r0 += r6
    end:
        exit",
    );
    assert_eq!(case.same_under_every_budget().0, Ok(28));
}

#[test]
fn a_moved_frame_pointer_moves_nothing_but_itself() {
    let case = Case::of(
        "*(u64 *)(r10 - 8) = 7
        r10 += -64
        call f
        r10 += 64
        r1 = *(u64 *)(r10 - 8)
        r0 += r1
        exit
    f:
        *(u64 *)(r10 - 8) = 5
        r10 += -8
        r0 = *(u64 *)(r10 + 0)
        exit",
    );
    assert_eq!(case.same_under_every_budget().0, Ok(12));
}

const LOOP: &str = "r6 = 3
    r1 = 5
    r2 = subprog[body]
    r3 = r10
    r4 = 0
    *(u64 *)(r10 - 8) = 0
    call bpf_loop#181
    r0 += r6
    r1 = *(u64 *)(r10 - 8)
    r0 += r1
    exit
body:
    r6 = 1000
    r3 = *(u64 *)(r2 - 8)
    r3 += r1
    *(u64 *)(r2 - 8) = r3
    r0 = 0
    exit";

#[test]
fn callbacks() {
    let case = Case::of(LOOP);
    assert_eq!(case.same_under_every_budget().0, Ok(5 + 3 + 10));
    let stops = LOOP.replace("r0 = 0", "r0 = 0\nif r1 != 2 goto +1\nr0 = 1");
    assert_eq!(Case::of(&stops).same_under_every_budget().0, Ok(3 + 3 + 3));
}

#[test]
fn callbacks_in_callbacks() {
    let text = "r1 = 3
        r2 = subprog[outer]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        r7 = r0
        r1 = 2
        r2 = subprog[inner]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        r0 += r7
        exit
    outer:
        r6 = r1
        r1 = r6
        r2 = subprog[inner]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        call leaf
        r0 = 0
        exit
    inner:
        *(u64 *)(r10 - 8) = r1
        call leaf
        r0 = 0
        exit
    leaf:
        r0 = r10
        r1 = *(u64 *)(r0 - 16)
        exit";
    assert_eq!(Case::of(text).same_under_every_budget().0, Ok(5));
}

#[test]
fn traps_in_callbacks() {
    let value = Case::of(&LOOP.replace("r3 = *(u64 *)(r2 - 8)", "r3 = *(u64 *)(r1 + 3)"));
    let (result, ..) = value.same_under_every_budget();
    assert!(matches!(
        result.map_err(|t| t.kind),
        Err(TrapKind::Memory(_))
    ));
    let deep = Case::of(&LOOP.replace("r0 = 0", "call body"));
    let (result, ..) = deep.same_under_every_budget();
    assert_eq!(
        result.map_err(|t| t.kind),
        Err(TrapKind::CallDepth { most: 8 })
    );
}

#[test]
fn callbacks_that_call_back_for_ever() {
    let text = "call f
        exit
    f:
        r1 = 2
        r2 = subprog[g]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        exit
    g:
        call f
        r0 = 0
        exit";
    let (result, ..) = Case::of(text).same_under_every_budget();
    assert_eq!(
        result.map_err(|t| t.kind),
        Err(TrapKind::CallDepth { most: 8 })
    );
}

#[test]
fn what_is_no_callback() {
    let text = LOOP.replace("r2 = subprog[body]", "r2 = 0x123456789abcdef0 ll");
    let (result, ..) = Case::of(&text).same_under_every_budget();
    let value = 0x1234_5678_9abc_def0;
    assert_eq!(
        result.map_err(|t| t.kind),
        Err(TrapKind::NotAFunction { value })
    );
}

/// Linux's verifier is not told of the third argument, so nothing need have set it.
#[test]
fn an_argument_that_no_verifier_looks_at() {
    let text = |flags: u32| {
        format!(
            "r3 = {flags}
            call f
            r1 = r10
            r2 = 0
            call bpf_get_branch_snapshot#176
            exit
        f:
            r1 = r10
            r1 += -16
            r2 = 16
            call bpf_get_current_comm#16
            r1 = r10
            r1 += -8
            r2 = 8
            call bpf_trace_printk#6
            exit"
        )
    };
    let run = |flags| Case::of(&text(flags)).same_under_every_budget().0;
    assert_eq!(run(0), Ok(-2i64 as u64));
    assert_eq!(run(1), Ok(-22i64 as u64));
}

#[test]
fn tail_calls() {
    let entry = "r7 = 7
        r8 = r1
        r2 = map[fd:0]
        r3 = 1
        call bpf_tail_call#12
        exit";
    let target = "r0 = r7\nr2 = *(u64 *)(r1 + 0)\nr0 += 5\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit";
    let programs = [("entry", entry), ("target", target)];
    let case = Case::jumping(&programs, &[(1, "target")]);
    assert_eq!(case.same_under_every_budget().0, Ok(5));
    // Nowhere: every register is as before.
    let entry = "r1 = 1
        r4 = 4
        r5 = 5
        r6 = 6
        r0 = 10
        r3 = 9
        r2 = map[fd:0]
        call bpf_tail_call#12
        r0 += r1
        r0 += r3
        r0 += r4
        r0 += r5
        r0 += r6
        if r2 == 0 goto out
        exit
    out:
        r0 = 0
        exit";
    let case = Case::jumping(&[("entry", entry)], &[]);
    assert_eq!(case.same_under_every_budget().0, Ok(10 + 1 + 9 + 4 + 5 + 6));
}

#[test]
fn thirty_three_tail_calls() {
    let text = "
        r6 = map[fd:1][0]+0
        r0 = *(u64 *)(r6 +0)
        r0 += 1
        *(u64 *)(r6 +0) = r0
        r2 = map[fd:0]
        r3 = 0
        call bpf_tail_call#12
        r0 = *(u64 *)(r6 +0)
        exit";
    let case = Case::jumping(&[("again", text)], &[(0, "again")]);
    assert_eq!(case.same(1 << 20).0, Ok(34));
}

#[test]
fn a_tail_call_out_of_functions_and_callbacks() {
    let entry = "r6 = 1000
        *(u64 *)(r10 - 8) = 1
        call function
        r0 += r6
        r7 = r0
        r1 = 3
        r2 = subprog[function]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        r0 += r7
        r1 = *(u64 *)(r10 - 8)
        r0 += r1
        exit
    function:
        r6 = 2000
        r7 = 2000
        r2 = map[fd:0]
        r3 = 0
        call bpf_tail_call#12
        r0 = 1
        exit";
    let target = "r6 = 5\nr7 = 1\n*(u64 *)(r10 - 8) = 9\nr0 = 0\nexit";
    let programs = [("entry", entry), ("target", target)];
    let case = Case::jumping(&programs, &[(0, "target")]);
    assert_eq!(case.same_under_every_budget().0, Ok(1000 + 3 + 1));
}

/// A program that a tail call puts in a function's place may call as deep as one that
/// begins: the functions below are counted anew each time.
#[test]
fn tail_calls_out_of_functions_nest() {
    let text = "call a
        r0 += 1
        exit
    a:
        call b
        r0 += 1
        exit
    b:
        r6 = 2000
        *(u64 *)(r10 - 512) = r6
        r2 = map[fd:0]
        r3 = 0
        call bpf_tail_call#12
        r0 = *(u64 *)(r10 - 512)
        exit";
    let case = Case::jumping(&[("again", text)], &[(0, "again")]);
    assert_eq!(case.same_under_every_budget().0, Ok(2000 + 34 * 2));
}

/// The machine gets more stacks for the second program, the code of the first one
/// keeps those that it was made with.
#[test]
fn a_program_that_nests_is_loaded_after_compilation() {
    let entry = "r2 = map[fd:0]
        r1 = 6
        call down
        exit
    down:
        r0 = 0
        if r1 == 0 goto out
        r1 += -1
        call down
        r0 += 1
    out:
        exit";
    let nesting = "call f\nexit\nf:\nr2 = map[fd:0]\nr3 = 0\ncall bpf_tail_call#12\nexit";
    let case = Case::jumping(&[("entry", entry)], &[]);
    let (mut machine, id) = case.machine();
    let compiled = Compiled::new(&mut machine, &Options::default()).expect("compiled");
    let maps = [vm::MapId(0), vm::MapId(1)];
    let late = machine.load_program(&with_maps("late", nesting), &maps);
    assert_eq!(machine.last_frame(), 238, "{late:?}");
    assert_eq!(compiled.run(&mut machine, id, Addr::NULL), Ok(6));
    assert_eq!(machine.interpret(id, [0; 5]), Ok(6));
    machine.clear();
    assert_eq!(machine.last_frame(), 7);
}

#[test]
fn a_map_that_is_no_program_array() {
    let entry = "r2 = map[fd:1]\nr3 = 0\ncall bpf_tail_call#12\nexit";
    let case = Case::jumping(&[("entry", entry)], &[]);
    let (result, ..) = case.same_under_every_budget();
    let kind = result.expect_err("no program array").kind;
    assert!(matches!(kind, TrapKind::Argument { arg: 2, .. }), "{kind}");
}

#[test]
fn what_was_loaded_after_compilation() {
    let entry = "r2 = map[fd:0]\nr3 = 0\ncall bpf_tail_call#12\nr0 = 1\nexit";
    let case = Case::jumping(&[("entry", entry)], &[]);
    let (mut machine, id) = case.machine();
    let compiled = Compiled::new(&mut machine, &Options::default()).expect("compiled");
    let late = machine.load_program(&with_maps("late", "r0 = 2\nexit"), &[]);
    let late = late.expect("loads");
    assert_eq!(vm::Engine::programs(&compiled), 1);
    assert_eq!((id, late), (ProgId(0), ProgId(1)));
    assert_eq!(compiled.run(&mut machine, id, Addr::NULL), Ok(1));
    let filled = machine.map_update(vm::MapId(0), &[0; 4], &late.0.to_le_bytes(), 0);
    filled.expect("room");
    assert_eq!(machine.interpret(id, [0; 5]), Ok(2));
    let trap = compiled.run(&mut machine, id, Addr::NULL);
    let kind = trap.expect_err("was not there").kind;
    assert!(matches!(kind, TrapKind::Unsupported { .. }), "{kind}");
    machine.set_engine(Some(Box::new(compiled)));
    assert_eq!(machine.run(late, Addr::NULL), Ok(2));
}

#[test]
fn packet_loads_end_the_function_that_makes_them() {
    let text = "r6 = r1
        r0 = 1
        call f
        r0 += 5
        exit
    f:
        r6 = r1
        r0 = *(u8 *)skb[100]
        r0 += 7
        exit";
    let case = Case::of(text);
    assert_eq!(case.same_under_every_budget().0, Ok(5));
}

#[test]
fn two_machines_in_turn() {
    let text = "r0 = *(u64 *)(r1 + 0)\nr0 += 1\n*(u64 *)(r1 + 0) = r0\nexit";
    let options = Options {
        mode: Mode::Sandboxed,
        ..Options::default()
    };
    let mut both = [(); 2].map(|()| {
        let (mut machine, id) = Case::of(text).machine();
        let compiled = Compiled::new(&mut machine, &options).expect("compiled");
        (machine, id, compiled)
    });
    for round in 0..5 {
        for (at, (machine, id, compiled)) in both.iter_mut().enumerate() {
            let ctx = machine.stack_top(7).offset(8u32.wrapping_neg());
            for inner in 1..=at as u64 + 1 {
                let wanted = round * (at as u64 + 1) + inner;
                assert_eq!(compiled.run(machine, *id, ctx), Ok(wanted));
            }
        }
    }
}
