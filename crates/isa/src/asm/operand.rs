//! The operands that the letters of a row's text stand for.

use super::Expected;
use super::line::{Miss, Pattern};
use crate::disasm::Symbol;

impl Pattern<'_> {
    /// Takes the operand that `letter` stands for, see
    /// [`crate::table::Row::text`].
    pub(super) fn operand(&mut self, letter: char) -> Result<(), Miss> {
        match letter {
            'O' => self.fields.offset = self.memory_offset()?,
            'I' => self.fields.imm = self.i32()?,
            'X' => self.fields.imm = self.number(i32::MIN.into(), u32::MAX.into())? as i32,
            'A' => self.fields.imm |= (self.number(0, u16::MAX.into())? << 16) as i32,
            'B' => self.fields.imm |= self.number(0, u16::MAX.into())? as i32,
            'J' => self.fields.tail = self.i32()?,
            'L' => {
                let value = self.wide()?;
                self.fields.imm = value as i32;
                self.fields.tail = (value >> 32) as i32;
            }
            'M' => self.fields.imm = self.map()?,
            'N' => self.fields.imm = self.map_index()?,
            'P' if self.take_label() => {}
            'P' => {
                self.pc()?;
                self.fields.offset = self.i16()?;
            }
            'Q' | 'F' | 'C' if self.take_label() => {}
            'Q' => {
                self.pc()?;
                self.fields.imm = self.i32()?;
            }
            'F' => self.fields.imm = self.i32()?,
            'C' => self.fields.imm = self.local_call()?,
            'H' => self.fields.imm = self.helper()?,
            'K' => (self.fields.imm, self.fields.offset) = self.kfunc()?,
            _ => unreachable!("the letters of the table are listed at Row::text"),
        }
        Ok(())
    }

    /// A number with an optional sign, if it is in the range.
    fn number(&mut self, min: i128, max: i128) -> Result<i128, Miss> {
        let sign = self.peek().filter(|token| matches!(token.text, "-" | "+"));
        let digits = match sign {
            Some(_) => self.peek_second(),
            None => self.peek(),
        };
        let magnitude = digits.and_then(|token| token.number()).map(i128::from);
        let number = match sign {
            Some(sign) if sign.text == "-" => magnitude.map(|magnitude| -magnitude),
            _ => magnitude,
        };
        match number.filter(|number| (min..=max).contains(number)) {
            Some(number) => {
                if sign.is_some() {
                    self.skip();
                }
                self.skip();
                Ok(number)
            }
            None => self.miss(Expected::Number(min, max)),
        }
    }

    fn i16(&mut self) -> Result<i16, Miss> {
        let number = self.number(i16::MIN.into(), i16::MAX.into())?;
        Ok(number as i16)
    }

    fn i32(&mut self) -> Result<i32, Miss> {
        let number = self.number(i32::MIN.into(), i32::MAX.into())?;
        Ok(number as i32)
    }

    /// `+8`, `-8` or nothing.
    fn memory_offset(&mut self) -> Result<i16, Miss> {
        match self.peek().map(|token| token.text) {
            Some("+" | "-") => self.i16(),
            Some(")") => Ok(0),
            _ => self.miss(Expected::Kind("an offset such as `+8`")),
        }
    }

    /// A 64-bit number: hexadecimal, or any with `ll` behind it.
    fn wide(&mut self) -> Result<u64, Miss> {
        let hexadecimal = self
            .peek()
            .is_some_and(|token| token.text.starts_with("0x"));
        let number = self.number(i64::MIN.into(), u64::MAX.into())?;
        match self.take("ll") || hexadecimal {
            true => Ok(number as u64),
            false => self.miss(Expected::Text("ll")),
        }
    }

    /// `fd:3`, `id:3` as bpftool has it, or a name.
    fn map(&mut self) -> Result<i32, Miss> {
        let colon = self.peek_second().is_some_and(|token| token.text == ":");
        if colon && (self.take("fd") || self.take("id")) {
            self.skip();
            return self.i32();
        }
        match self.symbol() {
            Some(Symbol::Map { fd }) => {
                self.skip();
                Ok(fd)
            }
            _ => self.miss(Expected::Kind("a map, `fd:3` or a known name")),
        }
    }

    /// `idx:3`, or a name.
    fn map_index(&mut self) -> Result<i32, Miss> {
        let colon = self.peek_second().is_some_and(|token| token.text == ":");
        if colon && self.take("idx") {
            self.skip();
            return self.i32();
        }
        match self.symbol() {
            Some(Symbol::MapIndex { index }) => {
                self.skip();
                Ok(index)
            }
            _ => self.miss(Expected::Kind("a map, `idx:3` or a known name")),
        }
    }

    /// What the next token means to the resolver.
    fn symbol(&self) -> Option<Symbol> {
        let word = self.peek().filter(|token| token.is_word())?;
        (self.resolver)(word.text)
    }

    /// `pc` before an offset; the offset needs its sign.
    fn pc(&mut self) -> Result<(), Miss> {
        let offset = match self.peek() {
            Some(token) if token.text == "pc" => self.peek_second(),
            first => first,
        };
        match offset.map(|token| token.text) {
            Some("+" | "-") => {
                self.take("pc");
                Ok(())
            }
            _ => self.miss(Expected::Kind("a label, or a distance such as `pc+1`")),
        }
    }

    /// `pc+1`, or `pc+1#name` as bpftool has it. Labels are taken before.
    fn local_call(&mut self) -> Result<i32, Miss> {
        self.pc()?;
        let offset = self.i32()?;
        if self.peek().is_some_and(|token| token.text == "#") {
            self.skip();
            self.skip();
        }
        Ok(offset)
    }

    /// `name#1`, `#1`, `1` or a name.
    fn helper(&mut self) -> Result<i32, Miss> {
        let symbol = self.symbol();
        let numbered = self.peek_second().is_some_and(|token| token.text == "#");
        let word = self.peek().filter(|token| token.is_word());
        match (word, symbol) {
            (_, Some(Symbol::Kfunc { .. })) => return self.miss(Expected::Kind("a helper")),
            (Some(word), _) if word.text == "kfunc" => {
                return self.miss(Expected::Kind("a helper"));
            }
            (Some(_), _) if numbered => self.skip(),
            (Some(_), Some(Symbol::Helper(id))) => {
                self.skip();
                return Ok(id);
            }
            (Some(_), _) => return self.miss(Expected::Kind("a helper, `name#1` or a known name")),
            (None, _) => {}
        }
        self.take("#");
        self.i32()
    }

    /// `kfunc#1`, `kfunc#1@2` with a module, or a name, with or without its
    /// number.
    fn kfunc(&mut self) -> Result<(i32, i16), Miss> {
        let (mut btf_id, mut module) = match self.symbol() {
            Some(Symbol::Kfunc { btf_id, module }) => (Some(btf_id), module),
            _ => (None, 0),
        };
        if btf_id.is_none() && self.peek().is_none_or(|token| token.text != "kfunc") {
            return self.miss(Expected::Text("kfunc"));
        }
        self.skip();
        if self.take("#") {
            btf_id = Some(self.i32()?);
        }
        if self.take("@") {
            module = self.i16()?;
        }
        match btf_id {
            Some(btf_id) => Ok((btf_id, module)),
            None => self.miss(Expected::Text("#")),
        }
    }
}
