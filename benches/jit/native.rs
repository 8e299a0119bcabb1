//! The same source compiled by clang for this machine: the limit.

use crate::case::{COUNTER, Case};
use crate::clang;
use crate::engine::{Engine, clock, sum_counters};
use crate::foreign::{Function, Library};
use crate::memory::Memory;

struct Native {
    memory: Memory,
    function: Function,
    counter: Option<&'static mut [u8]>,
}

pub(crate) fn open(case: &Case) -> Result<Box<dyn Engine>, String> {
    let library = Library::open(&clang::native(&case.program.name)?);
    let library = library.ok_or("cannot be loaded")?;
    let function = library
        .function(&case.program.name)
        .ok_or("has no program")?;
    Ok(Box::new(Native {
        memory: Memory::new(&case.program, &case.packet),
        function,
        counter: fill(case, &library),
    }))
}

/// Offset of the field `value` in the map definitions of the benches.
const VALUE: usize = 24;

/// Gives the program's map its memory, as `native/bpf_helpers.h` lays it out; the
/// value of the first entry.
fn fill(case: &Case, library: &Library) -> Option<&'static mut [u8]> {
    let map = &case.program.maps[case.map()?];
    let entries = map.max_entries as usize;
    let key = &case.entries[0].0;
    if map.map_type != abi::MapType::Hash {
        let values = library.give(&map.name, VALUE, entries * COUNTER)?;
        let index = u32::from_le_bytes(key.as_slice().try_into().ok()?) as usize;
        return values[index * COUNTER..].get_mut(..COUNTER);
    }
    let stride = 8 + key.len() + COUNTER;
    let table = library.give(&map.name, VALUE, 2 * entries * stride)?;
    let mut found = 0;
    for (key, _) in case.entries.iter().rev() {
        let mut slot = (hash(key) >> 48) as usize & (2 * entries - 1);
        while table[slot * stride] != 0 {
            slot = (slot + 1) & (2 * entries - 1);
        }
        found = slot * stride;
        table[found] = 1;
        table[found + 8..][..key.len()].copy_from_slice(key);
    }
    table[found + 8 + key.len()..].get_mut(..COUNTER)
}

fn hash(key: &[u8]) -> u64 {
    let words = key.chunks_exact(8);
    words.fold(0, |hash: u64, word| {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

impl Engine for Native {
    fn run(&mut self) -> u32 {
        self.function.call(self.memory.wide_ctx())
    }

    fn packet(&self) -> Vec<u8> {
        self.memory.packet()
    }

    fn counter(&mut self) -> Vec<u64> {
        let counter = self.counter.as_deref();
        counter.map_or_else(Vec::new, |value| sum_counters(value, COUNTER))
    }

    fn time(&mut self, _: usize, runs: u32) -> f64 {
        let (function, ctx) = (self.function, self.memory.wide_ctx());
        clock(runs, || function.call(ctx))
    }
}
