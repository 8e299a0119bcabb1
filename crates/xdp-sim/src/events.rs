//! What programs send to user space: ring buffer records, perf events, printk
//! lines.
//!
//! The simulator is the consumer that user space would be. Whoever runs it takes
//! the events after each packet, so that memory does not grow and ring buffers do
//! not fill up; not taking them is how a consumer that is too slow is simulated.

use vm::{MapId, world};

use crate::Host;

/// Something that reached user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A record of a ring buffer.
    Ring {
        /// The map.
        map: MapId,
        /// The record.
        data: &'a [u8],
    },
    /// A record of a perf event array.
    Perf {
        /// The map.
        map: MapId,
        /// CPU whose buffer it went to.
        cpu: u32,
        /// The record, without the kernel's padding.
        data: &'a [u8],
    },
    /// A line of `bpf_trace_printk`, without the newline.
    Printk(&'a str),
}

impl Host {
    /// Hands over what came since the last call: first the ring buffers, map by
    /// map, then perf events and printk lines in the order they were sent.
    pub fn take_events(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        for place in 0..self.rings.len() {
            let map = self.rings[place];
            let Some((ring, space)) = self.machine_mut().map_mut(map) else {
                continue;
            };
            if let Some(ring) = ring.ringbuf() {
                ring.drain(space, &mut |data| each(Event::Ring { map, data }));
            }
        }
        for event in self.machine_mut().world.events.drain(..) {
            match &event {
                world::Event::Perf { map, cpu, data } => each(Event::Perf {
                    map: *map,
                    cpu: *cpu,
                    data,
                }),
                world::Event::Printk(text) => {
                    each(Event::Printk(text.strip_suffix('\n').unwrap_or(text)))
                }
            }
        }
    }
}
