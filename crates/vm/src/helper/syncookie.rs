//! SYN cookies without a socket.
//!
//! A cookie has Linux's shape: `h0 + seq + (t << 24) + ((h1 + i) mod 2^24)`, with
//! `t` in minutes, `i` the index of the segment size, and hashes over addresses
//! and ports of which `h1` also depends on `t`. Linux's hashes have a random key;
//! here they are the same in every run.

use abi::Errno;

use super::call::{Answer, Call};

/// Bytes of a TCP header without options.
const TCP: u32 = 20;
/// Bytes of an IPv4 header without options.
const IPV4: u32 = 20;
/// Bytes of an IPv6 header.
const IPV6: u32 = 40;
/// Segment size of who does not say.
const DEFAULT_MSS: u16 = 536;
/// Segment sizes that a cookie can tell, ascending.
const MSS_V4: [u16; 4] = [536, 1300, 1440, 1460];
const MSS_V6: [u16; 4] = [1220, 1420, 1440, 8940];
/// Nanoseconds between changes of `t`.
const PERIOD_NS: u64 = 60_000_000_000;
/// A cookie is good for this many periods.
const MAX_AGE: u32 = 2;

/// `s64 bpf_tcp_raw_gen_syncookie_ipv4(iph, th, u32 th_len)`: the cookie, and
/// above it the segment size.
pub(super) fn generate_ipv4(call: &mut Call<'_>) -> Answer {
    generate(call, IPV4, &MSS_V4)
}

/// `s64 bpf_tcp_raw_gen_syncookie_ipv6(iph, th, u32 th_len)`
pub(super) fn generate_ipv6(call: &mut Call<'_>) -> Answer {
    generate(call, IPV6, &MSS_V6)
}

/// `long bpf_tcp_raw_check_syncookie_ipv4(iph, th)`: 0 when the acknowledgement
/// is that of a cookie.
pub(super) fn check_ipv4(call: &mut Call<'_>) -> Answer {
    check(call, IPV4, &MSS_V4)
}

/// `long bpf_tcp_raw_check_syncookie_ipv6(iph, th)`
pub(super) fn check_ipv6(call: &mut Call<'_>) -> Answer {
    check(call, IPV6, &MSS_V6)
}

fn generate(call: &mut Call<'_>, header: u32, sizes: &[u16; 4]) -> Answer {
    let len = call.size(3)?;
    let segment = call.readable(2, len)?;
    let ip = call.readable(1, header)?;
    let space = &call.machine.space;
    let segment = segment.bytes(space);
    let offset = segment.get(12).map_or(0, |b| u32::from(b >> 4) * 4);
    if len < TCP || len != offset {
        return Ok(Errno::EINVAL.to_ret());
    }
    let mss = mss(&segment[TCP as usize..]).unwrap_or(DEFAULT_MSS);
    let index = sizes.iter().rposition(|size| *size <= mss).unwrap_or(0);
    let flow = Flow::new(ip.bytes(space), segment);
    let now = now(call);
    let low = flow.hash(now).wrapping_add(index as u32) & 0xff_ffff;
    let cookie = flow
        .hash(0)
        .wrapping_add(flow.sequence)
        .wrapping_add(now << 24)
        .wrapping_add(low);
    Ok(u64::from(sizes[index]) << 32 | u64::from(cookie))
}

fn check(call: &mut Call<'_>, header: u32, sizes: &[u16; 4]) -> Answer {
    let (ip, segment) = (call.readable(1, header)?, call.readable(2, TCP)?);
    let space = &call.machine.space;
    let mut flow = Flow::new(ip.bytes(space), segment.bytes(space));
    flow.sequence = flow.sequence.wrapping_sub(1);
    let cookie = flow.acknowledgement.wrapping_sub(1);
    let rest = cookie
        .wrapping_sub(flow.hash(0))
        .wrapping_sub(flow.sequence);
    let now = now(call);
    let age = now.wrapping_sub(rest >> 24) & 0xff;
    let index = rest.wrapping_sub(flow.hash(now.wrapping_sub(age))) & 0xff_ffff;
    let is_good = age < MAX_AGE && (index as usize) < sizes.len();
    Ok(if is_good { 0 } else { Errno::EACCES.to_ret() })
}

/// The period that it is now.
fn now(call: &Call<'_>) -> u32 {
    // The first period is 1: hash 0 is the one without time.
    (call.machine.world.clock.now_ns / PERIOD_NS) as u32 + 1
}

/// The maximum segment size option; the last one counts.
fn mss(options: &[u8]) -> Option<u16> {
    let mut found = None;
    let mut rest = options;
    loop {
        rest = match rest {
            [] | [0, ..] => break,
            [1, after @ ..] => after,
            [2, 4, high, low, after @ ..] => {
                found = Some(u16::from_be_bytes([*high, *low]));
                after
            }
            [_, len, ..] if *len >= 2 => match rest.get(usize::from(*len)..) {
                Some(after) => after,
                None => break,
            },
            _ => break,
        }
    }
    found.filter(|mss| *mss != 0)
}

/// What a cookie is about.
struct Flow {
    key: u64,
    sequence: u32,
    acknowledgement: u32,
}

impl Flow {
    /// From an IP header, whose addresses are its last bytes in front of options,
    /// and a TCP header.
    fn new(ip: &[u8], tcp: &[u8]) -> Flow {
        let word = |at: usize| {
            let bytes = tcp.get(at..).and_then(|b| b.first_chunk());
            u32::from_be_bytes(bytes.copied().unwrap_or_default())
        };
        let addresses = if ip.len() > IPV4 as usize { 8 } else { 12 };
        let mut key = mix(u64::from(word(0)));
        for b in ip.iter().skip(addresses) {
            key = mix(key ^ u64::from(*b));
        }
        Flow {
            key,
            sequence: word(4),
            acknowledgement: word(8),
        }
    }

    fn hash(&self, time: u32) -> u32 {
        (mix(self.key ^ u64::from(time)) >> 32) as u32
    }
}

/// SplitMix64.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
