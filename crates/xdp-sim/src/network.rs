//! Devices, routes and neighbours from a JSON file.
//!
//! ```json
//! {
//!   "devices": [
//!     {"ifindex": 10, "name": "west", "mac": "02:00:00:00:10:01", "mtu": 1500,
//!      "addresses": ["198.51.100.1/24", "2001:db8:1::1/64"]}
//!   ],
//!   "routes": [
//!     {"destination": "192.0.2.0/27", "via": "198.51.100.254", "device": 10},
//!     {"destination": "192.0.2.53/32", "kind": "blackhole"}
//!   ],
//!   "neighbours": [
//!     {"device": 10, "address": "198.51.100.254", "mac": "02:00:00:00:10:fe"}
//!   ]
//! }
//! ```
//!
//! Fields that are left out have the values that `ip link`, `ip route` and
//! `ip neigh` would give them. Addresses of devices imply the routes that
//! `ip addr add` makes.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, de};
use vm::world;
use vm::world::table;

/// Reads a network file. Errors name line and column.
pub fn read_network(bytes: &[u8]) -> Result<world::Network, serde_json::Error> {
    let file: Network = serde_json::from_slice(bytes)?;
    Ok(world::Network {
        devices: file.devices.into_iter().map(Device::into_world).collect(),
        routes: file.routes.into_iter().map(Route::into_world).collect(),
        neighbours: file
            .neighbours
            .into_iter()
            .map(Neighbour::into_world)
            .collect(),
        ..world::Network::default()
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Network {
    devices: Vec<Device>,
    routes: Vec<Route>,
    neighbours: Vec<Neighbour>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    ifindex: u32,
    #[serde(default)]
    name: String,
    #[serde(default)]
    mac: Mac,
    #[serde(default = "ethernet_mtu")]
    mtu: u32,
    #[serde(default = "yes")]
    up: bool,
    #[serde(default = "yes")]
    forwarding: bool,
    #[serde(default)]
    addresses: Vec<Prefix>,
    vlan: Option<Vlan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vlan {
    parent: u32,
    #[serde(default = "ethertype_vlan")]
    protocol: u16,
    id: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    destination: Prefix,
    #[serde(default)]
    kind: Kind,
    via: Option<IpAddr>,
    #[serde(default)]
    device: u32,
    source: Option<IpAddr>,
    #[serde(default)]
    metric: u32,
    #[serde(default)]
    mtu: u32,
    #[serde(default = "main_table")]
    table: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Unicast,
    Local,
    Broadcast,
    Multicast,
    Blackhole,
    Unreachable,
    Prohibit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Neighbour {
    device: u32,
    address: IpAddr,
    mac: Mac,
}

/// `02:00:00:00:10:01`.
#[derive(Clone, Copy, Default)]
struct Mac([u8; 6]);

/// `192.0.2.0/24`; without a length, one host.
struct Prefix(world::Prefix);

fn ethernet_mtu() -> u32 {
    1500
}

fn ethertype_vlan() -> u16 {
    0x8100
}

fn main_table() -> u32 {
    table::MAIN
}

fn yes() -> bool {
    true
}

impl Device {
    fn into_world(self) -> world::Device {
        world::Device {
            ifindex: self.ifindex,
            name: self.name,
            mac: self.mac.0,
            mtu: self.mtu,
            up: self.up,
            forwarding: self.forwarding,
            addresses: self.addresses.into_iter().map(|p| p.0).collect(),
            vlan: self.vlan.map(|v| world::Vlan {
                parent: v.parent,
                protocol: v.protocol,
                id: v.id,
            }),
        }
    }
}

impl Route {
    fn into_world(self) -> world::Route {
        world::Route {
            destination: self.destination.0,
            kind: match self.kind {
                Kind::Unicast => world::RouteKind::Unicast,
                Kind::Local => world::RouteKind::Local,
                Kind::Broadcast => world::RouteKind::Broadcast,
                Kind::Multicast => world::RouteKind::Multicast,
                Kind::Blackhole => world::RouteKind::Blackhole,
                Kind::Unreachable => world::RouteKind::Unreachable,
                Kind::Prohibit => world::RouteKind::Prohibit,
            },
            via: self.via,
            device: self.device,
            source: self.source,
            metric: self.metric,
            mtu: self.mtu,
            table: self.table,
        }
    }
}

impl Neighbour {
    fn into_world(self) -> world::Neighbour {
        world::Neighbour {
            device: self.device,
            address: self.address,
            mac: self.mac.0,
        }
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mac, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            de::Error::custom(format!(
                "{text:?} is no hardware address (02:00:00:00:10:01)"
            ))
        };
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| wrong())?;
        }
        match parts.next() {
            None => Ok(Mac(bytes)),
            Some(_) => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Prefix, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || de::Error::custom(format!("{text:?} is no address or prefix (192.0.2.0/24)"));
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let len = match len {
            Some(len) => len
                .parse()
                .ok()
                .filter(|len| *len <= most)
                .ok_or_else(wrong)?,
            None => most,
        };
        Ok(Prefix(world::Prefix { address, len }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_network() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../corpus/networks/router.json"
        );
        let bytes = std::fs::read(path).expect("the corpus is there");
        let network = read_network(&bytes).expect("a network");
        assert_eq!(network.devices.len(), 3);
        assert_eq!(network.devices[1].mac, [2, 0, 0, 0, 0x10, 1]);
        assert_eq!(network.devices[1].addresses[0].len, 24);
        assert_eq!(network.routes[3].kind, world::RouteKind::Blackhole);
        assert!(network.devices.iter().all(|d| d.up && d.forwarding));
    }

    #[test]
    fn what_is_wrong_and_where() {
        for (text, why) in [
            (
                r#"{"devices": [{"ifindex": 1, "mac": "02:00"}]}"#,
                "is no hardware address",
            ),
            (
                r#"{"routes": [{"destination": "10.0.0.0/33"}]}"#,
                "is no address or prefix",
            ),
            (
                r#"{"routes": [{"destination": "ten"}]}"#,
                "is no address or prefix",
            ),
            (r#"{"router": []}"#, "unknown field `router`"),
            (r#"{"devices": [{}]}"#, "missing field `ifindex`"),
        ] {
            let error = read_network(text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("line 1"), "{error}");
        }
    }
}
