//! The text report of `run`.

use expect_test::expect;

use crate::support::{check, file};

#[test]
fn firewall_with_rules() {
    check(
        "run objects/firewall.bpf.o --pcap pcaps/tcp4.pcap --cpus 2
         --map rules=maps/firewall/rules.json --map blocked=maps/firewall/blocked.json",
        expect![[r#"
            firewall on pcaps/tcp4.pcap: 24 packets, 3,518 bytes

             action    packets     %  bytes
             XDP_DROP        1   4.2     54
             XDP_PASS       23  95.8  3,464

            instructions  2,494 (103.9 a packet, most 109 on packet 1)

            maps that changed
              hits (percpu_array, 4 entries changed)
                1: cpu 0: {packets: 6, bytes: 395}, cpu 1: {packets: 0, bytes: 0}
                2: cpu 0: {packets: 6, bytes: 395}, cpu 1: {packets: 0, bytes: 0}
                5: cpu 0: {packets: 1, bytes: 54}, cpu 1: {packets: 0, bytes: 0}
                12: cpu 0: {packets: 11, bytes: 2674}, cpu 1: {packets: 0, bytes: 0}
            exit 0
        "#]],
    );
}

#[test]
fn ring_buffer_events() {
    check(
        "run objects/portknock.bpf.o --pcap pcaps/portknock.pcap --events 3",
        expect![[r#"
            portknock on pcaps/portknock.pcap: 39 packets, 2,146 bytes

             action    packets     %  bytes
             XDP_DROP       21  53.8  1,150
             XDP_PASS       18  46.2    996

            instructions  3,276 (84.0 a packet, most 104 on packet 2)

            events (25)
              packet 0  events: 0x0300000000000000c000021f16000000
              packet 1  events: 0x0000000001000000c000021f581b0000
              packet 2  events: 0x0000000002000000c000021f401f0000
              … 22 more (--events N shows more)

            maps that changed
              knockers (hash, 3 entries changed)
                520224960: 4
                570556608: 4
                537002176: 4
            exit 0
        "#]],
    );
}

#[test]
fn perf_events() {
    check(
        "run objects/sampler.bpf.o --pcap pcaps/mixed.pcap --events 2",
        expect![[r#"
            sampler on pcaps/mixed.pcap: 366 packets, 58,145 bytes

             action    packets      %   bytes
             XDP_PASS      366  100.0  58,145

            instructions  6,763 (18.5 a packet, most 32 on packet 4)

            events (92)
              packet 0  samples (cpu 0): 0xedfe00003c0000000000000000000000ffffffffffff02000000000a0806000108000604000102000000000ac000020a… (76 bytes)
              packet 4  samples (cpu 0): 0xedfe00004b000000040000000000000002000000003502000000000a08004500003d000040004011b670c000020ac000… (80 bytes)
              … 90 more (--events N shows more)

            maps that changed
              sampler.bss (global data)
                seen = 366
                lost = 0
            exit 0
        "#]],
    );
}

#[test]
fn printk() {
    check(
        "run objects/printk.bpf.o --pcap pcaps/arp.pcap --packets 2",
        expect![[r#"
            printk on pcaps/arp.pcap: 2 packets, 120 bytes

             action    packets      %  bytes
             XDP_PASS        2  100.0    120

            instructions  484 (242.0 a packet, most 242 on packet 0)

            events (4)
              packet 0  printk: packet of 60 bytes, type 0x806
              packet 0  printk: 1 2 3 60 alpha
              packet 1  printk: packet of 60 bytes, type 0x806
              packet 1  printk: 1 2 3 60 alpha

            maps that changed
              lines (array, 5 entries changed)
                0: {length: 43, line: "-60 60 3c -60 60 3c -60 ffffffffffffffc4 7"}
                1: {length: 52, line: "[   60] [00060] [60   ] [+2054] [03c00000] [I] 100%"}
                2: {length: 11, line: "alpha and "}
                3: {length: 99, line: "192.000.002.001 192.0.2.1 20010db8000000000000000000000001 2001:0db8:0000:0000:0000:0000:0000:0"}
                4: {length: 43, line: "-60 60 3c -"}
            exit 0
        "#]],
    );
}

#[test]
fn redirect_to_a_device() {
    check(
        "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap
         --map ports=maps/devmap/ports.json",
        expect![[r#"
            to_port on pcaps/mixed.pcap: 366 packets, 58,145 bytes

             action        packets     %   bytes
             XDP_PASS          172  47.0  28,783
             XDP_TX             30   8.2   4,590
             XDP_REDIRECT      164  44.8  24,772

             to        packets   bytes
             stack         172  28,783
             back           30   4,590
             device 1      164  24,772

            instructions  10,267 (28.1 a packet, most 58 on packet 8)

            maps that changed
              devmap.bss (global data)
                redirected = 164
                egress_seen = [0 × 16]
            exit 0
        "#]],
    );
}

/// The program of a map entry sees the packet next, and may drop it.
#[test]
fn redirect_through_a_second_program() {
    let ports = file(
        r#"[{"key": 2, "value": {"ifindex": 3, "prog": "egress"}},
            {"key": 4, "value": {"ifindex": 5}}]"#,
    );
    let line = "run objects/devmap.bpf.o --program to_port --pcap pcaps/mixed.pcap --map ports=";
    check(
        &format!("{line}{}", ports.path().display()),
        expect![[r#"
        to_port on pcaps/mixed.pcap: 366 packets, 58,145 bytes

         action        packets     %   bytes
         XDP_PASS          172  47.0  28,783
         XDP_TX             30   8.2   4,590
         XDP_REDIRECT      164  44.8  24,772

         to        packets   bytes
         stack         172  28,783
         back           30   4,590
         device 3       66   9,146
         device 5       98  15,626

        instructions  11,455 (31.3 a packet, most 58 on packet 8)

        maps that changed
          devmap.bss (global data)
            redirected = 164
            egress_seen = [0, 0, 0, 66, 0 × 12]
        exit 0
    "#]],
    );
    let queues = file(r#"[{"key": 0, "value": {"qsize": 64, "prog": "on_cpu"}}]"#);
    let line = "run objects/cpumap.bpf.o --pcap pcaps/mixed.pcap --map cpu_queues=";
    check(
        &format!("{line}{}", queues.path().display()),
        expect![[r#"
        spread on pcaps/mixed.pcap: 366 packets, 58,145 bytes

         action        packets     %   bytes
         XDP_PASS           81  22.1   7,967
         XDP_REDIRECT      285  77.9  50,178

         to     packets   bytes
         stack       81   7,967
         cpu 0      285  50,178

        instructions  17,622 (48.1 a packet, most 80 on packet 8)

        maps that changed
          cpumap.bss (global data)
            sent_to = [285, 81, 0 × 62]
            arrived = 285
        exit 0
    "#]],
    );
}

#[test]
fn redirect_to_a_cpu() {
    check(
        "run objects/cpumap.bpf.o --pcap pcaps/mixed.pcap --cpus 2
         --map cpu_queues=maps/cpumap/cpu_queues.json",
        expect![[r#"
            spread on pcaps/mixed.pcap: 366 packets, 58,145 bytes

             action        packets     %   bytes
             XDP_PASS           81  22.1   7,967
             XDP_REDIRECT      285  77.9  50,178

             to     packets   bytes
             stack       81   7,967
             cpu 0      285  50,178

            instructions  15,627 (42.7 a packet, most 73 on packet 8)

            maps that changed
              cpumap.bss (global data)
                sent_to = [285, 81, 0 × 62]
                arrived = 0
            exit 0
        "#]],
    );
}

#[test]
fn redirect_to_nobody() {
    check(
        "run objects/devmap.bpf.o --program flood --pcap pcaps/arp.pcap",
        expect![[r#"
            flood on pcaps/arp.pcap: 7 packets, 420 bytes

             action        packets      %  bytes
             XDP_REDIRECT        7  100.0    420

             7 packets: redirected, but reached nobody

            instructions  35 (5.0 a packet, most 5 on packet 0)
            exit 0
        "#]],
    );
}

#[test]
fn routes_of_a_network() {
    check(
        "run objects/router.bpf.o --program router --pcap pcaps/mixed.pcap
         --network networks/router.json",
        expect![[r#"
            router on pcaps/mixed.pcap: 366 packets, 58,145 bytes

             action        packets     %   bytes
             XDP_DROP           58  15.8   8,252
             XDP_PASS           59  16.1   7,824
             XDP_REDIRECT      249  68.0  42,069

             to         packets   bytes
             stack           59   7,824
             device 10       75  14,152
             device 11      174  27,917

            instructions  46,888 (128.1 a packet, most 157 on packet 1)

            maps that changed
              answers (array, 7 entries changed)
                0: 249
                1: 20
                2: 10
                3: 28
                4: 4
                7: 31
                8: 2
            exit 0
        "#]],
    );
}

#[test]
fn frames_that_no_driver_would_deliver() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/runts.pcap",
        expect![[r#"
            pass on pcaps/runts.pcap: 7 packets, 119 bytes

             action    packets      %  bytes
             XDP_PASS        7  100.0    119

             5 packets: shorter than an Ethernet header, not given to the program

            instructions  14 (2.0 a packet, most 2 on packet 0)
            exit 0
        "#]],
    );
}

#[test]
fn frames_that_the_capture_cut() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/snaplen.pcap",
        expect![[r#"
            pass on pcaps/snaplen.pcap: 55 packets, 3,918 bytes

             action    packets      %  bytes
             XDP_PASS       55  100.0  3,918

             48 packets: in the capture only in part (snap length)

            instructions  110 (2.0 a packet, most 2 on packet 0)
            exit 0
        "#]],
    );
}

#[test]
fn large_frames_and_a_program_not_marked_for_them() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/jumbo.pcap",
        expect![[r#"
            pass on pcaps/jumbo.pcap: 12 packets, 59,956 bytes

             action    packets      %   bytes
             XDP_PASS       12  100.0  59,956

            instructions  24 (2.0 a packet, most 2 on packet 0)
            ! ebpf-sim: warning: 8 packets above 3,520 bytes, and pass is not marked for them (section xdp.frags): a driver would refuse it at such an MTU
            exit 0
        "#]],
    );
    check(
        "run objects/multibuf.bpf.o --program across --pcap pcaps/jumbo.pcap",
        expect![[r#"
            across on pcaps/jumbo.pcap: 12 packets, 59,956 bytes

             action    packets     %   bytes
             XDP_PASS        6  50.0  19,114
             XDP_TX          6  50.0  40,842

            instructions  462 (38.5 a packet, most 47 on packet 6)

            maps that changed
              multibuf.bss (global data)
                last_byte_sum = 0
                refused = 12
                linear = 40231
                in_frags = 19725
            exit 0
        "#]],
    );
}

#[test]
fn a_trap() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --packets 2 --budget 1",
        expect![[r#"
            pass on pcaps/arp.pcap: 2 packets, 120 bytes

             action       packets      %  bytes
             XDP_ABORTED        2  100.0    120

            instructions  2 (1.0 a packet, most 1 on packet 0)

            traps (2)
              packet 0: program pass, insn 1: more than 1 instructions
              packet 1: program pass, insn 1: more than 1 instructions
            exit 1
        "#]],
    );
}

#[test]
fn what_matters_about_the_object() {
    check(
        "run objects/several.bpf.o --program first --pcap pcaps/arp.pcap --packets 1",
        expect![[r#"
            first on pcaps/arp.pcap: 1 packet, 60 bytes

             action    packets      %  bytes
             XDP_PASS        1  100.0     60

            instructions  11 (11.0 a packet, most 11 on packet 0)

            maps that changed
              runs (array, 1 entry changed)
                0: 1
            ! ebpf-sim: warning: map 'runs' asks to be pinned by name: not done, it starts empty
            exit 0
        "#]],
    );
    check(
        "run objects/ksyms.bpf.o --pcap pcaps/arp.pcap --packets 1",
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
fn nothing_to_count() {
    check(
        "run objects/pass.bpf.o --pcap pcaps/arp.pcap --packets 0",
        expect![[r#"
            pass on pcaps/arp.pcap: 0 packets, 0 bytes
            exit 0
        "#]],
    );
}
