//! Hosts, interfaces, links, routes and neighbours, as `ip link`, `ip route` and `ip neigh` have
//! them.

use std::net::{IpAddr, SocketAddr};

use vm::world::{Device, Neighbour, Prefix, Protocol, Route, RouteKind, Socket, Vlan};

use super::error::{Error, Problem};
use super::fields::{Fields, Given};
use crate::model::{ChainSpec, Interface, LinkSpec, Name, Scenario, SocketSpec};

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
    let mut interfaces = of_host(given, 0, "")?;
    // A program that is named at the top sits on the first interface that has none.
    if let Some(program) = program {
        let free = interfaces
            .iter_mut()
            .find(|i| i.program.is_none() && i.chain.is_empty());
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

/// The interfaces of one host, whose name is in front of theirs.
fn of_host(given: Given<'_>, host: usize, named: &str) -> Result<Vec<Interface>, Error> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for (place, (key, value)) in Fields::of(given)?.rest().into_iter().enumerate() {
        let mut interface = blank(&key.name, place as u32 + 2);
        interface.host = host;
        interface.name = format!("{named}{}", key.name);
        // Hosts have hardware addresses of their own.
        interface.device.mac[2] = (host >> 8) as u8;
        interface.device.mac[3] = host as u8;
        interface.spot = value.spot.clone();
        read(Fields::of(value)?, &mut interface, &interfaces)?;
        interfaces.push(interface);
    }
    Ok(interfaces)
}

/// `[[hosts]]`: their interfaces, and on which of them each object is loaded.
pub(super) fn hosts(given: Given<'_>, scenario: &mut Scenario) -> Result<(), Error> {
    let files = std::mem::take(&mut scenario.objects);
    for (place, given) in given.list()?.into_iter().enumerate() {
        let mut fields = Fields::of(given)?;
        let given = fields.need("name", "what the host is called")?;
        let name = text(&given)?;
        if name.text.is_empty() || name.text.contains(':') {
            return Err(given.expected("a name without `:`"));
        }
        if scenario.hosts.iter().any(|host| host.text == name.text) {
            return Err(given.expected("a name of its own"));
        }
        let interfaces = fields.need("interfaces", "its interfaces, by name")?;
        let interfaces = of_host(interfaces, place, &format!("{}:", name.text))?;
        let mut busy = interfaces.iter();
        let busy = busy.any(|i| i.program.is_some() || !i.chain.is_empty());
        let mut objects = match busy {
            true => files.clone(),
            false => Vec::new(),
        };
        if let Some(given) = fields.take("objects") {
            objects.clear();
            for given in given.list()? {
                let wanted = given.text()?;
                let known = files.iter().map(|object| object.name.as_str());
                let found = files.iter().find(|object| object.name == wanted);
                let unknown = || given.error(Problem::unknown("object", wanted, known));
                objects.push(found.ok_or_else(unknown)?.clone());
            }
        }
        objects.iter_mut().for_each(|object| object.host = place);
        fields.finish()?;
        scenario.objects.extend(objects);
        scenario.interfaces.extend(interfaces);
        scenario.hosts.push(name);
    }
    Ok(())
}

/// `[[links]]`: `veth = ["west:eth0", "east:eth0"]`, or `bridge` with any number.
pub(super) fn links(given: Given<'_>, scenario: &mut Scenario) -> Result<(), Error> {
    for given in given.list()? {
        let mut fields = Fields::of(given)?;
        let (veth, bridge) = (fields.take("veth"), fields.take("bridge"));
        let (given, bridge) = match (veth, bridge) {
            (Some(_), Some(given)) => {
                return Err(given.error(Problem::Both {
                    one: "veth",
                    other: "bridge",
                }));
            }
            (Some(given), None) => (given, false),
            (None, Some(given)) => (given, true),
            (None, None) => (fields.need("veth", "the two interfaces of a pair")?, false),
        };
        let spot = given.spot.clone();
        let source = given.source;
        let mut link = LinkSpec {
            bridge,
            ..LinkSpec::default()
        };
        for given in given.list()? {
            let end = place(&given, &scenario.interfaces)?;
            let joined = scenario.links.iter().chain([&link]);
            let joined: Vec<usize> = joined.flat_map(|link| &link.ends).copied().collect();
            if joined.contains(&end) {
                return Err(given.expected("an interface that is on no other link"));
            }
            link.ends.push(end);
        }
        let count = link.ends.len();
        if count < 2 || (!bridge && count > 2) {
            let problem = Problem::Expected {
                expected: match bridge {
                    true => "two interfaces or more".to_owned(),
                    false => "two interfaces (`bridge` joins more)".to_owned(),
                },
                found: count.to_string(),
            };
            return Err(Error::at(Some(source), &spot.span, problem));
        }
        fields.finish()?;
        scenario.links.push(link);
    }
    Ok(())
}

/// `[[sockets]]`: AF_XDP ones with `map`, `slot`, `interface`, `queue`, and those
/// that programs look up, with `tcp` or `udp`.
pub(super) fn sockets(given: Given<'_>, scenario: &mut Scenario) -> Result<(), Error> {
    for given in given.list()? {
        let mut fields = Fields::of(given)?;
        if fields.has("tcp") || fields.has("udp") {
            let socket = socket(fields, scenario)?;
            scenario.world.sockets.push(socket);
            continue;
        }
        let what = "the xskmap of an AF_XDP socket (`tcp` or `udp` for others)";
        let map = text(&fields.need("map", what)?)?;
        let mut socket = SocketSpec {
            map,
            ..SocketSpec::default()
        };
        if let Some(given) = fields.take("interface") {
            socket.interface = place(&given, &scenario.interfaces)?;
        }
        let queues = scenario.interfaces.get(socket.interface).map(|i| i.queues);
        if let Some(given) = fields.take("queue") {
            socket.queue = given.number()?;
            let queues = queues.unwrap_or(1);
            if socket.queue >= queues {
                return Err(given.expected(format!("a queue below {queues}")));
            }
        }
        // As programs look for it.
        socket.slot = match fields.take("slot") {
            Some(given) => given.number()?,
            None => socket.queue,
        };
        fields.finish()?;
        scenario.sockets.push(socket);
    }
    Ok(())
}

/// A TCP or UDP socket, and the place of its host.
pub(super) fn socket(
    mut fields: Fields<'_>,
    scenario: &Scenario,
) -> Result<(usize, Socket), Error> {
    let (tcp, udp) = (fields.take("tcp"), fields.take("udp"));
    let (protocol, local) = match (tcp, udp) {
        (Some(_), Some(given)) => {
            return Err(given.error(Problem::Both {
                one: "tcp",
                other: "udp",
            }));
        }
        (None, Some(given)) => (Protocol::Udp, given),
        (Some(given), None) => (Protocol::Tcp, given),
        (None, None) => {
            let what = "address and port of a TCP socket (`udp` for the other kind)";
            (Protocol::Tcp, fields.need("tcp", what)?)
        }
    };
    let mut socket = Socket::listening(protocol, end(&local)?);
    let mut host = 0;
    if let Some(given) = fields.take("host") {
        let name = given.text()?;
        let found = scenario.hosts.iter().position(|host| host.text == name);
        let known = || scenario.hosts.iter().map(|host| host.text.as_str());
        host = found.ok_or_else(|| given.error(Problem::unknown("host", name, known())))?;
    }
    if let Some(given) = fields.take("interface") {
        (host, socket.device) = index(&given, &scenario.interfaces)?;
    }
    if let Some(given) = fields.take("remote") {
        socket.remote = Some(end(&given)?);
    }
    for (key, value) in [
        ("mark", &mut socket.mark),
        ("priority", &mut socket.priority),
    ] {
        if let Some(given) = fields.take(key) {
            *value = given.number()?;
        }
    }
    if let Some(given) = fields.take("syn-flood") {
        socket.syn_flood = given.truth()?;
    }
    fields.finish()?;
    Ok((host, socket))
}

/// An IP address and a port.
pub(super) fn end(given: &Given<'_>) -> Result<SocketAddr, Error> {
    given.parsed(
        |text| text.parse().ok(),
        "an address with a port such as 192.0.2.1:80 or [::]:80",
    )
}

/// `programs = […]`: what a dispatcher runs on an interface.
fn chain(given: Given<'_>) -> Result<Vec<ChainSpec>, Error> {
    let mut chain = Vec::new();
    for given in given.list()? {
        if given.node.text().is_some() {
            chain.push(ChainSpec {
                program: text(&given)?,
                ..ChainSpec::default()
            });
            continue;
        }
        let mut fields = Fields::of(given)?;
        let mut link = ChainSpec {
            program: text(&fields.need("program", "the name of the program")?)?,
            ..ChainSpec::default()
        };
        if let Some(given) = fields.take("object") {
            link.object = Some(text(&given)?);
        }
        if let Some(given) = fields.take("priority") {
            link.priority = Some(given.number()?);
        }
        if let Some(given) = fields.take("chain-call-actions") {
            let mut actions = 0;
            for given in given.list()? {
                actions |= 1 << super::expectations::action(&given)? as u32;
            }
            link.chain_call_actions = Some(actions);
        }
        fields.finish()?;
        chain.push(link);
    }
    Ok(chain)
}

/// An interface as it is where the file says nothing.
pub(crate) fn blank(name: &str, ifindex: u32) -> Interface {
    let [_, _, high, low] = ifindex.to_be_bytes();
    Interface {
        name: name.to_owned(),
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
    if let Some(given) = fields.take("programs") {
        if interface.program.is_some() || interface.object.is_some() {
            return Err(given.error(Problem::Both {
                one: "program",
                other: "programs",
            }));
        }
        interface.chain = chain(given)?;
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
    if let Some(given) = fields.take("gro") {
        interface.gro = given.truth()?;
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
        parent: index_among(&parent, before.iter().map(|i| (i.device.name.as_str(), i)))?.1,
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
pub(super) fn route(given: Given<'_>, interfaces: &[Interface]) -> Result<(usize, Route), Error> {
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
    let mut host = 0;
    if let Some(given) = fields.take("interface") {
        (host, route.device) = index(&given, interfaces)?;
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
    Ok((host, route))
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
pub(super) fn neighbour(
    given: Given<'_>,
    interfaces: &[Interface],
) -> Result<(usize, Neighbour), Error> {
    let mut fields = Fields::of(given)?;
    let device = fields.need("interface", "where it is")?;
    let ip = fields.need("address", "its IP address")?;
    let hardware = fields.need("mac", "its hardware address")?;
    let (host, device) = index(&device, interfaces)?;
    let neighbour = Neighbour {
        device,
        address: address(&ip)?,
        mac: mac(&hardware)?,
    };
    fields.finish()?;
    Ok((host, neighbour))
}

/// The host and index of an interface that is named.
fn index(given: &Given<'_>, interfaces: &[Interface]) -> Result<(usize, u32), Error> {
    index_among(given, interfaces.iter().map(|i| (i.name.as_str(), i)))
}

fn index_among<'i>(
    given: &Given<'_>,
    interfaces: impl Iterator<Item = (&'i str, &'i Interface)> + Clone,
) -> Result<(usize, u32), Error> {
    let name = given.text()?;
    if name == "lo" {
        return Ok((0, 1));
    }
    let found = interfaces.clone().find(|(known, _)| *known == name);
    let known = interfaces.map(|(known, _)| known);
    found
        .map(|(_, i)| (i.host, i.device.ifindex))
        .ok_or_else(|| given.error(Problem::unknown("interface", name, known)))
}

/// The place of an interface that is named.
pub(super) fn place(given: &Given<'_>, interfaces: &[Interface]) -> Result<usize, Error> {
    let name = given.text()?;
    let found = interfaces.iter().position(|i| i.name == name);
    let known = || interfaces.iter().map(|i| i.name.as_str());
    found.ok_or_else(|| given.error(Problem::unknown("interface", name, known())))
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
