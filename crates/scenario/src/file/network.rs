//! Interfaces, routes and neighbours, as `ip link`, `ip route` and `ip neigh` have
//! them.

use std::net::IpAddr;

use vm::world::{Device, Neighbour, Prefix, Route, RouteKind, Vlan};

use super::error::{Error, Problem};
use super::fields::{Fields, Given};
use crate::model::{Interface, Name};

/// The interfaces of a file. Without any there is one, `eth0`, with the program.
pub(super) fn interfaces(
    given: Option<Given<'_>>,
    program: Option<Given<'_>>,
) -> Result<Vec<Interface>, Error> {
    let Some(given) = given else {
        let mut only = blank("eth0", 2);
        only.program = program.map(|given| text(&given)).transpose()?;
        return Ok(vec![only]);
    };
    let mut interfaces: Vec<Interface> = Vec::new();
    for (place, (key, value)) in Fields::of(given)?.rest().into_iter().enumerate() {
        let spot = value.spot.clone();
        let mut interface = blank(&key.name, place as u32 + 2);
        interface.spot = spot;
        read(Fields::of(value)?, &mut interface, &interfaces)?;
        interfaces.push(interface);
    }
    // A program that is named at the top sits on the first interface that has none.
    if let Some(program) = program {
        let free = interfaces.iter_mut().find(|i| i.program.is_none());
        let Some(free) = free else {
            return Err(program.error(Problem::Both {
                one: "program",
                other: "interfaces.*.program",
            }));
        };
        free.program = Some(text(&program)?);
    }
    Ok(interfaces)
}

/// An interface as it is where the file says nothing.
pub(crate) fn blank(name: &str, ifindex: u32) -> Interface {
    let [_, _, high, low] = ifindex.to_be_bytes();
    Interface {
        device: Device {
            ifindex,
            name: name.to_owned(),
            mac: [2, 0, 0, 0, high, low],
            ..Device::default()
        },
        queues: 1,
        ..Interface::default()
    }
}

fn read(
    mut fields: Fields<'_>,
    interface: &mut Interface,
    before: &[Interface],
) -> Result<(), Error> {
    let device = &mut interface.device;
    if let Some(given) = fields.take("program") {
        interface.program = Some(text(&given)?);
    }
    if let Some(given) = fields.take("object") {
        interface.object = Some(text(&given)?);
    }
    if let Some(given) = fields.take("ifindex") {
        device.ifindex = given.number()?;
        if device.ifindex < 2 {
            return Err(given.expected("2 or more: 1 is the loopback"));
        }
    }
    if let Some(given) = fields.take("mac") {
        device.mac = mac(&given)?;
    }
    if let Some(given) = fields.take("mtu") {
        device.mtu = given.number()?;
    }
    if let Some(given) = fields.take("queues") {
        interface.queues = given.number()?;
        if interface.queues == 0 {
            return Err(given.expected("1 or more"));
        }
    }
    if let Some(given) = fields.take("up") {
        device.up = given.truth()?;
    }
    if let Some(given) = fields.take("forwarding") {
        device.forwarding = given.truth()?;
    }
    if let Some(given) = fields.take("addresses") {
        for address in given.list()? {
            device.addresses.push(prefix(&address)?);
        }
    }
    if let Some(given) = fields.take("vlan") {
        device.vlan = Some(vlan(Fields::of(given)?, before)?);
    }
    let taken = before.iter().find(|i| i.device.ifindex == device.ifindex);
    if let Some(taken) = taken {
        let problem = Problem::Expected {
            expected: "an index of its own".to_owned(),
            found: format!("{}, which {} has", device.ifindex, taken.device.name),
        };
        return Err(Error::at(Some(fields.source), &fields.spot.span, problem));
    }
    fields.finish()
}

fn vlan(mut fields: Fields<'_>, before: &[Interface]) -> Result<Vlan, Error> {
    let parent = fields.need("parent", "the interface that it is on")?;
    let mut vlan = Vlan {
        parent: index(&parent, before)?,
        protocol: 0x8100,
        id: fields.need("id", "the number in the tag")?.number()?,
    };
    if let Some(given) = fields.take("protocol") {
        vlan.protocol = given.number()?;
    }
    fields.finish()?;
    Ok(vlan)
}

/// A route.
pub(super) fn route(given: Given<'_>, interfaces: &[Interface]) -> Result<Route, Error> {
    let mut fields = Fields::of(given)?;
    let destination = fields.need("destination", "where it leads")?;
    let mut route = Route {
        destination: prefix(&destination)?,
        ..Route::default()
    };
    if let Some(given) = fields.take("kind") {
        route.kind = given.parsed(
            kind,
            "unicast, local, broadcast, multicast, blackhole, unreachable or prohibit",
        )?;
    }
    if let Some(given) = fields.take("via") {
        route.via = Some(address(&given)?);
    }
    if let Some(given) = fields.take("interface") {
        route.device = index(&given, interfaces)?;
    }
    if let Some(given) = fields.take("source") {
        route.source = Some(address(&given)?);
    }
    for (key, value) in [
        ("metric", &mut route.metric),
        ("mtu", &mut route.mtu),
        ("table", &mut route.table),
    ] {
        if let Some(given) = fields.take(key) {
            *value = given.number()?;
        }
    }
    fields.finish()?;
    Ok(route)
}

fn kind(name: &str) -> Option<RouteKind> {
    Some(match name {
        "unicast" => RouteKind::Unicast,
        "local" => RouteKind::Local,
        "broadcast" => RouteKind::Broadcast,
        "multicast" => RouteKind::Multicast,
        "blackhole" => RouteKind::Blackhole,
        "unreachable" => RouteKind::Unreachable,
        "prohibit" => RouteKind::Prohibit,
        _ => return None,
    })
}

/// A neighbour.
pub(super) fn neighbour(given: Given<'_>, interfaces: &[Interface]) -> Result<Neighbour, Error> {
    let mut fields = Fields::of(given)?;
    let device = fields.need("interface", "where it is")?;
    let ip = fields.need("address", "its IP address")?;
    let hardware = fields.need("mac", "its hardware address")?;
    let neighbour = Neighbour {
        device: index(&device, interfaces)?,
        address: address(&ip)?,
        mac: mac(&hardware)?,
    };
    fields.finish()?;
    Ok(neighbour)
}

/// The index of an interface that is named.
fn index(given: &Given<'_>, interfaces: &[Interface]) -> Result<u32, Error> {
    let name = given.text()?;
    if name == "lo" {
        return Ok(1);
    }
    let found = interfaces.iter().find(|i| i.device.name == name);
    let known = || interfaces.iter().map(|i| i.device.name.as_str());
    found
        .map(|i| i.device.ifindex)
        .ok_or_else(|| given.error(Problem::unknown("interface", name, known())))
}

/// Text with its place.
pub(super) fn text(given: &Given<'_>) -> Result<Name, Error> {
    Ok(Name {
        text: given.text()?.to_owned(),
        spot: given.spot.clone(),
    })
}

/// An IP address.
pub(super) fn address(given: &Given<'_>) -> Result<IpAddr, Error> {
    given.parsed(|text| text.parse().ok(), "an IP address")
}

/// An IP address and perhaps how many bits of it count.
pub(super) fn prefix(given: &Given<'_>) -> Result<Prefix, Error> {
    let read = |text: &str| {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let len = len.map_or(Some(most), |len| len.parse().ok())?;
        (len <= most).then_some(Prefix { address, len })
    };
    given.parsed(read, "an address or prefix such as 192.0.2.0/24")
}

/// A hardware address.
fn mac(given: &Given<'_>) -> Result<[u8; 6], Error> {
    given.parsed(
        crate::packet::mac,
        "a hardware address such as 02:00:00:00:00:01",
    )
}
