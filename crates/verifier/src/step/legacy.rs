//! Packet loads of classic BPF (`ldabs`, `ldind`).

use isa::{PacketMode, Size};

use crate::explore::Verifier;
use crate::reason::Result;

impl Verifier<'_> {
    /// `r0 = packet[...]`; `r6` is the context.
    pub(crate) fn load_packet(&mut self, mode: PacketMode, size: Size, imm: i32) -> Result {
        let _ = (mode, size, imm);
        Err(self.unsupported("packet loads of classic BPF"))
    }
}
