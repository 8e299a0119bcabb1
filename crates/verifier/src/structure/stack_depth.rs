//! Whether the frames of every chain of calls fit the stack.

use std::collections::HashSet;

use abi::{ProgType, Program, limits};
use foldhash::fast::FixedState;
use isa::{CallTarget, Pc};

use super::Structure;
use super::calls::Mentioned;
use crate::Result;
use crate::reason::Structure as Refusal;

/// What following the program told of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameUse {
    /// Bytes of stack that it uses.
    pub depth: u32,
    /// It was entered as a callback.
    pub callback: bool,
    /// It was entered as a callback that runs later, on its own.
    pub async_callback: bool,
}

/// What the frames of callers may take where there is a tail call.
const TAIL_CALL_STACK: u32 = 256;
/// Frames are multiples of this.
const ALIGN: u32 = 16;
/// Functions with at least this much stack get one of their own where that is
/// possible.
const PRIVATE_STACK_MIN: u32 = 64;

/// Checks the sum of the frames of every chain of calls, those in code that is
/// never reached as well; `frames` by number of function.
pub fn check(program: &Program, structure: &Structure, frames: &[FrameUse]) -> Result {
    let mut search = Search::new(program, structure, frames);
    let tail_calls = structure.subprograms.iter().any(|s| s.has_tail_call);
    let private = !tail_calls && has_private_stack(program.prog_type);
    for root in (1..frames.len())
        .rev()
        .filter(|n| frames[*n].async_callback)
    {
        search.chains_from(root, false)?;
    }
    search.chains_from(0, private)
}

fn has_private_stack(prog_type: ProgType) -> bool {
    matches!(
        prog_type,
        ProgType::Kprobe | ProgType::Tracepoint | ProgType::PerfEvent | ProgType::RawTracepoint
    )
}

/// A call out of a function, or a throw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Edge {
    Call { to: usize },
    Address { of: usize },
    Throw,
}

/// A function at one place of a chain. What follows depends on nothing else, so
/// no place is looked at twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    function: usize,
    /// Functions before it in the chain.
    callers: usize,
    /// What the frames of the chain take, its own counted.
    bytes: u32,
    /// It or one of the functions before it is a callback.
    in_callback: bool,
}

struct Search<'a> {
    structure: &'a Structure,
    frames: &'a [FrameUse],
    /// Calls of each function in order, each different one once.
    edges: Vec<Vec<(Pc, Edge)>>,
    stacks: Vec<OwnStack>,
}

/// Whether a function has a stack of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OwnStack {
    Undecided,
    No,
    Yes,
}

impl<'a> Search<'a> {
    fn new(program: &Program, structure: &'a Structure, frames: &'a [FrameUse]) -> Search<'a> {
        Search {
            structure,
            frames,
            edges: edges(program, structure),
            stacks: vec![OwnStack::Undecided; structure.subprograms.len()],
        }
    }

    fn chains_from(&mut self, root: usize, private: bool) -> Result {
        let first = self.enter(root, None, private)?;
        if self.edges[root].is_empty() {
            return Ok(());
        }
        let mut seen = HashSet::with_hasher(FixedState::default());
        seen.insert(first);
        let mut path = vec![(first, 0)];
        while let Some((place, next)) = path.last_mut() {
            let place = *place;
            let edge = self.edges[place.function].get(*next).copied();
            *next += 1;
            let Some((pc, edge)) = edge else {
                path.pop();
                continue;
            };
            let to = match edge {
                Edge::Throw if place.in_callback => {
                    let subprogram = place.function as u32;
                    return Err(Refusal::ThrowInCallback { pc, subprogram }.into());
                }
                Edge::Throw => continue,
                Edge::Address { of } if self.frame(of).async_callback => continue,
                Edge::Address { of: to } | Edge::Call { to } => to,
            };
            let callee = self.enter(to, Some(place), private)?;
            if seen.insert(callee) {
                path.push((callee, 0));
            }
        }
        Ok(())
    }

    fn frame(&self, function: usize) -> FrameUse {
        self.frames.get(function).copied().unwrap_or_default()
    }

    /// Goes into a function from `caller`.
    fn enter(&mut self, function: usize, caller: Option<Place>, private: bool) -> Result<Place> {
        let callers = caller.map_or(0, |caller| caller.callers + 1);
        let before = caller.map_or(0, |caller| caller.bytes);
        if callers >= limits::MAX_CALL_FRAMES {
            return Err(Refusal::CallDepth(callers).into());
        }
        let tail_call = self.structure.subprograms[function].has_tail_call;
        if function != 0 && tail_call && before >= TAIL_CALL_STACK {
            return Err(Refusal::TailCallStack(before).into());
        }
        let frame = self.frame(function);
        let own = frame.depth.next_multiple_of(ALIGN);
        let bytes = if self.has_own_stack(function, own, private) {
            if own > limits::STACK_BYTES {
                let (subprogram, bytes) = (function as u32, own);
                return Err(Refusal::FrameStack { subprogram, bytes }.into());
            }
            before
        } else {
            before + own
        };
        if bytes > limits::STACK_BYTES {
            let calls = callers + 1;
            return Err(Refusal::CombinedStack { calls, bytes }.into());
        }
        let in_callback = frame.callback || caller.is_some_and(|caller| caller.in_callback);
        Ok(Place {
            function,
            callers,
            bytes,
            in_callback,
        })
    }

    fn has_own_stack(&mut self, function: usize, bytes: u32, private: bool) -> bool {
        let stack = &mut self.stacks[function];
        if !private {
            *stack = OwnStack::No;
        } else if *stack == OwnStack::Undecided && bytes >= PRIVATE_STACK_MIN {
            *stack = OwnStack::Yes;
        }
        *stack == OwnStack::Yes
    }
}

/// The calls in each function, each different one once: a second call of the
/// same function finds nothing new.
fn edges(program: &Program, structure: &Structure) -> Vec<Vec<(Pc, Edge)>> {
    let mut seen = HashSet::with_hasher(FixedState::default());
    let mut edges = vec![Vec::new(); structure.subprograms.len()];
    for mention in &structure.mentions {
        let function = |start| Some(structure.subprogram_starting_at(start)? as usize);
        let edge = match mention.what {
            Mentioned::Called(start) => function(start).map(|to| Edge::Call { to }),
            Mentioned::Address(start) => function(start).map(|of| Edge::Address { of }),
            Mentioned::Outside(CallTarget::Kfunc { btf_id, .. }) => {
                throws(program, btf_id).then_some(Edge::Throw)
            }
            Mentioned::Outside(_) => None,
        };
        let Some((edge, caller)) = edge.zip(structure.subprogram_at(mention.pc)) else {
            continue;
        };
        if seen.insert((caller, edge))
            && let Some(edges) = edges.get_mut(caller as usize)
        {
            edges.push((mention.pc, edge));
        }
    }
    edges
}

fn throws(program: &Program, index: i32) -> bool {
    let named = usize::try_from(index)
        .ok()
        .and_then(|index| program.externs.get(index));
    named.is_some_and(|named| named.name == "bpf_throw")
}
