//! SYN cookies: which segment size they tell, and that they are known again.

use abi::Errno;

use crate::bench::Bench;

const PERIOD_NS: u64 = 60_000_000_000;

/// A TCP segment with these options.
fn segment(options: &[u8], sequence: u32, acknowledgement: u32) -> Vec<u8> {
    let mut all = vec![0x10, 0x92, 0, 80];
    all.extend_from_slice(&sequence.to_be_bytes());
    all.extend_from_slice(&acknowledgement.to_be_bytes());
    all.extend_from_slice(&[
        (5 + options.len() as u8 / 4) << 4,
        2,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
    ]);
    all.extend_from_slice(options);
    all
}

/// Options and the size that Linux 6.18 takes from them.
#[test]
fn the_segment_size_is_the_next_smaller_of_a_table() {
    let v4: [(&[u8], u64); 14] = [
        (&[], 536),
        (&[2, 4, 0x05, 0xb4], 1460),
        (&[2, 4, 0x05, 0xb3], 1440),
        (&[2, 4, 0x05, 0xa0], 1440),
        (&[2, 4, 0x05, 0x9f], 1300),
        (&[2, 4, 0x05, 0x14], 1300),
        (&[2, 4, 0x02, 0x17], 536),
        (&[2, 4, 0, 0], 536),
        (&[2, 4, 0xff, 0xff], 1460),
        (&[1, 1, 1, 0], 536),
        (&[1, 2, 4, 0x05, 0xb4, 1, 1, 1], 1460),
        (&[2, 3, 0x05, 0xb4], 536),
        (&[2, 4, 0x05, 0xb4, 2, 4, 0x02, 0x18], 536),
        (&[5, 0, 2, 4, 0x05, 0xb4, 0, 0], 536),
    ];
    let v6: [(&[u8], u64); 4] = [
        (&[], 1220),
        (&[2, 4, 0x05, 0x9f], 1420),
        (&[2, 4, 0x05, 0xa0], 1440),
        (&[2, 4, 0x23, 0x00], 8940),
    ];
    let mut bench = Bench::new();
    let all = v4
        .iter()
        .map(|c| ("ipv4", c))
        .chain(v6.iter().map(|c| ("ipv6", c)));
    for (family, (options, size)) in all {
        bench.clear();
        let ip = bench.put(&[0x45; 40]);
        let tcp = segment(options, 0x1122_3344, 0);
        let at = bench.put(&tcp);
        let helper = format!("bpf_tcp_raw_gen_syncookie_{family}");
        let ret = bench
            .call(&helper, &[ip, at, tcp.len() as u64])
            .expect("no trap");
        assert_eq!(ret >> 32, *size, "{family} {options:x?}");
    }
}

#[test]
fn a_header_of_another_length_is_refused() {
    let mut bench = Bench::new();
    let ip = bench.put(&[0x45; 40]);
    let tcp = bench.put(&segment(&[2, 4, 0x05, 0xb4], 1, 0));
    for (len, refused) in [(0, true), (19, true), (20, true), (23, true), (24, false)] {
        let ret = bench.call("bpf_tcp_raw_gen_syncookie_ipv4", &[ip, tcp, len]);
        assert_eq!(ret == Ok(Errno::EINVAL.to_ret()), refused, "{len}");
    }
}

#[test]
fn a_cookie_is_known_again_for_two_periods() {
    let mut bench = Bench::new();
    bench.machine.world.clock.now_ns = 5 * PERIOD_NS;
    let ip = bench.put(&[0x45; 40]);
    let other = bench.put(&[0x46; 40]);
    let tcp = segment(&[2, 4, 0x05, 0xb4], 0x1122_3344, 0);
    let at = bench.put(&tcp);
    for family in ["ipv4", "ipv6"] {
        bench.machine.world.clock.now_ns = 5 * PERIOD_NS;
        let generate = format!("bpf_tcp_raw_gen_syncookie_{family}");
        let check = format!("bpf_tcp_raw_check_syncookie_{family}");
        let cookie = bench
            .call(&generate, &[ip, at, tcp.len() as u64])
            .expect("no trap") as u32;
        let ack = |cookie: u32| segment(&[], 0x1122_3345, cookie.wrapping_add(1));
        let good = bench.put(&ack(cookie));
        // The lowest bits are the index of the size, below 4.
        let bad = bench.put(&ack(cookie.wrapping_add(4)));
        let refused = Ok(Errno::EACCES.to_ret());
        assert_eq!(bench.call(&check, &[ip, good]), Ok(0));
        assert_eq!(bench.call(&check, &[ip, bad]), refused);
        assert_eq!(bench.call(&check, &[other, good]), refused);
        bench.machine.world.clock.now_ns += PERIOD_NS;
        assert_eq!(bench.call(&check, &[ip, good]), Ok(0));
        bench.machine.world.clock.now_ns += PERIOD_NS;
        assert_eq!(bench.call(&check, &[ip, good]), refused);
    }
}
