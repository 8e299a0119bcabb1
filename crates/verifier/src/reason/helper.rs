//! Refusals of calls of helpers as such; those of their arguments are in
//! [`super::Argument`].

use abi::helpers::Helper;
use abi::{Errno, MapType, ProgType};

/// A helper may not be called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HelperCall {
    /// There is no helper with this number.
    #[error("invalid func unknown#{0}")]
    Unknown(i32),
    /// Programs of this flavor have no such helper.
    #[error("program of this type cannot use helper {}", Called(.0))]
    NotForType(Name),
    /// Its licence does not go with the program's.
    #[error("cannot call GPL-restricted function from non-GPL compatible program")]
    Gpl,
    /// Programs of this flavor have it in their list but may not call it.
    #[error("helper call is not allowed in probe")]
    Barred,
    /// It may sleep and the program may not.
    #[error("helper call might sleep in a non-sleepable prog")]
    MightSleep,
    /// It may sleep, where nothing may.
    #[error("sleepable helper {} in {region}", Called(.helper))]
    SleepsIn {
        /// The helper.
        helper: Name,
        /// Where, as Linux says it.
        region: &'static str,
    },
    /// It does not work on such maps.
    #[error("cannot pass map_type {} into func {}", *.map_type as u32, Called(.helper))]
    MapType {
        /// The map's type.
        map_type: MapType,
        /// The helper.
        helper: Name,
    },
    /// A program of this type may not put sockets into maps.
    #[error(
        "cannot update sockmap in this context\ncannot pass map_type {} into func {}",
        *.map_type as u32, Called(.helper)
    )]
    SockmapUpdate {
        /// The map's type.
        map_type: MapType,
        /// The helper.
        helper: Name,
    },
    /// The program may not write the map.
    #[error("write into map forbidden")]
    MapReadOnly,
    /// A tail call into something else than a program array.
    #[error("expected prog array map for tail call")]
    TailCallMap,
    /// A helper takes no flags.
    #[error("get_local_storage() doesn't support non-zero flags")]
    StorageFlags,
    /// The address of the function is not known in programs of this type.
    #[error("func {} not supported for program type {}", Called(.helper), *.prog_type as u32)]
    FuncIpType {
        /// The helper.
        helper: Name,
        /// The program's type.
        prog_type: ProgType,
    },
    /// The address of the function is not known in programs that attach so.
    #[error("func {} supported only for fentry/fexit/fmod_ret programs", Called(.0))]
    FuncIpAttach(Name),
}

impl HelperCall {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            HelperCall::MapReadOnly => Errno::EACCES,
            HelperCall::FuncIpType { .. } | HelperCall::FuncIpAttach(_) => Errno::ENOTSUPP,
            _ => Errno::EINVAL,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            HelperCall::Unknown(_) => "helper-unknown",
            HelperCall::NotForType(_) => "helper-not-for-type",
            HelperCall::Gpl => "helper-gpl",
            HelperCall::Barred => "helper-barred",
            HelperCall::MightSleep | HelperCall::SleepsIn { .. } => "helper-sleeps",
            HelperCall::MapType { .. } => "helper-map-type",
            HelperCall::SockmapUpdate { .. } => "helper-sockmap-update",
            HelperCall::MapReadOnly => "helper-map-read-only",
            HelperCall::TailCallMap => "tail-call-map",
            HelperCall::StorageFlags => "helper-storage-flags",
            HelperCall::FuncIpType { .. } | HelperCall::FuncIpAttach(_) => "helper-func-ip",
        }
    }
}

/// A helper as it is named in sentences: `bpf_loop`, 181.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(pub &'static str, pub u32);

impl From<&Helper> for Name {
    fn from(helper: &Helper) -> Name {
        Name(helper.name, helper.id)
    }
}

/// `bpf_loop#181`.
struct Called<'a>(&'a Name);

impl std::fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.0.0, self.0.1)
    }
}
