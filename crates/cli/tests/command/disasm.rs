//! `ebpf-sim disasm`.

use std::collections::BTreeSet;

use expect_test::expect;

use crate::support::{check, corpus, fails, sim};

fn head(line: &str, lines: usize) -> String {
    let ran = sim(line);
    ran.ok()
        .lines()
        .take(lines)
        .flat_map(|l| [l, "\n"])
        .collect()
}

#[test]
fn plain() {
    check(
        "disasm objects/pass.bpf.o",
        expect![[r#"
        pass: xdp program, section xdp, 2 instructions
        pass:
           0: (b4) w0 = 2
           1: (95) exit
        exit 0
    "#]],
    );
}

#[test]
fn names_of_helpers_maps_and_functions() {
    let text = sim("disasm objects/firewall.bpf.o");
    assert!(
        text.ok().contains("call bpf_map_lookup_elem"),
        "{}",
        text.stdout
    );
    let calls = sim("disasm objects/calls.bpf.o --program calls");
    let call: Vec<_> = calls
        .ok()
        .lines()
        .filter(|l| l.contains("(85)"))
        .take(1)
        .collect();
    expect!["  10: (85) call pc+47#checksum"].assert_eq(call[0]);
}

#[test]
fn one_program() {
    assert_eq!(
        sim("disasm objects/several.bpf.o")
            .ok()
            .matches(" program, section ")
            .count(),
        4
    );
    assert_eq!(
        head("disasm objects/several.bpf.o --program second", 1),
        "second: xdp program, section xdp, 12 instructions\n"
    );
    fails(
        "disasm objects/several.bpf.o --program third",
        2,
        expect![[r#"
            ebpf-sim: objects/several.bpf.o: no program is called 'third'; the object has 'first', 'second', 'optional' and 'shaper'
        "#]],
    );
}

#[test]
fn opcodes() {
    expect![[r#"
        portknock: xdp program, section xdp, 175 instructions
        portknock:
           0: (b4) w0 = 2
               b4 00 00 00 02 00 00 00
           1: (61) r3 = *(u32 *)(r1 +0)
               61 13 00 00 00 00 00 00
    "#]]
    .assert_eq(&head("disasm objects/portknock.bpf.o --opcodes", 6));
}

#[test]
fn source() {
    expect![[r#"
        portknock: xdp program, section xdp, 175 instructions
        portknock:
        ; int portknock(struct xdp_md *ctx)
           0: (b4) w0 = 2
        ; struct cursor c = { xdp_data(ctx), xdp_data_end(ctx) };
           1: (61) r3 = *(u32 *)(r1 +0)
    "#]]
    .assert_eq(&head("disasm objects/portknock.bpf.o --source", 6));
    expect![[r#"
        portknock: xdp program, section xdp, 175 instructions
        portknock:
        ; int portknock(struct xdp_md *ctx) [file:./portknock.bpf.c line_num:57 line_col:0]
           0: (b4) w0 = 2
    "#]]
    .assert_eq(&head("disasm objects/portknock.bpf.o --linum", 4));
}

/// A graph for each object: quotes closed, and every edge between nodes that are
/// there.
#[test]
fn graphs() {
    for entry in std::fs::read_dir(corpus().join("objects")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".o") {
            continue;
        }
        let ran = sim(&format!("disasm objects/{name} --type xdp --dot"));
        let (mut nodes, mut ends) = (BTreeSet::new(), BTreeSet::new());
        for line in ran.ok().lines().map(str::trim) {
            let quotes = line
                .replace("\\\\", "")
                .replace("\\\"", "")
                .matches('"')
                .count();
            assert_eq!(quotes % 2, 0, "{name}: {line}");
            if let Some((_, label)) = line.split_once("label=\"{") {
                let label = label.strip_suffix("}\"];").unwrap();
                assert!(!has_bare(label), "{name}: {line}");
            }
            match line.split_once(" -> ") {
                Some((from, to)) => {
                    ends.insert(from.to_owned());
                    ends.insert(to.split_once(' ').unwrap().0.to_owned());
                }
                None if line.starts_with("\"p") => {
                    nodes.insert(line.split_once(' ').unwrap().0.to_owned());
                }
                None => {}
            }
        }
        assert!(!nodes.is_empty() && ends.is_subset(&nodes), "{name}");
        assert_eq!(
            ran.stdout.matches('{').count(),
            ran.stdout.matches('}').count()
        );
    }
}

/// Whether a sign with a meaning in Graphviz's records stands there unescaped.
fn has_bare(label: &str) -> bool {
    let mut chars = label.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '<' | '>' | '{' | '}' | '|' | '"' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod jit {
    use crate::support::{fails, sim};
    use expect_test::expect;

    /// Lines with the host's instructions: offset, colon, text.
    fn is_host(line: &str) -> bool {
        let offset = line
            .split_once(":  ")
            .map(|(offset, _)| offset.trim_start());
        line.starts_with("     ")
            && offset.is_some_and(|digits| usize::from_str_radix(digits, 16).is_ok())
    }

    #[test]
    fn the_program_stands_between_its_code() {
        for mode in ["", "=checked", "=sandboxed", "=trusted"] {
            let line = "disasm objects/balancer.bpf.o --source";
            let guest = sim(line).ok().to_owned();
            let both = sim(&format!("{line} --jit{mode}")).ok().to_owned();
            let (host, rest): (Vec<&str>, Vec<&str>) = both.lines().partition(|l| is_host(l));
            // All but the first line, which says how long the code is, and dead
            // code, which is left out.
            let rest: Vec<_> = rest
                .into_iter()
                .skip(1)
                .filter(|l| *l != "rarely run:")
                .collect();
            let guest: Vec<_> = guest.lines().skip(1).collect();
            assert_eq!(rest, guest, "{mode}");
            assert!(host.len() > guest.len() / 2, "{mode}: {}", host.len());
        }
    }

    #[test]
    fn what_is_called_has_a_name() {
        let ran = sim("disasm objects/balancer.bpf.o --jit=checked --meter --opcodes");
        for name in ["; bpf_map_lookup_elem\n", ": the budget\n"] {
            assert!(ran.ok().contains(name), "{name}: {}", ran.stdout);
        }
    }

    #[test]
    fn a_meter_is_of_compiled_code() {
        let line = "disasm objects/pass.bpf.o --meter";
        fails(
            line,
            2,
            expect![[r#"
                error: the following required arguments were not provided:
                  --jit[=<MODE>]

                Usage: ebpf-sim disasm --jit[=<MODE>] --meter <PROG.O>

                For more information, try '--help'.
            "#]],
        );
    }
}
