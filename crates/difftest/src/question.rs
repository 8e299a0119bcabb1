//! Questions, as data.

use std::borrow::Cow;

/// Bytes, lent or kept.
type Bytes<'a> = Cow<'a, [u8]>;

/// One thing to do with a live subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// Run the program on a packet.
    Packet(Bytes<'a>),
    /// One system call on a map.
    Map {
        /// Index of the map in the subject.
        map: usize,
        /// The call.
        op: MapOp<'a>,
    },
    /// All that a map holds: by key, or for queues and stacks in the order of
    /// taking out.
    Contents {
        /// Index of the map in the subject.
        map: usize,
    },
}

/// A system call on a map. Values of per-CPU maps are those of all CPUs, each
/// rounded up to 8 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapOp<'a> {
    /// `BPF_MAP_LOOKUP_ELEM`.
    Lookup {
        /// The key.
        key: Bytes<'a>,
    },
    /// `BPF_MAP_UPDATE_ELEM`.
    Update {
        /// The key; empty for queues and stacks.
        key: Bytes<'a>,
        /// The value.
        value: Bytes<'a>,
        /// `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`, or what Linux must refuse.
        flags: u64,
    },
    /// `BPF_MAP_DELETE_ELEM`.
    Delete {
        /// The key.
        key: Bytes<'a>,
    },
    /// `BPF_MAP_LOOKUP_AND_DELETE_ELEM`.
    Take {
        /// The key; empty for queues and stacks.
        key: Bytes<'a>,
    },
    /// `BPF_MAP_GET_NEXT_KEY`; `None` asks for the first.
    NextKey {
        /// The key before.
        key: Option<Bytes<'a>>,
    },
}

impl<'a> Question<'a> {
    /// A packet, from its Ethernet header on.
    pub fn packet(data: &'a [u8]) -> Question<'a> {
        Question::Packet(data.into())
    }

    /// The same question, keeping its own bytes.
    pub fn into_owned(self) -> Question<'static> {
        match self {
            Question::Packet(data) => Question::Packet(own(data)),
            Question::Map { map, op } => Question::Map {
                map,
                op: op.into_owned(),
            },
            Question::Contents { map } => Question::Contents { map },
        }
    }
}

impl MapOp<'_> {
    fn into_owned(self) -> MapOp<'static> {
        match self {
            MapOp::Lookup { key } => MapOp::Lookup { key: own(key) },
            MapOp::Update { key, value, flags } => MapOp::Update {
                key: own(key),
                value: own(value),
                flags,
            },
            MapOp::Delete { key } => MapOp::Delete { key: own(key) },
            MapOp::Take { key } => MapOp::Take { key: own(key) },
            MapOp::NextKey { key } => MapOp::NextKey { key: key.map(own) },
        }
    }
}

fn own(bytes: Bytes<'_>) -> Bytes<'static> {
    Cow::Owned(bytes.into_owned())
}
