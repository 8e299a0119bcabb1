//! A machine to call helpers in.

use abi::ProgType;
use vm::helper::{Call, Callback, Stop, implementation};
use vm::{Machine, RegionKind, Rights, World};

/// A machine with memory for arguments.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    next: u32,
    end: u32,
    start: u32,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let mut machine = Machine::new(World::default()).expect("a machine");
        let region = machine
            .space
            .add(1 << 18, Rights::ReadWrite, RegionKind::Context)
            .expect("memory");
        let start = machine.space.region(region).start.0;
        Bench {
            machine,
            next: start,
            end: start + (1 << 18),
            start,
        }
    }

    /// Forgets what was put.
    pub(crate) fn clear(&mut self) {
        self.next = self.start;
    }

    /// Puts bytes into memory; their address.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u64 {
        let addr = self.next.next_multiple_of(8);
        self.next = addr + bytes.len() as u32;
        assert!(self.next <= self.end, "room");
        let len = bytes.len() as u32;
        let memory = self.machine.space.bytes_mut(vm::Addr(addr), len);
        memory.copy_from_slice(bytes);
        u64::from(addr)
    }

    pub(crate) fn get(&self, addr: u64, len: usize) -> Vec<u8> {
        let bytes = self.machine.space.bytes(vm::Addr(addr as u32), len as u32);
        bytes.to_vec()
    }

    /// Calls a helper by name in an XDP program.
    pub(crate) fn call(&mut self, name: &str, args: &[u64]) -> Result<u64, Stop> {
        self.call_in(ProgType::Xdp, name, args)
    }

    /// Calls a helper by name in a program of this type.
    pub(crate) fn call_in(
        &mut self,
        prog_type: ProgType,
        name: &str,
        args: &[u64],
    ) -> Result<u64, Stop> {
        self.call_back(prog_type, name, args, &mut |_, _, _| panic!("no callback"))
    }

    /// Calls a helper that may call back.
    pub(crate) fn call_back(
        &mut self,
        prog_type: ProgType,
        name: &str,
        args: &[u64],
        callback: &mut Callback<'_>,
    ) -> Result<u64, Stop> {
        let helper = abi::helpers::by_name(name).expect("a helper");
        let run = implementation(helper.id, prog_type).expect("an implementation");
        let mut all = [0xdead_beef_dead_beef; 5];
        all[..args.len()].copy_from_slice(args);
        run(&mut Call {
            machine: &mut self.machine,
            id: helper.id,
            args: all,
            callback,
        })
    }
}

/// The bytes of Latin-1 text in JSON.
pub(crate) fn latin1(text: &serde_json::Value) -> Vec<u8> {
    let text = text.as_str().expect("text");
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("Latin-1"))
        .collect()
}

/// The rows of a file with a JSON object in each line.
pub(crate) fn rows(file: &str) -> Vec<serde_json::Value> {
    file.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Bytes of a text of hex digits.
pub(crate) fn hex(text: &serde_json::Value) -> Vec<u8> {
    let text = text.as_str().expect("text");
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hex"))
        .collect()
}
