//! Refusals of what is held and not given back, and of what is not allowed while it is held.

use abi::Errno;

/// Refusals of what is held and not given back, and of what is not allowed while it is held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reference {}

impl Reference {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match *self {}
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match *self {}
    }
}
