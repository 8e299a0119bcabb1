use abi::Errno;

use super::*;

const TEXT: &str = "\
// A word on it.
; type: xdp
; flags: test_state_freq
; caps: bpf net_admin
; map: counts hash key 4 value 8 entries 2 flags no_prealloc
; types: struct e { struct bpf_spin_lock lock; u32 n; };
; map: locked array key 4 value 8 entries 1 value_type e
; map: outer array_of_maps key 4 value 4 entries 2 inner array key 4 value 8 entries 1
; func: int main(struct xdp_md *ctx)
; func: static int f(void)
; line@0: a.c:3:1 return f();
; expect: refused EINVAL
; message: something else
; stats: ?
  r1 = map[counts] ll   ; ?
  call f      // prose; with a sign
  exit
f: r0 = 1     ; R0=1
  exit
";

fn text() -> String {
    TEXT.replace(" ll", "")
}

fn opinion() -> Opinion {
    let log = "0: (18) r1 = 0xffff   ; R1=map_ptr(ks=4,vs=8)\n4: (b7) r0 = 1  ; R0=1\nR9 !read_ok\n\
               processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 2 \
               peak_states 1 mark_read 0\nstack depth 8+0\n";
    Opinion::new(Said::Refused(Errno::EACCES), log.to_owned())
}

#[test]
fn a_file_is_a_program() {
    let test = FileTest::parse(&text()).unwrap_or_else(|error| panic!("{error}"));
    let program = &test.raw.program;
    assert_eq!(program.code.len(), 6);
    assert_eq!((program.code[0].src, program.code[0].imm), (5, 0));
    assert_ne!(program.maps[1].value_type, btf::TypeId::VOID);
    assert_eq!(
        program.maps[2].inner.as_ref().map(|m| m.value_size),
        Some(8)
    );
    assert_eq!(
        program.func_info.iter().map(|f| f.pc.0).collect::<Vec<_>>(),
        [0, 4]
    );
    assert_eq!(program.line_info[0].line, 3);
    assert_eq!(test.raw.flags, 8);
    assert!(!test.raw.caps.perfmon);
    assert_eq!(test.level(), 6);
}

#[test]
fn rewriting_makes_it_agree() {
    let test = FileTest::parse(&text()).expect("a test");
    let wrong: Vec<_> = test.mismatches(&opinion()).iter().map(|m| m.line).collect();
    assert_eq!(wrong, [12, 13, 14, 15]);
    let rewritten = test.rewritten(&opinion());
    for line in [
        "; expect: refused EACCES\n; message: R9 !read_ok\n; stats: processed 5 states 2 peak 1 max 0 depth 8+0\n",
        "  r1 = map[counts]                      ; R1=map_ptr(ks=4,vs=8)\n",
        "  call f      // prose; with a sign\n",
    ] {
        assert!(rewritten.contains(line), "{rewritten}");
    }
    let again = FileTest::parse(&rewritten).expect("a test");
    assert_eq!(again.mismatches(&opinion()), []);
    assert_eq!(again.rewritten(&opinion()), rewritten);
}

#[test]
fn what_is_missing_is_added() {
    let test = FileTest::parse("// prose\n\nr0 = r9\nexit\n").expect("a test");
    assert_eq!(test.mismatches(&opinion()).len(), 2);
    let rewritten = test.rewritten(&opinion());
    assert_eq!(
        rewritten,
        "// prose\n\n; expect: refused EACCES\n; message: R9 !read_ok\nr0 = r9\nexit\n"
    );
    let accepted = Opinion::new(Said::Accepted, String::new());
    let again = FileTest::parse(&rewritten).expect("a test");
    assert_eq!(
        again.rewritten(&accepted),
        "// prose\n\n; expect: accepted\nr0 = r9\nexit\n"
    );
}

#[test]
fn errors_say_where() {
    for (text, expected) in [
        ("; tpye: xdp", "line 1: `tpye` is no field of the header"),
        (
            "; type: xpd",
            "line 1: `xpd` is not a program type of bpftool's",
        ),
        (
            "\n; map: a hsah",
            "line 2: `hsah` is not a map type of bpftool's",
        ),
        (
            "; flags: fast",
            "line 1: `fast` is not a flag of program load",
        ),
        ("; map: a hash kye 4", "line 1: `kye` is not key, value,"),
        (
            "; func: int f(void)\n; func: int g(void)\nexit",
            "2 signatures for 1 functions",
        ),
        ("r0 = \nexit", "line 1, column 5: expected"),
    ] {
        let error = FileTest::parse(text).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}
