//! The running kernel's JIT: by PROG_TEST_RUN, and its machine code copied into
//! this process, so that both run under the same conditions.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use isa::{Code as Bpf, Imm64, Insn};
use kernel::{Instance, Kernel, Loaded, ProgInfo, TestRun};

use crate::case::{COUNTER, Case};
use crate::engine::{Engine, clock, now, sum_counters};
use crate::foreign::{Code, Function};
use crate::memory::Memory;

/// How often a program is loaded: each time Linux puts it elsewhere.
const LOADS: usize = 8;

/// The kernel itself.
struct TestRuns<'a> {
    case: &'a Case,
    instances: Vec<Instance>,
    packet: Vec<u8>,
}

pub(crate) fn test_runs<'a>(
    linux: &Kernel,
    case: &'a Case,
) -> Result<Box<dyn Engine + 'a>, String> {
    let instances = (0..LOADS).map(|_| instance(linux, case));
    Ok(Box::new(TestRuns {
        case,
        instances: instances.collect::<Result<_, _>>()?,
        packet: case.packet.clone(),
    }))
}

/// The program and its maps, filled.
fn instance(linux: &Kernel, case: &Case) -> Result<Instance, String> {
    let programs = std::slice::from_ref(&case.program);
    let instance = linux.instantiate(&case.program.maps, programs);
    let instance = instance.map_err(|error| error.to_string())?;
    loaded(&instance)?;
    if let Some(index) = case.map() {
        for (key, value) in &case.entries {
            let updated = instance.maps[index].update(key, value, 0);
            updated.map_err(|errno| format!("an entry is refused: {errno}"))?;
        }
    }
    Ok(instance)
}

fn loaded(instance: &Instance) -> Result<&Loaded, String> {
    instance.programs[0].as_ref().map_err(ToString::to_string)
}

impl TestRuns<'_> {
    fn test_run(&self, place: usize, repeat: u32) -> kernel::TestResult {
        let run = TestRun {
            data: &self.case.packet,
            repeat,
            ..TestRun::default()
        };
        let loaded = loaded(&self.instances[place]).expect("was loaded");
        loaded.test_run(&run).expect("runs")
    }
}

impl Engine for TestRuns<'_> {
    fn run(&mut self) -> u32 {
        let result = self.test_run(0, 1);
        self.packet = result.data;
        result.retval
    }

    fn packet(&self) -> Vec<u8> {
        self.packet.clone()
    }

    fn counter(&mut self) -> Vec<u64> {
        let Some(map) = self.case.map() else {
            return Vec::new();
        };
        let value = self.instances[0].maps[map].lookup(&self.case.entries[0].0);
        sum_counters(&value.expect("was put there"), COUNTER)
    }

    fn places(&self) -> usize {
        self.instances.len()
    }

    /// By the clock, since Linux counts in whole nanoseconds, and less the system
    /// call, which takes as long as thousands of runs.
    fn time(&mut self, place: usize, runs: u32) -> f64 {
        let taken = |repeat| {
            let begin = now();
            self.test_run(place, repeat);
            now() - begin
        };
        let call = taken(1);
        (taken(runs + 1) - call).max(0.0) / f64::from(runs)
    }
}

/// Offsets within a line of the cache at which Linux places programs.
const OFFSETS: [usize; 16] = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60];

/// The kernel's machine code in this process.
struct Copied {
    memory: Memory,
    places: Vec<Function>,
}

pub(crate) fn copied(linux: &Kernel, case: &Case) -> Result<Box<dyn Engine>, String> {
    let instance = instance(linux, case)?;
    let info = loaded(&instance)?.info();
    let info = info.map_err(|errno| errno.to_string())?;
    let memory = Memory::new(&case.program, &case.packet);
    let mut image = info.jited.clone();
    if image.is_empty() || info.jited_functions.is_empty() {
        return Err("Linux does not show its machine code".to_owned());
    }
    Relocation {
        info: &info,
        variables: variables(&info, &instance, &memory)?,
    }
    .apply(&mut image)?;
    check_context(linux)?;
    // One copy for each offset, so that all of them stay where they are.
    let stride = (image.len() + OFFSETS.len() * 64).next_multiple_of(4096);
    let mut bytes = vec![0xcc; stride * OFFSETS.len()];
    let starts = OFFSETS
        .iter()
        .enumerate()
        .map(|(n, offset)| n * stride + offset);
    let starts: Vec<_> = starts.collect();
    for start in &starts {
        bytes[*start..*start + image.len()].copy_from_slice(&image);
    }
    let code = Code::seal(&bytes);
    Ok(Box::new(Copied {
        memory,
        places: starts.iter().map(|start| code.function(*start)).collect(),
    }))
}

/// That `struct xdp_buff`, which machine code reads in place of the context, begins
/// with the two pointers.
fn check_context(linux: &Kernel) -> Result<(), String> {
    let btf = linux.btf().ok_or("the kernel keeps its types to itself")?;
    let id = btf.find("xdp_buff", btf::Kind::Struct);
    let Some(btf::Type::Struct(buff)) = id.and_then(|id| btf.ty(id)) else {
        return Err("there is no xdp_buff".to_owned());
    };
    let offset = |name: &str| {
        let mut members = buff.members();
        members.find_map(|m| (m.name == name).then_some(m.bit_offset))
    };
    match (offset("data"), offset("data_end")) {
        (Some(0), Some(64)) => Ok(()),
        other => Err(format!("xdp_buff is laid out otherwise: {other:?}")),
    }
}

/// The addresses in this process of the variables that the program names, in the
/// order of its instructions.
fn variables(info: &ProgInfo, instance: &Instance, memory: &Memory) -> Result<Vec<u64>, String> {
    let ids = instance
        .maps
        .iter()
        .map(|map| map.info().map(|info| info.id));
    let ids = ids.collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|errno| errno.to_string())?;
    let code = Bpf::new(info.xlated.clone());
    let mut addresses = Vec::new();
    for (_, insn) in code.iter() {
        let Insn::LoadImm { imm, .. } = insn else {
            continue;
        };
        let (id, offset) = match imm {
            Imm64::Value { .. } => continue,
            Imm64::MapValue { fd, offset } => (fd as u32, offset),
            _ => return Err("calls helpers".to_owned()),
        };
        let map = ids.iter().position(|known| *known == id);
        let address = map.and_then(|map| memory.variable(map, offset));
        addresses.push(address.ok_or("names a map of the kernel")?);
    }
    Ok(addresses)
}

/// What has to change in machine code that stands elsewhere.
struct Relocation<'a> {
    info: &'a ProgInfo,
    variables: Vec<u64>,
}

/// Addresses of the kernel.
const KERNEL: u64 = 0xffff_8000_0000_0000;
const RET: u8 = 0xc3;
const TRAP: u8 = 0xcc;

impl Relocation<'_> {
    /// Gives variables their new addresses, lets calls within the program find
    /// their functions, and returns where the kernel jumps to a thunk that returns
    /// (its mitigation of a flaw of some processors, of no use here).
    fn apply(&self, image: &mut [u8]) -> Result<(), String> {
        let mut variables = self.variables.iter();
        let mut begin = 0;
        for (address, len) in &self.info.jited_functions {
            let end = begin + *len as usize;
            let bytes = image.get(begin..end).ok_or("functions beyond the code")?;
            for insn in decode(bytes, *address) {
                let at = begin + (insn.ip() - address) as usize;
                if insn.op1_kind() == OpKind::Immediate64 && insn.immediate64() >= KERNEL {
                    let new = variables.next().ok_or("holds an address of the kernel")?;
                    image[at + 2..at + 10].copy_from_slice(&new.to_le_bytes());
                } else if insn.op0_kind() == OpKind::NearBranch64 {
                    self.branch(&insn, at, (*address, *len), image)?;
                } else if matches!(insn.mnemonic(), Mnemonic::Call | Mnemonic::Jmp) {
                    return Err("goes where a register says".to_owned());
                }
            }
            begin = end;
        }
        match variables.next() {
            None => Ok(()),
            Some(_) => Err("its variables are not all found".to_owned()),
        }
    }

    fn branch(
        &self,
        insn: &Instruction,
        at: usize,
        own: (u64, u32),
        image: &mut [u8],
    ) -> Result<(), String> {
        let target = insn.near_branch_target();
        let inside =
            |(address, len): (u64, u32)| (address..address + u64::from(len)).contains(&target);
        if inside(own) {
            return Ok(());
        }
        let after = at + insn.len();
        let mut begin = 0;
        for function in &self.info.jited_functions {
            if function.0 == target && insn.mnemonic() == Mnemonic::Call {
                let distance = begin as i64 - after as i64;
                image[after - 4..after].copy_from_slice(&(distance as i32).to_le_bytes());
                return Ok(());
            }
            begin += function.1 as usize;
        }
        if insn.mnemonic() != Mnemonic::Jmp {
            return Err("calls the kernel".to_owned());
        }
        image[at..after].fill(TRAP);
        image[at] = RET;
        Ok(())
    }
}

fn decode(bytes: &[u8], address: u64) -> Vec<Instruction> {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE)
        .into_iter()
        .collect()
}

impl Engine for Copied {
    fn run(&mut self) -> u32 {
        self.places[0].call(self.memory.wide_ctx())
    }

    fn packet(&self) -> Vec<u8> {
        self.memory.packet()
    }

    fn places(&self) -> usize {
        self.places.len()
    }

    fn time(&mut self, place: usize, runs: u32) -> f64 {
        let (function, ctx) = (self.places[place], self.memory.wide_ctx());
        clock(runs, || function.call(ctx))
    }
}
