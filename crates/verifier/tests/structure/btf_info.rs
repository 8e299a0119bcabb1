//! `func_info` and `line_info`. The answers are those of Linux 6.18 to the same
//! programs.

use std::sync::Arc;

use abi::{FuncInfo, LineInfo, Program};
use btf::build::{BtfBuilder, Encoding};
use btf::{Btf, Kind, Linkage, TypeId};
use isa::{Pc, Slot};
use verifier::Config;
use verifier::structure;

use crate::common::{EXIT, ZERO, call, of, slot, verdict, wide};

/// The types that the tests need.
struct Types {
    btf: Arc<Btf>,
    int: TypeId,
    /// Functions that return nothing, a pointer, 16 bytes.
    others: [TypeId; 3],
    /// Functions that return `int`, `long`, an enum, `const myint`.
    main: TypeId,
    numbers: [TypeId; 3],
    global: TypeId,
    file: u32,
    line: u32,
}

fn types() -> Types {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, Encoding::Signed);
    let returning = |b: &mut BtfBuilder, name: &str, ret, linkage| {
        let proto = b.func_proto(ret, &[]);
        b.func(name, proto, linkage)
    };
    let internal = |b: &mut BtfBuilder, ret| returning(b, "f", ret, Linkage::Static);
    let pointer = b.ptr(TypeId::VOID);
    let long = b.int("long", 8, Encoding::Signed);
    let wide = b.int("__int128", 16, Encoding::Signed);
    let choice = b.enum_("choice", 4, false, &[("A", 0)]);
    let alias = b.typedef("myint", int);
    let constant = b.alias(Kind::Const, "", alias);
    let others = [TypeId::VOID, pointer, wide].map(|ret| internal(&mut b, ret));
    let numbers = [long, choice, constant].map(|ret| internal(&mut b, ret));
    let main = internal(&mut b, int);
    let proto = b.func_proto(int, &[]);
    let global = b.func("glob", proto, Linkage::Global);
    let (file, line) = (b.string("file.c"), b.string("line"));
    Types {
        btf: Arc::new(b.finish().expect("BTF")),
        int,
        others,
        main,
        numbers,
        global,
        file,
        line,
    }
}

fn func_info(records: &[(u32, TypeId)]) -> Vec<FuncInfo> {
    let record = |(pc, type_id): &(u32, TypeId)| FuncInfo {
        pc: Pc(*pc),
        type_id: *type_id,
    };
    records.iter().map(record).collect()
}

const CALLING: [Slot; 4] = [
    Slot {
        opcode: 0x85,
        src: 1,
        imm: 1,
        ..ZERO
    },
    EXIT,
    ZERO,
    EXIT,
];

#[test]
fn func_info_names_every_function() {
    let t = types();
    let bad = TypeId(999);
    let cases: [(&[(u32, TypeId)], &str); 9] = [
        (&[(0, t.main), (2, t.main)], "ok"),
        (
            &[(1, t.main), (2, t.main)],
            "EINVAL nonzero insn_off 1 for the first func info record",
        ),
        (
            &[(0, t.main), (0, t.main)],
            "EINVAL same or smaller insn offset (0) than previous func info record (0)",
        ),
        (
            &[(0, t.int), (2, t.main)],
            "EINVAL invalid type id 1 in func info",
        ),
        (
            &[(0, bad), (2, t.main)],
            "EINVAL invalid type id 999 in func info",
        ),
        (
            &[(0, t.main), (3, t.main)],
            "EINVAL func_info BTF section doesn't match subprog layout in BPF program",
        ),
        (
            &[(0, t.main)],
            "EINVAL number of funcs in func_info doesn't match number of subprogs",
        ),
        (
            &[(0, t.main), (2, t.main), (3, t.main)],
            "EINVAL number of funcs in func_info doesn't match number of subprogs",
        ),
        (
            &[(0, t.main), (2, t.main), (100, t.main)],
            "EINVAL number of funcs in func_info doesn't match number of subprogs",
        ),
    ];
    for (records, linux) in cases {
        let program = Program {
            btf: Some(t.btf.clone()),
            func_info: func_info(records),
            ..of(CALLING)
        };
        assert_eq!(verdict(&program), linux, "{records:?}");
    }
}

/// The shape of `func_info` comes before everything, its contents after jumps.
#[test]
fn func_info_is_looked_at_twice() {
    let t = types();
    let outside = [call(100), EXIT];
    let far = [slot(0x05, 0, 0, 50, 0), EXIT];
    let cases = [
        (
            outside,
            (1, t.main),
            "EINVAL nonzero insn_off 1 for the first func info record",
        ),
        (outside, (0, t.int), "EINVAL invalid type id 1 in func info"),
        (
            far,
            (0, t.main),
            "EINVAL jump out of range from insn 0 to 51",
        ),
    ];
    for (slots, record, linux) in cases {
        let program = Program {
            btf: Some(t.btf.clone()),
            func_info: func_info(&[record, (1, t.main)]),
            ..of(slots)
        };
        let program = if record.1 == t.int || record.0 == 1 {
            Program {
                func_info: func_info(&[record]),
                ..program
            }
        } else {
            program
        };
        assert_eq!(verdict(&program), linux);
    }
}

#[test]
fn functions_learn_their_name_and_linkage() {
    let t = types();
    let program = Program {
        btf: Some(t.btf.clone()),
        func_info: func_info(&[(0, t.main), (2, t.global)]),
        ..of(CALLING)
    };
    let structure = structure::analyze(&program, &Config::default()).expect("fine");
    let [main, global] = structure.subprograms.as_slice() else {
        panic!("two functions");
    };
    assert_eq!(main.name.as_deref(), Some("f"));
    assert!(!main.global);
    assert_eq!(global.name.as_deref(), Some("glob"));
    assert!(global.global);
    assert_eq!((global.start, global.end), (Pc(2), Pc(4)));
    assert_eq!(global.func, Some(t.global));
    assert_eq!(structure.subprogram_at(Pc(3)), Some(1));
    assert_eq!(structure.subprogram_starting_at(Pc(2)), Some(1));
    assert_eq!(structure.subprogram_starting_at(Pc(3)), None);
}

#[test]
fn only_functions_that_return_numbers_may_end_early() {
    let t = types();
    let tail_call = [ZERO, slot(0x85, 0, 0, 0, 12), ZERO, EXIT];
    let load = [slot(0x20, 0, 0, 0, 0), EXIT];
    let check = |name: &str, callee: &[Slot]| {
        let code = [call(1), EXIT].into_iter().chain(callee.iter().copied());
        let with = |records: &[(u32, TypeId)]| Program {
            btf: Some(t.btf.clone()),
            func_info: func_info(records),
            ..of(code.clone())
        };
        for func in t.numbers.into_iter().chain([t.main]) {
            assert_eq!(verdict(&with(&[(0, t.main), (2, func)])), "ok");
        }
        for func in t.others {
            assert_eq!(
                verdict(&with(&[(0, t.main), (2, func)])),
                format!("EINVAL {name} is only allowed in functions that return 'int'.")
            );
        }
        let without = format!("EINVAL {name} is not allowed in subprogs without BTF");
        assert_eq!(verdict(&with(&[])), without);
        assert_eq!(verdict(&of(code.clone())), without);
        // The main function may.
        let main = Program {
            func_info: func_info(&[(0, t.others[0])]),
            ..of(callee.iter().copied())
        };
        assert_eq!(verdict(&main), "ok");
    };
    check("tail_call", &tail_call);
    check("LD_ABS", &load);
}

#[test]
fn line_info_begins_every_function() {
    let t = types();
    let three = [call(2), call(3), EXIT, ZERO, EXIT, ZERO, EXIT];
    let wide: Vec<Slot> = wide(0, 0, 0).into_iter().chain([EXIT]).collect();
    let check = |slots: &[Slot], lines: &[(u32, u32, u32)], linux: &str| {
        let line = |(pc, file_name_off, line_off): &(u32, u32, u32)| LineInfo {
            pc: Pc(*pc),
            file_name_off: *file_name_off,
            line_off: *line_off,
            line: 1,
            column: 1,
        };
        let program = Program {
            btf: Some(t.btf.clone()),
            line_info: lines.iter().map(line).collect(),
            ..of(slots.iter().copied())
        };
        assert_eq!(verdict(&program), linux, "{lines:?}");
    };
    let at = |pc| (pc, t.file, t.line);
    let two = &CALLING[..];
    check(two, &[at(0), at(2)], "ok");
    check(two, &[(0, 0, 0), (2, 0, 0)], "ok");
    check(
        two,
        &[at(0), at(3)],
        "EINVAL missing bpf_line_info for func#1",
    );
    check(
        two,
        &[at(1), at(2)],
        "EINVAL missing bpf_line_info for func#0",
    );
    check(
        two,
        &[at(0)],
        "EINVAL missing bpf_line_info for 1 funcs starting from func#1",
    );
    check(
        &three,
        &[at(0)],
        "EINVAL missing bpf_line_info for 2 funcs starting from func#1",
    );
    check(
        &three,
        &[at(0), at(5)],
        "EINVAL missing bpf_line_info for func#1",
    );
    check(
        two,
        &[at(0), at(9)],
        "EINVAL Invalid line_info[1].insn_off:9 (prev_offset:0 prog->len:4)",
    );
    check(
        two,
        &[at(0), at(0)],
        "EINVAL Invalid line_info[1].insn_off:0 (prev_offset:0 prog->len:4)",
    );
    let no_string = "EINVAL Invalid line_info[0].line_off or .file_name_off";
    check(two, &[(0, 9999, t.line), at(2)], no_string);
    check(two, &[(0, t.file, 9999), at(2)], no_string);
    check(
        &wide,
        &[at(0), at(1)],
        "EINVAL Invalid insn code at line_info[1].insn_off",
    );
}
