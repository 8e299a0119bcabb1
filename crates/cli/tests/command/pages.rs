//! Help, completions and manual pages.

use expect_test::expect;

use crate::support::{check, sim};

#[test]
fn help() {
    check(
        "--help",
        expect![[r#"
            Run, inspect and disassemble compiled eBPF programs without a kernel

            Usage: ebpf-sim <COMMAND>

            Commands:
              run          Feed the packets of a capture through an XDP program
              test         Run scenarios: packets in words through programs, and what should come of it
              compare      Put a program and a capture to the running kernel too, and show every difference
              bench        Measure how long the engines take for the packets of a capture
              verify       Say whether Linux would load programs, in its words, and explain refusals
              fuzz         Look for programs on which the verifier, the engines or Linux are wrong
              explain      Explain a refusal by its code, with a program that fails and one that does not
              features     List what the verifier follows and the machine runs
              inspect      Show what an object holds: programs, maps, globals, relocations, helpers
              disasm       Print the instructions of an object's programs
              completions  Print a completion script for a shell
              man          Print the manual page, or write the pages of all commands to a directory
              help         Print this message or the help of the given subcommand(s)

            Options:
              -h, --help     Print help
              -V, --version  Print version

            Exit codes: 0 as expected, 1 a program trapped or is refused, or Linux answers otherwise, 2 usage or
            unreadable input, 3 not simulated or Linux cannot be asked.
            exit 0
        "#]],
    );
    for command in [
        "run",
        "test",
        "compare",
        "bench",
        "fuzz",
        "inspect",
        "disasm",
        "completions",
        "man",
    ] {
        let ran = sim(&format!("{command} --help"));
        assert!(ran.ok().contains("Usage: ebpf-sim"), "{}", ran.stdout);
        // A screen is enough for anything.
        assert!(
            ran.stdout.lines().count() < 60,
            "{}",
            ran.stdout.lines().count()
        );
    }
    assert!(sim("--version").ok().starts_with("ebpf-sim "));
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sim(&format!("completions {shell}"));
        for word in ["inspect", "dump-maps", "force-ethernet"] {
            assert!(script.ok().contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(sim("completions tcsh").code, 2);
}

#[test]
fn manual_pages() {
    assert!(sim("man").ok().contains(".TH ebpf-sim 1"));
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("new/man1");
    assert_eq!(sim(&format!("man {}", place.display())).ok(), "");
    let pages = std::fs::read_dir(&place).unwrap();
    let mut names: Vec<_> = pages
        .map(|p| p.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    expect!["ebpf-sim-bench.1 ebpf-sim-compare.1 ebpf-sim-completions.1 ebpf-sim-disasm.1 ebpf-sim-explain.1 ebpf-sim-features.1 ebpf-sim-fuzz-merge.1 ebpf-sim-fuzz.1 ebpf-sim-inspect.1 ebpf-sim-man.1 ebpf-sim-run.1 ebpf-sim-test.1 ebpf-sim-verify.1 ebpf-sim.1"].assert_eq(&names.join(" "));
    sim("man /dev/null/pages").failed(
        2,
        expect![[r#"
        ebpf-sim: /dev/null/pages: Not a directory (os error 20)
    "#]],
    );
}
