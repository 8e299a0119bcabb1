//! What can be wrong with a file test.

use super::super::DeclaredError;

/// Why a file is no test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", place(*line))]
pub struct FileTestError {
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub fault: FileTestFault,
}

fn place(line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!("line {line}: "),
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileTestFault {
    /// No header has this name.
    #[error("`{0}` is no field of the header")]
    Key(String),
    /// A value that is not what is wanted there.
    #[error("`{found}` is not {expected}")]
    Value {
        /// The value.
        found: String,
        /// What is wanted.
        expected: &'static str,
    },
    /// Types that are not understood.
    #[error(transparent)]
    Types(#[from] DeclaredError),
    /// Types that are no BTF.
    #[error(transparent)]
    Btf(#[from] btf::Error),
    /// A program that does not assemble.
    #[error(transparent)]
    Asm(#[from] isa::asm::AsmError),
    /// Functions that cannot be told from one another.
    #[error(transparent)]
    Code(#[from] isa::CodeError),
    /// There are more signatures than functions.
    #[error("{signatures} signatures for {functions} functions")]
    Functions {
        /// How many signatures stand in the header.
        signatures: usize,
        /// How many functions the program has.
        functions: usize,
    },
}

impl FileTestFault {
    pub(super) fn at(self, line: usize) -> FileTestError {
        FileTestError { line, fault: self }
    }

    pub(super) fn value(found: &str, expected: &'static str) -> FileTestFault {
        let found = found.to_owned();
        FileTestFault::Value { found, expected }
    }
}

impl From<isa::asm::AsmError> for FileTestError {
    fn from(error: isa::asm::AsmError) -> FileTestError {
        FileTestFault::Asm(error).at(0)
    }
}
