//! Answers, as data.

use abi::Errno;

/// What a party answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a packet.
    Ran(Ran),
    /// To a look-up, a taking out, a next key: the bytes.
    Bytes(Result<Vec<u8>, Errno>),
    /// To an update or a deletion.
    Done(Result<(), Errno>),
    /// To a question for contents: keys and values. Sorted by key; of queues and
    /// stacks, whose keys are empty, in their order.
    Contents(Vec<(Vec<u8>, Vec<u8>)>),
}

/// What a program made of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: Result<Output, Stop>,
    /// Instructions that it took, where they are counted.
    pub executed: Option<u64>,
    /// What it sent to user space: the records of each map in their order, maps by
    /// index, then printk lines.
    pub events: Vec<Event>,
}

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its return value: the action of an XDP program.
    pub ret: u32,
    /// Metadata in front of the packet.
    pub metadata: Vec<u8>,
    /// The packet.
    pub packet: Vec<u8>,
}

/// Why a program did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The packet was refused.
    #[error("refused: {0}")]
    Refused(Errno),
    /// The program trapped, which Linux never lets happen.
    #[error("trap: {0}")]
    Trapped(String),
}

/// Something that reached user space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record of a ring buffer or perf event array.
    Record {
        /// Index of the map in the subject.
        map: usize,
        /// The record. Of perf event arrays Linux gives it with padding, to a
        /// length of 4 more than a multiple of 8.
        data: Vec<u8>,
    },
    /// A line of `bpf_trace_printk`.
    Printk(String),
}
