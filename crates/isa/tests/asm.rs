//! What the assembler takes beyond the kernel's text, and how it refuses.

use isa::asm::assemble;
use isa::{Code, Pc};

fn error(text: &str) -> String {
    assemble(text).expect_err(text).to_string()
}

fn text(code: &Code) -> Vec<String> {
    code.iter().map(|(_, insn)| insn.to_string()).collect()
}

#[test]
fn labels_become_distances() {
    let code = assemble(
        "start: r0 = 0x1
         if r0 == 0 goto end
         gotol start
         call f
         r1 = subprog[f]
         may_goto start
    end: exit
    f:   r0 = 0
         exit",
    )
    .expect("a program");
    let expected = [
        "r0 = 0x1",
        "if r0 == 0x0 goto pc+5",
        "gotol pc-4",
        "call pc+4",
        "r1 = subprog[+3]",
        "may_goto pc-8",
        "exit",
        "r0 = 0",
        "exit",
    ];
    assert_eq!(text(&code), expected);
    assert_eq!(code.functions(), Ok(vec![Pc(0), Pc(9)]));
}

#[test]
fn forms_that_mean_the_same() {
    let pairs = [
        ("r1=*(u64*)(r2)", "r1 = *(u64 *)(r2 +0)"),
        ("r1 = *(u64 *)(r2 + 0x10)", "r1 = *(u64 *)(r2 +16)"),
        ("r0 += -0x10", "r0 += -16"),
        ("r0 = 16 ll", "r0 = 0x10"),
        ("r0 = -1 ll", "r0 = 0xffffffffffffffff"),
        ("if w1 s> -1 goto +2", "if w1 s> 0xffffffff goto pc+2"),
        ("call 7", "call unknown#7"),
        ("call #7", "call bpf_something#7"),
        ("call pc+1#bpf_prog_59f4a931744dcdc6_F", "call pc+1"),
        ("r1 = map[id:103]", "r1 = map[fd:103]"),
        (
            "   5: (2d) if r1 > r2 goto pc+36 ; R1=1",
            "if r1 > r2 goto pc+36",
        ),
        ("7: (95) exit // the end", "exit"),
        ("\n\n; nothing\nexit\n", "exit"),
    ];
    for (one, other) in pairs {
        assert_eq!(assemble(one), assemble(other), "{one}");
        assert!(assemble(one).is_ok(), "{one}");
    }
}

#[test]
fn a_hexadecimal_number_is_a_wide_load_as_in_the_kernels_text() {
    assert_eq!(assemble("r0 = 0x10").map(|code| code.len()), Ok(2));
    assert_eq!(assemble("r0 = 16").map(|code| code.len()), Ok(1));
    assert_eq!(assemble("w0 = 0x10").map(|code| code.len()), Ok(1));
}

#[test]
fn errors_say_where_and_what_is_expected() {
    let cases = [
        (
            "exit\nr0 += r11",
            "line 2, column 7: expected a number from -2147483648 to 2147483647 or a register r0 to r10",
        ),
        (
            "r0 += w1",
            "line 1, column 7: expected a number from -2147483648 to 2147483647 or a register r0 to r10",
        ),
        ("exit exit", "line 1, column 6: expected end of line"),
        ("r3 = -r4", "line 1, column 7: expected `r3`"),
        (
            "goto nowhere",
            "line 1, column 6: expected a label, or a distance such as `pc+1`",
        ),
        (
            "goto pc+40000",
            "line 1, column 8: expected a number from -32768 to 32767",
        ),
        ("if r1 > r2", "line 1, column 11: expected `goto`"),
        (
            "r1 = *(u64 *)(r2 8)",
            "line 1, column 18: expected an offset such as `+8`",
        ),
        (
            "r1 = map[x]",
            "line 1, column 10: expected a map, `fd:3` or a known name or a map, `idx:3` or a known name",
        ),
        (
            "call bpf_x",
            "line 1, column 6: expected a helper, `name#1` or a known name or a label, or a distance such as `pc+1` or `kfunc`",
        ),
        (".slot zero", "line 1, column 7: expected a number"),
        ("r0 = é", "line 1, column 6: unexpected character 'é'"),
        (
            "a: exit\n  a: exit",
            "line 2, column 3: label a is defined twice",
        ),
        (
            "w0 = 4294967295",
            "line 1, column 6: expected a number from -2147483648 to 2147483647 or a register w0 to w10 or `(` or `-`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn a_label_can_be_too_far() {
    let far = format!(
        "if r0 == 0 goto end\n{}end: exit",
        "r0 = 0\n".repeat(40_000)
    );
    assert_eq!(
        error(&far),
        "line 1, column 17: end is 40000 slots away, too far for this instruction"
    );
    assert!(assemble(&far.replace("if r0 == 0 goto", "gotol")).is_ok());
}
