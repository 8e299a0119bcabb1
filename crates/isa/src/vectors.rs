//! Reader of conformance vectors: programs with what they must compute.
//!
//! The vectors lie in `corpus/insn/*.data`; the README there defines the form
//! and how a program is to be run. Whoever runs instructions runs these.

/// One program and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// Unique in its file.
    pub name: String,
    /// The line of the name, counted from 1.
    pub line: usize,
    /// The program, for [`crate::asm::assemble`].
    pub asm: String,
    /// Memory that the program gets.
    pub memory: Vec<u8>,
    /// The packet that legacy packet loads read.
    pub packet: Option<Vec<u8>>,
    /// What must come of it.
    pub outcome: Outcome,
    /// For readers; says so when Linux refuses the program.
    pub note: Option<String>,
}

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returns this `r0`.
    Result(u64),
    /// It is stopped.
    Error(ErrorKind),
}

/// Why a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is refused as a whole, see [`crate::Code::check`].
    Structure,
    /// It reaches a slot without meaning.
    Invalid,
    /// It reaches an access outside its memory.
    Access,
    /// It makes more call frames than eight.
    Depth,
    /// It does not end.
    Budget,
    /// It reaches something that its environment lacks.
    Unsupported,
}

/// Where and why a text is not a file of vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct VectorError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: VectorFault,
}

/// What is wrong with a file of vectors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VectorFault {
    /// A line that belongs to no vector or section.
    #[error("expected `== name` or `-- section`")]
    Stray,
    /// Two vectors of one name, or two sections of one kind in a vector.
    #[error("{0} stands here twice")]
    Twice(String),
    /// A section that there is not.
    #[error("there is no section {0}")]
    Section(String),
    /// A vector lacks a section that it needs.
    #[error("the vector has no {0}")]
    Missing(&'static str),
    /// A section does not hold what it should.
    #[error("{0:?} is not {1}")]
    Content(String, &'static str),
}

/// Reads a file of vectors.
pub fn parse(text: &str) -> Result<Vec<Vector>, VectorError> {
    let mut vectors: Vec<Vector> = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((i, line)) = lines.next() {
        let error = |fault| VectorError { line: i + 1, fault };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.strip_prefix("== ").ok_or(error(VectorFault::Stray))?;
        if vectors.iter().any(|vector| vector.name == name) {
            return Err(error(VectorFault::Twice(name.to_owned())));
        }
        let mut sections = Sections::default();
        while let Some((i, line)) = lines.next_if(|(_, line)| !line.starts_with("== ")) {
            sections
                .line(line)
                .map_err(|fault| VectorError { line: i + 1, fault })?;
        }
        vectors.push(sections.vector(name, i + 1).map_err(error)?);
    }
    Ok(vectors)
}

/// The sections of one vector.
#[derive(Default)]
struct Sections<'a> {
    /// Names and contents, in the order of the file.
    all: Vec<(&'a str, String)>,
}

impl<'a> Sections<'a> {
    const NAMES: [&'static str; 6] = ["asm", "mem", "packet", "result", "error", "note"];

    fn line(&mut self, line: &'a str) -> Result<(), VectorFault> {
        let Some(name) = line.strip_prefix("-- ") else {
            return match self.all.last_mut() {
                Some((_, content)) => {
                    content.push_str(line);
                    content.push('\n');
                    Ok(())
                }
                None if line.is_empty() => Ok(()),
                None => Err(VectorFault::Stray),
            };
        };
        if !Self::NAMES.contains(&name) {
            return Err(VectorFault::Section(name.to_owned()));
        }
        if self.get(name).is_some() {
            return Err(VectorFault::Twice(format!("-- {name}")));
        }
        self.all.push((name, String::new()));
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let section = self.all.iter().find(|(section, _)| *section == name);
        section.map(|(_, content)| content.as_str())
    }

    fn vector(&self, name: &str, line: usize) -> Result<Vector, VectorFault> {
        let asm = self.get("asm").ok_or(VectorFault::Missing("-- asm"))?;
        let outcome = match (self.get("result"), self.get("error")) {
            (Some(result), None) => Outcome::Result(number(result.trim())?),
            (None, Some(error)) => Outcome::Error(error_kind(error.trim())?),
            (None, None) => return Err(VectorFault::Missing("-- result or -- error")),
            (Some(_), Some(_)) => return Err(VectorFault::Twice("the outcome".to_owned())),
        };
        Ok(Vector {
            name: name.to_owned(),
            line,
            asm: asm.to_owned(),
            memory: self.get("mem").map_or(Ok(Vec::new()), bytes)?,
            packet: self.get("packet").map(bytes).transpose()?,
            outcome,
            note: self.get("note").map(|note| note.trim().to_owned()),
        })
    }
}

fn number(text: &str) -> Result<u64, VectorFault> {
    text.strip_prefix("0x")
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(VectorFault::Content(
            text.to_owned(),
            "a hexadecimal number of 64 bits",
        ))
}

fn error_kind(text: &str) -> Result<ErrorKind, VectorFault> {
    match text {
        "structure" => Ok(ErrorKind::Structure),
        "invalid" => Ok(ErrorKind::Invalid),
        "access" => Ok(ErrorKind::Access),
        "depth" => Ok(ErrorKind::Depth),
        "budget" => Ok(ErrorKind::Budget),
        "unsupported" => Ok(ErrorKind::Unsupported),
        _ => Err(VectorFault::Content(text.to_owned(), "a kind of error")),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, VectorFault> {
    let byte = |text: &str| match text.len() {
        2 => u8::from_str_radix(text, 16).ok(),
        _ => None,
    };
    text.split_whitespace()
        .map(|text| byte(text).ok_or(VectorFault::Content(text.to_owned(), "a hexadecimal byte")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_sections() {
        let text = "# comment\n\n== one\n-- asm\nr0 = 1\nexit\n-- mem\n00 ff\n\
                    -- packet\n01\n-- result\n0x1\n-- note\nwhy\n\n\
                    == two\n-- asm\nexit\n-- error\naccess\n";
        let vectors = parse(text).expect("a good file");
        let [one, two] = vectors.as_slice() else {
            panic!("two vectors");
        };
        assert_eq!((one.name.as_str(), one.line), ("one", 3));
        assert_eq!(one.asm, "r0 = 1\nexit\n");
        assert_eq!(one.memory, [0, 0xff]);
        assert_eq!(one.packet, Some(vec![1]));
        assert_eq!(one.outcome, Outcome::Result(1));
        assert_eq!(one.note.as_deref(), Some("why"));
        assert_eq!(two.outcome, Outcome::Error(ErrorKind::Access));
    }

    #[test]
    fn faults_have_lines() {
        let fault = |text| parse(text).map_err(|error| error.to_string());
        let cases = [
            ("x", "line 1: expected `== name` or `-- section`"),
            ("== a\n-- what\n", "line 2: there is no section what"),
            (
                "== a\n-- asm\nexit\n",
                "line 1: the vector has no -- result or -- error",
            ),
            ("== a\n-- result\n0x0\n", "line 1: the vector has no -- asm"),
            ("== a\n-- asm\n-- asm\n", "line 3: -- asm stands here twice"),
            (
                "== a\n-- asm\n-- mem\n1\n-- result\n0x0",
                "line 1: \"1\" is not a hexadecimal byte",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(text), Err(expected.to_owned()), "{text:?}");
        }
    }
}
