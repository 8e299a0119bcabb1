//! Scalars: what is known of a number.

pub mod text;

/// Placeholder until the domain stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar(Option<u64>);

impl Scalar {
    /// Any number.
    pub const UNKNOWN: Scalar = Scalar(None);

    /// The number `n`.
    pub fn constant(n: u64) -> Scalar {
        Scalar(Some(n))
    }

    /// Its ranges as Linux writes them.
    pub fn ranges(&self) -> &'static str {
        ""
    }

    /// The number, if it is known.
    pub fn as_const(&self) -> Option<u64> {
        self.0
    }
}
