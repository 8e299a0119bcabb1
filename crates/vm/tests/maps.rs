//! Programs and maps together: instances, tail calls, global data.

mod support;

use abi::{Errno, Initial, InitialEntry, MapFlags, MapKind, MapType};
use support::{machine, map, with_maps};
use vm::{Addr, Error, Instance, LoadError, Machine};

fn run(machine: &mut Machine, instance: &Instance, program: usize) -> Result<u64, String> {
    let result = machine.run(instance.programs[program], Addr::NULL);
    result.map_err(|trap| machine.explain(&trap))
}

#[test]
fn tail_calls_go_through_the_array_and_fall_through_where_it_is_empty() {
    let mut array = map("jumps", MapType::ProgArray, 4, 4, 4);
    array.initial = Initial::Entries(vec![
        InitialEntry::Program {
            slot: 1,
            program: "target".to_owned(),
        },
        InitialEntry::Program {
            slot: 2,
            program: "not given".to_owned(),
        },
    ]);
    let entry = |slot: u32| {
        let text = format!(
            "r7 = 7
            r2 = map[fd:0]
            r3 = {slot}
            call bpf_tail_call#12
            r0 = 100
            exit"
        );
        with_maps("entry", &text)
    };
    let target = with_maps("target", "r0 = r7\nr0 += 5\nexit");
    let programs = [entry(0), entry(1), entry(2), entry(9), target];
    let mut machine = machine();
    let instance = machine.instantiate(&[array], &programs).expect("loads");
    assert_eq!(run(&mut machine, &instance, 0), Ok(100));
    assert_eq!(run(&mut machine, &instance, 1), Ok(5), "r7 starts at 0");
    assert_eq!(machine.executed(), 4 + 3);
    assert_eq!(run(&mut machine, &instance, 2), Ok(100));
    assert_eq!(run(&mut machine, &instance, 3), Ok(100));
}

#[test]
fn thirty_three_tail_calls_and_no_more() {
    let mut array = map("jumps", MapType::ProgArray, 4, 4, 1);
    array.initial = Initial::Entries(vec![InitialEntry::Program {
        slot: 0,
        program: "again".to_owned(),
    }]);
    let counter = map("counter", MapType::Array, 4, 8, 1);
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
    let mut machine = machine();
    let programs = [with_maps("again", text)];
    let instance = machine
        .instantiate(&[array, counter], &programs)
        .expect("loads");
    assert_eq!(run(&mut machine, &instance, 0), Ok(34));
}

#[test]
fn a_tail_call_out_of_a_function_returns_to_its_caller() {
    let mut array = map("jumps", MapType::ProgArray, 4, 4, 1);
    array.initial = Initial::Entries(vec![InitialEntry::Program {
        slot: 0,
        program: "target".to_owned(),
    }]);
    let entry = "
        r6 = 1000
        call function
        r0 += r6
        exit
    function:
        r2 = map[fd:0]
        r3 = 0
        call bpf_tail_call#12
        r0 = 1
        exit";
    let target = "r6 = 5\nr0 = 20\nexit";
    let programs = [with_maps("entry", entry), with_maps("target", target)];
    let mut machine = machine();
    let instance = machine.instantiate(&[array], &programs).expect("loads");
    assert_eq!(run(&mut machine, &instance, 0), Ok(1020));
}

#[test]
fn a_map_that_is_no_program_array_is_a_trap() {
    let array = map("values", MapType::Array, 4, 8, 1);
    let text = "r2 = map[fd:0]\nr3 = 0\ncall bpf_tail_call#12\nr0 = 0\nexit";
    let mut machine = machine();
    let instance = machine
        .instantiate(&[array], &[with_maps("p", text)])
        .expect("loads");
    assert_eq!(
        run(&mut machine, &instance, 0),
        Err("program p, insn 3: argument 2 of bpf_tail_call: not a program array".to_owned())
    );
}

#[test]
fn global_data_is_there_and_constants_stay() {
    let mut data = map(".data", MapType::Array, 4, 8, 1);
    data.kind = MapKind::Data;
    data.initial = Initial::Bytes(vec![1, 0, 0, 0, 2, 0, 0, 0]);
    let mut constants = map(".rodata", MapType::Array, 4, 4, 1);
    constants.kind = MapKind::Rodata;
    constants.flags = MapFlags::RDONLY_PROG;
    constants.initial = Initial::Bytes(vec![9, 0, 0, 0]);
    let read = "
        r1 = map[fd:0][0]+4
        r2 = map[fd:1][0]+0
        r0 = *(u32 *)(r1 +0)
        r3 = *(u32 *)(r2 +0)
        r0 += r3
        *(u32 *)(r1 +0) = r0
        exit";
    let mut machine = machine();
    let instance = machine
        .instantiate(&[data, constants], &[with_maps("read", read)])
        .expect("loads");
    assert_eq!(run(&mut machine, &instance, 0), Ok(11));
    assert_eq!(run(&mut machine, &instance, 0), Ok(20));
    let frozen = machine.map_update(instance.maps[1], &[0; 4], &[0; 4], 0);
    assert_eq!(frozen, Err(Errno::EPERM));
}

#[test]
fn a_look_up_gives_a_value_or_null() {
    let array = map("values", MapType::Array, 4, 8, 4);
    let text = |key: i64| {
        let text = format!(
            "r1 = {key}
            *(u32 *)(r10 -4) = r1
            r1 = map[fd:0]
            r2 = r10
            r2 += -4
            call bpf_map_lookup_elem#1
            exit"
        );
        with_maps("p", &text)
    };
    let programs = [text(0), text(3), text(4), text(-1)];
    let mut machine = machine();
    let instance = machine.instantiate(&[array], &programs).expect("loads");
    let first = run(&mut machine, &instance, 0).expect("an address");
    assert_eq!(run(&mut machine, &instance, 1), Ok(first + 24));
    assert_eq!(run(&mut machine, &instance, 2), Ok(0));
    assert_eq!(run(&mut machine, &instance, 3), Ok(0));
}

#[test]
fn maps_hold_maps_from_the_start() {
    let inner = map("inner", MapType::Array, 4, 8, 1);
    let mut outer = map("outer", MapType::ArrayOfMaps, 4, 4, 2);
    outer.inner = Some(Box::new(inner.clone()));
    outer.initial = Initial::Entries(vec![InitialEntry::Map { slot: 1, map: 0 }]);
    let text = "
        *(u32 *)(r10 -4) = 1
        r1 = map[fd:1]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem#1
        r6 = map[fd:0]
        r0 -= r6
        exit";
    let mut machine = machine();
    let instance = machine
        .instantiate(&[inner, outer], &[with_maps("p", text)])
        .expect("loads");
    assert_eq!(run(&mut machine, &instance, 0), Ok(0));
}

#[test]
fn references_that_lead_nowhere_are_errors() {
    let mut machine = machine();
    let program = with_maps("p", "r1 = map[fd:3]\nr0 = 0\nexit");
    let result = machine.instantiate(&[], &[program]);
    assert!(matches!(
        result,
        Err(Error::Load(LoadError::Map { number: 3, .. }))
    ));
    let mut outer = map("outer", MapType::ArrayOfMaps, 4, 4, 2);
    outer.inner = Some(Box::new(map("inner", MapType::Array, 4, 8, 1)));
    outer.initial = Initial::Entries(vec![InitialEntry::Map { slot: 1, map: 7 }]);
    let result = machine.instantiate(&[outer], &[]);
    assert!(matches!(
        result,
        Err(Error::Load(LoadError::Initial { slot: 1, .. }))
    ));
}

#[test]
fn the_system_call_s_side_checks_sizes() {
    let mut machine = machine();
    let array = map("values", MapType::Array, 4, 8, 2);
    let instance = machine.instantiate(&[array], &[]).expect("a map");
    let id = instance.maps[0];
    assert_eq!(machine.map_by_name("values"), Some(id));
    assert_eq!(machine.map_lookup(id, &[0; 3]), Err(Errno::EINVAL));
    assert_eq!(machine.map_lookup(id, &[0; 4]), Ok(vec![0; 8]));
    assert_eq!(machine.map_next_key(id, None), Ok(vec![0; 4]));
    assert_eq!(
        machine.map_next_key(id, Some(&[0; 4])),
        Ok(vec![1, 0, 0, 0])
    );
    assert_eq!(
        machine.map_next_key(id, Some(&[1, 0, 0, 0])),
        Err(Errno::ENOENT)
    );
    let entries = machine.map_entries(id).expect("entries");
    assert_eq!(entries.len(), 2);
}
