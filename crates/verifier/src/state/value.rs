//! What a register or a spilled slot holds.

use std::ops::{BitOr, BitOrAssign};

use crate::scalar::Scalar;

/// What a register or a spilled slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Number, or what it points to.
    pub kind: Kind,
    /// What else is known of a pointer.
    pub flags: Flags,
    /// Pointers: the fixed part of the offset. Scalars with
    /// [`Flags::ADD_CONST`]: how far it is ahead of others with the same id.
    pub off: i32,
    /// Values with the same id (not 0) are linked: equal scalars, pointers that
    /// become non-NULL together, packet pointers with the same base.
    pub id: u32,
    /// The reference that keeps it alive; 0 for none.
    pub ref_id: u32,
    /// A number, or the variable part of a pointer's offset.
    pub num: Scalar,
}

impl Value {
    /// Nothing that may be read.
    pub const NOT_INIT: Value = Value {
        kind: Kind::NotInit,
        flags: Flags::NONE,
        off: 0,
        id: 0,
        ref_id: 0,
        num: Scalar::UNKNOWN,
    };

    /// Any number.
    pub const UNKNOWN: Value = Value {
        kind: Kind::Scalar,
        ..Value::NOT_INIT
    };

    /// The number `n`.
    pub fn constant(n: u64) -> Value {
        Value::scalar(Scalar::constant(n))
    }

    /// A number of which `num` is known.
    pub fn scalar(num: Scalar) -> Value {
        Value {
            num,
            ..Value::UNKNOWN
        }
    }

    /// A pointer to the start of `kind`.
    pub fn pointer(kind: Kind) -> Value {
        Value {
            kind,
            num: Scalar::constant(0),
            ..Value::NOT_INIT
        }
    }

    /// The same with more flags.
    #[must_use]
    pub fn with(self, flags: Flags) -> Value {
        Value {
            flags: self.flags | flags,
            ..self
        }
    }

    /// Cuts its link to other numbers with the same id.
    pub fn unlink(&mut self) {
        if self.is_scalar() {
            self.id = 0;
            self.off = 0;
            self.flags = self
                .flags
                .without(Flags::ADD_CONST)
                .without(Flags::ADD_CONST32);
        }
    }

    /// Whether it is a number.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar)
    }

    /// Whether it is a pointer of any kind.
    pub fn is_pointer(&self) -> bool {
        !matches!(self.kind, Kind::NotInit | Kind::Scalar)
    }

    /// Whether it may be NULL instead.
    pub fn may_be_null(&self) -> bool {
        self.flags.contains(Flags::OR_NULL)
    }

    /// The number, if it is known.
    pub fn as_const(&self) -> Option<u64> {
        if self.is_scalar() {
            self.num.as_const()
        } else {
            None
        }
    }

    /// Whether kind and flags are those of `other`, whatever they point at.
    pub fn same_type(&self, other: &Value) -> bool {
        self.flags.type_bits() == other.flags.type_bits()
            && std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }
}

/// Number, or what a pointer points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that may be read.
    NotInit,
    /// A number.
    Scalar,
    /// The context.
    Ctx,
    /// A map itself.
    MapPtr(MapRef),
    /// A value in a map.
    MapValue(MapRef),
    /// A key in a map, as callbacks see it.
    MapKey(MapRef),
    /// The stack of frame `frame`.
    Stack {
        #[expect(missing_docs, reason = "said above")]
        frame: u8,
    },
    /// Packet data. Bytes up to `range` after the fixed part of the offset are
    /// there; [`Kind::BEYOND_END`] and [`Kind::AT_END`] are marks of a
    /// comparison with the end.
    Packet {
        #[expect(missing_docs, reason = "said above")]
        range: i32,
    },
    /// The room before the packet, as [`Kind::Packet`].
    PacketMeta {
        #[expect(missing_docs, reason = "said above")]
        range: i32,
    },
    /// One past the packet.
    PacketEnd,
    /// The flow dissector's keys.
    FlowKeys,
    /// A full socket.
    Socket,
    /// The common part of a socket.
    SockCommon,
    /// The TCP view of a socket.
    TcpSock,
    /// An XDP socket.
    XdpSock,
    /// A writable raw tracepoint's buffer.
    TpBuffer,
    /// A structure of the kernel ([`Value::flags`] tell how far to trust it).
    Btf {
        /// Type in the kernel's BTF (or the program's, with [`Flags::ALLOC`]).
        type_id: btf::TypeId,
    },
    /// Memory of `size` bytes.
    Mem {
        #[expect(missing_docs, reason = "said above")]
        size: u32,
        /// The dynptr that it is a slice of, by [`super::Dynptr::id`]; 0 for none.
        dynptr: u32,
    },
    /// A buffer of an iterator program or the like.
    Buf,
    /// A function of the program.
    Func {
        #[expect(missing_docs, reason = "index in Structure::subprograms")]
        subprogram: u32,
    },
    /// A dynptr handed in by a caller.
    DynptrPtr(super::DynptrKind),
    /// Memory shared with user space.
    Arena,
}

impl Kind {
    /// `range` of a packet pointer that is known to be at the packet's end.
    pub const AT_END: i32 = -1;
    /// `range` of a packet pointer that is known to be beyond the packet's end.
    pub const BEYOND_END: i32 = -2;

    /// The proven range of a packet or metadata pointer.
    pub fn range(&self) -> Option<i32> {
        match *self {
            Kind::Packet { range } | Kind::PacketMeta { range } => Some(range),
            _ => None,
        }
    }

    /// The proven range of a packet or metadata pointer, to be written.
    pub fn range_mut(&mut self) -> Option<&mut i32> {
        match self {
            Kind::Packet { range } | Kind::PacketMeta { range } => Some(range),
            _ => None,
        }
    }

    /// Whether it points into the packet or at its end.
    pub fn is_packet(&self) -> bool {
        matches!(
            self,
            Kind::Packet { .. } | Kind::PacketMeta { .. } | Kind::PacketEnd
        )
    }
}

/// A map of the program, or the template of the maps inside it.
#[derive(Clone, Copy, Debug)]
pub struct MapRef {
    /// Index in [`abi::Program::maps`].
    pub index: u32,
    /// The template of the maps inside that map.
    pub inner: bool,
    /// Tells apart the maps that two look-ups in a map of maps found; no part
    /// of equality.
    pub uid: u32,
}

impl MapRef {
    /// Map `index` of the program.
    pub fn new(index: u32) -> MapRef {
        MapRef {
            index,
            inner: false,
            uid: 0,
        }
    }

    /// The map's definition.
    pub fn def(self, program: &abi::Program) -> Option<&abi::MapDef> {
        let def = program.maps.get(self.index as usize)?;
        if self.inner {
            def.inner.as_deref()
        } else {
            Some(def)
        }
    }
}

impl PartialEq for MapRef {
    fn eq(&self, other: &MapRef) -> bool {
        (self.index, self.inner) == (other.index, other.inner)
    }
}

impl Eq for MapRef {}

/// What is known of a pointer besides its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Nothing.
    pub const NONE: Flags = Flags(0);
    /// May be NULL.
    pub const OR_NULL: Flags = Flags(1);
    /// May not be written through.
    pub const RDONLY: Flags = Flags(1 << 1);
    /// A record of a ring buffer.
    pub const RINGBUF: Flags = Flags(1 << 2);
    /// In user space.
    pub const USER: Flags = Flags(1 << 3);
    /// A per-CPU variable.
    pub const PERCPU: Flags = Flags(1 << 4);
    /// Safe to read in an RCU region.
    pub const RCU: Flags = Flags(1 << 5);
    /// May dangle.
    pub const UNTRUSTED: Flags = Flags(1 << 6);
    /// Alive.
    pub const TRUSTED: Flags = Flags(1 << 7);
    /// Allocated by the program.
    pub const ALLOC: Flags = Flags(1 << 8);
    /// Owned by a list or tree.
    pub const NON_OWN_REF: Flags = Flags(1 << 9);
    /// Scalars: [`Value::off`] is the distance from others with the same id.
    pub const ADD_CONST: Flags = Flags(1 << 10);
    /// With [`Flags::ADD_CONST`]: the sum has 32 bits.
    pub const ADD_CONST32: Flags = Flags(1 << 12);
    /// A slice of an skb or xdp dynptr, which packet changes make invalid.
    pub const DYNPTR_PACKET: Flags = Flags(1 << 11);

    /// Scalars: a pointer that turned out to be NULL. Linux leaves there what it
    /// pointed to, which makes it differ from another 0 where it looks for numbers
    /// that did not change.
    pub const WAS_POINTER: Flags = Flags(1 << 13);

    /// A slice of another dynptr, by a kernel function.
    pub const DYNPTR_OTHER: Flags = Flags(1 << 12);

    /// Whether all of `other` is set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is set.
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Without `other`.
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// With `other`.
    #[must_use]
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Those that are part of a value's type.
    pub const fn type_bits(self) -> Flags {
        self.without(Flags::ADD_CONST)
            .without(Flags::ADD_CONST32)
            .without(Flags::WAS_POINTER)
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}
