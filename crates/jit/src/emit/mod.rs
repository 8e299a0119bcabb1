//! Code generation: from loaded programs to bytes and tables.
//!
//! One pass over the instructions of a program writes its code ([`function`],
//! [`alu`], [`memory`], [`flow`], [`inline`]) by means of an assembler ([`asm`]).
//! What an instruction computes mostly waits until something needs it ([`values`]). What is rarely
//! run, such as the ways out, is put aside meanwhile and follows behind the
//! program. Nothing here executes or touches memory: the result is data.
//!
//! Layout of the code: addresses of the [`Routine`]s, then for each program its
//! functions in order, then what is rarely run.
#![expect(
    clippy::useless_conversion,
    reason = "dynasm converts the numbers of registers"
)]

mod alu;
mod asm;
mod blind;
mod flow;
mod function;
mod inline;
mod memory;
#[cfg(test)]
mod tests;
mod values;

use isa::{Insn, Pc, Reg};
use vm::world::Random;
use vm::{Link, Linked, Machine, ProgId};

use crate::analysis::{Block, Blocks, Item, Listing, Live, RegSet, Upper};
use crate::context::HOST_REGISTER;
use crate::lower::{Bits, Loaded, Value};
use crate::runtime::{Routine, Runtime};
use crate::site::{CallSite, Load, Several, Shared, Site, What};
use crate::{Error, Mode, Options, Proof};

use asm::Asm;
use dynasmrt::{DynamicLabel, DynasmApi};

/// What compiled code depends on besides the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) options: Options,
    /// Memory is reached through gs.
    pub(crate) gs: bool,
    /// The processor has BMI2.
    pub(crate) bmi2: bool,
    pub(crate) runtime: Runtime,
    /// One past the last byte of the stack of the innermost function there can be.
    pub(crate) last_stack: u32,
    /// Random numbers, where immediates are to be hidden.
    pub(crate) blind: Option<Random>,
}

/// Where the code of an instruction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) offset: u32,
    pub(crate) program: ProgId,
    pub(crate) pc: Pc,
}

/// Code and its tables.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) bytes: Vec<u8>,
    pub(crate) shared: Shared,
    /// In the order of their offsets.
    pub(crate) lines: Vec<Line>,
}

/// The labels of the table of addresses at the start of the code, by [`Routine`].
type Pool = [DynamicLabel; Routine::ALL.len()];

/// Makes code of all programs of a machine.
pub(crate) fn assemble(
    machine: &Machine,
    settings: &Settings,
    proofs: &[Proof<'_>],
) -> Result<Assembled, Error> {
    // A jump that turns out to go too far is rare enough for beginning again, and so
    // is one back to where something is relied on that it does not establish.
    assemble_with(machine, settings, proofs, true)
        .or_else(|_| assemble_with(machine, settings, proofs, false))
}

fn assemble_with(
    machine: &Machine,
    settings: &Settings,
    proofs: &[Proof<'_>],
    bold: bool,
) -> Result<Assembled, Error> {
    let programs = || machine.program_ids().filter_map(|id| machine.linked(id));
    let insns: usize = programs().map(|linked| linked.insns().len()).sum();
    room_for(insns)?;
    let mut tables = Tables {
        asm: Asm::new(64 + insns * 12, insns / 2 + 16),
        sites: Vec::with_capacity(insns / 4),
        calls: Vec::new(),
        several: Vec::new(),
        joined: Vec::new(),
        functions: Vec::new(),
        lines: Vec::with_capacity(insns),
        at_end: read_after(programs()),
        short: bold,
        trusting: bold,
        broken: false,
        gs: Vec::new(),
        seeds: settings.blind,
    };
    let pool = tables.pool(&settings.runtime);
    for id in machine.program_ids() {
        let Some(linked) = machine.linked(id) else {
            continue;
        };
        let proof = proofs.iter().find(|proof| proof.program == id).copied();
        let functions = Emitter::program(&mut tables, machine, settings, pool, id, linked, proof)?;
        tables.functions.push(functions);
    }
    tables.finish()
}

/// Whether there is memory for compiling so many instructions: their listing, the
/// code, and the tables. Asked for as a whole, so that the lack of it is an error
/// before anything is begun, and not somewhere in the middle, where it would end the
/// process.
fn room_for(insns: usize) -> Result<(), Error> {
    const CODE: usize = 48;
    const EACH: usize = 2 * (size_of::<Item>() + size_of::<Site>() + size_of::<Line>() + CODE + 16);
    let bytes = insns.saturating_mul(EACH);
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(bytes).map_err(|_| Error::Memory {
        bytes,
        source: std::io::ErrorKind::OutOfMemory.into(),
    })
}

/// What may be read of the registers when a program has ended. A tail call from a
/// function leads back to whoever called the function, which shares r0 to r5.
fn read_after<'m>(mut programs: impl Iterator<Item = Linked<'m>>) -> RegSet {
    let shares = |linked: Linked<'_>| {
        let has = |wanted: fn(&Link) -> bool| linked.insns().any(|(.., link)| wanted(&link));
        has(|link| matches!(link, Link::TailCall)) && has(|link| matches!(link, Link::Function(_)))
    };
    match programs.any(shares) {
        true => RegSet::SHARED,
        false => RegSet::of(Reg::R0),
    }
}

/// What all programs share.
struct Tables {
    asm: Asm,
    sites: Vec<Site>,
    calls: Vec<CallSite>,
    /// Of the sites that stand for several loads: which.
    several: Vec<Several>,
    /// Loads that were joined, in the order of their addresses.
    joined: Vec<Vec<Part>>,
    functions: Vec<Vec<u32>>,
    lines: Vec<Line>,
    /// What whoever runs a program may read after it.
    at_end: RegSet,
    /// Jumps down to what seems near are short.
    short: bool,
    /// Blocks rely on what the ways to them establish.
    trusting: bool,
    /// One relies on what a way to it does not.
    broken: bool,
    /// By program: whether it reaches memory through gs.
    gs: Vec<bool>,
    /// Where programs get their random numbers from, each its own.
    seeds: Option<Random>,
}

impl Tables {
    fn pool(&mut self, runtime: &Runtime) -> Pool {
        runtime.0.map(|address| {
            let label = self.asm.label();
            self.asm.bind(label);
            DynasmApi::push_u64(&mut self.asm.ops, address);
            label
        })
    }

    /// Random numbers for the next program, unlike those of the others.
    fn keys(&mut self) -> Option<Random> {
        let seeds = self.seeds.as_mut()?;
        let [low, high] = [(); 2].map(|()| u64::from(seeds.next_u32()));
        Some(Random {
            state: high << 32 | low,
        })
    }

    /// Notes that two loads become one, at a distance `from` the registers that both
    /// are counted from.
    fn join(&mut self, loads: [Loaded; 2], from: i64) -> u32 {
        let mut parts = Vec::with_capacity(8);
        for load in loads {
            let offset = load.at.disp.wrapping_sub(from) as u8;
            let known = load.parts.checked_sub(1);
            match known.and_then(|known| self.joined.get(known as usize)) {
                Some(known) => parts.extend(known.iter().map(|part| Part {
                    offset: part.offset + offset,
                    ..*part
                })),
                None => parts.push(Part {
                    number: load.number,
                    offset,
                    size: load.size.bytes() as u8,
                }),
            }
        }
        self.joined.push(parts);
        self.joined.len() as u32
    }

    fn finish(self) -> Result<Assembled, Error> {
        let too_large = || Error::TooLarge {
            program: String::new(),
        };
        if self.broken {
            return Err(too_large());
        }
        let bytes = self.asm.ops.finalize().map_err(|_| too_large())?;
        Ok(Assembled {
            bytes,
            shared: Shared {
                gs: self.gs,
                functions: self.functions,
                sites: self.sites,
                calls: self.calls,
                several: self.several,
                ..Shared::default()
            },
            lines: self.lines,
        })
    }
}

/// A load that was joined with others.
#[derive(Clone, Copy, Debug)]
struct Part {
    number: u32,
    /// Bytes from the start of the whole.
    offset: u8,
    size: u8,
}

/// Code that is rarely run, to be written behind the program.
struct Cold {
    label: DynamicLabel,
    what: Rarely,
}

#[derive(Clone, Copy, Debug)]
enum Rarely {
    /// The run ends at a site, which says why.
    Trap { site: u32 },
    /// The budget does not suffice for the block.
    Budget { site: u32 },
    /// The run has ended in the runtime.
    Exit,
    /// A load that was not plainly allowed, then back.
    SlowLoad {
        site: u32,
        dst: u8,
        sign: Option<isa::Size>,
        back: DynamicLabel,
    },
    /// A store that was not plainly allowed, then back.
    SlowStore {
        site: u32,
        src: memory::Source,
        size: isa::Size,
        back: DynamicLabel,
    },
}

/// Writes the code of one program.
struct Emitter<'a> {
    tables: &'a mut Tables,
    settings: &'a Settings,
    machine: &'a Machine,
    pool: Pool,
    program: ProgId,
    listing: &'a Listing,
    proof: Option<Proof<'a>>,
    live: &'a Live,
    /// Of the first instruction of each block that jumps lead to.
    labels: Vec<Option<DynamicLabel>>,
    /// Where those lie that have been written.
    offsets: Vec<Option<u32>>,
    /// Of the first instruction of each block: the registers that are cut there, on
    /// all ways that have been written so far; once the block has been, what it
    /// relies on.
    cut_at: Vec<RegSet>,
    /// Memory is reached through gs where that saves instructions.
    gs: bool,
    /// Of each function, for calls of the program.
    inner: Vec<DynamicLabel>,
    /// The program writes r10.
    moves_fp: bool,
    function: function::Frame,
    block: Block,
    cold: Vec<Cold>,
    /// A jump that the branch in front of it has made needless.
    passed: Option<u32>,
    values: values::Values,
    /// How the function writes to its stack.
    stack_writes: inline::StackWrites,
    /// What is live after the instruction.
    after: RegSet,
    /// For hiding numbers, where that is asked for.
    keys: Option<Random>,
}

impl<'a> Emitter<'a> {
    fn program(
        tables: &'a mut Tables,
        machine: &'a Machine,
        settings: &'a Settings,
        pool: Pool,
        program: ProgId,
        linked: Linked<'a>,
        proof: Option<Proof<'a>>,
    ) -> Result<Vec<u32>, Error> {
        let mut listing = Listing::of(linked);
        if let Some(proof) = proof {
            listing.limit_stacks(proof.proven.stack_depths());
        }
        let blocks = Blocks::of(&listing);
        let live = Live::of(&listing, &blocks, tables.at_end);
        let moves_fp = listing.items.iter().any(|item| {
            let (_, written) = item.effect;
            written.contains(Reg::FP)
        });
        let upper = Upper::of(&listing, &blocks, moves_fp);
        // What gs takes at the start is soon made good, but not without a loop.
        let cuts = settings.options.mode != Mode::Checked;
        let gs = settings.gs && cuts && blocks.0.iter().any(|block| block.is_loop);
        tables.gs.push(gs);
        let mut emitter = Emitter {
            keys: tables.keys(),
            labels: vec![None; listing.items.len()],
            offsets: vec![None; listing.items.len()],
            inner: listing.entries.iter().map(|_| tables.asm.label()).collect(),
            tables,
            settings,
            machine,
            pool,
            program,
            listing: &listing,
            proof,
            live: &live,
            moves_fp,
            function: function::Frame::default(),
            block: Block {
                start: 0,
                end: 0,
                is_target: false,
                from_below: false,
                is_loop: false,
            },
            cold: Vec::new(),
            passed: None,
            values: values::Values::new(Bits([u64::MAX; 11]), RegSet::NONE),
            cut_at: vec![RegSet::ALL; listing.items.len()],
            gs,
            stack_writes: [0; _],
            after: RegSet::NONE,
        };
        for block in &blocks.0 {
            if block.is_target {
                emitter.labels[block.start as usize] = Some(emitter.tables.asm.label());
            }
        }
        let mut functions = Vec::with_capacity(listing.entries.len());
        let mut blocks = blocks.0.iter().enumerate().peekable();
        for number in 0..listing.entries.len() {
            functions.push(emitter.begin_function(number));
            let range = listing.range(number);
            while let Some((at, block)) = blocks.next_if(|(_, block)| block.start < range.end) {
                emitter.block(*block, upper.at(at));
            }
            emitter.off_the_end(range.end);
        }
        emitter.cold();
        Ok(functions)
    }

    fn block(&mut self, block: Block, short: RegSet) {
        self.block = block;
        let mut bits = Bits([u64::MAX; 11]);
        for reg in short.iter() {
            bits.set(reg, u32::MAX.into());
        }
        // What is relied on must hold on all ways, and those from below are yet to come.
        let cut = match block.from_below || !self.tables.trusting {
            true => RegSet::NONE,
            false => self.cut_at[block.start as usize].and(self.values.cut()),
        };
        self.cut_at[block.start as usize] = cut;
        self.values = values::Values::new(bits, cut);
        let first = self.listing.items[block.start as usize];
        if block.is_loop {
            self.tables.asm.align(32);
        }
        if let Some(label) = self.labels[block.start as usize] {
            self.tables.asm.bind(label);
            self.offsets[block.start as usize] = Some(self.tables.asm.offset());
        }
        let passed = self.passed == Some(block.start);
        if !passed && self.proof.is_some_and(|proof| !proof.is_reached(first.pc)) {
            let site = self.site(block.start, What::Dead);
            return self.trap_here(site);
        }
        self.meter();
        for number in block.start..block.end {
            let item = self.listing.items[number as usize];
            self.tables.lines.push(Line {
                offset: self.tables.asm.offset(),
                program: self.program,
                pc: item.pc,
            });
            let (read, written) = item.effect;
            self.after = self.live.after(number).with(RegSet::of(Reg::FP));
            self.values.needed = self.after.with(read);
            for reg in written.without(read).iter() {
                self.drop_value(reg);
            }
            self.insn(number, &item);
        }
        self.settle_needed(self.after);
    }

    fn insn(&mut self, number: u32, item: &Item) {
        if let Link::Trap(_) = item.link {
            self.settle_needed(RegSet::NONE);
            let site = self.site(number, What::Link);
            return self.trap_here(site);
        }
        match item.insn {
            Insn::Alu {
                op,
                width,
                dst,
                src,
            } => self.alu(op, width, dst, src),
            Insn::Neg { width, dst } => self.neg(width, dst),
            Insn::Movsx {
                width,
                bits,
                dst,
                src,
            } => self.move_signed(width, bits, dst, src),
            Insn::Endian { op, bits, dst } => self.endian(op, bits, dst),
            Insn::LoadImm { dst, .. } => {
                if let Link::Constant(value) = item.link {
                    self.define(dst, Value::constant(value));
                }
            }
            Insn::Load {
                size,
                signed,
                dst,
                base,
                offset,
            } => self.load(number, size, signed, dst, base, offset),
            Insn::LoadAcquire {
                size,
                dst,
                base,
                offset,
            } => {
                self.make_loads();
                self.load(number, size, false, dst, base, offset);
                self.settle(dst);
            }
            Insn::Store {
                size,
                base,
                offset,
                src,
            } => self.store(number, size, base, offset, src),
            Insn::StoreRelease {
                size,
                base,
                offset,
                src,
            } => self.store(number, size, base, offset, isa::Operand::Reg(src)),
            Insn::Atomic {
                op,
                width,
                base,
                offset,
                src,
            } => {
                let (read, written) = item.effect;
                self.settle_needed(self.after.with(read));
                self.atomic(number, op, width, base, offset, src);
                for reg in written.iter() {
                    self.values.overwritten(reg, u64::MAX);
                }
            }
            Insn::LoadPacket { .. } => {
                self.settle_needed(RegSet::ALL);
                self.load_packet(number);
            }
            Insn::Jump { .. } => self.jump(number, item.target),
            Insn::Branch {
                op,
                width,
                dst,
                src,
                ..
            } => self.branch(number, op, width, dst, src, item.target),
            Insn::MayGoto { .. } => self.may_goto(item.target),
            Insn::Call { .. } => self.call(number, item),
            Insn::Exit => {
                self.settle_needed(self.after.with(RegSet::of(Reg::R0)));
                self.exit();
            }
            // Loading has made traps of these.
            Insn::AddrSpaceCast { .. }
            | Insn::CallReg { .. }
            | Insn::WideTail
            | Insn::Invalid(_) => {}
        }
    }

    /// A way leads to a block, on which these registers are cut.
    fn way_to(&mut self, target: Option<u32>, cut: RegSet) {
        let Some(target) = target.map(|target| target as usize) else {
            return;
        };
        match self.offsets[target] {
            None => self.cut_at[target] = self.cut_at[target].and(cut),
            Some(_) => self.tables.broken |= !self.cut_at[target].without(cut).is_empty(),
        }
    }

    /// Notes that a run can end at the next host instruction.
    fn site(&mut self, number: u32, what: What) -> u32 {
        let after = self.block.end - number - 1;
        let refund = match what {
            What::Budget => self.block.end - self.block.start,
            _ => after,
        };
        self.tables.sites.push(Site {
            offset: self.tables.asm.offset(),
            program: self.program,
            pc: self.listing.items[number as usize].pc,
            refund: if self.settings.options.meter {
                refund
            } else {
                0
            },
            what,
        });
        self.tables.sites.len() as u32 - 1
    }

    /// Notes what loads a site stands for.
    fn site_of_several(&mut self, site: u32, parts: u32) {
        let Some(parts) = self.tables.joined.get(parts as usize - 1) else {
            return;
        };
        let mut parts = parts.clone();
        parts.sort_unstable_by_key(|part| part.number);
        let end = self.block.end;
        let loads = parts.into_iter().map(|part| Load {
            pc: self.listing.items[part.number as usize].pc,
            refund: match self.settings.options.meter {
                true => end - part.number - 1,
                false => 0,
            },
            offset: part.offset,
            size: part.size,
        });
        let loads = loads.collect();
        self.tables.several.push(Several { site, loads });
    }

    /// A label of code that is rarely run.
    fn rarely(&mut self, what: Rarely) -> DynamicLabel {
        let label = self.tables.asm.label();
        self.cold.push(Cold { label, what });
        label
    }
}

/// The register that lies in a host register.
fn guest(host: u8) -> Option<Reg> {
    let index = HOST_REGISTER.iter().position(|known| *known == host)?;
    Reg::new(index as u8)
}

/// The host register of a register.
pub(crate) fn host(reg: Reg) -> u8 {
    HOST_REGISTER[reg.index()]
}
