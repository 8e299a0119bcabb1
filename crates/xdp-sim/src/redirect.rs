//! Where a redirect goes: entries of devmap, cpumap and xskmap.

use vm::world::Redirect;
use vm::{Machine, MapId, ProgId, map};

/// Where a packet can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// The network stack of the host (`XDP_PASS`).
    Stack,
    /// The network stack, on another CPU (cpumap).
    Cpu(u32),
    /// Out of the interface that it came from (`XDP_TX`).
    Back,
    /// Out of the device with this index.
    Device(u32),
    /// The AF_XDP socket in this slot of the map.
    Socket {
        /// The xskmap.
        map: MapId,
        /// Its slot.
        slot: u32,
    },
}

/// One place that a redirect leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) to: Destination,
    /// The program of the map entry.
    pub(crate) program: Option<ProgId>,
}

/// Appends the targets of a redirect, in the map's order: none where the entry
/// is gone by now or the map is empty.
pub(crate) fn targets(
    machine: &Machine,
    redirect: Redirect,
    ingress: u32,
    found: &mut Vec<Target>,
) {
    match redirect {
        Redirect::Device { ifindex, .. } => found.push(Target {
            to: Destination::Device(ifindex),
            program: None,
        }),
        Redirect::Entry { map, key } => found.extend(entry(machine, map, &key.to_le_bytes(), key)),
        Redirect::Broadcast {
            map,
            exclude_ingress,
        } => {
            all(machine, map, found);
            found.retain(|t| !exclude_ingress || t.to != Destination::Device(ingress));
        }
    }
}

/// What one entry leads to.
fn entry(machine: &Machine, map: MapId, key: &[u8], slot: u32) -> Option<Target> {
    let (to, program) = match machine.map(map)?.target(&machine.space, key)? {
        map::Target::Device { ifindex, program } => (Destination::Device(ifindex), program),
        map::Target::Cpu { cpu, program, .. } => (Destination::Cpu(cpu), program),
        map::Target::Socket => (Destination::Socket { map, slot }, None),
        _ => return None,
    };
    Some(Target { to, program })
}

/// What all entries lead to.
fn all(machine: &Machine, map: MapId, found: &mut Vec<Target>) {
    let Some(live) = machine.map(map) else {
        return;
    };
    let mut key = [0; 4];
    let mut more = live.next_key(&machine.space, None, &mut key);
    while more.is_ok() {
        found.extend(entry(machine, map, &key, u32::from_le_bytes(key)));
        let last = key;
        more = live.next_key(&machine.space, Some(&last), &mut key);
    }
}
