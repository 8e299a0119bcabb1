//! The text of instructions is the kernel's.

use isa::disasm::{self, Symbol};
use isa::{Code, Pc, Slot, asm, table};

/// A line of `corpus/insn/text.tsv`: slots, and what Linux prints for them.
fn kernel_texts() -> impl Iterator<Item = (Vec<Slot>, &'static str)> {
    let file = include_str!("../../../corpus/insn/text.tsv");
    file.lines().map(|line| {
        let (hex, text) = line.split_once('\t').expect("two columns");
        let (digits, _) = hex.as_bytes().as_chunks::<2>();
        let byte = |digits: &[u8; 2]| {
            let digits = std::str::from_utf8(digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("hexadecimal")
        };
        let bytes: Vec<u8> = digits.iter().map(byte).collect();
        (Slot::read_all(&bytes).expect("whole slots"), text)
    })
}

#[test]
fn the_text_is_what_linux_prints() {
    for (slots, text) in kernel_texts() {
        let code = Code::new(slots);
        let insn = code.insns().first().expect("an instruction");
        assert_eq!(insn.to_string(), text);
        assert_eq!(asm::assemble(text).as_ref(), Ok(&code), "{text}");
    }
}

#[test]
fn every_row_that_linux_prints_is_there() {
    let seen: Vec<&str> = kernel_texts()
        .filter_map(|(slots, _)| Some(table::row_of(*Code::new(slots).insns().first()?)?.text))
        .collect();
    // Linux replaces references before it prints them, and prints calls by
    // the names it knows. It has no calls through registers.
    let not_printed = |text: &str| {
        let references = ["rD = map[", "rD = btf[", "rD = subprog["];
        references.iter().any(|start| text.starts_with(start))
            || matches!(text, "call H" | "call K" | "callx rD")
    };
    for row in table::TABLE {
        assert!(
            seen.contains(&row.text) != not_printed(row.text),
            "{}",
            row.text
        );
    }
}

/// Names as a loader would know them.
fn names(symbol: Symbol) -> Option<String> {
    let name = match symbol {
        Symbol::Helper(5) => "bpf_ktime_get_ns",
        Symbol::Kfunc { btf_id: 79018, .. } => "bpf_xdp_metadata_rx_hash",
        Symbol::Map { fd: 3 } => "flows",
        Symbol::MapIndex { index: 2 } => "ports",
        Symbol::Function(Pc(2)) => "parse",
        _ => return None,
    };
    Some(name.to_owned())
}

fn resolve(name: &str) -> Option<Symbol> {
    match name {
        "bpf_ktime_get_ns" => Some(Symbol::Helper(5)),
        "bpf_xdp_metadata_rx_hash" => Some(Symbol::Kfunc {
            btf_id: 79018,
            module: 0,
        }),
        "flows" => Some(Symbol::Map { fd: 3 }),
        "ports" => Some(Symbol::MapIndex { index: 2 }),
        _ => None,
    }
}

#[test]
fn names_are_printed_and_resolved() {
    let cases = [
        ("call bpf_ktime_get_ns#5", "call unknown#5"),
        ("call bpf_xdp_metadata_rx_hash#79018", "call kfunc#79018"),
        ("r1 = map[flows]", "r1 = map[fd:3]"),
        ("r1 = map[flows][0]+8", "r1 = map[fd:3][0]+8"),
        ("r1 = map[ports]", "r1 = map[idx:2]"),
        ("r1 = map[ports]+8", "r1 = map[idx:2]+8"),
        ("call pc+1#parse", "call pc+1"),
        ("call unknown#6", "call unknown#6"),
    ];
    for (with_names, without) in cases {
        let code = asm::assemble(without).expect("assembles without names");
        let insn = *code.insns().first().expect("an instruction");
        assert_eq!(disasm::named(Pc(0), insn, &names).to_string(), with_names);
        assert_eq!(insn.to_string(), without);
        assert_eq!(
            asm::assemble_with(with_names, &resolve),
            Ok(code),
            "{with_names}"
        );
    }
    let by_name = asm::assemble_with("call bpf_ktime_get_ns", &resolve);
    assert_eq!(by_name, asm::assemble("call 5"));
}

#[test]
fn a_listing_has_the_form_of_bpftool() {
    let text = "r1 = 0x1122334455667788\nif r1 > r2 goto pc+0\n.slot 0x00000000000000ff\nexit\n";
    let code = asm::assemble(text).expect("a program");
    let expected = concat!(
        "   0: (18) r1 = 0x1122334455667788\n",
        "   2: (2d) if r1 > r2 goto pc+0\n",
        "   3: (ff) .slot 0x00000000000000ff\n",
        "   4: (95) exit\n",
    );
    let listing = disasm::listing(&code, &|_| None).to_string();
    assert_eq!(listing, expected);
    assert_eq!(asm::assemble(&listing), Ok(code));
}
