//! Which kinds of values an argument takes, and how Linux lists them.

use std::fmt;

use abi::helpers::Arg;

use crate::state::{Flags, Kind, Value};

/// A kind of value that an argument may take, flags and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    Scalar,
    Ctx,
    MapPtr,
    MapKey,
    MapValue,
    Stack,
    Packet,
    PacketMeta,
    Mem,
    RingbufMem,
    Buf,
    SockCommon,
    Sock,
    TcpSock,
    XdpSock,
    Func,
    DynptrPtr,
    Kernel(Flags),
}

use Accepted::*;

const KERNEL: Accepted = Kernel(Flags::NONE);
const TRUSTED: Accepted = Kernel(Flags::TRUSTED);
const RCU: Accepted = Kernel(Flags::RCU);
const ALLOCATED: Accepted = Kernel(Flags::ALLOC);

const MEMORY: &[Accepted] = &[
    Stack, Packet, PacketMeta, MapKey, MapValue, Mem, RingbufMem, Buf, TRUSTED,
];
const SOCKETS: &[Accepted] = &[SockCommon, Sock, TcpSock, XdpSock];
const SOCKETS_AND_KERNEL: &[Accepted] = &[SockCommon, Sock, TcpSock, XdpSock, KERNEL, TRUSTED];
const PERCPU: &[Accepted] = &[
    Kernel(Flags::PERCPU),
    Kernel(Flags::PERCPU.and(Flags::RCU)),
    Kernel(Flags::PERCPU.and(Flags::TRUSTED)),
];

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepts {
    pub(super) kinds: &'static [Accepted],
    /// NULL too.
    pub(super) null: bool,
    /// It is memory that is only read, so that read-only memory will do.
    pub(super) read_only: bool,
    /// It is plain memory.
    pub(super) memory: bool,
    /// What it points to is given back.
    pub(super) releases: bool,
}

impl Accepts {
    /// What an argument takes; none for those that take anything.
    pub(super) fn of(arg: Arg) -> Option<Accepts> {
        let plain = |kinds| Accepts {
            kinds,
            null: false,
            read_only: false,
            memory: false,
            releases: false,
        };
        let memory = Accepts {
            memory: true,
            ..plain(MEMORY)
        };
        let read_only = Accepts {
            read_only: true,
            ..memory
        };
        let or_null = |accepts| Accepts {
            null: true,
            ..accepts
        };
        let released = |kinds| Accepts {
            releases: true,
            ..plain(kinds)
        };
        Some(match arg {
            Arg::Any => return None,
            Arg::Ctx => plain(&[Ctx]),
            Arg::OptCtx => or_null(plain(&[Ctx])),
            Arg::MapPtr => plain(&[MapPtr]),
            Arg::MapKey | Arg::MapValue | Arg::MapValueWrite => plain(MEMORY),
            Arg::OptMapValue => or_null(plain(MEMORY)),
            Arg::Mem | Arg::Fixed(_) => read_only,
            Arg::OptMem => or_null(read_only),
            Arg::MemWrite | Arg::MemRw | Arg::FixedWrite(_) | Arg::FixedRw(_) => memory,
            Arg::OptMemRw => or_null(memory),
            Arg::Size | Arg::SizeOrZero | Arg::ConstSize => plain(&[Scalar]),
            Arg::ConstStr | Arg::Timer => plain(&[MapValue]),
            Arg::Func => plain(&[Func]),
            Arg::StackOrNull => or_null(plain(&[Stack])),
            Arg::SpinLock | Arg::Kptr => plain(&[MapValue, ALLOCATED]),
            Arg::RingbufMem => released(&[RingbufMem]),
            Arg::Dynptr | Arg::DynptrUninit => plain(&[Stack, DynptrPtr]),
            Arg::DynptrOwned => released(&[Stack, DynptrPtr]),
            Arg::SockCommon => plain(SOCKETS),
            Arg::SockCommonBtf => plain(SOCKETS_AND_KERNEL),
            Arg::SockCommonBtfOrNull => or_null(plain(SOCKETS_AND_KERNEL)),
            Arg::SockOrNull => or_null(plain(&[Sock])),
            Arg::OwnedSock => released(SOCKETS_AND_KERNEL),
            Arg::Btf => plain(&[KERNEL, TRUSTED, RCU]),
            Arg::BtfOrNull => or_null(plain(&[KERNEL, TRUSTED, RCU])),
            Arg::PercpuBtf => plain(PERCPU),
        })
    }

    /// The kind in the list that the value is of.
    pub(super) fn find(&self, value: &Value) -> Option<Accepted> {
        let mut flags = value.flags.type_bits();
        if self.null {
            flags = flags.without(Flags::OR_NULL);
        }
        if self.read_only {
            flags = flags.without(Flags::RDONLY);
        }
        if self.memory {
            flags = flags.without(Flags::DYNPTR_PACKET.and(Flags::DYNPTR_OTHER));
        }
        let mut kinds = self.kinds.iter().copied();
        kinds.find(|accepted| accepted.is(value.kind, flags))
    }
}

impl Accepted {
    fn is(self, kind: Kind, flags: Flags) -> bool {
        let wanted = match self {
            RingbufMem => Flags::RINGBUF,
            Kernel(flags) => flags,
            _ => Flags::NONE,
        };
        let same = match self {
            Scalar => kind == Kind::Scalar,
            Ctx => kind == Kind::Ctx,
            MapPtr => matches!(kind, Kind::MapPtr(_)),
            MapKey => matches!(kind, Kind::MapKey(_)),
            MapValue => matches!(kind, Kind::MapValue(_)),
            Stack => matches!(kind, Kind::Stack { .. }),
            Packet => matches!(kind, Kind::Packet { .. }),
            PacketMeta => matches!(kind, Kind::PacketMeta { .. }),
            Mem | RingbufMem => matches!(kind, Kind::Mem { .. }),
            Buf => kind == Kind::Buf,
            SockCommon => kind == Kind::SockCommon,
            Sock => kind == Kind::Socket,
            TcpSock => kind == Kind::TcpSock,
            XdpSock => kind == Kind::XdpSock,
            Func => matches!(kind, Kind::Func { .. }),
            DynptrPtr => matches!(kind, Kind::DynptrPtr(_)),
            Kernel(_) => matches!(kind, Kind::Btf { .. }),
        };
        same && flags == wanted
    }

    fn name(self) -> &'static str {
        match self {
            Scalar => "scalar",
            Ctx => "ctx",
            MapPtr => "map_ptr",
            MapKey => "map_key",
            MapValue => "map_value",
            Stack => "fp",
            Packet => "pkt",
            PacketMeta => "pkt_meta",
            Mem => "mem",
            RingbufMem => "ringbuf_mem",
            Buf => "buf",
            SockCommon => "sock_common",
            Sock => "sock",
            TcpSock => "tcp_sock",
            XdpSock => "xdp_sock",
            Func => "func",
            DynptrPtr => "dynptr_ptr",
            Kernel(flags) if flags == Flags::TRUSTED => "trusted_ptr_",
            Kernel(flags) if flags == Flags::RCU => "rcu_ptr_",
            Kernel(flags) if flags.contains(Flags::PERCPU.and(Flags::RCU)) => "percpu_rcu_ptr_",
            Kernel(flags) if flags.contains(Flags::PERCPU.and(Flags::TRUSTED)) => {
                "percpu_trusted_ptr_"
            }
            Kernel(flags) if flags.contains(Flags::PERCPU) => "percpu_ptr_",
            Kernel(_) => "ptr_",
        }
    }
}

/// The list as Linux writes it.
impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, accepted) in self.kinds.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}", accepted.name())?;
        }
        Ok(())
    }
}
