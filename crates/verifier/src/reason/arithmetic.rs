//! Refusals of arithmetic on numbers.

use std::fmt;

use abi::Errno;

use crate::scalar::Scalar;

/// Arithmetic on numbers may not be done so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Arithmetic {
    /// A division by the constant zero.
    #[error("div by zero")]
    DivisionByZero,
    /// A shift by a constant that is not less than the width, or is negative.
    #[error("invalid shift {0}")]
    Shift(i32),
    /// What is known of a number contradicts itself, and the loader asked to
    /// have that refused.
    #[error("{0}")]
    Contradiction(Contradiction),
}

/// What is known of a number contradicts itself: Linux's report of it. It goes
/// on, unless it was asked not to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Where it was noticed: `alu`, or an operand of a branch (`true_reg1`).
    pub place: &'static str,
    /// What is known.
    pub number: Scalar,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = &self.number;
        let what = if number.is_empty() {
            "range bounds violation"
        } else if number.is_const() && !number.agrees_with_bits() {
            "const tnum out of sync with range bounds"
        } else {
            "const subreg tnum out of sync with range bounds"
        };
        write!(
            f,
            "verifier bug: REG INVARIANTS VIOLATION ({}): {what} \
             u64=[{:#x}, {:#x}] s64=[{:#x}, {:#x}] u32=[{:#x}, {:#x}] s32=[{:#x}, {:#x}] \
             var_off=({:#x}, {:#x})",
            self.place,
            number.umin(),
            number.umax(),
            number.smin(),
            number.smax(),
            number.u32min(),
            number.u32max(),
            number.s32min(),
            number.s32max(),
            number.tnum().value,
            number.tnum().mask,
        )
    }
}

impl Arithmetic {
    /// See [`super::Reason::errno`].
    pub fn errno(&self) -> Errno {
        match self {
            Arithmetic::DivisionByZero | Arithmetic::Shift(_) => Errno::EINVAL,
            Arithmetic::Contradiction(_) => Errno::EFAULT,
        }
    }

    /// See [`super::Reason::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Arithmetic::DivisionByZero => "division-by-zero",
            Arithmetic::Shift(_) => "shift-amount",
            Arithmetic::Contradiction(_) => "register-invariants",
        }
    }
}
