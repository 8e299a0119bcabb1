//! The network that programs can ask about: devices, routes, neighbours, sockets.
//!
//! Plain tables, as `ip link`, `ip addr`, `ip route` and `ip neigh` show them. An
//! empty network answers as a machine without routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::socket::Socket;

/// Devices, routes, neighbours and sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Network devices.
    pub devices: Vec<Device>,
    /// Routes, besides those that the addresses of the devices imply.
    pub routes: Vec<Route>,
    /// Hardware addresses of hosts on the same link.
    pub neighbours: Vec<Neighbour>,
    /// Sockets of this machine.
    pub sockets: Vec<Socket>,
}

impl Network {
    /// What a new network namespace has, with its loopback up.
    pub fn loopback() -> Network {
        let v4 = Prefix {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            len: 8,
        };
        Network {
            devices: vec![Device {
                ifindex: 1,
                name: "lo".to_owned(),
                mtu: 65536,
                addresses: vec![v4, Prefix::host(IpAddr::V6(Ipv6Addr::LOCALHOST))],
                ..Device::default()
            }],
            ..Network::default()
        }
    }
}

/// A network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Index, from 1.
    pub ifindex: u32,
    /// Name.
    pub name: String,
    /// Hardware address.
    pub mac: [u8; 6],
    /// Largest packet above the Ethernet header, in bytes.
    pub mtu: u32,
    /// Whether it is up: a device that is down has no routes.
    pub up: bool,
    /// Whether packets that arrive here may be forwarded
    /// (`net.ipv4.conf.NAME.forwarding`, and the same for IPv6).
    pub forwarding: bool,
    /// Own addresses, each with the length of the link's prefix. Each implies a
    /// local route and one to the link, as `ip addr add` does.
    pub addresses: Vec<Prefix>,
    /// Set for a VLAN device.
    pub vlan: Option<Vlan>,
}

impl Default for Device {
    fn default() -> Device {
        Device {
            ifindex: 0,
            name: String::new(),
            mac: [0; 6],
            mtu: 1500,
            up: true,
            forwarding: true,
            addresses: Vec::new(),
            vlan: None,
        }
    }
}

/// What makes a device a VLAN device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Index of the device below.
    pub parent: u32,
    /// Ethernet type of the tag: 0x8100 or 0x88a8.
    pub protocol: u16,
    /// VLAN id.
    pub id: u16,
}

/// An address with the length of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Address; bits behind the prefix do not matter in routes.
    pub address: IpAddr,
    /// Bits that matter.
    pub len: u8,
}

impl Prefix {
    /// Whether `address` is in it. A family never contains the other.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let mask = mask(self.len, 32) as u32;
                (u32::from(a) ^ u32::from(b)) & mask == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (u128::from(a) ^ u128::from(b)) & mask(self.len, 128) == 0
            }
            _ => false,
        }
    }

    /// The prefix of one host.
    pub fn host(address: IpAddr) -> Prefix {
        let len = if address.is_ipv4() { 32 } else { 128 };
        Prefix { address, len }
    }

    /// Everything in the family of `address`.
    pub fn any_v4() -> Prefix {
        Prefix {
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            len: 0,
        }
    }

    /// Everything in IPv6.
    pub fn any_v6() -> Prefix {
        Prefix {
            address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            len: 0,
        }
    }
}

/// The upper `len` of `bits` bits.
fn mask(len: u8, bits: u8) -> u128 {
    let low = bits.saturating_sub(len);
    u128::MAX.checked_shl(u32::from(low)).unwrap_or(0)
}

/// Numbers of the routing tables that every machine has.
pub mod table {
    /// `main`.
    pub const MAIN: u32 = 254;
    /// `local`: own addresses and broadcast.
    pub const LOCAL: u32 = 255;
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Addresses that it is for.
    pub destination: Prefix,
    /// What becomes of such packets.
    pub kind: RouteKind,
    /// The next router; none when the destination is on the link.
    pub via: Option<IpAddr>,
    /// Index of the device.
    pub device: u32,
    /// Preferred source address.
    pub source: Option<IpAddr>,
    /// Of equal prefixes the smallest metric wins. 0 is the default of the
    /// family: 0 for IPv4, 1024 for IPv6.
    pub metric: u32,
    /// Largest packet on this route (`mtu lock N`); 0 for the device's.
    pub mtu: u32,
    /// Table, of [`table`] or another number.
    pub table: u32,
}

impl Default for Route {
    fn default() -> Route {
        Route {
            destination: Prefix::any_v4(),
            kind: RouteKind::Unicast,
            via: None,
            device: 0,
            source: None,
            metric: 0,
            mtu: 0,
            table: table::MAIN,
        }
    }
}

/// What a route does with packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouteKind {
    /// Sends them on.
    #[default]
    Unicast,
    /// They are for this machine.
    Local,
    /// They are for everyone on the link.
    Broadcast,
    /// They are for a group.
    Multicast,
    /// Drops them.
    Blackhole,
    /// Drops them and says so.
    Unreachable,
    /// Drops them and says that it is forbidden.
    Prohibit,
}

/// The hardware address of a host on the same link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the device.
    pub device: u32,
    /// Address of the host.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: [u8; 6],
}

impl Network {
    /// The device with this index.
    pub fn device(&self, ifindex: u32) -> Option<&Device> {
        self.devices.iter().find(|d| d.ifindex == ifindex)
    }

    /// The host with this address on the link of a device.
    pub fn neighbour(&self, device: u32, address: IpAddr) -> Option<&Neighbour> {
        let mut neighbours = self.neighbours.iter();
        neighbours.find(|n| n.device == device && n.address == address)
    }
}
