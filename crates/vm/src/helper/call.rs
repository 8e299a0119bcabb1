//! A helper call: its arguments, and how it ends.

use abi::Errno;
use abi::helpers::MapSet;

use crate::machine::Machine;
use crate::map::{Map, MapId};
use crate::memory::{Access, Addr, Fault, Space};
use crate::packet::Packet;
use crate::trap::{Trap, TrapKind};

/// A helper call in progress.
pub struct Call<'a> {
    /// Where everything is.
    pub machine: &'a mut Machine,
    /// Number of the helper, for messages.
    pub id: u32,
    /// `r1` to `r5`.
    pub args: [u64; 5],
    /// Runs a function of the calling program, for helpers that take callbacks.
    pub callback: &'a mut Callback<'a>,
}

/// Runs a function: its address, then `r1` to `r5`; gives `r0`.
pub type Callback<'a> = dyn FnMut(&mut Machine, u64, [u64; 5]) -> Result<u64, Trap> + 'a;

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("id", &self.id)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

/// How a helper call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The program did what it must not; the engine adds where.
    Trap(TrapKind),
    /// A trap inside a callback, already complete.
    Nested(Trap),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Trap(TrapKind::Memory(fault))
    }
}

/// The new `r0`, or why the run ends.
pub type Answer = Result<u64, Stop>;

/// A helper.
pub type HelperFn = fn(&mut Call<'_>) -> Answer;

/// `r0` for success or an error number.
pub(super) fn errno(result: Result<(), Errno>) -> Answer {
    Ok(match result {
        Ok(()) => 0,
        Err(errno) => errno.to_ret(),
    })
}

/// `r0` for a pointer or NULL.
pub(super) fn pointer(addr: Option<Addr>) -> Answer {
    Ok(addr.unwrap_or(Addr::NULL).to_reg())
}

/// Memory that an argument points to, bounds checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mem {
    pub(super) addr: Addr,
    pub(super) len: u32,
}

impl Mem {
    /// The bytes.
    pub(super) fn bytes(self, space: &Space) -> &[u8] {
        match self.len {
            0 => &[],
            len => space.bytes(self.addr, len),
        }
    }

    /// The bytes, to write.
    pub(super) fn bytes_mut(self, space: &mut Space) -> &mut [u8] {
        match self.len {
            0 => &mut [],
            len => space.bytes_mut(self.addr, len),
        }
    }
}

impl Call<'_> {
    /// `r1` to `r5` by their numbers.
    pub(super) fn arg(&self, n: usize) -> u64 {
        self.args.get(n.wrapping_sub(1)).copied().unwrap_or(0)
    }

    /// The lower half, for parameters of 32 bits.
    pub(super) fn arg32(&self, n: usize) -> u32 {
        self.arg(n) as u32
    }

    /// A trap: argument `n` is not what the verifier lets through.
    pub(super) fn refuse(&self, n: usize, why: &'static str) -> Stop {
        refusal(self.id, n, why)
    }

    /// Memory that is read.
    pub(super) fn readable(&self, n: usize, len: u32) -> Result<Mem, Stop> {
        self.memory(n, len, Access::Read)
    }

    /// Memory that is written.
    pub(super) fn writable(&self, n: usize, len: u32) -> Result<Mem, Stop> {
        self.memory(n, len, Access::Write)
    }

    fn memory(&self, n: usize, len: u32, access: Access) -> Result<Mem, Stop> {
        let addr = match len {
            0 => Addr::NULL,
            _ => self.machine.space.check(self.arg(n), len, access)?,
        };
        Ok(Mem { addr, len })
    }

    /// A size argument: what the verifier lets through is below 2^29.
    pub(super) fn size(&self, n: usize) -> Result<u32, Stop> {
        let size = self.arg(n);
        if size < 1 << 29 {
            Ok(size as u32)
        } else {
            Err(self.refuse(n, "a size that is negative or unbounded"))
        }
    }

    /// A map argument of a type that the helper takes, with the rest of what a
    /// map operation needs.
    pub(super) fn map(&mut self, n: usize) -> Result<MapCall<'_>, Stop> {
        let id = self.id;
        let maps = abi::helpers::by_id(id).map_or(MapSet::EMPTY, |row| row.maps);
        let call = self.any_map(n)?;
        if maps.contains(call.map.def().map_type) {
            Ok(call)
        } else {
            let why = "a map of a type that the helper does not take";
            Err(refusal(id, n, why))
        }
    }

    /// A map argument of any type.
    #[inline(always)]
    pub(super) fn any_map(&mut self, n: usize) -> Result<MapCall<'_>, Stop> {
        let helper = self.id;
        let Machine {
            maps,
            space,
            world,
            scratch,
            ..
        } = &mut *self.machine;
        let id = MapId::from_handle(self.args.get(n.wrapping_sub(1)).copied().unwrap_or(0));
        let map = id.and_then(|id| Some((id, maps.get_mut(id.0 as usize)?)));
        match map {
            Some((id, map)) => Ok(MapCall {
                id,
                map: &mut **map,
                space,
                cpu: world.cpu.id,
                cpus: world.cpu.count,
                scratch,
            }),
            None => Err(refusal(helper, n, "not a map")),
        }
    }

    /// The packet whose context is argument `n`.
    pub(super) fn packet(&mut self, n: usize) -> Result<(&mut Packet, &mut Space), Stop> {
        let ctx = self.arg(n);
        self.packet_or(ctx, n)
    }

    /// The packet whose context is at `ctx`, which argument 1 says somehow.
    pub(super) fn packet_of(&mut self, ctx: u64) -> Result<(&mut Packet, &mut Space), Stop> {
        self.packet_or(ctx, 1)
    }

    fn packet_or(&mut self, ctx: u64, n: usize) -> Result<(&mut Packet, &mut Space), Stop> {
        let id = self.id;
        let machine = &mut *self.machine;
        match &mut machine.packet {
            Some(packet) if packet.ctx().to_reg() == ctx => Ok((packet, &mut machine.space)),
            _ => Err(refusal(id, n, "not the context")),
        }
    }
}

/// A trap: argument `n` is not what the verifier lets through.
#[cold]
fn refusal(helper: u32, n: usize, why: &'static str) -> Stop {
    Stop::Trap(TrapKind::Argument {
        helper,
        arg: n as u8,
        why,
    })
}

/// A map and what its operations need.
pub(super) struct MapCall<'m> {
    pub(super) id: MapId,
    pub(super) map: &'m mut dyn Map,
    pub(super) space: &'m mut Space,
    pub(super) cpu: u32,
    pub(super) cpus: u32,
    /// A buffer that is kept from call to call.
    pub(super) scratch: &'m mut Vec<u8>,
}
