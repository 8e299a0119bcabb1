//! Questions about a network that the simulator and the kernel both have: routes
//! (`bpf_fib_lookup`), sizes (`bpf_check_mtu`), redirects (`bpf_redirect`).
//!
//! Map 0 holds `flags: u32, mtu_len: u32, len_diff: i32, ifindex: u32` and the
//! `struct bpf_fib_lookup`; the program leaves what the helpers returned in map 1,
//! and the rest where it was.

use std::net::IpAddr;

use abi::MapType;
use vm::world::{Network, Prefix, Route, RouteKind, table};

use super::Random;
use super::text::assemble;
use crate::{Subject, map};

/// Bytes of `struct bpf_fib_lookup`, and where it is in map 0.
const PARAMS: usize = 64;
const PARAMS_AT: usize = 16;
/// Results: of three helpers.
pub const RESULTS: usize = 3;

/// What is asked about.
pub fn subject(network: Network) -> Subject {
    let array = |len: usize| map("m", MapType::Array, 4, len as u32, 1);
    let maps = vec![array(PARAMS_AT + PARAMS), array(8 * RESULTS)];
    let text = format!(
        "r6 = r1\n\
         r7 = map[idx:0]+0\n\
         r8 = map[idx:1]+0\n\
         r2 = map[idx:0]+{PARAMS_AT}\n\
         r3 = {PARAMS}\n\
         r4 = *(u32 *)(r7 +0)\n\
         call 69\n\
         *(u64 *)(r8 +0) = r0\n\
         r1 = r6\n\
         r2 = *(u32 *)(r7 +12)\n\
         r3 = map[idx:0]+4\n\
         r4 = *(u32 *)(r7 +8)\n\
         r5 = *(u32 *)(r7 +0)\n\
         r5 &= 3\n\
         call 163\n\
         *(u64 *)(r8 +8) = r0\n\
         r1 = *(u32 *)(r7 +12)\n\
         r2 = *(u32 *)(r7 +0)\n\
         r2 &= 7\n\
         call 23\n\
         *(u64 *)(r8 +16) = r0\n\
         r0 = 2\n\
         exit\n"
    );
    let mut subject = Subject::xdp("network", assemble(&text), maps);
    subject.network = network;
    subject
}

/// Routes that are added to a network.
const ADDED: usize = 60;
/// A table beside those that every machine has.
const TABLE: u32 = 100;

/// The network with random routes besides its own.
pub fn with_random_routes(network: &Network, random: &mut Random) -> Network {
    let mut network = network.clone();
    for _ in 0..ADDED {
        let route = route(&network, random);
        let same = |other: &Route| {
            let at = |route: &Route| (route.destination, route.table, route.metric);
            at(other) == at(&route)
        };
        // Two routes to one place with one metric are a choice of Linux's.
        if !network.routes.iter().any(same) {
            network.routes.push(route);
        }
    }
    network
}

fn route(network: &Network, random: &mut Random) -> Route {
    let on_links = network.devices.iter().filter(|d| d.name != "lo");
    let on_links = on_links.flat_map(|d| d.addresses.iter().map(|a| (d.ifindex, *a)));
    let (device, link) = random.pick(&on_links.collect::<Vec<_>>());
    let kind = random.pick(&[
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Blackhole,
        RouteKind::Unreachable,
        RouteKind::Prohibit,
    ]);
    let unicast = kind == RouteKind::Unicast;
    let host = 2 + random.below(200);
    let (destination, via) = match link.address {
        IpAddr::V4(v4) => {
            let len = 8 + random.below(25) as u8;
            let near = 0xc000_0200 | random.number() as u32 & 0xff;
            let bits = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
            let via = u32::from(v4) & !0xff | host as u32;
            (
                Prefix {
                    address: IpAddr::V4((near & bits).into()),
                    len,
                },
                IpAddr::V4(via.into()),
            )
        }
        IpAddr::V6(v6) => {
            let len = 32 + random.below(97) as u8;
            let near = 0x2001_0db8_u128 << 96 | u128::from(random.number() & 0xff);
            let bits = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            let via = u128::from(v6) & !0xff | u128::from(host);
            (
                Prefix {
                    address: IpAddr::V6((near & bits).into()),
                    len,
                },
                IpAddr::V6(via.into()),
            )
        }
    };
    Route {
        destination,
        kind,
        via: (unicast && random.percent(60)).then_some(via),
        device: if unicast { device } else { 0 },
        source: None,
        metric: random.pick(&[0, 0, 0, 1, 10, 2000]),
        mtu: if unicast {
            random.pick(&[0, 0, 0, 1280, 1400])
        } else {
            0
        },
        table: random.pick(&[table::MAIN, table::MAIN, TABLE]),
    }
}

/// What a reader wants to know of the input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The value of map 0.
    pub value: Vec<u8>,
    /// Where a packet is to go.
    pub destination: Option<IpAddr>,
    /// The device that it comes from.
    pub ifindex: u32,
    /// Flags.
    pub flags: u32,
}

/// A question that this network has something to say to.
pub fn input(network: &Network, random: &mut Random) -> Input {
    let mut devices: Vec<u32> = network.devices.iter().map(|d| d.ifindex).collect();
    let known = devices.clone();
    devices.extend([0, 99]);
    let mut device = || match random.percent(80) {
        true => random.pick(&known),
        false => random.pick(&devices),
    };
    let (ifindex, other) = (device(), device());
    // BPF_FIB_LOOKUP_MARK is for rules, of which there are none.
    let flags = match random.percent(80) {
        true => random.pick(&[0, 0, 0, 1, 2, 3, 4, 5, 6, 16, 20, 22, 9, 25]),
        false => random.edge() as u32,
    };
    let destination = destination(network, random);
    let source = match destination {
        IpAddr::V4(_) => IpAddr::V4((random.number() as u32).into()),
        IpAddr::V6(_) => match random.percent(80) {
            true => IpAddr::V6(u128::from(random.number()).into()),
            false => self::destination(network, random),
        },
    };
    let mut params = [0; PARAMS];
    let mut put = |at: usize, bytes: &[u8]| params[at..at + bytes.len()].copy_from_slice(bytes);
    put(
        0,
        &[match destination {
            IpAddr::V4(_) => 2,
            IpAddr::V6(_) => 10,
        }],
    );
    put(1, &[random.pick(&[1, 6, 17])]);
    put(2, &random.bytes(4));
    let length = random.pick(&[
        0,
        20,
        60,
        1279,
        1280,
        1281,
        1499,
        1500,
        1501,
        9000,
        u16::MAX,
    ]);
    put(6, &length.to_le_bytes());
    put(8, &ifindex.to_le_bytes());
    put(12, &random.pick(&[0u32, 0, 0, 4, 0xffff]).to_le_bytes());
    put(16, &octets(source));
    put(32, &octets(destination));
    put(48, &random.pick(&[0u32, 253, 254, 255, 100]).to_le_bytes());
    let known = random.percent(97);
    if !known {
        params[0] = random.number() as u8;
    }
    let mtu_len = random.pick(&[0, 0, 1, 60, 1266, 1280, 1500, 1501, 65536, i32::MAX, -1]);
    let len_diff = random.pick(&[0, 0, 1, -1, 14, 20, -20, 1500, -1500, i32::MAX, i32::MIN]);
    let mut value = Vec::new();
    value.extend(flags.to_le_bytes());
    value.extend(mtu_len.to_le_bytes());
    value.extend(len_diff.to_le_bytes());
    value.extend(other.to_le_bytes());
    value.extend(params);
    Input {
        value,
        destination: known.then_some(destination),
        ifindex,
        flags,
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// An address near one that the network knows.
fn destination(network: &Network, random: &mut Random) -> IpAddr {
    const OTHERS: [&str; 12] = [
        "0.0.0.0",
        "255.255.255.255",
        "127.0.0.1",
        "127.1.2.3",
        "8.8.8.8",
        "224.0.0.1",
        "::",
        "::1",
        "ff02::1",
        "fe80::1",
        "2001:db8:ffff::1",
        "64:ff9b::1",
    ];
    let of_devices = network.devices.iter().flat_map(|d| &d.addresses);
    let of_routes = network.routes.iter().map(|r| &r.destination);
    let prefixes: Vec<_> = of_devices.chain(of_routes).copied().collect();
    if prefixes.is_empty() || random.percent(15) {
        let text = random.pick(&OTHERS);
        return text.parse().expect("an address");
    }
    let prefix = random.pick(&prefixes);
    let bits = match random.below(5) {
        0 => 0,
        1 => u128::MAX,
        2 => 1 << random.below(128),
        3 => u128::from(random.below(256)),
        _ => u128::from(random.number()) << 64 | u128::from(random.number()),
    };
    let host = |width: u32| {
        let hosts = width.saturating_sub(u32::from(prefix.len));
        // Sometimes beyond the prefix.
        let reach = hosts + random.clone().below(2) as u32;
        bits & 1u128.checked_shl(reach).map_or(u128::MAX, |bit| bit - 1)
    };
    match prefix.address {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) ^ host(32) as u32).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) ^ host(128)).into()),
    }
}
