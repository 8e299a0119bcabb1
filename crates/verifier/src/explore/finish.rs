//! What is left to be done when all paths were followed: the stack of chains of
//! calls, and what becomes of code that no path came to.

use std::collections::{BTreeSet, HashSet};

use isa::{Insn, Pc};

use crate::reason::{Result, Unsupported};
use crate::structure::calls::Mentioned;
use crate::structure::stack_depth;

/// Bytes of a register on the stack.
const SLOT: u32 = 8;

impl super::Verifier<'_> {
    /// Checks what can be told of the program only when all of it was followed.
    pub(super) fn finish(&mut self) -> Result {
        self.proven
            .set_stack_depths(self.stats.stack_depths.clone());
        let frames = self.functions.frames(&self.stats.stack_depths);
        stack_depth::check(self.program, self.structure, &frames)?;
        self.check_addresses()?;
        self.settle_stack_depths();
        Ok(())
    }

    fn is_followed(&self, pc: Pc) -> bool {
        self.proven.flow(pc).reached
    }

    /// Linux drops code that no path comes to, whole functions too. The address of
    /// one is then that of whatever comes after it, and where that is no function
    /// Linux fails, unless a single function is left. Its sentence counts
    /// instructions as they are after all its rewriting.
    fn check_addresses(&self) -> Result {
        let functions = self.structure.subprograms.iter();
        let entered = functions.filter(|function| self.is_followed(function.start));
        if entered.count() < 2 {
            return Ok(());
        }
        let mut known = HashSet::new();
        for mention in &self.structure.mentions {
            let pc = mention.pc;
            if let Mentioned::Address(start) = mention.what
                && self.is_followed(pc)
                && known.insert(start)
                && !self.is_function_in_the_end(start)
            {
                let feature = "the address of a function that is never called".to_owned();
                return Err(Unsupported { pc, feature }.into());
            }
        }
        Ok(())
    }

    /// Whether a function begins where `start` is when what no path came to is
    /// dropped.
    fn is_function_in_the_end(&self, start: Pc) -> bool {
        let mut at = start.index();
        while at < self.structure.insns.len() {
            if self.is_kept(at) {
                return self
                    .structure
                    .subprogram_starting_at(Pc(at as u32))
                    .is_some();
            }
            // A run is dropped as a whole. What is addressed inside it is as far
            // behind the code after it as it was behind the start of the run.
            let before = (0..at).rev().take_while(|at| !self.is_kept(*at)).count();
            let rest = (at..self.structure.insns.len()).take_while(|at| !self.is_kept(*at));
            at += rest.count() + before;
        }
        false
    }

    /// Whether a path came to a slot: second slots of wide instructions go with
    /// the first.
    fn is_kept(&self, at: usize) -> bool {
        let wide = |at: usize| matches!(self.insn_at(Pc(at as u32)), Some(Insn::WideTail));
        let first = if wide(at) { at.saturating_sub(1) } else { at };
        self.is_followed(Pc(first as u32))
    }

    /// Counts the stack as Linux does in the end. What it adds itself, which is not
    /// checked, counts: a loop in place of a call of `bpf_loop` keeps three
    /// registers, `may_goto` a count and a time. Functions that no path enters are
    /// gone.
    fn settle_stack_depths(&mut self) {
        let loops = self.functions.inlined_loops();
        let looping: BTreeSet<u32> = loops
            .filter_map(|pc| self.structure.subprogram_at(pc))
            .collect();
        for subprogram in looping {
            if let Some(depth) = self.stats.stack_depths.get_mut(subprogram as usize) {
                *depth = depth.next_multiple_of(SLOT) + 3 * SLOT;
            }
        }
        for subprogram in self.with_may_goto() {
            if let Some(depth) = self.stats.stack_depths.get_mut(subprogram as usize) {
                *depth += 2 * SLOT;
            }
        }
        let mut functions = self.structure.subprograms.iter();
        let mut depths = std::mem::take(&mut self.stats.stack_depths);
        depths.retain(|_| {
            let function = functions.next();
            function.is_none_or(|function| self.is_followed(function.start))
        });
        self.stats.stack_depths = depths;
    }

    /// Functions with a `may_goto` that Linux keeps: it drops those that no path
    /// comes to and those that lead to the next instruction anyway.
    fn with_may_goto(&self) -> BTreeSet<u32> {
        let mut kept = BTreeSet::new();
        for pc in self.structure.may_gotos.iter().rev().copied() {
            let Some(Insn::MayGoto { offset }) = self.insn_at(pc) else {
                continue;
            };
            let is_dropped = |pc: u32| {
                matches!(self.insn_at(Pc(pc)), Some(Insn::MayGoto { .. })) && !kept.contains(&pc)
            };
            let mut skipped = pc.0 + 1..pc.0.saturating_add_signed(i32::from(offset) + 1);
            if self.is_followed(pc) && (offset < 0 || !skipped.all(is_dropped)) {
                kept.insert(pc.0);
            }
        }
        let functions = kept.iter();
        functions
            .filter_map(|pc| self.structure.subprogram_at(Pc(*pc)))
            .collect()
    }
}
