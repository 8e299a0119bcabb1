//! `compare`: with the kernel, equal and not; without, what is missing.

use kernel::testing::kernel_or_skip;

use crate::support::sim;

const ROUTER: &str = "compare objects/router.bpf.o --program router --pcap pcaps/mixed.pcap";

#[test]
fn no_difference() {
    if kernel_or_skip().is_none() {
        return;
    }
    let line = "compare objects/firewall.bpf.o --pcap pcaps/mixed.pcap \
                --map rules=maps/firewall/rules.json";
    let ran = sim(line);
    assert_eq!((ran.code, &ran.stderr[..]), (0, ""));
    assert!(
        ran.stdout
            .starts_with("firewall on pcaps/mixed.pcap, here and on Linux ")
    );
    assert!(
        ran.stdout
            .ends_with(": 366 packets, 4 maps: no difference\n"),
        "{}",
        ran.stdout
    );
}

/// A network that the kernel does not have makes the two differ.
#[test]
fn differences() {
    if kernel_or_skip().is_none() {
        return;
    }
    let ran = sim(&format!(
        "{ROUTER} --network networks/router.json --differences 2"
    ));
    assert_eq!((ran.code, &ran.stderr[..]), (1, ""));
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        lines[2].split_whitespace().collect::<Vec<_>>(),
        ["packet", "where", "ebpf-sim", "Linux"]
    );
    assert_eq!(
        lines[3].split_whitespace().collect::<Vec<_>>(),
        ["1", "return", "XDP_REDIRECT", "XDP_PASS"]
    );
    assert!(lines[4].contains("packet byte "), "{}", lines[4]);
    assert!(
        lines[5].ends_with(" more (--differences N shows more)"),
        "{}",
        lines[5]
    );
    assert_eq!(sim(ROUTER).code, 0, "in a network of its own it is equal");
}

#[test]
fn json() {
    if kernel_or_skip().is_none() {
        return;
    }
    let ran = sim(&format!(
        "{ROUTER} --network networks/router.json --packets 3 --json"
    ));
    assert_eq!((ran.code, &ran.stderr[..]), (1, ""));
    let lines = ran.json();
    let first = &lines[0];
    assert_eq!(first["type"], "difference");
    assert_eq!(first["packet"], 1);
    assert_eq!(first["place"], "return");
    assert_eq!(
        (&first["ours"], &first["linux"]),
        (&"XDP_REDIRECT".into(), &"XDP_PASS".into())
    );
    let summary = lines.last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["packets"], 3);
    let sum = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(
        sum("agreed") + sum("differing") + sum("undetermined") + sum("excused"),
        sum("packets") + sum("maps")
    );
    assert!(lines.iter().any(|line| line["map"] == "answers"));
}

#[test]
fn bad_input_is_that_of_run() {
    for (line, code) in [
        (
            "compare objects/devmap.bpf.o --pcap pcaps/arp.pcap --program egress",
            2,
        ),
        ("compare objects/pass.bpf.o --pcap pcaps/none.pcap", 2),
        (
            "compare objects/ksyms.bpf.o --pcap pcaps/arp.pcap --program strong_kfunc",
            3,
        ),
    ] {
        if code == 2 && kernel_or_skip().is_none() {
            continue;
        }
        let ran = sim(line);
        assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{line}");
    }
}

/// Without privilege the command says what is missing.
#[test]
fn without_privilege() {
    if kernel::Kernel::open().is_ok() {
        return;
    }
    let ran = sim("compare objects/pass.bpf.o --pcap pcaps/arp.pcap");
    assert_eq!((ran.code, &ran.stdout[..]), (3, ""));
    assert!(
        ran.stderr.starts_with("ebpf-sim: asking Linux: "),
        "{}",
        ran.stderr
    );
}
