//! Programs written as text, run by the machine.

mod support;

use support::{load, machine, program};
use vm::{Addr, ProgId, TrapKind};

/// Runs a program without context; `r0`, or the sentence of the trap.
fn run(text: &str) -> Result<u64, String> {
    let mut machine = machine();
    let id = load(&mut machine, text);
    let result = machine.run(id, Addr::NULL);
    result.map_err(|trap| machine.explain(&trap))
}

#[test]
fn arithmetic() {
    assert_eq!(run("r0 = 7\nr0 *= 6\nexit"), Ok(42));
    let text = "r0 = 0x1122334455667788\nr0 = be32 r0\nexit";
    assert_eq!(run(text), Ok(0x8877_6655));
}

#[test]
fn the_stack_reads_as_zero_after_other_runs() {
    let mut machine = machine();
    let writer = load(
        &mut machine,
        "*(u64 *)(r10 -8) = 5\nr0 = *(u64 *)(r10 -8)\nexit",
    );
    let reader = load(
        &mut machine,
        "r1 = r10\nr1 += -8\nr0 = *(u64 *)(r1 +0)\nexit",
    );
    assert_eq!(machine.run(writer, Addr::NULL), Ok(5));
    assert_eq!(machine.run(reader, Addr::NULL), Ok(0));
}

#[test]
fn calls_keep_r6_to_r9_and_give_each_function_a_stack() {
    let text = "
        r6 = 1
        *(u64 *)(r10 -8) = 100
        call function
        r0 += r6
        r1 = *(u64 *)(r10 -8)
        r0 += r1
        exit
    function:
        r6 = 2
        *(u64 *)(r10 -8) = 200
        r0 = 10
        exit";
    assert_eq!(run(text), Ok(111));
}

#[test]
fn eight_frames_and_no_more() {
    // Counts r1 down and calls itself.
    let text = |depth: u32| {
        format!(
            "r1 = {depth}
            call function
            exit
        function:
            r0 = 0
            if r1 == 0 goto out
            r1 += -1
            call function
            r0 += 1
        out:
            exit"
        )
    };
    assert_eq!(run(&text(6)), Ok(6));
    let message = "program test, insn 6: more than 8 call frames";
    assert_eq!(run(&text(7)), Err(message.to_owned()));
}

#[test]
fn the_budget_is_exact() {
    let text = "r1 = 10
    again:
        r1 += -1
        if r1 != 0 goto again
        r0 = 0
        exit";
    for budget in 0..30 {
        let mut machine = machine();
        let id = load(&mut machine, text);
        machine.budget = budget;
        let result = machine.run(id, Addr::NULL);
        if budget < 23 {
            let trap = result.expect_err("too little");
            assert_eq!(trap.kind, TrapKind::Budget { limit: budget });
            assert_eq!(machine.executed(), budget);
        } else {
            assert_eq!(result, Ok(0));
            assert_eq!(machine.executed(), 23);
        }
    }
}

#[test]
fn callbacks_count_frames_and_instructions() {
    let text = "r1 = 5
        r2 = subprog[body]
        r3 = 0
        r4 = 0
        call bpf_loop#181
        exit
    body:
        r0 = 0
        exit";
    let mut machine = machine();
    let id = load(&mut machine, text);
    assert_eq!(machine.run(id, Addr::NULL), Ok(5));
    assert_eq!(machine.executed(), 6 + 5 * 2);
    machine.budget = 15;
    let trap = machine.run(id, Addr::NULL).expect_err("one too many");
    assert_eq!(trap.kind, TrapKind::Budget { limit: 15 });
    assert_eq!(machine.executed(), 15);
    machine.budget = 16;
    assert_eq!(machine.run(id, Addr::NULL), Ok(5));
}

#[test]
fn may_goto_ends_after_linux_s_number_of_iterations() {
    let text = "r0 = 0
    again:
        may_goto out
        r0 += 1
        goto again
    out:
        exit";
    assert_eq!(run(text), Ok(8 << 20));
}

#[test]
fn poisoned_calls_trap_only_when_reached() {
    let text = |taken: u32| {
        format!(
            "r0 = {taken}
            if r0 == 0 goto pc+1
            call 195896080
            exit"
        )
    };
    assert_eq!(run(&text(0)), Ok(0));
    let message = "program test, insn 2: use of a CO-RE relocation that could not be satisfied";
    assert_eq!(run(&text(1)), Err(message.to_owned()));
}

#[test]
fn programs_have_numbers_and_names() {
    let mut machine = machine();
    let first = load(&mut machine, "r0 = 1\nexit");
    let second = load(&mut machine, "r0 = 2\nexit");
    assert_eq!((first, second), (ProgId(0), ProgId(1)));
    assert_eq!(machine.run(second, Addr::NULL), Ok(2));
    assert_eq!(machine.program_name(first), Some("test"));
}

#[test]
fn structure_is_checked_when_a_program_is_loaded() {
    let mut machine = machine();
    for text in ["r0 = 0", "goto pc+1\nexit", "call pc+7\nexit"] {
        let error = machine.load_program(&program(text), &[]).expect_err(text);
        assert!(error.to_string().starts_with("program test: "), "{error}");
    }
    let mut empty = program("exit");
    empty.code.clear();
    assert!(machine.load_program(&empty, &[]).is_err());
}

#[test]
fn missing_helpers_are_reported_when_a_program_is_loaded() {
    let mut machine = machine();
    let mut error = |text: &str| {
        let error = machine.load_program(&program(text), &[]);
        error.expect_err(text).to_string()
    };
    assert_eq!(
        error("r0 = 0\ncall 4000\nexit"),
        "program test: insn 1: helper number 4000 is not simulated"
    );
    assert_eq!(
        error("call bpf_override_return#58\nexit"),
        "program test: insn 0: Linux does not offer helper bpf_override_return to xdp programs"
    );
}
