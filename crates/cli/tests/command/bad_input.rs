//! Files and arguments that make no sense: exit code 2, and where and why.

use std::fs;

use expect_test::expect;

use crate::support::{check, corpus, fails, file, sim};

#[test]
fn files_that_are_not_there() {
    fails(
        "run nowhere.o --pcap pcaps/arp.pcap",
        2,
        expect![[r#"
        ebpf-sim: nowhere.o: No such file or directory (os error 2)
    "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap nowhere.pcap",
        2,
        expect![[r#"
            ebpf-sim: nowhere.pcap: No such file or directory (os error 2)
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --btf nowhere",
        2,
        expect![[r#"
            ebpf-sim: nowhere: No such file or directory (os error 2)
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --network nowhere",
        2,
        expect![[r#"
            ebpf-sim: nowhere: No such file or directory (os error 2)
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --clock nowhere",
        2,
        expect![[r#"
            ebpf-sim: nowhere: No such file or directory (os error 2)
        "#]],
    );
    fails(
        "inspect nowhere.o",
        2,
        expect![[r#"
        ebpf-sim: nowhere.o: No such file or directory (os error 2)
    "#]],
    );
    fails(
        "disasm nowhere.o",
        2,
        expect![[r#"
        ebpf-sim: nowhere.o: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn directories() {
    fails(
        "run objects --pcap pcaps/arp.pcap",
        2,
        expect![[r#"
        ebpf-sim: objects: is a directory
    "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps",
        2,
        expect![[r#"
        ebpf-sim: pcaps: is a directory
    "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --clock pcaps",
        2,
        expect![[r#"
            ebpf-sim: pcaps: Is a directory (os error 21)
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --write pcaps",
        2,
        expect![[r#"
            ebpf-sim: pcaps: Is a directory (os error 21)
        "#]],
    );
}

#[test]
fn files_of_another_kind() {
    fails(
        "run pcaps/arp.pcap --pcap objects/pass.bpf.o",
        2,
        expect![[r#"
            ebpf-sim: pcaps/arp.pcap: not an ELF file: it is a packet capture
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap objects/pass.bpf.o",
        2,
        expect![[r#"
            ebpf-sim: objects/pass.bpf.o: at packet 0, byte offset 0 of the capture: not a pcap or pcapng file (it begins with 7f 45 4c 46): it is an ELF object
        "#]],
    );
    fails(
        "run objects/pass.bpf.c --pcap pcaps/arp.pcap",
        2,
        expect![[r#"
            ebpf-sim: objects/pass.bpf.c: not an ELF file: it is C source; compile it with `clang -O2 -g -target bpf -c`
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --btf pcaps/arp.pcap",
        2,
        expect![[r#"
            ebpf-sim: pcaps/arp.pcap: not BTF: the first two bytes are 0xc3d4, not 0xeb9f
        "#]],
    );
    fails(
        "inspect /dev/null",
        2,
        expect![[r#"
        ebpf-sim: /dev/null: not an ELF file: the file is empty
    "#]],
    );
}

/// What came before the damage is reported; the error says where it is.
#[test]
fn damaged_captures() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/damaged/ng_cut_in_block.pcapng",
        expect![[r#"
            pass on pcaps/damaged/ng_cut_in_block.pcapng: 2 packets, 109 bytes

             action    packets      %  bytes
             XDP_PASS        2  100.0    109

            instructions  4 (2.0 a packet, most 2 on packet 0)
            ! ebpf-sim: pcaps/damaged/ng_cut_in_block.pcapng: at packet 2, byte offset 284 of the capture: truncated: the capture ends within a record, after 50 of 80 bytes
            exit 2
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/damaged/empty_file.pcap",
        2,
        expect![[r#"
            ebpf-sim: pcaps/damaged/empty_file.pcap: at packet 0, byte offset 0 of the capture: empty: not even a pcap or pcapng header
        "#]],
    );
    fails(
        "run objects/pass.bpf.o --pcap pcaps/damaged/version_9.pcap",
        2,
        expect![[r#"
            ebpf-sim: pcaps/damaged/version_9.pcap: at packet 0, byte offset 0 of the capture: pcap version 9.4 is not supported
        "#]],
    );
}

#[test]
fn every_damaged_capture() {
    let mut broken = 0;
    for entry in fs::read_dir(corpus().join("pcaps/damaged")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ran = sim(&format!(
            "run objects/pass.bpf.o --pcap pcaps/damaged/{name} --json"
        ));
        assert_eq!(ran.code, 2, "{name}");
        let summary = ran.summary();
        let error = summary["capture_error"].as_str().unwrap();
        assert_eq!(ran.stderr, format!("ebpf-sim: {error}\n"));
        let packets = &summary["packets"]["packets"];
        let place = format!("pcaps/damaged/{name}: at packet {packets}, byte offset ");
        assert!(error.starts_with(&place), "{error}");
        broken += 1;
    }
    assert!(broken > 20, "{broken}");
}

#[test]
fn damaged_objects() {
    let bytes = fs::read(corpus().join("objects/firewall.bpf.o")).unwrap();
    for (len, expected) in [
        (
            0,
            expect![[r#"
            ebpf-sim: FILE: not an ELF file: the file is empty
        "#]],
        ),
        (
            40,
            expect![[r#"
            ebpf-sim: FILE: broken ELF file: Invalid ELF header size or alignment
        "#]],
        ),
        (
            bytes.len() - 100,
            expect![[r#"
            ebpf-sim: FILE: broken ELF file: Invalid ELF section header offset/size/alignment
        "#]],
        ),
    ] {
        let file = file(&bytes[..len]);
        let path = file.path().to_str().unwrap();
        let said = |command: &str| {
            let ran = sim(&format!("{command} {path}"));
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{command}");
            ran.stderr.replace(path, "FILE")
        };
        expected.assert_eq(&said("run --pcap pcaps/arp.pcap"));
        assert_eq!(said("inspect"), said("disasm"));
    }
}

#[test]
fn arguments() {
    let run = "run objects/pass.bpf.o --pcap pcaps/arp.pcap";
    for (more, expected) in [
        (
            "--packets many",
            expect![
                "error: invalid value 'many' for '--packets <N>': invalid digit found in string"
            ],
        ),
        (
            "--packets -1",
            expect!["error: unexpected argument '-1' found"],
        ),
        (
            "--repeat 0",
            expect![
                "error: invalid value '0' for '--repeat <N>': number would be zero for non-zero type"
            ],
        ),
        (
            "--seed 99999999999999999999",
            expect![
                "error: invalid value '99999999999999999999' for '--seed <N>': number too large to fit in target type"
            ],
        ),
        (
            "--queue 4294967296",
            expect![
                "error: invalid value '4294967296' for '--queue <N>': 4294967296 is not in 0..=4294967295"
            ],
        ),
        (
            "--per-packet",
            expect!["error: the following required arguments were not provided:"],
        ),
        (
            "--pcap pcaps/udp.pcap",
            expect!["error: the argument '--pcap <FILE>' cannot be used multiple times"],
        ),
    ] {
        let ran = sim(&format!("{run} {more}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{more}");
        expected.assert_eq(ran.stderr.lines().next().unwrap());
    }
    assert_eq!(sim("").code, 2);
    assert_eq!(sim("fly").code, 2);
    assert_eq!(sim("run").code, 2);
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use crate::support::sim_with;

    let odd = OsStr::from_bytes(b"\xff");
    let run = "run objects/pass.bpf.o --pcap";
    sim_with(run, &[odd]).failed(
        2,
        expect![[r#"
        ebpf-sim: �: No such file or directory (os error 2)
    "#]],
    );
    sim_with("run --pcap pcaps/arp.pcap", &[odd]).failed(
        2,
        expect![[r#"
        ebpf-sim: �: No such file or directory (os error 2)
    "#]],
    );
    let run = "run objects/pass.bpf.o --pcap pcaps/arp.pcap";
    sim_with(&format!("{run} --clock"), &[odd]).failed(
        2,
        expect![[r#"
        ebpf-sim: �: No such file or directory (os error 2)
    "#]],
    );
    for option in ["--map", "--global", "--program", "--seed"] {
        let ran = sim_with(&format!("{run} {option}"), &[odd]);
        assert_eq!(ran.code, 2, "{option}");
        assert!(
            ran.stderr.contains("UTF-8") || ran.stderr.contains("invalid"),
            "{}",
            ran.stderr
        );
    }
}
