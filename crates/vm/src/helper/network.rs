//! Questions about the network: routes and packet sizes.
//!
//! Compared with Linux 6.18's answers in a network of its own:
//! `tests/data/network.json`, `fib_lookup.jsonl`, `check_mtu.jsonl`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use abi::Errno;

use super::call::{Answer, Call};
use crate::world::{Found, Network, Question, RouteKind, table};

/// Bytes of an Ethernet header.
const ETHERNET: i32 = 14;

/// `long bpf_check_mtu(ctx, u32 ifindex, u32 *mtu_len, s32 len_diff, u64 flags)`
/// in XDP: whether the packet, or `*mtu_len` bytes above the Ethernet header,
/// changed by `len_diff`, fits the device. `*mtu_len` becomes the MTU.
pub(super) fn check_mtu_xdp(call: &mut Call<'_>) -> Answer {
    /// `BPF_MTU_CHK_RET_FRAG_NEEDED`
    const TOO_LONG: u64 = 1;

    let (ifindex, diff, flags) = (call.arg32(2), call.arg32(4) as i32, call.arg(5));
    let asked = call.writable(3, 4)?;
    let (packet, _) = call.packet(1)?;
    let (linear, ingress) = (packet.linear_len(), packet.ingress_ifindex());
    if flags != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let machine = &mut *call.machine;
    let ifindex = if ifindex == 0 { ingress } else { ifindex };
    let Some(device) = machine.world.network.device(ifindex) else {
        return Ok(Errno::ENODEV.to_ret());
    };
    let asked = asked.bytes_mut(&mut machine.space);
    let len = match u32::from_le_bytes(asked.try_into().unwrap_or_default()) {
        0 => linear as i32,
        len => (len as i32).wrapping_add(ETHERNET),
    };
    asked.copy_from_slice(&device.mtu.to_le_bytes());
    let limit = (device.mtu as i32).wrapping_add(ETHERNET);
    let fits = len.wrapping_add(diff) <= limit;
    Ok(if fits { 0 } else { TOO_LONG })
}

/// Flags of `bpf_fib_lookup`.
mod flag {
    pub(super) const DIRECT: u32 = 1;
    pub(super) const OUTPUT: u32 = 1 << 1;
    pub(super) const SKIP_NEIGH: u32 = 1 << 2;
    pub(super) const TBID: u32 = 1 << 3;
    pub(super) const SRC: u32 = 1 << 4;
    /// Every flag; `MARK` only matters to policy rules, of which there are none.
    pub(super) const ALL: u32 = 0x3f;
}

/// Why a packet is not forwarded (`BPF_FIB_LKUP_RET_*`).
mod answer {
    pub(super) const SUCCESS: u64 = 0;
    pub(super) const BLACKHOLE: u64 = 1;
    pub(super) const UNREACHABLE: u64 = 2;
    pub(super) const PROHIBIT: u64 = 3;
    pub(super) const NOT_FWDED: u64 = 4;
    pub(super) const FWD_DISABLED: u64 = 5;
    pub(super) const NO_NEIGH: u64 = 7;
    pub(super) const FRAG_NEEDED: u64 = 8;
    pub(super) const NO_SRC_ADDR: u64 = 9;
}

/// `long bpf_fib_lookup(ctx, params, int plen, u32 flags)` in XDP.
pub(super) fn fib_lookup_xdp(call: &mut Call<'_>) -> Answer {
    let (len, flags) = (call.size(3)?, call.arg32(4));
    let memory = call.writable(2, len)?;
    let _ = call.packet(1)?;
    let machine = &mut *call.machine;
    let bytes = memory.bytes_mut(&mut machine.space);
    let Some(bytes) = bytes.first_chunk_mut() else {
        return Ok(Errno::EINVAL.to_ret());
    };
    if flags & !flag::ALL != 0 {
        return Ok(Errno::EINVAL.to_ret());
    }
    let mut params = Params { bytes };
    let Some(destination) = params.destination() else {
        return Ok(Errno::EAFNOSUPPORT.to_ret());
    };
    Ok(look_up(
        &machine.world.network,
        &mut params,
        destination,
        flags,
    ))
}

fn look_up(network: &Network, params: &mut Params<'_>, to: IpAddr, flags: u32) -> u64 {
    if is_never_forwarded(to) || params.source().is_some_and(is_never_forwarded) {
        return answer::NOT_FWDED;
    }
    let ingress = params.ifindex();
    let Some(device) = network.device(ingress) else {
        return Errno::ENODEV.to_ret();
    };
    if !device.forwarding {
        return answer::FWD_DISABLED;
    }
    let question = Question {
        destination: to,
        out: (flags & flag::OUTPUT != 0).then_some(ingress),
        device: ingress,
        table: (flags & flag::DIRECT != 0).then(|| params.table(flags)),
    };
    let Some(found) = network.route(&question) else {
        return answer::NOT_FWDED;
    };
    match found.kind {
        RouteKind::Unicast => forward(network, params, to, flags, &found),
        RouteKind::Blackhole => answer::BLACKHOLE,
        RouteKind::Unreachable => answer::UNREACHABLE,
        RouteKind::Prohibit => answer::PROHIBIT,
        _ => answer::NOT_FWDED,
    }
}

/// Whether an IPv6 address is of one link or of this machine. It is asked before
/// anything else.
fn is_never_forwarded(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast() || v6.is_loopback(),
    }
}

/// Fills in how to send the packet on.
fn forward(
    network: &Network,
    params: &mut Params<'_>,
    to: IpAddr,
    flags: u32,
    found: &Found,
) -> u64 {
    let Some(device) = network.device(found.device) else {
        return answer::NOT_FWDED;
    };
    let mtu = if found.mtu != 0 {
        found.mtu
    } else {
        device.mtu
    };
    let mtu = mtu.min(u16::MAX.into()) as u16;
    if params.total_len() > mtu {
        params.set_mtu(mtu);
        return answer::FRAG_NEEDED;
    }
    let hop = found.via.unwrap_or(to);
    params.set_metric(found.metric);
    params.set_ifindex(found.device);
    params.set_destination(hop);
    if flags & flag::SRC != 0 {
        let source = match to {
            IpAddr::V4(_) => network.source_v4(found, found.via),
            IpAddr::V6(to) => network.source_v6(found, to),
        };
        match source {
            Some(source) => params.set_source(source),
            None => return answer::NO_SRC_ADDR,
        }
    }
    if flags & flag::SKIP_NEIGH == 0 {
        let neighbour = network.neighbour(found.device, hop);
        let Some(neighbour) = neighbour else {
            return answer::NO_NEIGH;
        };
        params.set_macs(device.mac, neighbour.mac);
    }
    params.clear_vlan();
    params.set_mtu(mtu);
    answer::SUCCESS
}

/// `struct bpf_fib_lookup`.
struct Params<'a> {
    bytes: &'a mut [u8; 64],
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

impl Params<'_> {
    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[at..at + N]);
        field
    }

    fn set(&mut self, at: usize, field: &[u8]) {
        self.bytes[at..at + field.len()].copy_from_slice(field);
    }

    fn total_len(&self) -> u16 {
        u16::from_le_bytes(self.get(6))
    }

    /// Over the total length.
    fn set_mtu(&mut self, mtu: u16) {
        self.set(6, &mtu.to_le_bytes());
    }

    fn ifindex(&self) -> u32 {
        u32::from_le_bytes(self.get(8))
    }

    fn set_ifindex(&mut self, ifindex: u32) {
        self.set(8, &ifindex.to_le_bytes());
    }

    /// Over the type of service or flow information.
    fn set_metric(&mut self, metric: u32) {
        self.set(12, &metric.to_le_bytes());
    }

    fn destination(&self) -> Option<IpAddr> {
        match self.bytes[0] {
            AF_INET => Some(Ipv4Addr::from(self.get::<4>(32)).into()),
            AF_INET6 => Some(Ipv6Addr::from(self.get::<16>(32)).into()),
            _ => None,
        }
    }

    /// Of IPv6.
    fn source(&self) -> Option<IpAddr> {
        let is_v6 = self.bytes[0] == AF_INET6;
        is_v6.then(|| Ipv6Addr::from(self.get::<16>(16)).into())
    }

    fn set_source(&mut self, source: IpAddr) {
        self.set_address(16, source);
    }

    fn set_destination(&mut self, hop: IpAddr) {
        // A router of IPv6 on a route of IPv4.
        if hop.is_ipv6() {
            self.bytes[0] = AF_INET6;
        }
        self.set_address(32, hop);
    }

    fn set_address(&mut self, at: usize, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.set(at, &v4.octets()),
            IpAddr::V6(v6) => self.set(at, &v6.octets()),
        }
    }

    /// The table to look at directly; taken out of the structure.
    fn table(&mut self, flags: u32) -> u32 {
        if flags & flag::TBID == 0 {
            return table::MAIN;
        }
        let asked = u32::from_le_bytes(self.get(48));
        self.set(48, &[0; 4]);
        match asked {
            0 => table::MAIN,
            asked => asked,
        }
    }

    fn clear_vlan(&mut self) {
        self.set(48, &[0; 4]);
    }

    fn set_macs(&mut self, source: [u8; 6], destination: [u8; 6]) {
        self.set(52, &source);
        self.set(58, &destination);
    }
}
