//! What an acceptance tells engines.

use std::sync::Arc;

use abi::proven::{Access, Call, Flow, Memory};
use abi::{MapDef, MapType, ProgType, Program, Proven};
use isa::Pc;
use verifier::{Config, Verdict, verify};

fn proven(text: &str, maps: &[MapDef]) -> Proven {
    let code = isa::asm::assemble(text).expect("the text of a test");
    let program = Program {
        maps: Arc::from(maps),
        ..Program::bare(ProgType::SocketFilter, code.slots().to_vec())
    };
    match verify(&program, &Config::default(), None) {
        Verdict::Accepted(acceptance) => acceptance.into_proven(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_path_comes_to_is_dead() {
    let proven = proven(
        "
        r6 = 1
        if r6 == 1 goto +1
        r6 = 2
        call 7
        if r0 == 5 goto +0
        r0 = 0
        exit
        ",
        &[],
    );
    let flow = |reached, falls, jumps| Flow {
        reached,
        falls,
        jumps,
    };
    assert_eq!(proven.flow(Pc(1)), flow(true, false, true));
    assert_eq!(proven.flow(Pc(2)), flow(false, false, false));
    assert_eq!(proven.flow(Pc(4)), flow(true, true, true));
    assert_eq!(proven.flow(Pc(5)), flow(true, false, false));
}

#[test]
fn accesses_have_kind_and_bounds() {
    let proven = proven(
        "
        r2 = *(u32 *)(r1 +0)
        r2 &= 7
        r3 = r10
        r3 += -16
        r3 += r2
        *(u64 *)(r10 -16) = 0
        *(u64 *)(r10 -8) = 0
        *(u8 *)(r3 +1) = 3
        r0 = 0
        exit
        ",
        &[],
    );
    let access = |memory, low, high| Some(Access { memory, low, high });
    assert_eq!(proven.access(Pc(0)), access(Memory::Context, 0, 0));
    assert_eq!(proven.access(Pc(5)), access(Memory::Stack, -16, -16));
    assert_eq!(proven.access(Pc(7)), access(Memory::Stack, -15, -8));
    assert_eq!(proven.access(Pc(8)), None);
    assert_eq!(proven.stack_depths(), [16]);
}

#[test]
fn calls_have_map_and_key_where_all_paths_agree() {
    let array = MapDef::bare(MapType::Array, 4, 8, 3);
    let proven = proven(
        "
        call 7
        r6 = r0
        *(u32 *)(r10 -8) = 2
        r2 = r10
        r2 += -8
        r1 = map[idx:0]
        call 1
        *(u64 *)(r0 +0) = 1
        *(u32 *)(r10 -8) = 7
        r1 = map[idx:0]
        if r6 == 1 goto +2
        r1 = map[idx:1]
        r2 = r10
        r2 += -8
        call 1
        r0 = 0
        exit
        ",
        &[array.clone(), array],
    );
    assert_eq!(
        proven.call(Pc(7)),
        Call {
            map: Some(0),
            key: Some(2)
        }
    );
    assert_eq!(proven.call(Pc(17)), Call::default());
}
