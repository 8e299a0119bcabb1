//! The name of a value's type, as Linux writes it in its sentences.

use std::fmt;

use super::{Flags, Kind, Value};

/// The name of a value's type: `map_value_or_null`, `rdonly_mem`, `trusted_ptr_`.
/// Of a pointer to a kernel structure it ends before the structure's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeName {
    kind: Kind,
    flags: Flags,
}

/// Flags that go before the kind, in Linux's order.
const PREFIXES: [(Flags, &str); 7] = [
    (Flags::RDONLY, "rdonly_"),
    (Flags::RINGBUF, "ringbuf_"),
    (Flags::USER, "user_"),
    (Flags::PERCPU, "percpu_"),
    (Flags::RCU, "rcu_"),
    (Flags::UNTRUSTED, "untrusted_"),
    (Flags::TRUSTED, "trusted_"),
];

impl Value {
    /// The name of its type.
    pub fn type_name(&self) -> TypeName {
        TypeName {
            kind: self.kind,
            flags: self.flags,
        }
    }
}

impl TypeName {
    /// Whether it is a pointer that may be NULL instead.
    pub fn may_be_null(&self) -> bool {
        self.flags.contains(Flags::OR_NULL)
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (flag, prefix) in PREFIXES {
            if self.flags.contains(flag) {
                f.write_str(prefix)?;
            }
        }
        f.write_str(self.kind.name())?;
        match (self.flags.contains(Flags::OR_NULL), self.kind) {
            (false, _) => Ok(()),
            (true, Kind::Btf { .. }) => f.write_str("or_null_"),
            (true, _) => f.write_str("_or_null"),
        }
    }
}

impl Kind {
    /// The name of the kind alone: `map_value`, `fp`, `ptr_`.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::NotInit => "?",
            Kind::Scalar => "scalar",
            Kind::Ctx => "ctx",
            Kind::MapPtr(_) => "map_ptr",
            Kind::MapValue(_) => "map_value",
            Kind::MapKey(_) => "map_key",
            Kind::Stack { .. } => "fp",
            Kind::Packet { .. } => "pkt",
            Kind::PacketMeta { .. } => "pkt_meta",
            Kind::PacketEnd => "pkt_end",
            Kind::FlowKeys => "flow_keys",
            Kind::Socket => "sock",
            Kind::SockCommon => "sock_common",
            Kind::TcpSock => "tcp_sock",
            Kind::XdpSock => "xdp_sock",
            Kind::TpBuffer => "tp_buffer",
            Kind::Btf { .. } => "ptr_",
            Kind::Mem { .. } => "mem",
            Kind::Buf => "buf",
            Kind::Func { .. } => "func",
            Kind::DynptrPtr(_) => "dynptr_ptr",
            Kind::Arena => "arena",
        }
    }
}
