//! Which program of an object `run` takes, and which it refuses.

use expect_test::expect;

use crate::support::{check, fails, sim};

#[test]
fn one_of_several() {
    let line = "run objects/devmap.bpf.o --pcap pcaps/arp.pcap";
    fails(
        line,
        2,
        expect![[r#"
        ebpf-sim: objects/devmap.bpf.o: several XDP programs: choose one with --program: to_port, flood, to_loopback
    "#]],
    );
    fails(
        &format!("{line} --program to_nowhere"),
        2,
        expect![[r#"
        ebpf-sim: objects/devmap.bpf.o: no program is called "to_nowhere"; there are: to_port, flood, to_loopback, egress
    "#]],
    );
    fails(
        &format!("{line} --program egress"),
        2,
        expect![[r#"
        ebpf-sim: objects/devmap.bpf.o: program egress belongs into a map entry (xdp_devmap), not on an interface
    "#]],
    );
}

#[test]
fn none() {
    fails(
        "run objects/tc.bpf.o --pcap pcaps/arp.pcap",
        2,
        expect![[r#"
            ebpf-sim: objects/tc.bpf.o: no XDP program; there are: tc_dscp (sched_cls), tc_mark (sched_cls)
        "#]],
    );
    fails(
        "run objects/execve.bpf.o --program on_kprobe --pcap pcaps/arp.pcap",
        2,
        expect![[r#"
            ebpf-sim: objects/execve.bpf.o: program on_kprobe is of type kprobe, not xdp
        "#]],
    );
}

#[test]
fn sections_that_tell_no_type() {
    for object in ["legacy_text", "legacy_maps20"] {
        let line = format!("run objects/{object}.bpf.o --pcap pcaps/arp.pcap");
        let ran = sim(&line);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.ends_with("with --type\n"), "{}", ran.stderr);
        assert_eq!(sim(&format!("{line} --type xdp")).code, 0);
    }
    fails(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --type express",
        2,
        expect![[r#"
            ebpf-sim: --type express: no such program type; there are: socket_filter, kprobe, sched_cls, sched_act, tracepoint, xdp, perf_event, cgroup_skb, cgroup_sock, lwt_in, lwt_out, lwt_xmit, sock_ops, sk_skb, cgroup_device, sk_msg, raw_tracepoint, cgroup_sock_addr, lwt_seg6local, lirc_mode2, sk_reuseport, flow_dissector, cgroup_sysctl, raw_tracepoint_writable, cgroup_sockopt, tracing, struct_ops, ext, lsm, sk_lookup, syscall, netfilter
        "#]],
    );
}

#[test]
fn not_simulated() {
    fails(
        "run refused/unknown_kfunc.bpf.o --pcap pcaps/arp.pcap",
        3,
        expect![[r#"
            ebpf-sim: refused/unknown_kfunc.bpf.o: program unknown_kfunc: insn 0: kernel function bpf_no_such_kfunc is not simulated
        "#]],
    );
    fails(
        "run refused/unknown_ksym.bpf.o --pcap pcaps/arp.pcap",
        3,
        expect![[r#"
            ebpf-sim: refused/unknown_ksym.bpf.o: program unknown_ksym: insn 0: kernel variable no_such_kernel_variable is not simulated
        "#]],
    );
}

/// A program that nobody asked for does not stand in the way of another.
#[test]
fn others_that_cannot_run() {
    check(
        "run objects/ksyms.bpf.o --program weak_ksyms --pcap pcaps/arp.pcap --packets 1",
        expect![[r#"
            weak_ksyms on pcaps/arp.pcap: 1 packet, 60 bytes

             action    packets      %  bytes
             XDP_PASS        1  100.0     60

            instructions  6 (6.0 a packet, most 6 on packet 0)
            ! ebpf-sim: warning: weak extern 'bpf_of_no_kernel_ever' is absent
            ! ebpf-sim: warning: weak extern 'variable_of_no_kernel_ever' is absent
            exit 0
        "#]],
    );
}

#[test]
fn refused_objects() {
    for (object, expected) in [
        (
            "big_endian",
            expect![[r#"
            ebpf-sim: refused/big_endian.bpf.o: a big-endian BPF object: only little-endian programs can be run; compile with `clang -target bpfel`
        "#]],
        ),
        (
            "wrong_machine",
            expect![[r#"
            ebpf-sim: refused/wrong_machine.bpf.o: an ELF file for machine 62, not for BPF (247): compile with `clang -target bpf`
        "#]],
        ),
        (
            "map_without_type",
            expect![[r#"
            ebpf-sim: refused/map_without_type.bpf.o: map 'untyped': the map type is not given
        "#]],
        ),
        (
            "recursion",
            expect![[r#"
            ebpf-sim: refused/recursion.bpf.o: section '.text', offset 0x48 (in 'odd'): recursion is not possible in BPF: even -> odd -> even
        "#]],
        ),
        (
            "undefined_function",
            expect![[r#"
            ebpf-sim: refused/undefined_function.bpf.o: section 'xdp', offset 0x8 (in 'undefined_function'): 'not_defined_anywhere' is called but not defined in this object; if it should have been inlined, declare it `static __always_inline`; if the kernel provides it, declare it `extern … __ksym`
        "#]],
        ),
        (
            "unknown_kconfig",
            expect![[r#"
            ebpf-sim: refused/unknown_kconfig.bpf.o: extern 'CONFIG_NO_SUCH_OPTION': no value is known; give one, or declare the variable weak
        "#]],
        ),
    ] {
        fails(
            &format!("run refused/{object}.bpf.o --pcap pcaps/arp.pcap"),
            2,
            expected,
        );
    }
}
