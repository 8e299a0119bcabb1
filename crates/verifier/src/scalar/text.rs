//! Numbers as Linux's verifier log writes them.

/// A signed number.
#[derive(Clone, Copy, Debug)]
pub struct SignedText(pub i64);

/// An unsigned number.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedText(pub u64);

impl std::fmt::Display for SignedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::fmt::Display for UnsignedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
