//! Sockets: those of [`Network::sockets`](crate::world::Network::sockets), as
//! programs see them (`struct bpf_sock`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::call::{Answer, Call, Stop, pointer};
use crate::memory::{Addr, RegionKind, Rights};
use crate::world::{Protocol, Socket};

/// Bytes of `struct bpf_sock`.
const BYTES: u32 = 80;
/// Bytes of the addresses and ports that are looked up, by family.
const TUPLE_V4: u32 = 12;
const TUPLE_V6: u32 = 36;

/// `struct bpf_sock *bpf_sk_lookup_tcp(ctx, tuple, u32 tuple_size, u64 netns, u64
/// flags)`, and `bpf_skc_lookup_tcp`: there are no sockets that are only half
/// there.
pub(super) fn lookup_tcp(call: &mut Call<'_>) -> Answer {
    lookup(call, Protocol::Tcp)
}

/// `struct bpf_sock *bpf_sk_lookup_udp(ctx, tuple, u32 tuple_size, u64 netns, u64
/// flags)`
pub(super) fn lookup_udp(call: &mut Call<'_>) -> Answer {
    lookup(call, Protocol::Udp)
}

fn lookup(call: &mut Call<'_>, protocol: Protocol) -> Answer {
    let size = call.size(3)?;
    let tuple = call.readable(2, size)?;
    let Some((from, to)) = ends(tuple.bytes(&call.machine.space)) else {
        return pointer(None);
    };
    // Namespaces have no numbers here, but for one's own.
    let own = (call.arg(4) as i32) < 0;
    if call.arg(5) != 0 || !own {
        return pointer(None);
    }
    let sockets = call.machine.world.network.sockets.iter().enumerate();
    let fitting = sockets.filter(|(_, socket)| socket.protocol == protocol);
    let fitting = fitting.filter_map(|(index, socket)| Some((socket.score(from, to)?, index)));
    // Of equals the first.
    let best = fitting.max_by_key(|(score, index)| (*score, std::cmp::Reverse(*index)));
    match best {
        Some((_, index)) => show(call, index),
        None => pointer(None),
    }
}

/// `long bpf_sk_release(sock)`
pub(super) fn release(call: &mut Call<'_>) -> Answer {
    number(call, 1)?;
    Ok(0)
}

/// The socket that an argument points to.
pub(super) fn socket<'c>(call: &'c Call<'_>, n: usize) -> Result<&'c Socket, Stop> {
    let index = number(call, n)?;
    let socket = call.machine.world.network.sockets.get(index);
    socket.ok_or_else(|| call.refuse(n, "not a socket"))
}

fn number(call: &Call<'_>, n: usize) -> Result<usize, Stop> {
    let refusal = call.refuse(n, "not a socket");
    let region = call.machine.sockets.ok_or(refusal)?;
    let start = call.machine.space.region(region).start.to_reg();
    let offset = call.arg(n).checked_sub(start).ok_or(refusal)?;
    let index = offset / u64::from(BYTES);
    let exact = offset % u64::from(BYTES) == 0;
    let known = (index as usize) < call.machine.world.network.sockets.len();
    (exact && known).then_some(index as usize).ok_or(refusal)
}

/// Addresses and ports: of the sender, of the receiver.
fn ends(tuple: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let port = |at: usize| Some(u16::from_be_bytes(*tuple.get(at..)?.first_chunk()?));
    let address = |at: usize| -> Option<IpAddr> {
        Some(match tuple.len() as u32 {
            TUPLE_V4 => IpAddr::V4(Ipv4Addr::from(*tuple.get(at..)?.first_chunk::<4>()?)),
            TUPLE_V6 => IpAddr::V6(Ipv6Addr::from(*tuple.get(at..)?.first_chunk::<16>()?)),
            _ => return None,
        })
    };
    let width = if tuple.len() as u32 == TUPLE_V4 {
        4
    } else {
        16
    };
    let from = SocketAddr::new(address(0)?, port(2 * width)?);
    let to = SocketAddr::new(address(width)?, port(2 * width + 2)?);
    Some((from, to))
}

/// Where a program sees a socket.
fn show(call: &mut Call<'_>, index: usize) -> Answer {
    let machine = &mut *call.machine;
    let count = machine.world.network.sockets.len() as u32;
    let capacity = count.saturating_mul(BYTES);
    let fits = |region: &crate::memory::RegionId| machine.space.region(*region).len >= capacity;
    let region = match machine.sockets.filter(fits) {
        Some(region) => region,
        None => {
            let region = machine
                .space
                .add(capacity, Rights::Read, RegionKind::Platform);
            // As when Linux has no memory.
            let Ok(region) = region else {
                return pointer(None);
            };
            machine.sockets = Some(region);
            region
        }
    };
    let at = machine
        .space
        .region(region)
        .start
        .offset(index as u32 * BYTES);
    let bytes = fields(&machine.world.network.sockets[index]);
    machine.space.bytes_mut(at, BYTES).copy_from_slice(&bytes);
    pointer(Some(Addr(at.0)))
}

/// `struct bpf_sock`
fn fields(socket: &Socket) -> [u8; BYTES as usize] {
    let mut bytes = [0; BYTES as usize];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    let (kind, protocol): (u32, u32) = match socket.protocol {
        Protocol::Tcp => (1, 6),
        Protocol::Udp => (2, 17),
    };
    let family: u32 = if socket.local.is_ipv4() { 2 } else { 10 };
    put(0, &socket.device.to_le_bytes());
    put(4, &family.to_le_bytes());
    put(8, &kind.to_le_bytes());
    put(12, &protocol.to_le_bytes());
    put(16, &socket.mark.to_le_bytes());
    put(20, &socket.priority.to_le_bytes());
    match socket.local.ip() {
        IpAddr::V4(address) => put(24, &address.octets()),
        IpAddr::V6(address) => put(28, &address.octets()),
    }
    put(44, &u32::from(socket.local.port()).to_le_bytes());
    if let Some(remote) = socket.remote {
        put(48, &remote.port().to_be_bytes());
        match remote.ip() {
            IpAddr::V4(address) => put(52, &address.octets()),
            IpAddr::V6(address) => put(56, &address.octets()),
        }
    }
    put(72, &socket.state().to_le_bytes());
    // It came through no queue that the socket would remember.
    put(76, &u32::MAX.to_le_bytes());
    bytes
}
