//! What a helper leaves in `r0`.

use abi::MapType;
use abi::helpers::Ret;
use isa::Reg;

use super::Call;
use crate::explore::Verifier;
use crate::reason::Result;
use crate::scalar::Scalar;
use crate::state::{Flags, Kind, Value};

/// The lowest error that helpers return.
const LOWEST_ERROR: i64 = -4095;

impl Verifier<'_> {
    /// Sets `r0`.
    pub(super) fn set_result(&mut self, call: &Call) -> Result {
        let mut value = match call.helper.ret {
            Ret::Void => return Ok(()),
            Ret::Int => self.number_result(call),
            Ret::Value => Value::pointer(self.map_value(call)?),
            Ret::ValueOrNull if self.finds_surely(call) => Value::pointer(self.map_value(call)?),
            Ret::ValueOrNull => nullable(self.map_value(call)?),
            Ret::SocketOrNull => nullable(Kind::Socket),
            Ret::AnySocketOrNull => nullable(Kind::SockCommon),
            Ret::TcpSockOrNull => nullable(Kind::TcpSock),
            Ret::RingbufMemOrNull => {
                // Linux keeps the low half of sizes.
                let size = call.given_size as u32;
                nullable(Kind::Mem { size, dynptr: 0 }).with(Flags::RINGBUF)
            }
            Ret::KernelOrNull => nullable(self.kernel_kind(call)?),
            Ret::Kernel if call.is("bpf_get_current_task_btf") => {
                Value::pointer(self.kernel_kind(call)?).with(Flags::TRUSTED)
            }
            Ret::Kernel => Value::pointer(self.kernel_kind(call)?),
            Ret::DynptrMemOrNull => self.slice(call)?,
            Ret::PercpuMem | Ret::PercpuMemOrNull => {
                return Err(self.unsupported(call.helper.name));
            }
        };
        if value.may_be_null() || self.tells_apart(&value) {
            value.id = self.new_id();
        }
        self.tie_to_references(call, &mut value);
        self.touch(Reg::R0);
        *self.state.reg_mut(Reg::R0) = value;
        Ok(())
    }

    /// Memory of a dynptr, which keeps it alive.
    fn slice(&self, call: &Call) -> Result<Value> {
        let Some(dynptr) = call.dynptr else {
            return Err(self.unsupported(call.helper.name));
        };
        let size = call.given_size as u32;
        Ok(Value {
            ref_id: dynptr.ref_id,
            ..nullable(Kind::Mem {
                size,
                dynptr: dynptr.id,
            })
        })
    }

    /// A number, as far as it is known.
    fn number_result(&self, call: &Call) -> Value {
        let num = match call.helper.name {
            "bpf_get_stack"
            | "bpf_get_task_stack"
            | "bpf_probe_read_str"
            | "bpf_probe_read_kernel_str"
            | "bpf_probe_read_user_str" => {
                Scalar::from_signed_range(LOWEST_ERROR, call.max_size as i64)
            }
            "bpf_get_smp_processor_id" => {
                let last = u64::from(self.config.cpus.saturating_sub(1));
                Scalar::from_unsigned_range(0, last)
            }
            _ => Scalar::unknown(),
        };
        Value::scalar(num)
    }

    fn map_value(&self, call: &Call) -> Result<Kind> {
        match call.map {
            Some(map) => Ok(Kind::MapValue(map)),
            None => Err(self.unsupported("unknown map")),
        }
    }

    /// Whether values of the map have locks, so that two must be told apart.
    fn tells_apart(&self, value: &Value) -> bool {
        match value.kind {
            Kind::MapValue(map) => self.fields_of(map).lock().is_some(),
            _ => false,
        }
    }

    /// The kernel structure that the helper gives.
    fn kernel_kind(&self, call: &Call) -> Result<Kind> {
        let name = match call.helper.name {
            "bpf_get_current_task_btf" => "task_struct",
            "bpf_task_pt_regs" => "pt_regs",
            "bpf_skc_to_tcp6_sock" => "tcp6_sock",
            "bpf_skc_to_tcp_sock" => "tcp_sock",
            "bpf_skc_to_tcp_timewait_sock" => "tcp_timewait_sock",
            "bpf_skc_to_tcp_request_sock" => "tcp_request_sock",
            "bpf_skc_to_udp6_sock" => "udp6_sock",
            "bpf_skc_to_unix_sock" => "unix_sock",
            "bpf_skc_to_mptcp_sock" => "mptcp_sock",
            "bpf_sock_from_file" => "socket",
            _ => return Err(self.unsupported(call.helper.name)),
        };
        self.kernel_struct(name)
    }

    /// Ties the result to what keeps it alive.
    fn tie_to_references(&mut self, call: &Call, value: &mut Value) {
        if casts(call) {
            value.ref_id = call.ref_id;
        } else if self.acquires(call) {
            let id = self.acquire_reference();
            value.id = id;
            value.ref_id = id;
        }
    }

    /// Whether what the helper gives must be given back.
    fn acquires(&self, call: &Call) -> bool {
        let map = call.map.and_then(|map| map.def(self.program));
        match call.helper.name {
            "bpf_sk_lookup_tcp"
            | "bpf_sk_lookup_udp"
            | "bpf_skc_lookup_tcp"
            | "bpf_ringbuf_reserve"
            | "bpf_kptr_xchg" => true,
            "bpf_map_lookup_elem" => {
                map.is_some_and(|def| matches!(def.map_type, MapType::Sockmap | MapType::Sockhash))
            }
            _ => false,
        }
    }
}

/// Whether the helper gives its argument in another shape.
fn casts(call: &Call) -> bool {
    matches!(
        call.helper.name,
        "bpf_tcp_sock"
            | "bpf_sk_fullsock"
            | "bpf_skc_to_tcp_sock"
            | "bpf_skc_to_tcp6_sock"
            | "bpf_skc_to_udp6_sock"
            | "bpf_skc_to_mptcp_sock"
            | "bpf_skc_to_tcp_timewait_sock"
            | "bpf_skc_to_tcp_request_sock"
    )
}

fn nullable(kind: Kind) -> Value {
    Value::pointer(kind).with(Flags::OR_NULL)
}
