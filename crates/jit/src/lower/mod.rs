//! What instructions come to when they are seen together.
//!
//! Within a block nothing is computed before it is used. A register whose new value
//! is a simple expression over others keeps that expression, a [`Value`], and the
//! instruction that uses the register takes it up where x86 can say it in one: as
//! the address of an access, as an operand, as a rotation, as one load for two.
//! What nobody uses is never computed. All of it is arithmetic on small values, done
//! once for each instruction, in the order of the program.
//!
//! * [`value`]: the expressions;
//! * [`bits`]: which bits of them may be set, so that extensions are left out;
//! * [`divide`]: division by multiplication.

mod bits;
mod divide;
mod value;

pub(crate) use bits::{Bits, LOW, alu as bits_of_alu, smear};
pub(crate) use divide::Reciprocal;
pub(crate) use value::{Loaded, Shift, Sum, Value};
