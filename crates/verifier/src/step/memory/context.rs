//! The context: what the table of the program's flavor allows.

use abi::ProgType;
use abi::context::Gives;
use inject::Bug;

use super::{Moves, Request};
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Flags, Kind, Value};

impl Verifier<'_> {
    pub(super) fn access_context(&mut self, request: &Request<'_>) -> Result<Value> {
        self.check_leak(request, "ctx")?;
        self.check_unmoved(request.reg, request.base)?;
        let context = self.flavor()?.context;
        let size = request.size as u8;
        let refused = Access::Context {
            off: request.fixed(),
            size: request.size,
        };
        let gives = match request.moves {
            Moves::Load { signed: true } if !inject::on(Bug::Cve2024_47702) => {
                context.load_signed(request.offset, size)
            }
            Moves::Load { .. } => match context.load(request.offset, size) {
                None if inject::on(Bug::Cve2025_38591) => context.load(request.offset & !3, 4),
                gives => gives,
            },
            _ if request.is_write() && context.may_store(request.offset, size) => {
                Some(Gives::Scalar)
            }
            _ => None,
        };
        match gives {
            Some(gives) => self.context_value(gives),
            None => Err(refused.into()),
        }
    }

    /// Whether Linux translates accesses to the context: it is not what it
    /// seems to be, and cannot be handed over as memory.
    pub(super) fn context_is_translated(&self) -> bool {
        !matches!(
            self.program.prog_type,
            ProgType::Kprobe
                | ProgType::Tracepoint
                | ProgType::RawTracepoint
                | ProgType::RawTracepointWritable
                | ProgType::Tracing
                | ProgType::Lsm
                | ProgType::Syscall
                | ProgType::StructOps
                | ProgType::Netfilter
        )
    }

    fn context_value(&mut self, gives: Gives) -> Result<Value> {
        let (kind, flags) = match gives {
            Gives::Scalar => return Ok(Value::UNKNOWN),
            Gives::Packet => (Kind::Packet { range: 0 }, Flags::NONE),
            Gives::PacketEnd => (Kind::PacketEnd, Flags::NONE),
            Gives::PacketMeta => (Kind::PacketMeta { range: 0 }, Flags::NONE),
            Gives::Sock => (Kind::Socket, Flags::NONE),
            Gives::SockOrNull => (Kind::Socket, Flags::OR_NULL),
            Gives::SockCommonOrNull => (Kind::SockCommon, Flags::OR_NULL),
            Gives::FlowKeys => (Kind::FlowKeys, Flags::NONE),
            Gives::TpBuffer => (Kind::TpBuffer, Flags::NONE),
            Gives::Kernel(name) => (self.kernel_struct(name)?, Flags::TRUSTED),
            Gives::KernelOrNull(name) => {
                let flags = Flags::TRUSTED | Flags::OR_NULL;
                (self.kernel_struct(name)?, flags)
            }
            Gives::Argument => return Err(self.unsupported("arguments by prototype")),
        };
        let mut value = Value::pointer(kind).with(flags);
        if value.may_be_null() {
            value.id = self.new_id();
        }
        Ok(value)
    }

    /// A pointer to a kernel structure.
    pub(crate) fn kernel_struct(&self, name: &str) -> Result<Kind> {
        let btf = self.kernel_btf()?;
        match btf.find(name, btf::Kind::Struct) {
            Some(type_id) => Ok(Kind::Btf { type_id }),
            None => Err(self.unsupported(format!("struct {name}"))),
        }
    }
}
