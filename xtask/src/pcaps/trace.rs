//! A sequence of packets in time, before it is written in some format.

/// One packet of a capture.
#[derive(Clone)]
pub(crate) struct Packet {
    /// Nanoseconds since the epoch.
    pub(crate) time: u64,
    /// What was captured.
    pub(crate) bytes: Vec<u8>,
    /// How long the packet was on the wire.
    pub(crate) length: u32,
    /// Which interface saw it (pcapng).
    pub(crate) interface: u32,
}

/// The packets of a capture, each a little later than the one before.
pub(crate) struct Trace {
    pub(crate) packets: Vec<Packet>,
    clock: u64,
}

/// 2023-11-14 22:13:20 UTC, and a fraction that tells the resolutions apart.
const START: u64 = 1_700_000_000_123_456_789;

/// Between two packets, unless the trace says otherwise.
const STEP: u64 = 1_250_000;

impl Trace {
    pub(crate) fn new() -> Trace {
        Trace {
            packets: Vec::new(),
            clock: START,
        }
    }

    pub(crate) fn of(frames: impl IntoIterator<Item = Vec<u8>>) -> Trace {
        let mut trace = Trace::new();
        trace.extend(frames);
        trace
    }

    pub(crate) fn push(&mut self, frame: Vec<u8>) {
        self.push_cut(frame, usize::MAX);
    }

    pub(crate) fn extend(&mut self, frames: impl IntoIterator<Item = Vec<u8>>) {
        frames.into_iter().for_each(|frame| self.push(frame));
    }

    /// A packet of which only the first `snaplen` bytes were captured.
    pub(crate) fn push_cut(&mut self, mut frame: Vec<u8>, snaplen: usize) {
        let length = u32::try_from(frame.len()).expect("frames are short");
        frame.truncate(snaplen);
        self.packets.push(Packet {
            time: self.clock,
            bytes: frame,
            length,
            interface: 0,
        });
        self.clock += STEP;
    }

    /// Nothing happens for this many nanoseconds.
    pub(crate) fn wait(&mut self, nanoseconds: u64) {
        self.clock += nanoseconds;
    }

    /// The time between the packets that follow becomes `nanoseconds` instead.
    pub(crate) fn push_after(&mut self, nanoseconds: u64, frame: Vec<u8>) {
        self.clock = self.clock - STEP + nanoseconds;
        self.push(frame);
    }
}
