//! What the program type asks of the program. The answers are those of Linux
//! 6.18.

use abi::{AttachType, ProgType, Program};

use crate::common::{EXIT, ZERO, of, verdict};

fn program(prog_type: ProgType, sleepable: bool) -> Program {
    let mut program = of([ZERO, EXIT]);
    program.prog_type = prog_type;
    program.flags.sleepable = sleepable;
    program
}

#[test]
fn only_some_types_may_sleep() {
    let linux = "EINVAL Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs \
                 can be sleepable";
    for prog_type in [ProgType::Xdp, ProgType::Tracepoint, ProgType::SchedCls] {
        assert_eq!(verdict(&program(prog_type, true)), linux);
        assert_eq!(verdict(&program(prog_type, false)), "ok");
    }
    assert_eq!(verdict(&program(ProgType::Kprobe, true)), "ok");
    assert_eq!(verdict(&program(ProgType::Syscall, true)), "ok");
    assert_eq!(
        verdict(&program(ProgType::Syscall, false)),
        "EINVAL Syscall programs can only be sleepable"
    );
}

#[test]
fn tracing_programs_attach_to_something() {
    let mut tracing = program(ProgType::Tracing, false);
    tracing.attach_type = Some(AttachType::TraceFentry);
    let linux = "EINVAL Tracing programs must provide btf_id";
    assert_eq!(verdict(&tracing), linux);
    tracing.attach_target = "schedule".to_owned();
    assert_eq!(verdict(&tracing), "ok");
}

#[test]
fn operations_of_the_kernel_are_under_its_licence() {
    let mut operation = program(ProgType::StructOps, false);
    operation.license = "MIT".to_owned();
    let linux = "EINVAL struct ops programs must have a GPL compatible license";
    assert_eq!(verdict(&operation), linux);
    operation.license = "Dual MIT/GPL".to_owned();
    assert_eq!(verdict(&operation), "ok");
}

/// The check comes after reachability.
#[test]
fn unreachable_code_comes_first() {
    let mut xdp = of([ZERO, EXIT, EXIT]);
    xdp.prog_type = ProgType::Xdp;
    xdp.flags.sleepable = true;
    assert_eq!(verdict(&xdp), "EINVAL unreachable insn 2");
}
