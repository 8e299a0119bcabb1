//! `bpf_probe_read` and its siblings, clocks, task.

use abi::{Errno, ProgType};

use crate::bench::Bench;

/// What each reader answers for a size and an address, and how the buffer
/// begins; measured on Linux 6.18 with the text "hello\0world".
#[test]
fn probe_reads_answer_as_linux() {
    const TEXT: u64 = 1;
    let fault = Errno::EFAULT.to_ret();
    let range = Errno::ERANGE.to_ret();
    let cases: [(&str, u32, u64, u64, &[u8]); 22] = [
        ("bpf_probe_read_kernel", 4, TEXT, 0, b"hell\xaa"),
        ("bpf_probe_read_kernel", 8, TEXT, 0, b"hello\0wo\xaa"),
        ("bpf_probe_read_kernel", 0, TEXT, 0, b"\xaa"),
        ("bpf_probe_read_kernel", 4, 0, range, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_kernel", 4, 16, range, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_kernel", 4, u64::MAX, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_kernel", 4, 1 << 47, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_kernel", 0, 0, range, b"\xaa"),
        ("bpf_probe_read_user", 4, TEXT, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_user", 0, TEXT, fault, b"\xaa"),
        ("bpf_probe_read_user", 4, 0, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_user", 0, 0, 0, b"\xaa"),
        ("bpf_probe_read_kernel_str", 8, TEXT, 6, b"hello\0\xaa\xaa"),
        ("bpf_probe_read_kernel_str", 6, TEXT, 6, b"hello\0\xaa"),
        ("bpf_probe_read_kernel_str", 5, TEXT, 5, b"hell\0\xaa"),
        ("bpf_probe_read_kernel_str", 1, TEXT, 1, b"\0\xaa"),
        ("bpf_probe_read_kernel_str", 0, TEXT, 0, b"\xaa"),
        (
            "bpf_probe_read_kernel_str",
            8,
            0,
            range,
            b"\0\0\0\0\0\0\0\0\xaa",
        ),
        (
            "bpf_probe_read_kernel_str",
            8,
            u64::MAX,
            fault,
            b"\0\0\0\0\0\0\0\0\xaa",
        ),
        ("bpf_probe_read_user_str", 4, TEXT, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_user_str", 4, 0, fault, b"\0\0\0\0\xaa"),
        ("bpf_probe_read_user_str", 0, 0, 0, b"\xaa"),
    ];
    let mut bench = Bench::new();
    for (helper, size, addr, ret, begin) in cases {
        bench.clear();
        let text = bench.put(b"hello\0world");
        let to = bench.put(&[0xaa; 16]);
        let addr = if addr == TEXT { text } else { addr };
        let answer = bench.call(helper, &[to, size.into(), addr]);
        assert_eq!(answer, Ok(ret), "{helper} {size} {addr:#x}");
        assert_eq!(
            bench.get(to, begin.len()),
            begin,
            "{helper} {size} {addr:#x}"
        );
    }
}

#[test]
fn clocks_show_the_time_of_the_world() {
    let mut bench = Bench::new();
    let clock = &mut bench.machine.world.clock;
    clock.now_ns = 10_000_000_123;
    clock.suspended_ns = 5;
    clock.tai_offset_ns = 1 << 60;
    assert_eq!(bench.call("bpf_ktime_get_ns", &[]), Ok(10_000_000_123));
    assert_eq!(bench.call("bpf_ktime_get_boot_ns", &[]), Ok(10_000_000_128));
    assert_eq!(
        bench.call("bpf_ktime_get_tai_ns", &[]),
        Ok((1 << 60) + 10_000_000_123)
    );
    assert_eq!(
        bench.call("bpf_ktime_get_coarse_ns", &[]),
        Ok(10_000_000_000)
    );
    // 10 s at 250 Hz, after a start of -300 s in 32 bits.
    assert_eq!(
        bench.call("bpf_jiffies64", &[]),
        Ok((1 << 32) - 75_000 + 2_500)
    );
    bench.machine.world.clock.step_ns = 7;
    assert_eq!(bench.call("bpf_ktime_get_ns", &[]), Ok(10_000_000_123));
    assert_eq!(bench.call("bpf_ktime_get_ns", &[]), Ok(10_000_000_130));
}

#[test]
fn the_name_of_the_task_is_cut_and_padded() {
    let mut bench = Bench::new();
    bench.machine.world.task.comm = "python3".into();
    for (size, begin) in [
        (1, &b"\0\xaa"[..]),
        (4, b"pyt\0\xaa"),
        (16, b"python3\0\0\0\0\0\0\0\0\0\xaa"),
        (20, b"python3\0\0\0\0\0\0\0\0\0\0\0\0\0\xaa"),
    ] {
        bench.clear();
        let to = bench.put(&[0xaa; 24]);
        assert_eq!(bench.call("bpf_get_current_comm", &[to, size]), Ok(0));
        assert_eq!(bench.get(to, begin.len()), begin, "{size}");
    }
}

#[test]
fn random_numbers_follow_from_the_seed() {
    let numbers = |seed| {
        let mut bench = Bench::new();
        bench.machine.world.random.state = seed;
        [(); 4].map(|()| bench.call("bpf_get_prandom_u32", &[]).expect("no trap"))
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    assert!(numbers(3).iter().all(|n| *n <= u64::from(u32::MAX)));
}

#[test]
fn a_helper_is_only_there_for_the_types_that_have_it() {
    let id = |name| abi::helpers::by_name(name).expect("a helper").id;
    let has = |name, prog_type| vm::helper::implementation(id(name), prog_type).is_some();
    assert!(has("bpf_xdp_adjust_head", ProgType::Xdp));
    assert!(!has("bpf_xdp_adjust_head", ProgType::SchedCls));
    assert!(!has("bpf_fib_lookup", ProgType::SchedCls));
    assert!(has("bpf_map_lookup_elem", ProgType::Lsm));
    assert!(vm::helper::implementation(0, ProgType::Xdp).is_none());
    assert!(vm::helper::implementation(u32::MAX, ProgType::Xdp).is_none());
}
