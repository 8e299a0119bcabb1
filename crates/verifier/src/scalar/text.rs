//! Numbers and scalars as Linux's verifier log writes them.

use std::fmt::{self, Display, Formatter};

use super::Scalar;

/// A signed number: decimal if it fits 16 bits, else the hexadecimal of its 64
/// bits.
#[derive(Clone, Copy, Debug)]
pub struct SignedText(pub i64);

/// An unsigned number: decimal up to 65535, else hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct UnsignedText(pub u64);

fn is_short(number: i64) -> bool {
    i16::try_from(number).is_ok()
}

impl Display for SignedText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_short(self.0) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}

impl Display for UnsignedText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if u16::try_from(self.0).is_ok() {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:#x}", self.0)
        }
    }
}

/// The ranges and bits of a scalar, or of the variable part of a pointer, as they
/// stand among a register's attributes: `smin=0,var_off=(0x0; 0xff)`. Nothing if
/// nothing is known.
#[derive(Clone, Copy, Debug)]
pub struct Ranges<'a>(&'a Scalar);

/// One end of a range.
struct Bound {
    name: &'static str,
    /// The bits to print and to compare with other bounds. A signed 32-bit
    /// number is sign-extended if it is printed in decimal, else it is not.
    bits: u64,
    is_signed: bool,
    is_extreme: bool,
}

impl Bound {
    fn signed(name: &'static str, number: i64, extreme: i64) -> Bound {
        Bound {
            name,
            bits: number as u64,
            is_signed: true,
            is_extreme: number == extreme,
        }
    }

    fn signed32(name: &'static str, number: i32, extreme: i32) -> Bound {
        let extended = i64::from(number);
        Bound {
            name,
            bits: if is_short(extended) {
                extended as u64
            } else {
                u64::from(number as u32)
            },
            is_signed: true,
            is_extreme: number == extreme,
        }
    }

    fn unsigned(name: &'static str, number: u64, extreme: u64) -> Bound {
        Bound {
            name,
            bits: number,
            is_signed: false,
            is_extreme: number == extreme,
        }
    }

    fn is_negative(&self) -> bool {
        self.is_signed && (self.bits as i64) < 0
    }

    /// Whether both are written as one: `smin=umin=5`.
    fn merges(&self, other: &Bound) -> bool {
        self.bits == other.bits && self.is_negative() == other.is_negative()
    }
}

impl Display for Ranges<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scalar = self.0;
        let (u32max, u32min) = (u64::from(scalar.u32max()), u64::from(scalar.u32min()));
        // Minima at even places, maxima at odd ones.
        let mut bounds = [
            Bound::signed("smin", scalar.smin(), i64::MIN),
            Bound::signed("smax", scalar.smax(), i64::MAX),
            Bound::unsigned("umin", scalar.umin(), 0),
            Bound::unsigned("umax", scalar.umax(), u64::MAX),
            Bound::signed32("smin32", scalar.s32min(), i32::MIN),
            Bound::signed32("smax32", scalar.s32max(), i32::MAX),
            Bound::unsigned("umin32", u32min, 0),
            Bound::unsigned("umax32", u32max, u64::from(u32::MAX)),
        ];
        let mut separator = "";
        for at in 0..bounds.len() {
            let (printed, later) = bounds.split_at_mut(at + 1);
            let Some(bound) = printed.last().filter(|bound| !bound.is_extreme) else {
                continue;
            };
            write!(f, "{separator}{}=", bound.name)?;
            separator = ",";
            for other in later.iter_mut().skip(1).step_by(2) {
                if !other.is_extreme && bound.merges(other) {
                    write!(f, "{}=", other.name)?;
                    other.is_extreme = true;
                }
            }
            if bound.is_signed {
                SignedText(bound.bits as i64).fmt(f)?;
            } else {
                UnsignedText(bound.bits).fmt(f)?;
            }
        }
        let tnum = scalar.tnum();
        if !tnum.is_unknown() {
            let (value, mask) = (tnum.value, tnum.mask);
            write!(f, "{separator}var_off=({value:#x}; {mask:#x})")?;
        }
        Ok(())
    }
}

impl Scalar {
    /// The ranges and bits as a register's attributes.
    pub fn ranges(&self) -> Ranges<'_> {
        Ranges(self)
    }
}

impl Display for Scalar {
    /// The number, or `scalar(smin=0,…)`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.as_const() {
            Some(value) => SignedText(value as i64).fmt(f),
            None => write!(f, "scalar({})", self.ranges()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_change_to_hexadecimal_beyond_16_bits() {
        let signed = |number| SignedText(number).to_string();
        assert_eq!(signed(-32768), "-32768");
        assert_eq!(signed(-32769), "0xffffffffffff7fff");
        assert_eq!(signed(32767), "32767");
        assert_eq!(signed(32768), "0x8000");
        assert_eq!(UnsignedText(65535).to_string(), "65535");
        assert_eq!(UnsignedText(65536).to_string(), "0x10000");
    }

    #[test]
    fn a_scalar_is_a_number_or_what_is_known() {
        assert_eq!(Scalar::constant(5).to_string(), "5");
        assert_eq!(Scalar::unknown().to_string(), "scalar()");
        assert_eq!(
            Scalar::from_load(1, false).to_string(),
            "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))"
        );
    }
}
