//! `queue` and `stack`.
//!
//! Facts (measured on Linux 6.18): no keys; a full map is `E2BIG`, or loses its
//! oldest value under `BPF_EXIST`, in a stack as well; other flags are `EINVAL`.
//! Taking from an empty map is `ENOENT` and zeroes the program's value. The system
//! call's look-up reads without taking.

use std::collections::VecDeque;

use abi::{Errno, MapDef, MapType};

use super::{Map, update};
use crate::memory::Space;

/// `queue`, or `stack`.
///
/// Programs only ever get copies, so the values are beside the machine's memory.
#[derive(Debug)]
pub(super) struct Queue {
    def: MapDef,
    /// Values one after the other, the oldest first.
    bytes: VecDeque<u8>,
}

impl Queue {
    pub(super) fn new(def: MapDef) -> Queue {
        Queue {
            def,
            bytes: VecDeque::new(),
        }
    }

    fn value_size(&self) -> usize {
        self.def.value_size as usize
    }

    /// Where the value that would be taken begins.
    fn front(&self) -> Option<usize> {
        let last = self.bytes.len().checked_sub(self.value_size())?;
        Some(match self.def.map_type {
            MapType::Stack => last,
            _ => 0,
        })
    }

    fn add(&mut self, value: &[u8], flags: u64) -> Result<(), Errno> {
        if flags != update::ANY && flags != update::EXIST {
            return Err(Errno::EINVAL);
        }
        let values = self.bytes.len() / self.value_size().max(1);
        if values >= self.def.max_entries as usize {
            if flags != update::EXIST {
                return Err(Errno::E2BIG);
            }
            self.bytes.drain(..self.value_size());
        }
        self.bytes.extend(value);
        Ok(())
    }

    fn read(&self, value: &mut [u8]) -> Result<(), Errno> {
        let Some(at) = self.front() else {
            value.fill(0);
            return Err(Errno::ENOENT);
        };
        for (to, from) in value.iter_mut().zip(self.bytes.range(at..)) {
            *to = *from;
        }
        Ok(())
    }

    fn take(&mut self, value: &mut [u8]) -> Result<(), Errno> {
        self.read(value)?;
        if let Some(at) = self.front() {
            self.bytes.drain(at..at + self.value_size());
        }
        Ok(())
    }
}

impl Map for Queue {
    fn def(&self) -> &MapDef {
        &self.def
    }

    fn push(&mut self, _: &mut Space, value: &[u8], flags: u64) -> Result<(), Errno> {
        self.add(value, flags)
    }

    fn pop(&mut self, _: &Space, value: &mut [u8]) -> Result<(), Errno> {
        self.take(value)
    }

    fn peek(&self, _: &Space, value: &mut [u8]) -> Result<(), Errno> {
        self.read(value)
    }

    fn delete(&mut self, _: &Space, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn next_key(&self, _: &Space, _: Option<&[u8]>, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn sys_lookup(&mut self, _: &mut Space, _: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.value_size()];
        self.read(&mut value)?;
        Ok(value)
    }

    fn sys_take(&mut self, _: &mut Space, _: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut value = vec![0; self.value_size()];
        self.take(&mut value)?;
        Ok(value)
    }

    fn sys_update(
        &mut self,
        _: &mut Space,
        _: &[u8],
        value: &[u8],
        flags: u64,
    ) -> Result<(), Errno> {
        self.add(value, flags)
    }
}
