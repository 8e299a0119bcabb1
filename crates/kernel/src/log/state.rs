//! Registers and stack slots as a log writes them.

/// What a log says of one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The frame, 0 for the program's entry function.
    pub frame: u32,
    /// Register number and the text of its value, such as `scalar(id=1)`.
    pub registers: Vec<(u8, String)>,
    /// Offset from the frame pointer and the text of the slot: `-8` and
    /// `mmmmmmmm`.
    pub stack: Vec<(i32, String)>,
    /// Ids of the references held.
    pub references: Vec<u32>,
    /// Words without a value: `cb`, `async_cb`.
    pub marks: Vec<String>,
}

impl State {
    /// Reads a state; words that belong to none are passed over.
    pub fn parse(text: &str) -> State {
        let mut state = State::default();
        for word in words(text) {
            state.read(word);
        }
        state
    }

    /// The text of a register's value, where the log has it.
    pub fn register(&self, register: u8) -> Option<&str> {
        let found = self.registers.iter().find(|(r, _)| *r == register);
        found.map(|(_, value)| value.as_str())
    }

    /// The text of the stack slot at `offset` from the frame pointer.
    pub fn slot(&self, offset: i32) -> Option<&str> {
        let found = self.stack.iter().find(|(at, _)| *at == offset);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty()
            && self.stack.is_empty()
            && self.references.is_empty()
            && self.marks.is_empty()
    }

    fn read(&mut self, word: &str) {
        if let Some(frame) = word.strip_prefix("frame") {
            let frame = frame.strip_suffix(':').unwrap_or(frame);
            self.frame = frame.parse().unwrap_or(self.frame);
        } else if matches!(word, "cb" | "async_cb") {
            self.marks.push(word.to_owned());
        } else if let Some((place, value)) = word.split_once('=') {
            self.read_value(place, value);
        }
    }

    fn read_value(&mut self, place: &str, value: &str) {
        // Releases before 6.13 mark what was written: R1_w, fp-8_w.
        let place = place.split('_').next().unwrap_or(place);
        if let Some(register) = place.strip_prefix('R') {
            if let Ok(register) = register.parse() {
                self.registers.push((register, value.to_owned()));
            }
        } else if let Some(offset) = place.strip_prefix("fp") {
            if let Ok(offset @ ..0) = offset.parse() {
                self.stack.push((offset, value.to_owned()));
            }
        } else if place == "refs" {
            let ids = value.split(',').filter_map(|id| id.parse::<u32>().ok());
            self.references.extend(ids);
        }
    }
}

/// The words of a text; blanks inside parentheses separate none.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ' ' && depth <= 0
    })
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_state_has() {
        let state = State::parse(
            "frame1: R0=scalar(var_off=(0x0; 0xff)) R2=fp[0]-8 R10=fp0 \
             fp-8=????mmmm fp-16=dynptr_ringbuf(id=1,ref_id=2) refs=2,3 cb",
        );
        assert_eq!(state.frame, 1);
        assert_eq!(state.register(0), Some("scalar(var_off=(0x0; 0xff))"));
        assert_eq!(state.register(2), Some("fp[0]-8"));
        assert_eq!(state.register(1), None);
        assert_eq!(state.slot(-8), Some("????mmmm"));
        assert_eq!(state.slot(-16), Some("dynptr_ringbuf(id=1,ref_id=2)"));
        assert_eq!(state.references, [2, 3]);
        assert_eq!(state.marks, ["cb"]);
    }

    #[test]
    fn older_releases_mark_what_was_written() {
        let state = State::parse("R1_w=42 fp-8_w=mmmmmmmm");
        assert_eq!(state.register(1), Some("42"));
        assert_eq!(state.slot(-8), Some("mmmmmmmm"));
    }

    #[test]
    fn sentences_are_no_state() {
        assert!(State::parse("R0 !read_ok").is_empty());
        assert!(State::parse("invalid access (a b) )( to=map").is_empty());
    }
}
