//! Decoder, encoder, disassembler and assembler undo one another.

use isa::{Code, Insn, Slot, asm, decode, disasm, encode, table};
use proptest::prelude::*;

/// Any row of the table with any operands that it takes: each field of the
/// blank instruction is replaced where the row does not reserve it.
fn valid() -> impl Strategy<Value = (Slot, Option<Slot>)> {
    let rows = 0..table::TABLE.len();
    let fields = (0..=10u8, 0..=10u8, any::<i16>(), number(), number());
    (rows, fields).prop_map(|(row, (dst, src, offset, imm, tail))| {
        let row = &table::TABLE[row];
        let (mut head, mut second) = encode(row.insn).expect("rows encode");
        let same_row = |head, second| {
            table::row_of(decode(head, second)).is_some_and(|found| found.insn == row.insn)
        };
        let changes: [&dyn Fn(&mut Slot); 4] = [
            &|slot| slot.dst = dst,
            &|slot| slot.src = src,
            &|slot| slot.offset = offset,
            &|slot| slot.imm = imm,
        ];
        for change in changes {
            let mut changed = head;
            change(&mut changed);
            // The offset of an exit is ignored, not kept.
            if row.insn != Insn::Exit && same_row(changed, second) {
                head = changed;
            }
        }
        let changed = second.map(|slot| Slot { imm: tail, ..slot });
        if same_row(head, changed) {
            second = changed;
        }
        (head, second)
    })
}

/// Numbers, extreme ones often.
fn number() -> impl Strategy<Value = i32> {
    prop_oneof![
        any::<i32>(),
        Just(i32::MIN),
        Just(i32::MAX),
        Just(-1),
        0..64i32,
    ]
}

/// Any slot at all, opcodes of the table often.
fn slot() -> impl Strategy<Value = Slot> {
    let opcode = prop_oneof![
        any::<u8>(),
        (0..table::TABLE.len()).prop_map(|row| table::TABLE[row].opcode),
    ];
    let small = prop_oneof![Just(0i16), any::<i16>(), Just(1)];
    (opcode, 0..16u8, 0..16u8, small, number()).prop_map(|(opcode, dst, src, offset, imm)| Slot {
        opcode,
        dst,
        src,
        offset,
        imm,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn encode_undoes_decode((head, second) in valid()) {
        let insn = decode(head, second);
        prop_assert_eq!(encode(insn), Some((head, second)));
    }

    #[test]
    fn parse_undoes_print((head, second) in valid()) {
        let text = decode(head, second).to_string();
        let slots: Vec<Slot> = std::iter::once(head).chain(second).collect();
        match asm::assemble(&text) {
            Ok(code) => prop_assert_eq!(code.slots(), &slots, "{}", text),
            Err(error) => prop_assert!(false, "{text}: {error}"),
        }
    }

    #[test]
    fn any_slots_decode_and_come_back(slots in prop::collection::vec(slot(), 0..24)) {
        let code = Code::new(slots.clone());
        prop_assert_eq!(code.insns().len(), slots.len());
        for (pc, insn) in code.iter() {
            if matches!(insn, Insn::Invalid(_)) {
                continue;
            }
            let (head, second) = encode(insn).expect("valid instructions encode");
            let ignored = match insn {
                Insn::Exit => slots[pc.index()].offset,
                _ => head.offset,
            };
            let head = Slot { offset: ignored, ..head };
            prop_assert_eq!(head, slots[pc.index()]);
            if let Some(second) = second {
                prop_assert_eq!(second, slots[pc.index() + 1]);
            }
        }
        let _ = (code.functions(), code.check());
        let listing = disasm::listing(&code, &|_| None).to_string();
        prop_assert_eq!(asm::assemble(&listing), Ok(code), "{}", listing);
    }

    #[test]
    fn any_text_assembles_or_says_where(text in "[ -~\n]{0,60}") {
        if let Err(error) = asm::assemble(&text) {
            prop_assert!(error.line <= text.lines().count());
            prop_assert!(error.to_string().starts_with("line "));
        }
    }

    #[test]
    fn broken_lines_say_where((head, second) in valid(), cut in 0..60usize, char in "[ -~]") {
        let mut text = decode(head, second).to_string();
        text.truncate(cut);
        text.push_str(&char);
        if let Err(error) = asm::assemble(&text) {
            prop_assert!(error.column <= text.len() + 1, "{text}: {error}");
        }
    }
}

#[test]
fn every_row_prints_and_parses() {
    for row in table::TABLE {
        let text = row.insn.to_string();
        let code = asm::assemble(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(code.insns().first(), Some(&row.insn), "{text}");
    }
}
