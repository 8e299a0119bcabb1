//! The user's end of AF_XDP sockets.

use std::collections::VecDeque;

use abi::MapType;
use vm::MapId;
use vm::map::update;

use super::{Error, Host, InterfaceId};

/// An AF_XDP socket: bound to one queue of one interface, in a slot of an xskmap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Index of the interface.
    pub ifindex: u32,
    /// The receive queue.
    pub queue: u32,
    /// Packets that arrived and were not read yet.
    pub(super) received: VecDeque<Vec<u8>>,
}

impl Socket {
    /// Packets that wait at most, as in the receive rings of libxdp.
    pub const RING: usize = 2048;
}

impl Host {
    /// Opens a socket on a queue and puts it into a slot of an xskmap. As on Linux
    /// it receives what arrives on that queue only.
    pub fn open_socket(
        &mut self,
        map: MapId,
        slot: u32,
        interface: InterfaceId,
        queue: u32,
    ) -> Result<(), Error> {
        let known = || self.interfaces.iter().map(|i| i.name.clone()).collect();
        let Some(interface) = self.interfaces.get(interface.0) else {
            return Err(Error::NoInterface {
                name: format!("number {}", interface.0),
                known: known(),
            });
        };
        if queue >= interface.queues {
            return Err(Error::NoQueue {
                interface: interface.name.clone(),
                queue,
                queues: interface.queues,
            });
        }
        let ifindex = interface.ifindex;
        let def = self.machine.map(map).map(|map| map.def());
        let is = def.is_some_and(|def| def.map_type == MapType::Xskmap);
        let name = def.map_or_else(String::new, |def| def.name.clone());
        // The map's value of a socket is its queue.
        let (key, value) = (slot.to_le_bytes(), queue.to_le_bytes());
        if !is
            || self
                .machine
                .map_update(map, &key, &value, update::ANY)
                .is_err()
        {
            return Err(Error::NoSlot { map: name, slot });
        }
        let socket = Socket {
            ifindex,
            queue,
            received: VecDeque::new(),
        };
        self.sockets.insert((map, slot), socket);
        Ok(())
    }

    /// The socket that was opened in a slot.
    pub fn socket(&self, map: MapId, slot: u32) -> Option<&Socket> {
        self.sockets.get(&(map, slot))
    }

    /// Reads the next packet that a socket received.
    pub fn receive_from(&mut self, map: MapId, slot: u32) -> Option<Vec<u8>> {
        self.sockets.get_mut(&(map, slot))?.received.pop_front()
    }
}
