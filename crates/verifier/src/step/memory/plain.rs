//! Memory of a given size, buffers of iterators and tracepoints, flow keys.

use super::Request;
use super::region::Span;
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Flags, Kind, Value};

/// Bytes of `struct bpf_flow_keys`.
const FLOW_KEYS_SIZE: i64 = 56;

impl Verifier<'_> {
    pub(super) fn access_mem(&mut self, request: &Request<'_>, have: u32) -> Result<Value> {
        let base = request.base;
        if base.may_be_null() {
            return Err(self.not_memory(request));
        }
        let read_only = base.flags.contains(Flags::RDONLY);
        if request.is_write() && read_only {
            return Err(read_only_error(request));
        }
        self.check_leak(request, "mem")?;
        // What cannot be trusted is read with a fault handler: there are no bounds.
        if !(read_only && base.flags.contains(Flags::UNTRUSTED)) {
            self.check_region(base, &request.span(), have)?;
        }
        Ok(Value::UNKNOWN)
    }

    pub(super) fn access_flow_keys(&mut self, request: &Request<'_>) -> Result<Value> {
        self.check_leak(request, "flow keys")?;
        let (off, size) = (request.fixed(), request.size);
        if off < 0 || off + i64::from(size) > FLOW_KEYS_SIZE {
            return Err(Access::FlowKeys { off, size }.into());
        }
        Ok(Value::UNKNOWN)
    }

    pub(super) fn access_buffer(&mut self, request: &Request<'_>) -> Result<Value> {
        let read_only = request.base.flags.contains(Flags::RDONLY);
        if read_only && request.is_write() {
            return Err(read_only_error(request));
        }
        self.check_buffer(request.base, &request.span())?;
        Ok(Value::UNKNOWN)
    }

    pub(super) fn access_tracepoint_buffer(&mut self, request: &Request<'_>) -> Result<Value> {
        self.check_buffer(request.base, &request.span())?;
        Ok(Value::UNKNOWN)
    }

    /// Checks a stretch of a buffer; how far it reaches is only known when the
    /// program is attached.
    pub(super) fn check_buffer(&self, base: &Value, span: &Span) -> Result {
        let what = match base.kind {
            Kind::TpBuffer => "tracepoint",
            _ if base.flags.contains(Flags::RDONLY) => "rdonly",
            _ => "rdwr",
        };
        let (reg, off, size) = (span.reg, span.off, span.size);
        if off < 0 {
            return Err(Access::Buffer {
                reg,
                what,
                off,
                size,
            }
            .into());
        }
        if base.num.as_const() != Some(0) {
            let var = base.num.tnum();
            return Err(Access::BufferVariable { reg, off, var }.into());
        }
        Ok(())
    }
}

fn read_only_error(request: &Request<'_>) -> Box<crate::Fault> {
    Access::ReadOnly {
        reg: request.reg,
        found: request.base.type_name(),
    }
    .into()
}
