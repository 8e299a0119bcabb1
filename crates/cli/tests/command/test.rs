//! `ebpf-sim test`.

use expect_test::expect;

use crate::support::{check, corpus, fails, sim};

/// A scenario of the corpus with another expectation, beside a copy of what it
/// needs.
fn changed(from: &str, to: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(corpus().join("scenarios/port-knocking.toml")).unwrap();
    let object = corpus().join("objects/portknock.bpf.o");
    let text = text.replace("../objects/portknock.bpf.o", &object.display().to_string());
    assert!(text.contains(from));
    let path = folder.path().join("changed.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn all_as_expected() {
    check(
        "test scenarios/port-knocking.toml scenarios/filter.toml --filter knock",
        expect![[r#"
            port knocking
              ok     the guarded port is closed at first
              ok     other traffic passes as it is
              ok     first knock
              ok     a wrong port forgets the knocks
              ok     all four knocks
              ok     step 6: $guest / tcp dport=8000
              ok     step 7: $guest / tcp dport=9000
              ok     the last one opens
              ok     now the guest is let in
              ok     and nobody else
              ok     at the end

            1 scenarios, 11 steps, 21 expectations: all met
            exit 0
        "#]],
    );
}

#[test]
fn a_missed_expectation_is_exit_code_1_and_can_be_blessed() {
    let (_folder, path) = changed("unchanged = true", "unchanged = false");
    let ran = sim(&format!("test {path}"));
    assert_eq!(ran.code, 1, "{}", ran.text());
    let missed = "output: expected changed, got unchanged";
    assert!(ran.stdout.contains(missed), "{}", ran.stdout);

    let tap = sim(&format!("test --tap {path}"));
    assert_eq!(tap.code, 1);
    assert!(
        tap.stdout.starts_with("TAP version 14\n1..1\n"),
        "{}",
        tap.stdout
    );

    let junit = path.replace("changed.toml", "report.xml");
    assert_eq!(sim(&format!("test --junit {junit} {path}")).code, 1);
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("failures=\"1\""), "{xml}");

    let blessed = sim(&format!("test --bless {path}"));
    assert_eq!(blessed.code, 0, "{}", blessed.text());
    assert!(blessed.stdout.contains(missed), "{}", blessed.stdout);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("unchanged = true"), "{text}");
    assert_eq!(sim(&format!("test {path}")).code, 0);
}

#[test]
fn faulty_files() {
    let (_folder, path) = changed("[step.expect]", "[step.expected]");
    let ran = sim(&format!("test {path} scenarios/filter.toml"));
    // The other file is run all the same.
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("unknown key `expected`"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("1 scenarios"), "{}", ran.stdout);
    assert_eq!(sim("test nothing.toml").code, 2);
    fails(
        "test",
        2,
        expect![[r#"
        error: the following required arguments were not provided:
          <SCENARIO.toml>...

        Usage: ebpf-sim test <SCENARIO.toml>...

        For more information, try '--help'.
    "#]],
    );
}

#[test]
fn the_kernel_is_asked_what_it_can_be_asked() {
    let names = [
        "nat",
        "vlan-gateway",
        "rate-limiter",
        "rx-hints",
        "sockets",
        "dispatcher",
    ];
    let files: Vec<String> = names.map(|n| format!("scenarios/{n}.toml")).into();
    let ran = sim(&format!("test --on kernel --tap {}", files.join(" ")));
    assert_eq!(ran.code, 0, "{}", ran.text());
    // Skipped by rules, so they are the same without root.
    let because = [
        "more than one interface",
        "more than one interface",
        "a scripted clock",
        "an AF_XDP socket",
        "a table of sockets",
        "more than one object",
    ];
    let lines: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|l| l.contains("# SKIP"))
        .collect();
    assert_eq!(lines.len(), names.len(), "{}", ran.stdout);
    for (line, why) in lines.iter().zip(because) {
        assert!(line.contains(why), "{line}: {why}");
    }

    let ran = sim("test --on kernel scenarios/filter.toml");
    assert_eq!(ran.code, 0, "{}", ran.text());
    let met = ran.stdout.contains("all met");
    assert!(met || ran.stdout.contains("skip"), "{}", ran.stdout);
}

#[test]
fn a_pause_that_nobody_would_wait_for_is_skipped() {
    let (_folder, path) = changed("[[step]]", "[[step]]\nadvance = \"11s\"");
    let ran = sim(&format!("test --on kernel --tap {path}"));
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.stdout.contains("a pause of 11s"), "{}", ran.stdout);
}

#[test]
fn options_of_the_simulator_are_refused_with_the_kernel() {
    for option in [
        "--engine jit",
        "--bless",
        "--write x.pcapng",
        "--write-per-interface x",
    ] {
        let ran = sim(&format!("test --on kernel {option} scenarios/filter.toml"));
        assert_eq!(ran.code, 2, "{option}: {}", ran.text());
        assert!(
            ran.stderr.contains("not with --on kernel"),
            "{}",
            ran.stderr
        );
    }
}
