//! Refusals of arithmetic on pointers and comparisons of them.

use abi::Errno;

/// Refusals of arithmetic on pointers and comparisons of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Pointer {}

impl Pointer {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match *self {}
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match *self {}
    }
}
