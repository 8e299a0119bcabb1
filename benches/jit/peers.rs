//! Other virtual machines: `rbpf`, and `solana-sbpf`, whose JIT checks accesses.

use std::ptr::NonNull;
use std::sync::Arc;

use solana_sbpf::elf::Executable;
use solana_sbpf::memory_region::MemoryMapping;
use solana_sbpf::program::{BuiltinProgram, FunctionRegistry, SBPFVersion};
use solana_sbpf::verifier::RequisiteVerifier;
use solana_sbpf::vm::{CallFrame, Config, ContextObject, EbpfVm, ExecutionMode};

use crate::case::Case;
use crate::clang;
use crate::engine::{Engine, clock};
use crate::foreign::{run_rbpf, sbpf_mapping};
use crate::memory::Memory;

/// Why programs with maps do not run there.
const NO_MAPS: &str = "maps are left to whoever embeds it";

struct Rbpf {
    memory: Memory,
    machine: rbpf::EbpfVmRaw<'static>,
    compiled: bool,
}

/// The program in a machine of `rbpf`.
pub(crate) fn rbpf(case: &Case, compiled: bool) -> Result<Box<dyn Engine>, String> {
    let memory = Memory::new(&case.program, &case.packet);
    let wire = memory.link(&case.program).ok_or(NO_MAPS)?;
    let mut machine = rbpf_machine(wire)?;
    let all = memory.all();
    machine.register_allowed_memory(all.address()..all.address() + all.len() as u64);
    if compiled {
        machine.jit_compile().map_err(|error| error.to_string())?;
    }
    Ok(Box::new(Rbpf {
        memory,
        machine,
        compiled,
    }))
}

/// A machine with these instructions.
pub(crate) fn rbpf_machine(wire: Vec<u8>) -> Result<rbpf::EbpfVmRaw<'static>, String> {
    let mut machine = rbpf::EbpfVmRaw::new(None).map_err(|error| error.to_string())?;
    // All functions of a program share 512 bytes there.
    let shared = machine.set_stack_usage_calculator(|_, _, _| 64, Box::new(()));
    shared.map_err(|error| error.to_string())?;
    let set = machine.set_program(wire.leak());
    set.map_err(|error| error.to_string())?;
    Ok(machine)
}

impl Engine for Rbpf {
    fn run(&mut self) -> u32 {
        if self.compiled {
            return run_rbpf(&self.machine, self.memory.all());
        }
        let ret = self.machine.execute_program(self.memory.all().lend());
        ret.expect("a program that Linux accepts") as u32
    }

    fn packet(&self) -> Vec<u8> {
        self.memory.packet()
    }

    fn time(&mut self, _: usize, runs: u32) -> f64 {
        clock(runs, || self.run())
    }
}

/// The version whose instructions are closest to eBPF's.
const VERSION: SBPFVersion = SBPFVersion::V3;

struct Sbpf {
    memory: Memory,
    executable: Executable<Meter>,
    machine: EbpfVm<'static, Meter>,
}

/// What `solana-sbpf` asks of whoever embeds it.
pub(crate) struct Meter {
    left: u64,
    mapping: MemoryMapping,
}

impl ContextObject for Meter {
    fn consume(&mut self, amount: u64) {
        self.left = self.left.saturating_sub(amount);
    }

    fn get_remaining(&self) -> u64 {
        self.left
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::from_mut(&mut self.mapping)
    }
}

/// The program in a machine of `solana-sbpf`, compiled. It is built from source
/// without 32-bit arithmetic, whose results are extended by their sign there.
pub(crate) fn sbpf(case: &Case) -> Result<Box<dyn Engine>, String> {
    if case.map().is_some() {
        return Err(NO_MAPS.to_owned());
    }
    let program = clang::bpf_without_alu32(&case.program.name)?;
    let memory = Memory::new(&program, &case.packet);
    let executable = sbpf_executable(memory.link(&program).ok_or(NO_MAPS)?)?;
    executable
        .jit_compile()
        .map_err(|error| error.to_string())?;
    let config = executable.get_config();
    let stack = vec![0; config.stack_size()].leak();
    let stack_len = stack.len();
    // It reads and writes within a run what the one before left: that is measured.
    let meter = Box::leak(Box::new(Meter {
        left: u64::MAX >> 1,
        mapping: sbpf_mapping(memory.all(), stack, config, VERSION),
    }));
    let loader = Arc::clone(executable.get_loader());
    let mut machine = EbpfVm::new(loader, VERSION, meter, stack_len);
    machine.registers[1] = memory.ctx();
    Ok(Box::new(Sbpf {
        memory,
        executable,
        machine,
    }))
}

/// These instructions, accepted.
pub(crate) fn sbpf_executable(wire: Vec<u8>) -> Result<Executable<Meter>, String> {
    let config = Config {
        aligned_memory_mapping: true,
        ..Config::default()
    };
    let loader = Arc::new(BuiltinProgram::new_loader(config));
    let functions = FunctionRegistry::default();
    let executable = Executable::from_text_bytes(&wire, loader, VERSION, functions);
    let executable = executable.map_err(|error| error.to_string())?;
    let verified = executable.verify::<RequisiteVerifier>();
    verified.map_err(|error| error.to_string())?;
    Ok(executable)
}

impl Engine for Sbpf {
    fn run(&mut self) -> u32 {
        let frames: &mut [CallFrame] = &mut [];
        let mode = &mut ExecutionMode::Jit;
        let (_, result) = self.machine.execute_program(&self.executable, mode, frames);
        match Result::from(result) {
            Ok(ret) => ret as u32,
            Err(error) => panic!("solana-sbpf: {error}"),
        }
    }

    fn packet(&self) -> Vec<u8> {
        self.memory.packet()
    }

    fn time(&mut self, _: usize, runs: u32) -> f64 {
        clock(runs, || self.run())
    }
}
