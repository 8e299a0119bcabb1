//! One line of a log.

use isa::Pc;

use super::number;
use super::state::State;

/// A line, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// `func#1 @11`: a function starts here.
    Function {
        /// Its number.
        number: u32,
        /// Its first slot.
        pc: Pc,
    },
    /// `; text @ file.c:12`: the source line of what follows.
    Source {
        /// The line's text.
        text: String,
        /// Its file; empty where the log does not say.
        file: String,
        /// Its number; 0 where the log does not say.
        line: u32,
    },
    /// `  1   4: .1........ (61) r2 = …`: which registers live before an
    /// instruction.
    Live {
        /// The loop that the instruction is in (strongly connected component of
        /// the control flow); 0 for none.
        scc: u32,
        /// The instruction.
        pc: Pc,
        /// Bit `n` for register `n`.
        registers: u16,
    },
    /// `4: (71) r1 = *(u8 *)(r2 +12)   ; R1=scalar(…)`.
    Insn {
        /// The instruction.
        pc: Pc,
        /// Its opcode.
        opcode: u8,
        /// Its text.
        text: String,
        /// What it changed.
        after: Option<State>,
    },
    /// `4: R1=ctx() R10=fp0`: the state before an instruction.
    State {
        /// The instruction.
        pc: Pc,
        /// All that is known.
        state: State,
    },
    /// `from 34 to 36: R1=…`: the verifier comes back to a branch.
    Branch {
        /// The branch.
        from: Pc,
        /// Where it leads.
        to: Pc,
        /// Whether it is only speculated upon.
        speculative: bool,
        /// The state there; `None` when it is known to be safe already.
        state: Option<State>,
    },
    /// `34: safe`: the state has been seen.
    Safe {
        /// The instruction.
        pc: Pc,
    },
    /// ` frame1: R1=…`, `cur state: R0=…`: one of the two states around a call or
    /// return, or of a loop without end.
    Frame(State),
    /// `mark_precise: …`: going back for what a value depends on.
    Precise(String),
    /// `(0) frame 0 insn 6 +written -8`: when stack slots live.
    Liveness(String),
    /// `SCC enter (1)`: the verifier enters, goes round or leaves a loop.
    Loop(String),
    /// Anything else.
    Other(String),
}

impl Line {
    /// Reads a line.
    pub fn parse(line: &str) -> Line {
        let known = function(line)
            .or_else(|| source(line))
            .or_else(|| branch(line))
            .or_else(|| live(line))
            .or_else(|| at_insn(line))
            .or_else(|| frame(line));
        match known {
            Some(line) => line,
            None if line.starts_with("mark_precise:") => Line::Precise(line.to_owned()),
            None if is_liveness(line) => Line::Liveness(line.to_owned()),
            None if line.starts_with("SCC ") => Line::Loop(line.to_owned()),
            None => Line::Other(line.to_owned()),
        }
    }
}

fn function(line: &str) -> Option<Line> {
    let (number_, rest) = number(line.strip_prefix("func#")?)?;
    let (pc, rest) = number(rest.strip_prefix(" @")?)?;
    rest.is_empty().then_some(Line::Function {
        number: number_,
        pc: Pc(pc),
    })
}

fn source(line: &str) -> Option<Line> {
    let rest = line.strip_prefix("; ")?;
    let place = rest.rsplit_once(" @ ").and_then(|(text, place)| {
        let (file, line) = place.rsplit_once(':')?;
        Some((text, file, line.parse().ok()?))
    });
    let (text, file, line) = place.unwrap_or((rest, "", 0));
    Some(Line::Source {
        text: text.to_owned(),
        file: file.to_owned(),
        line,
    })
}

fn branch(line: &str) -> Option<Line> {
    const SPECULATIVE: &str = " (speculative execution)";
    let (from, rest) = number(line.strip_prefix("from ")?)?;
    let (to, rest) = number(rest.strip_prefix(" to ")?)?;
    let speculative = rest.starts_with(SPECULATIVE);
    let rest = rest.strip_prefix(SPECULATIVE).unwrap_or(rest);
    let rest = rest.strip_prefix(": ")?;
    Some(Line::Branch {
        from: Pc(from),
        to: Pc(to),
        speculative,
        state: (rest != "safe").then(|| State::parse(rest)),
    })
}

/// The lines that begin with the number of an instruction.
fn at_insn(line: &str) -> Option<Line> {
    let (pc, rest) = number(line.trim_start())?;
    let (pc, rest) = (Pc(pc), rest.strip_prefix(':')?.trim_start());
    if rest == "safe" {
        return Some(Line::Safe { pc });
    }
    if let Some((opcode, text)) = rest.strip_prefix('(').and_then(|r| r.split_once(") ")) {
        let opcode = u8::from_str_radix(opcode, 16).ok()?;
        let (text, after) = match text.split_once(';') {
            Some((text, state)) => (text, Some(State::parse(state))),
            None => (text, None),
        };
        return Some(Line::Insn {
            pc,
            opcode,
            text: text.trim_end().to_owned(),
            after: after.filter(|state| !state.is_empty()),
        });
    }
    let state = State::parse(rest);
    (!state.is_empty()).then_some(Line::State { pc, state })
}

/// A state behind a blank or two words.
fn frame(line: &str) -> Option<Line> {
    let starts = [" ", "cur state: ", "old state: "];
    let state = starts.iter().find_map(|start| line.strip_prefix(start))?;
    let state = State::parse(state);
    (!state.is_empty()).then_some(Line::Frame(state))
}

/// A line that begins with call sites in parentheses: `(7,11) frame …`.
fn is_liveness(line: &str) -> bool {
    let sites = line
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "));
    sites.is_some_and(|(sites, rest)| {
        sites.chars().all(|c| c.is_ascii_digit() || c == ',')
            && (rest.starts_with("frame ") || rest.starts_with("live stack "))
    })
}

/// Maybe the number of a loop, the number of an instruction, `.1..4.....` and the
/// instruction itself.
fn live(line: &str) -> Option<Line> {
    let (head, rest) = line.split_once(": ")?;
    let marks = rest.split_once(" (")?.0;
    let mut numbers = head.split_ascii_whitespace().rev();
    let pc = numbers.next()?.parse().ok()?;
    let scc = numbers.next().map_or(Ok(0), str::parse).ok()?;
    if marks.len() != 10 {
        return None;
    }
    let registers = marks.char_indices().try_fold(0, |bits, (n, mark)| {
        let lives = mark.to_digit(10) == Some(n as u32);
        (lives || mark == '.').then_some(bits | u16::from(lives) << n)
    })?;
    Some(Line::Live {
        scc,
        pc: Pc(pc),
        registers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line() {
        assert_eq!(
            Line::parse("func#1 @11"),
            Line::Function {
                number: 1,
                pc: Pc(11)
            }
        );
        assert_eq!(
            Line::parse("; if (a @ b) @ dir/x.c:12"),
            Line::Source {
                text: "if (a @ b)".into(),
                file: "dir/x.c".into(),
                line: 12
            }
        );
        assert_eq!(
            Line::parse("     11: 0.2....... (07) r0 += 1"),
            Line::Live {
                scc: 0,
                pc: Pc(11),
                registers: 0b101
            }
        );
        assert_eq!(
            Line::parse("  2   5: ......6... (05) goto pc-3"),
            Line::Live {
                scc: 2,
                pc: Pc(5),
                registers: 1 << 6
            }
        );
        assert_eq!(Line::parse("34: safe"), Line::Safe { pc: Pc(34) });
        assert_eq!(
            Line::parse("from 3 to 5 (speculative execution): safe"),
            Line::Branch {
                from: Pc(3),
                to: Pc(5),
                speculative: true,
                state: None
            }
        );
        assert_eq!(
            Line::parse("17: (85) call bpf_ringbuf_submit_dynptr#199   ;"),
            Line::Insn {
                pc: Pc(17),
                opcode: 0x85,
                text: "call bpf_ringbuf_submit_dynptr#199".into(),
                after: None
            }
        );
        assert_eq!(
            Line::parse("R0 !read_ok"),
            Line::Other("R0 !read_ok".into())
        );
    }

    #[test]
    fn an_instruction_with_its_state() {
        let line = Line::parse(
            "2: (61) r1 = *(u32 *)(r0 +0)          ; R0=map_value(ks=4,vs=8) R1=scalar(smin=0,var_off=(0x0; 0xff))",
        );
        let Line::Insn {
            pc, text, after, ..
        } = line
        else {
            panic!("{line:?}");
        };
        assert_eq!((pc, text.as_str()), (Pc(2), "r1 = *(u32 *)(r0 +0)"));
        let after = after.unwrap();
        assert_eq!(after.register(0), Some("map_value(ks=4,vs=8)"));
        assert_eq!(
            after.register(1),
            Some("scalar(smin=0,var_off=(0x0; 0xff))")
        );
    }

    #[test]
    fn sentences_that_begin_with_a_number_are_no_states() {
        let text = "12: something went wrong";
        assert_eq!(Line::parse(text), Line::Other(text.into()));
    }
}
