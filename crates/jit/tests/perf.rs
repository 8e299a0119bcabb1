//! Names of compiled functions, as `perf` reads them.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "../../vm/tests/support/mod.rs"]
mod support;

use std::{fs, process};

use jit::perf::{JitDump, Symbol};
use jit::{Compiled, Options};
use support::{machine, named, program};
use vm::{Addr, Machine};

fn compiled() -> (Machine, Compiled) {
    let mut machine = machine();
    let text = "r0 = 1\ncall f\nexit\nf:\nr0 = 2\nexit";
    for name in ["one", "two"] {
        let program = named(name, program(text).code);
        machine.load_program(&program, &[]).expect("loads");
    }
    let compiled = Compiled::new(&mut machine, &Options::default()).expect("compiled");
    (machine, compiled)
}

#[test]
fn a_map_has_a_line_for_each_function() {
    let (mut machine, compiled) = compiled();
    let symbols = compiled.symbols();
    let names: Vec<&str> = symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(names, ["bpf:one", "bpf:one+3", "bpf:two", "bpf:two+3"]);
    let code = compiled.code().as_ptr_range();
    for pair in symbols.windows(2) {
        assert_eq!(pair[0].address + pair[0].len, pair[1].address);
    }
    for Symbol { address, len, .. } in &symbols {
        assert!(*address >= code.start as usize && address + len <= code.end as usize);
        assert!(*len > 0);
    }
    let mut text = Vec::new();
    compiled.write_perf_map(&mut text).expect("memory");
    let text = String::from_utf8(text).expect("text");
    let first = &symbols[0];
    let line = format!("{:x} {:x} bpf:one", first.address, first.len);
    assert_eq!(text.lines().next(), Some(line.as_str()));
    assert_eq!(text.lines().count(), 4);
    machine.run(vm::ProgId(0), Addr::NULL).expect("an end");
}

#[test]
fn a_dump_has_a_record_for_each_function() {
    let (_machine, compiled) = compiled();
    let folder = tempfile::tempdir().expect("a folder");
    let mut dump = JitDump::create(folder.path()).expect("a file");
    dump.add(&compiled).expect("room");
    let bytes = fs::read(dump.path()).expect("a file");
    let word = |at: usize| {
        let bytes = bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_ne_bytes(bytes)
    };
    let double = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    assert_eq!(bytes[..4], *b"DTiJ");
    assert_eq!((word(4), word(8), word(12)), (1, 40, 62));
    assert_eq!(word(20), process::id());
    let (mut at, mut count) = (40, 0);
    for (symbol, index) in compiled.symbols().iter().zip(1..) {
        assert_eq!((word(at), word(at + 16)), (0, process::id()));
        assert_eq!(double(at + 24), symbol.address as u64);
        assert_eq!(double(at + 32), symbol.address as u64);
        assert_eq!(double(at + 40), symbol.len as u64);
        assert_eq!(double(at + 48), index);
        let name = &bytes[at + 56..][..symbol.name.len() + 1];
        assert_eq!(name, [symbol.name.as_bytes(), &[0]].concat());
        let end = at + word(at + 4) as usize;
        let offset = symbol.address - compiled.code().as_ptr() as usize;
        assert_eq!(
            bytes[end - symbol.len..end],
            compiled.code()[offset..][..symbol.len]
        );
        (at, count) = (end, count + 1);
    }
    assert_eq!((at, count), (bytes.len(), 4));
}
