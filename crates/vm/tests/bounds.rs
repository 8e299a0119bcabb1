//! Accesses out of bounds: each is a trap that says what was missed.

mod support;

use abi::{Initial, MapFlags, MapKind, MapType};
use support::{load, machine, map, with_maps};
use vm::{Addr, Instance, Machine};

/// Runs a program of an instance; `r0`, or the sentence of the trap.
fn run(machine: &mut Machine, instance: &Instance, program: usize) -> Result<u64, String> {
    let result = machine.run(instance.programs[program], Addr::NULL);
    result.map_err(|trap| machine.explain(&trap))
}

#[test]
fn traps_say_what_was_missed() {
    let cases = [
        (
            "r0 = *(u32 *)(r1 +8)\nexit",
            "read of 4 bytes at 0x8, which is a NULL pointer or a number",
        ),
        (
            "r0 = *(u64 *)(r10 -4)\nexit",
            "read of 8 bytes at 0x2101fc, 4 bytes past the end of the stack of frame 0",
        ),
        (
            "*(u8 *)(r10 -513) = 1\nexit",
            "write of 1 byte at 0x20ffff, 1 byte before the stack of frame 0",
        ),
        (
            "r0 = 0x5500000000\n*(u16 *)(r0 +0) = 1\nexit",
            "write of 2 bytes at 0x5500000000, which is not an address",
        ),
        (
            "r0 = 0x70000000 ll\nr0 = *(u16 *)(r0 +0)\nexit",
            "read of 2 bytes at 0x70000000, where nothing is, or is any more",
        ),
        (
            "r0 = 0x10010 ll\nr0 = *(u16 *)(r0 +0)\nexit",
            "read of 2 bytes at 0x10010, which stands for a map and is not memory",
        ),
    ];
    for (text, message) in cases {
        let mut machine = machine();
        let id = load(&mut machine, text);
        let trap = machine.run(id, Addr::NULL).expect_err(text);
        let trap = machine.explain(&trap);
        let (_, why) = trap.split_once(": ").expect("program and place");
        assert_eq!(why, message, "{text}");
    }
}

#[test]
fn a_value_ends_where_the_next_one_begins() {
    let array = map("values", MapType::Array, 4, 12, 4);
    let text = |offset: i32| {
        let text = format!(
            "*(u32 *)(r10 -4) = 2
            r1 = map[fd:0]
            r2 = r10
            r2 += -4
            call bpf_map_lookup_elem#1
            r0 = *(u32 *)(r0 {offset:+})
            exit"
        );
        with_maps("p", &text)
    };
    let programs = [text(8), text(9), text(-4)];
    let mut machine = machine();
    let instance = machine.instantiate(&[array], &programs).expect("loads");
    let key = 2_u32.to_le_bytes();
    let value = [7; 12];
    let updated = machine.map_update(instance.maps[0], &key, &value, 0);
    assert_eq!(updated, Ok(()));
    assert_eq!(run(&mut machine, &instance, 0), Ok(0x0707_0707));
    let why = run(&mut machine, &instance, 1).expect_err("across the end");
    assert!(
        why.ends_with(", 1 byte past the end of the value of map values (element 2)"),
        "{why}"
    );
    assert!(run(&mut machine, &instance, 2).is_err());
}

#[test]
fn constants_stay() {
    let mut constants = map(".rodata", MapType::Array, 4, 4, 1);
    constants.kind = MapKind::Rodata;
    constants.flags = MapFlags::RDONLY_PROG;
    constants.initial = Initial::Bytes(vec![9, 0, 0, 0]);
    let write = "r1 = map[fd:0][0]+0\n*(u8 *)(r1 +1) = 1\nr0 = 0\nexit";
    let beyond = "r1 = map[fd:0][0]+0\nr0 = *(u64 *)(r1 +0)\nexit";
    let programs = [with_maps("write", write), with_maps("beyond", beyond)];
    let mut machine = machine();
    let instance = machine.instantiate(&[constants], &programs).expect("loads");
    let why = run(&mut machine, &instance, 0).expect_err("constants");
    assert!(
        why.starts_with("program write, insn 2: write of 1 byte at 0x")
            && why.ends_with(", the value of map .rodata may not be written"),
        "{why}"
    );
    let why = run(&mut machine, &instance, 1).expect_err("too long");
    assert!(
        why.ends_with(", 4 bytes past the end of the value of map .rodata"),
        "{why}"
    );
}

#[test]
fn half_a_key_is_none() {
    let array = map("values", MapType::Array, 4, 8, 4);
    let text = "
        r1 = map[fd:0]
        r2 = r10
        r2 += -2
        call bpf_map_lookup_elem#1
        exit";
    let mut machine = machine();
    let instance = machine
        .instantiate(&[array], &[with_maps("p", text)])
        .expect("loads");
    let why = run(&mut machine, &instance, 0).expect_err("half a key");
    assert!(
        why.ends_with(", 2 bytes past the end of the stack of frame 0"),
        "{why}"
    );
}
