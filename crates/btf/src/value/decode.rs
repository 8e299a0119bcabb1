//! Bytes to a [`Value`].

use super::{
    Error, MAX_NESTING, Path, Problem, Value,
    layout::{Fields, Layouts, NoShape, Shape},
};
use crate::{Btf, Enum, Int, TypeId};

/// Values that may come of no bytes at all, and of each byte: a byte may hold
/// eight bitfields, and the members of unions share theirs.
const VALUES_PER_CALL: usize = 1 << 16;
const VALUES_PER_BYTE: usize = 8;
/// Names are copied into values; long ones count as further values.
const NAME_BYTES_PER_VALUE: usize = 32;

/// The value of type `id` that `bytes` hold, which have to be exactly as many as
/// the type takes.
///
/// # Errors
///
/// [`Problem::WrongSize`]; [`Problem::Unsized`] for types without values;
/// otherwise only if the BTF is broken.
pub fn decode(btf: &Btf, id: TypeId, bytes: &[u8]) -> Result<Value, Error> {
    let mut decoder = Decoder {
        layouts: Layouts::new(btf),
        path: Path::default(),
        left: VALUES_PER_CALL.saturating_add(bytes.len().saturating_mul(VALUES_PER_BYTE)),
    };
    let Some(size) = btf.size_of(id) else {
        return Err(decoder.no_shape(id, NoShape::Unsized));
    };
    if bytes.len() != size as usize {
        let ty = btf.type_name(id).to_string();
        let (expected, found) = (size.into(), bytes.len() as u64);
        return Err(decoder.path.error(Problem::WrongSize {
            ty,
            expected,
            found,
        }));
    }
    decoder.value(
        id,
        Place {
            bytes,
            bit_offset: 0,
            bitfield_size: 0,
        },
        0,
    )
}

/// Where a value is.
#[derive(Clone, Copy)]
struct Place<'b> {
    /// Of the whole.
    bytes: &'b [u8],
    bit_offset: u64,
    /// 0 for what is no bitfield.
    bitfield_size: u32,
}

impl<'b> Place<'b> {
    /// So many bits as a number; at most 128.
    fn bits(self, count: u32) -> Option<u128> {
        read_bits(self.bytes, self.bit_offset, count)
    }

    /// So many whole bytes.
    fn bytes(self, count: u32) -> Option<&'b [u8]> {
        if !self.bit_offset.is_multiple_of(8) || self.bitfield_size != 0 {
            return None;
        }
        let start = usize::try_from(self.bit_offset / 8).ok()?;
        self.bytes.get(start..start.checked_add(count as usize)?)
    }
}

/// Bits of little-endian memory as a number.
pub(super) fn read_bits(bytes: &[u8], bit_offset: u64, count: u32) -> Option<u128> {
    if count > 128 {
        return None;
    }
    let end = bit_offset.checked_add(count.into())?;
    let first = usize::try_from(bit_offset / 8).ok()?;
    let last = usize::try_from(end.div_ceil(8)).ok()?;
    let bytes = bytes.get(first..last)?;
    let shift = (bit_offset % 8) as u32;
    let mut value = 0u128;
    for (i, &byte) in bytes.iter().enumerate() {
        let at = 8 * i as u32;
        let byte = u128::from(byte);
        value |= if at >= shift {
            byte.checked_shl(at - shift).unwrap_or(0)
        } else {
            byte >> shift
        };
    }
    Some(value & low_mask(count))
}

/// Where element `index` of an array lies; offsets beyond memory stay beyond it.
pub(super) fn element(bit_offset: u64, index: u64, elem_size: u32) -> u64 {
    bit_offset.saturating_add(index.saturating_mul(u64::from(elem_size) * 8))
}

/// The lowest `count` bits.
pub(super) fn low_mask(count: u32) -> u128 {
    if count == 0 {
        0
    } else {
        u128::MAX >> (128 - count.min(128))
    }
}

struct Decoder<'a> {
    layouts: Layouts<'a>,
    path: Path,
    /// How many more values may be made.
    left: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, id: TypeId, place: Place<'_>, depth: usize) -> Result<Value, Error> {
        if depth > MAX_NESTING {
            return Err(self.no_shape(id, NoShape::TooDeep));
        }
        self.spend(id, 1)?;
        let shape = match self.layouts.shape(id) {
            Ok(shape) => shape,
            Err(problem) => return Err(self.no_shape(id, problem)),
        };
        let value = match shape {
            Shape::Int(int) => decode_int(&int, place),
            Shape::Enum(ty) => {
                let value = decode_enum(ty, place);
                if let Some(Value::Enum { name, .. }) = &value {
                    self.spend(id, name.len() / NAME_BYTES_PER_VALUE)?;
                }
                value
            }
            Shape::Ptr => {
                let bits = place.bits(self.layouts.btf.pointer_size() * 8);
                bits.map(|bits| Value::Ptr(bits as u64))
            }
            Shape::Float => {
                let size = self.layouts.btf.size_of(id).unwrap_or(0);
                place.bytes(size).map(decode_float)
            }
            Shape::Array {
                elem,
                len,
                elem_size,
                text,
            } => {
                if let Some(text) = text.then(|| place.bytes(len).and_then(as_text)).flatten() {
                    return Ok(Value::String(text));
                }
                return self.array(elem, len, elem_size, place, depth);
            }
            Shape::Fields(fields) => return self.fields(&fields, place, depth),
        };
        value.ok_or_else(|| {
            let ty = self.layouts.btf.type_name(id).to_string();
            self.path.error(Problem::OutOfBounds { ty })
        })
    }

    fn array(
        &mut self,
        elem: TypeId,
        len: u32,
        elem_size: u32,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Value, Error> {
        let mut values = Vec::new();
        for index in 0..u64::from(len) {
            let bit_offset = element(place.bit_offset, index, elem_size);
            let back = self.path.index(index as usize);
            values.push(self.value(
                elem,
                Place {
                    bit_offset,
                    ..place
                },
                depth + 1,
            )?);
            self.path.back(back);
        }
        Ok(Value::Array(values))
    }

    fn fields(
        &mut self,
        fields: &Fields<'a>,
        place: Place<'_>,
        depth: usize,
    ) -> Result<Value, Error> {
        let mut values = Vec::new();
        for field in &fields.list {
            let bit_offset = place.bit_offset.saturating_add(field.bit_offset);
            let inner = Place {
                bit_offset,
                bitfield_size: field.bitfield_size,
                ..place
            };
            let back = self.path.field(field.name);
            self.spend(field.ty, field.name.len() / NAME_BYTES_PER_VALUE)?;
            values.push((
                field.name.to_owned(),
                self.value(field.ty, inner, depth + 1)?,
            ));
            self.path.back(back);
        }
        Ok(Value::Struct(values))
    }

    /// Counts down to an error.
    fn spend(&mut self, id: TypeId, values: usize) -> Result<(), Error> {
        let left = self.left.checked_sub(values);
        self.left = left.ok_or_else(|| self.no_shape(id, NoShape::TooDeep))?;
        Ok(())
    }

    fn no_shape(&self, id: TypeId, problem: NoShape) -> Error {
        let ty = self.layouts.btf.type_name(id).to_string();
        self.path.error(match problem {
            NoShape::Unsized => Problem::Unsized { ty },
            NoShape::TooDeep => Problem::TooDeep { ty },
        })
    }
}

fn decode_int(int: &Int<'_>, place: Place<'_>) -> Option<Value> {
    let (count, place) = match place.bitfield_size {
        0 => {
            let bit_offset = place.bit_offset.saturating_add(int.bit_offset.into());
            (
                int.bits.into(),
                Place {
                    bit_offset,
                    ..place
                },
            )
        }
        count => (count, place),
    };
    let bits = place.bits(count)?;
    if int.bool && bits <= 1 {
        return Some(Value::Bool(bits == 1));
    }
    if int.char && (0x20..0x7f).contains(&bits) {
        return Some(Value::Char(bits as u8 as char));
    }
    Some(number(bits, count, int.signed))
}

/// `count` bits as a number; those above `i128::MAX` as text.
fn number(bits: u128, count: u32, signed: bool) -> Value {
    let negative = signed && count > 0 && bits >> (count - 1) & 1 == 1;
    if negative {
        return Value::Int((bits | !low_mask(count)) as i128);
    }
    match i128::try_from(bits) {
        Ok(value) => Value::Int(value),
        Err(_) => Value::String(format!("{bits:#x}")),
    }
}

fn decode_enum(ty: Enum<'_>, place: Place<'_>) -> Option<Value> {
    let count = match place.bitfield_size {
        0 => ty.size.checked_mul(8)?,
        count => count,
    };
    let value = match number(place.bits(count)?, count, ty.signed) {
        Value::Int(value) => value,
        other => return Some(other),
    };
    let named = ty.values().find(|enumerator| enumerator.value == value);
    Some(match named {
        Some(enumerator) => Value::Enum {
            value,
            name: enumerator.name.to_owned(),
        },
        None => Value::Int(value),
    })
}

fn decode_float(bytes: &[u8]) -> Value {
    let value = if let Ok(bytes) = bytes.try_into() {
        Some(f64::from_le_bytes(bytes))
    } else if let Ok(bytes) = bytes.try_into() {
        Some(f32::from_le_bytes(bytes).into())
    } else {
        None
    };
    match value {
        Some(value) if value.is_finite() => Value::Float(value),
        _ => Value::Bytes(bytes.to_owned()),
    }
}

/// Printable ASCII, a zero, and nothing but zeros after that.
fn as_text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let (text, rest) = bytes.split_at(end);
    let printable = text.iter().all(|byte| (0x20..0x7f).contains(byte));
    let lossless = rest.iter().all(|&byte| byte == 0);
    (printable && lossless).then(|| text.iter().map(|&byte| byte as char).collect())
}
