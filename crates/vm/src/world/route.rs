//! Which route a packet takes, as Linux without policy rules decides it.
//!
//! IPv4 looks at the tables `local` and `main` as one (Linux keeps them in one
//! trie as long as there are no rules), IPv6 at `local` and then at `main`; the
//! longest prefix wins, then the smallest metric. Every address of a device
//! implies routes, as `ip addr add` makes them: the address itself and the
//! broadcast address are local, and the rest of its prefix is on the link.
//!
//! The tables are searched from end to end: they are meant to be small.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::{Device, Network, Prefix, Route, RouteKind, table};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    /// Where the packet goes.
    pub(crate) destination: IpAddr,
    /// Only routes out of this device (IPv4).
    pub(crate) out: Option<u32>,
    /// Where the packet comes from or goes to, for destinations of one link.
    pub(crate) device: u32,
    /// Only this table.
    pub(crate) table: Option<u32>,
}

/// The route that was found; implied ones are made up on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) kind: RouteKind,
    pub(crate) via: Option<IpAddr>,
    pub(crate) device: u32,
    pub(crate) source: Option<IpAddr>,
    pub(crate) metric: u32,
    pub(crate) mtu: u32,
}

/// A route of either kind, as it is compared.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    table: u32,
    len: u8,
    found: Found,
}

/// IPv6 metric of routes that do not say.
const METRIC_V6: u32 = 1024;
/// IPv6 metric of what an address implies.
const METRIC_LINK_V6: u32 = 256;

impl Network {
    /// The route to a destination.
    pub(crate) fn route(&self, question: &Question) -> Option<Found> {
        let mut best: Option<Candidate> = None;
        let mut consider = |candidate: Candidate| {
            if self.usable(&candidate, question)
                && best.is_none_or(|best| rank(&candidate, question) > rank(&best, question))
            {
                best = Some(candidate);
            }
        };
        for route in &self.routes {
            if route.destination.contains(question.destination) {
                consider(written(route));
            }
        }
        for device in &self.devices {
            for address in &device.addresses {
                implied(device, *address, question.destination, &mut consider);
            }
        }
        if let Some(own) = of_this_machine(question.destination) {
            consider(own);
            // IPv6 has its loopback address in both tables.
            if own.len == 128 {
                let table = table::MAIN;
                consider(Candidate { table, ..own });
            }
        }
        best.map(|best| best.found)
    }

    fn usable(&self, candidate: &Candidate, question: &Question) -> bool {
        let found = &candidate.found;
        let needs_device = found.kind == RouteKind::Unicast;
        let up = !needs_device || self.device(found.device).is_some_and(|d| d.up);
        let v4 = question.destination.is_ipv4();
        let tables = match question.table {
            Some(table::LOCAL | table::MAIN) if v4 => [table::LOCAL, table::MAIN],
            Some(table) => [table, table],
            None => [table::LOCAL, table::MAIN],
        };
        let device = match question.destination {
            IpAddr::V4(_) => question.out,
            IpAddr::V6(to) => (needs_device && is_of_one_link(to)).then_some(question.device),
        };
        let is_bound = matches!(
            found.kind,
            RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit
        );
        up && tables.contains(&candidate.table)
            && (is_bound || device.is_none_or(|d| d == found.device))
    }

    /// The address that packets out of a device have (IPv4).
    pub(crate) fn source_v4(&self, found: &Found, gateway: Option<IpAddr>) -> Option<IpAddr> {
        if found.source.is_some() {
            return found.source;
        }
        let on_device = self.device(found.device).and_then(|device| {
            let addresses = || device.addresses.iter().filter(|a| a.address.is_ipv4());
            let same = gateway.and_then(|to| addresses().find(|a| a.contains(to)));
            same.or_else(|| addresses().next())
        });
        let anywhere = || {
            let all = self.devices.iter().filter(|d| d.up);
            all.flat_map(|d| &d.addresses)
                .find(|a| matches!(a.address, IpAddr::V4(v4) if !v4.is_loopback()))
        };
        on_device.or_else(anywhere).map(|a| a.address)
    }

    /// The address that packets to `to` out of a device have (IPv6): `to` itself if
    /// it is anybody's here, the one of the device with the longest common prefix,
    /// or of another device (RFC 6724 section 5, rules 1, 5 and 8).
    pub(crate) fn source_v6(&self, found: &Found, to: Ipv6Addr) -> Option<IpAddr> {
        if found.source.is_some() {
            return found.source;
        }
        let common = |a: &Ipv6Addr| (u128::from(*a) ^ u128::from(to)).leading_zeros();
        let of = |device: &Device| {
            let addresses = device.addresses.iter().filter_map(|a| match a.address {
                IpAddr::V6(v6) if !v6.is_loopback() => Some(v6),
                _ => None,
            });
            let scope = addresses.filter(|a| a.is_unicast_link_local() <= is_of_one_link(to));
            scope.max_by_key(common)
        };
        let anywhere = || self.devices.iter().filter_map(of).max_by_key(common);
        let own = || {
            let mut all = self.devices.iter().flat_map(|d| &d.addresses);
            all.any(|a| a.address == to).then_some(to)
        };
        let on_device = || self.device(found.device).and_then(of);
        own().or_else(on_device).or_else(anywhere).map(IpAddr::V6)
    }
}

/// Larger is better.
fn rank(candidate: &Candidate, question: &Question) -> (bool, u8, bool, std::cmp::Reverse<u32>) {
    let is_local = candidate.table == table::LOCAL;
    let v4 = question.destination.is_ipv4();
    let metric = std::cmp::Reverse(candidate.found.metric);
    (is_local && !v4, candidate.len, is_local, metric)
}

/// Link-local and multicast destinations are of the link of one device.
fn is_of_one_link(to: Ipv6Addr) -> bool {
    to.is_unicast_link_local() || to.is_multicast()
}

fn written(route: &Route) -> Candidate {
    let default_metric = match route.destination.address {
        IpAddr::V4(_) => 0,
        IpAddr::V6(_) => METRIC_V6,
    };
    Candidate {
        table: route.table,
        len: route.destination.len,
        found: Found {
            kind: route.kind,
            via: route.via,
            device: route.device,
            source: route.source,
            metric: if route.metric == 0 {
                default_metric
            } else {
                route.metric
            },
            mtu: route.mtu,
        },
    }
}

/// The routes that an address of a device implies.
fn implied(device: &Device, own: Prefix, to: IpAddr, consider: &mut dyn FnMut(Candidate)) {
    let route = |table, len, kind, source, metric| Candidate {
        table,
        len,
        found: Found {
            kind,
            via: None,
            device: device.ifindex,
            source,
            metric,
            mtu: 0,
        },
    };
    let host = Prefix::host(own.address).len;
    let metric = if own.address.is_ipv4() {
        0
    } else {
        METRIC_LINK_V6
    };
    if own.address == to {
        consider(route(table::LOCAL, host, RouteKind::Local, None, 0));
    }
    if device.up && is_everyone(own, to, device.forwarding) {
        consider(route(table::LOCAL, host, RouteKind::Broadcast, None, 0));
    }
    if own.len < host && own.contains(to) {
        let source = own.address.is_ipv4().then_some(own.address);
        let link = route(table::MAIN, own.len, RouteKind::Unicast, source, metric);
        consider(link);
    }
}

/// Whether `to` is the broadcast address of an IPv4 prefix, or the address that
/// all routers of an IPv6 prefix share.
fn is_everyone(own: Prefix, to: IpAddr, forwarding: bool) -> bool {
    match (own.address, to) {
        (IpAddr::V4(_), IpAddr::V4(to)) if own.len < 31 => {
            let hosts = u32::MAX.checked_shr(own.len.into()).unwrap_or(0);
            own.contains(IpAddr::V4(to)) && u32::from(to) & hosts == hosts
        }
        (IpAddr::V6(_), IpAddr::V6(to)) if own.len < 127 && forwarding => {
            let hosts = u128::MAX.checked_shr(own.len.into()).unwrap_or(0);
            own.contains(IpAddr::V6(to)) && u128::from(to) & hosts == 0
        }
        _ => false,
    }
}

/// Loopback addresses, and IPv6 multicast, which is every device's.
fn of_this_machine(to: IpAddr) -> Option<Candidate> {
    let (len, kind) = match to {
        IpAddr::V4(to) if to.octets()[0] == Ipv4Addr::LOCALHOST.octets()[0] => {
            (8, RouteKind::Local)
        }
        IpAddr::V6(Ipv6Addr::LOCALHOST) => (128, RouteKind::Local),
        IpAddr::V6(to) if to.is_multicast() => (8, RouteKind::Multicast),
        _ => return None,
    };
    Some(Candidate {
        table: table::LOCAL,
        len,
        found: Found {
            kind,
            via: None,
            device: 1,
            source: None,
            metric: 0,
            mtu: 0,
        },
    })
}
