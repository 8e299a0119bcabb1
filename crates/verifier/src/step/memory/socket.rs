//! Sockets: the members that the table allows, read only.

use abi::context::socket;

use super::Request;
use crate::explore::Verifier;
use crate::reason::{Access, Result};
use crate::state::{Kind, Value};

impl Verifier<'_> {
    pub(super) fn access_socket(&mut self, request: &Request<'_>) -> Result<Value> {
        let (reg, found) = (request.reg, request.base.type_name());
        if request.is_write() {
            return Err(Access::ReadOnly { reg, found }.into());
        }
        if request.base.num.smin() < 0 {
            return Err(Access::MinNegative(reg).into());
        }
        let (off, size) = (request.fixed(), request.size);
        let members = match request.base.kind {
            Kind::SockCommon => &socket::SOCK_COMMON,
            Kind::Socket => &socket::SOCK,
            Kind::TcpSock => &socket::TCP_SOCK,
            _ => &socket::XDP_SOCK,
        };
        let offset = i32::try_from(off).unwrap_or(-1);
        if members.load(offset, size as u8).is_some() {
            return Ok(Value::UNKNOWN);
        }
        if request.base.kind == Kind::TcpSock && size == 4 && [84, 92].contains(&off) {
            // Accepted first and refused when Linux fails to translate it.
            return Err(self.unsupported("half of a counter of tcp_sock"));
        }
        Err(Access::Socket {
            reg,
            found,
            off,
            size,
        }
        .into())
    }
}
