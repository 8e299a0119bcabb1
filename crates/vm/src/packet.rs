//! The packet that an XDP program works on: a buffer with room around it.
//!
//! The geometry is Linux's (`abi::xdp`); what the bytes mean is nobody's business
//! here.

use crate::memory::{Addr, RegionId};

/// The packet buffer of a machine.
#[derive(Debug)]
pub struct Packet {
    /// The region of the linear part; in bounds are metadata and data.
    pub region: RegionId,
    /// First byte of the headroom.
    pub hard_start: Addr,
    /// First byte of metadata; equals `data` without metadata.
    pub data_meta: Addr,
    /// First byte of the packet.
    pub data: Addr,
    /// One past the last byte of the linear part.
    pub data_end: Addr,
    /// The rest of a multi-buffer packet.
    pub frags: Vec<Vec<u8>>,
    /// The `xdp_md` that the program gets.
    pub ctx: Addr,
}
