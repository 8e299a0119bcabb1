//! Time units of an interface, to nanoseconds since the epoch.

/// `if_tsresol` and `if_tsoffset` of pcapng (draft-ietf-opsawg-pcapng, section
/// 4.2), made ready for conversion.
///
/// Times before 1970 become 0, those after 2554 `u64::MAX`; a fraction of a
/// nanosecond is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolution {
    scale: Scale,
    /// Nanoseconds to add.
    offset: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// A unit is so many nanoseconds.
    Multiply(u64),
    /// So many units are a nanosecond.
    Divide(u64),
    /// A unit is 2 to the minus this seconds.
    Binary(u32),
}

const NANOS: u64 = 1_000_000_000;

impl Resolution {
    pub(super) const MICROSECONDS: Resolution = Resolution {
        scale: Scale::Multiply(1_000),
        offset: 0,
    };

    /// From the byte of `if_tsresol`, a negative power of ten, or of two if the
    /// highest bit is set, and the seconds of `if_tsoffset`.
    ///
    /// `None` for units of which 64 bits are less than a second, as for libpcap:
    /// nobody measures so, but damaged files say it.
    pub(super) fn new(tsresol: u8, offset_seconds: i64) -> Option<Self> {
        let exponent = u32::from(tsresol & 0x7f);
        let scale = match (tsresol & 0x80, exponent) {
            (0, 0..=9) => Scale::Multiply(10_u64.pow(9 - exponent)),
            (0, 10..=19) => Scale::Divide(10_u64.pow(exponent - 9)),
            (0x80, 0..=63) => Scale::Binary(exponent),
            _ => return None,
        };
        let offset = i128::from(offset_seconds) * i128::from(NANOS);
        Some(Resolution { scale, offset })
    }

    #[inline]
    pub(super) fn nanoseconds(self, units: u64) -> u64 {
        if self.offset == 0
            && let Scale::Multiply(factor) = self.scale
        {
            return units.saturating_mul(factor);
        }
        self.wide(units)
    }

    fn wide(self, units: u64) -> u64 {
        let units = u128::from(units);
        let scaled = match self.scale {
            Scale::Multiply(factor) => units * u128::from(factor),
            Scale::Divide(divisor) => units / u128::from(divisor),
            Scale::Binary(bits) => (units * u128::from(NANOS)) >> bits,
        };
        // Below 2^94 and 2^93: neither the conversion nor the sum can overflow.
        let sum = scaled as i128 + self.offset;
        sum.clamp(0, i128::from(u64::MAX)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(tsresol: u8, offset_seconds: i64) -> Resolution {
        Resolution::new(tsresol, offset_seconds).expect("a resolution")
    }

    /// The instant 1,000.5 s in each resolution that can express it.
    #[test]
    fn every_resolution_gives_the_same_instant() {
        for (tsresol, units) in [
            (1, 10_005),
            (3, 1_000_500),
            (6, 1_000_500_000),
            (9, 1_000_500_000_000),
            (12, 1_000_500_000_000_000),
            (0x81, 2_001),
            (0x8a, 1_024_512),
            (0xa0, 1_000 * (1 << 32) + (1 << 31)),
            (0xb2, (1_000 << 50) + (1 << 49)),
        ] {
            let ns = new(tsresol, 0).nanoseconds(units);
            assert_eq!(ns, 1_000_500_000_000, "if_tsresol {tsresol:#x}");
        }
        assert_eq!(new(0, 0).nanoseconds(1_000), 1_000 * NANOS);
        assert_eq!(new(0x80, 0).nanoseconds(1_000), 1_000 * NANOS);
        assert_eq!(new(6, 0), Resolution::MICROSECONDS);
    }

    #[test]
    fn offset_is_in_seconds_and_signed() {
        assert_eq!(new(6, 10).nanoseconds(1), 10 * NANOS + 1_000);
        assert_eq!(new(6, -1).nanoseconds(1_500_000), NANOS / 2);
        assert_eq!(new(0x82, 3).nanoseconds(1), 3 * NANOS + NANOS / 4);
    }

    #[test]
    fn what_does_not_fit_is_clamped() {
        assert_eq!(new(6, -1).nanoseconds(0), 0);
        assert_eq!(new(6, i64::MIN).nanoseconds(u64::MAX), 0);
        assert_eq!(new(6, i64::MAX).nanoseconds(u64::MAX), u64::MAX);
        assert_eq!(new(0, 0).nanoseconds(u64::MAX), u64::MAX);
        assert_eq!(new(0, 1).nanoseconds(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_finest_units_that_are_believed() {
        assert_eq!(new(19, 0).nanoseconds(u64::MAX), 1_844_674_407);
        assert_eq!(new(0xbf, 0).nanoseconds(u64::MAX), 1_999_999_999);
        for tsresol in (20..=0x7f).chain(0xc0..=0xff) {
            assert_eq!(Resolution::new(tsresol, 0), None, "{tsresol:#x}");
        }
    }
}
