//! Refusals of calls of helpers, kernel functions and functions of the program.

use abi::Errno;

/// Refusals of calls of helpers, kernel functions and functions of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Call {}

impl Call {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match *self {}
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match *self {}
    }
}
