//! Functions that `freplace` programs take the places of.

#![allow(clippy::unwrap_used, reason = "a test says so and ends")]

use std::path::Path;

use abi::Program;
use isa::Pc;
use loader::{ExtensionError, Object, fits_dispatcher, replace_function};

fn program(object: &str, name: &str) -> Program {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let bytes = std::fs::read(corpus.join(object)).unwrap();
    let object = Object::parse(&bytes, &Default::default()).unwrap();
    object.program(name).unwrap()
}

fn names(program: &Program) -> Vec<&str> {
    let functions = program.functions.iter();
    functions.map(|function| function.name.as_str()).collect()
}

#[test]
fn both_are_one_program() {
    let filter = program("scenarios/policy.bpf.o", "filter");
    let strict = program("scenarios/stricter.bpf.o", "strict");
    let linked = replace_function(&filter, "policy", &strict).unwrap();
    assert_eq!(linked.name, "filter");
    assert_eq!(names(&filter), ["filter", "other", "policy"]);
    assert_eq!(names(&linked), ["filter", "other", "strict", "private_net"]);
    assert_eq!(linked.maps.len(), filter.maps.len() + strict.maps.len());
    // Each function begins where the one before it ends, and has its own type.
    let btf = linked.btf.as_deref().unwrap();
    let mut next = Pc(0);
    for (function, info) in linked.functions.iter().zip(&linked.func_info) {
        assert_eq!((function.start, info.pc), (next, next));
        assert_eq!(btf.name(info.type_id), function.name);
        next = Pc(next.0 + function.len);
    }
    assert_eq!(next.0 as usize, linked.code.len());
    // The map of the extension is behind those of the program.
    let first = filter.maps.len() as i32;
    let own = linked.functions[2].start.0 as usize..;
    let named = |slot: &&isa::Slot| slot.opcode == 0x18 && slot.src == 5;
    let maps: Vec<i32> = linked.code[own]
        .iter()
        .filter(named)
        .map(|slot| slot.imm)
        .collect();
    let refused = strict
        .maps
        .iter()
        .position(|map| map.name == "refused")
        .unwrap();
    assert_eq!(maps, [first + refused as i32; 2]);
    let line = linked.line_at(linked.functions[2].start).unwrap();
    assert_eq!(
        btf.str(line.file_name_off).unwrap().rsplit('/').next(),
        Some("stricter.bpf.c")
    );
}

#[test]
fn a_whole_program_leaves_nothing_of_the_other() {
    let filter = program("scenarios/policy.bpf.o", "filter");
    let reflect = program("scenarios/stricter.bpf.o", "reflect");
    let linked = replace_function(&filter, "filter", &reflect).unwrap();
    assert_eq!(names(&linked), ["reflect"]);
    assert_eq!(linked.code, reflect.code);
    fits_dispatcher(&reflect).unwrap();
}

#[test]
fn static_functions_stay() {
    let strict = program("scenarios/stricter.bpf.o", "strict");
    let filter = program("scenarios/policy.bpf.o", "filter");
    let linked = replace_function(&filter, "policy", &strict).unwrap();
    let error = replace_function(&linked, "private_net", &strict).unwrap_err();
    let function = "private_net".to_owned();
    assert_eq!(error, ExtensionError::Static { function });
    let error = replace_function(&strict, "private_net", &strict).unwrap_err();
    assert!(matches!(error, ExtensionError::Nested { .. }), "{error}");
}
