//! Sockets of the machine, which programs can look up.

use std::net::{IpAddr, SocketAddr};

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Own address; an unspecified one stands for all of the machine.
    pub local: SocketAddr,
    /// The other end, if it is connected; a TCP socket that is not listens.
    pub remote: Option<SocketAddr>,
    /// Index of the device that it is bound to, or 0.
    pub device: u32,
    /// `SO_MARK`
    pub mark: u32,
    /// `SO_PRIORITY`
    pub priority: u32,
    /// Whether its queue of connections to come is full, so that it answers with
    /// SYN cookies (or `net.ipv4.tcp_syncookies` is 2).
    pub syn_flood: bool,
}

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Socket {
    /// A socket that takes what comes to an address, from anywhere.
    pub fn listening(protocol: Protocol, local: SocketAddr) -> Socket {
        Socket {
            protocol,
            local,
            remote: None,
            device: 0,
            mark: 0,
            priority: 0,
            syn_flood: false,
        }
    }

    /// The same, connected to another end.
    #[must_use]
    pub fn connected(self, remote: SocketAddr) -> Socket {
        Socket {
            remote: Some(remote),
            ..self
        }
    }

    /// How well it fits a packet from `from` to `to`, if it does.
    pub(crate) fn score(&self, from: SocketAddr, to: SocketAddr) -> Option<u32> {
        let wildcard = self.local.ip().is_unspecified();
        // A socket of all IPv6 addresses takes IPv4 too.
        let family = match wildcard {
            true => self.local.is_ipv6() || to.is_ipv4(),
            false => canonical(self.local.ip()) == canonical(to.ip()),
        };
        if !family || self.local.port() != to.port() {
            return None;
        }
        let remote = match self.remote {
            Some(remote) if same(remote, from) => 4,
            Some(_) => return None,
            None => 0,
        };
        let same_family = self.local.is_ipv4() == to.is_ipv4();
        Some(remote + 2 * u32::from(!wildcard) + u32::from(same_family))
    }

    /// `TCP_ESTABLISHED`, `TCP_LISTEN`, or of UDP `TCP_CLOSE`.
    pub(crate) fn state(&self) -> u32 {
        match (self.protocol, self.remote) {
            (_, Some(_)) => 1,
            (Protocol::Udp, None) => 7,
            (Protocol::Tcp, None) => 10,
        }
    }
}

fn same(a: SocketAddr, b: SocketAddr) -> bool {
    canonical(a.ip()) == canonical(b.ip()) && a.port() == b.port()
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
