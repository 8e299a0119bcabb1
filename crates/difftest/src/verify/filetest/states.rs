//! The state that a log of level 2 shows behind an instruction.

use isa::Pc;

/// What the first visit of the instruction at `pc` changed, as the log has it.
///
/// It stands behind the instruction, or, where other lines came between, on a
/// line of its own that begins with the number of the instruction after.
pub fn state_after(log: &str, pc: Pc) -> Option<&str> {
    let start = format!("{}: (", pc.0);
    let mut lines = log.lines();
    let line = lines.find(|line| line.starts_with(&start))?;
    if let Some((_, state)) = line.split_once(';') {
        return Some(state.trim());
    }
    for line in lines {
        let between = ["mark_precise:", "SCC ", "("];
        if between.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        let (number, rest) = line.split_once(": ")?;
        let is_state = !rest.starts_with('(') && number.parse::<u32>().is_ok();
        return is_state.then_some(rest.trim());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_instruction_or_below() {
        let log = "0: R1=ctx() R10=fp0\n0: (b7) r0 = 1   ; R0=1\n1: (95) exit\n\
                   from 0 to 1: safe\n0: (b7) r0 = 1 ; R0=2\n\
                   2: (0f) r1 += r0\nmark_precise: frame0: x\n3: R0=P1 R1=fp-1\n";
        assert_eq!(state_after(log, Pc(0)), Some("R0=1"));
        assert_eq!(state_after(log, Pc(1)), None);
        assert_eq!(state_after(log, Pc(2)), Some("R0=P1 R1=fp-1"));
        assert_eq!(state_after(log, Pc(3)), None);
    }
}
