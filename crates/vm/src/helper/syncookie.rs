//! SYN cookies, with a socket and without.
//!
//! A cookie is Linux's, given the same keys (`World::syncookie_keys`): `h0 + seq +
//! (t << 24) + ((h1 + i) mod 2^24)`, with `t` in minutes of the jiffies counter, `i`
//! the index of the segment size, and SipHash-2-4 over addresses and ports, in `h1`
//! over `t` too.

use std::net::IpAddr;

use abi::Errno;
use siphasher::sip::SipHasher24;

use super::call::{Answer, Call, Mem};
use super::socket::socket;
use crate::world::{Protocol, Socket};

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
/// Seconds between changes of `t`.
const PERIOD: u64 = 60;
/// Flags of a TCP header.
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
/// A cookie is good for this many periods.
const MAX_AGE: u32 = 2;

/// `s64 bpf_tcp_raw_gen_syncookie_ipv4(iph, th, u32 th_len)`: the cookie, and
/// above it the segment size.
pub(super) fn generate_ipv4(call: &mut Call<'_>) -> Answer {
    generate(call, IPV4)
}

/// `s64 bpf_tcp_raw_gen_syncookie_ipv6(iph, th, u32 th_len)`
pub(super) fn generate_ipv6(call: &mut Call<'_>) -> Answer {
    generate(call, IPV6)
}

/// `long bpf_tcp_raw_check_syncookie_ipv4(iph, th)`: 0 when the acknowledgement
/// is that of a cookie.
pub(super) fn check_ipv4(call: &mut Call<'_>) -> Answer {
    check(call, IPV4)
}

/// `long bpf_tcp_raw_check_syncookie_ipv6(iph, th)`
pub(super) fn check_ipv6(call: &mut Call<'_>) -> Answer {
    check(call, IPV6)
}

/// `s64 bpf_tcp_gen_syncookie(sk, iph, u32 iph_len, th, u32 th_len)`: as the raw
/// ones, for a socket that listens and answers with cookies.
pub(super) fn generate_for(call: &mut Call<'_>) -> Answer {
    let (len, ip_len) = (call.size(5)?, call.size(3)?);
    let (segment, ip) = (call.readable(4, len)?, call.readable(2, ip_len)?);
    let socket = socket(call, 1)?;
    let bytes = segment.bytes(&call.machine.space);
    if len < TCP || len != header_len(bytes) || !listens(socket) {
        return Ok(Errno::EINVAL.to_ret());
    }
    if flags(bytes) & (SYN | ACK | FIN | RST) != SYN || ip_len < IPV4 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let Some(ip) = fitting(call, socket, ip) else {
        return Ok(Errno::EINVAL.to_ret());
    };
    if !socket.syn_flood {
        return Ok(Errno::ENOENT.to_ret());
    }
    Ok(cookie(call, ip, segment))
}

/// `long bpf_tcp_check_syncookie(sk, iph, u32 iph_len, th, u32 th_len)`: 0 when the
/// acknowledgement is that of a cookie for a socket that listens.
pub(super) fn check_for(call: &mut Call<'_>) -> Answer {
    let (len, ip_len) = (call.size(5)?, call.size(3)?);
    let (segment, ip) = (call.readable(4, len)?, call.readable(2, ip_len)?);
    let socket = socket(call, 1)?;
    let bytes = segment.bytes(&call.machine.space);
    if len < TCP || !listens(socket) {
        return Ok(Errno::EINVAL.to_ret());
    }
    let answers = flags(bytes) & (SYN | ACK | RST) == ACK;
    if !answers || !socket.syn_flood {
        return Ok(Errno::ENOENT.to_ret());
    }
    if ip_len < IPV4 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let Some(ip) = fitting(call, socket, ip) else {
        return Ok(Errno::EINVAL.to_ret());
    };
    Ok(match is_good(call, ip, segment) {
        true => 0,
        false => Errno::ENOENT.to_ret(),
    })
}

fn listens(socket: &Socket) -> bool {
    socket.protocol == Protocol::Tcp && socket.remote.is_none()
}

/// The IP header by its version, if the socket takes such packets.
fn fitting(call: &Call<'_>, socket: &Socket, ip: Mem) -> Option<Mem> {
    let version = ip.bytes(&call.machine.space).first()? >> 4;
    let len = match (version, socket.local.ip()) {
        (4, IpAddr::V4(_) | IpAddr::V6(_)) => IPV4,
        (6, IpAddr::V6(_)) => IPV6,
        _ => return None,
    };
    (ip.len >= len).then_some(Mem { len, ..ip })
}

fn generate(call: &mut Call<'_>, header: u32) -> Answer {
    let len = call.size(3)?;
    let segment = call.readable(2, len)?;
    let ip = call.readable(1, header)?;
    if len < TCP || len != header_len(segment.bytes(&call.machine.space)) {
        return Ok(Errno::EINVAL.to_ret());
    }
    Ok(cookie(call, ip, segment))
}

/// The cookie, and above it the segment size.
fn cookie(call: &Call<'_>, ip: Mem, segment: Mem) -> u64 {
    let space = &call.machine.space;
    let (sizes, segment) = (sizes(ip), segment.bytes(space));
    let mss = mss(segment.get(TCP as usize..).unwrap_or_default()).unwrap_or(DEFAULT_MSS);
    let index = sizes.iter().rposition(|size| *size <= mss).unwrap_or(0);
    let flow = Flow::new(call, ip.bytes(space), segment);
    let now = now(call);
    let low = flow.hash(now, 1).wrapping_add(index as u32) & 0xff_ffff;
    let cookie = flow
        .hash(0, 0)
        .wrapping_add(flow.sequence)
        .wrapping_add(now << 24)
        .wrapping_add(low);
    u64::from(sizes[index]) << 32 | u64::from(cookie)
}

fn check(call: &mut Call<'_>, header: u32) -> Answer {
    let (ip, segment) = (call.readable(1, header)?, call.readable(2, TCP)?);
    Ok(match is_good(call, ip, segment) {
        true => 0,
        false => Errno::EACCES.to_ret(),
    })
}

/// Whether a segment acknowledges a cookie.
fn is_good(call: &Call<'_>, ip: Mem, segment: Mem) -> bool {
    let space = &call.machine.space;
    let mut flow = Flow::new(call, ip.bytes(space), segment.bytes(space));
    flow.sequence = flow.sequence.wrapping_sub(1);
    let cookie = flow.acknowledgement.wrapping_sub(1);
    let rest = cookie
        .wrapping_sub(flow.hash(0, 0))
        .wrapping_sub(flow.sequence);
    let now = now(call);
    let age = now.wrapping_sub(rest >> 24) & 0xff;
    let index = rest.wrapping_sub(flow.hash(now.wrapping_sub(age), 1)) & 0xff_ffff;
    age < MAX_AGE && (index as usize) < sizes(ip).len()
}

/// The segment sizes of a family.
fn sizes(ip: Mem) -> &'static [u16; 4] {
    match ip.len {
        IPV4 => &MSS_V4,
        _ => &MSS_V6,
    }
}

/// The period that it is now.
fn now(call: &Call<'_>) -> u32 {
    let clock = &call.machine.world.clock;
    (clock.ticks() / (PERIOD * u64::from(clock.hz.max(1)))) as u32
}

/// Bytes of a TCP header, as it says.
fn header_len(segment: &[u8]) -> u32 {
    segment.get(12).map_or(0, |b| u32::from(b >> 4) * 4)
}

fn flags(segment: &[u8]) -> u8 {
    segment.get(13).copied().unwrap_or(0)
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
    /// Addresses and, behind, ports, as the hash takes them.
    addresses: Vec<u8>,
    ports: [u8; 4],
    keys: [[u64; 2]; 2],
    sequence: u32,
    acknowledgement: u32,
}

impl Flow {
    /// From an IP header, whose addresses are its last bytes in front of options,
    /// and a TCP header.
    fn new(call: &Call<'_>, ip: &[u8], tcp: &[u8]) -> Flow {
        let word = |at: usize| {
            let bytes = tcp.get(at..).and_then(|b| b.first_chunk());
            bytes.copied().unwrap_or_default()
        };
        let addresses = if ip.len() > IPV4 as usize { 8 } else { 12 };
        Flow {
            addresses: ip.get(addresses..).unwrap_or_default().to_vec(),
            ports: word(0),
            keys: call.machine.world.syncookie_keys,
            sequence: u32::from_be_bytes(word(4)),
            acknowledgement: u32::from_be_bytes(word(8)),
        }
    }

    fn hash(&self, time: u32, key: usize) -> u32 {
        let mut bytes = self.addresses.clone();
        let [from, to] = [
            [self.ports[0], self.ports[1]],
            [self.ports[2], self.ports[3]],
        ];
        if bytes.len() > 8 {
            bytes.extend(time.to_le_bytes());
            bytes.extend(from);
            bytes.extend(to);
        } else {
            // A number with the sender's port above the receiver's.
            bytes.extend(to);
            bytes.extend(from);
            bytes.extend(time.to_le_bytes());
        }
        let [first, second] = self.keys[key];
        SipHasher24::new_with_keys(first, second).hash(&bytes) as u32
    }
}
