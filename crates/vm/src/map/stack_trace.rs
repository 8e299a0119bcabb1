//! `stack_trace`: there, so that objects that name one can be loaded, and empty,
//! since there are no kernel stacks here.

use abi::{Errno, MapDef};

use super::Map;
use super::array::index;
use crate::memory::Space;

/// A map of stack traces without any.
#[derive(Debug)]
pub(super) struct StackTrace {
    pub(super) def: MapDef,
}

impl Map for StackTrace {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn delete(&mut self, _: &Space, key: &[u8]) -> Result<(), Errno> {
        match index(key) {
            Some(id) if id < self.def.max_entries => Err(Errno::ENOENT),
            _ => Err(Errno::E2BIG),
        }
    }

    fn next_key(&self, _: &Space, _: Option<&[u8]>, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::ENOENT)
    }

    fn sys_lookup(&mut self, _: &mut Space, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOENT)
    }

    fn sys_take(&mut self, _: &mut Space, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOENT)
    }

    fn sys_update(&mut self, _: &mut Space, _: &[u8], _: &[u8], _: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }
}
